"""Pictures in and out: sRGB display-referred colour, float32 in [0, 1]. Embedded colour profiles are ignored."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from ..errors import LwswError
from .files import write_atomically

Kind = Literal["style", "frame"]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_EXR_SIGNATURE = b"\x76\x2f\x31\x01"
_HINTS = {
    "style": "Choose a PNG, JPEG or TIFF picture that opens in an image viewer.",
    "frame": "Render this frame again, as PNG.",
}


def read_image(path: Path, kind: Kind = "frame") -> np.ndarray:
    """Read a picture as H,W,3 float32 in [0, 1], RGB, display-referred sRGB.

    8- and 16-bit PNG, JPEG, TIFF and what else OpenCV reads; grey becomes RGB; EXIF orientation is applied to JPEG and TIFF. Transparent
    pixels of a painting (``kind="style"``) are laid over white, as on paper. A frame's alpha is dropped: its colour is what the optimizer
    should see, and Blender's PNG holds it unmultiplied.

    Raises:
        LwswError: ``missing_style`` / ``missing_frames`` where the file does not exist, ``unreadable_style`` / ``unreadable_frame`` where
            it is damaged, incomplete, not a picture, or holds values that are not numbers.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        if kind == "style":
            raise LwswError("missing_style", f"The painting {path} does not exist.", "Choose another picture as style.") from error
        raise LwswError("missing_frames", f"The frame {path} does not exist.", "Render this frame again.") from error
    except OSError as error:
        raise _unreadable(kind, str(path), error.strerror or "cannot be opened") from error
    return decode_image(data, kind, str(path))


def decode_image(data: bytes, kind: Kind = "frame", name: str = "picture") -> np.ndarray:
    """Decode the bytes of a picture file as :func:`read_image` does; ``name`` appears in errors."""
    _check_whole(data, kind, name)
    # IMREAD_COLOR applies the orientation of cameras and scanners but drops alpha; JPEG has none.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH if data.startswith(_JPEG_SIGNATURE) else cv2.IMREAD_UNCHANGED
    try:
        pixels: np.ndarray | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _unreadable(kind, name, "is not a picture, or too large") from error
    if pixels is None:
        raise _unreadable(kind, name, "is damaged or not a picture")
    return _to_rgb(pixels, kind, name)


def check_png(data: bytes, name: str = "picture", kind: Kind = "frame") -> tuple[int, int]:
    """Return width and height of a PNG in pixels, without decoding it; ``name`` appears in errors.

    Checks every chunk's checksum, so a file that was cut off or damaged on its way is noticed.

    Raises:
        LwswError: ``unreadable_style`` / ``unreadable_frame``.
    """
    if not data.startswith(_PNG_SIGNATURE):
        raise _unreadable(kind, name, "is not a PNG")
    view = memoryview(data)
    position = len(_PNG_SIGNATURE)
    size, has_pixels = (0, 0), False
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(view[position : position + 4], "big")
        if end + 4 > len(data):
            break
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise _unreadable(kind, name, "is damaged")
        chunk = bytes(view[position + 4 : position + 8])
        if position == len(_PNG_SIGNATURE):
            if chunk != b"IHDR" or end - position < 8 + 13:
                raise _unreadable(kind, name, "is damaged")
            size = struct.unpack_from(">II", view, position + 8)
            if 0 in size:
                raise _unreadable(kind, name, "is damaged")
        has_pixels = has_pixels or chunk == b"IDAT"
        if chunk == b"IEND":
            if not has_pixels:
                raise _unreadable(kind, name, "holds no pixels")
            return size
        position = end + 4
    raise _unreadable(kind, name, "was not written completely")


def encode_png16(image: np.ndarray) -> bytes:
    """Encode H,W,3 in [0, 1] as a 16-bit RGB PNG; values are clipped and rounded to the nearest level.

    Raises:
        LwswError: ``internal`` where a value is not a number: never write a picture that hides it.
    """
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected H,W,3, got {image.shape}")
    if not np.isfinite(image).all():
        raise LwswError("internal", "The optimization produced values that are not numbers.", "Lower the weights, or report this as a bug.")
    levels = np.rint(np.clip(image, 0.0, 1.0).astype(np.float32) * 65535.0).astype(np.uint16)
    # Stored, not deflated: the low bytes of a painting at 16 bits are noise. Measured at 1920×1080: deflating saves 3 to 4 % of the
    # file and takes 0.11 to 0.38 s instead of 0.02 s, and as much more again each time the sequencer reads the picture.
    options = [cv2.IMWRITE_PNG_COMPRESSION, 0, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    done, encoded = cv2.imencode(".png", levels[..., ::-1], options)
    if not done:
        raise LwswError("internal", "The picture could not be encoded as PNG.", "Report this as a bug.")
    return encoded.tobytes()


def write_png16(path: Path, image: np.ndarray) -> None:
    """Write H,W,3 in [0, 1] as a 16-bit RGB PNG, atomically. Raises as :func:`encode_png16` and ``write_atomically`` do."""
    write_atomically(path, encode_png16(image))


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize H,W,3 float32 to height,width: area average along an axis that shrinks, Lanczos along one that grows, clipped to [0, 1]."""
    if width < 1 or height < 1:
        raise ValueError(f"cannot resize to {width}×{height}")
    rows, columns = image.shape[:2]
    result: np.ndarray = np.ascontiguousarray(image, np.float32)
    # Shrink first: fewer pixels for the expensive filter.
    shrunk = (min(columns, width), min(rows, height))
    if shrunk != (columns, rows):
        result = cv2.resize(result, shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (width, height):
        result = cv2.resize(result, (width, height), interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(np.clip(result, 0.0, 1.0))


def _to_rgb(pixels: np.ndarray, kind: Kind, name: str) -> np.ndarray:
    if np.issubdtype(pixels.dtype, np.floating):
        if not np.isfinite(pixels).all():
            raise _unreadable(kind, name, "holds values that are not numbers")
        values: np.ndarray = np.clip(pixels.astype(np.float32), 0.0, 1.0)
    elif pixels.dtype in (np.uint8, np.uint16):
        values = pixels.astype(np.float32) * np.float32(1.0 / np.iinfo(pixels.dtype).max)
    else:
        raise _unreadable(kind, name, f"has an unsupported pixel format ({pixels.dtype})")
    if values.ndim == 2:
        values = values[..., None]
    channels = values.shape[2]
    if channels not in (1, 2, 3, 4):
        raise _unreadable(kind, name, f"has {channels} channels")
    colour = values[..., :1].repeat(3, axis=2) if channels < 3 else values[..., 2::-1]
    if channels in (2, 4) and kind == "style":
        alpha = values[..., -1:]
        colour = colour * alpha + (1.0 - alpha)
    return np.ascontiguousarray(colour)


def _check_whole(data: bytes, kind: Kind, name: str) -> None:
    """Raise where bytes are missing or damaged: some versions of the decoder fill what is missing with grey, silently."""
    if not data:
        raise _unreadable(kind, name, "is empty")
    if data.startswith(_EXR_SIGNATURE):
        raise _unreadable(kind, name, "is an EXR file; display-referred colour is needed")
    if data.startswith(_PNG_SIGNATURE):
        check_png(data, name, kind)
    if data.startswith(_JPEG_SIGNATURE) and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise _unreadable(kind, name, "was not written completely")


def _unreadable(kind: Kind, name: str, problem: str) -> LwswError:
    noun = "painting" if kind == "style" else "frame"
    return LwswError(f"unreadable_{kind}", f"The {noun} {name} {problem}.", _HINTS[kind])
