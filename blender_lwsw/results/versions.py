"""Folders of results beside each other: ``lwsw``, ``lwsw_v2``, ``lwsw_v3``. Knows nothing of Blender."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

_NUMBER = re.compile(r"(.*)_v(\d+)")


def version_of(folder: Path) -> int:
    """Return which version a folder's name says, 1 for none."""
    match = _NUMBER.fullmatch(folder.name)
    return int(match[2]) if match else 1


def next_version(folder: Path, taken: Collection[Path] = ()) -> Path:
    """Return the folder of the next version of some results: ``lwsw_v3`` beside ``lwsw`` and ``lwsw_v2``.

    Args:
        folder: the folder of any version.
        taken: folders that somebody means to make.
    """
    base = _base(folder)
    found = [version_of(path) for path in (folder, *versions(folder), *taken) if path.parent == folder.parent and _base(path) == base]
    return folder.with_name(f"{base}_v{max(found) + 1}")


def versions(folder: Path) -> list[Path]:
    """Return the folders that exist beside a folder and hold versions of the same results, the newest first, itself included."""
    base = _base(folder)
    try:
        found = [path for path in folder.parent.iterdir() if _base(path) == base and path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=version_of, reverse=True)


def _base(folder: Path) -> str:
    match = _NUMBER.fullmatch(folder.name)
    return match[1] if match else folder.name
