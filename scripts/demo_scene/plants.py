"""Trees, and the fence in the foreground."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from mathutils import Vector, noise

from .landscape import terrain_height
from .materials import mottled
from .meshes import Parts, Point, add_object


def trunk(parts: Parts, radius: float, height: float) -> None:
    parts.lathe([(radius * 1.5, -0.6), (radius * 1.1, 0.0), (radius * 0.8, height)], 8, lambda *_: 1)


def round_tree(name: str, rng: random.Random, foliage: Any, bark: Any) -> Any:
    """A tree whose crown is a heap of lumpy balls, about 1.7 m high. The origin is at the foot."""
    parts = Parts()
    trunk(parts, 0.08, 0.8)
    for k in range(13):
        turn, height = k * 2.4 + rng.uniform(-0.3, 0.3), (k + 0.5) / 13
        reach = 0.44 * math.sqrt(max(0.05, 1 - (2 * height - 0.9) ** 2))
        ball(
            parts,
            (reach * math.cos(turn), reach * math.sin(turn), 0.62 + 0.95 * height),
            rng.uniform(0.24, 0.36),
            1.0,
            rng.uniform(0, 50),
            0.45,
        )
    return parts.build(name, [foliage, bark], smooth=True)


def cypress(name: str, rng: random.Random, foliage: Any, bark: Any) -> Any:
    """A flame-shaped tree, about 3 m high: slim balls that wind upwards."""
    parts = Parts()
    trunk(parts, 0.07, 0.6)
    for k in range(16):
        height = k / 15
        girth = 0.30 * math.sin(math.pi * (0.16 + 0.84 * height) ** 0.8) + 0.03
        turn = k * 2.4
        ball(
            parts,
            (girth * 0.5 * math.cos(turn), girth * 0.5 * math.sin(turn), 0.42 + 2.35 * height),
            girth * 0.85 + 0.05,
            2.3,
            rng.uniform(0, 50),
            0.4,
        )
    return parts.build(name, [foliage, bark], smooth=True)


def ball(parts: Parts, centre: Point, radius: float, stretch: float, offset: float, roughness: float) -> None:
    """Add a ball with a lumpy surface, stretched along z."""
    rings, segments = 8, 12
    points: list[Point] = []
    for i in range(rings + 1):
        polar = math.pi * i / rings
        for k in range(segments):
            turn = 2 * math.pi * (k + 0.5 * (i % 2)) / segments
            d = Vector((math.sin(polar) * math.cos(turn), math.sin(polar) * math.sin(turn), -math.cos(polar)))
            reach = radius * (1 + roughness * noise.noise(d * 2.6 + Vector((offset, 0, 0))))
            points.append((centre[0] + d.x * reach, centre[1] + d.y * reach, centre[2] + d.z * reach * stretch))
    faces = [
        (i * segments + k, i * segments + (k + 1) % segments, (i + 1) * segments + (k + 1) % segments, (i + 1) * segments + k)
        for i in range(rings)
        for k in range(segments)
    ]
    parts.polygons(points, faces, 0)


def plants(scene: Any, rng: random.Random) -> None:
    """Round trees, cypresses, a hedge of autumn trees, and a fence in the foreground."""
    bark = mottled("Bark", (0.06, 0.035, 0.025), (0.26, 0.16, 0.10), 5.0)
    greens = mottled("Leaves", (0.010, 0.06, 0.030), (0.24, 0.38, 0.05), 3.2, (0.62, 0.56, 0.08))
    autumn = mottled("Autumn leaves", (0.26, 0.035, 0.015), (0.90, 0.36, 0.04), 3.2, (1.0, 0.70, 0.14))
    needles = mottled("Cypress", (0.004, 0.022, 0.030), (0.05, 0.17, 0.07), 3.4, stretch=(1.6, 1.6, 0.5))
    rounds = [round_tree(f"Round tree {k}", rng, greens, bark) for k in range(3)]
    rusty = [round_tree(f"Autumn tree {k}", rng, autumn, bark) for k in range(2)]
    tall = [cypress(f"Cypress {k}", rng, needles, bark) for k in range(2)]

    def plant(kind: Sequence[Any], x: float, y: float, scale: float) -> None:
        data = rng.choice(kind)
        add_object(scene, data.name, data, (x, y, terrain_height(x, y) - 0.08), rng.uniform(0, 6.28), scale)

    for x, y, scale in [
        (-3.6, 3.4, 1.0),
        (-3.15, 3.9, 1.2),
        (2.15, 3.2, 0.85),
        (2.5, 5.4, 1.0),
        (-8.2, 6.4, 1.0),
        (-10.0, 5.6, 1.25),
        (-10.6, 6.1, 1.05),
    ]:
        plant(tall, x, y, scale)
    for x, y, scale in [
        (-1.6, 2.1, 0.75),
        (0.25, 3.0, 0.6),
        (-4.6, 1.4, 0.9),
        (-5.5, 1.0, 0.7),
        (1.6, 1.9, 0.7),
        (-7.4, 2.6, 0.8),
        (-2.0, 5.9, 0.9),
        (-11.8, 4.0, 1.0),
    ]:
        plant(rounds, x, y, scale)
    for x, y, scale in [(-0.2, 1.6, 0.65), (-3.4, 1.8, 0.8), (-6.6, 1.7, 0.7), (0.2, 5.8, 0.8), (-8.8, 3.2, 0.9)]:
        plant(rusty, x, y, scale)
    for _ in range(150):  # woods in the distance, only on land
        x, y = rng.uniform(-30, 3), rng.uniform(13, 32)
        if terrain_height(x, y) > 0.75:
            plant(rng.choice((rounds, rounds, rusty, tall)), x, y, rng.uniform(0.7, 1.5))
    # Near the camera: two cypresses and a round tree that pass in front of everything else.
    plant(tall, 4.3, -4.6, 1.25)
    plant(tall, 4.85, -4.1, 1.0)
    plant(rusty, -4.5, -5.3, 0.95)
    plant(rounds, -5.3, -4.9, 1.05)

    rails = Parts()
    wood = mottled("Fence", (0.22, 0.13, 0.10), (0.82, 0.66, 0.48), 3.5, (0.30, 0.38, 0.46), stretch=(0.5, 1, 1.4))
    for k in range(-14, 15):
        x = k * 0.86
        y = -6.9 + 0.35 * math.sin(x * 0.5)
        z = terrain_height(x, y)
        rails.box((x - 0.055, y - 0.055, z - 0.3), (x + 0.055, y + 0.055, z + 0.72 + rng.uniform(-0.04, 0.06)), 0)
        x2 = (k + 1) * 0.86
        y2 = -6.9 + 0.35 * math.sin(x2 * 0.5)
        z2 = terrain_height(x2, y2)
        for level in (0.30, 0.56):
            a, b = (x, y - 0.06, z + level + rng.uniform(-0.03, 0.03)), (x2, y2 - 0.06, z2 + level + rng.uniform(-0.03, 0.03))
            points = [
                (p[0], p[1] + dy, p[2] + dz) for p in (a, b) for dy, dz in ((-0.02, -0.045), (0.02, -0.045), (0.02, 0.045), (-0.02, 0.045))
            ]
            rails.polygons(points, [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (0, 3, 2, 1), (4, 5, 6, 7)], 0)
    add_object(scene, "Fence", rails.build("Fence", [wood]))
