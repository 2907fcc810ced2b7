"""Runs a job in this process and leaves in its log how that ended, so that whoever looks next knows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import LwswError
from .directory import JobDirectory
from .failures import as_lwsw_error
from .threads import let_threads_sleep


def run_session(job: JobDirectory, on_event: Callable[[dict[str, Any]], None]) -> None:
    """Run a job as :func:`lwsw.jobs.run.run_job` does.

    Raises:
        LwswError: whatever stopped it; ``internal`` chains the exception that nobody expected. Ctrl-C becomes ``cancelled``.
    """
    let_threads_sleep()
    from .run import run_job  # loads torch, which takes seconds

    try:
        if job.first_unfinished() is not None and not job.is_locked():
            job.sweep()
            job.append_event({"event": "job_started"})
        run_job(job, on_event)
    except BaseException as error:
        reported = as_lwsw_error(error)
        if reported.code == "cancelled":
            event: dict[str, Any] = {"event": "job_cancelled"}
        else:
            event = {"event": "job_failed", "error": reported.to_dict()}
        if reported.code != "job_running":  # that log belongs to somebody else
            with suppress(LwswError):  # the disk may be full, and the first error is the one to tell
                job.append_event(event)
        if isinstance(error, LwswError):
            raise
        raise reported from error
