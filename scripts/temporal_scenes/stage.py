"""What every scene needs: the render, a camera, the sun, and a sky."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy
from demo_scene.animation import animate_freely
from demo_scene.meshes import Point, add_object
from demo_scene.nodes import Colour, Nodes, node_tree
from demo_scene.settings import empty_scene, render_with_cycles, set_shot
from mathutils import Euler, Vector

__all__ = ["Stops", "add_camera", "add_lamp", "add_sun", "add_world", "new_scene"]

#: Colours of a gradient, each with its place.
Stops = Sequence[tuple[float, Colour]]


def new_scene(name: str, frames: int, width: int, samples: int = 16) -> Any:
    """Replace everything in Blender by an empty scene that is rendered quietly, from frame 1 on, and return it.

    Denoised, with the same random numbers in every frame: at 16 samples its warping error is that of four times as many without
    denoising. The pixel filter is two pixels wide, so that fine texture changes little when it moves by a part of a pixel.
    """
    scene = empty_scene()
    scene.name = name
    set_shot(scene, frames, width)
    render_with_cycles(scene, samples, seed=0)
    scene.cycles.filter_width = 2.0
    return scene


def add_camera(scene: Any, lens: float, place: Callable[[int], tuple[Point, Point]]) -> None:
    """Add the scene's camera. `place` takes frames since the first and returns where it is and what it looks at."""
    data = bpy.data.cameras.new("Camera")
    data.lens, data.clip_end = lens, 600.0
    camera = scene.camera = add_object(scene, "Camera", data)
    first, last = scene.frame_start, scene.frame_end
    turns: dict[int, Euler] = {}
    for t in range(-1, last - first + 2):
        location, target = place(t)
        rotation = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y")
        turns[t] = rotation.to_euler("XYZ", turns[t - 1]) if t - 1 in turns else rotation.to_euler("XYZ")
    animate_freely(camera, "location", first, last, lambda t: place(t)[0])
    animate_freely(camera, "rotation_euler", first, last, lambda t: turns[t])


def add_sun(scene: Any, direction: Point, energy: float, colour: Colour, angle: float = 0.01) -> Any:
    """Add a sun that shines from `direction`; `angle` is its size in radians, which makes the edges of shadows soft."""
    data = bpy.data.lights.new("Sun", "SUN")
    data.energy, data.angle, data.color = energy, angle, colour
    sun = add_object(scene, "Sun", data)
    sun.rotation_euler = Vector(direction).to_track_quat("Z", "Y").to_euler()
    return sun


def add_lamp(scene: Any, name: str, location: Point, size: float, power: float, colour: Colour) -> Any:
    """Add a square lamp of some size (metres) at a place, shining at the origin; `power` is in watts."""
    data = bpy.data.lights.new(name, "AREA")
    data.size, data.energy, data.color = size, power, colour
    lamp = add_object(scene, name, data, location)
    lamp.rotation_euler = Vector(location).to_track_quat("Z", "Y").to_euler()
    return lamp


def add_world(
    scene: Any,
    gradient: Stops,
    clouds: Stops,
    fill: Stops,
    strength: float = 0.5,
    scale: float = 1.9,
    cover: tuple[float, float] = (0.5, 0.6),
) -> None:
    """Add a sky: a gradient and clouds to look at, and two plain colours for the light it sheds, without the noise of clouds.

    Args:
        gradient: colours by the sine of the height above the horizon.
        clouds: colours of the clouds, from the side in the shade to the lit one.
        fill: colours of the light it sheds, by the sine of the height.
        strength: of that light.
        scale: how many clouds there are per unit of a plane as far above as one unit.
        cover: between which densities a cloud becomes opaque; lower ones leave less of the sky free.
    """
    scene.world = bpy.data.worlds.new("Sky")
    n = Nodes(node_tree(scene.world))
    direction = n.add("ShaderNodeTexCoord").outputs["Generated"]
    up = n.add("ShaderNodeSeparateXYZ", {0: direction})
    # Clouds lie on a plane above: dividing by the height of the view ray gives them perspective, the addend keeps the horizon coarse.
    lift = n.math("ADD", n.math("MAXIMUM", up.outputs[2], 0.0), 0.35)
    plane = n.add("ShaderNodeCombineXYZ", {0: n.math("DIVIDE", up.outputs[0], lift), 1: n.math("DIVIDE", up.outputs[1], lift), 2: 0.0})

    def density(shift: Point) -> Any:
        return n.noise(n.vector("ADD", plane.outputs[0], shift), scale, 2.5, 0.5, Distortion=0.8)

    here, sunward = density((1.9, 4.3, 0.0)), density((1.72, 4.18, 0.0))
    light = n.math("ADD", n.math("MULTIPLY", n.math("SUBTRACT", here, sunward), 4.0), 0.5)
    low, high = cover
    opaque = n.ramp(here, [(low, (0, 0, 0)), (high, (1, 1, 1))])
    above = n.ramp(up.outputs[2], [(0.0, (0, 0, 0)), (0.06, (1, 1, 1))])
    colour = n.mix(n.math("MULTIPLY", opaque, above), n.ramp(up.outputs[2], gradient), n.ramp(light, clouds))
    seen = n.add("ShaderNodeBackground", {"Color": colour, "Strength": 1.0})
    felt = n.add("ShaderNodeBackground", {"Color": n.ramp(up.outputs[2], fill), "Strength": strength})
    diffuse = n.add("ShaderNodeLightPath").outputs["Is Diffuse Ray"]
    both = n.add("ShaderNodeMixShader", {0: diffuse, 1: seen.outputs[0], 2: felt.outputs[0]})
    n.add("ShaderNodeOutputWorld", {"Surface": both.outputs[0]})
