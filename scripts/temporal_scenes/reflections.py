"""Mirrors and glass: what they show moves differently from their surface, and the motion vectors know only the surface."""

from __future__ import annotations

import math
from typing import Any

from demo_scene.animation import animate, animate_freely
from demo_scene.materials import material
from demo_scene.meshes import Parts, Point, add_object, mesh
from demo_scene.nodes import Colour

from .props import arcade, paint, palette, sphere, striped_ball, stroller
from .stage import add_camera, add_sun, add_world, new_scene


def build(frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by this scene and return it."""
    scene = new_scene("Reflections", frames, width, samples=32)
    cycles = scene.cycles
    cycles.max_bounces, cycles.glossy_bounces, cycles.transmission_bounces, cycles.transparent_max_bounces = 8, 4, 8, 8
    add_world(
        scene,
        gradient=[(0.0, (0.96, 0.80, 0.58)), (0.15, (0.42, 0.66, 0.78)), (0.5, (0.05, 0.22, 0.58))],
        clouds=[(0.3, (0.52, 0.46, 0.60)), (0.5, (0.98, 0.82, 0.66)), (0.7, (1.0, 0.98, 0.90))],
        fill=[(0.0, (0.66, 0.52, 0.44)), (0.5, (0.30, 0.44, 0.78))],
        strength=0.6,
    )
    add_sun(scene, (-0.50, -0.62, 0.62), 3.6, (1.0, 0.82, 0.58), 0.02)
    floor = mesh(
        "Floor", [(-30, -30, 0), (30, -30, 0), (30, 9, 0), (-30, 9, 0)], [(0, 1, 2, 3)], [_polished((0.72, 0.62, 0.50), (0.12, 0.10, 0.16))]
    )
    add_object(scene, "Floor", floor)
    _hall(scene)
    _mirrors(scene)
    _glass(scene)
    _screen(scene)
    _passers_by(scene)

    def place(t: int) -> tuple[Point, Point]:
        across = 1.25 * math.sin(2 * math.pi * (t - 12) / 150)  # to and fro, by up to 0.05 m per frame
        return (across - 0.15, -7.6, 1.75), (0.85 * across + 0.2, 0.0, 1.22)

    add_camera(scene, 36.0, place)
    return scene


def _polished(first: Colour, second: Colour) -> Any:
    """A floor of squares that mirrors a third of the light."""
    block, n = material("Polished floor")
    squares = n.add("ShaderNodeTexChecker", {"Vector": n.position(), "Scale": 1 / 1.5}).outputs["Fac"]
    diffuse = n.add("ShaderNodeBsdfDiffuse", {"Color": n.mix(squares, first, second)})
    mirror = n.add("ShaderNodeBsdfGlossy", {"Color": (0.95, 0.95, 1.0, 1.0), "Roughness": 0.0})
    both = n.add("ShaderNodeMixShader", {0: 0.38, 1: diffuse.outputs[0], 2: mirror.outputs[0]})
    n.add("ShaderNodeOutputMaterial", {"Surface": both.outputs[0]})
    return block


def _mirror(name: str, colour: Colour) -> Any:
    block, n = material(name)
    n.add("ShaderNodeOutputMaterial", {"Surface": n.add("ShaderNodeBsdfGlossy", {"Color": (*colour, 1.0), "Roughness": 0.0}).outputs[0]})
    return block


def _hall(scene: Any) -> None:
    """Arches with a painted wall behind them, and columns behind the camera, for the mirrors."""
    paints = palette([(0.88, 0.80, 0.66), (0.62, 0.12, 0.08), (0.84, 0.52, 0.20), (0.10, 0.30, 0.44), (0.55, 0.10, 0.10)])
    parts = Parts()
    arcade(
        parts,
        [-11.2 + 2.8 * k for k in range(9)],
        (2.7, 3.4, 3.05),
        2.3,
        4.6,
        0.28,
        lambda ring: {-1: 2, -2: 4, -3: 3}[ring] if ring < 0 else ring % 2,
    )
    add_object(scene, "Arcade", parts.build("Arcade", paints))
    wall = Parts()
    for k in range(-10, 11):
        wall.box((k * 1.4 - 0.7, 6.0, 0), (k * 1.4 + 0.7, 6.3, 2.2 + 0.5 * (k % 3)), (0, 1, 2, 3)[k % 4])
    add_object(scene, "Wall", wall.build("Wall", palette([(0.16, 0.44, 0.44), (0.84, 0.40, 0.16), (0.90, 0.78, 0.50), (0.34, 0.16, 0.36)])))
    behind = Parts()
    for k in range(-4, 5):
        behind.lathe([(0.6, 0), (0.6, 5.5)], 16, lambda *_, k=k: (0, 1, 2, 3)[k % 4], (k * 3.6 + 1.2, -14.0, 0))
    add_object(scene, "Columns", behind.build("Columns", paints))


def _mirrors(scene: Any) -> None:
    parts = Parts()
    parts.lathe(sphere(1.0, 48), 96, lambda *_: 0)
    ball = parts.build("Mirror ball", [_mirror("Silver", (0.95, 0.94, 0.90))], smooth=True)
    add_object(scene, "Mirror ball", ball, (-1.35, 0.1, 1.28), scale=0.98)
    foot = Parts()
    foot.lathe([(0.55, 0.0), (0.42, 0.12), (0.26, 0.34)], 24, lambda *_: 0)
    add_object(scene, "Foot", foot.build("Foot", [paint("Foot", (0.50, 0.10, 0.08))]), (-1.35, 0.1, 0))
    glass = Parts()
    glass.box((-0.85, 0.0, 0.22), (0.85, 0.03, 2.35), 0)
    for low, high in (
        ((-1.0, -0.04, 0.05), (1.0, 0.09, 0.22)),
        ((-1.0, -0.04, 2.35), (1.0, 0.09, 2.55)),
        ((-1.0, -0.04, 0.22), (-0.85, 0.09, 2.35)),
        ((0.85, -0.04, 0.22), (1.0, 0.09, 2.35)),
    ):
        glass.box(low, high, 1)
    add_object(
        scene,
        "Mirror",
        glass.build("Mirror", [_mirror("Mirror glass", (0.88, 0.92, 0.92)), paint("Gilt", (0.80, 0.48, 0.10))]),
        (0.95, 1.55, 0),
        -0.42,
    )


def _glass(scene: Any) -> None:
    """A glass ball and a vase on pedestals; light passes them straight, which is not true but without noise."""
    block, n = material("Glass")
    glass = n.add("ShaderNodeBsdfGlass", {"Color": (0.86, 0.97, 0.93, 1.0), "Roughness": 0.0, "IOR": 1.45})
    clear = n.add("ShaderNodeBsdfTransparent", {"Color": (0.80, 0.94, 0.88, 1.0)})
    path = n.add("ShaderNodeLightPath")
    straight = n.math("MAXIMUM", path.outputs["Is Shadow Ray"], path.outputs["Is Diffuse Ray"])
    n.add(
        "ShaderNodeOutputMaterial",
        {"Surface": n.add("ShaderNodeMixShader", {0: straight, 1: glass.outputs[0], 2: clear.outputs[0]}).outputs[0]},
    )
    stand = paint("Pedestal", (0.10, 0.34, 0.30))
    ball = Parts()
    ball.lathe(sphere(0.5, 32), 64, lambda *_: 0)
    add_object(scene, "Glass ball", ball.build("Glass ball", [block], smooth=True), (0.42, -1.1, 1.12))
    pedestal = Parts()
    pedestal.lathe([(0.42, 0.0), (0.40, 0.10), (0.26, 0.16), (0.24, 0.50), (0.36, 0.58), (0.36, 0.64), (0.01, 0.64)], 24, lambda *_: 0)
    add_object(scene, "Pedestal", pedestal.build("Pedestal", [stand]), (0.42, -1.1, 0))


def _screen(scene: Any) -> None:
    """A folding screen of half transparent coloured panes in dark frames."""
    frame = paint("Screen", (0.10, 0.05, 0.04))
    panes = []
    for k, (first, second) in enumerate((((0.85, 0.12, 0.06), (0.98, 0.72, 0.12)), ((0.06, 0.22, 0.70), (0.30, 0.75, 0.70)))):
        block, n = material(f"Pane {k}")
        where = n.position()
        wave = n.add("ShaderNodeTexWave", {"Vector": where, "Scale": 0.55, "Distortion": 2.0, "Detail": 0.0}, bands_direction="DIAGONAL")
        colour = n.ramp(wave.outputs["Fac"], [(0.35, first), (0.65, second)])
        tint = n.add("ShaderNodeBsdfTransparent", {"Color": n.mix(0.5, colour, (1.0, 1.0, 1.0))})
        body = n.add("ShaderNodeBsdfDiffuse", {"Color": colour})
        both = n.add("ShaderNodeMixShader", {0: 0.40, 1: tint.outputs[0], 2: body.outputs[0]})
        n.add("ShaderNodeOutputMaterial", {"Surface": both.outputs[0]})
        panes.append(block)
    for k, (x, y, turn) in enumerate(((1.62, -0.95, 0.30), (2.72, -0.95, -0.30))):
        leaf = Parts()
        leaf.polygons([(-0.5, 0, 0.12), (0.5, 0, 0.12), (0.5, 0, 2.2), (-0.5, 0, 2.2)], [(0, 1, 2, 3)], k)
        for low, high in (
            ((-0.57, -0.03, 0.0), (-0.5, 0.03, 2.3)),
            ((0.5, -0.03, 0.0), (0.57, 0.03, 2.3)),
            ((-0.5, -0.03, 0.05), (0.5, 0.03, 0.14)),
            ((-0.5, -0.03, 2.18), (0.5, 0.03, 2.28)),
            ((-0.5, -0.02, 1.12), (0.5, 0.02, 1.18)),
        ):
            leaf.box(low, high, 2)
        add_object(scene, f"Leaf {k}", leaf.build(f"Leaf {k}", [*panes, frame]), (x, y, 0), turn)


def _passers_by(scene: Any) -> None:
    """People who walk behind the mirrors and panes, and balls that circle around the mirror ball."""
    first, last = scene.frame_start, scene.frame_end
    robes = palette([(0.80, 0.12, 0.10), (0.10, 0.18, 0.56), (0.92, 0.84, 0.66), (0.92, 0.56, 0.08), (0.12, 0.40, 0.24)], 1.0)
    skin = paint("Skin", (0.62, 0.36, 0.24))
    crowd = add_object(scene, "Crowd", None)
    for k in range(10 + (last - first) // 20):
        data = stroller(f"Stroller {k}", robes[k % 5], [robes[(k + 1) % 5], robes[(k + 3) % 5]], skin)
        add_object(scene, f"Stroller {k}", data, (5.2 - 2.3 * k, 0.3 * (k % 2), 0), parent=crowd)
    animate(crowd, "location", first, last, lambda t: (0.10 * t, 2.05, 0))
    for k in range(3):
        ball = add_object(scene, f"Ball {k}", striped_ball(f"Ball {k}", 0.30, [robes[(k + j) % 5] for j in (0, 2, 3, 2)]))

        def place(t: int, k: int = k) -> Point:
            a = 2 * math.pi * k / 3 + 0.055 * t
            return -1.35 + 1.7 * math.cos(a), 0.1 + 1.7 * math.sin(a), 0.30

        animate_freely(ball, "location", first, last, place)

        def turn(t: int, k: int = k) -> Point:
            return 0.4 * k, 0.5, 0.055 * t

        animate(ball, "rotation_euler", first, last, turn)
