"""A table against a wall with a jug, a bowl of fruit, a bottle, books and a cloth: for the scenes in which nearly nothing moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from demo_scene.materials import mottled, striped
from demo_scene.meshes import Parts, Point, add_object, mesh
from demo_scene.nodes import Colour

from .props import grid_faces, paint, sphere

__all__ = ["add_still_life", "fruit"]


def add_still_life(scene: Any) -> None:
    """Build everything on the table, which is 2.7 m wide, with its top at height 0 and its middle at the origin."""
    wall = mottled("Wall", (0.10, 0.30, 0.36), (0.30, 0.56, 0.55), 0.9, (0.62, 0.60, 0.42), bump=0.0)
    wood = striped("Table", (0.30, 0.13, 0.05), (0.56, 0.29, 0.11), 0.8, "Y", 2.0, 0.0)
    add_object(scene, "Wall", mesh("Wall", [(-5, 1.35, -2), (5, 1.35, -2), (5, 1.35, 5), (-5, 1.35, 5)], [(0, 1, 2, 3)], [wall]))
    table = Parts()
    table.box((-3.2, -1.15, -0.12), (3.2, 1.0, 0.0), 0)
    table.box((-3.1, -1.05, -1.5), (3.1, -0.95, -0.12), 0)
    add_object(scene, "Table", table.build("Table", [wood]))
    add_object(scene, "Cloth", _cloth())
    add_object(scene, "Jug", _jug(), (-0.95, 0.35, 0.0), 0.5)
    add_object(scene, "Bottle", _bottle(), (1.28, 0.52, 0.0))
    add_object(scene, "Books", _books(), (1.02, -0.22, 0.0), 0.35)
    add_object(scene, "Picture", _picture(), (0.52, 1.30, 1.62))
    bowl = paint("Bowl", (0.90, 0.86, 0.76), 1.6, 0.15), paint("Bowl's rim", (0.06, 0.14, 0.46), 1.6)
    parts = Parts()
    parts.lathe([(0.22, 0.0), (0.20, 0.05), (0.40, 0.16), (0.55, 0.32), (0.58, 0.36), (0.54, 0.36), (0.38, 0.2), (0.01, 0.1)], 32, _rim)
    add_object(scene, "Bowl", parts.build("Bowl", list(bowl), smooth=True), (0.05, 0.25, 0.012))
    orange, lemon, apple, plum = (
        _skin("Orange", (0.86, 0.30, 0.03), (1.0, 0.52, 0.08)),
        _skin("Lemon", (0.84, 0.60, 0.04), (1.0, 0.86, 0.22)),
        _skin("Apple", (0.56, 0.03, 0.03), (0.88, 0.42, 0.10)),
        _skin("Plum", (0.10, 0.03, 0.16), (0.34, 0.12, 0.34)),
    )
    heap: Sequence[tuple[Any, float, Point, float]] = [
        (orange, 0.20, (-0.20, 0.12, 0.38), 1.0),
        (apple, 0.19, (0.16, 0.05, 0.37), 0.92),
        (lemon, 0.15, (0.02, 0.42, 0.40), 1.25),
        (orange, 0.18, (0.36, 0.32, 0.39), 1.0),
        (plum, 0.14, (-0.24, 0.42, 0.40), 1.0),
        (apple, 0.18, (0.08, 0.24, 0.58), 0.92),
        (apple, 0.20, (-0.52, -0.55, 0.185), 0.92),
        (plum, 0.13, (0.42, -0.62, 0.13), 1.0),
        (plum, 0.12, (0.66, -0.74, 0.12), 1.0),
    ]
    for k, (skin, radius, where, stretch) in enumerate(heap):
        add_object(scene, f"Fruit {k}", fruit(f"Fruit {k}", skin, radius, stretch), where, 0.9 * k)


def _rim(ring: int, _: int) -> int:
    return 1 if ring in (3, 4, 5) else 0


def _skin(name: str, dark: Colour, light: Colour) -> Any:
    return mottled(name, dark, light, 0.9, bump=0.0)


def fruit(name: str, skin: Any, radius: float, stretch: float = 1.0) -> Any:
    """A round fruit with a dimple above; the origin is its middle."""
    rings = 16
    profile = []
    for ring, (reach, height) in enumerate(sphere(radius, rings, stretch)):
        dimple = math.exp(-((math.pi * (1 - ring / rings) / 0.42) ** 2))
        profile.append((reach, height - 0.28 * radius * stretch * dimple))
    parts = Parts()
    parts.lathe(profile, 28, lambda *_: 0)
    return parts.build(name, [skin], smooth=True)


def _jug() -> Any:
    white, blue = paint("Glaze", (0.84, 0.78, 0.62), 1.6, 0.2), paint("Blue glaze", (0.07, 0.16, 0.50), 1.6)
    rust = paint("Rust glaze", (0.66, 0.20, 0.06), 1.6)
    profile = [
        (0.01, 0.0),
        (0.24, 0.0),
        (0.25, 0.05),
        (0.36, 0.25),
        (0.40, 0.42),
        (0.38, 0.58),
        (0.28, 0.78),
        (0.19, 0.92),
        (0.17, 1.05),
        (0.22, 1.20),
        (0.20, 1.20),
        (0.14, 1.05),
    ]
    slots = (0, 0, 1, 0, 2, 0, 1, 0, 0, 1, 1)
    parts = Parts()
    parts.lathe(profile, 36, lambda ring, k: 1 if ring == 3 and k % 4 < 2 else slots[ring])
    steps, sides = 16, 8
    points: list[Point] = []
    for k in range(steps + 1):  # the handle, a bent tube
        a = math.pi * (k / steps - 0.5)
        cx, cz = 0.22 + 0.26 * math.cos(a), 0.74 + 0.32 * math.sin(a)
        for s in range(sides):
            b = 2 * math.pi * s / sides
            r = 0.045 * math.cos(b)
            points.append((cx + r * math.cos(a), 0.045 * math.sin(b), cz + r * math.sin(a)))
    parts.polygons(
        points,
        [
            (k * sides + s, k * sides + (s + 1) % sides, (k + 1) * sides + (s + 1) % sides, (k + 1) * sides + s)
            for k in range(steps)
            for s in range(sides)
        ],
        1,
    )
    return parts.build("Jug", [white, blue, rust], smooth=True)


def _bottle() -> Any:
    green, label = paint("Bottle", (0.03, 0.16, 0.08), 1.4, 0.5), paint("Label", (0.92, 0.80, 0.52), 1.6, 0.2)
    cork = paint("Cork", (0.58, 0.36, 0.18))
    profile = [
        (0.01, 0.0),
        (0.20, 0.0),
        (0.21, 0.04),
        (0.21, 0.22),
        (0.215, 0.22),
        (0.215, 0.58),
        (0.21, 0.58),
        (0.21, 0.72),
        (0.16, 0.86),
        (0.075, 1.0),
        (0.07, 1.25),
        (0.085, 1.26),
        (0.085, 1.32),
        (0.05, 1.32),
        (0.05, 1.40),
        (0.01, 1.40),
    ]
    parts = Parts()
    parts.lathe(profile, 28, lambda ring, _: 1 if ring == 4 else 2 if ring > 12 else 0)
    return parts.build("Bottle", [green, label, cork], smooth=True)


def _books() -> Any:
    covers = [paint(f"Cover {k}", c, 1.4) for k, c in enumerate(((0.50, 0.05, 0.06), (0.08, 0.24, 0.20), (0.78, 0.48, 0.10)))]
    pages = paint("Pages", (0.86, 0.78, 0.60), 1.4, 0.2)
    parts = Parts()
    z = 0.0
    for k, (length, depth, height) in enumerate(((0.78, 0.54, 0.13), (0.66, 0.48, 0.10), (0.58, 0.42, 0.12))):
        x, y = -length / 2 + 0.03 * k, -depth / 2 + 0.02 * k
        parts.box((x, y, z), (x + length, y + depth, z + 0.025), k)
        parts.box((x + 0.03, y + 0.03, z + 0.025), (x + length - 0.03, y + depth, z + height - 0.025), 3)
        parts.box((x, y, z + height - 0.025), (x + length, y + depth, z + height), k)
        parts.box((x, y + depth - 0.03, z), (x + length, y + depth, z + height), k)
        z += height
    return parts.build("Books", [*covers, pages])


def _picture() -> Any:
    """A framed landscape of three bands."""
    gold = paint("Frame", (0.72, 0.44, 0.10), 1.4)
    bands = [
        mottled(f"Picture {k}", dark, light, 1.4, bump=0.0)
        for k, (dark, light) in enumerate(
            (((0.12, 0.24, 0.08), (0.46, 0.50, 0.12)), ((0.26, 0.20, 0.44), (0.60, 0.40, 0.50)), ((0.90, 0.52, 0.20), (1.0, 0.84, 0.50)))
        )
    ]
    parts = Parts()
    parts.box((-0.85, -0.06, -0.58), (0.85, 0.0, -0.48), 3)
    parts.box((-0.85, -0.06, 0.48), (0.85, 0.0, 0.58), 3)
    parts.box((-0.85, -0.06, -0.48), (-0.75, 0.0, 0.48), 3)
    parts.box((0.75, -0.06, -0.48), (0.85, 0.0, 0.48), 3)
    for k, (low, high) in enumerate(((-0.48, -0.14), (-0.14, 0.12), (0.12, 0.48))):
        parts.box((-0.75, -0.03, low), (0.75, 0.0, high), k)
    return parts.build("Picture", [*bands, gold])


def _cloth() -> Any:
    """A striped cloth with folds that lies on the table and hangs over its edge."""
    stripes = striped("Cloth", (0.92, 0.86, 0.70), (0.72, 0.10, 0.06), 1.5, "X", 0.0, 0.0)
    columns, rows = 61, 41
    points: list[Point] = []
    for j in range(rows):
        along = 1.85 * j / (rows - 1)
        for i in range(columns):
            x = -1.45 + 2.0 * i / (columns - 1)
            fold = 0.030 * math.sin(7.5 * x + 0.8 * along) + 0.018 * math.sin(13 * x - 2.0)
            on_table = 1.45
            if along < on_table:
                points.append((x + 0.16 * along, 0.30 - along + 0.02, 0.012 + 0.35 * abs(fold) * min(1.0, along)))
            else:
                points.append((x + 0.16 * along, -1.16 - abs(fold), 0.02 - (along - on_table)))
    return mesh("Cloth", points, grid_faces(columns, rows), [stripes], smooth=True)
