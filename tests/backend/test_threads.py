"""Threads that wait must not take cores from other programs, in the worker as in the command line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lwsw.jobs.threads import let_threads_sleep

WORKER = """
import os, sys
from pathlib import Path
import lwsw.server.worker as worker
assert "torch" not in sys.modules
worker._run_job()
assert "torch" in sys.modules and os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
"""
COMMAND_LINE = """
import os, sys
from pathlib import Path
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.session import run_session
from lwsw.jobs.settings import StylizeSettings
assert "torch" not in sys.modules
job = JobDirectory.create(
    Path(sys.argv[1]), frames=[1], width=8, height=8, styles=["a.png"], settings=StylizeSettings.from_dict({})
)
job.result_path(1).touch()
for path in (*job.style_paths, job.frame_path(1)):
    path.touch()
run_session(job, lambda event: None)
assert "torch" in sys.modules and os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
"""


@pytest.mark.parametrize("code", [WORKER, COMMAND_LINE])
def test_the_policy_is_set_before_torch_is_loaded(tmp_path, code):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "job")], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
