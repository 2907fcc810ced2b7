"""What only a real window can show: panels are drawn, the window stays usable, cancel is prompt, undo and loading in a job are harmless.

    blender --factory-startup --python tests/blender/window_check.py -- --project .

Runs in Blender with a window and a backend (LWSW_BACKEND, or LWSW_URL with LWSW_TOKEN). Prints a line per check; the exit status is the
number of checks that failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

failures = 0
longest_pause = 0.0
longest_step = 0.0
drawing_times: dict[str, list[float]] = {}  # seconds of the processor, by the panel's name


def check(what: str, good: bool, detail: object = "") -> None:
    """Print one result."""
    global failures
    failures += not good
    print(f"{'PASS' if good else 'FAIL'}  {what}  {detail}", flush=True)


def watch_pauses() -> Callable[[], float]:
    """Note the longest time in which Blender ran no timer: that long the window was frozen."""
    global longest_pause
    longest_pause, last = 0.0, time.monotonic()

    def tick() -> float:
        nonlocal last
        global longest_pause
        now = time.monotonic()
        longest_pause, last = max(longest_pause, now - last), now
        return 0.02

    bpy.app.timers.register(tick, persistent=True)
    return tick


def time_steps(session: Any) -> None:
    """Note the longest time that a step of a job takes, with all that the session does around it."""
    tick = session._timer

    def timed() -> float | None:
        global longest_step
        began = time.monotonic()
        pause: float | None = tick()
        longest_step = max(longest_step, time.monotonic() - began)
        return pause

    session._timer = timed


def watch_drawing() -> tuple[set[str], list[str]]:
    """Open every panel, and return the names of what gets drawn from now on and the errors on the way."""
    drawn: set[str] = set()
    errors: list[str] = []

    def watched(cls: Any, draw: Any, *arguments: Any) -> None:
        drawn.add(cls.__name__)
        began = time.thread_time()
        try:
            draw(*arguments)
            drawing_times.setdefault(cls.__name__, []).append(time.thread_time() - began)
        except Exception as error:
            errors.append(f"{cls.__name__}: {error!r}")
            raise

    # Blender counts a method's named parameters and gives it that many, so *arguments would get none
    def watched_panel(cls: Any, draw: Any) -> Any:
        return lambda self, context: watched(cls, draw, self, context)

    def watched_list(cls: Any, draw: Any) -> Any:
        return lambda self, a, b, c, d, e, f, g: watched(cls, draw, self, a, b, c, d, e, f, g)

    panels = lwsw_classes(bpy.types.Panel)
    for panel in reversed(panels):
        bpy.utils.unregister_class(panel)
    for panel in panels:
        panel.bl_options = set()
        bpy.utils.register_class(panel)
        panel.draw = watched_panel(panel, panel.draw)
    for cls in lwsw_classes(bpy.types.UIList):
        cls.draw_item = watched_list(cls, cls.draw_item)
    return drawn, errors


def lwsw_classes(base: Any) -> list[Any]:
    """Return the extension's classes of a kind, in their order."""
    return [cls for cls in base.__subclasses__() if cls.__name__.startswith("LWSW_")]


def show_panels() -> Iterator[float]:
    """Make the three largest areas a compositor, a sequencer and an Image Editor that show the tab."""
    yield 0.5  # Blender crashes where an editor is exchanged right after a file was loaded
    areas = sorted(bpy.context.window_manager.windows[0].screen.areas, key=lambda area: area.width * area.height)[-3:]
    for area, kind in zip(areas, ("CompositorNodeTree", "SEQUENCE_EDITOR", "IMAGE_EDITOR"), strict=True):
        area.ui_type = kind
        area.spaces.active.show_region_ui = True
    yield 0.5
    for area in areas:  # now that they have been drawn, they have tabs
        next(region for region in area.regions if region.type == "UI").active_panel_category = "LWSW"
    yield 0.5


def add_lists(scene: bpy.types.Scene) -> None:
    """Add a region and a second painting, so that the panels have lists to draw."""
    settings = scene.lwsw
    settings.extra_styles.add().path = settings.style
    region = settings.regions.add()
    region.name, region.object, region.profile = "Cube", scene.objects["Cube"], "FINE_GRAIN"


