"""What a finished job took and how its layers shared the style gradient, as JSON data: ``lwsw stylize --report``."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

from .. import __version__
from .directory import JobDirectory
from .usage import peak_device_memory, peak_memory


def make_report(job: JobDirectory, seconds: float) -> dict[str, Any]:
    """Return times, settings, gradient shares and machine of a job.

    Args:
        job: the job.
        seconds: what this run took from its start to its end, loading of torch and network included.

    Returns:
        ``frames`` lists ``{"frame", "seconds", "timings"}`` from the log, each frame once; ``timings`` sums them by kind of work;
        ``outside_optimization`` is the share of the frames' time that was not optimization. ``gradient_shares`` says how the norm of
        the style gradient was divided among layers (:func:`lwsw.core.objective.gradient_shares`; each set adds up to 1)::

            {"reference": [{"frame": 1, "shares": {"picture": {"relu1_1": 0.2, …}, "Hero": {…}}}],
             "result": [{"frame": 1, "shares": {"picture": {…}, "Hero": {…}}}, {"frame": 24, "shares": {…}}]}

        ``reference`` is a frame as rendered, where the layers are calibrated: the shot's first, or the one where a region is first seen.
        ``result`` is where the optimization ended in these and in the last frame. ``picture`` is everything outside the regions,
        which have their names; a region that a frame does not show, or whose strength is 0, is not there.
    """
    events = [event for event in job.events() if event.get("frame") in job.frames]
    frames: dict[int, dict[str, Any]] = {}
    for event in events:
        if event.get("event") == "frame_finished":
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
        "gradient_shares": _gradient_shares(events),
        "frames": [frames[number] for number in sorted(frames)],
        "machine": _machine(job.settings.device),
    }


def _gradient_shares(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the shares of the log; a frame that a resumed job painted twice counts as it was painted last."""
    said = [event for event in events if event.get("event") == "gradient_shares"]

    def by_frame(kind: str) -> list[dict[str, Any]]:
        frames = {event["frame"]: {"frame": event["frame"], "shares": event[kind]} for event in said if kind in event}
        return [frames[number] for number in sorted(frames)]

    return {"reference": by_frame("reference"), "result": by_frame("result")}


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
        "peak_memory": peak_memory(),
    }
    if used.type == "cuda":
        machine["device_name"] = torch.cuda.get_device_name(used)
        machine["peak_device_memory"] = peak_device_memory(device)
    return machine
