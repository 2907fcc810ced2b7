"""The files that strips of the sequencer show: which of them are gone, and where they are found again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from . import disk_state


def check_files(strips: Iterable[Any], frames: range, every: bool = True) -> None:
    """Say which strip cannot show what it should; without its files, Blender would show black, and black would be painted.

    Args:
        strips: those that count; what lies in meta strips counts with them.
        frames: frames of the timeline that are shown.
        every: look at each file; otherwise at the first and the last one of each strip, once in a while, as a panel that is drawn may.

    Raises:
        LwswError: ``missing_frames``.
    """
    shown = list(strips)
    if every:
        found = lost_file(shown, frames, every=True)
    else:
        question = ("files of strips", *(strip.as_pointer() for strip in shown), frames)
        found = disk_state.ask(question, lambda: lost_file(shown, frames))
    if found is not None:
        name, path = found
        message = f"The file {path.name} of the strip {name} is no longer where it was."
        raise LwswError("missing_frames", message, "Choose where the files are now, or mute the strip.")


def lost_file(strips: Iterable[Any], frames: range | None = None, every: bool = False) -> tuple[str, Path] | None:
    """Return the name of the first strip that shows a file which is gone, and that file; None where all are there. Arguments as above."""
    for strip in strips:
        start, end = compat.strip_range(strip)
        if frames is not None and (end <= frames.start or start >= frames.stop):
            continue
        if strip.type == "META":
            found = lost_file((inner for inner in strip.strips if not inner.mute), None, every)
            if found is not None:
                return found
            continue
        lost = _lost_of(strip, every)
        if lost is not None:
            return strip.name, lost
    return None


def point_to(strip: Any, chosen: Path) -> None:
    """Let a strip show the files at another place.

    Args:
        strip: an image or movie strip.
        chosen: the movie; for pictures any one of them, or their folder.

    Raises:
        LwswError: ``missing_frames`` where they are not there; the strip stays as it was.
    """
    if strip.type == "MOVIE":
        if not chosen.is_file():
            raise LwswError("missing_frames", f"There is no movie {chosen}.", "Choose the file that the strip should show.")
        strip.filepath = _stored(chosen)
        return
    folder = chosen if chosen.is_dir() else chosen.parent
    there = _names_in(folder)
    missing = next((name for name in _shown_names(strip) if name not in there), None)
    if missing is not None:
        message = f"The folder {folder} has no file {missing}, which the strip {strip.name} shows."
        raise LwswError("missing_frames", message, "Choose the folder that the pictures were moved to.")
    strip.directory = _stored(folder)


def _lost_of(strip: Any, every: bool) -> Path | None:
    if strip.type == "MOVIE":
        path = Path(bpy.path.abspath(strip.filepath))
        return None if disk_state.is_file(str(path)) else path
    if strip.type != "IMAGE":
        return None
    folder = Path(bpy.path.abspath(strip.directory))
    names = _shown_names(strip, every)
    if not every:
        return next((folder / name for name in names if not disk_state.is_file(str(folder / name))), None)
    there = _names_in(folder)
    # a disk that does not tell a from A has what a list of its files may not name like that
    return next((folder / name for name in names if name not in there and not (folder / name).is_file()), None)


def _shown_names(strip: Any, every: bool = True) -> list[str]:
    """Return the names of the pictures between the strip's handles, or of the first and the last of them."""
    elements = strip.elements
    (left, right), start = compat.strip_range(strip), compat.strip_start(strip)
    first = min(max(left - start, 0), len(elements) - 1)
    last = max(min(right - start, len(elements)) - 1, first)
    if strip.use_reverse_frames:
        first, last = len(elements) - 1 - last, len(elements) - 1 - first
    places = range(first, last + 1) if every else sorted({first, last})
    return [elements[place].filename for place in places]


def _names_in(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()


def _stored(path: Path) -> str:
    """Return how a path is kept: from the Blender file on, where there is one on the same drive."""
    same_drive = bpy.data.filepath and Path(bpy.data.filepath).drive == path.drive
    return bpy.path.relpath(str(path)) if same_drive else str(path)
