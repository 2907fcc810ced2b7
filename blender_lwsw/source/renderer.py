"""Renders a scene frame by frame into EXR and display-referred PNG, blocking or in the window without blocking."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from . import passes, vector_passes
from .converter import PictureConverter
from .frames import Uploads, file_name, write_file
from .overrides import Overrides
from .pictures import Stamps
from .render_job import RenderJob


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
        self._converter = PictureConverter(apart=interactive)
        self._job = RenderJob(interactive)
        self._cameras: dict[str, dict[str, Any]] = {}
        self._current: _Take | None = None

    def begin(self) -> None:
        """Override what has to be, and listen to the render."""
        scene = self._scene()
        for name in ("passes", "frames"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        passes.set_up(scene, self._overrides, self._object_masks, keep_border=self._stamps is not None)
        if any(take.picture and take.passes for take in self._waiting):
            self._converter.start()
        self._job.begin()

    def end(self, wait: bool = False) -> None:
        """Put everything back. Safe to call more than once, and when the scene is gone.

        Args:
            wait: return when the other Blender that makes pictures is gone, see :class:`.converter.PictureConverter`.
        """
        self._converter.end(wait)
        self._job.end(self._restore)

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
        """Whether Blender is rendering a frame of ours at this moment, or one that it has rendered is not ready to be used."""
        return self._current is not None or self._converter.waiting > 0

    @property
    def is_rendering(self) -> bool:
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
        data = {"clip_end": clip_end, "frames": self._cameras}
        write_file(self._folder / "cameras.json", json.dumps(data).encode())
        return data

    def step(self) -> Uploads | None:
        """Start the next render, or finish the one that runs; return a frame's files once they are complete.

        Raises:
            LwswError: ``cancelled`` when the artist stopped the render, ``missing_frames`` when Blender wrote nothing, ``unreadable_frame``
                for a picture that changed in the meantime.
        """
        if self._current is not None:
            if self._has_ended():
                self._finish()
        elif self._waiting:
            self._start(self._waiting.pop(0))
            if not self._interactive:
                self._finish()
        ready = self._converter.take(self._scene()) if self._converter.waiting else None
        return Uploads(*ready, self._pass_file(ready[0])) if ready else None

    def skip_rest(self) -> None:
        """Start no render any more; what is on its way is still returned by :meth:`step`."""
        self._waiting.clear()

    @property
    def is_finished(self) -> bool:
        """Whether every frame has been returned by :meth:`step`."""
        return self._current is None and not self._waiting and not self._converter.waiting

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
            self._job.start(scene, take.frame)
        except LwswError:
            self._current = None
            raise

    def _has_ended(self) -> bool:
        try:
            return self._job.has_ended()
        except LwswError:
            self._current = None
            raise

    def _finish(self) -> None:
        """Put the files of a render in their place; with its passes, a frame has all that its picture is made of."""
        take, self._current = self._current, None
        assert take is not None
        frame, png = take.frame, self._folder / "frames" / file_name(take.frame, ".png")
        exr, partial = self._pass_file(frame), self._partial(take)
        if not partial.is_file():
            raise passes.not_rendered(frame)
        partial.replace(exr if take.passes else png)
        if take.passes:
            picture = self._stamps.check(frame) if self._stamps is not None else exr if take.picture else png
            self._converter.ask(self._scene(), frame, picture, png.parent)

    def _pass_file(self, frame: int) -> Path:
        return self._folder / "passes" / file_name(frame, ".exr")

    def _partial(self, take: _Take) -> Path:
        """Return where Blender writes: beside the final file, so that it need only be renamed."""
        folder, suffix = ("passes", ".partial.exr") if take.passes else ("frames", ".partial.png")
        return self._folder / folder / f".{file_name(take.frame, suffix)}"

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self._scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", "The scene that was being rendered is gone.", "Press Stylize in a scene that exists.")
        return scene
