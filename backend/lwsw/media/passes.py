"""Motion and depth of a frame from Blender's Vector and Depth passes.

Blender's Vector pass holds, in pixels of the rendered picture, X,Y towards the previous frame and Z,W towards the next one, with the two
pairs of opposite sign and y upwards. Here motion is a displacement in pixels, x right and y down:
*backward* = (X, −Y), *forward* = (−Z, W).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import LwswError
from .exr import ExrImage, read_exr

UNKNOWN_VECTOR = 9999.0  # Blender writes 10000 outside a render border
MOST_NOT_NUMBERS = 0.5  # share of pixels; beyond it more is unknown of the motion than known, and estimating it serves better
WORLD_DEPTH = 1e6  # Cycles, and EEVEE from 5.2 on, write 1e10 or 1e11 where a ray meets nothing
_FAR_OUTSIDE = 1e5  # pixels; the target of a direction behind the camera: outside every picture, and finite

_VECTOR_HINT = "Turn on View Layer properties › Passes › Data › Vector, and render again."
_VECTOR_W_HINT = "Give the Vector item of the File Output node 4 dimensions, or write the render itself as multilayer EXR; render again."


@dataclass(frozen=True)
class Motion:
    """Motion and depth of one frame, rows top-down.

    Attributes:
        backward: H,W,2 float32, pixels, x right, y down: from a pixel to where its surface was in the previous frame.
        forward: H,W,2 float32: from a pixel to where its surface will be in the next frame.
        depth: H,W float32, distance along the camera's axis in scene units, or None where the file has no Depth pass.
        known: H,W bool, False outside a render border, where nothing was rendered, and where a vector is not a number.
        not_numbers: how many pixels have vectors that are NaN or infinite, in the size of the file.
    """

    backward: np.ndarray
    forward: np.ndarray
    depth: np.ndarray | None
    known: np.ndarray
    not_numbers: int = 0


def read_motion(source: Path | ExrImage, name: str = "") -> Motion:
    """Read the Vector pass, and the Depth pass if there is one, of a multilayer EXR file, or of one that is read already.

    Channels are recognized by their last two names (``ViewLayer.Vector.X``, ``Vector.X``, ``Depth.Z``, ``Depth.V``) in any case.
    Of several view layers the first one in the file with a complete Vector pass counts, and its own Depth.
    Pixels whose vectors are NaN or infinite, as a broken transform of one object makes them, count as unknown.
    Errors call the file ``name``; empty takes its path.

    Raises:
        LwswError: ``missing_pass`` without a complete Vector pass, ``bad_pass_values`` where more than half of its pixels are NaN or
            infinite, and the errors of :func:`lwsw.media.exr.read_exr`.
    """
    image = read_exr(source, name) if isinstance(source, Path) else source
    shown = name or image.name
    layer = find_vector_layer(image.channel_names, shown)
    layers = _group_by_layer(image.channels(_is_wanted, outside=10000.0))
    x, y, z, w = (layers[layer][f"vector.{axis}"] for axis in "xyzw")
    sizes = {array.shape for array in (x, y, z, w)}
    if len(sizes) != 1:
        raise LwswError("corrupt_pass", f"The Vector channels of {shown} differ in size.", "Render the passes of this frame again.")
    bad = ~(np.isfinite(x) & np.isfinite(y) & np.isfinite(z) & np.isfinite(w))
    not_numbers = int(bad.sum())
    if not_numbers > MOST_NOT_NUMBERS * bad.size:
        raise LwswError(
            "bad_pass_values",
            f"The Vector pass in {shown} holds values that are not numbers at {not_numbers} of {bad.size} pixels.",
            "Render the passes of this frame again; if it stays, look for objects or bones with broken transforms in this frame.",
        )
    known = np.logical_and.reduce([np.abs(values) < UNKNOWN_VECTOR for values in (x, y, z, w)])  # false for NaN and infinity
    backward = np.where(known[..., None], np.stack([x, -y], -1), np.float32(0))
    forward = np.where(known[..., None], np.stack([-z, w], -1), np.float32(0))
    return Motion(backward, forward, _find_depth(layers, layer, x.shape), known, not_numbers)


def find_vector_layer(channels: Iterable[str], name: str) -> str:
    """Return the view layer with a complete Vector pass, the first one among the channels of a file; raise ``missing_pass``.

    Args:
        channels: their full names.
        name: what the error calls the file.
    """
    found: dict[str, set[str]] = {}
    for channel in filter(_is_wanted, channels):
        found.setdefault(_layer_name(channel), set()).add(_short_name(channel))
    layer = next((prefix for prefix, passes in found.items() if passes >= {f"vector.{axis}" for axis in "xyzw"}), None)
    if layer is None:
        raise _missing_vector(name, {key for passes in found.values() for key in passes})
    return layer


def is_all_zero(motion: Motion) -> bool:
    """Say whether every known vector is exactly zero: nothing moves, or motion blur was on while the passes were rendered."""
    return not motion.backward.any() and not motion.forward.any()


class MotionBlurCheck:
    """Looks through a clip, frame by frame, for vectors that motion blur has emptied: all are exactly zero, and yet the pictures change.

    Blender writes zeros without a word while motion blur is on. A shot in which truly nothing moves has the same zeros, so the pictures
    decide. The first vector that is not zero ends it: an ordinary shot costs one frame.

    Attributes:
        is_clear: a vector that is not zero was found; no further frame needs to be looked at.
        is_suspect: so far every vector is zero although the pictures of a shot change.
    """

    def __init__(self) -> None:
        self.is_clear = self.is_suspect = False
        self._previous: np.ndarray | None = None

    def look_at(self, motion: Motion, picture: np.ndarray, begins_shot: bool) -> None:
        """Take in the next frame.

        Args:
            motion: of the frame.
            picture: H,W,3 in [0, 1].
            begins_shot: what changes with a cut has not moved.
        """
        self.is_clear = self.is_clear or not is_all_zero(motion)
        if self.is_clear:
            self.is_suspect, self._previous = False, None
            return
        self.is_suspect = self.is_suspect or (self._previous is not None and not begins_shot and picture_changed(self._previous, picture))
        self._previous = picture

    def finish(self) -> None:
        """Say that there are no more frames; raise ``motion_blur`` where they are suspect."""
        if self.is_suspect:
            raise LwswError(
                "motion_blur",
                "The Vector pass is zero in every frame although the pictures change: it was rendered with motion blur on.",
                "Turn off Render properties › Motion Blur and render the passes again; if only light or textures change, choose motion "
                "'none' or 'estimated'.",
            )


def picture_changed(first: np.ndarray, second: np.ndarray) -> bool:
    """Say whether two H,W,3 pictures in [0, 1] differ by more than the noise of a render.

    Means of about 8×8 pixels are compared, where noise averages out: at least one in 200 must differ by more than 0.04.
    """
    if first.shape != second.shape:
        return True
    size = (max(1, first.shape[1] // 8), max(1, first.shape[0] // 8))
    difference = cv2.resize(np.asarray(first - second, np.float32), size, interpolation=cv2.INTER_AREA)
    return bool((np.abs(difference).max(axis=-1) > 0.04).mean() >= 0.005)


def world_mask(depth: np.ndarray, clip_end: float | None) -> np.ndarray:
    """Return H,W bool, True where the camera sees the world (sky) instead of a surface.

    Args:
        depth: H,W float32 Depth pass.
        clip_end: the camera's clip end, which EEVEE up to 5.0 writes for the world; None where it is unknown.
    """
    limit = WORLD_DEPTH if clip_end is None else min(WORLD_DEPTH, 0.99 * clip_end)
    return np.asarray(depth >= limit)


def fill_world_motion(
    motion: Motion,
    world: np.ndarray,
    camera: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    following: Mapping[str, Any] | None,
) -> Motion:
    """Return ``motion`` with the vectors of world pixels computed from the rotation of the camera.

    Cycles writes zero (4.5, 5.0) or wrong values (5.2) there, even while the camera turns.

    Args:
        motion: of this frame, in the resolution of the projection's aspect ratio (a full frame, not a cropped border).
        world: H,W bool from :func:`world_mask`.
        camera: this frame's entry of ``cameras.json``: ``view`` (4×4 rows, world → camera) and ``projection`` (4×4 rows).
        previous: the previous frame's entry; None leaves ``backward`` as it is.
        following: the next frame's entry; None leaves ``forward`` as it is.

    Orthographic cameras leave the vectors as they are: all their rays are parallel, so they see one colour of the world.
    """
    backward = _fill(motion.backward, world & motion.known, camera, previous)
    forward = _fill(motion.forward, world & motion.known, camera, following)
    return replace(motion, backward=backward, forward=forward)


def scale_motion(motion: Motion, width: int, height: int) -> Motion:
    """Return ``motion`` for a picture of another size: nearest samples, vectors in pixels of the new size.

    Vectors are never averaged: across a silhouette the average is the motion of neither surface.
    """
    rows, columns = motion.known.shape
    if (columns, rows) == (width, height):
        return motion
    y = np.minimum(((np.arange(height) + 0.5) * rows / height).astype(np.intp), rows - 1)
    x = np.minimum(((np.arange(width) + 0.5) * columns / width).astype(np.intp), columns - 1)
    grid = np.ix_(y, x)
    factor = np.array([width / columns, height / rows], np.float32)
    return replace(
        motion,
        backward=motion.backward[grid] * factor,
        forward=motion.forward[grid] * factor,
        depth=None if motion.depth is None else motion.depth[grid],
        known=motion.known[grid],
    )


def _is_wanted(name: str) -> bool:
    return _short_name(name) in {"vector.x", "vector.y", "vector.z", "vector.w", "depth.z", "depth.v"}


def _short_name(name: str) -> str:
    return ".".join(name.split(".")[-2:]).casefold()


def _layer_name(name: str) -> str:
    return ".".join(name.split(".")[:-2])


def _group_by_layer(channels: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return view layer → short channel name → pixels, in the order of the file."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, pixels in channels.items():
        layers.setdefault(_layer_name(name), {})[_short_name(name)] = pixels
    return layers


def _find_depth(layers: Mapping[str, Mapping[str, np.ndarray]], layer: str, size: tuple[int, ...]) -> np.ndarray | None:
    """Return the Depth of the same layer, else of the first layer that has one. NaN counts as infinitely far."""
    for passes in (layers[layer], *layers.values()):
        for key in ("depth.z", "depth.v"):
            if key in passes and passes[key].shape == size:
                return np.asarray(np.nan_to_num(passes[key], nan=1e10, posinf=1e10, neginf=0.0))
    return None


def _missing_vector(name: str, found: set[str]) -> LwswError:
    vectors = sorted(key for key in found if key.startswith("vector."))
    if vectors:
        missing = ", ".join(axis.upper() for axis in "xyzw" if f"vector.{axis}" not in vectors)
        return LwswError("missing_pass", f"The Vector pass in {name} is incomplete: {missing} is missing.", _VECTOR_W_HINT)
    return LwswError("missing_pass", f"{name} has no Vector pass.", _VECTOR_HINT)


def _fill(vectors: np.ndarray, world: np.ndarray, camera: Mapping[str, Any], other: Mapping[str, Any] | None) -> np.ndarray:
    if other is None or not world.any():
        return vectors
    view_a, projection_a = camera_matrix(camera, "view"), camera_matrix(camera, "projection")
    view_b, projection_b = camera_matrix(other, "view"), camera_matrix(other, "projection")
    if projection_a[3, 3] != 0 or projection_b[3, 3] != 0:  # orthographic
        return vectors
    filled = vectors.copy()
    filled[world] = _rotation_flow(view_a, projection_a, view_b, projection_b, world)
    return filled


def _rotation_flow(
    view_a: np.ndarray, projection_a: np.ndarray, view_b: np.ndarray, projection_b: np.ndarray, where: np.ndarray
) -> np.ndarray:
    """Return N,2 float32: displacement of infinitely far points seen at the N pixels of ``where``, from camera a to camera b."""
    height, width = where.shape
    rows, columns = np.nonzero(where)
    rotation = view_b[:3, :3] @ np.linalg.inv(view_a[:3, :3])
    # Pixel centre → normalized device coordinates (y up) → direction in camera a, which looks along −z.
    ndc_x, ndc_y = (columns + 0.5) / width * 2 - 1, 1 - (rows + 0.5) / height * 2
    direction = np.stack(
        [(ndc_x + projection_a[0, 2]) / projection_a[0, 0], (ndc_y + projection_a[1, 2]) / projection_a[1, 1], -np.ones_like(ndc_x)], -1
    )
    x, y, z = (direction @ rotation.T).T
    in_front = z < -1e-6
    depth = np.where(in_front, -z, 1.0)
    target_x = ((projection_b[0, 0] * x + projection_b[0, 2] * z) / depth + 1) * width / 2 - 0.5
    target_y = (1 - (projection_b[1, 1] * y + projection_b[1, 2] * z) / depth) * height / 2 - 0.5
    flow = np.stack([target_x - columns, target_y - rows], -1)
    flow = np.where(in_front[:, None], np.clip(flow, -_FAR_OUTSIDE, _FAR_OUTSIDE), _FAR_OUTSIDE)
    return np.asarray(flow, np.float32)


def camera_matrix(camera: Mapping[str, Any], name: str) -> np.ndarray:
    """Return a 4×4 float64 matrix of a camera entry, or raise ``bad_pass_values``."""
    rows: Sequence[Sequence[float]] | None = camera.get(name)
    try:
        matrix = np.array(rows, np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise LwswError("bad_pass_values", f"The camera's {name} matrix in cameras.json is not usable.", "Render the passes again.")
    return matrix
