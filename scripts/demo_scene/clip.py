"""A scene as files: to stylize, with motion and objects, rendered as the extension renders them; or as pictures to look at."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import bpy

__all__ = ["render_clip", "render_preview"]


def render_preview(scene: Any, folder: Path, only: str = "") -> None:
    """Render frames as 0001.png …, and tell how long each took: those named by `only`, as 1,12,24, or all."""
    for frame in [int(item) for item in only.split(",") if item] or range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        scene.render.filepath = str(folder / f"{frame:04d}.png")
        started = time.perf_counter()
        bpy.ops.render.render(write_still=True)
        print(f"frame {frame}: {time.perf_counter() - started:.2f} s", flush=True)


def render_clip(scene: Any, folder: Path) -> None:
    """Render all frames: frames/0001.png …, passes/0001.exr … with Vector, Depth and Cryptomatte, and, when all are there, cameras.json."""
    root = str(Path(__file__).resolve().parent.parent.parent)
    if root not in sys.path:
        sys.path.insert(0, root)
    from blender_lwsw.source.renderer import Renderer

    (folder / "cameras.json").unlink(missing_ok=True)
    renderer = Renderer(scene, range(scene.frame_start, scene.frame_end + 1), folder, interactive=False, object_masks=True)
    renderer.begin()
    try:
        while not renderer.is_finished:
            renderer.step()
        renderer.cameras()
    finally:
        renderer.end()
