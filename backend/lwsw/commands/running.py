"""Runs a job in this process and says how it goes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .output import ProgressLine, print_json


def run_clip_job(clip_job: Any, options: argparse.Namespace, report: Path | None = None) -> int:
    """Run a :class:`lwsw.jobs.clip.ClipJob` in this process, put its frames into the output folder, and return the exit status."""
    from ..jobs.progress import Progress, format_duration
    from ..jobs.report import make_report
    from ..jobs.session import run_session
    from ..media.files import write_atomically

    job, started = clip_job.job, time.monotonic()
    progress = Progress(job)
    line = ProgressLine(sys.stderr)
    for note in clip_job.notes:
        line.say(note)
    clip_job.publish_finished()
    if job.first_unfinished() is None:
        line.say("Every frame is finished already.")
    elif progress.results:
        line.say(f"Going on: {len(progress.results)} of {progress.frames_total} frames are finished.")

    def on_event(event: dict[str, Any]) -> None:
        progress.update(event)
        kind = event.get("event")
        if kind == "note":
            line.say(progress.note)
        elif kind == "frame_finished":
            if not event.get("draft"):  # of a frame that a second pass paints again
                clip_job.publish(event["frame"])
            line.finish(f"{_count(progress)}  frame {event['frame']}  {event.get('seconds', 0.0):.1f} s{_left(progress, format_duration)}")
        elif kind in ("frame_started", "iteration"):
            state = f"frame {progress.frame}  iteration {progress.iteration} of {progress.iterations}"
            line.update(f"{_count(progress)}  {state}{_left(progress, format_duration)}")

    try:
        run_session(job, on_event)
    finally:
        line.close()
    summary = make_report(job, time.monotonic() - started)
    if report is not None:
        write_atomically(report, (json.dumps(summary, indent=1, ensure_ascii=False) + "\n").encode())
    if options.json:
        print_json({"out": str(clip_job.out), **summary})
    else:
        frames = "1 frame" if len(job.frames) == 1 else f"{len(job.frames)} frames"
        line.say(f"{frames} in {clip_job.out}, {format_duration(time.monotonic() - started)}.")
    return 0


def _count(progress: Any) -> str:
    return f"{len(progress.results)}/{progress.frames_total}"


def _left(progress: Any, format_duration: Callable[[float], str]) -> str:
    seconds = progress.seconds_left
    return "" if not seconds else f"  {format_duration(seconds)} left"
