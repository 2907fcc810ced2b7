"""The demo scene: a windmill, a village and a bay in the evening sun, seen by a travelling camera. Runs inside Blender.

    python scripts/demo_scene -- --save scene.blend --preview DIR --only 1,12,24      (with the bpy module)
    blender -b --factory-startup --python scripts/demo_scene/__main__.py -- --preview DIR

It is made for judging style transfer: shapes from 4 to 200 pixels, textures at several scales, strong light and colour contrast, things
that pass behind each other (sails, trees, fence, boat, balloon), and a sky without geometry. Everything moves steadily from one frame
before the first to one frame after the last, so motion vectors are valid at both ends, and a longer shot has the same motion per frame.
The same seed gives the same scene. Works in Blender 4.5, 5.0 and 5.2.
"""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
from mathutils import Vector

from .animation import animate
from .buildings import lighthouse, village, windmill
from .craft import balloon, boat
from .landscape import mountains, sea, terrain, terrain_height
from .materials import fields_material, mottled, sea_material, striped
from .meshes import add_object
from .plants import plants
from .settings import empty_scene, render_with_cycles, set_shot
from .sky import build_sky

__all__ = ["build"]

#: Where the sunlight comes from: low, from the left and a little behind the camera.
SUN_DIRECTION = Vector((-0.86, -0.36, 0.40)).normalized()


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
    last = set_shot(scene, frames, width, first)
    rng = random.Random(seed)

    build_sky(scene)
    add_object(scene, "Land", terrain(fields_material()))
    add_object(scene, "Sea", sea(sea_material()))
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

    render_with_cycles(scene, samples, seed)
    return scene
