"""What a setting is worth at each frame: a number where it stays the same, a list where it changes. And where its keyframes are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import bpy

from .. import compat

#: A constant, or one value per frame.
PerFrame = float | list[float]


def values_over(scene: bpy.types.Scene, paths: Sequence[str], frames: Sequence[int]) -> dict[str, PerFrame]:
    """Evaluate number properties of a scene over frames.

    F-curves are evaluated where they are; drivers and the NLA need the scene itself to go through the frames, which
    puts the current frame back afterwards.

    Args:
        scene: the scene that owns the properties.
        paths: their paths from the scene, for example ``"lwsw.relu1_1"``.
        frames: frame numbers.

    Returns:
        One entry per path: a number if it is the same at every frame, else a list as long as ``frames``.
    """
    wanted = set(paths)
    curves = {curve.data_path: curve for curve in compat.fcurves(scene) if curve.data_path in wanted}
    if _needs_frame_change(scene, paths, curves):
        sampled = _sample(scene, paths, frames)
    else:
        sampled = {
            path: [curves[path].evaluate(frame) for frame in frames] if path in curves else [scene.path_resolve(path)] for path in paths
        }
    return {path: _shorten(values) for path, values in sampled.items()}


def animated_paths(data: bpy.types.ID) -> set[str]:
    """Return the paths of all properties of a data-block that keyframes or drivers move."""
    animation = data.animation_data
    if animation is None:
        return set()
    return {curve.data_path for curve in compat.fcurves(data)} | {driver.data_path for driver in animation.drivers}


def values_now(scene: bpy.types.Scene, paths: Sequence[str]) -> dict[str, PerFrame]:
    """Return number properties as they are at this moment, whether an animation or the artist's hand put them there."""
    return {path: _shorten([scene.path_resolve(path)]) for path in paths}


def renumber(scene: bpy.types.Scene, collection: str, places: Mapping[int, int | None]) -> None:
    """Let keyframes and drivers follow the entries of a collection that have changed their places.

    Args:
        scene: the scene that owns the collection.
        collection: its path from the scene, for example ``"lwsw.regions"``.
        places: new place by old place; None where the entry is gone.
    """
    expression = re.compile(re.escape(collection) + r"\[(\d+)\](.*)")
    animation = scene.animation_data
    owners = [bag.fcurves for bag in compat.channelbags(scene)] + ([animation.drivers] if animation else [])
    for curves in owners:
        for curve in list(curves):
            match = expression.fullmatch(curve.data_path)
            if match is None or int(match[1]) not in places:
                continue
            place = places[int(match[1])]
            if place is None:
                curves.remove(curve)
            else:
                curve.data_path = f"{collection}[{place}]{match[2]}"


def _needs_frame_change(scene: bpy.types.Scene, paths: Sequence[str], curves: dict[str, bpy.types.FCurve]) -> bool:
    animation = scene.animation_data
    if animation is None:
        return False
    driven = any(driver.data_path in paths for driver in animation.drivers)
    layered = bool(animation.use_nla and animation.nla_tracks)
    return driven or layered or any(curve.mute for curve in curves.values())


def _sample(scene: bpy.types.Scene, paths: Sequence[str], frames: Sequence[int]) -> dict[str, list[float]]:
    current, fraction = scene.frame_current, scene.frame_subframe
    values: dict[str, list[float]] = {path: [] for path in paths}
    try:
        for frame in frames:
            scene.frame_set(frame)
            for path in paths:
                values[path].append(scene.path_resolve(path))
    finally:
        scene.frame_set(current, subframe=fraction)
    return values


def _shorten(values: Sequence[float]) -> PerFrame:
    # Blender stores single precision: 0.1 comes back as 0.10000000149
    rounded = [float(f"{value:.6g}") for value in values]
    return rounded[0] if all(value == rounded[0] for value in rounded) else rounded
