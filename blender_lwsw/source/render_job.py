"""Renders of single frames as Blender's own background job: the window stays usable, its progress is Blender's, Esc stops it."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

import bpy

from ..errors import cancelled
from . import passes

#: How long after Blender's render job has gone its last word may take; then the frame's file decides.
SILENCE_SECONDS = 3.0

#: How often is looked whether Blender has finished a frame that nobody waits for any more.
IDLE_SECONDS = 0.2


class RenderJob:
    """Starts renders one after the other and notices when they end.

    Args:
        interactive: render as the artist would, and return at once; otherwise each render blocks.
    """

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._display: str | None = None
        self._silent_since = 0.0

    def begin(self) -> None:
        """Listen to Blender's renders, and have them open no window."""
        if self._interactive:
            for handlers, handler in self._handlers():
                handlers.append(handler)
            view = bpy.context.preferences.view
            self._display, view.render_display_type = view.render_display_type, "NONE"  # the artist's windows stay as they are

    def start(self, scene: bpy.types.Scene, frame: int) -> None:
        """Render a scene at its current frame; raises what :func:`.passes.render_still` raises."""
        passes.render_still(scene, frame, self._interactive)

    def has_ended(self) -> bool:
        """Return whether the render that was started is over; its file may be missing all the same.

        Raises:
            LwswError: ``cancelled`` when the artist stopped it.
        """
        if not self._interactive:
            return True
        # The handler's word comes from another thread, before Blender has put its render job away: wait for both.
        if bpy.app.is_job_running("RENDER"):
            return False
        if self._messages.empty():
            self._silent_since = self._silent_since or time.monotonic()
            return time.monotonic() - self._silent_since > SILENCE_SECONDS
        self._silent_since = 0.0
        if self._messages.get() == "cancelled":
            raise cancelled()
        return True

    def end(self, restore: Callable[[], None]) -> None:
        """Listen no more, and put the scene back once nothing renders it. Safe to call more than once.

        Args:
            restore: puts the scene back; called now, or by a timer if the artist has the frame rendered to its end. What a running render
                uses must not be changed under it, Blender crashes.
        """
        for handlers, handler in self._handlers():
            if handler in handlers:
                handlers.remove(handler)
        if self._display is not None:
            bpy.context.preferences.view.render_display_type = self._display
            self._display = None

        def restore_when_idle() -> float | None:
            if bpy.app.is_job_running("RENDER"):
                return IDLE_SECONDS
            restore()
            return None

        if self._interactive and bpy.app.is_job_running("RENDER"):
            bpy.app.timers.register(restore_when_idle, first_interval=IDLE_SECONDS)
        else:
            restore()

    def _handlers(self) -> tuple[tuple[list[Any], Any], ...]:
        handlers = bpy.app.handlers
        return (handlers.render_complete, self._on_complete), (handlers.render_cancel, self._on_cancel)

    # Blender calls these in its render threads, where nothing of Blender may be touched: they only leave a message.
    def _on_complete(self, *_: Any) -> None:
        self._messages.put("complete")

    def _on_cancel(self, *_: Any) -> None:
        self._messages.put("cancelled")
