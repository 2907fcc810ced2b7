"""The windmill, the lighthouse and the village."""

from __future__ import annotations

import math
import random
from typing import Any

from .landscape import terrain_height
from .materials import material, mottled, striped
from .meshes import Parts, Point, add_object


def house(name: str, size: Point, walls: Any, roof: Any, dark: Any) -> Any:
    """A gabled house with windows and a chimney; the ridge runs along x."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    ridge, parts = z + y * 1.05, Parts()
    parts.box((-x, -y, -1.0), (x, y, z), 0)
    parts.polygons([(-x, -y, z), (-x, y, z), (-x, 0, ridge), (x, -y, z), (x, y, z), (x, 0, ridge)], [(0, 2, 1), (3, 4, 5)], 0)
    over, drop = 1.13, 0.12 * z
    for side in (-1, 1):
        outer = [
            (-x * over, side * y * 1.2, z - drop),
            (x * over, side * y * 1.2, z - drop),
            (x * over, 0, ridge + 0.02),
            (-x * over, 0, ridge + 0.02),
        ]
        parts.polygons(
            outer + [(a, b, c + 0.07) for a, b, c in outer],
            [(0, 1, 2, 3), (4, 7, 6, 5), (0, 4, 5, 1), (3, 2, 6, 7), (0, 3, 7, 4), (1, 5, 6, 2)],
            1,
        )
    for k in range(3):
        centre = -x + size[0] * (k + 0.5) / 3
        parts.box((centre - 0.11, -y - 0.012, z * 0.42), (centre + 0.11, -y + 0.02, z * 0.80), 2)
    for side in (-1, 1):
        parts.box((side * x - 0.015, -0.13, z * 0.55), (side * x + 0.015, 0.13, z * 1.0), 2)
    parts.box((x * 0.4, y * 0.1, z), (x * 0.4 + 0.2, y * 0.1 + 0.2, ridge + 0.22), 0)
    return parts.build(name, [walls, roof, dark])


def windmill(scene: Any, location: Point) -> Any:
    """The windmill; returns the wheel of its four sails, which is to turn about its own y axis."""
    plaster = mottled("Plaster", (0.62, 0.50, 0.36), (0.95, 0.88, 0.74), 1.6, (0.50, 0.28, 0.18))
    cap = striped("Cap", (0.42, 0.05, 0.03), (0.70, 0.13, 0.05), 3.0)
    wood = striped("Wood", (0.16, 0.08, 0.04), (0.30, 0.17, 0.08), 5.0)
    cloth = striped("Cloth", (0.93, 0.86, 0.70), (0.80, 0.16, 0.07), 0.55, "X", 0.0, 0.25)
    parts = Parts()
    parts.lathe([(1.06, -0.8), (1.02, 0.0), (0.86, 1.3), (0.74, 2.5)], 10, lambda *_: 0)
    parts.lathe([(1.16, 1.18), (1.20, 1.24), (0.84, 1.27)], 10, lambda *_: 2)
    parts.lathe([(0.84, 2.48), (0.80, 2.72), (0.46, 3.12), (0.02, 3.30)], 14, lambda *_: 1)
    parts.box((-0.20, -1.06, 0.0), (0.20, -0.9, 0.62), 2)
    for z in (0.95, 1.75):
        parts.box((-0.14, -0.98, z), (0.14, -0.78, z + 0.34), 2)
    add_object(scene, "Windmill", parts.build("Windmill", [plaster, cap, wood]), location, 0.28)
    blades = Parts()
    blades.box((-0.12, -0.05, -0.12), (0.12, 0.5, 0.12), 0)
    for k in range(4):
        c, s = math.cos(k * math.pi / 2), math.sin(k * math.pi / 2)

        def place(low: Point, high: Point, slot: int, c: float = c, s: float = s) -> None:
            turned = Parts()
            turned.box(low, high, slot)
            blades.polygons([(x * c - z * s, y, x * s + z * c) for x, y, z in turned.vertices], turned.faces, slot)

        place((0.0, -0.04, -0.045), (2.25, 0.04, 0.045), 0)
        place((0.42, -0.015, 0.05), (2.2, 0.015, 0.50), 1)
        for x in (0.42, 1.0, 1.6, 2.17):
            place((x, -0.03, -0.10), (x + 0.045, 0.03, 0.53), 0)
    wheel = add_object(scene, "Sails", blades.build("Sails", [wood, cloth]), (location[0] + 0.28, location[1] - 1.02, location[2] + 2.72))
    wheel.rotation_mode = "ZXY"  # turn about the axle first, then lean with the building
    return wheel


def lighthouse(scene: Any, location: Point) -> None:
    white = mottled("Whitewash", (0.72, 0.68, 0.64), (0.96, 0.94, 0.88), 2.0)
    red = mottled("Red paint", (0.50, 0.03, 0.02), (0.80, 0.09, 0.05), 2.0)
    iron = mottled("Iron", (0.02, 0.03, 0.05), (0.10, 0.10, 0.13), 4.0)
    block, n = material("Lantern")
    n.add(
        "ShaderNodeOutputMaterial", {"Surface": n.add("ShaderNodeEmission", {"Color": (1.0, 0.72, 0.28, 1.0), "Strength": 3.0}).outputs[0]}
    )
    parts = Parts()
    bands = [(0.80 - 0.055 * k, 0.62 * k) for k in range(8)]
    parts.lathe([(0.82, -1.0), *bands], 20, lambda ring, _: ring % 2)
    top = bands[-1][1]
    parts.lathe([(0.44, top), (0.62, top + 0.05), (0.62, top + 0.14), (0.32, top + 0.15)], 20, lambda *_: 2)
    parts.lathe([(0.30, top + 0.15), (0.30, top + 0.58)], 12, lambda *_: 3)
    parts.lathe([(0.42, top + 0.56), (0.36, top + 0.70), (0.03, top + 1.02)], 14, lambda *_: 1)
    add_object(scene, "Lighthouse", parts.build("Lighthouse", [white, red, iron, block]), location)


def village(scene: Any, rng: random.Random) -> None:
    """Houses between the windmill and the bay, and a church."""
    walls = [
        mottled("White wall", (0.70, 0.64, 0.54), (0.96, 0.92, 0.82), 2.2, (0.62, 0.46, 0.32)),
        mottled("Ochre wall", (0.62, 0.34, 0.08), (0.90, 0.62, 0.22), 2.2),
        mottled("Rose wall", (0.66, 0.30, 0.22), (0.92, 0.58, 0.46), 2.2),
        mottled("Blue wall", (0.22, 0.36, 0.50), (0.48, 0.64, 0.74), 2.2),
    ]
    roofs = [
        striped("Red tiles", (0.58, 0.09, 0.03), (0.86, 0.24, 0.07), 5.0, "X"),
        striped("Slate", (0.06, 0.08, 0.16), (0.18, 0.22, 0.34), 5.0, "X"),
    ]
    dark = mottled("Windows", (0.01, 0.02, 0.05), (0.05, 0.07, 0.14), 3.0)
    places = [
        (-2.1, 3.0, 0.3),
        (0.2, 1.9, -0.3),
        (1.3, 4.6, 0.2),
        (-1.0, 5.6, -0.1),
        (2.0, 7.6, 0.45),
        (-3.0, 7.2, 0.2),
        (2.6, 11.0, -0.3),
        (-1.6, 11.0, 0.1),
        (-9.4, 8.6, 0.3),
    ]
    for k, (x, y, turn) in enumerate(places):
        size = (rng.uniform(1.35, 1.9), rng.uniform(0.95, 1.2), rng.uniform(0.75, 1.05))
        data = house(f"House {k}", size, walls[k % 4], roofs[0] if k % 4 else roofs[1], dark)
        add_object(scene, data.name, data, (x, y, terrain_height(x, y) - 0.05), turn)
    nave = house("Church", (2.0, 1.1, 1.2), walls[0], roofs[0], dark)
    x, y = 0.5, 7.4
    z = terrain_height(x, y)
    add_object(scene, "Church", nave, (x, y, z), 0.1)
    tower = Parts()
    tower.box((-0.38, -0.38, -1), (0.38, 0.38, 3.0), 0)
    tower.polygons(
        [(-0.46, -0.46, 3.0), (0.46, -0.46, 3.0), (0.46, 0.46, 3.0), (-0.46, 0.46, 3.0), (0, 0, 4.9)],
        [(0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4), (0, 3, 2, 1)],
        1,
    )
    tower.box((-0.13, -0.40, 2.2), (0.13, -0.3, 2.7), 2)
    add_object(scene, "Church tower", tower.build("Church tower", [walls[0], roofs[1], dark]), (x - 1.25, y, z), 0.1)
