"""What only a real window can show: panels are drawn, the window stays usable, cancel is prompt, undo and loading in a job are harmless.

    blender --factory-startup --enable-event-simulate --python tests/blender/window_check.py -- --project .

Runs in Blender with a window and a backend (LWSW_BACKEND, or LWSW_URL with LWSW_TOKEN). With ``--only undoing strips`` some subjects only.
Prints a line per check; the exit status is the number of checks that failed. The keyboard and the mouse must be left alone: Blender takes
simulated keys only. The checks are in the folder ``window``, a module per subject.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import bpy

SUBJECTS = ("jobs", "undoing", "two_windows", "strips", "interrupting")


def steps(folder: Path, subjects: list[str]) -> Iterator[float]:
    """Go through the checks; what is yielded is how many seconds to wait."""
    from window import interrupting, jobs, strips, two_windows, undoing
    from window.watching import Drawing, Steps

    import blender_lwsw
    from blender_lwsw.jobs.session import session

    blender_lwsw.register()
    watched, drawing = Steps(session), Drawing()
    if "jobs" in subjects:
        yield from jobs.finishing(folder / "finishing", watched)
        yield from jobs.fifty_frames(folder / "fifty", watched)
        yield from jobs.large_frames(folder / "large", watched)
        yield from jobs.cancelling(folder / "cancelling")
        yield from jobs.panels(drawing)
    if "undoing" in subjects:
        yield from undoing.afterwards(folder / "undone")
        yield from undoing.while_painting(folder / "painting")
        yield from undoing.while_rendering(folder / "rendering")
    if "two_windows" in subjects:
        yield from two_windows.two_windows(folder / "windows", drawing)
    if "strips" in subjects:
        yield from strips.finished_strip(folder / "strip", drawing)
    if "interrupting" in subjects:
        yield from interrupting.cancelling_a_render(folder / "cancelled")
        yield from interrupting.loading_a_file(folder / "loaded")
        yield from interrupting.reverting(folder / "reverted")
        yield from interrupting.turning_off(folder / "off")


def main() -> None:
    """Run the checks from a timer, then quit."""
    parser = argparse.ArgumentParser(prog="window_check.py")
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a checkout of the project")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), help="the subjects that are checked")
    chosen = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
    sys.path[:0] = [str(chosen.project), str(chosen.project / "tests" / "blender")]
    bpy.context.preferences.view.show_splash = False
    running = steps(Path(tempfile.mkdtemp(prefix="lwsw-window-")), chosen.only)

    def tick() -> float | None:
        from window import watching

        try:
            return next(running)
        except StopIteration:
            pass
        except Exception:  # noqa: BLE001 - this is the end of the program
            traceback.print_exc()
            watching.failures += 1
        sys.stdout.flush()
        os._exit(watching.failures)

    bpy.app.timers.register(tick, first_interval=2.0, persistent=True)


main()
