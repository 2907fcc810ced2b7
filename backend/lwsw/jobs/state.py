"""The state of a job, read from its directory: it survives whatever happened to the programs that worked on it."""

from __future__ import annotations

from ..errors import LwswError
from .directory import JobDirectory

#: States that a job leaves only by being resumed.
FINAL_STATES = ("done", "failed", "cancelled")


def read_state(job: JobDirectory) -> tuple[str, LwswError | None]:
    """Return ``created``, ``running``, ``done``, ``failed`` or ``cancelled``, and the error of a failed job.

    Results count first, then whether somebody holds the lock, then the last line of the log about the job as a whole
    (``job_queued``, ``job_started``, ``job_failed``, ``job_cancelled``).
    """
    if job.first_unfinished() is None:
        return "done", None
    if job.is_locked():
        return "running", None
    for event in reversed(job.events()):
        match event.get("event"):
            case "job_failed" if isinstance(event.get("error"), dict):
                return "failed", LwswError.from_dict(event["error"])
            case "job_cancelled":
                return "cancelled", None
            case "job_queued" | "job_started":
                return "failed", LwswError(
                    "backend_gone", "The program that worked on this job ended before it was done.", "Resume continues where it stopped."
                )
    return "created", None
