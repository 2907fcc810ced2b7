"""Starts the worker process of one job, listens to it, starts it again when it dies, and ends it on request."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import Cancelled, LwswError
from ..jobs.directory import JobDirectory
from .worker import EXIT_CANCELLED

log = logging.getLogger(__name__)

_POLITE_SECONDS = 1.0  # between asking a worker to end and killing it
_EXIT_SECONDS = 10.0  # for a worker that closed its output
_LOCK_SECONDS = 5.0  # a worker whose server was killed needs a moment to notice

WorkerCommand = Callable[[Path], Sequence[str]]


def worker_command(job: Path) -> Sequence[str]:
    """Return the command of the real worker."""
    return [sys.executable, "-m", "lwsw.server.worker", str(job), "--exit-with-parent"]


class Supervisor:
    """Runs one job in worker processes until it is done, failed or cancelled.

    Args:
        job: the job.
        on_event: called from the running thread with every event of the worker.
        command: the command of a worker for a job's path; the worker ends when its standard input closes.
    """

    def __init__(self, job: JobDirectory, on_event: Callable[[dict[str, Any]], None], command: WorkerCommand = worker_command) -> None:
        self._job = job
        self._on_event = on_event
        self._command = command
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def run(self) -> None:
        """Block until the job is done.

        Raises:
            LwswError: the error of the worker; ``worker_died`` when it ended twice without finishing a frame in between;
                :class:`Cancelled` after :meth:`cancel`.
        """
        deaths = 0
        while True:
            finished = len(self._job.finished_frames())
            status = self._run_worker()
            if self._cancelled or status == EXIT_CANCELLED:
                raise Cancelled()
            if self._job.first_unfinished() is None:
                return
            progressed = len(self._job.finished_frames()) > finished
            deaths = 1 if progressed else deaths + 1
            log.warning("job %s: the worker ended %s", self._job.path.name, describe_status(status))
            self._job.append_event({"event": "worker_died", "status": status})
            if deaths >= 2:
                raise LwswError(
                    "worker_died",
                    f"The process that stylizes ended {describe_status(status)}, twice at the same frame.",
                    "If memory was short, choose a smaller width or close other programs; then resume.",
                )

    def cancel(self) -> None:
        """End the worker, within two seconds, and make :meth:`run` raise :class:`Cancelled`. May be called from any thread."""
        with self._guard:
            self._cancelled = True
            process = self._process
        if process is not None:
            end_process(process)

    def _run_worker(self) -> int:
        """Run one worker to its end and return its exit status (negative: the signal); raise the error that it reports."""
        self._wait_for_lock()
        self._job.sweep()
        with self._guard:
            if self._cancelled:
                raise Cancelled()
            try:
                process = self._process = subprocess.Popen(
                    list(self._command(self._job.path)),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise LwswError(
                    "worker_died", f"The process that stylizes cannot be started: {error}.", "Run 'lwsw doctor' and report what it says."
                ) from error
        reported: LwswError | None = None
        try:
            assert process.stdout is not None
            for line in process.stdout:
                event = _parse(line)
                if event.get("event") == "error":
                    reported = LwswError.from_dict(event["error"])
                elif event:
                    self._on_event(event)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_EXIT_SECONDS)
        finally:
            end_process(process)  # also when on_event fails: never leave a worker behind
            status = process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            with self._guard:
                self._process = None
        if reported is not None and not self._cancelled and status >= 0:
            raise reported
        return status

    def _wait_for_lock(self) -> None:
        deadline = time.monotonic() + _LOCK_SECONDS
        while self._job.is_locked() and time.monotonic() < deadline and not self._cancelled:
            time.sleep(0.1)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it after a second."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_POLITE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _parse(line: bytes) -> dict[str, Any]:
    """Return the event, or {} for a line that is none: a worker that was killed may leave half of one."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(event, dict) or (event.get("event") == "error" and not isinstance(event.get("error"), dict)):
        return {}
    return event


def describe_status(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"with status {status}"
    try:
        return f"by signal {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"
