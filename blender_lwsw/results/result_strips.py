"""Strips of results: which one is active, its folder, and the scene that it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..marks import RESULT_MARK


def active_result(scene: bpy.types.Scene) -> Any:
    """Return the active strip of the sequencer that belongs to a scene if it shows results of ours, else None."""
    editor = compat.sequencer_scene(scene).sequence_editor
    strip = editor.active_strip if editor else None
    return strip if strip is not None and strip.type == "IMAGE" and RESULT_MARK in strip else None


def folder_of(strip: Any) -> Path:
    """Return the folder of a strip's results."""
    return Path(bpy.path.abspath(strip.directory)).absolute()


def scene_of(strip: Any) -> bpy.types.Scene:
    """Return the scene that a strip was made from; raise ``nothing_to_stylize`` if it is gone."""
    name = str(strip.get(RESULT_MARK, ""))
    scene = bpy.data.scenes.get(name)
    if scene is None:
        message = f"The scene '{name}', which the strip {strip.name} was made from, is gone."
        raise LwswError("nothing_to_stylize", message, "Rename the scene back, or press Stylize in another one.")
    return scene
