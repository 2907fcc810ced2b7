"""Motion: signs and sizes against motion worked out by hand, world pixels against a plane so far away that only rotation moves it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from lwsw.errors import LwswError
from lwsw.media.passes import (
    Motion,
    MotionBlurCheck,
    fill_world_motion,
    is_all_zero,
    picture_changed,
    read_motion,
    scale_motion,
    world_mask,
)

HEIGHT, WIDTH = 18, 32


def constant(value: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), value, np.float32)


def vector(prefix: str = "ViewLayer.Vector.", offset: float = 0.0) -> dict[str, np.ndarray]:
    return {f"{prefix}{axis}": constant(value + offset) for axis, value in zip("XYZW", (1, 2, 3, 4), strict=True)}


def write(path: Path, channels: dict[str, np.ndarray]) -> Path:
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, dict(channels)).write(str(path))
    return path


def write_parts(path: Path, *parts: dict[str, np.ndarray]) -> Path:
    OpenEXR.File([OpenEXR.Part({"name": ".".join(part)}, dict(part)) for part in parts]).write(str(path))
    return path


def motion_of(backward: tuple[float, float], forward: tuple[float, float], size: tuple[int, int] = (HEIGHT, WIDTH)) -> Motion:
    return Motion(
        np.broadcast_to(np.array(backward, np.float32), (*size, 2)).copy(),
        np.broadcast_to(np.array(forward, np.float32), (*size, 2)).copy(),
        None,
        np.ones(size, bool),
    )


@pytest.mark.parametrize("prefix", ["ViewLayer.Vector.", "Vector.", "View Layer.001.Vector.", "Scene.View.Layer.Vector.", "vector."])
def test_names_and_signs(tmp_path: Path, prefix: str) -> None:
    motion = read_motion(write(tmp_path / "0001.exr", vector(prefix)))
    assert motion.backward.dtype == motion.forward.dtype == np.float32
    assert (motion.backward == [1, -2]).all()
    assert (motion.forward == [-3, 4]).all()
    assert motion.known.all()
    assert motion.depth is None


@pytest.mark.parametrize("name", ["ViewLayer.Depth.Z", "Depth.V", "Depth.Z"])
def test_depth(tmp_path: Path, name: str) -> None:
    motion = read_motion(write(tmp_path / "0001.exr", {**vector(), name: constant(7)}))
    assert motion.depth is not None
    assert motion.depth.dtype == np.float32
    assert (motion.depth == 7).all()


def test_depth_comes_from_the_layer_of_the_vectors(tmp_path: Path) -> None:
    other = {"A.Depth.Z": constant(1)}
    motion = read_motion(write(tmp_path / "0001.exr", {**other, **vector("B.Vector."), "B.Depth.Z": constant(2)}))
    assert motion.depth is not None
    assert (motion.depth == 2).all()


def test_nan_in_depth_counts_as_far(tmp_path: Path) -> None:
    depth = constant(3)
    depth[0, 0] = np.nan
    depth[0, 1] = np.inf
    motion = read_motion(write(tmp_path / "0001.exr", {**vector(), "ViewLayer.Depth.Z": depth}))
    assert motion.depth is not None
    assert world_mask(motion.depth, None).sum() == 2


def test_first_layer_of_the_file_wins(tmp_path: Path) -> None:
    motion = read_motion(write_parts(tmp_path / "0001.exr", vector("Second to none.Vector."), vector("Another.Vector.", 10)))
    assert (motion.backward == [1, -2]).all()


def test_first_complete_layer_wins(tmp_path: Path) -> None:
    incomplete = vector("A.Vector.", 10)
    del incomplete["A.Vector.W"]
    motion = read_motion(write_parts(tmp_path / "0001.exr", incomplete, vector("B.Vector.")))
    assert (motion.backward == [1, -2]).all()


def test_pixels_outside_a_border_are_unknown_and_still(tmp_path: Path) -> None:
    channels = vector()
    for values in channels.values():
        values[:, :10] = 10000
    motion = read_motion(write(tmp_path / "0001.exr", channels))
    assert np.array_equal(motion.known, np.broadcast_to(np.arange(WIDTH) >= 10, (HEIGHT, WIDTH)))
    assert not motion.backward[:, :10].any()
    assert not motion.forward[:, :10].any()


def test_pixels_outside_the_data_window_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "0001.exr"
    windows = {"dataWindow": ((4, 2), (3 + WIDTH, 1 + HEIGHT)), "displayWindow": ((0, 0), (39, 29))}
    OpenEXR.File({"type": OpenEXR.scanlineimage, **windows}, vector()).write(str(path))
    motion = read_motion(path)
    expected = np.zeros((30, 40), bool)
    expected[2 : 2 + HEIGHT, 4 : 4 + WIDTH] = True
    assert np.array_equal(motion.known, expected)
    assert (motion.backward[expected] == [1, -2]).all()


def test_no_vector_pass(tmp_path: Path) -> None:
    with pytest.raises(LwswError) as raised:
        read_motion(write(tmp_path / "0004.exr", {"ViewLayer.Combined.R": constant(0), "ViewLayer.Depth.Z": constant(0)}))
    assert raised.value.code == "missing_pass"
    assert "0004.exr" in raised.value.message
    assert "Passes › Data › Vector" in raised.value.hint


def test_vector_without_w(tmp_path: Path) -> None:
    channels = vector("Vector.")
    del channels["Vector.W"]
    with pytest.raises(LwswError) as raised:
        read_motion(write(tmp_path / "0001.exr", channels))
    assert raised.value.code == "missing_pass"
    assert "W is missing" in raised.value.message
    assert "4 dimensions" in raised.value.hint


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_few_bad_values_are_unknown_and_counted(tmp_path: Path, value: float) -> None:
    channels = vector()
    channels["ViewLayer.Vector.X"][3, 4] = value
    channels["ViewLayer.Vector.Z"][3, 4:6] = value
    motion = read_motion(write(tmp_path / "0009.exr", channels))
    expected = np.ones((HEIGHT, WIDTH), bool)
    expected[3, 4:6] = False
    assert motion.not_numbers == 2 and np.array_equal(motion.known, expected)
    assert np.isfinite(motion.backward).all() and np.isfinite(motion.forward).all()
    assert not motion.backward[3, 4:6].any() and (motion.backward[expected] == [1, -2]).all()
    small = scale_motion(motion, WIDTH // 2, HEIGHT // 2)
    assert small.not_numbers == 2 and np.isfinite(small.backward).all()


def test_a_pass_of_bad_values_is_named(tmp_path: Path) -> None:
    channels = vector()
    channels["ViewLayer.Vector.Y"][: HEIGHT // 2 + 1] = np.nan
    with pytest.raises(LwswError) as raised:
        read_motion(write(tmp_path / "0009.exr", channels))
    assert raised.value.code == "bad_pass_values"
    assert "0009.exr" in raised.value.message
    assert f"{(HEIGHT // 2 + 1) * WIDTH} of {HEIGHT * WIDTH} pixels" in raised.value.message
    assert raised.value.hint


def test_channels_of_different_sizes(tmp_path: Path) -> None:
    """No program writes such a file, but a damaged header may say it."""
    large = {name: values for name, values in vector().items() if name[-1] in "XY"}
    small = {name: values for name, values in vector().items() if name[-1] in "ZW"}
    path = write_parts(tmp_path / "0001.exr", large, {"Other.A": constant(0)}, small)
    data = bytearray(path.read_bytes())
    right_edge = data.rindex(b"displayWindow\0box2i\0") + len(b"displayWindow\0box2i\0") + 4 + 8
    data[right_edge] = 9
    path.write_bytes(data)
    with pytest.raises(LwswError) as raised:
        read_motion(path)
    assert raised.value.code == "corrupt_pass"


def test_world_mask() -> None:
    depth = np.array([[1.0, 98.9, 99.5, 100.0, 2e6, 1e10, 1e11]], np.float32)
    assert world_mask(depth, None).tolist() == [[False, False, False, False, True, True, True]]
    assert world_mask(depth, 100.0).tolist() == [[False, False, True, True, True, True, True]]
    assert world_mask(depth, 1e9).tolist() == [[False, False, False, False, True, True, True]]


# --- real files of Blender: one frame in which everything is known by hand, see render_test_passes.py -----------------------------------

PIXELS_PER_UNIT = 64 / 5  # lens = sensor width = 36 mm, plane 5 units away, picture 64 pixels wide


@pytest.mark.parametrize("name", ["moving.exr", "layers.exr", "node_*.exr", "with_compositor.exr"])
def test_blender_plane_moves_as_worked_out_by_hand(blender_passes: Path, name: str) -> None:
    (path,) = blender_passes.glob(name)
    motion = read_motion(path)
    plane = np.s_[:, :30]  # the plane's edge is at the middle of the picture
    # From frame 0 to 1 the plane goes 0.25 right and 0.25 up, from 1 to 2 it goes 0.5 right and 0.1 up; picture rows count downwards.
    assert np.allclose(motion.backward[plane], np.array([-0.25, 0.25]) * PIXELS_PER_UNIT, atol=1e-4)
    assert np.allclose(motion.forward[plane], np.array([0.5, -0.1]) * PIXELS_PER_UNIT, atol=1e-4)
    assert motion.known.all()
    assert not is_all_zero(motion)
    assert motion.depth is not None
    assert np.allclose(motion.depth[plane], 5.0)
    world = world_mask(motion.depth, None)
    assert not world[plane].any()
    assert world[:, 34:].all()


def test_blender_border(blender_passes: Path) -> None:
    motion = read_motion(blender_passes / "border.exr")
    expected = np.zeros((36, 64), bool)
    expected[18:, 16:48] = True  # Blender's border counts y from below
    assert np.array_equal(motion.known, expected)
    assert np.allclose(motion.backward[20:, 18:30], np.array([-0.25, 0.25]) * PIXELS_PER_UNIT, atol=1e-4)


def test_blender_without_vector_pass(blender_passes: Path) -> None:
    with pytest.raises(LwswError) as raised:
        read_motion(blender_passes / "no_vector.exr")
    assert raised.value.code == "missing_pass"


def test_blender_motion_blur_gives_zeros(blender_passes: Path) -> None:
    assert is_all_zero(read_motion(blender_passes / "blurred.exr"))
    assert is_all_zero(read_motion(blender_passes / "still.exr"))


def test_camera_rotation_equals_blender_on_a_very_far_plane(blender_passes: Path) -> None:
    """The plane fills the picture, 20000 units away; the camera turns about all axes and has a lens shift."""
    exact = read_motion(blender_passes / "far.exr")
    frames = json.loads((blender_passes / "far.json").read_text())["frames"]
    assert np.abs(exact.backward).max() > 2
    empty = Motion(np.zeros_like(exact.backward), np.zeros_like(exact.forward), exact.depth, exact.known)
    world = np.ones_like(exact.known)
    world[:5] = False
    filled = fill_world_motion(empty, world, frames["1"], frames["0"], frames["2"])
    assert np.abs(filled.backward - exact.backward)[5:].max() < 1e-3
    assert np.abs(filled.forward - exact.forward)[5:].max() < 1e-3
    assert not filled.backward[:5].any()
    assert not filled.forward[:5].any()
    assert is_all_zero(empty)  # the input is not changed
    half = fill_world_motion(empty, world, frames["1"], None, frames["2"])
    assert not half.backward.any()
    assert np.array_equal(half.forward, filled.forward)


# --- the camera of the world, by hand ---------------------------------------------------------------------------------------------------


def camera(yaw: float = 0.0, orthographic: bool = False) -> dict[str, list[list[float]]]:
    """Return a camera with a 90° wide lens, turned ``yaw`` degrees to the left."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    to_world = np.array([[c, 0, s, 0], [0, 1, 0, 0], [-s, 0, c, 0], [0, 0, 0, 1.0]])
    last = [0, 0, 0, 1] if orthographic else [0, 0, -1, 0]
    projection = [[1, 0, 0, 0], [0, WIDTH / HEIGHT, 0, 0], [0, 0, -1, -0.2], last]
    return {"view": np.linalg.inv(to_world).tolist(), "projection": projection}


