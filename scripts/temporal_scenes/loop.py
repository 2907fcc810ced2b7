"""A loop: after its last frame comes its first. A wheel at the sea, flags, a boat, a balloon, and a camera on a small closed orbit."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from demo_scene.animation import animate, animate_freely
from demo_scene.craft import balloon, boat
from demo_scene.materials import mottled, striped
from demo_scene.meshes import Parts, Point, add_object, mesh

from .props import flagstones, grid_faces, house_front, paint, palette
from .stage import add_camera, add_sun, add_world, new_scene

#: Seats of the wheel; every third has the same colour, so a quarter of a turn looks like none.
SEATS = 12

#: Height of the axle and the wheel's radius, in metres.
AXLE, RADIUS = 4.05, 2.9


def build(frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by this scene and return it. The frame after the last looks exactly like the first."""
    scene = new_scene("Loop", frames, width)
    add_world(
        scene,
        gradient=[(0.0, (1.0, 0.70, 0.40)), (0.12, (0.80, 0.72, 0.56)), (0.28, (0.22, 0.50, 0.70)), (0.6, (0.03, 0.18, 0.52))],
        clouds=[(0.3, (0.50, 0.36, 0.52)), (0.5, (0.98, 0.62, 0.50)), (0.7, (0.98, 0.82, 0.60))],
        fill=[(0.0, (0.72, 0.54, 0.46)), (0.5, (0.28, 0.42, 0.78))],
        strength=0.55,
    )
    add_sun(scene, (-0.60, -0.58, 0.55), 4.2, (1.0, 0.80, 0.56), 0.02)
    _ground(scene)
    _wheel(scene, frames)
    _flags(scene, frames)
    _afloat(scene, frames)

    def place(t: int) -> tuple[Point, Point]:
        a = _phase(t, frames)
        return (0.42 * math.cos(a), -13.0 + 0.25 * math.sin(a), 2.5 + 0.20 * math.sin(a)), (0.6, 0.0, 3.25)

    add_camera(scene, 30.0, place)
    return scene


def _phase(t: int, frames: int) -> float:
    """Return the angle of a frame in the cycle; exactly the same one for the first frame and the one after the last."""
    return 2 * math.pi * (t % frames) / frames


def _ground(scene: Any) -> None:
    floor = flagstones("Quay", (0.66, 0.50, 0.36), (0.36, 0.28, 0.30), 2.2)
    quay = Parts()
    quay.box((-30, -14, -1), (30, 1.8, 0), 0)
    add_object(scene, "Quay", quay.build("Quay", [floor]))
    water = mottled("Water", (0.02, 0.13, 0.30), (0.14, 0.44, 0.50), 0.28, (0.72, 0.80, 0.74), bump=0.0, stretch=(0.5, 0.7, 1))
    add_object(scene, "Sea", mesh("Sea", [(-90, 1.8, -0.5), (90, 1.8, -0.5), (90, 90, -0.5), (-90, 90, -0.5)], [(0, 1, 2, 3)], [water]))
    hills = paint("Hills", (0.26, 0.26, 0.46), 0.08, 0.5)
    points: list[Point] = []
    count = 80
    for k in range(count):
        x = -60 + 120 * k / (count - 1)
        points += [(x, 60, -1), (x, 68, 3.6 + 2.2 * math.sin(0.13 * x + 1) + 1.1 * math.sin(0.37 * x))]
    add_object(
        scene, "Hills", mesh("Hills", points, [(2 * k, 2 * k + 2, 2 * k + 3, 2 * k + 1) for k in range(count - 1)], [hills], smooth=True)
    )
    rng = random.Random(2)
    walls = palette([(0.86, 0.50, 0.14), (0.74, 0.24, 0.14), (0.88, 0.76, 0.52), (0.80, 0.46, 0.40)])
    materials = [*walls, striped("Tiles", (0.50, 0.10, 0.04), (0.78, 0.26, 0.09), 1.0, "X", 0.3, 0.0)]
    materials += [paint("Shutters", (0.05, 0.24, 0.22)), paint("Windows", (0.03, 0.035, 0.07))]
    houses, x = Parts(), 4.6
    for k in range(4):
        size = rng.uniform(2.3, 3.2)
        house_front(houses, x, size, 0.2, (3.6, 4.5, 3.6, 5.2)[k], k % 4, 4, 5, 6)
        x += size + 0.02
    add_object(scene, "Houses", houses.build("Houses", materials))


