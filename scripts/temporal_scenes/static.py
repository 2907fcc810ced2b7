"""Nothing moves but the noise of the render: the still life in soft light, with other random numbers in every frame."""

from __future__ import annotations

from typing import Any

from .stage import add_camera, add_lamp, add_world, new_scene
from .still_life import add_still_life


def build(frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by this scene and return it."""
    scene = new_scene("Static", frames, width, samples=32)
    scene.cycles.use_animated_seed, scene.cycles.use_denoising = True, False
    plain = [(0.0, (0.30, 0.36, 0.60)), (1.0, (0.30, 0.36, 0.60))]
    add_world(scene, plain, plain, plain, 0.25)
    add_still_life(scene)
    add_lamp(scene, "Window", (-3.4, -2.4, 3.0), 1.4, 420.0, (1.0, 0.86, 0.66))
    add_lamp(scene, "Candle", (2.6, -1.0, 1.6), 0.5, 60.0, (1.0, 0.45, 0.16))
    add_camera(scene, 52.0, lambda _: ((-0.75, -5.0, 1.85), (0.08, 0.0, 0.50)))
    return scene
