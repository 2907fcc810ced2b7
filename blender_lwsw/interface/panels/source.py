"""What is stylized, and where it goes."""

from __future__ import annotations

import bpy

from .base import Section


class Source(Section):
    bl_label = "Source and Output"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop(settings, "source", expand=True)
        if settings.source == "FILES":
            layout.prop(settings, "color_pattern")
            layout.prop(settings, "render_passes")
            if not settings.render_passes:
                layout.prop(settings, "passes_pattern")
        elif settings.source == "RENDER":
            column = layout.column()
            column.use_property_split = False
            column.prop(settings, "paint_while_rendering")
        elif settings.source == "SEQUENCER":
            layout.operator("lwsw.stylize_strips", icon="BRUSH_DATA")
        scene = context.scene
        layout.label(text=f"Frames {scene.frame_start} to {scene.frame_end}", icon="TIME")
        layout.prop(settings, "output")
        column = layout.column()
        column.use_property_split = False  # their names are too long for the narrow column
        column.prop(settings, "add_source_strip")
        column.prop(settings, "stylize_after_render")