def _wheel(scene: Any, frames: int) -> None:
    """The wheel is made of four equal quarters, so that a quarter of a turn changes no texture either."""
    first, last = scene.frame_start, scene.frame_end
    white, red, blue = palette([(0.92, 0.86, 0.72), (0.80, 0.12, 0.06), (0.08, 0.22, 0.56)], 1.0)
    sail = striped("Sail", (0.94, 0.82, 0.56), (0.90, 0.44, 0.08), 0.75, "X", 0.0, 0.0)
    quarter = Parts()
    for k in range(3):
        a = k * 2 * math.pi / SEATS
        c, s = math.cos(a), math.sin(a)
        beam = Parts()
        beam.box((0.15, -0.30, -0.06), (RADIUS, -0.18, 0.06), 0)
        beam.box((0.15, 0.18, -0.06), (RADIUS, 0.30, 0.06), 0)
        quarter.polygons([(x * c - z * s, y, x * s + z * c) for x, y, z in beam.vertices], beam.faces, 0)
        for j in range(4):  # the rim
            b0, b1 = a + j * math.pi / 24, a + (j + 1) * math.pi / 24
            for low, high in ((-0.32, -0.16), (0.16, 0.32)):
                ring = [(r * math.cos(b), y, r * math.sin(b)) for b in (b0, b1) for r in (RADIUS - 0.22, RADIUS) for y in (low, high)]
                quarter.polygons(ring, [(0, 4, 6, 2), (1, 3, 7, 5), (2, 6, 7, 3), (0, 1, 5, 4)], 1 if j % 2 else 2)
        if k == 1:
            corners = [(r * math.cos(b), 0.0, r * math.sin(b)) for b in (a + 0.04, a + 0.48) for r in (0.7, 2.5)]
            quarter.polygons(corners, [(0, 1, 3, 2)], 3)
    data = quarter.build("Quarter", [white, red, blue, sail])
    wheel = add_object(scene, "Wheel", None, (-0.6, 0.0, AXLE))
    for k in range(4):
        add_object(scene, f"Quarter {k}", data, parent=wheel).rotation_euler = (0, k * math.pi / 2, 0)
    animate(wheel, "rotation_euler", first, last, lambda t: (0, math.pi / 2 * t / frames, 0))

    cabins = [_cabin(k, white) for k in range(3)]
    for k in range(SEATS):
        cabin = add_object(scene, f"Seat {k}", cabins[k % 3])

        def hang(t: int, k: int = k) -> Point:
            a = 2 * math.pi * (k / SEATS) - math.pi / 2 * t / frames
            return -0.6 + (RADIUS + 0.05) * math.cos(a), 0.0, AXLE + (RADIUS + 0.05) * math.sin(a)

        animate_freely(cabin, "location", first, last, hang)
    stand = Parts()
    for y in (-0.75, 0.75):
        for side in (-1, 1):
            stand.polygons(
                [(side * d + dx, y + dy, z) for z, d in ((0.0, 1.7), (AXLE, 0.05)) for dx in (-0.12, 0.12) for dy in (-0.08, 0.08)],
                [(0, 2, 6, 4), (1, 5, 7, 3), (0, 4, 5, 1), (2, 3, 7, 6)],
                0,
            )
    stand.box((-0.2, -0.85, AXLE - 0.2), (0.2, 0.85, AXLE + 0.2), 1)
    stand.box((-2.6, -1.2, 0.0), (2.6, 1.2, 0.3), 1)
    add_object(scene, "Stand", stand.build("Stand", [blue, red]), (-0.6, 0, 0))


