"""What lies on the disk, asked at most once in two seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..recent import RecentAnswers
from .frames import find_sequence, picture_size

_answers = RecentAnswers(seconds=2.0)


def is_file(path: str) -> bool:
    """Return whether there is a file. An empty path is none."""
    return modified(path) is not None


def modified(path: str) -> int | None:
    """Return when a file was changed last, in nanoseconds since 1970; None where there is none."""
    stamp: int | None = _answers.ask(("file", path), lambda: _modified(path)) if path else None
    return stamp


def is_writable(folder: str) -> bool:
    """Return whether files can be written to a folder, or the folder can be made where it is not there yet."""
    return bool(_answers.ask(("folder", folder), lambda: _can_be_written(Path(folder))))


def sequence(pattern: str) -> dict[int, Path] | LwswError:
    """Return the files of an image sequence as :func:`.frames.find_sequence` does; its error is returned, not raised."""
    found: dict[int, Path] | LwswError = _answers.ask(("sequence", pattern), lambda: _find_sequence(pattern))
    return found


def size_of(picture: str) -> tuple[int, int] | None:
    """Return width and height of a picture file in pixels; None where it cannot be read."""
    size: tuple[int, int] | None = _answers.ask(("size", picture), lambda: _size(Path(picture)))
    return size


def ask(question: Hashable, find: Callable[[], Any]) -> Any:
    """Return the answer to another question about files, from ``find`` where it is not known or too old."""
    return _answers.ask(question, find)


def forget() -> None:
    """Forget all answers: what comes next asks the disk again."""
    _answers.forget()


def _modified(path: str) -> int | None:
    file = Path(path)
    try:
        return file.stat().st_mtime_ns if file.is_file() else None
    except OSError:
        return None


def _can_be_written(folder: Path) -> bool:
    for place in (folder, *folder.parents):
        try:
            if place.is_dir():
                return os.access(place, os.W_OK | os.X_OK)
            if place.exists():
                return False  # a file is in the way
        except OSError:
            return False
    return False


def _find_sequence(pattern: str) -> dict[int, Path] | LwswError:
    try:
        return find_sequence(pattern)
    except LwswError as error:
        return error
    except OSError as error:
        return LwswError("missing_frames", f"The files {pattern} cannot be read ({error.strerror or error}).", "Choose other files.")


def _size(picture: Path) -> tuple[int, int] | None:
    try:
        return picture_size(picture)
    except LwswError:
        return None
