"""A job in the window: it finishes, nothing of it blocks, its panels are drawn, cancel is prompt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import helpers

from blender_lwsw.jobs.session import session

from .stage import add_lists, in_window, lengths, outcome, phase, press, push_undo, show_panels, start, until, until_over, write_pictures
from .watching import Drawing, Pauses, Steps, check, lwsw_classes


def finishing(folder: Path, steps: Steps) -> Iterator[float]:
    """A job of three frames, from the button to the strips."""
    scene = start(folder)
    add_lists(scene)
    yield from show_panels()
    before, pauses = helpers.snapshot(scene), Pauses()
    push_undo("before")
    press()
    with pauses.watched():
        yield from until(lambda: phase() == "stylize" or not session.is_running)
        check("scene values are back after rendering", helpers.snapshot(scene) == before)
        yield from until_over()
    check("a job finishes in the window", session.error is None and session.summary != "", outcome())
    check("no step of the job blocks the window", steps.longest <= 0.05, steps)
    check("the window is not frozen", pauses.longest < 3.0, f"longest pause {pauses.longest:.2f} s, with software drawing")
    check("scene values are back", helpers.snapshot(scene) == before)
    check("there are two strips of three frames", lengths(scene) == [3, 3])


def fifty_frames(folder: Path, steps: Steps) -> Iterator[float]:
    """A longer job, over which the longest step counts."""
    scene = start(folder)
    scene.frame_end, scene.lwsw.source = 50, "FILES"
    scene.lwsw.color_pattern = write_pictures(folder / "pictures", 50)
    yield from show_panels()
    pauses = Pauses()
    steps.forget()
    press()
    with pauses.watched():
        yield from until_over()
    check("a job of 50 frames finishes", session.error is None and len(lengths(scene)) == 2, outcome())
    detail = f"{steps}; longest pause with Blender's drawing {pauses.longest * 1000:.0f} ms"
    check("over 50 frames nothing of ours takes longer than 50 ms", 0 < steps.longest <= 0.05, detail)


def large_frames(folder: Path, steps: Steps) -> Iterator[float]:
    """Rendered frames of 1920×1080, painted while the next ones render: reading one with its passes takes Blender half a second."""
    scene = start(folder)
    scene.frame_end = 5
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    scene.lwsw.width, scene.lwsw.paint_while_rendering = 64, True
    yield from show_panels()
    steps.forget()
    press()
    yield from until_over()
    check(
        "five frames of 1920×1080 are rendered and painted",
        session.error is None and lengths(scene) == [5, 5],
        f"{outcome()}, {lengths(scene)}",
    )
    check("nothing of ours takes longer than 50 ms", 0 < steps.longest <= 0.05, steps)


def cancelling(folder: Path) -> Iterator[float]:
    """Cancel while a frame is painted."""
    start(folder, first_iterations=20_000)
    yield from show_panels()
    press()
    yield from until(lambda: phase() == "stylize" and session.progress().fraction > 0)  # type: ignore[union-attr]
    began = time.monotonic()
    with in_window():
        bpy.ops.lwsw.cancel()
    yield from until_over(30)
    took = time.monotonic() - began
    check("cancel while painting takes at most two seconds", took <= 2.2, f"{took:.2f} s")
    check("it is called cancelled", session.error is not None and session.error.code == "cancelled", session.error)
    yield 0.5


def panels(drawing: Drawing) -> Iterator[float]:
    """What was drawn so far, and how fast."""
    missing = {cls.__name__ for kind in (bpy.types.Panel, bpy.types.UIList) for cls in lwsw_classes(kind)} - drawing.drawn
    check("every panel and list is drawn", not missing, sorted(missing))
    check("drawing raises no error", not drawing.errors, drawing.errors[:3])
    for editor in ("node", "sequencer", "image"):
        medians = {name: sorted(times)[len(times) // 2] * 1000 for name, times in drawing.times.items() if f"_{editor}_" in name}
        took, slowest = sum(medians.values()), max(medians, key=lambda name: medians[name], default="")
        check(f"the panel of the {editor} editor is drawn in 2 ms", 0 < took <= 2.0, f"{took:.2f} ms, most of it {slowest}")
    yield 0.0
