"""The evening sky: the scene's world."""

from __future__ import annotations

from typing import Any

import bpy

from .nodes import Nodes, node_tree


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
