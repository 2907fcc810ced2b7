"""Steady motion: keyframes beyond both ends of the shot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def animate(block: Any, path: str, first: int, last: int, value: Callable[[int], Any]) -> None:
    """Key a property from one frame before the first to one after the last, at a steady rate. `value` takes frames since the first."""
    for frame in (first - 1, last + 1):
        setattr(block, path, value(frame - first))
        block.keyframe_insert(path, frame=frame)
    for layer in block.animation_data.action.layers:  # the layered action: the same code from 4.5 to 5.2
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    curve.extrapolation = "LINEAR"
                    for key in curve.keyframe_points:
                        key.interpolation = "LINEAR"
