"""Node trees of materials and worlds, and a small writer for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

#: Red, green and blue, scene-linear.
Colour = tuple[float, float, float]


def shaded(colour: Colour, factor: float) -> Colour:
    """Return a colour that many times as bright."""
    red, green, blue = colour
    return red * factor, green * factor, blue * factor


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
