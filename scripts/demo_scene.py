"""The demo scene: a windmill, a village and a bay in the evening sun, seen by a travelling camera. Runs inside Blender.

    python scripts/demo_scene.py -- --save scene.blend --preview DIR --only 1,12,24      (with the bpy module)
    blender -b --factory-startup --python scripts/demo_scene.py -- --preview DIR

It is made for judging style transfer: shapes from 4 to 200 pixels, textures at several scales, strong light and colour contrast, things
that pass behind each other (sails, trees, fence, boat, balloon), and a sky without geometry. Everything moves steadily from one frame
before the first to one frame after the last, so motion vectors are valid at both ends, and a longer shot has the same motion per frame.
The same seed gives the same scene. Works in Blender 4.5, 5.0 and 5.2.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector, noise

Colour = tuple[float, float, float]
Point = tuple[float, float, float]

#: Where the sunlight comes from: low, from the left and a little behind the camera.
SUN_DIRECTION = Vector((-0.86, -0.36, 0.40)).normalized()


# ---------------------------------------------------------------------------------------------------------------- nodes


class Nodes:
    """A small writer of node trees: `add` makes a node, sets its inputs by name, and links what is a socket."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree
        tree.nodes.clear()

    def add(self, kind: str, inputs: dict[Any, Any] | None = None, **settings: Any) -> Any:
        node = self.tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[name])
            else:
                node.inputs[name].default_value = value
        return node

    def math(self, operation: str, a: Any, b: Any = 0.0, clamp: bool = False) -> Any:
        return self.add("ShaderNodeMath", {0: a, 1: b}, operation=operation, use_clamp=clamp).outputs[0]

    def vector(self, operation: str, a: Any, b: Any = (0, 0, 0)) -> Any:
        node = self.add("ShaderNodeVectorMath", {0: a, 1: b}, operation=operation)
        return node.outputs["Value" if operation == "DOT_PRODUCT" else "Vector"]

    def ramp(self, factor: Any, stops: Sequence[tuple[float, Colour]], interpolation: str = "LINEAR") -> Any:
        node = self.add("ShaderNodeValToRGB", {0: factor})
        node.color_ramp.interpolation = interpolation
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(1.0)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*colour, 1.0)
        return node.outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, blend: str = "MIX") -> Any:
        node = self.add("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        for index, value in ((0, factor), (6, a), (7, b)):  # the colour sockets of a node that also mixes floats and vectors
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[index])
            else:
                node.inputs[index].default_value = value if index == 0 else (*value, 1.0)
        return node.outputs[2]

    def noise(self, vector: Any, scale: float, detail: float = 3.0, roughness: float = 0.55, **more: Any) -> Any:
        return self.add("ShaderNodeTexNoise", {"Vector": vector, "Scale": scale, "Detail": detail, "Roughness": roughness, **more}).outputs[
            0
        ]

    def position(self) -> Any:
        return self.add("ShaderNodeTexCoord").outputs["Object"]

    def surface(self, colour: Any, roughness: float = 0.85, height: Any = None, bump: float = 0.3, specular: float = 0.15) -> None:
        """Connect a colour (and a height for bumps) to the material's output."""
        inputs = {"Base Color": colour if isinstance(colour, bpy.types.NodeSocket) else (*colour, 1.0), "Roughness": roughness}
        inputs["Specular IOR Level"] = specular
        if height is not None:
            inputs["Normal"] = self.add("ShaderNodeBump", {"Height": height, "Strength": bump, "Distance": 0.1}).outputs[0]
        shader = self.add("ShaderNodeBsdfPrincipled", inputs)
        self.add("ShaderNodeOutputMaterial", {"Surface": shader.outputs[0]})


def node_tree(owner: Any) -> Any:
    """Return the node tree of a material or world; before Blender 5 it has to be asked for."""
    if owner.node_tree is None:
        owner.use_nodes = True
    return owner.node_tree


def material(name: str) -> tuple[Any, Nodes]:
    block = bpy.data.materials.new(name)
    return block, Nodes(node_tree(block))


