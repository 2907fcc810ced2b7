"""What an installation is told, and what it would do on this machine. Blocks; knows nothing of Blender."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..connection.installed import read_installed
from ..errors import LwswError
from ..release import Carried, carried_backend
from .pythons import Python, find_python
from .removal import sweep
from .torch_build import MEGABYTE, TorchBuild, choose_build, look_at_machine

#: Bytes of everything but torch: to fetch, and unpacked (numpy, OpenCV, OpenEXR, the weights of VGG-19, the HTTP server, pip).
_REST = (150 * MEGABYTE, 340 * MEGABYTE)


@dataclass(frozen=True)
class Order:
    """What is to be installed where.

    Attributes:
        folder: the backend's folder in the extension's user folder.
        online_access: whether Blender may talk to other machines.
        blender_python: the Python that Blender brings along.
        log_file: where the whole log goes; None for nowhere.
        pip_arguments: further arguments of every ``pip install``, for farms and their package indexes.
        shared_packages: folders whose packages the environment uses too; what lies there is not fetched again.
    """

    folder: Path
    online_access: bool = False
    blender_python: str = sys.executable
    log_file: Path | None = None
    pip_arguments: tuple[str, ...] = ()
    shared_packages: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Offer:
    """What an installation would do.

    Attributes:
        python: the Python it would use.
        torch: the build of torch it would take.
        carried: the backend that is installed.
        download: bytes to fetch, about.
        unpacked: bytes on the disk when it is done, about.
        needed: bytes that must be free while it runs.
        free: bytes that are free.
    """

    python: Python
    torch: TorchBuild
    carried: Carried
    download: int
    unpacked: int
    needed: int
    free: int

    def sentences(self) -> list[str]:
        """Say what will be fetched and how large it is."""
        source = f"PyTorch {self.torch.label}"
        said = [
            f"Fetches {source}, OpenCV, OpenEXR and a few small packages: about {gigabytes(self.download)}, "
            f"{gigabytes(self.unpacked)} on the disk ({gigabytes(self.free)} are free).",
            "It goes into a folder of its own; Blender itself is not changed.",
        ]
        return said + ([self.torch.note] if self.torch.note else [])


def make_offer(order: Order) -> Offer:
    """Look at this machine and return what an installation would do. Takes up to some seconds.

    Raises:
        LwswError: ``no_python``, ``no_package``, ``backend_not_found``.
    """
    carried = carried_backend()
    python = find_python(order.blender_python)
    torch = choose_build(look_at_machine())
    # What is fetched lies beside what is unpacked until the end.
    download, unpacked = torch.download + _REST[0], torch.unpacked + _REST[1]
    needed = 50 * MEGABYTE if order.shared_packages else download + unpacked
    return Offer(python, torch, carried, download, unpacked, needed, free_space(order.folder))


def make_room(folder: Path, offer: Offer) -> None:
    """Free the space of what was removed before if it is needed.

    Raises:
        LwswError: ``disk_full`` if even that does not do.
    """
    if offer.free >= offer.needed:
        return
    sweep(folder)
    free = free_space(folder)
    if free < offer.needed:
        way_out = "press Uninstall first" if read_installed(folder) else "empty the recycle bin"
        raise LwswError(
            "disk_full",
            f"Installing the backend needs {gigabytes(offer.needed)}; {gigabytes(free)} are free on the disk of {folder}.",
            f"Free some space, or {way_out}, then press Install Backend.",
        )


def gigabytes(size: int) -> str:
    """Return a size in words: ``350 MB``, ``2.7 GB``."""
    return f"{size / 1000**3:.1f} GB" if size >= 950 * MEGABYTE else f"{round(size / MEGABYTE, -1):.0f} MB"


def free_space(folder: Path) -> int:
    """Return the free bytes of the disk that a folder lies on, or will lie on."""
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    return shutil.disk_usage(existing).free
