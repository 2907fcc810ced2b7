"""Run inside Blender's Python: render six tiny frames of one scene, three by each of two cameras that markers choose, into a folder.

Arguments: the folder, and where the second camera stands. Files are those of a job: frames/0001.png, passes/0001.exr, cameras.json.
"""

from __future__ import annotations

import json
import os
import random
import sys
from math import radians
from pathlib import Path

import bpy

FOLDER, PLACE = Path(sys.argv[-2]), sys.argv[-1]
WIDTH, HEIGHT = 128, 72
FIRST = ((0.0, -11.0, 4.0), (72.0, 0.0, 0.0))
PLACES = {"opposite": ((0.0, 11.0, 4.0), (72.0, 0.0, 180.0)), "nearer": ((1.5, -6.0, 2.2), (76.0, 0.0, 8.0)), "none": FIRST}


def material(color: list[float]) -> bpy.types.Material:
    made = bpy.data.materials.new("Material")
    made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (*color, 1.0)
    return made


def camera(name: str, location: tuple[float, ...], rotation: tuple[float, ...]) -> bpy.types.Object:
    made = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    bpy.context.scene.collection.objects.link(made)
    made.rotation_euler = [radians(angle) for angle in rotation]
    for frame in (0, 8):
        made.location = (location[0] + 0.05 * frame, *location[1:])
        made.keyframe_insert("location", frame=frame)
    return made


bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 8
scene.cycles.use_denoising = False
scene.render.threads_mode, scene.render.threads = "FIXED", 1
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = WIDTH, HEIGHT, 100
scene.view_layers[0].use_pass_vector = scene.view_layers[0].use_pass_z = True
scene.world = bpy.data.worlds.new("World")

numbers = random.Random(3)
bpy.ops.mesh.primitive_plane_add(size=40)
for index in range(14):
    height = numbers.uniform(0.4, 2.5)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(numbers.uniform(-5, 5), numbers.uniform(-5, 5), height / 2))
    block = bpy.context.object
    block.scale = (numbers.uniform(0.4, 1.2), numbers.uniform(0.4, 1.2), height)
    block.data.materials.append(material([numbers.random() for _ in range(3)]))
    if index % 3 == 0:
        for frame in (0, 8):
            block.location.x += 0.1 * frame
            block.keyframe_insert("location", frame=frame)
light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
light.data.energy = 3
light.rotation_euler = (0.6, 0.3, 0)
scene.collection.objects.link(light)

first, second = camera("First", *FIRST), camera("Second", *PLACES[PLACE])
scene.camera = first
scene.timeline_markers.new("First", frame=1).camera = first
scene.timeline_markers.new("Second", frame=4).camera = second if PLACE != "none" else first

for name in ("frames", "passes"):
    (FOLDER / name).mkdir(parents=True)
settings = scene.render.image_settings
cameras = {}
for frame in range(1, 7):
    scene.frame_set(frame)
    exr = FOLDER / "passes" / f"{frame:04d}.exr"
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "ZIP"
    scene.render.filepath = str(exr)
    bpy.ops.render.render(write_still=True)
    graph = bpy.context.evaluated_depsgraph_get()
    seen_by = scene.camera.evaluated_get(graph)
    projection = seen_by.calc_matrix_camera(graph, x=WIDTH, y=HEIGHT)
    cameras[str(frame)] = {
        "view": [list(row) for row in seen_by.matrix_world.inverted()],
        "projection": [list(row) for row in projection],
    }
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "16"
    image = bpy.data.images.load(str(exr))
    image.save_render(str(FOLDER / "frames" / f"{frame:04d}.png"), scene=scene)
(FOLDER / "cameras.json").write_text(json.dumps({"clip_end": 1000.0, "frames": cameras}))

sys.stdout.flush()
os._exit(0)  # some builds of the bpy module hang when the interpreter ends
