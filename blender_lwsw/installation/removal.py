"""Removing what may be gigabytes in tens of thousands of files: out of the way at once, off the disk later. Knows nothing of Blender."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path

_numbers = itertools.count(1)


def set_aside(folder: Path, keep: Collection[str] = ()) -> None:
    """Take everything out of a folder but the names in ``keep``, and the folder itself if nothing stays; :func:`sweep` frees the space.

    A folder is renamed, which takes no time however much is in it. What cannot be renamed, because a program uses it, is removed as far
    as that goes.
    """
    if not folder.is_dir():
        return
    for item in list(folder.iterdir()):
        if item.name not in keep:
            try:
                item.rename(folder.with_name(f"{folder.name}-removed-{os.getpid()}-{next(_numbers)}"))
            except OSError:
                remove_tree(item)
    remove_if_empty(folder)


def sweep(folder: Path) -> None:
    """Remove from the disk what was set aside from a folder, also by a Blender that was closed before it could. Takes its time."""
    if folder.parent.is_dir():
        for item in folder.parent.glob(f"{folder.name}-removed-*"):
            remove_tree(item)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder; a virus scanner may hold a file for a moment."""
    for patience in (0.2, 0.5, 0.0):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if not path.exists():
            return
        time.sleep(patience)


def remove_if_empty(folder: Path) -> None:
    """Remove the folder if nothing is in it."""
    with contextlib.suppress(OSError):  # something is installed, or kept for the next try
        folder.rmdir()
