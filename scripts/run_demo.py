"""Renders the demo scene, paints it, and cuts a film: scripts/demo sets up the environments and calls this.

What comes out, in demo_output/ or the folder given by --out:

    stylized.blend          the scene; its sequencer plays the painting above the render
    stylized.mp4            the same as a film, rendered by the sequencer
    results/0001.png …      the painted frames, 16 bit
    results/source/         frames/0001.png … and passes/0001.exr … as rendered, and cameras.json
    contact_sheet.png       render, painting and motion of some frames
    report.json             versions, machine, settings, and where the time went
    painting.jpg            the painting that was used

The defaults take about ten minutes on two processor cores.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lwsw.profiles import DEFAULT_PROFILE, PROFILES

ROOT = Path(__file__).resolve().parent.parent
EVENT = "@lwsw-demo "
PAINTING = ROOT / "scripts" / "assets" / "painting.jpg"

WORDS = {
    "scene": "building the scene",
    "prepare": "preparing",
    "connect": "starting the backend",
    "render": "rendering",
    "upload": "sending to the backend",
    "stylize": "painting",
    "film": "cutting the film",
}


class Stop(Exception):
    """Ends the demo with a sentence for the terminal."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", metavar="PATH", help="use this Blender (4.5 to 5.2) instead of the bpy module")
    parser.add_argument("--style", type=Path, default=PAINTING, metavar="IMG", help="the painting (default: the project's own)")
    parser.add_argument("--profile", choices=list(PROFILES), default=DEFAULT_PROFILE, help="which scales of the painting speak")
    parser.add_argument("--frames", type=int, default=24, metavar="N", help="length of the shot (default 24)")
    parser.add_argument("--width", type=int, default=384, metavar="W", help="of the render in pixels (default 384)")
    parser.add_argument("--out", type=Path, default=ROOT / "demo_output", metavar="DIR", help="default: demo_output")
    parser.add_argument("--iterations", type=int, default=20, metavar="N", help="of each frame after the first (default 20)")
    parser.add_argument("--first-iterations", type=int, default=240, metavar="N", help="of the first frame (default 240)")
    parser.add_argument("--samples", type=int, default=12, metavar="N", help="of Cycles per pixel (default 12, denoised)")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args()
    for name, low, high in (("frames", 1, 10_000), ("width", 32, 8192), ("iterations", 1, 100_000), ("first_iterations", 1, 100_000)):
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name.replace('_', '-')} must be from {low} to {high}")
    if options.width % 2:
        parser.error("--width must be even: films have no half pixels")
    if options.samples < 1 or options.seed < 0:
        parser.error("--samples must be at least 1, --seed at least 0")
    if not options.style.is_file():
        parser.error(f"the painting {options.style} does not exist")
    return options


def clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02d}"


class Display:
    """One line that is written over in a terminal; elsewhere one line per frame that is begun."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._phase = ""
        self._lines = 0  # of this phase, that have been printed
        self._total = 0
        self._began = time.monotonic()

    def show(self, event: Mapping[str, Any]) -> None:
        phase, done, total = event["phase"], event["done"], event["total"]
        if phase in ("done", "failed", "cancelled"):
            return
        if phase != self._phase:
            self._print_up_to(self._total, "")  # frames may be faster than the events that tell of them
            self._phase, self._lines, self._total = phase, 0, 1
            if total > 1 and phase in ("render", "upload", "stylize"):
                self._total = total
        left = event.get("seconds_left")
        more = f"  {clock(left)} left" + (" (then the painting)" if phase == "render" else "") if left and self._total > 1 else ""
        frame = min(done + 1, self._total)
        if self._terminal:
            self._lines = self._total  # nothing to make up for
            print(f"\r\033[K{self._line(frame)}{more}", end="", flush=True)
        else:
            self._print_up_to(frame, more)

    def end(self) -> None:
        if self._terminal and self._phase:
            print(flush=True)
        self._phase, self._lines, self._total = "", 0, 0

    def _print_up_to(self, frame: int, more: str) -> None:
        for line in range(self._lines + 1, frame + 1):
            print(self._line(line) + more, flush=True)
        self._lines = max(self._lines, frame)

    def _line(self, frame: int) -> str:
        words = WORDS.get(self._phase, self._phase) + (f"  frame {frame}/{self._total}" if self._total > 1 else "")
        return f"{clock(time.monotonic() - self._began):>6}  {words}"


def prepare_output(options: argparse.Namespace) -> Path:
    """Make the output folder, take out what an earlier demo left there, and copy the painting into it."""
    out = options.out.absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
        painting = out / f"painting{options.style.suffix.lower()}"
        if not (painting.exists() and painting.samefile(options.style)):
            shutil.copyfile(options.style, painting)
        for name in ("stylized.blend", "stylized.mp4", "contact_sheet.png", "report.json"):
            (out / name).unlink(missing_ok=True)
        for pattern in ("results/*.png", "results/source/frames/*.png", "results/source/passes/*.exr"):
            for path in out.glob(pattern):
                path.unlink()
    except OSError as error:
        raise Stop(f"The folder {out} cannot be written ({error.strerror}). Choose another one with --out.") from None
    return painting


def blender_command(options: argparse.Namespace) -> list[str]:
    script = str(ROOT / "scripts" / "demo_blender.py")
    if not options.blender:
        python = ROOT / ".venv-blender" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            raise Stop("The environment .venv-blender is missing. Run scripts/setup, or use an installed Blender with --blender PATH.")
        return [str(python), script, "--"]
    program = shutil.which(options.blender)
    if program is None:
        raise Stop(f"There is no program {options.blender}. --blender takes the path of Blender itself, such as /usr/bin/blender.")
    check_blender(program)
    return [program, "-b", "--factory-startup", "--python-exit-code", "1", "--python", script, "--"]


def check_blender(program: str) -> None:
    """Raise Stop where a program is not a Blender that the extension runs in."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = re.search(r"^Blender (\d+)\.(\d+)", said, re.MULTILINE)
    if not found:
        raise Stop(f"{program} is not Blender: it does not answer --version. --blender takes the path of Blender itself.")
    if (int(found[1]), int(found[2])) < (4, 5):
        raise Stop(f"{program} is {found[0]}; the extension needs Blender 4.5 or newer.")


