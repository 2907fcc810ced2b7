"""How long it takes."""

from __future__ import annotations

import bpy

from .base import Section


class Quality(Section):
    bl_label = "Quality"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.use_property_split = True
        for name in ("width", "iterations", "first_iterations", "seed"):
            layout.prop(settings, name)
