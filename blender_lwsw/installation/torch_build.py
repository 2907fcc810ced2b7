"""Which build of torch fits this machine, where it comes from, and how large it is. Knows nothing of Blender.

The package indexes are those that PyTorch publishes. The builds of torch 2.13 are CUDA 12.6, 13.0 and 13.2, ROCm 7.2, and the CPU; what
PyPI has is CUDA 13.0 for Linux, Metal for Apple silicon, and the CPU for Windows.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..child_processes import hidden_window
from ..errors import LwswError

PYTORCH = "https://download.pytorch.org/whl/"
MEGABYTE = 1_000_000

#: Oldest NVIDIA drivers for CUDA 13 and for CUDA 12, and the oldest graphics cards (compute capability) that builds for CUDA 13 work on.
_DRIVER_OF_CUDA_13 = 580
_DRIVER_OF_CUDA_12 = 525
_CARD_OF_CUDA_13 = 7.5


@dataclass(frozen=True)
class Machine:
    """What decides about the build.

    Attributes:
        system: ``Linux``, ``Windows`` or ``Darwin``.
        processor: ``x86_64``, ``AMD64``, ``arm64``…
        nvidia_card: name of the first NVIDIA graphics card; empty without one.
        nvidia_driver: main version of its driver; None if unknown.
        compute_capability: of that card; None if unknown.
        has_amd_card: whether Linux's driver for AMD's compute units is there.
    """

    system: str
    processor: str
    nvidia_card: str = ""
    nvidia_driver: int | None = None
    compute_capability: float | None = None
    has_amd_card: bool = False


@dataclass(frozen=True)
class TorchBuild:
    """A build of torch.

    Attributes:
        name: ``cuda13``, ``cuda12``, ``rocm``, ``mps`` or ``cpu``; ``index`` where LWSW_TORCH_INDEX decides.
        label: the same for an artist.
        index: address of the package index; empty for the one that pip is configured with, usually PyPI.
        download: bytes to fetch for torch and what it needs, about.
        unpacked: bytes that takes on the disk, about.
        note: what an artist should know about the choice; may be empty.
    """

    name: str
    label: str
    index: str
    download: int
    unpacked: int
    note: str = ""


#: Megabytes of torch 2.13.0 with what it needs, by build and system: to fetch, and unpacked. Sums over the wheels of Python 3.11; those of
#: CUDA 12.6, of CUDA for Windows and of ROCm are estimates from the size of torch's own wheel.
_MEGABYTES: dict[tuple[str, str], tuple[int, int]] = {
    ("cpu", "Linux"): (200, 740),
    ("cpu", "Windows"): (130, 510),
    ("cpu", "Darwin"): (120, 510),
    ("mps", "Darwin"): (120, 510),
    ("cuda13", "Linux"): (2730, 4800),
    ("cuda12", "Linux"): (2900, 6000),
    ("cuda13", "Windows"): (1900, 4000),
    ("cuda12", "Windows"): (2600, 4500),
    ("rocm", "Linux"): (6500, 20000),
}


def look_at_machine() -> Machine:
    """Look for graphics cards. Takes a tenth of a second, with an NVIDIA card up to some seconds."""
    card, driver, capability = _nvidia()
    return Machine(
        platform.system(), platform.machine(), card, driver, capability, platform.system() == "Linux" and Path("/dev/kfd").exists()
    )


def choose_build(machine: Machine, environment: Mapping[str, str] | None = None) -> TorchBuild:
    """Return the build for a machine. The environment variable ``LWSW_TORCH_INDEX`` names another index and takes precedence.

    Raises:
        LwswError: ``no_package`` for machines that PyTorch is no longer made for.
    """
    environment = os.environ if environment is None else environment
    if machine.system == "Darwin" and machine.processor == "x86_64":
        raise LwswError(
            "no_package",
            "PyTorch, which the backend computes with, is no longer made for Macs with Intel processors.",
            "Run the backend on another machine and name its address with Use Existing.",
        )
    if index := environment.get("LWSW_TORCH_INDEX"):
        return TorchBuild("index", f"from {index}", index, *_bytes("cpu", machine.system), "The size depends on that package index.")
    if machine.system == "Darwin":
        return _build("mps", "for Apple silicon", "", machine)
    windows = machine.system == "Windows"
    if machine.nvidia_card:
        driver = machine.nvidia_driver
        if driver is None or driver >= _DRIVER_OF_CUDA_12:
            old_card = machine.compute_capability is not None and machine.compute_capability < _CARD_OF_CUDA_13
            if old_card or (driver is not None and driver < _DRIVER_OF_CUDA_13):
                return _build("cuda12", f"for {machine.nvidia_card} (CUDA 12.6)", PYTORCH + "cu126", machine)
            return _build("cuda13", f"for {machine.nvidia_card} (CUDA 13.0)", PYTORCH + "cu130" if windows else "", machine)
        note = (
            f"The driver of {machine.nvidia_card} (version {driver}) is too old for PyTorch: update it, then press Repair to use the card."
        )
        return _build("cpu", "for the processor", "" if windows else PYTORCH + "cpu", machine, note)
    if machine.has_amd_card:
        return _build("rocm", "for AMD graphics cards (ROCm 7.2)", PYTORCH + "rocm7.2", machine)
    return _build(
        "cpu", "for the processor", "" if windows else PYTORCH + "cpu", machine, "No graphics card that PyTorch can use was found."
    )


def _build(name: str, label: str, index: str, machine: Machine, note: str = "") -> TorchBuild:
    return TorchBuild(name, label, index, *_bytes(name, machine.system), note)


def _bytes(name: str, system: str) -> tuple[int, int]:
    download, unpacked = _MEGABYTES.get((name, system)) or _MEGABYTES["cpu", "Linux"]
    return download * MEGABYTE, unpacked * MEGABYTE


def _nvidia() -> tuple[str, int | None, float | None]:
    """Return name, driver and compute capability of the first NVIDIA card; ("", None, None) without one."""
    program = shutil.which("nvidia-smi")
    if program:
        command = [program, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True, **hidden_window()
            )
            return read_nvidia_answer(done.stdout)
        except (OSError, subprocess.SubprocessError):  # the program is there, the driver or the card is not
            return "", None, None
    return ("NVIDIA graphics cards", None, None) if _has_nvidia_driver() else ("", None, None)


def read_nvidia_answer(text: str) -> tuple[str, int | None, float | None]:
    """Return name, main version of the driver and compute capability from a line ``NVIDIA H100, 580.65.06, 9.0``."""
    fields = [field.strip() for field in (text.strip().splitlines() or [""])[0].rsplit(",", 2)]
    if len(fields) != 3 or not fields[0]:
        return "", None, None
    try:
        driver = int(fields[1].split(".")[0])
    except ValueError:
        driver = None
    try:
        capability = float(fields[2])
    except ValueError:  # very old drivers do not know
        capability = None
    return fields[0], driver, capability


def _has_nvidia_driver() -> bool:
    """Say whether the driver's library can be loaded and finds a card; some systems have it without nvidia-smi."""
    try:
        library = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return library.cuInit(0) == 0 and library.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False
