"""Rendered pictures of other formats as the display-referred PNG that a job is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import bpy

from ..errors import LwswError
from . import passes
from .frames import file_name
from .overrides import Overrides


def as_png(scene: bpy.types.Scene, picture: Path, frame: int, folder: Path) -> Path:
    """Return a picture as PNG: itself, or one that is made of it, see :func:`convert`, while the caller waits.

    Args:
        scene: its view transform is used.
        picture: PNG, JPEG or EXR.
        frame: number of the frame.
        folder: where the PNG is written.

    Raises:
        LwswError: ``unreadable_frame``.
    """
    if is_png(picture):
        return picture
    png = folder / file_name(frame, ".png")
    convert(scene, picture, png)
    return png


def is_png(picture: Path) -> bool:
    """Return whether a picture need not be converted."""
    return picture.suffix.lower() == ".png"


def convert(scene: bpy.types.Scene, picture: Path, png: Path) -> None:
    """Write a picture as a display-referred PNG, in one step.

    Scene-linear EXR goes through the scene's view transform; JPEG has gone through it already and is only written anew.

    Raises:
        LwswError: ``unreadable_frame``.
    """
    png.parent.mkdir(parents=True, exist_ok=True)
    unfinished = png.with_name(f".{png.stem}.partial.png")
    if picture.suffix.lower() == ".exr":
        with Overrides(scene) as overrides:
            overrides.keep_image_settings()
            passes.use_png(scene.render.image_settings)
            passes.save_display_referred(scene, str(picture), str(unfinished))
    else:
        _save_as_png(picture, unfinished)
    unfinished.replace(png)


class Stamps:
    """Notices that a picture is written again while a job goes through all of them.

    Args:
        pictures: files by frame number.
    """

    def __init__(self, pictures: Mapping[int, Path]) -> None:
        self._pictures = pictures
        self._stamps = {frame: _stamp(path) for frame, path in pictures.items()}

    def check(self, frame: int) -> Path:
        """Return a frame's picture; raise ``missing_frames`` or ``unreadable_frame`` if it is gone or is another one by now."""
        picture = self._pictures[frame]
        stamp = _stamp(picture)
        if stamp is None:
            raise LwswError("missing_frames", f"The picture of frame {frame}, {picture}, is gone.", "Render this frame again.")
        if stamp != self._stamps[frame]:
            message = f"The picture of frame {frame}, {picture.name}, was written again while the job was reading the pictures."
            raise LwswError("unreadable_frame", message, "Wait until the render is over, then press Stylize again.")
        return picture


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _save_as_png(picture: Path, png: Path) -> None:
    image = None
    try:
        image = bpy.data.images.load(str(picture))
        if len(image.pixels) == 0:  # asking has Blender read the file and note its format, which would undo the next line later
            raise RuntimeError("it has no pixels")
        image.file_format = "PNG"
        image.save(filepath=str(png))
    except RuntimeError as error:
        reason = str(error).strip().removeprefix("Error: ").rstrip(".")
        raise LwswError("unreadable_frame", f"The frame {picture} cannot be read ({reason}).", "Render this frame again.") from None
    finally:
        if image is not None:
            bpy.data.images.remove(image)