def mottled(
    name: str, dark: Colour, light: Colour, scale: float, accent: Colour | None = None, bump: float = 0.3, stretch: Point = (1, 1, 1)
) -> Any:
    """A surface with large blotches and fine grain between two colours, with a few spots of an accent."""
    block, n = material(name)
    where = n.vector("MULTIPLY", n.position(), stretch)
    large, fine = n.noise(where, scale, 2), n.noise(where, scale * 5, 1.5, 0.6)
    value = n.math("ADD", n.math("MULTIPLY", large, 0.55), n.math("MULTIPLY", fine, 0.45))
    colour = n.ramp(value, [(0.38, dark), (0.62, light)])
    if accent:
        colour = n.mix(n.ramp(n.noise(where, scale * 2.3, 2), [(0.58, (0, 0, 0)), (0.63, (1, 1, 1))]), colour, accent)
    n.surface(colour, height=fine, bump=bump)
    return block


def striped(name: str, first: Colour, second: Colour, scale: float, axis: str = "Z", distortion: float = 0.6, wear: float = 0.35) -> Any:
    """Bands of two colours along an axis (planks, tiles, cloth), a little worn."""
    block, n = material(name)
    where = n.position()
    wave = n.add(
        "ShaderNodeTexWave", {"Vector": where, "Scale": scale, "Distortion": distortion, "Detail": 1.0}, bands_direction=axis
    ).outputs["Fac"]
    grain = n.noise(where, scale * 4, 3)
    colour = n.mix(n.ramp(wave, [(0.42, (0, 0, 0)), (0.58, (1, 1, 1))]), first, second)
    colour = n.mix(wear, colour, n.ramp(grain, [(0.35, (0.08, 0.06, 0.06)), (0.6, (1, 1, 1))]), "MULTIPLY")
    n.surface(colour, height=grain, bump=0.2)
    return block


def fields_material() -> Any:
    """Terrain: a patchwork of ploughed, green, golden and violet fields, each with its own furrows; sand at the water, rock on slopes."""
    block, n = material("Fields")
    where = n.position()
    warped = n.vector(
        "ADD",
        where,
        n.vector(
            "MULTIPLY",
            n.vector("SUBTRACT", n.add("ShaderNodeTexNoise", {"Vector": where, "Scale": 0.35}).outputs[1], (0.5, 0.5, 0.5)),
            (2.6, 2.6, 0),
        ),
    )
    cells = n.add("ShaderNodeTexVoronoi", {"Vector": n.vector("MULTIPLY", warped, (0.34, 0.46, 0)), "Scale": 1.0, "Randomness": 0.9})
    which = n.add("ShaderNodeSeparateXYZ", {0: cells.outputs["Color"]})
    palette = [
        (0.00, (0.10, 0.26, 0.04)),
        (0.20, (0.72, 0.42, 0.06)),
        (0.38, (0.26, 0.40, 0.05)),
        (0.55, (0.86, 0.60, 0.13)),
        (0.70, (0.06, 0.19, 0.07)),
        (0.80, (0.38, 0.20, 0.46)),
        (0.90, (0.50, 0.16, 0.05)),
    ]
    base = n.ramp(which.outputs[0], palette, "CONSTANT")
    turned = n.add(
        "ShaderNodeVectorRotate", {"Vector": warped, "Angle": n.math("MULTIPLY", which.outputs[1], 3.1)}, rotation_type="Z_AXIS"
    ).outputs[0]
    furrows = n.add("ShaderNodeTexWave", {"Vector": turned, "Scale": 1.5, "Distortion": 1.6, "Detail": 2.0, "Detail Scale": 1.5}).outputs[
        "Fac"
    ]
    grain = n.noise(where, 8, 2, 0.6)
    furrowed = n.mix(n.ramp(furrows, [(0.30, (0, 0, 0)), (0.70, (1, 1, 1))]), n.mix(0.62, base, (0.10, 0.07, 0.09), "MULTIPLY"), base)
    colour = n.mix(0.7, furrowed, n.ramp(grain, [(0.32, (0.25, 0.22, 0.25)), (0.66, (1.35, 1.30, 1.15))]), "MULTIPLY")
    hedge = n.add(
        "ShaderNodeTexVoronoi",
        {"Vector": n.vector("MULTIPLY", warped, (0.34, 0.46, 0)), "Scale": 1.0, "Randomness": 0.9},
        feature="DISTANCE_TO_EDGE",
    )
    colour = n.mix(
        n.ramp(n.math("ADD", hedge.outputs["Distance"], n.math("MULTIPLY", grain, 0.06)), [(0.055, (1, 1, 1)), (0.075, (0, 0, 0))]),
        colour,
        (0.025, 0.085, 0.025),
    )

    height = n.math("ADD", n.add("ShaderNodeSeparateXYZ", {0: where}).outputs[2], n.math("MULTIPLY", n.noise(where, 1.1, 3), 0.35))
    sand = n.ramp(grain, [(0.3, (0.55, 0.36, 0.16)), (0.65, (0.95, 0.76, 0.46))])
    colour = n.mix(n.ramp(height, [(0.42, (1, 1, 1)), (0.50, (0, 0, 0))]), colour, sand)
    upward = n.add("ShaderNodeSeparateXYZ", {0: n.add("ShaderNodeNewGeometry").outputs["Normal"]}).outputs[2]
    rock = n.ramp(
        n.noise(n.vector("MULTIPLY", where, (1, 1, 3)), 1.6, 3, 0.7),
        [(0.35, (0.09, 0.07, 0.12)), (0.5, (0.42, 0.27, 0.20)), (0.68, (0.80, 0.62, 0.44))],
    )
    colour = n.mix(n.ramp(upward, [(0.70, (1, 1, 1)), (0.80, (0, 0, 0))]), colour, rock)
    n.surface(colour, height=n.math("ADD", n.math("MULTIPLY", furrows, 0.5), grain), bump=0.45)
    return block


