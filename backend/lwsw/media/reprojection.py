"""Where what stands still was seen in another frame, from its depth and the cameras of both: over any number of frames in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .passes import Motion, camera_matrix, world_mask

#: How far the depth found there may differ from the one expected, as a share: another surface otherwise.
_DEPTH_TOLERANCE = 0.02
#: How far, in pixels, the renderer's own vector may differ from what the cameras alone would give: the surface moves by itself otherwise.
_STILL = 0.25


def still_flow(
    motion: Motion, camera: Mapping[str, Any], previous: Mapping[str, Any], other_motion: Motion, other: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the flow of what stands still, from one frame to any other, H,W,2 float32 pixels, and H,W bool, where it was seen there.

    The renderer's vectors lead one frame far, and no chain of them passes an object that hid a surface in between. But a surface that
    stands still in the world needs no chain: its point in space, from the depth and the camera of this frame, is seen by the camera of
    the other frame at one pixel, if the depth found there is the expected one. The world beyond all surfaces counts as infinitely far.

    Args:
        motion: of this frame, with depth; what its backward vectors say moves by itself is left out.
        camera: entry of ``cameras.json`` of this frame (``view``: 4×4 rows, world → camera, ``projection``: 4×4 rows).
        previous: that of the frame before this one.
        other_motion, other: of the other frame, with depth.
    """
    height, width = motion.known.shape
    nowhere = np.zeros((height, width, 2), np.float32), np.zeros((height, width), bool)
    if motion.depth is None or other_motion.depth is None:
        return nowhere
    world, other_world = world_mask(motion.depth, None), world_mask(other_motion.depth, None)
    depth = np.where(world, 1e6, motion.depth).astype(np.float64)
    flow, expected = _seen_by(depth, camera, other)
    step, _ = _seen_by(depth, camera, previous)
    still = np.square(step - motion.backward).sum(-1) <= _STILL**2
    rows, columns = np.mgrid[:height, :width]
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside = (expected > 0) & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    seen = still & inside & motion.known
    x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
    left, top = np.minimum(x.astype(np.intp), width - 2), np.minimum(y.astype(np.intp), height - 2)
    for row in (0, 1):
        for column in (0, 1):  # all pixels that a sample there is made of have to show this surface
            at = top + row, left + column
            same = np.abs(other_motion.depth[at] - expected) <= _DEPTH_TOLERANCE * expected
            seen &= np.where(world, other_world[at], same & ~other_world[at]) & other_motion.known[at]
    return np.where(inside[..., None], flow, 0.0).astype(np.float32), seen


def _seen_by(depth: np.ndarray, camera: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the displacement H,W,2 in pixels of every pixel's point to where another camera sees it, and its depth H,W there."""
    height, width = depth.shape
    rows, columns = np.mgrid[:height, :width]
    x, y = (columns + 0.5) / width * 2 - 1, 1 - (rows + 0.5) / height * 2  # normalized device coordinates
    projection, z = camera_matrix(camera, "projection"), -depth
    weight = projection[3, 2] * z + projection[3, 3]
    point = np.stack(
        [
            (x * weight - projection[0, 2] * z - projection[0, 3]) / projection[0, 0],
            (y * weight - projection[1, 2] * z - projection[1, 3]) / projection[1, 1],
            z,
            np.ones_like(z),
        ],
        -1,
    )
    seen = point @ (camera_matrix(other, "view") @ np.linalg.inv(camera_matrix(camera, "view"))).T
    clip = seen @ camera_matrix(other, "projection").T
    divisor = np.where(np.abs(clip[..., 3]) > 1e-9, clip[..., 3], 1e-9)
    target_x = (clip[..., 0] / divisor + 1) * width / 2 - 0.5
    target_y = (1 - clip[..., 1] / divisor) * height / 2 - 0.5
    return np.stack([target_x - columns, target_y - rows], -1), -seen[..., 2]
