"""Fast motion with occlusion: a train behind a colonnade, balls that hop in front of it, people beyond, and a camera that travels."""

from __future__ import annotations

import math
import random
from typing import Any

from demo_scene.animation import animate, animate_freely
from demo_scene.materials import striped
from demo_scene.meshes import Parts, Point, add_object, mesh

from .props import arcade, flagstones, house_front, paint, palette, sphere, striped_ball, stroller
from .stage import add_camera, add_sun, add_world, new_scene

#: Metres per frame, to the right: six to nine pixels of a 256 pixels wide picture, against the camera's one.
TRAIN, BALLS, PEOPLE, CAMERA = -0.27, 0.27, 0.26, 0.035


def build(frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by this scene and return it."""
    scene = new_scene("Occlusion", frames, width)
    rng = random.Random(4)
    reach = CAMERA * frames
    add_world(
        scene,
        gradient=[(0.0, (0.98, 0.66, 0.34)), (0.12, (0.55, 0.68, 0.66)), (0.35, (0.06, 0.28, 0.62))],
        clouds=[(0.3, (0.45, 0.36, 0.50)), (0.5, (0.98, 0.66, 0.48)), (0.7, (0.98, 0.84, 0.62))],
        fill=[(0.0, (0.70, 0.52, 0.44)), (0.5, (0.26, 0.42, 0.80))],
        strength=0.55,
    )
    add_sun(scene, (-0.62, -0.55, 0.56), 4.2, (1.0, 0.80, 0.54), 0.02)
    floor = flagstones("Square", (0.62, 0.46, 0.32), (0.30, 0.25, 0.30), 2.4)
    add_object(scene, "Square", mesh("Square", [(-40, -12, 0), (60, -12, 0), (60, 8, 0), (-40, 8, 0)], [(0, 1, 2, 3)], [floor]))
    _houses(scene, rng, reach)
    _colonnade(scene, reach)
    _train(scene, rng, frames)
    _balls(scene, frames)
    _people(scene, frames)
    add_camera(scene, 34.0, lambda t: ((CAMERA * t, -11.0, 2.3), (CAMERA * t + 0.01 * t, 2.0, 2.15)))
    return scene


def _houses(scene: Any, rng: random.Random, reach: float) -> None:
    walls = palette(
        [(0.86, 0.50, 0.14), (0.74, 0.24, 0.14), (0.88, 0.76, 0.52), (0.20, 0.42, 0.52), (0.80, 0.46, 0.40), (0.46, 0.52, 0.22)]
    )
    roof = striped("Tiles", (0.50, 0.10, 0.04), (0.78, 0.26, 0.09), 1.0, "X", 0.3, 0.0)
    shutters = palette([(0.05, 0.24, 0.22), (0.10, 0.12, 0.40), (0.70, 0.62, 0.46)])
    dark = paint("Windows", (0.03, 0.035, 0.07))
    materials = [*walls, roof, *shutters, dark]
    parts, x, k = Parts(), -14.0, 0
    while x < 14.0 + reach:
        width = rng.uniform(2.6, 3.9)
        house_front(parts, x, width, 6.0, rng.choice((3.8, 4.4, 5.2)), k % 6, 6, 7 + rng.randrange(3), 10)
        x, k = x + width + 0.02, k + 1
    add_object(scene, "Houses", parts.build("Houses", materials))


def _colonnade(scene: Any, reach: float) -> None:
    paints = palette([(0.90, 0.86, 0.76), (0.10, 0.22, 0.24), (0.80, 0.52, 0.34), (0.92, 0.84, 0.66), (0.14, 0.30, 0.62)])
    parts = Parts()
    columns = [-9.4 + 3.1 * k for k in range(int((20 + reach) / 3.1) + 1)]
    arcade(parts, columns, (-1.85, -1.15, -1.5), 2.75, 4.15, 0.36, lambda ring: 1 - ring if ring < 0 else ring % 2)
    add_object(scene, "Colonnade", parts.build("Colonnade", paints))


def _train(scene: Any, rng: random.Random, frames: int) -> None:
    colours = palette(
        [(0.80, 0.10, 0.05), (0.08, 0.24, 0.62), (0.90, 0.58, 0.08), (0.10, 0.42, 0.20), (0.92, 0.86, 0.72), (0.42, 0.12, 0.38)], 1.0
    )
    dark = paint("Iron", (0.05, 0.05, 0.07))
    materials = [*colours, dark]
    train = add_object(scene, "Train", None)
    pitch = 2.75
    count = int((13 - TRAIN * frames) / pitch) + 2
    for k in range(count):
        parts = _wagon(k, rng) if k else _locomotive()
        add_object(scene, f"Wagon {k}", parts.build(f"Wagon {k}", materials), (pitch * k, 0, 0), parent=train)
    animate(train, "location", scene.frame_start, scene.frame_end, lambda t: (-3.2 + TRAIN * t, 0.9, 0))


def _wheels(parts: Parts, xs: tuple[float, ...], radius: float) -> None:
    for x in xs:
        rim = [(x + radius * math.cos(a), -0.72, radius + radius * math.sin(a)) for a in (2 * math.pi * k / 20 for k in range(20))]
        parts.polygons([*rim, *((px, -0.60, pz) for px, _, pz in rim)], [tuple(range(20)), tuple(range(39, 19, -1))], 6)
        parts.polygons(rim + [(px, -0.6, pz) for px, _, pz in rim], [(k, 20 + k, 20 + (k + 1) % 20, (k + 1) % 20) for k in range(20)], 6)
        parts.box((x - 0.09, -0.76, radius - 0.09), (x + 0.09, -0.7, radius + 0.09), 2)


def _locomotive() -> Parts:
    parts = Parts()
    _wheels(parts, (-0.8, 0.0, 0.8), 0.34)
    parts.box((-1.15, -0.6, 0.45), (1.15, 0.6, 0.75), 6)
    parts.box((-1.15, -0.5, 0.75), (0.30, 0.5, 1.55), 3)
    parts.box((-0.95, -0.53, 0.75), (-0.75, 0.53, 1.6), 2)
    parts.box((-0.30, -0.53, 0.75), (-0.10, 0.53, 1.6), 2)
    parts.box((0.30, -0.62, 0.75), (1.15, 0.62, 2.05), 0)
    parts.box((0.45, -0.65, 1.25), (1.0, 0.65, 1.80), 4)
    parts.box((0.20, -0.72, 2.05), (1.25, 0.72, 2.2), 6)
    parts.lathe([(0.14, 1.55), (0.16, 2.0), (0.30, 2.35), (0.30, 2.45)], 14, lambda *_: 6, (-0.8, 0, 0))
    parts.lathe([(0.22, 1.5), (0.22, 1.75), (0.02, 1.92)], 12, lambda *_: 2, (-0.15, 0, 0))
    return parts


def _wagon(k: int, rng: random.Random) -> Parts:
    parts = Parts()
    _wheels(parts, (-0.8, 0.8), 0.28)
    body, trim = (0, 1, 5, 3)[k % 4], (4, 2, 4, 2)[k % 4]
    parts.box((-1.2, -0.6, 0.42), (1.2, 0.6, 0.58), 6)
    parts.box((-1.15, -0.62, 0.58), (1.15, 0.62, 1.15), body)
    parts.box((-1.18, -0.65, 0.80), (1.18, 0.65, 0.92), trim)
    if k % 3 == 1:  # a cabin with windows and a roof
        parts.box((-1.05, -0.58, 1.15), (1.05, 0.58, 1.85), trim)
        for j in range(3):
            parts.box((-0.92 + 0.66 * j, -0.61, 1.28), (-0.46 + 0.66 * j, 0.61, 1.72), 6)
        roof = [(x, y, z) for x in (-1.25, 1.25) for y, z in ((-0.72, 1.83), (0.0, 2.2), (0.72, 1.83))]
        parts.polygons(roof, [(0, 3, 4, 1), (1, 4, 5, 2), (0, 1, 2), (3, 5, 4)], body)
    elif k % 3 == 2:  # pumpkins
        for j, radius in enumerate((0.36, 0.46, 0.38)):

            def stripes(_: int, n: int, j: int = j) -> int:
                return (2, 0, 2)[j] if (n // 2) % 2 else (2, 2, 4)[j]

            parts.lathe(sphere(radius, 8, 0.8), 16, stripes, (-0.75 + 0.75 * j, 0, 1.35))
    else:  # barrels
        for j in range(3):
            height = rng.uniform(0.75, 1.0)
            profile = [(0.26, 0.0), (0.33, height * 0.3), (0.34, height * 0.6), (0.26, height), (0.01, height)]

            def hoops(ring: int, _: int, j: int = j) -> int:
                return (trim, 4, 3)[j] if ring != 1 else 6

            parts.lathe(profile, 16, hoops, (-0.72 + 0.72 * j, 0, 1.1))
    return parts


def _balls(scene: Any, frames: int) -> None:
    paints = palette([(0.88, 0.10, 0.06), (0.95, 0.86, 0.64), (0.06, 0.26, 0.66), (0.96, 0.66, 0.08), (0.08, 0.44, 0.30)], 1.0)
    sets = [(0, 1, 3), (2, 1, 3), (4, 3, 1), (0, 2, 1)]
    radii = (0.62, 0.46, 0.70, 0.52)
    spacing = 3.3
    for k in range(int((9 + BALLS * frames) / spacing) + 1):
        radius, phase = radii[k % 4], 0.37 * k
        data = striped_ball(f"Ball {k}", radius, [paints[i] for i in (*sets[k % 4], 1)])
        ball = add_object(scene, f"Ball {k}", data)
        start = 3.6 - spacing * k

        def place(t: int, start: float = start, radius: float = radius, phase: float = phase, k: int = k) -> Point:
            step = (t / 12 + phase) % 1.0
            return (start + BALLS * t, -3.7 - 0.35 * (k % 2), radius + 2.4 * step * (1 - step))

        first, last = scene.frame_start, scene.frame_end
        animate_freely(ball, "location", first, last, place)

        def turn(t: int, k: int = k) -> Point:
            return 0.5 + k, 0.16 * t, 0.3

        animate(ball, "rotation_euler", first, last, turn)


def _people(scene: Any, frames: int) -> None:
    robes = palette([(0.12, 0.16, 0.50), (0.78, 0.14, 0.16), (0.90, 0.80, 0.60), (0.10, 0.36, 0.34), (0.52, 0.18, 0.44)], 1.0)
    skin = paint("Skin", (0.62, 0.36, 0.24))
    crowd = add_object(scene, "Crowd", None)
    for k in range(int((16 + PEOPLE * frames) / 2.9) + 1):
        data = stroller(f"Stroller {k}", robes[k % 5], [robes[(k + 1) % 5], robes[2 if (k + 1) % 5 != 2 else 1]], skin)
        add_object(scene, f"Stroller {k}", data, (-2.9 * k - 0.6 * (k % 2), 0.5 * (k % 2), 0), parent=crowd)
    animate(crowd, "location", scene.frame_start, scene.frame_end, lambda t: (7.5 + PEOPLE * t, 3.1, 0))
