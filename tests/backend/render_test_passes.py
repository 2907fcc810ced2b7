"""Run inside Blender's Python: render tiny multilayer EXRs whose motion is known by hand into the folder given as the first argument.

The camera stands at the origin, looks along −z, and has a 36 mm lens on a 36 mm sensor, so at distance d one unit is width / d pixels.
"""

from __future__ import annotations

import json
import os
import sys
from math import radians
from pathlib import Path

import bpy

WIDTH, HEIGHT = 64, 36
FOLDER = Path(sys.argv[-1])


def new_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.resolution_percentage = 100
    image_settings = scene.render.image_settings
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "MULTI_LAYER_IMAGE"
    image_settings.file_format = "OPEN_EXR_MULTILAYER"
    image_settings.color_depth = "32"
    image_settings.exr_codec = "ZIP"
    scene.view_layers[0].use_pass_vector = True
    scene.view_layers[0].use_pass_z = True
    data = bpy.data.cameras.new("Camera")
    data.lens, data.sensor_width, data.clip_end = 36.0, 36.0, 1e5
    scene.camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(scene.camera)
    scene.frame_start, scene.frame_end = 1, 1
    return scene


def add_plane(scene: bpy.types.Scene, size: float, location: tuple[float, float, float]) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("Plane")
    half = size / 2
    mesh.from_pydata([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)])
    plane = bpy.data.objects.new("Plane", mesh)
    plane.location = location
    scene.collection.objects.link(plane)
    return plane


def key_locations(thing: bpy.types.Object, locations: dict[int, tuple[float, float, float]]) -> None:
    for frame, location in locations.items():
        thing.location = location
        thing.keyframe_insert("location", frame=frame)


def render(scene: bpy.types.Scene, name: str) -> None:
    scene.frame_set(1)
    scene.render.filepath = str(FOLDER / f"{name}.exr")
    bpy.ops.render.render(write_still=True)


def write_cameras(scene: bpy.types.Scene, name: str) -> None:
    frames = {}
    for frame in (0, 1, 2):
        scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        camera = scene.camera.evaluated_get(graph)
        projection = camera.calc_matrix_camera(graph, x=WIDTH, y=HEIGHT)
        frames[str(frame)] = {
            "view": [list(row) for row in camera.matrix_world.inverted()],
            "projection": [list(row) for row in projection],
        }
    (FOLDER / f"{name}.json").write_text(json.dumps({"clip_end": scene.camera.data.clip_end, "frames": frames}))


def moving_plane(scene: bpy.types.Scene) -> None:
    """A plane 5 units away that covers the left half of the picture before a world, and speeds up."""
    plane = add_plane(scene, 20.0, (-10.0, 0.0, -5.0))
    key_locations(plane, {0: (-10.25, -0.25, -5.0), 1: (-10.0, 0.0, -5.0), 2: (-9.5, 0.1, -5.0)})


# Object name → distance and edges in pixels from the middle of the picture: left, right, bottom, top. The first hides a part of the second.
RECTANGLES = {
    'Größe "Ä" \\ 字': (4.0, (-4.0, 12.0, -2.0, 12.5)),
    "Floor": (5.0, (-20.0, 20.5, -10.0, 5.25)),
    "Tree.001": (5.0, (24.0, 28.0, 0.0, 4.0)),
    "Tree.002": (5.0, (24.0, 28.25, -8.0, -4.0)),
    "Outside": (5.0, (100.0, 128.0, -8.0, -4.0)),
}


def objects_scene() -> bpy.types.Scene:
    """Rectangles that face the camera, with the Cryptomatte pass; a box filter makes coverages the areas of pixels."""
    scene = new_scene()
    scene.cycles.samples = 64
    scene.view_layers[0].use_pass_vector = False
    scene.view_layers[0].use_pass_cryptomatte_object = True
    for name, (distance, edges) in RECTANGLES.items():
        left, right, bottom, top = (edge * distance / WIDTH for edge in edges)
        mesh = bpy.data.meshes.new("Rectangle")
        mesh.from_pydata([(left, bottom, 0), (right, bottom, 0), (right, top, 0), (left, top, 0)], [], [(0, 1, 2, 3)])
        rectangle = bpy.data.objects.new(name, mesh)
        rectangle.location = (0.0, 0.0, -distance)
        scene.collection.objects.link(rectangle)
        assert rectangle.name == name
    return scene


scene = new_scene()
moving_plane(scene)
render(scene, "moving")

scene = new_scene()
moving_plane(scene)
scene.render.use_motion_blur = True
render(scene, "blurred")

scene = new_scene()
moving_plane(scene)
scene.render.use_border = True
scene.render.border_min_x, scene.render.border_max_x, scene.render.border_min_y, scene.render.border_max_y = 0.25, 0.75, 0.0, 0.5
render(scene, "border")

scene = new_scene()
moving_plane(scene)
second = scene.view_layers.new("Another")
second.use_pass_vector = True
second.use_pass_z = True
scene.view_layers.new("AAA without vectors")
render(scene, "layers")

scene = new_scene()
moving_plane(scene)
scene.view_layers[0].use_pass_vector = False
render(scene, "no_vector")

scene = new_scene()
add_plane(scene, 20.0, (-10.0, 0.0, -5.0))
render(scene, "still")

scene = new_scene()
# So far away that only the rotation of the camera moves it: what the world would do.
add_plane(scene, 2e5, (0.0, 0.0, -2e4))
camera = scene.camera
camera.data.shift_x, camera.data.shift_y = 0.1, -0.05
for frame, angles in {0: (1.0, -2.0, 0.0), 1: (0.0, 0.0, 1.0), 2: (-1.5, 3.0, 3.0)}.items():
    camera.rotation_euler = [radians(angle) for angle in angles]
    camera.keyframe_insert("rotation_euler", frame=frame)
write_cameras(scene, "far")
render(scene, "far")

scene = new_scene()
moving_plane(scene)
if hasattr(scene, "compositing_node_group"):
    tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    scene.compositing_node_group = tree
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.format.media_type = "MULTI_LAYER_IMAGE"
    output.format.file_format = "OPEN_EXR_MULTILAYER"
    output.format.color_depth = "32"
    output.directory, output.file_name = str(FOLDER), "node_"
    output.file_output_items.new("VECTOR", "Vector").vector_socket_dimensions = 4
    output.file_output_items.new("FLOAT", "Depth")
    output.file_output_items.new("VECTOR", "Three")
else:
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.format.file_format = "OPEN_EXR_MULTILAYER"
    output.format.color_depth = "32"
    output.base_path = str(FOLDER / "node_")
    output.layer_slots.clear()
    output.layer_slots.new("Vector")
    output.layer_slots.new("Depth")
layers = tree.nodes.new("CompositorNodeRLayers")
layers.scene = scene
tree.links.new(layers.outputs["Vector"], output.inputs["Vector"])
tree.links.new(layers.outputs["Depth"], output.inputs["Depth"])
render(scene, "with_compositor")

(FOLDER / "objects.json").write_text(json.dumps(RECTANGLES), encoding="utf-8")
render(objects_scene(), "objects")

scene = objects_scene()
scene.view_layers[0].use_pass_cryptomatte_object = False
scene.view_layers[0].use_pass_cryptomatte_material = True
scene.view_layers.new("Another").use_pass_cryptomatte_object = True
render(scene, "objects_layers")

for codec in ("DWAA", "PXR24"):
    scene = objects_scene()
    scene.render.image_settings.exr_codec = codec
    render(scene, f"objects_{codec}")

sys.stdout.flush()
os._exit(0)  # some builds of the bpy module hang when the interpreter ends after a compositor render
