"""The backend's folder while it is being changed: held by one Blender, cleared of what does not count. Knows nothing of Blender.

What lies in it: :mod:`..connection.installed`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..connection.installed import DOWNLOADS, ENVIRONMENT_PREFIX, LOCK, STAMP, read_installed
from ..errors import LwswError
from ..file_lock import FileLock
from .removal import remove_if_empty, set_aside


def remove_leftovers(folder: Path, keep_downloads: bool = False) -> None:
    """Set aside whatever the stamp does not name: environments that were not finished or that were replaced, and temporary files."""
    installed = read_installed(folder)
    keep = {STAMP, LOCK} | ({installed.environment} if installed else set()) | ({DOWNLOADS} if keep_downloads else set())
    set_aside(folder, keep)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process, and remove it afterwards if nothing is in it; the system lets go of it when the process ends.

    Raises:
        LwswError: ``install_running`` if another Blender holds it; ``output_not_writable``.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock.acquire()
    except OSError as error:
        raise not_writable(folder, error) from None
    if not held:
        raise LwswError("install_running", "Another Blender is installing or removing the backend right now.", "Wait until it is done.")
    try:
        yield
    finally:
        lock.release(remove=True)
        remove_if_empty(folder)


def free_name(folder: Path) -> str:
    """Return a name for a new environment that nothing in the folder has."""
    number = 1
    while (folder / f"{ENVIRONMENT_PREFIX}{number}").exists():
        number += 1
    return f"{ENVIRONMENT_PREFIX}{number}"


def packages_folder(environment: Path) -> Path:
    """Return where a virtual environment's packages lie."""
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    return next(environment.glob("lib/python3*/site-packages"), environment / "lib" / "python3" / "site-packages")


def link_packages(old: Path, new: Path) -> None:
    """Give the new environment the old one's packages without copying them; both are folders of packages. pip replaces files, it never
    writes into them.
    """
    for item in old.iterdir():
        name = item.name.lower()
        if (
            (new / item.name).exists()
            or name.startswith(("lwsw", "pip", "_distutils_hack", "distutils-precedence"))
            or name == "__pycache__"
        ):
            continue
        if item.is_dir():
            shutil.copytree(item, new / item.name, copy_function=_link, symlinks=True)
        else:
            _link(item, new / item.name)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # the file system has no hard links
        shutil.copy2(source, target)


def not_writable(folder: Path, error: OSError) -> LwswError:
    """Return what to say where something could not be written: ``disk_full`` or ``output_not_writable``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LwswError("disk_full", f"The disk of {folder} is full.", "Free some space, then press Install Backend again.")
    reason = error.strerror or str(error)
    return LwswError("output_not_writable", f"The folder {folder} cannot be written to ({reason}).", "Check its permissions and try again.")
