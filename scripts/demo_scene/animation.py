"""Keyframes beyond both ends of a shot, so that its first and its last frame have motion vectors, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def animate(block: Any, path: str, first: int, last: int, value: Callable[[int], Any]) -> None:
    """Key a property from one frame before the first to one after the last, at a steady rate. `value` takes frames since the first."""
    _key(block, path, (first - 1, last + 1), lambda frame: value(frame - first))


def animate_freely(block: Any, path: str, first: int, last: int, value: Callable[[int], Any]) -> None:
    """Key a property on every frame from one before the first to one after the last. `value` takes frames since the first."""
    _key(block, path, range(first - 1, last + 2), lambda frame: value(frame - first))


def _key(block: Any, path: str, frames: Iterable[int], value: Callable[[int], Any]) -> None:
    for frame in frames:
        setattr(block, path, value(frame))
        block.keyframe_insert(path, frame=frame)
    for layer in block.id_data.animation_data.action.layers:  # the layered action: the same code from 4.5 to 5.2
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    curve.extrapolation = "LINEAR"
                    for key in curve.keyframe_points:
                        key.interpolation = "LINEAR"
