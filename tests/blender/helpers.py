"""Small scenes and pictures for the tests."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

if TYPE_CHECKING:
    from blender_lwsw.source.frames import Uploads
    from blender_lwsw.source.renderer import Renderer

ROOT = Path(__file__).resolve().parents[2]

#: Fast settings of a job, so that a test takes seconds.
QUICK = {"iterations": 2, "first_iterations": 2, "layer_weights": {"relu1_1": 1.0, "relu2_1": 0.5}}


def build_scene(frames: int = 2, width: int = 64, height: int = 36) -> bpy.types.Scene:
    """Fill the current scene with a textured cube that moves, a light and a camera that moves."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    bpy.ops.mesh.primitive_plane_add(size=20)
    bpy.ops.mesh.primitive_cube_add(size=1.5, location=(0, 0, 0.75))
    cube = bpy.context.object
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.rotation_euler = (1.2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    light.data.energy = 3
    light.rotation_euler = (0.6, 0.3, 0)
    scene.collection.objects.link(light)
    for frame in (0, frames + 1):
        cube.location.x = 0.2 * frame
        cube.keyframe_insert("location", frame=frame)
        camera.location = (0.05 * frame, -7, 3)
        camera.keyframe_insert("location", frame=frame)
    scene.world = bpy.data.worlds.new("World")
    return scene


def render(scene: bpy.types.Scene, frames: Sequence[int], folder: Path, **options: Any) -> tuple[Renderer, list[Uploads]]:
    """Render frames as a job does; return the renderer and what it gave, in that order."""
    from blender_lwsw.source.renderer import Renderer  # only now: whoever imports this decides where the extension comes from

    renderer, ready = Renderer(scene, frames, folder, interactive=False, **options), []
    renderer.begin()
    try:
        while not renderer.is_finished:
            if uploads := renderer.step():
                ready.append(uploads)
    finally:
        renderer.end()
    return renderer, ready


@contextmanager
def holding(lock: Path) -> Iterator[None]:
    """Let another program hold a lock file, and kill it."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom blender_lwsw.file_lock import FileLock\n"
        "held = FileLock(Path(sys.argv[2]))\nprint(held.acquire(), flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(ROOT), str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "True\n"
            yield
        finally:
            holder.kill()


def write_painting(path: Path, size: int = 96) -> Path:
    """Write a colourful PNG."""
    y, x = np.mgrid[:size, :size] / size
    picture = np.stack([0.5 + 0.5 * np.sin(25 * x + 9 * y), 0.5 + 0.5 * np.sin(31 * y), 0.5 + 0.5 * np.cos(17 * (x - y))], -1)
    return write_png(path, picture)


def write_png(path: Path, picture: np.ndarray) -> Path:
    """Write an array (height, width, 3) of 0…1 as 16-bit PNG."""
    height, width, _ = picture.shape
    rows = np.round(np.clip(picture, 0, 1) * 65535).astype(">u2").reshape(height, -1).view(np.uint8)
    data = np.concatenate([np.zeros((height, 1), np.uint8), rows], 1).tobytes()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))
    return path


def read_picture(path: Path) -> np.ndarray:
    """Return a picture's stored values, (height, width, 3), 0…1, rows top-down."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        pixels = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, -1)[::-1, :, :3]
    finally:
        bpy.data.images.remove(image)


def exr_channels(path: Path) -> set[str]:
    """Return the names of all channels of all parts of an EXR file, with the part's name in front where there is one."""
    data = path.read_bytes()
    names: set[str] = set()
    for found in re.finditer(rb"channels\0chlist\0", data):
        position = found.end() + 4
        while data[position]:
            end = data.index(b"\0", position)
            names.add(data[position:end].decode())
            position = end + 1 + 16
    return names


def snapshot(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return every plain value of the scene's settings that rendering could change."""
    owners = {"scene": scene, "render": scene.render, "image_settings": scene.render.image_settings, "view": scene.view_settings}
    owners |= {f"layer {layer.name}": layer for layer in scene.view_layers}
    owners |= {"cycles": scene.cycles, "preferences": bpy.context.preferences.view}
    values = {}
    for name, owner in owners.items():
        for item in owner.bl_rna.properties:
            if item.type in ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM") and not item.is_readonly and not getattr(item, "is_array", False):
                values[f"{name}.{item.identifier}"] = getattr(owner, item.identifier)
    return values
