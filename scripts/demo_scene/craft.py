"""What sails and flies: the boats and the balloon."""

from __future__ import annotations

import math
from typing import Any

from .materials import mottled
from .meshes import Parts, Point, add_object
from .nodes import Colour, shaded


def balloon(scene: Any, location: Point) -> Any:
    """A striped hot-air balloon."""
    colours = [
        mottled("Vermilion silk", (0.62, 0.04, 0.02), (0.90, 0.14, 0.05), 1.4, bump=0.1),
        mottled("Cream silk", (0.82, 0.70, 0.48), (0.98, 0.92, 0.76), 1.4, bump=0.1),
        mottled("Ultramarine silk", (0.02, 0.05, 0.30), (0.07, 0.16, 0.60), 1.4, bump=0.1),
        mottled("Golden silk", (0.80, 0.42, 0.03), (0.98, 0.70, 0.12), 1.4, bump=0.1),
        mottled("Wicker", (0.16, 0.08, 0.03), (0.48, 0.27, 0.10), 6.0),
    ]
    parts = Parts()
    profile = [
        (0.24, -1.55),
        (0.52, -1.18),
        (0.92, -0.62),
        (1.16, -0.06),
        (1.20, 0.36),
        (1.04, 0.82),
        (0.70, 1.14),
        (0.30, 1.28),
        (0.01, 1.31),
    ]
    parts.lathe(profile, 24, lambda ring, k: 3 if ring in (3, 4) and (k // 2) % 2 else (k // 2) % 3)
    parts.lathe([(0.02, -2.18), (0.20, -2.18), (0.24, -1.86), (0.20, -1.86)], 10, lambda *_: 4)
    for k in range(4):
        a = math.pi / 4 + k * math.pi / 2
        x, y = math.cos(a), math.sin(a)
        parts.polygons(
            [
                (0.22 * x - 0.012, 0.22 * y, -1.87),
                (0.22 * x + 0.012, 0.22 * y, -1.87),
                (0.25 * x + 0.012, 0.25 * y, -1.5),
                (0.25 * x - 0.012, 0.25 * y, -1.5),
            ],
            [(0, 1, 2, 3)],
            4,
        )
    return add_object(scene, "Balloon", parts.build("Balloon", colours, smooth=True), location)


def boat(scene: Any, name: str, location: Point, hull_colour: Colour, sails: Any, scale: float) -> Any:
    """A sailing boat that heads along −x."""
    hull = mottled(f"{name} hull", shaded(hull_colour, 0.6), hull_colour, 3.0, bump=0.1)
    wood = mottled(f"{name} mast", (0.24, 0.12, 0.05), (0.40, 0.22, 0.10), 3.0)
    parts = Parts()
    sections = [(-1.15, 0.02, 0.52), (-0.85, 0.22, 0.42), (-0.2, 0.36, 0.36), (0.6, 0.34, 0.38), (1.0, 0.24, 0.44)]
    points = [p for x, w, z in sections for p in ((x, -w, z), (x * 0.92, -w * 0.6, -0.12), (x * 0.92, w * 0.6, -0.12), (x, w, z))]
    faces = [(4 * i + k, 4 * i + 4 + k, 4 * i + 5 + k, 4 * i + 1 + k) for i in range(4) for k in range(3)] + [(16, 19, 18, 17)]
    faces += [(4 * i, 4 * i + 3, 4 * i + 7, 4 * i + 4) for i in range(4)]
    parts.polygons(points, faces, 0)
    parts.box((-0.13, -0.025, 0.3), (-0.08, 0.025, 2.75), 1)
    steps = 6

    def sail(foot_front: Point, foot_back: Point, head: Point, belly: float) -> None:
        rows = []
        for i in range(steps + 1):
            t = i / steps
            for k in range(steps + 1):
                u = k / steps
                front = [a + (b - a) * t for a, b in zip(foot_front, head, strict=True)]
                back = [a + (b - a) * t for a, b in zip(foot_back, head, strict=True)]
                p = [a + (b - a) * u for a, b in zip(front, back, strict=True)]
                rows.append((p[0], p[1] + belly * math.sin(math.pi * u) * (1 - t) * (0.4 + t), p[2]))
        n = steps + 1
        parts.polygons(
            rows, [(i * n + k, i * n + k + 1, (i + 1) * n + k + 1, (i + 1) * n + k) for i in range(steps) for k in range(steps)], 2
        )

    sail((-0.06, 0, 0.55), (1.02, 0.1, 0.60), (-0.10, 0, 2.70), -0.55)
    sail((-1.10, 0, 0.55), (-0.20, 0.1, 0.55), (-0.14, 0, 2.30), -0.45)
    return add_object(scene, name, parts.build(name, [hull, wood, sails]), location, 0.0, scale)
