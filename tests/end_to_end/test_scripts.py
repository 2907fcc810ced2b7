"""scripts/setup and scripts/test: what they decide, count and say."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import environments
import pytest
import run_tests

ROOT = Path(__file__).resolve().parent.parent.parent

REPORT = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'


def write_and(report: Path, then: str) -> list[str]:
    return [sys.executable, "-c", f"import pathlib, sys, time; pathlib.Path({str(report)!r}).write_text({REPORT!r}); {then}"]


def test_counts_come_from_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    run = run_tests.Run("name", write_and(report, "sys.exit(1)"), limit=30)
    run_tests.execute(run, report)
    assert (run.passed, run.failed, run.skipped, run.notes) == (3, 2, 2, [])


def test_a_run_that_hangs_after_its_result_is_ended_and_keeps_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "GRACE", 0.5)
    report = tmp_path / "report.xml"
    run = run_tests.Run("name", write_and(report, "time.sleep(60)"), limit=30)
    run_tests.execute(run, report)
    assert (run.passed, run.failed) == (3, 2)
    assert run.seconds < 20
    assert "did not end" in run.notes[0]


def test_a_run_past_its_limit_fails(tmp_path: Path) -> None:
    run = run_tests.Run("name", [sys.executable, "-c", "import time; time.sleep(60)"], limit=1)
    run_tests.execute(run, tmp_path / "report.xml")
    assert (run.passed, run.failed) == (0, 1)
    assert "limit" in run.notes[0]


def test_a_run_that_dies_fails(tmp_path: Path) -> None:
    run = run_tests.Run("name", [sys.executable, "-c", "import os; os.abort()"], limit=30)
    run_tests.execute(run, tmp_path / "report.xml")
    assert (run.passed, run.failed) == (0, 1)


def test_runs_go_side_by_side_and_each_keeps_its_words_together(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each waits for the other, in the middle of what it says."""
    script = (
        "import pathlib, sys, time; here, there = map(pathlib.Path, sys.argv[1:]); print('first', here.name, flush=True); here.touch()\n"
        "while not there.exists(): time.sleep(0.01)\n"
        "print('then', here.name)"
    )
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    ways = {"A": (a, b), "B": (b, a)}
    runs = [run_tests.Run(name, [sys.executable, "-c", script, *paths], 30, is_pytest=False) for name, paths in ways.items()]
    run_tests.execute_all(runs, tmp_path, 2)
    assert [(run.passed, run.failed, run.notes) for run in runs] == [(1, 0, []), (1, 0, [])]
    said = capfd.readouterr().out
    assert all(f"first {name}\nthen {name}\n" in said for name in "ab")


def test_paths_choose_the_runs() -> None:
    def names(*arguments: str, fast: bool = False) -> list[str]:
        return [run.name for run in run_tests.plan(Namespace(fast=fast, limit=0.0), list(arguments))]

    checks = ["ruff", "mypy linux", "mypy win32", "mypy scripts"]
    assert names() == [*checks, "backend", "Blender 5.0", "Blender 4.5", "end to end"]
    assert names(fast=True) == [*checks, "backend", "Blender 5.0"]
    assert names("tests/blender") == ["Blender 5.0", "Blender 4.5"]
    assert names("tests/end_to_end/test_scripts.py", "-x") == ["end to end"]
    assert names("tests") == ["backend", "Blender 5.0", "Blender 4.5", "end to end"]
    assert names("-k", "flow") == ["backend", "Blender 5.0", "Blender 4.5", "end to end"]


def test_a_python_that_is_missing_is_said_with_the_way_out() -> None:
    with pytest.raises(environments.SetupError) as caught:
        environments.find_python([(3, 99)], "the bpy module")
    assert "Python 3.99 is needed for the bpy module and was not found" in str(caught.value)
    assert "--blender" in str(caught.value)


def test_fingerprint_follows_what_the_environment_is_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    backend, blender = environments.ENVIRONMENTS["backend"], environments.ENVIRONMENTS["blender"]
    before = backend.fingerprint(), blender.fingerprint()
    assert before == (backend.fingerprint(), blender.fingerprint())
    monkeypatch.setenv("LWSW_TORCH_INDEX", "https://example.org/simple")
    assert backend.fingerprint() != before[0]
    assert blender.fingerprint() == before[1]


@pytest.mark.parametrize(
    ("requires", "needs"),
    [(["numpy", "sympy"], False), (["sympy", 'nvidia-cublas-cu12==12.8.4.1; platform_system == "Linux"'], True), (["triton==3.6"], True)],
)
def test_a_cuda_build_of_torch_is_recognized_by_what_it_requires(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requires: list[str], needs: bool
) -> None:
    def answer(command: list[str], *_: Any) -> str:
        Path(command[command.index("--report") + 1]).write_text(json.dumps({"install": [{"metadata": {"requires_dist": requires}}]}))
        return ""

    monkeypatch.setattr(environments, "run_quietly", answer)
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")
    assert environments._needs_cuda_packages(environments.ENVIRONMENTS["backend"], None, tmp_path / "log") is needs


def test_the_environments_that_run_this_are_up_to_date() -> None:
    done = subprocess.run([str(ROOT / "scripts" / "setup"), "--check", "backend"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, ".venv: up to date\n")


def test_an_unknown_environment_is_refused() -> None:
    done = subprocess.run([str(ROOT / "scripts" / "setup"), "maya"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "there is no environment 'maya'" in done.stderr
