"""``lwsw job status`` and ``lwsw job resume``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .output import print_json
from .running import run_clip_job


def add(commands: Any, words: Sequence[str]) -> None:
    """Declare the commands."""
    job = commands.add_parser("job", help="look at a job or go on with it").add_subparsers(metavar="status|resume", required=True)
    for name, command in (("status", status), ("resume", resume)):
        parser = job.add_parser(name, help=(command.__doc__ or "").splitlines()[0], description=command.__doc__)
        parser.add_argument("directory", metavar="DIR", type=Path, help="the output folder, or the job directory in it")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.set_defaults(command=command)


def status(options: argparse.Namespace) -> int:
    """Say how far a job is."""
    from ..jobs.clip import ClipJob
    from ..jobs.directory import name_frames
    from ..jobs.progress import Progress
    from ..jobs.state import read_state

    job = ClipJob.open(options.directory).job
    state, error = read_state(job)
    result = {"path": str(job.path), "state": state, **Progress(job).to_dict(), "error": None if error is None else error.to_dict()}
    if options.json:
        print_json(result)
        return 0
    lines = [f"{job.path}: {state}, {result['frames_done']} of {result['frames_total']} frames"]
    if error is not None:
        lines.append(str(error))
    first = job.first_unfinished()
    if first is not None:
        lines.append(f"Unfinished: {name_frames([frame for frame in job.frames if frame not in result['results']])}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def resume(options: argparse.Namespace) -> int:
    """Go on with a job where it stopped."""
    from ..jobs.arrivals import end_receiving
    from ..jobs.clip import ClipJob

    clip_job = ClipJob.open(options.directory)
    if clip_job.job.is_receiving:
        end_receiving(clip_job.job)  # nobody sends anything to a command, so it says what is missing rather than wait for it
    return run_clip_job(clip_job, options)
