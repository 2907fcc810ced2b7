"""Finds a Python that the backend's environment can be made with. Knows nothing of Blender."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..child_processes import hidden_window
from ..connection.process import clean_environment
from ..errors import LwswError

OLDEST = (3, 11)
#: Newer Pythons than this have no torch yet that the backend was tested with.
NEWEST = (3, 14)

_PROBE = """
import importlib.util, json, sys, sysconfig
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({
    "version": sys.version_info[:3], "base": getattr(sys, "_base_executable", None) or sys.executable,
    "usable": has("venv") and sys.maxsize > 2**32 and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "ensurepip": has("ensurepip"),
}))
"""


@dataclass(frozen=True)
class Python:
    """A Python that can make environments.

    Attributes:
        path: the program; never one that lies in a virtual environment itself, because that may be removed.
        version: its version.
        has_ensurepip: whether it can put pip into an environment by itself.
    """

    path: str
    version: tuple[int, ...]
    has_ensurepip: bool

    @property
    def name(self) -> str:
        """Its version in words."""
        return ".".join(str(number) for number in self.version)


def find_python(blender_python: str = sys.executable, environment: Mapping[str, str] | None = None) -> Python:
    """Return the first Python that can be used: Blender's own, then those on the search path and where they are usually installed.

    Raises:
        LwswError: ``no_python``.
    """
    for python in find_pythons(blender_python, environment):
        return python
    raise LwswError(
        "no_python",
        f"No Python {_words(OLDEST)} to {_words(NEWEST)} was found that can make an environment for the backend.",
        _way_out(),
    )


def find_pythons(blender_python: str = sys.executable, environment: Mapping[str, str] | None = None) -> Iterator[Python]:
    """Yield every Python that can be used, each once, in the order of :func:`find_python`."""
    environment = os.environ if environment is None else environment
    asked: set[str] = set()
    given: set[str] = set()
    for candidate in _candidates(blender_python, environment):
        if candidate not in asked:
            asked.add(candidate)
            if (python := examine(candidate)) is not None and python.path not in given:
                given.add(python.path)
                yield python


def examine(path: str) -> Python | None:
    """Return what a Python is, or None if the backend cannot be run with it. Takes a tenth of a second, and at most ten seconds."""
    answer = _ask(path)
    if answer is None:
        return None
    base = answer["base"]
    if base != path and (behind := _ask(base)) is not None and behind["version"] == answer["version"]:
        path, answer = base, behind
    version = tuple(answer["version"])
    if not answer["usable"] or not OLDEST <= version[:2] <= NEWEST:
        return None
    return Python(path, version, bool(answer["ensurepip"]))


def _candidates(blender_python: str, environment: Mapping[str, str]) -> Iterator[str]:
    if Path(blender_python).name.lower().startswith("python"):  # older builds give the path of Blender itself
        yield blender_python
    search = [*environment.get("PATH", "").split(os.pathsep), *_usual_folders(environment)]
    path = os.pathsep.join(folder for folder in search if folder)
    versions = [f"python{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]  # the tests run with the oldest
    for name in (*versions, "python3", "python"):
        for folder in path.split(os.pathsep):
            if found := shutil.which(name, path=folder):
                yield found


def _usual_folders(environment: Mapping[str, str]) -> list[str]:
    """Return where Pythons are installed that a program started from the desktop does not have on its search path."""
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if sys.platform == "win32":
        places = [
            Path(environment.get("LOCALAPPDATA", home)) / "Programs" / "Python",
            Path(environment.get("PROGRAMFILES", "C:/Program Files")),
        ]
        return [str(folder) for place in places for folder in sorted(place.glob("Python3*"), reverse=True)]
    folders = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", str(home / ".local" / "bin")]
    folders += [str(folder) for folder in sorted(Path("/Library/Frameworks/Python.framework/Versions").glob("3.*/bin"), reverse=True)]
    for place in (home / ".pyenv" / "versions", home / ".local" / "share" / "uv" / "python"):
        folders += [str(folder) for folder in sorted(place.glob("*3.*/bin"), reverse=True)]
    return folders


def _ask(path: str) -> dict[str, Any] | None:
    try:
        done = subprocess.run(
            [path, "-I", "-c", _PROBE], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True,
            env=clean_environment(), **hidden_window(),
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):  # not a Python, or one that does not work
        return None
    return answer


def _words(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _way_out() -> str:
    if sys.platform == "win32":
        return "Install Python 3.13 from python.org, then press Install Backend again."
    if sys.platform == "darwin":
        return "Install Python 3.13 from python.org or with Homebrew, then press Install Backend again."
    return "Install it with the system's package manager (Debian, Ubuntu: python3 and python3-venv), then press Install Backend again."
