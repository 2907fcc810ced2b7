"""Vectors, depth and masks rendered apart from the picture they belong to: without motion blur, and with very few samples.

Blender leaves the Vector pass empty while motion blur is on, and an animation that was rendered already often has none. A ray through
the middle of each pixel says all there is to say about motion and depth, so a second render of a frame costs little.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from .overrides import Overrides

#: One sample per pixel: vectors and depth of one surface, never the average of two.
SAMPLES = 1

#: Where a pixel belongs to several objects, or the lens blurs it, a share has to be counted: one sample would make hard, ragged edges.
SAMPLES_OF_SHARES = 16

#: Where in the time that the shutter is open a frame lies, as a share of that time before its middle.
_MIDDLE_OF_SHUTTER = {"START": 0.5, "CENTER": 0.0, "END": -0.5}


def set_up(scene: bpy.types.Scene, overrides: Overrides, object_masks: bool) -> None:
    """Make the next render one of passes only; call after :func:`.passes.set_up`, which turns them on.

    Motion blur, denoising, compositing and Freestyle are off, every view layer has few samples. Size, border and film stay: the passes must
    lie on the picture.

    Args:
        scene: what is rendered.
        overrides: records what changes.
        object_masks: the passes include Cryptomatte.
    """
    count = samples(scene, object_masks)
    changes: list[tuple[str, dict[str, Any]]] = [
        ("render", {"use_motion_blur": False, "use_compositing": False, "use_freestyle": False}),
        ("cycles", {"samples": count, "use_adaptive_sampling": False, "use_sample_subset": False, "use_denoising": False}),
        ("cycles", {"time_limit": 0.0}),
        ("eevee", {"taa_render_samples": count}),
        *((f'view_layers["{bpy.utils.escape_identifier(layer.name)}"]', {"samples": 0}) for layer in scene.view_layers),
    ]
    for owner, values in changes:
        for name, value in values.items():
            overrides.set(owner, name, value)


def samples(scene: bpy.types.Scene, object_masks: bool) -> int:
    """Return how many samples the passes take: one, or more where a pixel is shared, by objects or by a lens out of focus."""
    out_of_focus = any(item.type == "CAMERA" and item.data.dof.use_dof for item in scene.objects)
    return SAMPLES_OF_SHARES if object_masks or out_of_focus else SAMPLES


def middle_of_blur(scene: bpy.types.Scene, frame: int, blurred: bool) -> tuple[int, float]:
    """Return the moment that a picture of a frame shows, as frame and subframe: the middle of the time its shutter was open.

    Args:
        scene: its shutter counts.
        frame: number of the frame.
        blurred: whether the picture has motion blur; a sharp one shows the frame itself.
    """
    render = scene.render
    moment = frame + (_MIDDLE_OF_SHUTTER[render.motion_blur_position] * render.motion_blur_shutter if blurred else 0.0)
    return math.floor(moment), moment - math.floor(moment)
