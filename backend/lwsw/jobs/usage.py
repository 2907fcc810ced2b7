"""How much memory a job has needed, for reports and estimates."""

from __future__ import annotations

import sys


def peak_memory() -> int | None:
    """Return the largest resident size of this process in bytes, or None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_device_memory(device: str) -> int | None:
    """Return the largest size of tensors on a CUDA device in bytes; None for other devices, which share the process's memory.

    Args:
        device: as in a job's settings, ``auto`` included.
    """
    import torch

    from ..runtime import resolve_device

    used = resolve_device(device)
    return int(torch.cuda.max_memory_allocated(used)) if used.type == "cuda" else None
