"""The paintings of a job: files that can be read, each under a name of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import bpy

from ..errors import LwswError
from .animation import PerFrame


class Paintings:
    """Collects the paintings of a job. A file that is asked for twice is sent once."""

    def __init__(self) -> None:
        self._names: dict[Path, str] = {}

    @property
    def files(self) -> dict[str, Path]:
        """The files by their names in the job, in the order in which they came."""
        return {name: path for path, name in self._names.items()}

    def add(self, value: str | Path, whose: str = "") -> str:
        """Take in a painting and return its name in the job: letters, digits, ``._-``, and unlike any other's.

        Args:
            value: its path; may start with ``//``.
            whose: what to say in front of ``has been chosen`` where there is none, for example ``for the region 'Hero'``.

        Raises:
            LwswError: ``missing_style``, ``unreadable_style``.
        """
        text = str(value).strip()
        if not text:
            where = f" {whose}" if whose else ""
            raise LwswError("missing_style", f"No painting has been chosen{where}.", "Choose an image file as the painting.")
        path = Path(bpy.path.abspath(text)).absolute()
        if path not in self._names:
            _check_picture(path)
            self._names[path] = self._free_name(path)
        return self._names[path]

    def blend(self, parts: Iterable[tuple[str | Path, PerFrame, str]]) -> dict[str, PerFrame]:
        """Take in several paintings and return their shares by name; shares of the same file add up.

        Args:
            parts: path, share (0 and more) and, as in :meth:`add`, whose it is.
        """
        shares: dict[str, PerFrame] = {}
        for path, share, whose in parts:
            name = self.add(path, whose)
            shares[name] = _sum(shares[name], share) if name in shares else share
        return shares

    def _free_name(self, path: Path) -> str:
        stem, suffix = (re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in (path.stem, path.suffix))
        taken = {name.lower() for name in self._names.values()}  # file systems may not tell a from A
        name, number = stem + suffix, 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}{suffix}"
        return name


#: Size and time of change of files that could be read: a preview asks again whenever a slider has moved.
_readable: dict[Path, tuple[int, int]] = {}


def _check_picture(path: Path) -> None:
    if not path.is_file():
        raise LwswError("missing_style", f"The painting {path} does not exist.", "Choose another image file as the painting.")
    status = path.stat()
    stamp = (status.st_size, status.st_mtime_ns)
    if _readable.get(path) == stamp:
        return
    image = None
    try:
        image = bpy.data.images.load(str(path))
        readable = min(image.size) > 0
    except RuntimeError:
        readable = False
    finally:
        if image is not None:
            bpy.data.images.remove(image)
    if not readable:
        raise LwswError("unreadable_style", f"The painting {path.name} is not a picture that can be read.", "Choose a JPEG or PNG file.")
    _readable[path] = stamp


def _sum(a: PerFrame, b: PerFrame) -> PerFrame:
    if isinstance(a, Sequence) or isinstance(b, Sequence):
        count = len(a) if isinstance(a, Sequence) else len(b)  # type: ignore[arg-type]
        both = (list(value) if isinstance(value, Sequence) else [value] * count for value in (a, b))
        return [x + y for x, y in zip(*both, strict=True)]
    return a + b