def sea_material() -> Any:
    """Water: deep blue and turquoise streaks with foam; rather matt, because reflections do not move with the surface."""
    block, n = material("Sea")
    where = n.position()
    streaks = n.noise(n.vector("MULTIPLY", where, (0.28, 1.1, 1)), 1.0, 4, 0.6, Distortion=0.8)
    ripples = n.add(
        "ShaderNodeTexWave", {"Vector": where, "Scale": 1.1, "Distortion": 5.0, "Detail": 2.5, "Detail Scale": 1.2}, bands_direction="Y"
    ).outputs["Fac"]
    colour = n.ramp(streaks, [(0.34, (0.008, 0.045, 0.20)), (0.50, (0.015, 0.19, 0.40)), (0.66, (0.10, 0.48, 0.52))])
    foam = n.math(
        "MULTIPLY", n.ramp(ripples, [(0.86, (0, 0, 0)), (0.95, (1, 1, 1))]), n.ramp(streaks, [(0.45, (0, 0, 0)), (0.60, (1, 1, 1))])
    )
    colour = n.mix(foam, colour, (0.86, 0.92, 0.92))
    n.surface(colour, roughness=0.35, height=ripples, bump=0.35, specular=0.5)
    return block


def build_sky(scene: Any) -> None:
    """A sky at dusk: a gradient from peach to deep blue, and clouds in perspective, lit from the sun's side.

    Only the camera sees the clouds. Light bounces get two plain colours: half the time of a render, and no noise from the clouds.
    """
    world = bpy.data.worlds.new("Evening sky")
    scene.world = world
    n = Nodes(node_tree(world))
    direction = n.add("ShaderNodeTexCoord").outputs["Generated"]
    up = n.add("ShaderNodeSeparateXYZ", {0: direction})
    gradient = n.ramp(
        up.outputs[2],
        [
            (0.0, (1.0, 0.50, 0.17)),
            (0.06, (1.0, 0.70, 0.34)),
            (0.14, (0.50, 0.68, 0.62)),
            (0.27, (0.05, 0.30, 0.66)),
            (0.55, (0.012, 0.07, 0.36)),
        ],
    )
    glow = n.math("POWER", n.math("MAXIMUM", n.vector("DOT_PRODUCT", direction, (-0.42, 0.90, 0.10)), 0.0), 14.0)
    gradient = n.mix(n.math("MULTIPLY", glow, 0.6), gradient, (1.0, 0.66, 0.20))

    # Clouds lie on a plane high above: dividing by the height of the view ray gives them perspective towards the horizon.
    lift = n.math("ADD", n.math("MAXIMUM", up.outputs[2], 0.0), 0.20)
    plane = n.add(
        "ShaderNodeCombineXYZ", {0: n.math("DIVIDE", up.outputs[0], lift), 1: n.math("DIVIDE", up.outputs[1], lift), 2: 0.0}
    ).outputs[0]
    shape = {"scale": 1.35, "detail": 4.0, "roughness": 0.55}
    density = n.noise(n.vector("ADD", plane, (1.9, 4.3, 0.0)), **shape, Distortion=0.9)
    shifted = n.noise(n.vector("ADD", plane, (1.78, 4.22, 0.0)), **shape, Distortion=0.9)  # the density a step towards the sun
    slope = n.math("ADD", n.math("MULTIPLY", n.math("SUBTRACT", density, shifted), 5.5), 0.5)
    light = n.ramp(slope, [(0.22, (0.26, 0.24, 0.50)), (0.45, (0.92, 0.48, 0.36)), (0.62, (1.25, 0.92, 0.58)), (0.85, (1.5, 1.34, 1.05))])
    cover = n.math(
        "MULTIPLY", n.ramp(density, [(0.48, (0, 0, 0)), (0.57, (1, 1, 1))]), n.ramp(up.outputs[2], [(0.015, (0, 0, 0)), (0.08, (1, 1, 1))])
    )
    seen = n.add("ShaderNodeBackground", {"Color": n.mix(cover, gradient, light), "Strength": 0.80})
    bounced = n.ramp(up.outputs[2], [(0.0, (0.80, 0.52, 0.34)), (0.5, (0.20, 0.34, 0.72))])
    felt = n.add("ShaderNodeBackground", {"Color": bounced, "Strength": 0.42})
    camera = n.add("ShaderNodeLightPath").outputs["Is Camera Ray"]
    both = n.add("ShaderNodeMixShader", {0: camera, 1: felt.outputs[0], 2: seen.outputs[0]})
    n.add("ShaderNodeOutputWorld", {"Surface": both.outputs[0]})


