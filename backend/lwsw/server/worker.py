"""The process that runs one job: ``python -m lwsw.server.worker JOBDIR [--exit-with-parent]``.

Standard output carries one JSON event per line (those of ``run_job``) and nothing else. Where the work fails, the last line is
``{"event": "error", "error": {"code", "message", "hint"}}``. Everything else goes to standard error.

Exit status: 0 the job is done; 1 it failed with that error; 2 wrong usage; 3 it was cancelled (SIGTERM); 4 the parent is gone.
Anything else means that the process was killed or crashed, and the job can go on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from ..errors import Cancelled, LwswError
from ..jobs.directory import JobDirectory
from ..jobs.failures import as_lwsw_error
from ..jobs.threads import let_threads_sleep

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_CANCELLED = 3
EXIT_PARENT_GONE = 4

RunJob = Callable[[JobDirectory, Callable[[dict[str, Any]], None]], None]


def main(arguments: Sequence[str] | None = None, run: RunJob | None = None) -> int:
    """Run one job and return the exit status.

    Args:
        arguments: command line; None takes the process's own.
        run: what runs the job, for tests; None takes :func:`lwsw.jobs.run.run_job`.
    """
    parser = argparse.ArgumentParser(prog="python -m lwsw.server.worker", description="Runs one LWSW job.")
    parser.add_argument("job", type=Path, help="the job directory")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input closes")
    options = parser.parse_args(arguments)

    output = _claim_standard_output()
    cancelled = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: cancelled.set())
    if options.exit_with_parent:
        # Ctrl-C in the terminal reaches the server too, and the server decides what happens to this process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()

    def emit(event: dict[str, Any]) -> None:
        if cancelled.is_set():
            raise Cancelled()
        _write(output, event)

    try:
        directory = JobDirectory.open(options.job)
        (run or _run_job())(directory, emit)
    except BaseException as error:  # noqa: BLE001  whatever it is, the server must hear of it
        reported = as_lwsw_error(error)
        if not isinstance(error, LwswError):
            traceback.print_exc()
        _write(output, {"event": "error", "error": reported.to_dict()})
        return EXIT_CANCELLED if reported.code == "cancelled" else EXIT_FAILED
    return EXIT_DONE


def _run_job() -> RunJob:
    let_threads_sleep()
    from ..jobs.run import run_job  # loads torch, which takes seconds

    return run_job


def _claim_standard_output() -> IO[bytes]:
    """Keep standard output for events: whatever else prints, native libraries included, goes to standard error."""
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return events


def _write(output: IO[bytes], event: dict[str, Any]) -> None:
    try:
        output.write(json.dumps(event).encode() + b"\n")
    except OSError:  # nobody reads any more
        os._exit(EXIT_PARENT_GONE)


def _end_with_parent() -> None:
    """Wait until standard input closes, which the system does for us even when the parent is killed, and end at once.

    Nothing needs tidying: files are renamed into place when they are whole, and the system drops the job's lock.
    """
    while os.read(0, 4096):
        pass
    os._exit(EXIT_PARENT_GONE)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # skips tearing down torch: the graphics memory is free at once