def _cabin(k: int, white: Any) -> Any:
    colour = paint(f"Cabin {k}", ((0.84, 0.10, 0.06), (0.06, 0.40, 0.36), (0.94, 0.60, 0.06))[k], 1.0)
    parts = Parts()
    parts.lathe(
        [(0.01, -1.02), (0.30, -1.0), (0.40, -0.80), (0.42, -0.58), (0.36, -0.58)],
        16,
        lambda ring, n: 1 if (n // 2) % 2 and ring == 2 else 0,
    )
    parts.lathe([(0.52, -0.18), (0.30, -0.04), (0.02, 0.14)], 16, lambda _, n: (n // 2) % 2)
    for n in range(4):
        x, y = 0.36 * math.cos(math.pi / 4 + n * math.pi / 2), 0.36 * math.sin(math.pi / 4 + n * math.pi / 2)
        parts.box((x - 0.03, y - 0.03, -0.6), (x + 0.03, y + 0.03, -0.12), 1)
    return parts.build(f"Cabin {k}", [colour, white])


def _flags(scene: Any, frames: int) -> None:
    """Flags in the wind: two shapes a quarter of a wave apart, mixed in turn, make the wave travel."""
    pole = paint("Pole", (0.36, 0.20, 0.10))
    colours = (
        striped("Red flag", (0.80, 0.10, 0.06), (0.95, 0.84, 0.60), 0.45, "Z", 0.0, 0.0),
        striped("Blue flag", (0.08, 0.20, 0.58), (0.95, 0.70, 0.16), 0.45, "Z", 0.0, 0.0),
    )
    columns, rows, length, height = 25, 9, 1.9, 1.15
    grid = [(length * i / (columns - 1), height * (j / (rows - 1) - 1)) for j in range(rows) for i in range(columns)]
    faces = grid_faces(columns, rows)
    first, last = scene.frame_start, scene.frame_end
    for k, (x, y, top) in enumerate(((-6.0, -2.0, 5.2), (3.1, -3.2, 4.6))):
        post = Parts()
        post.lathe([(0.07, 0.0), (0.05, top + 0.1), (0.09, top + 0.12), (0.01, top + 0.25)], 10, lambda *_: 0)
        add_object(scene, f"Pole {k}", post.build(f"Pole {k}", [pole]), (x, y, 0))
        flag = add_object(
            scene, f"Flag {k}", mesh(f"Flag {k}", [(u, 0.0, v) for u, v in grid], faces, [colours[k]], smooth=True), (x, y, top), 0.12
        )
        flag.shape_key_add(name="Still")
        for name, shift in (("Wave", 0.0), ("Wave, a quarter on", math.pi / 2)):
            shape = flag.shape_key_add(name=name)
            for point, (u, v) in zip(shape.data, grid, strict=True):
                swing = math.sin(2 * math.pi * u / 1.35 - shift) * min(1.0, u / 0.6)
                point.co = (u * 0.96, 0.22 * swing, v - 0.10 * (u / length) ** 2 + 0.05 * swing)
            shape.slider_min = -1.0
            wave = math.cos if shift == 0.0 else math.sin

            def swing_at(t: int, wave: Callable[[float], float] = wave, k: int = k) -> float:
                return wave(_phase(t, frames) + 1.3 * k)

            animate_freely(shape, "value", first, last, swing_at)


def _afloat(scene: Any, frames: int) -> None:
    first, last = scene.frame_start, scene.frame_end
    canvas = striped("Canvas", (0.95, 0.88, 0.72), (0.78, 0.12, 0.05), 0.4, "Z", 0.0, 0.0)
    ship = boat(scene, "Boat", (0, 0, 0), (0.06, 0.16, 0.42), canvas, 1.5)
    animate_freely(
        ship, "location", first, last, lambda t: (-7.0 + 0.25 * math.cos(_phase(t, frames)), 7.0, -0.4 + 0.14 * math.sin(_phase(t, frames)))
    )
    animate_freely(
        ship, "rotation_euler", first, last, lambda t: (0.05 * math.sin(_phase(t, frames)), 0.09 * math.cos(_phase(t, frames)), 0.3)
    )
    globe = balloon(scene, (0, 0, 0))
    globe.scale = (0.9, 0.9, 0.9)
    animate_freely(
        globe, "location", first, last, lambda t: (5.0 + 0.35 * math.cos(_phase(t, frames)), 5.0, 6.6 + 0.30 * math.sin(_phase(t, frames)))
    )