def write_pictures(folder: Path, count: int, helpers: Any) -> str:
    """Write a sequence of pictures in which something moves, and return its pattern."""
    across, down = np.meshgrid(np.arange(64) / 64, np.arange(36) / 36)
    for frame in range(1, count + 1):
        moved = across + 0.01 * frame
        picture = np.stack([0.5 + 0.5 * np.sin(20 * moved), 0.5 + 0.5 * np.cos(15 * down), moved % 1], -1)
        helpers.write_png(folder / f"{frame:04d}.png", picture)
    return str(folder / "####.png")


def window_override() -> Any:
    """Return the context of the first window."""
    return bpy.context.temp_override(window=bpy.context.window_manager.windows[0])


def start(folder: Path, helpers: Any, samples: int = 1, first_iterations: int = 2, iterations: int = 2) -> bpy.types.Scene:
    """Build a scene and press Stylize."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with window_override():
        scene = helpers.build_scene(frames=3)
    scene.cycles.samples = samples
    settings = scene.lwsw
    settings.style = str(helpers.write_painting(folder / "painting.png"))
    settings.output = str(folder / "out")
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0
    settings.first_iterations, settings.iterations = first_iterations, iterations
    return scene


def press() -> None:
    """Press Stylize."""
    with window_override():
        bpy.ops.ed.undo_push(message="before")
        bpy.ops.lwsw.stylize("INVOKE_DEFAULT")


def until(condition: Callable[[], bool], seconds: float = 120) -> Iterator[float]:
    """Wait without blocking."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        yield 0.02


