"""A camera that turns under a sky full of clouds; below, the dark shapes of hills, trees, a village and a castle."""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
from demo_scene.buildings import house
from demo_scene.meshes import Parts, add_object, mesh
from demo_scene.nodes import Nodes, node_tree
from demo_scene.plants import cypress, round_tree
from mathutils import Vector, noise

from .props import leaves, paint
from .stage import add_camera, add_sun, new_scene

#: The camera turns to the left by this, in degrees per frame, about 2.8 pixels of a 256 pixels wide picture.
TURN = 0.85

#: How far it sways up and down, in degrees, and in how many frames.
SWAY, SWAY_FRAMES = 3.0, 56


def build(frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by this scene and return it."""
    scene = new_scene("Sky", frames, width)
    _sky(scene)
    add_sun(scene, (0.35, 0.80, 0.20), 3.0, (1.0, 0.55, 0.25), 0.02)
    land = paint("Land", (0.035, 0.045, 0.07), 0.25, 0.6)
    add_object(scene, "Land", _land(land))
    _castle(scene, *_polar(14, 15))
    rng = random.Random(11)
    _village(scene, rng)
    _trees(scene, rng)

    def place(t: int) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        turn = math.radians(-4 + TURN * t)
        pitch = math.radians(12.5 + SWAY * math.sin(2 * math.pi * (t - 4) / SWAY_FRAMES))
        eye = (0.03 * t, 0.0, 2.2)
        return eye, (eye[0] - math.sin(turn) * math.cos(pitch), math.cos(turn) * math.cos(pitch), eye[2] + math.sin(pitch))

    add_camera(scene, 26.0, place)
    return scene


def _sky(scene: Any) -> None:
    """An evening sky of swirling bands: nearly as much of it changes per pixel as of a building."""
    scene.world = bpy.data.worlds.new("Clouds")
    n = Nodes(node_tree(scene.world))
    direction = n.add("ShaderNodeTexCoord").outputs["Generated"]
    up = n.add("ShaderNodeSeparateXYZ", {0: direction})
    height = up.outputs[2]
    lift = n.math("ADD", n.math("MAXIMUM", height, 0.0), 0.30)
    plane = n.add("ShaderNodeCombineXYZ", {0: n.math("DIVIDE", up.outputs[0], lift), 1: n.math("DIVIDE", up.outputs[1], lift), 2: 0.0})
    swirl = n.add("ShaderNodeTexNoise", {"Vector": plane.outputs[0], "Scale": 0.75, "Detail": 1.0}).outputs[1]
    where = n.vector("ADD", plane.outputs[0], n.vector("MULTIPLY", n.vector("SUBTRACT", swirl, (0.5, 0.5, 0.5)), (1.1, 1.1, 0)))

    blue = n.ramp(
        height,
        [
            (0.0, (1.0, 0.42, 0.10)),
            (0.10, (1.0, 0.66, 0.28)),
            (0.20, (0.42, 0.60, 0.56)),
            (0.36, (0.04, 0.25, 0.58)),
            (0.62, (0.012, 0.05, 0.28)),
        ],
    )
    bands = n.add("ShaderNodeTexWave", {"Vector": where, "Scale": 0.85, "Distortion": 2.4, "Detail": 1.0}, bands_direction="DIAGONAL")
    high_clouds = n.ramp(bands.outputs["Fac"], [(0.40, (0, 0, 0)), (0.70, (1, 1, 1))])
    colour = n.mix(n.math("MULTIPLY", high_clouds, 0.55), blue, n.ramp(height, [(0.1, (1.0, 0.74, 0.42)), (0.5, (0.42, 0.60, 0.84))]))

    def density(shift: tuple[float, float, float]) -> Any:
        return n.noise(n.vector("ADD", where, shift), 1.15, 2.5, 0.52)

    here, sunward = density((1.9, 4.3, 0)), density((1.9, 4.19, 0))
    light = n.math("ADD", n.math("MULTIPLY", n.math("SUBTRACT", here, sunward), 4.5), 0.5)
    lit = n.ramp(
        light, [(0.22, (0.16, 0.13, 0.34)), (0.42, (0.58, 0.26, 0.36)), (0.58, (1.0, 0.52, 0.26)), (0.78, (1.0, 0.86, 0.55))], "EASE"
    )
    opaque = n.ramp(here, [(0.50, (0, 0, 0)), (0.58, (1, 1, 1))])
    above = n.ramp(height, [(0.02, (0, 0, 0)), (0.10, (1, 1, 1))])
    colour = n.mix(n.math("MULTIPLY", opaque, above), colour, lit)
    seen = n.add("ShaderNodeBackground", {"Color": colour, "Strength": 0.9})
    felt = n.add("ShaderNodeBackground", {"Color": n.ramp(height, [(0.0, (0.9, 0.45, 0.25)), (0.5, (0.12, 0.22, 0.55))]), "Strength": 1.3})
    both = n.add("ShaderNodeMixShader", {0: n.add("ShaderNodeLightPath").outputs["Is Camera Ray"], 1: felt.outputs[0], 2: seen.outputs[0]})
    n.add("ShaderNodeOutputWorld", {"Surface": both.outputs[0]})


def _polar(distance: float, degrees: float) -> tuple[float, float]:
    """Return x and y at a distance from the camera; degrees count to the left of where it looks at first."""
    a = math.radians(degrees)
    return -distance * math.sin(a), distance * math.cos(a)


def _height(x: float, y: float) -> float:
    distance = math.hypot(x, y)
    hills = 1.9 * noise.noise(Vector((x * 0.07, y * 0.07, 2.0))) + 0.5 * noise.noise(Vector((x * 0.25, y * 0.25, 5.0)))
    far = 1 / (1 + math.exp(-(distance - 34) * 0.25))
    return 0.35 + hills * min(1.0, distance / 12) + far * (3.2 + 3.0 * noise.noise(Vector((x * 0.05, y * 0.05, 9.0))))


def _land(land: Any) -> Any:
    rings, segments = 40, 240
    radii = [1.0 + 59 * (k / (rings - 1)) ** 1.6 for k in range(rings)]
    flat = [(r * math.cos(2 * math.pi * s / segments), r * math.sin(2 * math.pi * s / segments)) for r in radii for s in range(segments)]
    faces = [
        (k * segments + s, (k + 1) * segments + s, (k + 1) * segments + (s + 1) % segments, k * segments + (s + 1) % segments)
        for k in range(rings - 1)
        for s in range(segments)
    ]
    return mesh("Land", [(x, y, _height(x, y)) for x, y in flat], faces, [land], smooth=True)


def _castle(scene: Any, x: float, y: float) -> None:
    stone, roof, glow = (
        paint("Stone", (0.10, 0.075, 0.10), 0.5, 0.5),
        paint("Roof", (0.22, 0.05, 0.06), 0.5, 0.5),
        paint("Lit window", (1.0, 0.62, 0.18), 0.5, 0.2),
    )
    parts = Parts()
    for cx, cy, radius, height in ((0, 0, 0.85, 4.6), (1.9, 0.3, 0.62, 3.3), (-1.7, 0.5, 0.55, 2.8)):
        parts.lathe(
            [(radius * 1.1, -2.5), (radius, height), (radius * 1.22, height + 0.2), (radius * 1.22, height + 0.55)],
            20,
            lambda *_: 0,
            (cx, cy, 0),
        )
        parts.lathe([(radius * 1.4, height + 0.5), (radius * 0.55, height + 1.5), (0.02, height + 2.7)], 20, lambda *_: 1, (cx, cy, 0))
        parts.box((cx - 0.14, cy - radius - 0.05, height * 0.72), (cx + 0.14, cy - radius + 0.2, height * 0.72 + 0.5), 2)
    parts.box((-1.8, 0.1, -2.5), (2.0, 0.7, 1.9), 0)
    for k in range(7):
        parts.box((-1.75 + 0.55 * k, 0.08, 1.9), (-1.47 + 0.55 * k, 0.72, 2.25), 0)
    add_object(scene, "Castle", parts.build("Castle", [stone, roof, glow]), (x, y, _height(x, y)), math.radians(15))


def _village(scene: Any, rng: random.Random) -> None:
    walls, roof, window = paint("Walls", (0.11, 0.09, 0.13)), paint("Roofs", (0.18, 0.05, 0.05)), paint("Windows", (0.9, 0.5, 0.15))
    for k in range(22):
        x, y = _polar(rng.uniform(13, 22), -34 + 8.2 * k + rng.uniform(-2, 2))
        size = (rng.uniform(1.6, 2.4), rng.uniform(1.1, 1.4), rng.uniform(0.9, 1.3))
        add_object(scene, f"House {k}", house(f"House {k}", size, walls, roof, window), (x, y, _height(x, y)), rng.uniform(-0.6, 0.6))


def _trees(scene: Any, rng: random.Random) -> None:
    bark = paint("Bark", (0.04, 0.03, 0.03))
    needles = leaves("Needles", (0.008, 0.016, 0.022), (0.05, 0.08, 0.07))
    foliage = leaves("Foliage", (0.010, 0.018, 0.020), (0.10, 0.09, 0.05))
    tall = [cypress(f"Cypress {k}", rng, needles, bark) for k in range(3)]
    rounds = [round_tree(f"Round tree {k}", rng, foliage, bark) for k in range(3)]
    for k in range(90):
        data = rng.choice(tall if rng.random() < 0.6 else rounds)
        x, y = _polar(rng.uniform(9, 24), rng.uniform(-50, 150))
        add_object(scene, f"Tree {k}", data, (x, y, _height(x, y) - 0.1), rng.uniform(0, 6.28), rng.uniform(0.7, 1.3))
    for k, (distance, degrees, scale) in enumerate(((7.5, -22, 1.15), (8.1, -25, 1.0), (7.2, 37, 1.2), (7.6, 74, 1.1), (7.4, 112, 1.2))):
        x, y = _polar(distance, degrees)
        add_object(scene, f"Near tree {k}", rng.choice(tall), (x, y, _height(x, y) - 0.1), 0.0, scale)
