"""Renders a scene frame by frame into EXR and display-referred PNG, blocking or in the window without blocking."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError, cancelled
from . import passes
from .frames import Uploads, file_name, write_file
from .overrides import Overrides

#: How long after Blender's render job has gone its last word may take; then the frame's file decides.
SILENCE_SECONDS = 3.0

#: How often is looked whether Blender has finished a frame that nobody waits for any more.
IDLE_SECONDS = 0.2


class Renderer:
    """One pass over the frames of a scene. Each call of :meth:`step` starts or finishes one frame.

    Files go to ``folder/passes/0001.exr``, ``folder/frames/0001.png`` and ``folder/cameras.json``, the layout of a job directory.

    Args:
        scene: what to render.
        frames: frame numbers.
        folder: where the files go.
        interactive: render as the artist would, with Blender's own progress, and return at once; otherwise block.
        object_masks: render the Cryptomatte object pass, too.
    """

    def __init__(self, scene: bpy.types.Scene, frames: Iterable[int], folder: Path, interactive: bool, object_masks: bool = False) -> None:
        self._scene_uid = scene.session_uid
        self._waiting = list(frames)
        self._folder = folder
        self._interactive = interactive
        self._object_masks = object_masks
        self._overrides = Overrides(scene)
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._cameras: dict[str, dict[str, Any]] = {}
        self._current: int | None = None
        self._display: str | None = None
        self._silent_since = 0.0

    def begin(self) -> None:
        """Override what has to be, and listen to the render."""
        scene = self._scene()
        for name in ("passes", "frames"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        passes.set_up(scene, self._overrides, self._object_masks)
        if self._interactive:
            for handlers, handler in self._handlers():
                handlers.append(handler)
            view = bpy.context.preferences.view
            self._display, view.render_display_type = view.render_display_type, "NONE"  # the artist's windows stay as they are

    def end(self) -> None:
        """Put everything back. Safe to call more than once, and when the scene is gone."""
        for handlers, handler in self._handlers():
            if handler in handlers:
                handlers.remove(handler)
        if self._display is not None:
            bpy.context.preferences.view.render_display_type = self._display
            self._display = None
        if self._interactive and bpy.app.is_job_running("RENDER"):
            # Turned off in the middle of a frame: what a running render uses must not be changed under it, Blender crashes.
            bpy.app.timers.register(self._restore_when_idle, first_interval=IDLE_SECONDS)
        else:
            self._overrides.restore()

    def _restore_when_idle(self) -> float | None:
        if bpy.app.is_job_running("RENDER"):
            return IDLE_SECONDS
        self._overrides.restore()
        return None

    @property
    def is_busy(self) -> bool:
        """Whether Blender is rendering a frame of ours at this moment."""
        return self._current is not None

    def cameras(self) -> Mapping[str, Any] | None:
        """Return the contents of ``cameras.json`` for the frames rendered so far, and write that file."""
        if not self._cameras:
            return None
        clip_end = max(camera["clip_end"] for camera in self._cameras.values())
        frames = {frame: {"view": camera["view"], "projection": camera["projection"]} for frame, camera in self._cameras.items()}
        data = {"clip_end": clip_end, "frames": frames}
        write_file(self._folder / "cameras.json", json.dumps(data).encode())
        return data

    def step(self) -> Uploads | None:
        """Start the next frame, or finish the one that is rendered; return a frame's files once they are complete.

        Raises:
            LwswError: ``cancelled`` when the artist stopped the render, ``missing_frames`` when Blender wrote nothing.
        """
        if self._current is None:
            if not self._waiting:
                return None
            self._start(self._waiting.pop(0))
            if self._interactive:
                return None
        elif not self._has_ended():
            return None
        frame, self._current = self._current, None
        assert frame is not None
        return self._finish(frame)

    @property
    def is_finished(self) -> bool:
        """Whether every frame has been returned by :meth:`step`."""
        return self._current is None and not self._waiting

    def _start(self, frame: int) -> None:
        scene = self._scene()
        self._overrides.apply_again()
        passes.use_exr(scene.render.image_settings)
        scene.render.filepath = str(self._partial(frame))
        scene.frame_set(frame)
        if camera := passes.camera_of(scene):
            self._cameras[str(frame)] = camera
        self._current = frame
        try:
            if self._interactive:
                window = bpy.context.window or bpy.context.window_manager.windows[0]
                with bpy.context.temp_override(window=window):
                    result = bpy.ops.render.render("INVOKE_DEFAULT", write_still=True, scene=scene.name)
            else:
                result = bpy.ops.render.render(write_still=True, scene=scene.name)
        except RuntimeError as error:
            self._current = None
            raise passes.not_rendered(frame, str(error)) from None
        if "CANCELLED" in result:
            self._current = None
            raise cancelled()

    def _has_ended(self) -> bool:
        # The handler's word comes from another thread, before Blender has put its render job away: wait for both.
        if bpy.app.is_job_running("RENDER"):
            return False
        if self._messages.empty():
            self._silent_since = self._silent_since or time.monotonic()
            return time.monotonic() - self._silent_since > SILENCE_SECONDS
        self._silent_since = 0.0
        if self._messages.get() == "cancelled":
            self._current = None
            raise cancelled()
        return True

    def _finish(self, frame: int) -> Uploads:
        scene = self._scene()
        exr = self._folder / "passes" / file_name(frame, ".exr")
        png = self._folder / "frames" / file_name(frame, ".png")
        partial = self._partial(frame)
        if not partial.is_file():
            raise passes.not_rendered(frame)
        partial.replace(exr)
        passes.use_png(scene.render.image_settings)
        unfinished = png.with_name(f".{png.stem}.partial.png")
        passes.save_display_referred(scene, str(exr), str(unfinished))
        if not unfinished.is_file():
            raise passes.not_rendered(frame)
        unfinished.replace(png)
        return Uploads(frame, png, exr)

    def _partial(self, frame: int) -> Path:
        return self._folder / "passes" / f".{file_name(frame, '.partial.exr')}"

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self._scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", "The scene that was being rendered is gone.", "Press Stylize in a scene that exists.")
        return scene

    def _handlers(self) -> tuple[tuple[list[Any], Any], ...]:
        handlers = bpy.app.handlers
        return (handlers.render_complete, self._on_complete), (handlers.render_cancel, self._on_cancel)

    # Blender calls these in its render threads, where nothing of Blender may be touched: they only leave a message.
    def _on_complete(self, *_: Any) -> None:
        self._messages.put("complete")

    def _on_cancel(self, *_: Any) -> None:
        self._messages.put("cancelled")