def steps(folder: Path) -> Iterator[float]:
    """Go through the checks; what is yielded is how many seconds to wait."""
    global longest_step
    import helpers

    import blender_lwsw
    from blender_lwsw.jobs.session import session

    blender_lwsw.register()
    time_steps(session)

    def phase() -> str:
        return session.job.phase if session.job else ""

    drawn, errors = watch_drawing()
    scene = start(folder / "a", helpers)
    add_lists(scene)
    yield from show_panels()
    before = helpers.snapshot(scene)
    press()
    tick = watch_pauses()
    yield from until(lambda: phase() == "stylize" or not session.is_running)
    check("scene values are back after rendering", helpers.snapshot(scene) == before)
    yield from until(lambda: not session.is_running)
    bpy.app.timers.unregister(tick)
    check("a job finishes in the window", session.error is None and session.summary != "", session.error or session.summary)
    check("no step of the job blocks the window", longest_step < 0.5, f"longest step {longest_step:.2f} s")
    check("the window is not frozen", longest_pause < 3.0, f"longest pause {longest_pause:.2f} s, with software drawing")
    check("scene values are back", helpers.snapshot(scene) == before)
    strips = scene.sequence_editor.strips
    check("there are two strips of three frames", sorted(len(strip.elements) for strip in strips) == [3, 3])
    with window_override():
        bpy.ops.ed.undo()
    left = bpy.data.scenes[0]
    check("undo takes the strips back, and nothing else", len(left.sequence_editor.strips) == 0 and left.lwsw.style != "")

    scene = start(folder / "long", helpers)
    scene.frame_end, scene.lwsw.source = 50, "FILES"
    scene.lwsw.color_pattern = write_pictures(folder / "pictures", 50, helpers)
    yield from show_panels()
    longest_step = 0.0
    press()
    tick = watch_pauses()
    yield from until(lambda: not session.is_running)
    bpy.app.timers.unregister(tick)
    check("a job of 50 frames finishes", session.error is None and len(scene.sequence_editor.strips) == 2, session.error or session.summary)
    detail = f"longest step {longest_step * 1000:.0f} ms; longest pause with Blender's drawing {longest_pause * 1000:.0f} ms"
    check("over 50 frames nothing of ours takes longer than 50 ms", 0 < longest_step <= 0.05, detail)

    scene = start(folder / "b", helpers, first_iterations=20_000)
    yield from show_panels()
    press()
    yield from until(lambda: session.is_running and session.progress().phase == "stylize" and session.progress().fraction > 0)
    began = time.monotonic()
    with window_override():
        bpy.ops.lwsw.cancel()
    yield from until(lambda: not session.is_running, 30)
    took = time.monotonic() - began
    check("cancel while painting takes at most two seconds", took <= 2.2, f"{took:.2f} s")
    check("it is called cancelled", session.error is not None and session.error.code == "cancelled", session.error)
    yield 0.5
    missing = {cls.__name__ for kind in (bpy.types.Panel, bpy.types.UIList) for cls in lwsw_classes(kind)} - drawn
    check("every panel and list is drawn", not missing, sorted(missing))
    check("drawing raises no error", not errors, errors[:3])
    for editor in ("node", "sequencer", "image"):
        medians = {name: sorted(times)[len(times) // 2] * 1000 for name, times in drawing_times.items() if f"_{editor}_" in name}
        took, slowest = sum(medians.values()), max(medians, key=lambda name: medians[name], default="")
        check(f"the panel of the {editor} editor is drawn in 2 ms", 0 < took <= 2.0, f"{took:.2f} ms, most of it {slowest}")

    scene = start(folder / "c", helpers, samples=3000)
    yield 0.5
    before = helpers.snapshot(scene)
    press()
    yield from until(lambda: bpy.app.is_job_running("RENDER"))
    session.cancel()
    yield from until(lambda: not session.is_running, 60)
    check("cancel while rendering waits for Blender's frame", not bpy.app.is_job_running("RENDER"))
    check("then it ends as cancelled", session.error is not None and session.error.code == "cancelled", session.error)
    check("scene values are back after cancelling", helpers.snapshot(scene) == before)

    scene = start(folder / "d", helpers, samples=3000)
    yield 0.5
    press()
    yield from until(lambda: bpy.app.is_job_running("RENDER"))
    yield 0.3
    with window_override():
        bpy.ops.ed.undo_push(message="something")
        bpy.ops.ed.undo()
    yield from until(lambda: not session.is_running, 120)
    scene = bpy.data.scenes[0]
    after = scene.render.filepath
    check("undo while rendering ends or goes on, without a crash", not session.is_running, session.error or session.summary)
    check("the output path is the artist's", "lwsw" not in after and "partial" not in after, after)

    # Not while a frame renders: a script that loads a file then crashes Blender 5.2 without this extension, too.
    scene = start(folder / "e", helpers, first_iterations=20_000)
    yield 0.5
    press()
    yield from until(lambda: session.is_running and session.progress().phase == "stylize")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield 1.0
    check("loading a file while painting ends the job", not session.is_running, session.error)
    check("it cannot be resumed in another file", not bpy.ops.lwsw.resume.poll() and "Resume" not in str(session.error))
    check("no timer is left", not bpy.app.timers.is_registered(session._timer))
    ours = [name for name in dir(bpy.app.handlers) if any(is_ours(item) for item in handlers_of(name))]
    check("no render handler is left", not ours, ours)

    scene = start(folder / "f", helpers, samples=4000)
    yield 0.5
    before = helpers.snapshot(scene)
    press()
    yield from until(lambda: bpy.app.is_job_running("RENDER"))
    blender_lwsw.unregister()
    yield from until(lambda: not bpy.app.is_job_running("RENDER"))
    yield 1.0
    check("turned off while rendering, scene values are back after the frame", helpers.snapshot(scene) == before)


def handlers_of(name: str) -> list[Any]:
    """Return a list of handlers; empty for what is none."""
    value = getattr(bpy.app.handlers, name)
    return value if isinstance(value, list) else []


def is_ours(handler: Any) -> bool:
    """Return whether a handler belongs to a render of the extension."""
    return type(getattr(handler, "__self__", None)).__name__ == "Renderer"


def main() -> None:
    """Run the checks from a timer, then quit."""
    parser = argparse.ArgumentParser(prog="window_check.py")
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a checkout of the project")
    chosen = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
    sys.path[:0] = [str(chosen.project), str(chosen.project / "tests" / "blender")]
    bpy.context.preferences.view.show_splash = False
    running = steps(Path(tempfile.mkdtemp(prefix="lwsw-window-")))

    def tick() -> float | None:
        global failures
        try:
            return next(running)
        except StopIteration:
            pass
        except Exception:  # noqa: BLE001 - this is the end of the program
            traceback.print_exc()
            failures += 1
        sys.stdout.flush()
        os._exit(failures)

    bpy.app.timers.register(tick, first_interval=2.0, persistent=True)


main()
