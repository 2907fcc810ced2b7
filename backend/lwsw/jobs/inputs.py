"""Quick checks of what a job is given, without decoding pixels: a bad file is refused when it arrives, not hours later."""

from __future__ import annotations

import struct
import zlib
from mmap import mmap

from ..errors import LwswError
from ..media.images import decode_image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EXR_SIGNATURE = b"\x76\x2f\x31\x01"
_EXR_MULTI_PART = 0x1000
_EXR_TILED = 0x200
_EXR_SCAN_LINES = b"scanlineimage"
#: Rows per chunk of a scan-line EXR, by the number of its compression (none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB, HTJ2K).
_EXR_ROWS = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32)


def check_style(data: bytes, name: str) -> None:
    """Check that a painting can be read; raise ``unreadable_style`` otherwise. Paintings are few, so this one decodes."""
    decode_image(data, "style", name)


def check_frame(data: bytes, name: str) -> tuple[int, int]:
    """Return width and height of a PNG.

    Checks every chunk's checksum, so a file that was cut off or damaged on its way is noticed.

    Raises:
        LwswError: ``unreadable_frame``.
    """
    if not data.startswith(_PNG_SIGNATURE):
        raise _unreadable(name, "is not a PNG")
    view, position, has_pixels, size = memoryview(data), len(_PNG_SIGNATURE), False, (0, 0)
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(view[position : position + 4], "big")
        kind = bytes(view[position + 4 : position + 8])
        if end + 4 > len(data):
            break
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise _unreadable(name, "is damaged")
        if size == (0, 0):
            if kind != b"IHDR" or end - position < 8 + 13:
                raise _unreadable(name, "is damaged")
            width, height = struct.unpack_from(">II", view, position + 8)
            if not width or not height:
                raise _unreadable(name, "is damaged")
            size = (width, height)
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            if not has_pixels:
                raise _unreadable(name, "holds no pixels")
            return size
        position = end + 4
    raise _unreadable(name, "was not written completely")


def check_pass(data: bytes | mmap, name: str) -> tuple[int, int]:
    """Return width and height (of the display window) of an EXR that holds a complete Vector pass.

    Reads the headers and the table of chunks, so a file that was cut off is noticed; the pixels are read when the frame's turn comes.

    Raises:
        LwswError: ``corrupt_pass``, or ``missing_pass`` without the channels ``*.Vector.X``, ``Y``, ``Z`` and ``W``.
    """
    try:
        size, channels = _read_exr_headers(data)
    except (struct.error, ValueError, IndexError, KeyError):
        raise LwswError(
            "corrupt_pass", f"The pass file {name} is damaged or was not written completely.", "Render the passes of this frame again."
        ) from None
    found = {".".join(channel.split(".")[-2:]).casefold() for channel in channels}
    missing = [axis.upper() for axis in "xyzw" if f"vector.{axis}" not in found]
    if missing:
        what = "no Vector pass" if len(missing) == 4 else f"an incomplete Vector pass ({', '.join(missing)} missing)"
        raise LwswError(
            "missing_pass", f"The pass file {name} has {what}.", "Turn on View Layer properties › Passes › Data › Vector, and render again."
        )
    return size


def _read_exr_headers(data: bytes | mmap) -> tuple[tuple[int, int], list[str]]:
    """Return the size of the first part and the channels of all; raise ValueError (or struct.error, …) where the file is not whole."""
    if data[:4] != _EXR_SIGNATURE:
        raise ValueError
    (version,) = struct.unpack_from("<I", data, 4)
    multi_part = bool(version & _EXR_MULTI_PART)
    position = 8
    sizes: list[tuple[int, int]] = []
    channels: list[str] = []
    chunks: int | None = 0
    while True:
        attributes, position = _read_exr_attributes(data, position)
        left, top, right, bottom = struct.unpack("<4i", attributes["displayWindow"])
        _, data_top, _, data_bottom = struct.unpack("<4i", attributes["dataWindow"])
        sizes.append((right - left + 1, bottom - top + 1))
        channels += _channel_names(attributes["channels"])
        count: int | None
        if version & _EXR_TILED or attributes.get("type", _EXR_SCAN_LINES) != _EXR_SCAN_LINES:
            count = None  # Blender writes no tiles; such files are checked when they are read
        elif "chunkCount" in attributes:
            (count,) = struct.unpack("<i", attributes["chunkCount"])
        else:
            count = -(-(data_bottom - data_top + 1) // _EXR_ROWS[attributes["compression"][0]])
        chunks = None if chunks is None or count is None else chunks + count
        if not multi_part:
            break
        if data[position] == 0:
            position += 1
            break
    if chunks is not None:
        _check_chunks(data, position, chunks, multi_part)
    return sizes[0], channels


def _read_exr_attributes(data: bytes | mmap, position: int) -> tuple[dict[str, bytes], int]:
    attributes: dict[str, bytes] = {}
    while data[position] != 0:
        name_end = _find_zero(data, position)
        type_end = _find_zero(data, name_end + 1)
        (size,) = struct.unpack_from("<i", data, type_end + 1)
        value = type_end + 5
        if size < 0 or value + size > len(data):
            raise ValueError
        attributes[data[position:name_end].decode("latin-1")] = data[value : value + size]
        position = value + size
    return attributes, position + 1


def _find_zero(data: bytes | mmap, position: int) -> int:
    found = data.find(b"\0", position)
    if found < 0:
        raise ValueError
    return found


def _channel_names(value: bytes) -> list[str]:
    names, position = [], 0
    while value[position] != 0:
        end = _find_zero(value, position)
        names.append(value[position:end].decode("utf-8", "replace"))
        position = end + 17  # type, linearity, sampling
    return names


def _check_chunks(data: bytes | mmap, table: int, count: int, multi_part: bool) -> None:
    """Check that the table is filled (a writer fills it last) and that the last chunk ends inside the file."""
    offsets = struct.unpack_from(f"<{count}Q", data, table)
    if not offsets or min(offsets) < table + 8 * count:
        raise ValueError
    last = max(offsets)
    header = 12 if multi_part else 8  # (part,) row, size
    (size,) = struct.unpack_from("<I", data, last + header - 4)
    if last + header + size > len(data):
        raise ValueError


def _unreadable(name: str, problem: str) -> LwswError:
    return LwswError("unreadable_frame", f"The frame {name} {problem}.", "Render this frame again, as PNG.")
