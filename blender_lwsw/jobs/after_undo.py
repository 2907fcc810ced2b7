"""Undo of what was done while a job painted brings back its strip as it was then, with fewer frames: all of them are shown again."""

from __future__ import annotations

from typing import Any

import bpy

from ..results.sequencer import find_result, show_all
from .session import session


@bpy.app.handlers.persistent
def _after_undo(*_: Any) -> None:
    plan = session.plan
    if plan is None or session.is_running or session.error is not None:
        return  # a running job shows what there is with its next frame
    for scene in bpy.data.scenes:
        editor = scene.sequence_editor
        strip = find_result(editor, plan.order.output) if editor is not None else None
        if strip is not None:  # a strip that was undone as a whole stays away
            show_all(strip, plan.frames)


def _lists() -> tuple[list[Any], ...]:
    return bpy.app.handlers.undo_post, bpy.app.handlers.redo_post


def register() -> None:
    """Listen."""
    for handlers in _lists():
        if _after_undo not in handlers:
            handlers.append(_after_undo)


def unregister() -> None:
    """Listen no more."""
    for handlers in _lists():
        while _after_undo in handlers:
            handlers.remove(_after_undo)
