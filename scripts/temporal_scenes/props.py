"""Things that stand or move about in more than one scene."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from demo_scene.materials import material, mottled
from demo_scene.meshes import Parts, Point
from demo_scene.nodes import Colour, shaded


def paint(name: str, colour: Colour, scale: float = 0.6, contrast: float = 0.35) -> Any:
    """A colour that is uneven as an old coat of paint, in soft blotches about 0.4 / scale metres wide."""
    block, n = material(name)
    value = n.noise(n.position(), scale * 1.6, 1.5, 0.5)
    dark, light = (shaded(colour, factor) for factor in (1 - contrast, 1 + contrast))
    n.surface(n.ramp(value, [(0.36, dark), (0.64, light)]))
    return block


def palette(colours: Sequence[Colour], scale: float = 0.6) -> list[Any]:
    """Return :func:`paint` in several colours."""
    return [paint(f"Paint {k}", colour, scale) for k, colour in enumerate(colours)]


def sphere(radius: float, rings: int = 16, stretch: float = 1.0) -> list[tuple[float, float]]:
    """Return the profile of a ball, to be lathed, from below to above; `stretch` is its height by its width."""
    angles = [math.pi * k / rings for k in range(rings + 1)]
    return [(max(1e-4, radius * math.sin(a)), -radius * stretch * math.cos(a)) for a in angles]


def grid_faces(columns: int, rows: int) -> list[tuple[int, int, int, int]]:
    """Return the faces of a grid of points that are listed row by row."""
    corners = [j * columns + i for j in range(rows - 1) for i in range(columns - 1)]
    return [(a, a + 1, a + columns + 1, a + columns) for a in corners]


def arcade(parts: Parts, columns: Sequence[float], y: Point, spring: float, top: float, radius: float, slot: Callable[[int], int]) -> None:
    """Add round columns along x with round arches between them.

    Args:
        columns: x of each column.
        y: front and back of the wall above the columns, and the middle of the columns.
        spring, top: height where the arches begin, and of the wall.
        radius: of the columns, in metres.
        slot: material of a ring of a column, from 0 below; asked for -1 the wall's, -2 the mouldings', -3 the roundels'.
    """
    front, back, middle = y
    rings = 9
    for x in columns:
        profile = [(radius, spring * k / rings) for k in range(rings + 1)]
        parts.lathe(profile, 20, lambda ring, _: slot(ring), (x, middle, 0))
        parts.box((x - radius * 1.35, middle - radius * 1.35, 0), (x + radius * 1.35, middle + radius * 1.35, 0.28), slot(-1))
        parts.box((x - radius * 1.3, middle - radius * 1.3, spring - 0.22), (x + radius * 1.3, middle + radius * 1.3, spring), slot(-1))
    steps = 14
    for left, right in itertools.pairwise(columns):
        reach = (right - left) / 2 - radius
        arch = [
            ((left + right) / 2 - reach * math.cos(math.pi * k / steps), spring + reach * math.sin(math.pi * k / steps))
            for k in range(steps + 1)
        ]
        outline = [(left, spring), *arch, (right, spring)]
        points: list[Point] = []
        for depth in (front, back):
            points += [(x, depth, z) for x, z in outline] + [(x, depth, top) for x, _ in outline]
        count, faces = len(outline), []
        for k in range(count - 1):
            a, b, c = k, count + k, 2 * count + k
            faces += [(a, a + 1, b + 1, b), (c, c + count, c + count + 1, c + 1), (a, c, c + 1, a + 1)]
        faces += [(count, 2 * count - 1, 4 * count - 1, 3 * count)]
        parts.polygons(points, faces, slot(-1))
    left, right = columns[0], columns[-1]
    for low, high, out in ((top - 0.12, top + 0.10, 0.16), (top - 0.34, top - 0.26, 0.05)):  # a cornice and a moulding
        parts.box((left, front - out, low), (right, back + out, high), slot(-2))
    for x in columns:  # a roundel above each column
        ring = [(x + 0.27 * math.cos(a), spring + 0.66 + 0.27 * math.sin(a)) for a in (2 * math.pi * k / 20 for k in range(20))]
        parts.polygons([(px, front - 0.02, pz) for px, pz in ring], [tuple(range(20))], slot(-3))


def striped_ball(name: str, radius: float, colours: Sequence[Any]) -> Any:
    """A beach ball with six gores of the first colours and caps of the last one."""
    parts = Parts()
    rings = 14
    gores = len(colours) - 1
    parts.lathe(sphere(radius, rings), 24, lambda ring, k: gores if ring in (0, rings - 1) else (k // 4) % gores)
    return parts.build(name, list(colours), smooth=True)


def stroller(name: str, robe: Any, parasol: Sequence[Any], skin: Any) -> Any:
    """A person in a long robe with a striped parasol, 2.4 m high; the foot is the origin."""
    parts = Parts()
    parts.lathe([(0.52, 0.0), (0.40, 0.35), (0.22, 1.0), (0.26, 1.25), (0.10, 1.45)], 16, lambda *_: 0)
    parts.lathe([(0.01, 1.40), (0.15, 1.50), (0.17, 1.64), (0.12, 1.78), (0.01, 1.84)], 12, lambda *_: 3)
    parts.lathe([(0.025, 0.8), (0.025, 2.3)], 6, lambda *_: 3, (0.18, -0.1, 0))
    parts.lathe([(0.86, 1.92), (0.60, 2.16), (0.30, 2.30), (0.02, 2.38)], 24, lambda _, k: 1 + (k // 3) % 2, (0.18, -0.1, 0))
    return parts.build(name, [robe, *parasol, skin], smooth=False)


def flagstones(name: str, first: Colour, second: Colour, size: float) -> Any:
    """A floor of squares in two colours, each a little uneven; `size` of a square in metres."""
    block, n = material(name)
    where = n.position()
    squares = n.add("ShaderNodeTexChecker", {"Vector": where, "Scale": 1.0 / size}).outputs["Fac"]
    blotches = n.ramp(n.noise(where, 0.7, 1.5), [(0.35, (0.62, 0.60, 0.66)), (0.65, (1.18, 1.14, 1.05))])
    n.surface(n.mix(1.0, n.mix(squares, first, second), blotches, "MULTIPLY"))
    return block


def house_front(parts: Parts, x: float, width: float, y: float, height: float, wall: int, roof: int, shutter: int, dark: int) -> None:
    """Add a house front that faces −y: windows with shutters on each floor, a door, and a roof that hangs over."""
    parts.box((x, y, 0), (x + width, y + 1.5, height), wall)
    parts.polygons(
        [
            (x - 0.12, y - 0.35, height - 0.08),
            (x + width + 0.12, y - 0.35, height - 0.08),
            (x + width + 0.12, y + 1.2, height + 0.95),
            (x - 0.12, y + 1.2, height + 0.95),
        ],
        [(0, 1, 2, 3)],
        roof,
    )
    windows = max(2, round(width / 1.3))
    for level in range(int((height - 1.7) / 1.45) + 1):
        z = 1.75 + 1.45 * level
        if z + 1.0 > height:
            break
        for k in range(windows):
            centre = x + width * (k + 0.5) / windows
            parts.box((centre - 0.22, y - 0.02, z), (centre + 0.22, y + 0.02, z + 0.85), dark)
            for side in (-1, 1):
                low, high = sorted((centre + side * 0.23, centre + side * 0.46))
                parts.box((low, y - 0.07, z - 0.02), (high, y, z + 0.87), shutter)
    door = x + width * 0.5
    parts.box((door - 0.34, y - 0.02, 0), (door + 0.34, y + 0.02, 1.35), dark)


def leaves(name: str, dark: Colour, light: Colour, scale: float = 1.0) -> Any:
    """Foliage without grain: light and dark blotches about 0.4 / scale metres wide."""
    return mottled(name, dark, light, scale * 0.5, bump=0.0)
