"""Renders a scene frame by frame into EXR and display-referred PNG, blocking or in the window without blocking."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError, cancelled
from . import passes, vector_passes
from .frames import Uploads, file_name, write_file
from .overrides import Overrides
from .pictures import Stamps, as_png

#: How long after Blender's render job has gone its last word may take; then the frame's file decides.
SILENCE_SECONDS = 3.0

#: How often is looked whether Blender has finished a frame that nobody waits for any more.
IDLE_SECONDS = 0.2


@dataclass(frozen=True)
class _Take:
    """One render of a frame."""

    frame: int
    picture: bool  # it gives what the artist sees
    passes: bool  # it gives vectors, depth and masks; the last take of a frame does


class Renderer:
    """One pass over the frames of a scene. Each call of :meth:`step` starts or finishes one render.

    Files go to ``folder/passes/0001.exr``, ``folder/frames/0001.png`` and ``folder/cameras.json``, the layout of a job directory.

    Args:
        scene: what to render.
        frames: frame numbers.
        folder: where the files go.
        interactive: render as the artist would, with Blender's own progress, and return at once; otherwise block.
        object_masks: render the Cryptomatte object pass, too.
        pictures: pictures that are rendered already, by frame number; only their passes are rendered then.
        vectors_apart: render each frame twice, as the artist wants it and once more for the passes, see :mod:`.vector_passes`.
        on_copy: render a copy of the scene. In a handler of a render that is just ending, Blender has not put the scene's own render away
            yet and would crash.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        frames: Iterable[int],
        folder: Path,
        interactive: bool,
        object_masks: bool = False,
        *,
        pictures: Mapping[int, Path] | None = None,
        vectors_apart: bool = False,
        on_copy: bool = False,
    ) -> None:
        self._copy_uid, self._original_uid = 0, scene.session_uid
        if on_copy:
            scene = scene.copy()
            self._copy_uid = scene.session_uid
        self._scene_uid = scene.session_uid
        self._folder = folder
        self._interactive = interactive
        self._object_masks = object_masks
        frames = list(frames)
        self._stamps = Stamps({frame: pictures[frame] for frame in frames}) if pictures else None
        self._blurred = scene.render.use_motion_blur
        twice = vectors_apart and not pictures
        takes = [(True, False), (False, True)] if twice else [(not pictures, True)]
        self._waiting = [_Take(frame, picture, passes) for frame in frames for picture, passes in takes]
        self._overrides = Overrides(scene)
        self._for_passes = Overrides(scene)  # on top of the others, while passes are rendered apart
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._cameras: dict[str, dict[str, Any]] = {}
        self._current: _Take | None = None
        self._display: str | None = None
        self._silent_since = 0.0

    def begin(self) -> None:
        """Override what has to be, and listen to the render."""
        scene = self._scene()
        for name in ("passes", "frames"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        passes.set_up(scene, self._overrides, self._object_masks, keep_border=self._stamps is not None)
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
            self._restore()

    def _restore_when_idle(self) -> float | None:
        if bpy.app.is_job_running("RENDER"):
            return IDLE_SECONDS
        self._restore()
        return None

    def _restore(self) -> None:
        self._for_passes.restore()
        self._overrides.restore()
        if self._copy_uid and (copy := compat.find_scene(self._copy_uid)):
            bpy.data.scenes.remove(copy)
            if original := compat.find_scene(self._original_uid):
                # both have the same objects, which now stand where the copy's last frame had them
                original.frame_set(original.frame_current, subframe=original.frame_subframe)

    @property
    def is_busy(self) -> bool:
        """Whether Blender is rendering a frame of ours at this moment."""
        return self._current is not None

    def camera(self, frame: int) -> Mapping[str, Any] | None:
        """Return the camera of a frame that has been rendered, see :func:`.passes.camera_of`."""
        return self._cameras.get(str(frame))

    def know_cameras(self, cameras: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in the cameras of frames that were rendered before, by the frame's number as text."""
        self._cameras.update({frame: dict(camera) for frame, camera in cameras.items()})

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
        """Start the next render, or finish the one that runs; return a frame's files once they are complete.

        Raises:
            LwswError: ``cancelled`` when the artist stopped the render, ``missing_frames`` when Blender wrote nothing, ``unreadable_frame``
                for a picture that changed in the meantime.
        """
        if self._current is None:
            if not self._waiting:
                return None
            self._start(self._waiting.pop(0))
            if self._interactive:
                return None
        elif not self._has_ended():
            return None
        take, self._current = self._current, None
        assert take is not None
        return self._finish(take)

    @property
    def is_finished(self) -> bool:
        """Whether every frame has been returned by :meth:`step`."""
        return self._current is None and not self._waiting

    def _start(self, take: _Take) -> None:
        scene = self._scene()
        self._for_passes.restore()
        self._overrides.apply_again()
        frame, subframe = take.frame, 0.0
        if take.passes:
            passes.use_exr(scene.render.image_settings)
        else:
            passes.use_png(scene.render.image_settings)
        if not take.picture:
            frame, subframe = vector_passes.middle_of_blur(scene, take.frame, self._blurred)
            vector_passes.set_up(scene, self._for_passes, self._object_masks)
        scene.render.filepath = str(self._partial(take))  # written after the samples: that alone would not have Cycles look at them again
        scene.frame_set(frame, subframe=subframe)
        if take.passes and (camera := passes.camera_of(scene)) and not scene.render.use_border:
            self._cameras[str(take.frame)] = camera
        self._current = take
        try:
            passes.render_still(scene, take.frame, self._interactive)
        except LwswError:
            self._current = None
            raise

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

    def _finish(self, take: _Take) -> Uploads | None:
        frame = take.frame
        exr = self._folder / "passes" / file_name(frame, ".exr")
        png = self._folder / "frames" / file_name(frame, ".png")
        partial = self._partial(take)
        if not partial.is_file():
            raise passes.not_rendered(frame)
        partial.replace(exr if take.passes else png)
        if not take.passes:
            return None
        if self._stamps is not None:
            png = as_png(self._scene(), self._stamps.check(frame), frame, png.parent)
        elif take.picture:
            png = as_png(self._scene(), exr, frame, png.parent)
        return Uploads(frame, png, exr)

    def _partial(self, take: _Take) -> Path:
        """Return where Blender writes: beside the final file, so that it need only be renamed."""
        folder, suffix = ("passes", ".partial.exr") if take.passes else ("frames", ".partial.png")
        return self._folder / folder / f".{file_name(take.frame, suffix)}"

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
