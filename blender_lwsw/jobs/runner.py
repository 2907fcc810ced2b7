"""Driving jobs to their end while the caller waits: in the background, in a script."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LwswError, about, joined
from .console import interruptible
from .job import Job
from .progress import Progress


@dataclass(frozen=True)
class Result:
    """What a job made.

    Attributes:
        results: the stylized frames, 16-bit PNG, in order.
        strip_name: name of the strip in the sequencer; empty if none was asked for.
        report: ``frames``, ``width``, ``height``, ``settings``, ``notes`` and ``seconds`` by phase (render, connect, upload, stylize,
            download, total; phases overlap, so they can add up to more than the total), and ``backend`` with its own timings.
    """

    results: list[Path]
    strip_name: str
    report: dict[str, Any]


def run_job(job: Job, progress: Callable[[Progress], None] | None = None) -> Result:
    """Drive a job until it is over and return what it made; raise its error."""
    _run(job, progress)
    if job.error is not None:
        raise job.error
    return result_of(job)


def run_queue(jobs: Sequence[Job], progress: Callable[[Progress], None] | None, refused: Sequence[LwswError] = ()) -> list[Result]:
    """Run jobs one after the other, those that wait on record; one that fails lets the others go on.

    Raises:
        LwswError: what went wrong, ``refused`` from before included, once all others are done; ``cancelled`` at once.
    """
    results, errors, waiting = [], list(refused), list(jobs[:1])
    for job in jobs[1:]:
        try:
            job.record.wait()
            waiting.append(job)
        except LwswError as error:
            errors.append(about(job.title, error))
    try:
        while waiting:
            job = waiting.pop(0)
            try:
                results.append(run_job(job, progress))
            except LwswError as error:
                if error.code == "cancelled":
                    if not job.can_resume():  # it is given up no more than the others
                        job.record.wait()
                        waiting.insert(0, job)
                    raise
                errors.append(about(job.title, error) if len(jobs) > 1 else error)
    finally:
        for job in waiting:
            job.record.leave()
    if errors:
        raise joined(errors)
    return results


def result_of(job: Job) -> Result:
    """Return what a finished job made."""
    order, outcome = job.plan.order, job.outcome
    report = {
        "frames": list(job.plan.frames),
        "width": order.job["width"],
        "height": order.job["height"],
        "settings": order.job["settings"],
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
        "backend": dict(job.backend_timings),
        "notes": list(outcome.notes),
    }
    return Result(list(outcome.results), outcome.strip_name, report)


def _run(job: Job, progress: Callable[[Progress], None] | None) -> None:
    try:
        while True:
            more = job.step()
            if progress is not None:
                progress(job.progress())
            if not more:
                return
            if job.waits_for_backend or job.is_cancelling:
                _wait(job)
    except BaseException:  # the caller's own callback failed: the scene must be put back all the same
        job.abandon()
        raise


def _wait(job: Job) -> None:
    try:
        with interruptible():
            time.sleep(0.05)
    except KeyboardInterrupt:
        job.cancel()
