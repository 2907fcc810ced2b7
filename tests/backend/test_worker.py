"""The worker process and its supervisor, with real processes and real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from support_jobs import error_code, make_job, stand_in, wait_until

from lwsw.errors import LwswError
from lwsw.jobs.failures import as_lwsw_error
from lwsw.server.supervisor import Supervisor, worker_command


@pytest.fixture
def command(tmp_path):
    return stand_in(tmp_path)


def start(command, job, **options):
    return subprocess.Popen(command(job.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def events_of(output: bytes) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def behave(job, words: str) -> None:
    (job.path / "behave").write_text(words)


def test_worker_prints_events_and_nothing_else(tmp_path, command):
    job = make_job(tmp_path / "job")
    with start(command, job) as process:
        output = process.stdout.read()
        assert process.wait() == 0
        assert b"noise" in process.stderr.read()
    events = events_of(output)
    assert events[0] == {"event": "frame_started", "frame": 1, "iterations": 4}
    assert events[-1]["event"] == "job_finished"
    assert job.first_unfinished() is None


@pytest.mark.parametrize(("words", "code"), [("error", "bad_pass_values"), ("memory", "out_of_memory"), ("bug", "internal")])
def test_worker_reports_its_error_last(tmp_path, command, words, code):
    job = make_job(tmp_path / "job")
    behave(job, words)
    with start(command, job) as process:
        events = events_of(process.stdout.read())
        assert process.wait() == 1
    assert events[-1]["event"] == "error" and events[-1]["error"]["code"] == code
    assert events[-1]["error"]["hint"]


def test_worker_without_a_job(tmp_path, command):
    process = subprocess.run(command(tmp_path / "nowhere"), stdin=subprocess.PIPE, capture_output=True, check=False)
    # standard input was at its end from the start, or the job was not found first: both end it with a documented status
    assert process.returncode in (1, 4)
    process = subprocess.run(command(tmp_path / "nowhere")[:-1], capture_output=True, check=False)
    assert process.returncode == 1 and events_of(process.stdout)[-1]["error"]["code"] == "job_not_found"
    process = subprocess.run([sys.executable, "-m", "lwsw.server.worker"], capture_output=True, check=False)
    assert process.returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_worker_ends_politely(tmp_path, command):
    job = make_job(tmp_path / "job")
    behave(job, "slow")
    with start(command, job) as process:
        process.stdout.readline()
        process.terminate()
        events = events_of(process.stdout.read())
        assert process.wait(2) == 3
    assert events[-1]["error"]["code"] == "cancelled"
    assert not job.is_locked()


def test_worker_ends_when_standard_input_closes(tmp_path, command):
    job = make_job(tmp_path / "job")
    behave(job, "hang")
    with start(command, job) as process:
        process.stdout.readline()
        began = time.monotonic()
        process.stdin.close()
        assert process.wait(2) == 4
        assert time.monotonic() - began < 1.0


def supervise(job, command):
    events = []
    supervisor = Supervisor(job, events.append, command)
    return supervisor, events


def test_supervisor_runs_a_job(tmp_path, command):
    job = make_job(tmp_path / "job")
    supervisor, events = supervise(job, command)
    supervisor.run()
    assert [event["frame"] for event in events if event["event"] == "frame_finished"] == [1, 2, 3]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_worker_is_started_again(tmp_path, command):
    job = make_job(tmp_path / "job", frames=range(1, 6))
    behave(job, "die-once-at-2 die-once-at-3 die-once-at-5")
    supervisor, events = supervise(job, command)
    supervisor.run()
    started = [event["frame"] for event in events if event["event"] == "frame_started"]
    assert started == [1, 2, 2, 3, 3, 4, 5, 5]
    assert [event["event"] for event in job.events()].count("worker_died") == 3


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_worker_that_dies_twice_at_one_frame_fails(tmp_path, command):
    job = make_job(tmp_path / "job")
    behave(job, "die-at-2")
    supervisor, events = supervise(job, command)
    with pytest.raises(LwswError, match="SIGKILL") as caught:
        supervisor.run()
    assert caught.value.code == "worker_died" and "smaller width" in caught.value.hint
    assert [event["frame"] for event in events if event["event"] == "frame_started"] == [1, 2, 2]
    assert job.finished_frames() == [1], "finished frames stay"


def test_a_worker_that_exits_without_a_word_has_died(tmp_path, command):
    job = make_job(tmp_path / "job")
    behave(job, "crash")
    supervisor, _ = supervise(job, command)
    with pytest.raises(LwswError, match="status 77") as caught:
        supervisor.run()
    assert caught.value.code == "worker_died"


def test_an_error_of_the_worker_is_not_tried_again(tmp_path, command):
    job = make_job(tmp_path / "job")
    behave(job, "error")
    supervisor, events = supervise(job, command)
    assert error_code(supervisor.run) == "bad_pass_values"
    assert len([event for event in events if event["event"] == "frame_started"]) == 1


def test_a_worker_that_cannot_be_started(tmp_path):
    job = make_job(tmp_path / "job")
    supervisor, _ = supervise(job, lambda path: [str(tmp_path / "no such program")])
    assert error_code(supervisor.run) == "worker_died"


@pytest.mark.parametrize("words", ["slow", "hang"])
def test_cancel_ends_the_worker_within_two_seconds(tmp_path, command, words):
    job = make_job(tmp_path / "job", frames=range(1, 50))
    behave(job, words)
    supervisor, events = supervise(job, command)
    outcome = []

    def run():
        try:
            supervisor.run()
        except LwswError as error:
            outcome.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: events)
    process = supervisor._process
    began = time.monotonic()
    supervisor.cancel()
    thread.join(2.0)
    assert time.monotonic() - began < 2.0
    assert outcome == ["cancelled"] and process.poll() is not None
    assert not job.is_locked()


def test_cancel_before_the_start(tmp_path, command):
    supervisor, events = supervise(make_job(tmp_path / "job"), command)
    supervisor.cancel()
    assert error_code(supervisor.run) == "cancelled"
    assert events == []


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_worker_does_not_outlive_a_killed_server(tmp_path, command):
    job = make_job(tmp_path / "job")
    behave(job, "hang")
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys\n"
            "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
            "print(child.pid, flush=True)\n"
            "child.stdout.read()\n",
            *command(job.path),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        int(parent.stdout.readline())
        wait_until(job.is_locked)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
    began = time.monotonic()
    wait_until(lambda: not job.is_locked(), 2.0)
    assert time.monotonic() - began < 2.0


def test_the_real_command_names_this_python(tmp_path):
    assert worker_command(tmp_path)[:3] == [sys.executable, "-m", "lwsw.server.worker"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "out_of_memory"),
        (RuntimeError("shape mismatch"), "internal"),
        (OSError(28, "No space left on device"), "disk_full"),
        (KeyboardInterrupt(), "cancelled"),
        (ValueError(""), "internal"),
        (LwswError("bad_weights", "x."), "bad_weights"),
    ],
)
def test_every_exception_becomes_an_error_with_a_way_out(error, code):
    assert as_lwsw_error(error).code == code


def test_torch_reports_missing_memory_in_the_words_we_know():
    import torch

    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert as_lwsw_error(caught.value).code == "out_of_memory"
