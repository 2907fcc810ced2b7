"""Looks by name: Blender's own presets, those that come with the extension and those that the artist has saved.

A preset is a look and nothing else: weights, colours, strokes, steadiness. The painting is not part of it, so that a look can be tried on
any painting and works in any file, on any machine; nor is what belongs to the shot (regions, cuts, second pass) or to the work (size,
iterations).
"""

from __future__ import annotations

import ast
from pathlib import Path

import bpy

from ..errors import LwswError
from .animation import animated_paths
from .profiles import LAYER_NAMES

#: Where Blender looks for presets, below a folder ``presets``.
PRESET_FOLDER = "lwsw"

#: What makes a look, in the order in which it is set: a named profile fills in the sliders, so it comes after them and before the rest.
LOOK_PROPERTIES = (
    *LAYER_NAMES,
    "content_weight",
    "profile",
    "automatic_stroke_size",
    "frequency_exponent",
    "content_layers",
    "normalization",
    "strength",
    "color",
    "temporal_weight",
)

#: The folder that holds the folder of the presets that come with the extension.
_OWN_FOLDER = str(Path(__file__).resolve().parent.parent)


def presets() -> dict[str, Path]:
    """Return the files of all presets by their names, as the menu shows them; an artist's own goes before a built-in one of that name."""
    found: dict[str, Path] = {}
    for folder in bpy.utils.preset_paths(PRESET_FOLDER):
        for path in Path(folder).glob("*.py"):
            found.setdefault(preset_name(path), path)
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def preset_name(path: Path) -> str:
    """Return what the menu calls a preset file."""
    return str(bpy.path.display_name(path.name, title_case=False))


def is_built_in(path: Path) -> bool:
    """Return whether a preset comes with the extension."""
    return path.resolve().is_relative_to(_OWN_FOLDER)


def apply_preset(scene: bpy.types.Scene, preset: str | Path) -> str:
    """Give a scene the look of a preset.

    Args:
        scene: whose settings change.
        preset: a name from :func:`presets`, or a file.

    Returns:
        A sentence where keyframes or drivers will undo some of it; empty otherwise.

    Raises:
        LwswError: ``bad_settings`` if there is no such preset, or it cannot be read.
    """
    path = preset if isinstance(preset, Path) else _path_of(preset)
    try:
        with bpy.context.temp_override(scene=scene):
            bpy.utils.execfile(str(path))
    except Exception as error:  # a preset is a program, of whatever version
        message = f"The preset {preset_name(path)} cannot be used ({type(error).__name__}: {error})."
        raise LwswError("bad_settings", message, f"Remove it with the minus button, or delete {path}.") from error
    animated = [name for name in LOOK_PROPERTIES if f"lwsw.{name}" in animated_paths(scene)]
    if not animated:
        return ""
    names = ", ".join(scene.lwsw.bl_rna.properties[name].name for name in animated)
    return f"Keyframes and drivers go before the preset: {names}."


def describe(path: Path) -> str:
    """Return what a preset says about itself: the text at its beginning; empty where there is none or it cannot be read."""
    try:
        return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (OSError, ValueError, SyntaxError):
        return ""


def _path_of(name: str) -> Path:
    known = presets()
    path = known.get(name) or next((path for other, path in known.items() if other.lower() == name.lower()), None)
    if path is None:
        choices = f"Use one of: {', '.join(known)}." if known else "Save one first."
        raise LwswError("bad_settings", f"There is no preset '{name}'.", choices)
    return path


def register() -> None:
    """Let Blender find the presets that come with the extension."""
    bpy.utils.register_preset_path(_OWN_FOLDER)


def unregister() -> None:
    """Let Blender forget them; the artist's own stay."""
    bpy.utils.unregister_preset_path(_OWN_FOLDER)