# --------------------------------------------------------------------------------------------------------------- meshes


def add_object(
    scene: Any, name: str, data: Any, location: Point = (0, 0, 0), turn: float = 0.0, scale: float = 1.0, parent: Any = None
) -> Any:
    block = bpy.data.objects.new(name, data)
    block.location, block.rotation_euler, block.scale = location, (0, 0, turn), (scale, scale, scale)
    block.parent = parent
    scene.collection.objects.link(block)
    return block


def mesh(
    name: str,
    vertices: Iterable[Point],
    faces: Iterable[Sequence[int]],
    materials: Sequence[Any],
    slots: Sequence[int] | None = None,
    smooth: bool = False,
) -> Any:
    block = bpy.data.meshes.new(name)
    block.from_pydata([tuple(v) for v in vertices], [], [tuple(f) for f in faces])
    for item in materials:
        block.materials.append(item)
    if slots:
        block.polygons.foreach_set("material_index", list(slots))
    block.polygons.foreach_set("use_smooth", [smooth] * len(block.polygons))
    block.update()
    return block


class Parts:
    """Collects boxes, prisms and lathed shapes with their materials into one mesh."""

    def __init__(self) -> None:
        self.vertices: list[Point] = []
        self.faces: list[Sequence[int]] = []
        self.slots: list[int] = []

    def polygons(self, vertices: Sequence[Point], faces: Sequence[Sequence[int]], slot: int) -> None:
        start = len(self.vertices)
        self.vertices += vertices
        self.faces += [[start + i for i in face] for face in faces]
        self.slots += [slot] * len(faces)

    def box(self, low: Point, high: Point, slot: int) -> None:
        corners = [(x, y, z) for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])]
        self.polygons(corners, [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)], slot)

    def lathe(
        self, profile: Sequence[tuple[float, float]], segments: int, slot: Callable[[int, int], int], centre: Point = (0, 0, 0)
    ) -> None:
        """Turn a profile of (radius, height) around the vertical axis; `slot` names the material of (ring, segment)."""
        rings = [
            (centre[0] + r * math.cos(2 * math.pi * k / segments), centre[1] + r * math.sin(2 * math.pi * k / segments), centre[2] + z)
            for r, z in profile
            for k in range(segments)
        ]
        start = len(self.vertices)
        self.vertices += rings
        for ring in range(len(profile) - 1):
            for k in range(segments):
                a, b = start + ring * segments + k, start + ring * segments + (k + 1) % segments
                self.faces.append((a, b, b + segments, a + segments))
                self.slots.append(slot(ring, k))

    def build(self, name: str, materials: Sequence[Any], smooth: bool = False) -> Any:
        return mesh(name, self.vertices, self.faces, materials, self.slots, smooth)


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


