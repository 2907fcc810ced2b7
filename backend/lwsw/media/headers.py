"""What EXR and PNG files say about themselves before their pixels: read in a fraction of a millisecond, where decoding takes a hundred.

The layout of EXR is that of "OpenEXR File Layout" (openexr.com): magic number, version and flags, one header of attributes per part, one
table of chunk offsets per part, chunks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import LwswError

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_MAGIC = b"\x76\x2f\x31\x01"
_TILED, _DEEP, _MULTIPART = 1 << 9, 1 << 11, 1 << 12  # flags
_LINES_PER_CHUNK = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}  # by the number of the compression
_LONGEST_HEADER = 16 << 20  # bytes; a Cryptomatte manifest of ten thousand objects has half a megabyte


def read_png_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG in pixels, and check that it was written to its end.

    Raises:
        LwswError: ``missing_frames`` where the file does not exist, ``unreadable_frame``.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(24)
            stream.seek(-len(_PNG_END), 2)
            end = stream.read()
    except FileNotFoundError:
        raise LwswError("missing_frames", f"The frame {path} does not exist.", "Render this frame again.") from None
    except OSError:
        head = end = b""
    if not head.startswith(_PNG_SIGNATURE) or head[12:16] != b"IHDR" or len(head) < 24 or end != _PNG_END:
        message = f"The frame {path} is not a PNG, or was not written completely."
        raise LwswError("unreadable_frame", message, "Render this frame again, as PNG.")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


@dataclass(frozen=True)
class ExrHeader:
    """What a file announces.

    Attributes:
        width, height: of the display window of the first part, in pixels.
        channels: names of the channels of all parts.
    """

    width: int
    height: int
    channels: frozenset[str]


def read_exr_header(path: Path, name: str = "") -> ExrHeader:
    """Read the headers of an EXR file, and check that it was written to its end.

    A program that is interrupted leaves zeros in the table of chunk offsets, a copy that is interrupted ends before the last chunk. Damage
    inside of a chunk shows only when it is decoded. The table of a tiled file is not checked; Blender writes none.

    Args:
        path: the file.
        name: what errors call the file; empty takes its path.

    Raises:
        LwswError: ``missing_pass`` where the file does not exist, ``corrupt_pass``.
    """
    shown = name or str(path)
    try:
        with path.open("rb") as stream:
            return _read(stream, path.stat().st_size)
    except FileNotFoundError:
        raise LwswError("missing_pass", f"The pass file {shown} does not exist.", "Render the passes of this frame again.") from None
    except (OSError, ValueError, LookupError, struct.error, MemoryError) as error:
        message = f"The pass file {shown} is damaged or was not written completely."
        raise LwswError("corrupt_pass", message, "Render the passes of this frame again.") from error


def _read(stream: BinaryIO, size: int) -> ExrHeader:
    magic, version = stream.read(4), struct.unpack("<I", stream.read(4))[0]
    if magic != _MAGIC:
        raise ValueError("no EXR")
    parts = [_read_attributes(stream)]
    while version & _MULTIPART:
        attributes = _read_attributes(stream)
        if not attributes:
            break
        parts.append(attributes)
    if not version & (_TILED | _DEEP):
        for part in parts:
            count = _chunk_count(part)
            if count and part.get("type", b"scanlineimage").rstrip(b"\0") == b"scanlineimage":
                offsets = struct.unpack(f"<{count}Q", stream.read(8 * count))
                if min(offsets) < stream.tell() or max(offsets) >= size:
                    raise ValueError("unfinished")
                _check_chunk(stream, max(offsets), bool(version & _MULTIPART), size)
            else:
                break  # the tables of the parts behind it begin where this one ends, whose length is not known
    left, top, right, bottom = struct.unpack("<4i", parts[0]["displayWindow"])
    if right < left or bottom < top:
        raise ValueError("empty window")
    channels = frozenset(name for part in parts for name in _channel_names(part["channels"]))
    return ExrHeader(right - left + 1, bottom - top + 1, channels)


def _read_attributes(stream: BinaryIO) -> dict[str, bytes]:
    attributes: dict[str, bytes] = {}
    while name := _read_string(stream):
        _read_string(stream)  # its type
        length = struct.unpack("<I", stream.read(4))[0]
        value = stream.read(length) if length <= _LONGEST_HEADER else b""
        if len(value) != length:
            raise ValueError("cut off")
        attributes[name] = value
    return attributes


def _read_string(stream: BinaryIO) -> str:
    text = bytearray()
    while (character := stream.read(1)) != b"\0":
        if not character or len(text) > 255:
            raise ValueError("cut off")
        text += character
    return text.decode("utf-8", "replace")


def _chunk_count(part: dict[str, bytes]) -> int:
    """Return the number of chunks of a part; 0 where its compression is unknown here."""
    if "chunkCount" in part:
        count: int = struct.unpack("<i", part["chunkCount"])[0]
    else:
        _, top, _, bottom = struct.unpack("<4i", part["dataWindow"])
        lines = _LINES_PER_CHUNK.get(part["compression"][0])
        if lines is None:
            return 0
        count = -(-(bottom - top + 1) // lines)
    if not 0 < count <= 1 << 20:
        raise ValueError("no chunks")
    return count


def _check_chunk(stream: BinaryIO, offset: int, is_multipart: bool, size: int) -> None:
    """Raise where the file ends before a chunk does; go back to where reading was."""
    here = stream.tell()
    head = offset + (4 if is_multipart else 0) + 4  # number of the part, line
    stream.seek(head)
    if head + 4 + struct.unpack("<I", stream.read(4))[0] > size:
        raise ValueError("cut off")
    stream.seek(here)


def _channel_names(value: bytes) -> list[str]:
    names, position = [], 0
    while value[position]:
        end = value.index(b"\0", position)
        names.append(value[position:end].decode("utf-8", "replace"))
        position = end + 1 + 16  # kind of pixel, linearity, sampling
    return names
