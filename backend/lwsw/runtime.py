"""Settings of the whole process that runs the optimization: memory allocator, determinism, choice of device."""

from __future__ import annotations

import ctypes
import platform

import torch

from .errors import LwswError


def prepare_process() -> None:
    """Tune this process for optimization; call once, before the first tensor of an image's size is made."""
    _keep_freed_memory()
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of giving it back to the system.

    A feature map of VGG is tens of megabytes; by default each one is mapped afresh, and the page faults of touching it cost
    more than the ReLU that fills it (measured: 55 ms against 1.3 ms at 512×288). Other systems' allocators are left alone.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    library = ctypes.CDLL(None)
    library.mallopt(mmap_max, 0)
    library.mallopt(trim_threshold, 2**31 - 1)
    library.mallopt(top_pad, 64 * 2**20)


def resolve_device(name: str) -> torch.device:
    """Return the torch device for ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        LwswError: ``no_device`` when it is not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise LwswError("no_device", f"'{name}' is not a device.", "Use auto, cpu, cuda or mps.") from None
    missing_cuda = device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count())
    if missing_cuda or (device.type == "mps" and not torch.backends.mps.is_available()) or device.type not in ("cpu", "cuda", "mps"):
        hint = "Choose 'auto', or run 'lwsw doctor' to see what is there."
        raise LwswError("no_device", f"This machine has no device '{name}' that torch can use.", hint)
    return device