def run_blender(command: Sequence[str], log: Path) -> dict[str, Any]:
    """Run the part inside Blender, showing its progress; return its last word.

    Raises:
        Stop: with the error's sentence and hint, or the last lines of the log.
    """
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    if not environment.get("LWSW_URL"):  # a backend that runs already may be used; else it is this environment's
        environment.setdefault("LWSW_BACKEND", sys.executable)
    display, outcome = Display(), {}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    try:
        with log.open("w", encoding="utf-8") as stream:
            for line in process.stdout:
                if not line.startswith(EVENT):
                    stream.write(line)
                    stream.flush()
                    continue
                event = json.loads(line.removeprefix(EVENT))
                if event["event"] == "progress":
                    display.show(event)
                else:
                    outcome = event
        code = process.wait()
    except BaseException:
        stop(process)
        raise
    finally:
        display.end()
    if outcome.get("event") == "error":
        raise Stop(f"{outcome['message']} {outcome['hint']}".strip())
    if outcome.get("event") != "done" or code:
        fail(log, code)
    return outcome


def fail(log: Path, code: int) -> NoReturn:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()][-8:]
    raise Stop(f"Blender ended with status {code} before the demo was done. The end of {log}:\n    " + "\n    ".join(lines or ["(empty)"]))


def stop(process: subprocess.Popen[str]) -> None:
    """End Blender: Ctrl-C first, which cancels the job; by force where a render does not hear it."""
    for name, patience in ((signal.SIGINT, 8), (signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        if process.poll() is not None:
            return
        process.send_signal(name)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def describe(report: Mapping[str, Any], out: Path) -> None:
    seconds = report["seconds"]
    print(f"\n{report['frames']} frames of {report['size'][0]}×{report['size'][1]} in {clock(seconds['total'])}:")
    for name in ("set_up", "render", "upload", "optimization", "download", "film"):
        print(f"    {name.replace('_', ' '):14s} {seconds[name]:8.1f} s")
    per = report["per_frame"]
    print(f"    a frame: {per['optimization']:.2f} s optimization and {per['outside']:.2f} s outside it ({report['outside_percent']} %)")
    measured = report["evaluation"]
    if "warping_error" in measured:
        print(f"    warping error {measured['warping_error']:.4f}, of the render itself {measured['warping_error_of_render']:.4f}")
    for note in report["notes"]:
        print(f"    note: {note}")
    print(f"\nLook at\n    {out / 'stylized.mp4'}\n    {out / 'contact_sheet.png'}\n    {out / 'stylized.blend'}   (in Blender)")


def main() -> int:
    """Command line."""
    options = parse()
    began = time.perf_counter()
    try:
        command = blender_command(options)
        painting = prepare_output(options)
        out = options.out.absolute()
        command += ["--out", str(out), "--style", str(painting), "--profile", options.profile]
        for name in ("frames", "width", "samples", "iterations", "first_iterations", "seed"):
            command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        print(f"LWSW demo: {options.frames} frames, {options.width} pixels wide, {options.profile}, {options.style.name} → {out}")
        outcome = run_blender(command, out / "blender.log")

        import demo_media  # loads torch: not before it is needed

        media_began = time.perf_counter()
        extension = outcome["report"]
        frames, results = extension["frames"], out / "results"
        demo_media.contact_sheet(out / "contact_sheet.png", results / "source", results, frames)
        difference = demo_media.film_difference(out / "stylized.mp4", results, frames)
        evaluation_began = time.perf_counter()
        print("measuring the result")
        evaluated = demo_media.evaluation(results / "source", results, painting)
        ended = time.perf_counter()
        seconds = outcome["seconds"] | {
            "media": evaluation_began - media_began,
            "evaluation": ended - evaluation_began,
            "total": ended - began,
        }
        report = {
            "versions": demo_media.versions(outcome["blender"]),
            "machine": demo_media.machine(),
            "style": options.style.name,
            "frames": len(frames),
            "size": [extension["width"], extension["height"]],
            "settings": extension["settings"] | {"render_samples": options.samples},
            **demo_media.phases(seconds, extension, len(frames)),
            "strips": outcome["strips"],
            "view_transform": outcome["view_transform"],
            "film_difference": difference,
            "evaluation": evaluated,
            "notes": extension["notes"],
        }
        demo_media.write_report(out / "report.json", report)
        describe(report, out)
    except Stop as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was stopped.", file=sys.stderr)
        return 130
    except Exception as error:
        if not hasattr(error, "hint"):
            raise
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
