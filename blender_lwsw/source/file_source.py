"""Takes frames that are already rendered: the same interface as the renderer, so that a job need not care."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from .converter import PictureConverter
from .frames import Uploads
from .pictures import Stamps

#: How many pictures are converted ahead of what the caller takes.
AHEAD = 3


class FileSource:
    """Goes through rendered files; scene-linear EXR and JPEG become display-referred PNG on the way.

    Args:
        scene: its view transform is used for EXR.
        frames: frame numbers.
        pictures: PNG, JPEG or EXR by frame number.
        pass_files: multilayer EXR by frame number; may be empty.
        cameras: path of a ``cameras.json``, or None.
        folder: where PNGs made from others go, in a subfolder ``frames``.
        interactive: return while a picture is made display-referred; otherwise wait.
    """

    is_rendering = False

    def __init__(
        self,
        scene: bpy.types.Scene,
        frames: tuple[int, ...],
        pictures: Mapping[int, Path],
        pass_files: Mapping[int, Path],
        cameras: Path | None,
        folder: Path,
        interactive: bool = False,
    ) -> None:
        self._scene_uid = scene.session_uid
        self._waiting = list(frames)
        self._stamps = Stamps({frame: pictures[frame] for frame in frames})
        self._converter = PictureConverter(apart=interactive)
        self._passes, self._cameras, self._folder = pass_files, cameras, folder

    def begin(self) -> None:
        """Nothing has to be prepared."""

    def end(self, wait: bool = False) -> None:
        """Convert no more; nothing has to be put back. Safe to call more than once.

        Args:
            wait: return when the other Blender that makes pictures is gone, see :class:`.converter.PictureConverter`.
        """
        self._converter.end(wait)

    @property
    def is_busy(self) -> bool:
        """Whether a picture is being converted."""
        return self._converter.waiting > 0

    def skip_rest(self) -> None:
        """Begin with no picture any more."""
        self._waiting.clear()

    @property
    def is_finished(self) -> bool:
        """Whether every frame has been returned by :meth:`step`."""
        return not self._waiting and not self._converter.waiting

    def step(self) -> Uploads | None:
        """Return the next frame's files; None while its picture is being converted.

        Raises:
            LwswError: ``missing_frames`` or ``unreadable_frame`` for a picture that is gone or has changed since the job began.
        """
        if self._waiting and self._converter.waiting < AHEAD:
            frame = self._waiting.pop(0)
            self._converter.ask(self._scene(), frame, self._stamps.check(frame), self._folder / "frames")
        ready = self._converter.take(self._scene()) if self._converter.waiting else None
        return Uploads(*ready, self._passes.get(ready[0])) if ready else None

    def cameras(self) -> Mapping[str, Any] | None:
        """Return the contents of ``cameras.json`` if the files came with one that fits."""
        if self._cameras is None:
            return None
        try:
            data = json.loads(self._cameras.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # cameras only improve the sky's motion
        return data if isinstance(data, dict) and isinstance(data.get("frames"), dict) else None

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self._scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", "The scene is gone.", "Press Stylize in a scene that exists.")
        return scene
