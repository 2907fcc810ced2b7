"""Beginning and end of a backend: jobs of one that was killed, old jobs, two at once, and a clean end."""

from __future__ import annotations

import os
import signal
import time

import httpx
import pytest
from support_jobs import make_job, picture, wait_until
from support_server import running

from lwsw.jobs.directory import JobDirectory


def test_a_new_server_finds_the_jobs_of_one_that_was_killed(tmp_path):
    jobs, scratch = tmp_path / "jobs", tmp_path / "scratch"
    scratch.mkdir()
    with running(jobs, scratch) as backend:
        created, done, hanging = backend.create(), backend.ready_job(), backend.ready_job(behave="hang")
        backend.start(done)
        backend.wait(done, "done")
        backend.start(hanging)
        wait_until(lambda: backend.status(hanging)["iteration"] == 4)
        backend.process.kill()
        backend.process.wait()
        killed = time.monotonic()
        job = JobDirectory.open(jobs / hanging)
        wait_until(lambda: not job.is_locked(), 3.0)
        assert time.monotonic() - killed < 2.0, "the worker must not outlive the server"
    with running(jobs, scratch) as backend:
        assert backend.status(created)["state"] == "created"
        assert backend.status(done)["state"] == "done" and backend.status(done)["seconds_per_frame"] is None
        status = backend.status(hanging)
        assert status["state"] == "failed" and status["error"]["code"] == "backend_gone"
        (jobs / hanging / "behave").write_text("")
        backend.client.post(f"/v1/jobs/{hanging}/resume")
        assert backend.wait(hanging, "done", "failed")["state"] == "done"


def test_jobs_that_ended_long_ago_are_removed_at_the_start(tmp_path):
    jobs = tmp_path / "jobs"

    def old(name: str, event: str = "", days: float = 31, finished: bool = False) -> JobDirectory:
        job = make_job(jobs / name, frames=(1,))
        with job.lock():  # leaves the file
            pass
        if event:
            job.append_event({"event": event, "error": {"code": "internal", "message": "It broke.", "hint": ""}})
        if finished:
            job.result_path(1).write_bytes(picture())
        then = time.time() - days * 86_400
        for path in (*job.path.rglob("*"), job.path):
            os.utime(path, (then, then))
        return job

    old("done", finished=True)
    old("cancelled", "job_cancelled")
    old("created")
    old("failed", "job_failed")
    old("stopped", "job_started")
    old("recent", finished=True, days=29)
    os.utime(old("touched", finished=True).path / "results")
    held = old("held", finished=True)
    damaged = old("damaged", finished=True)
    (damaged.path / "job.json").write_text("{")
    os.utime(damaged.path / "job.json", (0, 0))
    (jobs / "no job").mkdir()
    os.utime(jobs / "no job", (0, 0))
    expected = {"created", "failed", "stopped", "recent", "touched", "held", "damaged", "no job"}
    with held.lock():
        os.utime(held.path / "lock", (0, 0))
        with running(jobs, tmp_path):
            wait_until(lambda: {path.name for path in jobs.iterdir()} == expected)
            assert held.result_path(1).exists()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "shutdown", "stdin"])
def test_a_clean_end_takes_the_worker_with_it(tmp_path, how):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with running(tmp_path / "jobs", scratch) as backend:
        job = backend.ready_job(behave="hang")
        backend.start(job)
        wait_until(lambda: backend.status(job)["iteration"] == 4)
        with backend.client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            next(stream.iter_lines())
            began = time.monotonic()
            if how == "shutdown":
                other = httpx.post(
                    backend.ready["url"] + "/v1/shutdown", headers={"Authorization": f"Bearer {backend.ready['token']}"}, trust_env=False
                )
                assert other.status_code == 202
            elif how == "stdin":
                backend.process.stdin.close()
            else:
                backend.process.send_signal(getattr(signal, how))
            assert backend.process.wait(5) == 0
            assert time.monotonic() - began < 4.0
        assert not JobDirectory.open(tmp_path / "jobs" / job).is_locked()
        assert backend.process.stdout.read() == b"", "one line on standard output, no more"


def test_a_second_server_does_not_touch_what_the_first_one_runs(tmp_path):
    with running(tmp_path / "jobs", tmp_path) as backend:
        job = backend.ready_job(behave="hang")
        backend.start(job)
        wait_until(lambda: backend.status(job)["iteration"] == 4)
        with running(backend.jobs, tmp_path) as other:
            assert other.status(job)["state"] == "running"
            assert other.error("POST", f"/v1/jobs/{job}/resume") == (409, "job_running")
            assert other.error("POST", f"/v1/jobs/{job}/cancel") == (409, "job_running")
            assert other.error("DELETE", f"/v1/jobs/{job}") == (409, "job_running")
