"""Where a scene's results go."""

from __future__ import annotations

import re
from pathlib import Path

import bpy


def output_folder(scene: bpy.types.Scene) -> Path | None:
    """Return the scene's output folder; None where none is chosen, or where it lies beside a file that was never saved."""
    text = scene.lwsw.output
    if not text or (text.startswith("//") and not bpy.data.filepath):
        return None
    return Path(bpy.path.abspath(text)).absolute()


def folder_name(name: str) -> str:
    """Return the name of a strip or a scene as one that every file system takes; empty if nothing of it is left."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._")
