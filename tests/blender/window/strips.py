"""A finished strip, as an artist goes on with it: other settings, New Version, Stylize Again, Restore Settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from blender_lwsw.jobs.session import session

from .stage import is_rendering, lengths, outcome, press, press_undo, push_undo, show_panels, start, until_over
from .watching import Drawing, check


def finished_strip(folder: Path, drawing: Drawing) -> Iterator[float]:
    """Press every button of the section Stylized Strip."""
    scene = start(folder)
    yield from show_panels()
    press()
    yield from until_over()
    strips = scene.sequence_editor.strips
    strip = scene.sequence_editor.active_strip
    check("the new strip is the active one", strip is not None and strip.name == "LWSW painting", strip)
    drawing.drawn.discard("LWSW_PT_sequencer_strip")
    yield 0.7
    check("its section is drawn", "LWSW_PT_sequencer_strip" in drawing.drawn)
    first, rendered = _bytes(folder / "out"), _stamps(folder / "out")

    scene.lwsw.relu1_1 = 0.0
    push_undo("the artist moves a slider")
    press("new_version", settings="STRIP")
    seen_rendering = []
    yield from _until_over_noting(seen_rendering)
    name = "LWSW painting v2"
    whole = session.error is None and lengths(scene) == [3, 3, 3] and name in strips
    check("New Version, as it was, makes a strip of its own", whole, f"{outcome()}, {[item.name for item in strips]}")
    check("its pictures are those of the first, to the byte", _bytes(folder / "out_v2") == first and _bytes(folder / "out") == first)
    check("nothing was rendered again", not seen_rendering and _stamps(folder / "out") == rendered)
    check("the panel's settings are as they were", scene.lwsw.relu1_1 == 0.0)
    yield from press_undo()
    undone = lengths(bpy.data.scenes[0])
    yield from press_undo(redo=True)
    scene = bpy.data.scenes[0]
    strips = scene.sequence_editor.strips
    check(
        "undo takes the version back, and redo brings it again",
        (undone, lengths(scene)) == ([3, 3], [3, 3, 3]),
        f"{undone}, {lengths(scene)}",
    )

    scene.sequence_editor.active_strip = strips[name]
    press("stylize_again", settings="SCENE")
    yield from until_over()
    whole = session.error is None and lengths(scene) == [3, 3, 3]
    check("Stylize Again, with the panel's settings, stays in its strip", whole, f"{outcome()}, {[item.name for item in strips]}")
    check("its pictures are others, the first strip's are not", _bytes(folder / "out_v2") != first and _bytes(folder / "out") == first)

    scene.sequence_editor.active_strip = strips["LWSW painting"]
    press("restore_settings")
    yield 0.5
    check("Restore Settings sets the sliders as the first strip had them", scene.lwsw.relu1_1 == 1.0, scene.lwsw.relu1_1)
    yield from press_undo()
    check("and is undone in one step", bpy.data.scenes[0].lwsw.relu1_1 == 0.0, bpy.data.scenes[0].lwsw.relu1_1)


def _until_over_noting(rendering: list[bool]) -> Iterator[float]:
    for pause in until_over():
        if is_rendering():
            rendering.append(True)
        yield pause


def _bytes(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.png"))]


def _stamps(folder: Path) -> list[Any]:
    return [path.stat().st_mtime_ns for path in sorted(folder.glob("source/passes/*.exr"))]
