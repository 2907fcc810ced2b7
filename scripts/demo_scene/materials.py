"""The materials of the scene, all of them procedural."""

from __future__ import annotations

from typing import Any

import bpy

from .meshes import Point
from .nodes import Colour, Nodes, node_tree


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