# --------------------------------------------------------------------------------------------------------------- things


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
    hull = mottled(f"{name} hull", tuple(c * 0.6 for c in hull_colour), hull_colour, 3.0, bump=0.1)
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


# ------------------------------------------------------------------------------------------------------------ the scene


def animate(block: Any, path: str, first: int, last: int, value: Callable[[int], Any]) -> None:
    """Key a property from one frame before the first to one after the last, at a steady rate. `value` takes frames since the first."""
    for frame in (first - 1, last + 1):
        setattr(block, path, value(frame - first))
        block.keyframe_insert(path, frame=frame)
    for layer in block.animation_data.action.layers:  # the layered action: the same code from 4.5 to 5.2
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    curve.extrapolation = "LINEAR"
                    for key in curve.keyframe_points:
                        key.interpolation = "LINEAR"


def denoise(cycles: Any) -> None:
    """Denoise with OpenImageDenoise; builds of Blender that lack it take four times the samples instead."""
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:
        cycles.samples *= 4
        return
    cycles.use_denoising = True
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "ACCURATE"


def empty_scene() -> Any:
    """Load Blender's factory settings with the windows of its video editing template, and return its scene, emptied, writing PNG."""
    try:
        bpy.ops.wm.read_factory_settings(app_template="Video_Editing")
    except (RuntimeError, TypeError):  # a build without templates: the same scene, in another layout of windows
        bpy.ops.wm.read_factory_settings(use_empty=True)
    for block in (*bpy.data.objects, *bpy.data.worlds):
        bpy.data.batch_remove([block])
    image = bpy.context.scene.render.image_settings
    if hasattr(image, "media_type"):  # from Blender 5 on the kind of media comes first
        image.media_type = "IMAGE"
    image.file_format, image.color_mode = "PNG", "RGB"
    return bpy.context.scene


