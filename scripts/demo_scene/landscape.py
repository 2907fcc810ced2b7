"""The land, the sea, and the mountains behind it."""

from __future__ import annotations

import math
from typing import Any

from mathutils import Vector, noise

from .materials import mottled
from .meshes import mesh


def terrain_height(x: float, y: float) -> float:
    """Height of the land in metres above the sea, anywhere in the scene."""

    def hill(cx: float, cy: float, sx: float, sy: float) -> float:
        return math.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)

    def step(value: float) -> float:
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, value))))

    z = 0.95 + 0.30 * noise.noise(Vector((x * 0.16, y * 0.16, 0.3))) + 0.10 * noise.noise(Vector((x * 0.6, y * 0.6, 4.0)))
    z += 2.5 * hill(-6.2, 5.5, 4.6, 3.8) + 1.7 * hill(-15, 12, 6, 5) + 1.1 * hill(0.5, 13.5, 5.5, 4)
    shore = x - 2.3 - 0.10 * (y - 2) + 0.9 * noise.noise(Vector((y * 0.25, 7.0, 0.0)))
    z -= 2.7 * step(shore * 1.5) * step((y + 0.5) * 1.1) * (1 - 0.0 * x)
    z += 3.0 * hill(11.5, 17.5, 3.4, 2.2) + 1.5 * hill(8.2, 18.3, 2.6, 1.6)
    far = step((y - 27) * 0.5)
    ridge = 3.4 + 3.0 * noise.noise(Vector((x * 0.075, 3.0, 0.0))) + 0.9 * noise.noise(Vector((x * 0.3, y * 0.15, 0.0)))
    z += far * (ridge * (1 - 0.8 * step((x - 6) * 0.35)) * math.exp(-(((y - 37) / 9) ** 2)) + 0.3)
    return z


def terrain(ground: Any) -> Any:
    """The land as one grid, finer near the camera."""
    columns = [math.copysign(abs(t) ** 1.35, t) * 46 for t in (-1 + 2 * i / 219 for i in range(220))]
    rows = [-15 + 64 * (j / 199) ** 1.5 for j in range(200)]
    points = [(x, y, terrain_height(x, y)) for y in rows for x in columns]
    faces = [(j * 220 + i, j * 220 + i + 1, (j + 1) * 220 + i + 1, (j + 1) * 220 + i) for j in range(199) for i in range(219)]
    return mesh("Land", points, faces, [ground], smooth=True)


def sea(water: Any) -> Any:
    """The surface of the sea, at height 0, from behind the shore to beyond the mountains."""
    return mesh("Sea", [(-300, -2, 0), (300, -2, 0), (300, 390, 0), (-300, 390, 0)], [(0, 1, 2, 3)], [water])


def mountains() -> Any:
    """Blue mountains on the far side of the sea."""
    block = mottled("Distance", (0.10, 0.15, 0.40), (0.42, 0.40, 0.60), 0.05, (0.72, 0.56, 0.58), stretch=(1, 1, 0.4))
    columns, points, faces = 160, [], []
    for k in range(columns):
        x = -180 + 400 * k / (columns - 1)
        height = 9 + 10 * noise.noise(Vector((x * 0.022, 1.5, 0))) + 4.5 * noise.noise(Vector((x * 0.09, 8.0, 0))) - max(0.0, x - 60) * 0.16
        points += [
            (x, 170, -3),
            (x, 182, max(-1.0, height * 0.55) + 1.5 * noise.noise(Vector((x * 0.15, 3.0, 0)))),
            (x, 196, max(-2.0, height)),
        ]
    for k in range(columns - 1):
        faces += [(3 * k, 3 * k + 3, 3 * k + 4, 3 * k + 1), (3 * k + 1, 3 * k + 4, 3 * k + 5, 3 * k + 2)]
    return mesh("Mountains", points, faces, [block], smooth=True)
