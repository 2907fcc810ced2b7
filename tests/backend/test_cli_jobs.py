"""``lwsw job``, and ends that nobody wished for: Ctrl-C, a full disk, an error nobody expected. In processes of their own where needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from support_cli import command
from support_jobs import make_job, wait_until

from lwsw import __version__
from lwsw.cli import main
from lwsw.jobs.directory import JobDirectory


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out == f"lwsw {__version__}\n"


def test_job_status(clip, quick, capsys):
    quick.fail_at = 9
    main(command(clip))
    capsys.readouterr()
    out = clip.parent / "out"
    assert main(["job", "status", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "failed, 2 of 3" in shown and "frame 9" in shown and "The Vector pass holds NaN." in shown
    assert main(["job", "status", str(out / "job"), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["state"] == "failed" and status["results"] == [7, 8] and status["error"]["code"] == "bad_pass_values"
    assert main(["job", "status", str(clip)]) == 1
    assert "no job" in capsys.readouterr().err


def test_job_resume_puts_frames_beside_the_job(clip, quick, capsys):
    quick.fail_at = 9
    main(command(clip))
    quick.fail_at = None
    out = clip.parent / "out"
    assert main(["job", "resume", str(out / "job"), "--json"]) == 0
    assert (out / "0009.png").exists()
    assert json.loads(capsys.readouterr().out)["out"] == str(out)
    main(["job", "status", str(out), "--json"])
    assert json.loads(capsys.readouterr().out)["state"] == "done"


def test_job_resume_of_a_job_of_the_backend(tmp_path, quick):
    job = make_job(tmp_path / "job")
    assert main(["job", "resume", str(job.path)]) == 0
    assert job.first_unfinished() is None


def test_a_job_that_somebody_else_works_on(clip, quick, capsys):
    quick.fail_at = 9
    main(command(clip))
    job = JobDirectory.open(clip.parent / "out" / "job")
    with job.lock():
        main(["job", "status", str(job.path)])
        assert "running" in capsys.readouterr().out
        before = job.events()
        for words in (["job", "resume", str(job.path)], command(clip), command(clip, "--overwrite")):
            assert main(words) == 1
            assert "already running" in capsys.readouterr().err
        assert job.events() == before, "its log is left alone"


def test_what_nobody_expected_is_told_too(clip, quick, capsys):
    quick.fail_at, quick.error = 8, RuntimeError("shape mismatch")
    assert main(command(clip, "--json")) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == "internal"
    assert "shape mismatch" in shown.err and "Traceback" in shown.err, "the traceback goes into the bug report"


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down that Ctrl-C is ignored
from lwsw.cli import main
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_control_c_keeps_finished_frames(clip):
    words = command(clip, "--iterations", "300", "--json")
    words = [sys.executable, "-c", INTERRUPTIBLE, *words]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = clip.parent / "out" / "0007.png"
        wait_until(lambda: first.exists() or process.poll() is not None, 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert json.loads(out)["error"]["code"] == "cancelled" and "Traceback" not in err
    assert first.exists()
    assert main(["job", "status", str(clip.parent / "out")]) == 0
    assert JobDirectory.open(clip.parent / "out" / "job").events()[-1]["event"] == "job_cancelled"


LIMITED = """
import resource, sys
from lwsw.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of the file size, which looks to a program like a full disk")
def test_a_full_disk(clip):
    words = command(clip, "--json")
    done = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and json.loads(done.stdout)["error"]["code"] == "disk_full", done.stderr
    assert "Traceback" not in done.stderr and "resume" in done.stderr
    left = [path.name for path in (clip.parent / "out").rglob("*") if "tmp" in path.name]
    assert left == []
    assert main(words) == 0, "with space again the same command goes on"


def test_nothing_heavy_is_loaded_before_it_is_needed():
    heavy = "('torch', 'numpy', 'cv2', 'fastapi')"
    code = f"import sys, lwsw.cli; lwsw.cli._parser(['stylize']).format_help(); sys.exit(sum(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_serve_says_when_a_port_is_taken(tmp_path, capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        assert main(["serve", "--port", str(taken.getsockname()[1]), "--jobs", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "port" in shown.err and shown.out == ""
