"""Presets in the panel: Blender's own menu, with plus and minus beside it."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bpy.props import StringProperty

from ..errors import LwswError
from ..settings.presets import LOOK_PROPERTIES, PRESET_FOLDER, apply_preset, describe, is_built_in, preset_name, presets
from .scene_operator import SceneOperator

_NO_PRESET = "Look Presets"


class LWSW_MT_presets(bpy.types.Menu):
    """Looks to start from; the painting stays"""

    bl_label = _NO_PRESET
    preset_subdir = PRESET_FOLDER
    preset_operator = "lwsw.apply_preset"

    draw = bpy.types.Menu.draw_preset


class LWSW_OT_apply_preset(SceneOperator, bpy.types.Operator):
    """Give the scene this look; the painting stays"""

    bl_idname = "lwsw.apply_preset"
    bl_label = "Apply Look Preset"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}  # noqa: RUF012 - Blender's way

    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        """Say what the preset is good for, as its file does."""
        return _description(properties.filepath) or "A look that you saved. The painting stays"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Apply it, and show its name in the menu's button as Blender does."""
        path = Path(self.filepath)
        try:
            note = apply_preset(context.scene, path)
        except LwswError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        LWSW_MT_presets.bl_label = preset_name(path)
        if note:
            self.report({"INFO"}, note)
        return {"FINISHED"}


class LWSW_OT_save_preset(SceneOperator, AddPresetBase, bpy.types.Operator):
    """Save this look under a name: weights, colours, strokes, steadiness. The painting is not part of it"""

    bl_idname = "lwsw.save_preset"
    bl_label = "Save Look Preset"
    preset_menu = "LWSW_MT_presets"
    preset_subdir = PRESET_FOLDER
    preset_defines = ("settings = bpy.context.scene.lwsw",)
    preset_values = tuple(f"settings.{name}" for name in LOOK_PROPERTIES)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        """Say which of its two things it does."""
        if properties.remove_active:
            return "Delete the preset whose name is shown. Those that come with LWSW stay"
        return "Save this look under a name: weights, colours, strokes, steadiness. The painting is not part of it: the look fits any file"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Save the look, or delete the preset whose name is shown."""
        if not self.remove_active:
            done: set[str] = super().execute(context)
            return done
        path = presets().get(LWSW_MT_presets.bl_label)
        if path is None:
            self.report({"WARNING"}, "Choose one of your own presets in the menu first.")
            return {"CANCELLED"}
        if is_built_in(path):
            self.report({"WARNING"}, f"{preset_name(path)} comes with LWSW and stays.")
            return {"CANCELLED"}
        try:
            path.unlink()
        except OSError as error:
            self.report({"ERROR"}, f"{path} cannot be deleted ({error.strerror}).")
            return {"CANCELLED"}
        LWSW_MT_presets.bl_label = _NO_PRESET
        return {"FINISHED"}

    def post_cb(self, _context: bpy.types.Context, filepath: str) -> None:
        """Show the name as the menu does; called when the file is written."""
        LWSW_MT_presets.bl_label = preset_name(Path(filepath))
        _description.cache_clear()


@lru_cache(maxsize=64)
def _description(filepath: str) -> str:
    return describe(Path(filepath))


_CLASSES = (LWSW_OT_apply_preset, LWSW_OT_save_preset, LWSW_MT_presets)


def register() -> None:
    """Add the menu and its operators."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Remove them, and the name that the menu's button shows."""
    LWSW_MT_presets.bl_label = _NO_PRESET
    _description.cache_clear()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
