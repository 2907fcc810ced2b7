"""Atomic writes: a reader sees the old file or the whole new one, never a part of it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import LwswError

# Hidden (a glob such as '*.png' does not see it) and short (works beside names of any length).
_TEMPORARY_NAME = re.compile(r"\.[0-9a-f]{16}\.lwsw-tmp")
_NO_SPACE = {errno.ENOSPC, errno.EFBIG} | {getattr(errno, "EDQUOT", errno.ENOSPC)}
_REPLACE_ATTEMPTS = 10 if os.name == "nt" else 1


def write_atomically(path: Path, data: bytes, check: Callable[[Path], object] | None = None) -> None:
    """Write ``data`` to ``path`` so that a crash at any moment leaves the old file or the complete new one.

    The bytes go to a temporary name in the same folder, are flushed to the disk, and are renamed. The folder must exist.

    Args:
        path: the file.
        data: its content.
        check: called with the temporary file before it takes the place of ``path``; what it raises leaves everything as it was.

    Raises:
        LwswError: ``disk_full``, or ``output_not_writable`` for any other reason that the system gives, or what ``check`` raises. The
            temporary file is removed.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.lwsw-tmp")
    try:
        try:
            with temporary.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if check is not None:
                check(temporary)
            _replace(temporary, path)
        finally:
            # After the rename there is nothing left to remove; after any failure, Ctrl-C included, there may be.
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error


def output_error(path: Path, error: OSError) -> LwswError:
    """Translate the failure to write or create ``path`` into the sentence an artist sees."""
    if error.errno in _NO_SPACE:
        return LwswError(
            "disk_full",
            f"There is no space left to write {path}.",
            "Free some space on this disk and resume; finished frames are kept.",
        )
    reason = {
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.EROFS: "the disk is read-only",
        errno.ENOTDIR: "a part of the path is a file, not a folder",
        errno.ENOENT: "the folder does not exist",
        errno.EISDIR: "a folder has this name",
        errno.ENAMETOOLONG: "the name is too long",
    }.get(error.errno or 0, error.strerror or type(error).__name__)
    return LwswError(
        "output_not_writable",
        f"Cannot write {path}: {reason}.",
        "Choose an output folder that exists and that you may write to, and close programs that hold the file open.",
    )


def sweep_temporary_files(folder: Path) -> list[Path]:
    """Remove what killed writers left in ``folder`` (not in its subfolders) and return the removed paths.

    Only names that :func:`write_atomically` makes are touched. Call it when no other process writes there.
    """
    removed: list[Path] = []
    if not folder.is_dir():
        return removed
    for path in sorted(folder.iterdir()):
        if _TEMPORARY_NAME.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(path)
    return removed


def _replace(source: Path, target: Path) -> None:
    """Rename; on Windows wait a moment for a program that holds the target open, such as an image viewer."""
    for attempt in range(1, _REPLACE_ATTEMPTS + 1):
        try:
            source.replace(target)
            return
        except PermissionError:
            if attempt == _REPLACE_ATTEMPTS:
                raise
            time.sleep(0.05)
