"""What ends a job from outside: cancel while Blender renders, another file, the same file once more, the extension turned off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import helpers

import blender_lwsw
from blender_lwsw.jobs.session import session

from .stage import is_painting, is_rendering, lengths, outcome, press, show_panels, start, until, until_over
from .watching import check


def cancelling_a_render(folder: Path) -> Iterator[float]:
    """Cancel while Blender renders a frame."""
    scene = start(folder, samples=3000)
    yield 0.5
    before = helpers.snapshot(scene)
    press()
    yield from until(is_rendering)
    session.cancel()
    yield from until_over(60)
    check("cancel while rendering waits for Blender's frame", not is_rendering())
    check("then it ends as cancelled", session.error is not None and session.error.code == "cancelled", session.error)
    check("scene values are back after cancelling", helpers.snapshot(scene) == before)


# Not while a frame renders: a script that loads a file then crashes Blender 5.2 without this extension, too.
def loading_a_file(folder: Path) -> Iterator[float]:
    """Open another file while a frame is painted."""
    start(folder, first_iterations=20_000)
    yield 0.5
    press()
    yield from until(is_painting)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield 1.0
    check("loading a file while painting ends the job", not session.is_running, session.error)
    check("it cannot be resumed in another file", not bpy.ops.lwsw.resume.poll() and "Resume" not in str(session.error))
    check("no timer is left", not bpy.app.timers.is_registered(session._timer))
    ours = [name for name in dir(bpy.app.handlers) if any(_is_renderers(item) for item in _handlers(name))]
    check("no render handler is left", not ours, ours)


def reverting(folder: Path) -> Iterator[float]:
    """Open the same file once more while a frame is painted, and go on there."""
    start(folder, first_iterations=600)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield from show_panels()
    bpy.ops.wm.save_mainfile()
    press()
    yield from until(is_painting)
    bpy.ops.wm.revert_mainfile()
    yield 1.0
    check("reverting while painting ends the job", not session.is_running, session.error)
    yield from until(lambda: bool(session.found(bpy.context.scene)), 10)
    found = [job.sentence for job in session.found(bpy.context.scene)]
    check("the file finds its job again and says where it stopped", len(found) == 1, found)
    press("resume")
    yield from until_over()
    whole = session.error is None and lengths(bpy.context.scene) == [3, 3]
    check("Resume finishes it, with whole strips", whole, f"{outcome()}, {lengths(bpy.context.scene)}")


def turning_off(folder: Path) -> Iterator[float]:
    """Turn the extension off while Blender renders a frame; nothing can be checked with it after that."""
    scene = start(folder, samples=4000)
    yield 0.5
    before = helpers.snapshot(scene)
    press()
    yield from until(is_rendering)
    blender_lwsw.unregister()
    yield from until(lambda: not is_rendering())
    yield 1.0
    check("turned off while rendering, scene values are back after the frame", helpers.snapshot(scene) == before)


def _handlers(name: str) -> list[Any]:
    """Return a list of handlers; empty for what is none."""
    value = getattr(bpy.app.handlers, name)
    return value if isinstance(value, list) else []


def _is_renderers(handler: Any) -> bool:
    """Return whether a handler belongs to a render of the extension."""
    return type(getattr(handler, "__self__", None)).__name__ == "Renderer"
