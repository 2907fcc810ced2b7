"""Renders the current frame small, as the artist sees it: a picture to try looks on, without passes."""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from . import passes
from .overrides import Overrides

#: How long after Blender's render job has gone its last word may take; then the file decides.
SILENCE_SECONDS = 3.0

#: How often is looked whether Blender has finished a render that nobody waits for any more.
IDLE_SECONDS = 0.2


class StillRenderer:
    """One picture, display-referred, in the window without blocking. Every value of the scene is put back by :meth:`end`.

    Args:
        scene: what to render, at its current frame.
        width: in pixels; the picture has at least that, unless the scene's own is smaller.
        path: of the PNG.
        interactive: render as the artist would and return at once; otherwise block.
    """

    def __init__(self, scene: bpy.types.Scene, width: int, path: Path, interactive: bool) -> None:
        self._scene_uid = scene.session_uid
        self._width = width
        self._path = path
        self._interactive = interactive
        self._overrides = Overrides(scene)
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._display: str | None = None
        self._silent_since = 0.0

    def begin(self) -> None:
        """Start the render.

        Raises:
            LwswError: ``no_camera``, ``nothing_to_stylize``, ``missing_frames``, ``cancelled``.
        """
        scene = self._scene()
        if scene.camera is None:
            hint = "Add a camera, or choose already rendered files as the source."
            raise LwswError("no_camera", f"The scene {scene.name} has no camera.", hint)
        overrides = self._overrides
        share = min(1.0, self._width / max(1, scene.render.resolution_x))
        overrides.set("render", "resolution_percentage", min(scene.render.resolution_percentage, -int(-100 * share // 1)))
        for name in ("use_sequencer", "use_border", "use_stamp", "use_multiview", "use_placeholder"):
            overrides.set("render", name, False)
        for name in compat.render_output_names():
            overrides.set("render", name, True)
        overrides.set("render", "filepath", str(self._path))
        overrides.keep_image_settings()
        passes.use_png(scene.render.image_settings)
        if self._interactive:
            for handlers, handler in self._handlers():
                handlers.append(handler)
            view = bpy.context.preferences.view
            self._display, view.render_display_type = view.render_display_type, "NONE"  # the artist's windows stay as they are
        try:
            passes.render_still(scene, scene.frame_current, self._interactive)
        except LwswError as error:
            raise _stopped() if error.code == "cancelled" else error from None

    def step(self) -> Path | None:
        """Return the picture once it is there.

        Raises:
            LwswError: ``cancelled`` when the artist stopped the render, ``missing_frames`` when Blender wrote nothing.
        """
        if self._interactive and not self._has_ended():
            return None
        if not self._path.is_file():
            raise passes.not_rendered(self._scene().frame_current)
        return self._path

    def end(self) -> None:
        """Put everything back. Safe to call more than once, and when the scene is gone."""
        for handlers, handler in self._handlers():
            if handler in handlers:
                handlers.remove(handler)
        if self._display is not None:
            bpy.context.preferences.view.render_display_type = self._display
            self._display = None
        if self._interactive and bpy.app.is_job_running("RENDER"):
            # what a running render uses must not be changed under it, Blender crashes
            bpy.app.timers.register(self._restore_when_idle, first_interval=IDLE_SECONDS)
        else:
            self._overrides.restore()

    def _restore_when_idle(self) -> float | None:
        if bpy.app.is_job_running("RENDER"):
            return IDLE_SECONDS
        self._overrides.restore()
        return None

    def _has_ended(self) -> bool:
        # The handler's word comes from another thread, before Blender has put its render job away: wait for both.
        if bpy.app.is_job_running("RENDER"):
            return False
        if self._messages.empty():
            self._silent_since = self._silent_since or time.monotonic()
            return time.monotonic() - self._silent_since > SILENCE_SECONDS
        if self._messages.get() == "cancelled":
            raise _stopped()
        return True

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self._scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", "The scene that was being rendered is gone.", "Press Preview in a scene that exists.")
        return scene

    def _handlers(self) -> tuple[tuple[list[Any], Any], ...]:
        handlers = bpy.app.handlers
        return (handlers.render_complete, self._on_complete), (handlers.render_cancel, self._on_cancel)

    # Blender calls these in its render threads, where nothing of Blender may be touched: they only leave a message.
    def _on_complete(self, *_: Any) -> None:
        self._messages.put("complete")

    def _on_cancel(self, *_: Any) -> None:
        self._messages.put("cancelled")


def _stopped() -> LwswError:
    return LwswError("cancelled", "The small render for the preview was stopped.", "Press Render Again to have it rendered.")