def test_turning_left_moves_the_world_right() -> None:
    still = motion_of((0, 0), (0, 0))
    world = np.ones((HEIGHT, WIDTH), bool)
    filled = fill_world_motion(still, world, camera(0), camera(-1), camera(1))
    one_degree = np.tan(np.radians(1)) * WIDTH / 2  # the lens is 90° wide: half the width is tan 45°
    middle = np.s_[HEIGHT // 2, WIDTH // 2 - 1 : WIDTH // 2 + 1]
    assert np.allclose(filled.forward[middle].mean(0), [one_degree, 0], atol=0.01)
    assert np.allclose(filled.backward[middle].mean(0), [-one_degree, 0], atol=0.01)


def test_turning_right_round_stays_finite_and_leaves_the_picture() -> None:
    filled = fill_world_motion(motion_of((0, 0), (0, 0)), np.ones((HEIGHT, WIDTH), bool), camera(0), camera(180), camera(100))
    for flow in (filled.backward, filled.forward):
        assert np.isfinite(flow).all()
        assert (np.abs(flow).max(-1) > WIDTH).all()


def test_orthographic_camera_is_left_alone() -> None:
    motion = motion_of((1, 2), (3, 4))
    world = np.ones((HEIGHT, WIDTH), bool)
    filled = fill_world_motion(motion, world, camera(0, True), camera(5, True), camera(5, True))
    assert np.array_equal(filled.backward, motion.backward)
    assert np.array_equal(filled.forward, motion.forward)


def test_unknown_pixels_are_not_filled() -> None:
    motion = motion_of((0, 0), (0, 0))
    motion.known[:, :5] = False
    filled = fill_world_motion(motion, np.ones((HEIGHT, WIDTH), bool), camera(0), camera(3), None)
    assert not filled.backward[:, :5].any()
    assert filled.backward[:, 5:, 0].all()


@pytest.mark.parametrize("matrix", [None, [], [[1, 2], [3, 4]], "text", [[0] * 4] * 4, [[float("nan")] * 4] * 4])
@pytest.mark.parametrize("name", ["view", "projection"])
def test_broken_camera(name: str, matrix: object) -> None:
    broken = {**camera(1), name: matrix}
    for cameras in ((broken, camera(0)), (camera(0), broken)):
        with pytest.raises(LwswError) as raised:
            fill_world_motion(motion_of((0, 0), (0, 0)), np.ones((HEIGHT, WIDTH), bool), cameras[0], cameras[1], None)
        assert raised.value.code == "bad_pass_values"
        assert name in raised.value.message


# --- scaling ----------------------------------------------------------------------------------------------------------------------------


def test_scaled_vectors_are_in_pixels_of_the_new_size() -> None:
    scaled = scale_motion(motion_of((8, -4), (2, 6)), WIDTH // 2, HEIGHT // 3)
    assert scaled.backward.shape == (HEIGHT // 3, WIDTH // 2, 2)
    assert scaled.backward.dtype == scaled.forward.dtype == np.float32
    assert np.allclose(scaled.backward, [4, -4 / 3])
    assert np.allclose(scaled.forward, [1, 2])
    assert scaled.known.all()
    assert scaled.depth is None


def test_scaling_never_mixes_the_two_sides_of_a_silhouette() -> None:
    motion = motion_of((0, 0), (0, 0))
    motion.backward[:, 15:] = [12, 0]
    depth = constant(5)
    depth[:, 15:] = 1e10
    motion.known[0] = False
    for width, height in ((WIDTH // 2, HEIGHT // 2), (21, 11), (WIDTH * 3, HEIGHT * 2), (1, 1)):
        scaled = scale_motion(Motion(motion.backward, motion.forward, depth, motion.known), width, height)
        assert set(np.unique(scaled.backward[..., 0])) <= {np.float32(0), np.float32(12) * np.float32(width / WIDTH)}
        assert scaled.depth is not None
        assert scaled.depth.shape == scaled.known.shape == (height, width)
        assert set(np.unique(scaled.depth)) <= {np.float32(5), np.float32(1e10)}


def test_scaling_does_not_shift() -> None:
    motion = motion_of((0, 0), (0, 0))
    ramp = np.broadcast_to(np.arange(WIDTH, dtype=np.float32), (HEIGHT, WIDTH))
    motion.backward[..., 0] = ramp
    scaled = scale_motion(motion, WIDTH * 4, HEIGHT * 4).backward[..., 0] / 4
    assert np.array_equal(scaled.reshape(HEIGHT * 4, WIDTH, 4).mean(-1), np.broadcast_to(np.arange(WIDTH), (HEIGHT * 4, WIDTH)))
    scaled = scale_motion(motion, WIDTH // 4, HEIGHT // 2).backward[..., 0] * 4
    assert np.abs(scaled[0] - (np.arange(WIDTH // 4) * 4 + 1.5)).max() <= 0.5


def test_same_size_is_the_same_motion() -> None:
    motion = motion_of((1, 2), (3, 4))
    assert scale_motion(motion, WIDTH, HEIGHT) is motion


# --- motion blur ------------------------------------------------------------------------------------------------------------------------


def moving_pictures(count: int = 3) -> list[np.ndarray]:
    texture = np.kron(np.random.default_rng(0).random((9, 20, 3), dtype=np.float32), np.ones((8, 8, 1), np.float32))
    return [texture[:, 5 * frame : 5 * frame + 128] for frame in range(count)]


def noisy_pictures(count: int = 3) -> list[np.ndarray]:
    still = moving_pictures(1)[0]
    return [np.clip(still + np.random.default_rng(n).normal(0, 0.05, still.shape), 0, 1).astype(np.float32) for n in range(count)]


def check_motion_blur(clip: Iterable[tuple[Motion, np.ndarray, bool]]) -> None:
    check = MotionBlurCheck()
    for frame in clip:
        check.look_at(*frame)
        if check.is_clear:
            return
    check.finish()


def test_zero_vectors_of_moving_pictures_are_motion_blur() -> None:
    zero = motion_of((0, 0), (0, 0))
    with pytest.raises(LwswError) as raised:
        check_motion_blur((zero, picture, False) for picture in moving_pictures())
    assert raised.value.code == "motion_blur"
    assert "Motion Blur" in raised.value.hint


def test_zero_vectors_of_noisy_still_pictures_are_still() -> None:
    zero = motion_of((0, 0), (0, 0))
    check_motion_blur((zero, picture, False) for picture in noisy_pictures())


def test_one_vector_clears_the_shot_and_ends_the_reading() -> None:
    pictures = moving_pictures()
    moving = motion_of((0, 0), (0, 0))
    moving.forward[5, 5, 0] = 0.25

    def shot() -> Iterator[tuple[Motion, np.ndarray, bool]]:
        yield motion_of((0, 0), (0, 0)), pictures[0], False
        yield moving, pictures[1], False
        raise AssertionError("read further than needed")

    check_motion_blur(shot())


def test_still_shots_may_follow_each_other() -> None:
    """What changes with a cut has not moved; what changes after it has."""
    zero = motion_of((0, 0), (0, 0))
    first, second, third = moving_pictures()
    check_motion_blur([(zero, first, False), (zero, first, False), (zero, second, True), (zero, second, False)])
    with pytest.raises(LwswError):
        check_motion_blur([(zero, first, False), (zero, second, True), (zero, third, False)])


def test_picture_changed() -> None:
    first, second, _ = moving_pictures()
    assert picture_changed(first, second)
    assert not picture_changed(first, first)
    assert not picture_changed(*noisy_pictures(2))
    assert picture_changed(first, first[:-1])
