"""What stands still, seen from other frames, against geometry worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lwsw.media.passes import Motion, fill_world_motion
from lwsw.media.reprojection import still_flow

HEIGHT, WIDTH = 18, 32
ASPECT = WIDTH / HEIGHT


def camera(x: float = 0.0, yaw: float = 0.0, orthographic: bool = False) -> dict[str, list[list[float]]]:
    """Return a camera at (x, 0, 0) that looks along −z with a lens 90° wide, turned ``yaw`` degrees to the left; 8 units wide otherwise."""
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    view = [[c, 0, -s, -c * x], [0, 1, 0, 0], [s, 0, c, -s * x], [0, 0, 0, 1]]
    projection = [[1, 0, 0, 0], [0, ASPECT, 0, 0], [0, 0, -1.002, -0.2], [0, 0, -1, 0]]
    if orthographic:
        projection = [[1 / 4, 0, 0, 0], [0, ASPECT / 4, 0, 0], [0, 0, -0.01, 0], [0, 0, 0, 1]]
    return {"view": view, "projection": projection}


def wall(depth: float, step: float) -> Motion:
    """Return a wall across the picture, for a camera that moves ``step`` units to the right per frame."""
    pixels = step * WIDTH / 2 / depth
    backward, forward = np.zeros((HEIGHT, WIDTH, 2), np.float32), np.zeros((HEIGHT, WIDTH, 2), np.float32)
    backward[..., 0], forward[..., 0] = pixels, -pixels
    return Motion(backward, forward, np.full((HEIGHT, WIDTH), depth, np.float32), np.ones((HEIGHT, WIDTH), bool))


def test_a_wall_seen_ten_frames_ago() -> None:
    """At depth 8 one unit is 2 pixels: the camera has moved 2.5 units, so what is here was 5 pixels further to the right."""
    motion = wall(8.0, 0.25)
    flow, seen = still_flow(motion, camera(2.5), camera(2.25), motion, camera(0.0))
    assert flow[seen] == pytest.approx(np.tile([5.0, 0.0], (seen.sum(), 1)), abs=1e-4)
    assert seen[:, :-5].all() and not seen[:, -5:].any()


def test_orthographic() -> None:
    motion = wall(8.0, 0.25)
    motion.backward[..., 0] = 1.0  # 8 units are 32 pixels
    flow, seen = still_flow(motion, camera(2.5, orthographic=True), camera(2.25, orthographic=True), motion, camera(0.0, orthographic=True))
    assert flow[seen] == pytest.approx(np.tile([10.0, 0.0], (seen.sum(), 1)), abs=1e-4)
    assert seen[:, :-10].all() and not seen[:, -10:].any()


def test_what_stood_in_front_hides_it() -> None:
    motion = wall(8.0, 0.25)
    assert motion.depth is not None
    depth = motion.depth.copy()
    depth[4:10, 12:18] = 3.0
    flow, seen = still_flow(motion, camera(2.5), camera(2.25), replace(motion, depth=depth), camera(0.0))
    assert not seen[4:10, 7:13].any() and not seen[3:11, 6:13].all() and seen[:3, :-5].all() and seen[12:, :-5].all()
    assert np.isfinite(flow).all()


def test_what_moves_by_itself_is_left_out() -> None:
    motion = wall(8.0, 0.25)
    motion.backward[2:6, 3:9, 1] = 0.5
    _, seen = still_flow(motion, camera(2.5), camera(2.25), motion, camera(0.0))
    assert not seen[2:6, 3:9].any() and seen[6:, :-5].all()


def test_unknown_pixels_and_files_without_depth_give_nothing() -> None:
    motion = wall(8.0, 0.25)
    known = motion.known.copy()
    known[:, :4] = False
    _, seen = still_flow(replace(motion, known=known), camera(2.5), camera(2.25), motion, camera(0.0))
    assert not seen[:, :4].any() and seen[:, 4:-5].all()
    for a, b in ((replace(motion, depth=None), motion), (motion, replace(motion, depth=None))):
        assert not still_flow(a, camera(2.5), camera(2.25), b, camera(0.0))[1].any()


def test_the_sky_moves_as_the_camera_turns() -> None:
    motion = replace(wall(1e10, 0.0), backward=np.zeros((HEIGHT, WIDTH, 2), np.float32))
    world = np.ones((HEIGHT, WIDTH), bool)
    now, previous, older = camera(yaw=6), camera(yaw=4), camera(yaw=-2)
    motion = fill_world_motion(motion, world, now, previous, None)
    expected = fill_world_motion(motion, world, now, older, None).backward
    flow, seen = still_flow(motion, now, previous, motion, older)
    assert seen.any() and flow[seen] == pytest.approx(expected[seen], abs=1e-3)


def test_behind_the_camera_nothing_is_seen() -> None:
    motion = wall(8.0, 0.0)
    flow, seen = still_flow(motion, camera(), camera(), motion, camera(yaw=180))
    assert not seen.any() and np.isfinite(flow).all()
