"""What a finished job took, as JSON data: ``lwsw stylize --report``."""

from __future__ import annotations

import platform
import sys
from typing import Any

from .. import __version__
from .directory import JobDirectory


def make_report(job: JobDirectory, seconds: float) -> dict[str, Any]:
    """Return times, settings and machine of a job.

    Args:
        job: the job.
        seconds: what this run took from its start to its end, loading of torch and network included.

    Returns:
        ``frames`` lists ``{"frame", "seconds", "timings"}`` from the log, each frame once; ``timings`` sums them by kind of work;
        ``outside_optimization`` is the share of the frames' time that was not optimization.
    """
    frames: dict[int, dict[str, Any]] = {}
    for event in job.events():
        if event.get("event") == "frame_finished" and event.get("frame") in job.frames:
            frames[event["frame"]] = {name: event.get(name) for name in ("frame", "seconds", "timings")}
    timings: dict[str, float] = {}
    for entry in frames.values():
        for name, value in (entry["timings"] or {}).items():
            timings[name] = round(timings.get(name, 0.0) + value, 4)
    in_frames = sum(entry["seconds"] or 0.0 for entry in frames.values())
    return {
        "lwsw_version": __version__,
        "job": str(job.path),
        "width": job.width,
        "height": job.height,
        "settings": job.settings.to_dict(),
        "seconds": round(seconds, 3),
        "seconds_in_frames": round(in_frames, 3),
        "outside_optimization": round(1.0 - timings["optimize"] / in_frames, 5) if in_frames and "optimize" in timings else None,
        "timings": timings,
        "frames": [frames[number] for number in sorted(frames)],
        "machine": _machine(job.settings.device),
    }


def _machine(device: str) -> dict[str, Any]:
    import torch

    from ..runtime import resolve_device

    used = resolve_device(device)
    machine: dict[str, Any] = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": str(used),
        "threads": torch.get_num_threads(),
        "peak_memory": _peak_memory(),
    }
    if used.type == "cuda":
        machine["device_name"] = torch.cuda.get_device_name(used)
        machine["peak_device_memory"] = torch.cuda.max_memory_allocated(used)
    return machine


def _peak_memory() -> int | None:
    """Return the largest resident size of this process in bytes, or None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