def build(frames: int = 24, width: int = 384, samples: int = 12, seed: int = 0, first: int = 1) -> Any:
    """Replace everything in Blender by the demo scene and return it.

    Args:
        frames: length of the shot; the motion per frame does not depend on it.
        width: of the render in pixels; the height is 9/16 of it.
        samples: of Cycles per pixel, before denoising.
        seed: places the trees and varies the houses.
        first: number of the first frame.
    """
    scene = empty_scene()
    scene.name = "Demo"
    last = first + frames - 1
    scene.frame_start, scene.frame_end = first, last
    render = scene.render
    render.fps = 12
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, round(width * 9 / 32) * 2, 100
    rng = random.Random(seed)

    build_sky(scene)
    add_object(scene, "Land", terrain(fields_material()))
    water = mesh("Sea", [(-300, -2, 0), (300, -2, 0), (300, 390, 0), (-300, 390, 0)], [(0, 1, 2, 3)], [sea_material()])
    add_object(scene, "Sea", water)
    add_object(scene, "Mountains", mountains())
    wheel = windmill(scene, (-5.4, 3.6, terrain_height(-5.4, 3.6) - 0.05))
    lighthouse(scene, (11.2, 17.0, terrain_height(11.2, 17.0) - 0.1))
    village(scene, rng)
    plants(scene, rng)
    striped_sail = striped("Striped sail", (0.95, 0.88, 0.72), (0.78, 0.12, 0.05), 0.75, "Z", 0.0, 0.2)
    plain_sail = mottled("Sail", (0.84, 0.70, 0.48), (0.98, 0.92, 0.78), 1.5)
    near = boat(scene, "Boat", (0, 0, 0), (0.06, 0.16, 0.42), striped_sail, 1.0)
    distant = boat(scene, "Far boat", (0, 0, 0), (0.60, 0.10, 0.05), plain_sail, 0.9)
    ship = balloon(scene, (0, 0, 0))

    animate(wheel, "rotation_euler", first, last, lambda t: (0.0, 0.35 + math.radians(2.6) * t, 0.28))
    animate(near, "location", first, last, lambda t: (6.9 - 0.06 * t, 5.0, 0.02))
    animate(distant, "location", first, last, lambda t: (7.4 + 0.05 * t, 12.5, 0.02))
    animate(ship, "location", first, last, lambda t: (1.2 + 0.045 * t, 6.2, 5.95 + 0.012 * t))
    animate(ship, "rotation_euler", first, last, lambda t: (0.0, 0.0, 0.4 + math.radians(1.2) * t))

    data = bpy.data.cameras.new("Camera")
    data.lens, data.clip_end = 30.0, 600.0
    camera = add_object(scene, "Camera", data)
    scene.camera = camera
    # Travels to the right while it turns to the left: near things pass to the left, distant ones to the right.
    animate(camera, "location", first, last, lambda t: (-2.0 + 0.085 * t, -12.2 + 0.012 * t, 2.85))
    animate(camera, "rotation_euler", first, last, lambda t: (math.radians(89.6), 0.0, math.radians(-0.8 + 0.10 * t)))

    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle, sun.color = 6.0, 0.02, (1.0, 0.76, 0.46)
    add_object(scene, "Sun", sun).rotation_euler = SUN_DIRECTION.to_track_quat("Z", "Y").to_euler()

    render.engine = "CYCLES"
    render.use_motion_blur = False  # motion vectors need it off
    render.use_persistent_data = True  # halves the cost of a frame here: most of it is preparing the scene
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.seed, cycles.use_animated_seed = seed, False
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = 1
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.8  # a little wide: fine texture that shimmers less
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    denoise(cycles)
    scene.view_settings.view_transform = "Standard"  # vivid, and exact for the painting in the sequencer of every version
    scene.view_settings.look = "None"
    return scene


def main(arguments: Sequence[str]) -> None:
    """Build the scene, save it, and render some frames as PNG to look at."""
    parser = argparse.ArgumentParser(prog="demo_scene.py", description="Build the demo scene; optionally save it and render single frames.")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="write the scene to this .blend file")
    parser.add_argument("--preview", type=Path, help="render frames as PNG into this folder")
    parser.add_argument("--only", default="", help="frames of the preview, as 1,12,24; all when left out")
    options = parser.parse_args(arguments)
    scene = build(options.frames, options.width, options.samples, options.seed)
    if options.save:
        bpy.ops.wm.save_as_mainfile(filepath=str(options.save.resolve()))
    if options.preview:
        chosen = [int(item) for item in options.only.split(",") if item] or range(scene.frame_start, scene.frame_end + 1)
        for frame in chosen:
            scene.frame_set(frame)
            scene.render.filepath = str(options.preview.resolve() / f"{frame:04d}.png")
            started = time.perf_counter()
            bpy.ops.render.render(write_still=True)
            print(f"frame {frame}: {time.perf_counter() - started:.2f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
