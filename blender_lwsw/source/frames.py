"""Numbered files: finding them, and reading what they are before they are sent."""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import LwswError


@dataclass(frozen=True)
class Uploads:
    """One frame's files."""

    frame: int
    picture: Path
    passes: Path | None


def file_name(frame: int, suffix: str) -> str:
    """Return the name every program of the project gives to a frame's file: ``0001.png``, ``-001.png``."""
    return f"{frame:04d}{suffix}"


#: What a folder is searched for.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".exr")


def find_sequence(pattern: str, suffixes: Sequence[str] = PICTURE_SUFFIXES) -> dict[int, Path]:
    """Find the files of an image sequence.

    Args:
        pattern: an absolute path whose name holds the frame number as ``####``, ``%04d`` or ``*``, or the path of any one
            file of the sequence (the last number in its name counts), or a folder with one sequence.
        suffixes: what counts in a folder.

    Returns:
        The files by frame number, ascending; empty if there are none.

    Raises:
        LwswError: ``missing_frames`` for a folder with several sequences.
    """
    path = Path(pattern)
    if path.is_dir():
        return _sequence_in(path, suffixes)
    if not path.parent.is_dir():
        return {}
    expression = _name_expression(path.name)
    found: dict[int, Path] = {}
    for item in path.parent.iterdir():
        if (match := expression.fullmatch(item.name)) and item.is_file():
            found[int(match[1])] = item
    return dict(sorted(found.items()))


def _sequence_in(folder: Path, suffixes: Sequence[str]) -> dict[int, Path]:
    """Return the one sequence in a folder; raise ``missing_frames`` if there are several."""
    sequences: dict[str, dict[int, Path]] = {}
    for item in folder.iterdir():
        numbers = list(re.finditer(r"\d+", item.stem))
        if item.suffix.lower() not in suffixes or item.name.startswith(".") or not numbers or not item.is_file():
            continue
        match = _name_expression(item.name).fullmatch(item.name)
        assert match is not None
        name = f"{item.name[: match.start(1)]}####{item.name[match.end(1) :]}"
        sequences.setdefault(name, {})[int(match[1])] = item
    if len(sequences) > 1:
        names = sorted(sequences)
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        raise LwswError("missing_frames", f"The folder {folder} holds several sequences ({shown}).", "Choose one file of the one you mean.")
    return dict(sorted(next(iter(sequences.values()), {}).items()))


def _name_expression(name: str) -> re.Pattern[str]:
    placeholder = re.search(r"#+|%0?\d*d|\*", name)
    if placeholder:
        before, after = name[: placeholder.start()], name[placeholder.end() :]
        return re.compile(re.escape(before) + r"(-?\d+)" + re.escape(after))
    stem, dot, _suffix = name.rpartition(".")
    numbers = list(re.finditer(r"\d+", stem if dot else name))
    if not numbers:
        return re.compile(re.escape(name) + r"(?!)()")  # a name without a number is not a sequence
    last = numbers[-1]
    start = 0 if name[: last.start()] == "-" else last.start()
    sign = "-?" if last.start() in (0, 1) and name[: last.start()] in ("", "-") else ""
    return re.compile(re.escape(name[:start]) + rf"({sign}\d+)" + re.escape(name[last.end() :]))


def check_no_gap(frames: list[int], what: str) -> None:
    """Raise ``frame_gap`` unless the numbers follow each other."""
    for before, after in itertools.pairwise(frames):
        if after != before + 1:
            missing = f"{before + 1}" if after == before + 2 else f"{before + 1} to {after - 1}"
            raise LwswError("frame_gap", f"Frame {missing} of the {what} is missing.", "Render it, or choose a range without the gap.")


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of a PNG file; raise ``unreadable_frame`` if it is none."""
    head = _read_head(path, 24)
    if len(head) < 24 or head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        raise LwswError("unreadable_frame", f"The frame {path.name} is not a readable PNG picture.", "Render this frame again.")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def write_empty_png(path: Path, size: tuple[int, int]) -> None:
    """Write a black picture of one bit per pixel, for what only asks how large a picture is; size is width and height in pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    width, height = size
    header, rows = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0), bytes(1 + (width + 7) // 8) * height
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def ensure_folder(folder: Path) -> Path:
    """Create a folder and check that files can be written there; raise ``output_not_writable`` otherwise."""
    probe = folder / ".lwsw-write-test"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise LwswError(
            "output_not_writable", f"The folder {folder} cannot be written to ({reason}).", "Choose another output folder."
        ) from None
    return folder


def write_file(path: Path, data: bytes) -> None:
    """Write a file in one step: nobody ever sees half of it. Raises ``disk_full`` or ``output_not_writable``."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise write_error(path, error) from None


def write_error(path: Path, error: OSError) -> LwswError:
    """Turn a failed write into the error an artist can act on."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LwswError(
            "disk_full", f"The disk with {path.parent} is full.", "Free some space, then press Stylize again; finished frames are kept."
        )
    return LwswError("output_not_writable", f"{path} cannot be written ({error.strerror or error}).", "Choose another output folder.")


def exr_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of an EXR file (of its first part); raise ``unreadable_frame`` if it is none."""
    head = _read_head(path, 65536)
    attribute = b"dataWindow\0box2i\0"
    found = head.find(attribute)
    start = found + len(attribute) + 4  # past the attribute's length
    if head[:4] != b"\x76\x2f\x31\x01" or found < 0 or len(head) < start + 16:
        raise LwswError("unreadable_frame", f"The frame {path.name} is not a readable EXR picture.", "Render this frame again.")
    left, top, right, bottom = struct.unpack_from("<iiii", head, start)
    return right - left + 1, bottom - top + 1


def jpeg_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of a JPEG file; raise ``unreadable_frame`` if it is none."""
    head = _read_head(path, 65536)
    position = 2
    while head[:2] == b"\xff\xd8" and position + 9 <= len(head) and head[position] == 0xFF:
        marker, length = head[position + 1], int.from_bytes(head[position + 2 : position + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame, not a table
            height, width = struct.unpack_from(">HH", head, position + 5)
            return width, height
        position += 2 + length
    raise LwswError("unreadable_frame", f"The frame {path.name} is not a readable JPEG picture.", "Render this frame again.")


def has_vectors(path: Path) -> bool:
    """Return whether an EXR file has a Vector pass; whether it is complete, the backend sees."""
    head = _read_head(path, 65536).lower()
    return head[:4] == b"\x76\x2f\x31\x01" and b"vector.x\0" in head


def has_object_masks(path: Path) -> bool:
    """Return whether an EXR file has a Cryptomatte pass; whether it is the one of objects, the backend sees."""
    return b"crypto" in _read_head(path, 65536).lower()


def picture_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of a PNG, JPEG or EXR file; raise ``unreadable_frame`` for anything else."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return png_size(path)
    if suffix == ".exr":
        return exr_size(path)
    if suffix in (".jpg", ".jpeg"):
        return jpeg_size(path)
    raise LwswError(
        "unreadable_frame", f"{path.name} is neither PNG, JPEG nor EXR.", "Save the rendered frames as PNG, or as multilayer EXR."
    )


def _read_head(path: Path, count: int) -> bytes:
    """Return the first bytes of a file; raise ``unreadable_frame``."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise LwswError(
            "unreadable_frame", f"The frame {path.name} cannot be read ({error.strerror}).", "Check the file and its permissions."
        ) from None
