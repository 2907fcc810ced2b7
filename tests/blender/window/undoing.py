"""Ctrl-Z and Ctrl-Shift-Z: after a job, while it paints and while Blender renders; strips are never doubled, and none is half of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy

from blender_lwsw.jobs.session import session

from .stage import is_painting, is_rendering, lengths, outcome, press, press_undo, push_undo, show_panels, start, until, until_over
from .watching import check


def _scene() -> bpy.types.Scene:
    """Return the scene as it is now: undo gives its data another address."""
    return bpy.data.scenes[0]


def afterwards(folder: Path) -> Iterator[float]:
    """Undo a job that is done, and take that back."""
    start(folder)
    yield from show_panels()
    push_undo("before")
    press()
    yield from until_over()
    yield 0.3
    yield from press_undo()
    check("undo takes the strips back, and nothing else", lengths(_scene()) == [] and _scene().lwsw.style != "", lengths(_scene()))
    yield from press_undo(redo=True)
    check("redo brings them back", lengths(_scene()) == [3, 3], lengths(_scene()))


def while_painting(folder: Path) -> Iterator[float]:
    """Undo and redo what the artist does beside a job."""
    scene = start(folder, iterations=800)
    yield from show_panels()
    push_undo("before")
    press()
    yield from until(lambda: is_painting(1))
    scene.lwsw.strength = 0.7
    push_undo("the artist moves a slider")
    yield from press_undo()
    was_running = session.is_running
    check("undo while painting takes back what the artist did last", abs(_scene().lwsw.strength - 1.0) < 1e-6, _scene().lwsw.strength)
    yield from press_undo(redo=True)
    check("redo while painting brings it again", abs(_scene().lwsw.strength - 0.7) < 1e-6, _scene().lwsw.strength)
    yield from until_over()
    done = session.error is None and lengths(_scene()) == [3, 3]
    check("the job went on meanwhile, and its strips are whole", was_running and done, f"{outcome()}, {lengths(_scene())}")
    for redo in (False, True):
        yield from press_undo(redo)
        words = "redone" if redo else "undone"
        check(f"{words} after it, they are whole as well", lengths(_scene()) == [3, 3], lengths(_scene()))


def while_rendering(folder: Path) -> Iterator[float]:
    """Undo and redo while Blender renders a frame."""
    start(folder, samples=3000)
    yield from show_panels()
    push_undo("before")
    press()
    yield from until(is_rendering)
    yield 0.3
    push_undo("something")
    yield from press_undo()
    yield from press_undo(redo=True)
    yield from until_over(240)
    after = _scene().render.filepath
    check("undo while rendering ends or goes on, without a crash", not session.is_running, outcome())
    check("the output path is the artist's", "lwsw" not in after and "partial" not in after, after)
    if session.can_resume:
        press("resume")
        yield from until_over(240)
    check("at the latest after Resume the strips are whole", lengths(_scene()) == [3, 3], f"{outcome()}, {lengths(_scene())}")
