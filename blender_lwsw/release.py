"""Which release this extension is, and which backend it carries. Knows nothing of Blender."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import LwswError

_EXTENSION = Path(__file__).resolve().parent


@functools.cache
def extension_version() -> str:
    """Return the version that the extension's manifest names."""
    return str(tomllib.loads((_EXTENSION / "blender_manifest.toml").read_text("utf-8"))["version"])


@dataclass(frozen=True)
class Carried:
    """What the backend is installed from.

    Attributes:
        requirement: the wheel that the packaged extension carries, or the folder of the development checkout.
        constraints: exact versions that the tests ran with; None where there are none.
        version: the backend's version.
    """

    requirement: Path
    constraints: Path | None
    version: str

    def pin(self, package: str) -> str:
        """Return ``package==version`` as the constraints say, or the bare name."""
        lines = self.constraints.read_text("utf-8").splitlines() if self.constraints is not None else []
        return next((line.strip() for line in lines if line.partition("==")[0].strip().lower() == package.lower()), package)


def carried_backend(extension: Path = _EXTENSION) -> Carried:
    """Return the backend that comes with the extension: its wheel, else the checkout that the extension lies in.

    Raises:
        LwswError: ``backend_not_found`` for an extension that was zipped without the wheel.
    """
    wheels = sorted((extension / "wheel").glob("lwsw-*.whl"))
    if wheels:
        wheel = wheels[-1]
        return Carried(wheel, _existing(wheel.with_name("constraints.txt")), wheel.name.split("-")[1])
    checkout = extension.parent
    if (checkout / "backend" / "lwsw").is_dir() and (checkout / "pyproject.toml").is_file():
        return Carried(checkout, _existing(checkout / "constraints.txt"), extension_version())
    raise LwswError(
        "backend_not_found",
        "This copy of the extension does not carry the backend.",
        "Install the extension from a released zip file, or name a backend with Use Existing.",
    )


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None
