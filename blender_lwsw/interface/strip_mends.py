"""Operators for strips whose files are gone: find them, or leave the strip out."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import compat
from ..errors import LwswError
from ..source.strip_files import point_to
from .mending import Mending, Picking


class LWSW_OT_find_strip_files(Picking, bpy.types.Operator):
    """Choose where the files of this strip are now: the movie, or any one of the pictures"""

    bl_idname = "lwsw.find_strip_files"
    bl_label = "Find Its Files"

    strip: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Let the strip show them; raise ``missing_frames`` where they are not there."""
        point_to(_strip(context, self.strip), Path(bpy.path.abspath(self.filepath)))


class LWSW_OT_mute_strip(Mending, bpy.types.Operator):
    """Leave this strip out; unmute it in the sequencer once its files are back"""

    bl_idname = "lwsw.mute_strip"
    bl_label = "Mute the Strip"

    strip: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Mute it."""
        _strip(context, self.strip).mute = True


def _strip(context: bpy.types.Context, name: str) -> Any:
    editor = compat.sequencer_scene(context.scene).sequence_editor
    strip = next((strip for strip in editor.strips_all if strip.name == name), None) if editor is not None else None
    if strip is None:
        raise LwswError("nothing_to_stylize", f"The sequencer has no strip '{name}'.", "It may have been renamed; look again.")
    return strip


register, unregister = bpy.utils.register_classes_factory((LWSW_OT_find_strip_files, LWSW_OT_mute_strip))
