"""The scene as files to stylize: colour, motion and objects of every frame, rendered as the extension renders them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["render_clip"]


def render_clip(scene: Any, folder: Path) -> None:
    """Render all frames: frames/0001.png …, passes/0001.exr … with Vector, Depth and Cryptomatte, and, when all are there, cameras.json."""
    root = str(Path(__file__).resolve().parent.parent.parent)
    if root not in sys.path:
        sys.path.insert(0, root)
    from blender_lwsw.renderer import Renderer

    (folder / "cameras.json").unlink(missing_ok=True)
    renderer = Renderer(scene, range(scene.frame_start, scene.frame_end + 1), folder, interactive=False, object_masks=True)
    renderer.begin()
    try:
        while not renderer.is_finished:
            renderer.step()
        renderer.cameras()
    finally:
        renderer.end()
