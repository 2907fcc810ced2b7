"""Strips of results: which one is active, its folder, and the scene that it was made from or that a folder belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..marks import RESULT_MARK
from ..settings.folders import folder_name


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


def other_owner(scene: bpy.types.Scene, folder: Path) -> str:
    """Return the name of another scene whose results a folder holds, as the strips of this file say; empty if there is none.

    Two scenes of a file have the same folder until somebody changes that, and one would write over the other's frames.
    """
    folders: dict[str, str] = {}
    for editor_scene in bpy.data.scenes:
        editor = editor_scene.sequence_editor
        for strip in editor.strips if editor is not None else ():
            owner = strip.get(RESULT_MARK, scene.name)
            if owner != scene.name and strip.type == "IMAGE" and owner in bpy.data.scenes:
                folders.setdefault(strip.directory, str(owner))
    return next((owner for directory, owner in folders.items() if Path(bpy.path.abspath(directory)).absolute() == folder), "")


def own_folder(scene: bpy.types.Scene) -> str:
    """Return an output folder for a scene's results beside the one that another scene fills, as it is kept in the settings."""
    base = scene.lwsw.output.rstrip("/\\") + "-" + (folder_name(scene.name) or "scene")
    folder, number = base, 2
    while other_owner(scene, Path(bpy.path.abspath(folder)).absolute()):
        folder, number = f"{base}-{number}", number + 1
    return f"{folder}/"
