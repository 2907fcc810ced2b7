"""Two windows with a scene each: a job of one is seen in both, and both are closed and opened while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import helpers

from blender_lwsw.jobs.session import session

from .stage import (
    DRAWN,
    in_window,
    is_painting,
    is_rendering,
    lengths,
    outcome,
    phase,
    press,
    show_panels,
    start,
    until,
    until_over,
    windows,
)
from .watching import Drawing, check

_RUN = "LWSW_PT_sequencer_run"


def two_windows(folder: Path, drawing: Drawing) -> Iterator[float]:
    """The whole story of one job."""
    scene = start(folder, samples=2500, iterations=1500)
    scene.cycles.use_adaptive_sampling = False  # a small picture would be done too soon
    other = bpy.data.scenes.new("Other")
    other.lwsw.style, other.lwsw.output = scene.lwsw.style, str(folder / "other")
    yield from show_panels()
    yield from _open(other)
    before = helpers.snapshot(scene), helpers.snapshot(other)
    drawing.errors.clear()
    press()
    yield from until(is_rendering)
    yield from _both_are_drawn(drawing, {scene.name, other.name}, "renders")
    yield from _close(1)
    yield from _open(other)
    check("the other window is closed and opened while it renders", len(windows()) == 2 and phase() == "render", outcome())
    yield from _close(0)
    check("the window in which it was started is closed, and it goes on", len(windows()) == 1 and phase() == "render", outcome())
    yield from _open(scene)
    yield from until(lambda: is_painting(1), 240)
    check("scene values of both are back after rendering", (helpers.snapshot(scene), helpers.snapshot(other)) == before)
    yield from _both_are_drawn(drawing, {scene.name, other.name}, "paints")
    yield from _close(1)
    check(
        "the window of its scene is closed while it paints, and it goes on", session.is_running and windows()[0].scene == other, outcome()
    )
    yield from _open(scene)
    yield from until_over()
    check("the job finishes", session.error is None and lengths(scene) == [3, 3], f"{outcome()}, {lengths(scene)}")
    check("the other scene has got no strips", lengths(other) == [])
    check("scene values of both are back", (helpers.snapshot(scene), helpers.snapshot(other)) == before)
    check("drawing raised no error", not drawing.errors, drawing.errors[:3])
    yield from _close(1)


def _both_are_drawn(drawing: Drawing, scenes: set[str], what_it_does: str) -> Iterator[float]:
    drawing.in_scene.clear()
    yield DRAWN
    drawn = {name for name, cls in drawing.in_scene if cls == _RUN}
    check(f"the panels of both windows are drawn while it {what_it_does}", drawn == scenes, sorted(drawn))


def _open(scene: bpy.types.Scene) -> Iterator[float]:
    """Open a main window that shows a scene, with the panels."""
    with in_window():
        bpy.ops.wm.window_new_main()
    yield DRAWN
    windows()[-1].scene = scene
    yield from show_panels(len(windows()) - 1)
    yield DRAWN


def _close(number: int) -> Iterator[float]:
    with in_window(number):
        bpy.ops.wm.window_close()
    yield DRAWN
