"""How the painting moves."""

from __future__ import annotations

import bpy

from .base import Section


class Motion(Section):
    bl_label = "Motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.use_property_split = True
        for name in ("temporal_weight", "cuts", "second_pass"):
            layout.prop(settings, name)
