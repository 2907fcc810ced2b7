"""Takes frames that are already rendered: the same interface as the renderer, so that a job need not care."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from . import passes
from .frames import Uploads, file_name
from .overrides import Overrides


class FileSource:
    """Goes through rendered files; scene-linear EXR becomes display-referred PNG on the way.

    Args:
        scene: its view transform is used for EXR.
        frames: frame numbers.
        pictures: PNG or EXR by frame number.
        pass_files: multilayer EXR by frame number; may be empty.
        cameras: path of a ``cameras.json``, or None.
        folder: where PNGs made from EXR go, in a subfolder ``frames``.
    """

    is_busy = False

    def __init__(
        self,
        scene: bpy.types.Scene,
        frames: tuple[int, ...],
        pictures: Mapping[int, Path],
        pass_files: Mapping[int, Path],
        cameras: Path | None,
        folder: Path,
    ) -> None:
        self._scene_uid = scene.session_uid
        self._waiting = list(frames)
        self._pictures, self._passes, self._cameras, self._folder = pictures, pass_files, cameras, folder

    def begin(self) -> None:
        """Nothing has to be prepared."""

    def end(self) -> None:
        """Nothing has to be put back: each conversion does so itself."""

    @property
    def is_finished(self) -> bool:
        """Whether every frame has been returned by :meth:`step`."""
        return not self._waiting

    def step(self) -> Uploads | None:
        """Return the next frame's files."""
        if not self._waiting:
            return None
        frame = self._waiting.pop(0)
        picture = self._pictures[frame]
        if picture.suffix.lower() == ".exr":
            picture = self._display_referred(frame, picture)
        return Uploads(frame, picture, self._passes.get(frame))

    def cameras(self) -> Mapping[str, Any] | None:
        """Return the contents of ``cameras.json`` if the files came with one that fits."""
        if self._cameras is None:
            return None
        try:
            data = json.loads(self._cameras.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # cameras only improve the sky's motion
        return data if isinstance(data, dict) and isinstance(data.get("frames"), dict) else None

    def _display_referred(self, frame: int, exr: Path) -> Path:
        scene = compat.find_scene(self._scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", "The scene is gone.", "Press Stylize in a scene that exists.")
        png = self._folder / "frames" / file_name(frame, ".png")
        png.parent.mkdir(parents=True, exist_ok=True)
        with Overrides(scene) as overrides:
            overrides.keep_image_settings()
            passes.use_png(scene.render.image_settings)
            passes.save_display_referred(scene, str(exr), str(png))
        return png
