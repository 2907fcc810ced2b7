"""A moving light: the hard shadows of a window and of leaves travel over a still life, where only a lemon moves, slowly."""

from __future__ import annotations

import math
import random
from typing import Any

from demo_scene.animation import animate, animate_freely
from demo_scene.materials import mottled
from demo_scene.meshes import Parts, Point, add_object
from demo_scene.plants import ball
from mathutils import Vector

from .props import paint
from .stage import add_camera, add_sun, add_world, new_scene
from .still_life import add_still_life, fruit


def build(frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by this scene and return it."""
    scene = new_scene("Light", frames, width)
    plain = [(0.0, (0.40, 0.46, 0.66)), (1.0, (0.40, 0.46, 0.66))]
    add_world(scene, plain, plain, plain, 0.42)
    add_still_life(scene)
    sun = add_sun(scene, _sunlight(0), 7.5, (1.0, 0.80, 0.52), 0.004)
    first, last = scene.frame_start, scene.frame_end
    animate_freely(sun, "rotation_euler", first, last, lambda t: Vector(_sunlight(t)).to_track_quat("Z", "Y").to_euler())
    _window(scene)

    lemon = add_object(
        scene, "Lemon", fruit("Lemon", mottled("Lemon peel", (0.84, 0.60, 0.04), (1.0, 0.86, 0.22), 0.9, bump=0.0), 0.15, 1.25)
    )
    lemon.rotation_mode = "ZXY"  # rolls about its own long axis, which lies
    animate(lemon, "location", first, last, lambda t: (-0.02 + 0.006 * t, -0.86, 0.165))
    animate(lemon, "rotation_euler", first, last, lambda t: (math.pi / 2, 0.0, -0.04 * t))
    add_camera(scene, 50.0, lambda t: ((0.12 + 0.0025 * t, -5.0, 1.55), (0.06 + 0.001 * t, 0.0, 0.60)))
    return scene


def _sunlight(t: int) -> Point:
    """Return where the sunlight comes from, frames since the first; it swings so that shadows move by one to three pixels per frame."""
    return _direction(-38 + 10 * math.sin(2 * math.pi * (t - 12) / 160), 36 + 3 * math.sin(2 * math.pi * (t - 12) / 120))


def _direction(azimuth: float, height: float) -> Point:
    """Return a direction from degrees to the right of straight ahead, which is towards the camera, and degrees above the horizon."""
    a, h = math.radians(azimuth), math.radians(height)
    return math.sin(a) * math.cos(h), -math.cos(a) * math.cos(h), math.sin(h)


def _window(scene: Any) -> None:
    """A lattice and a branch between the sun and the table, seen only by their shadows."""
    dark = paint("Lattice", (0.05, 0.05, 0.05))
    toward = Vector(_direction(-38, 36))
    parts = Parts()
    for k in range(-3, 4):
        parts.box((k * 0.78 - 0.07, -0.04, -2.2), (k * 0.78 + 0.07, 0.04, 2.6), 0)
    for z in (-1.25, -0.25, 0.75, 1.75):
        parts.box((-2.6, -0.04, z - 0.07), (2.6, 0.04, z + 0.07), 0)
    for low, high in (((-6, -0.04, 2.4), (6, 0.04, 6)), ((-6, -0.04, -2.0), (-2.35, 0.04, 2.6)), ((2.35, -0.04, -2.0), (6, 0.04, 2.6))):
        parts.box(low, high, 0)
    rng = random.Random(3)
    for k in range(26):
        x = -2.3 + 0.115 * k
        ball(
            parts,
            (x, -0.2, 1.15 + 0.35 * math.sin(1.9 * x) + rng.uniform(-0.3, 0.3)),
            rng.uniform(0.07, 0.17),
            1.0,
            rng.uniform(0, 50),
            0.5,
        )
    window = add_object(scene, "Window", parts.build("Window", [dark]))
    window.rotation_mode = "QUATERNION"
    window.rotation_quaternion = toward.to_track_quat("-Y", "Z")
    window.location = toward * 3.6 + Vector((0, 0, 0.35))
    window.visible_camera = window.visible_diffuse = window.visible_glossy = False
