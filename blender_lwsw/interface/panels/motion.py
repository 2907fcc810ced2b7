"""How the painting moves."""

from __future__ import annotations

import bpy

from ...jobs.workload import work_of_scene
from .base import Section
from .sliders import draw_slider
from .text import draw_paragraph


class Motion(Section):
    bl_label = "Motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        work = work_of_scene(context.scene)
        if work is not None and work.frames == 1:
            draw_paragraph(layout, "There is one frame only: what follows has no effect.", context, "INFO")
        draw_slider(layout, settings, "temporal_weight", slider=False)
        layout.use_property_split, layout.use_property_decorate = True, False
        for name in ("cuts", "second_pass"):
            layout.prop(settings, name)
        if context.scene.render.use_motion_blur:
            layout.prop(settings, "motion_blur")
