"""The camera matrices of a shot, ``cameras.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LwswError
from ..media.sequences import format_numbers


def check_cameras(data: Any, frames: Sequence[int], partial: bool = False) -> dict[str, Any]:
    """Check the contents of ``cameras.json`` for these frames and return them; raise ``bad_settings`` with what is wrong.

    Args:
        data: what the file holds.
        frames: of the job.
        partial: some of them may be missing, because they are still being rendered.
    """
    if not isinstance(data, dict) or not isinstance(data.get("frames"), dict):
        raise bad_cameras("has no frames")
    _check_clip_end(data)
    missing = [frame for frame in frames if str(frame) not in data["frames"]]
    if missing and not partial:
        raise bad_cameras(f"misses {'frame' if len(missing) == 1 else 'frames'} {format_numbers(missing)}")
    for frame in frames:
        if str(frame) in data["frames"]:
            check_camera(data["frames"][str(frame)], frame)
    return data


def check_camera(camera: Any, frame: int) -> dict[str, Any]:
    """Check the camera of one frame and return it; raise ``bad_settings`` with what is wrong."""
    for name in ("view", "projection"):
        if not isinstance(camera, dict) or not _is_matrix(camera.get(name)):
            raise bad_cameras(f"has no 4×4 {name} matrix of finite numbers for frame {frame}")
    _check_clip_end(camera)
    return dict(camera)


def close_loop(data: Mapping[str, Any], frames: Sequence[int]) -> dict[str, Any]:
    """Return the cameras of a loop with two more: before the first frame that of the last, and behind the last that of the first."""
    cameras = data["frames"]
    ends = {frames[0] - 1: frames[-1], frames[-1] + 1: frames[0]}
    more = {str(beyond): cameras[str(number)] for beyond, number in ends.items() if str(number) in cameras}
    return {**data, "frames": {**cameras, **more}}


def bad_cameras(problem: str) -> LwswError:
    """Return the error for camera matrices that cannot be used; ``problem`` ends the sentence."""
    return LwswError("bad_settings", f"The camera file {problem}.", "Export the cameras again, or leave them out.")


def _check_clip_end(data: Mapping[str, Any]) -> None:
    clip_end = data.get("clip_end")
    if clip_end is not None and not (_is_number(clip_end) and clip_end > 0):
        raise bad_cameras(f"has a clip end of {clip_end}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_matrix(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(isinstance(row, list) and len(row) == 4 and all(_is_number(item) for item in row) for row in value)
    )
