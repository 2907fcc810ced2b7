"""The backend that the extension installed for itself: where it lies and what it is. Knows nothing of Blender.

In the extension's user folder lies ``backend/``:

    installed.json      written last, in one step: without it nothing is installed, whatever else lies here
    venv-1, venv-2, …   virtual environments, which cannot be moved; ``installed.json`` names the one that counts. A repair or an update
                        makes a new one beside it, and the old one goes when the new one works.
    downloads/          what a failed installation had fetched already, so that trying again is quicker
    temporary/          while an installation runs
    lock                held by the Blender that installs
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..source.frames import write_file

STAMP = "installed.json"
ENVIRONMENT_PREFIX = "venv-"
DOWNLOADS = "downloads"
TEMPORARY = "temporary"
LOCK = "lock"


@dataclass(frozen=True)
class Installed:
    """An installed backend.

    Attributes:
        environment: name of its virtual environment's folder.
        version: version of the backend.
        torch: version of torch with its build, such as ``2.13.0+cpu``.
        build: name of the torch build, see :mod:`.torch_build`.
        python: version of the Python that runs it.
        size: bytes on the disk.
        seconds: how long the installation took.
    """

    environment: str
    version: str
    torch: str
    build: str
    python: str
    size: int
    seconds: float


def read_installed(folder: Path | None) -> Installed | None:
    """Return what is installed in ``folder``, or None."""
    if folder is None:
        return None
    try:
        data = json.loads((folder / STAMP).read_text("utf-8"))
        return Installed(**{name: data[name] for name in Installed.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_installed(folder: Path, installed: Installed) -> None:
    """Write the stamp, which makes the environment count. Raises ``disk_full`` or ``output_not_writable``."""
    write_file(folder / STAMP, json.dumps(asdict(installed), indent=1).encode())


def environment_python(environment: Path) -> Path:
    """Return the path of a virtual environment's Python."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed_python(folder: Path, installed: Installed) -> Path:
    """Return the Python of an installed backend.

    Raises:
        LwswError: ``backend_start_failed`` if it is gone: the environment borrows most of it from the Python it was made with, which for
            Blender's own goes when that Blender is removed.
    """
    python = environment_python(folder / installed.environment)
    if not python.exists():
        raise LwswError(
            "backend_start_failed",
            "The installed backend is broken: the Python it was made with is gone.",
            "Press Repair in the section Backend.",
        )
    return python


def tree_size(folder: Path) -> int:
    """Return the bytes of all files below a folder; what cannot be read counts nothing."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # it is being written or removed right now
            continue
    return total


def as_dict(installed: Installed) -> dict[str, Any]:
    """Return the stamp's contents."""
    return asdict(installed)
