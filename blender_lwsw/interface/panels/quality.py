"""How much work goes into the frames, and how long that takes."""

from __future__ import annotations

from typing import Any

import bpy

from ...jobs.workload import estimate_scene, sizes, work_of_scene
from ...settings.quality import CUSTOM_QUALITY
from .base import Section
from .text import draw_paragraph, duration


class Quality(Section):
    bl_label = "Quality"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.row(align=True).prop(settings, "quality", expand=True)
        width, height = sizes(context.scene)[1]
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        if settings.quality == CUSTOM_QUALITY:
            for name in ("width", "iterations", "first_iterations"):
                column.prop(settings, name)
            draw_paragraph(layout, f"Painted at {width} × {height} pixels", context, "BLANK1")
        else:
            steps = f"{settings.iterations} iterations a frame, {settings.first_iterations} for the first"
            draw_paragraph(layout, f"{width} × {height} pixels, {steps}", context, "BLANK1")
        _draw_estimate(layout, context)
        layout.separator()
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(settings, "seed")


def _draw_estimate(layout: Any, context: bpy.types.Context) -> None:
    scene = context.scene
    work = work_of_scene(scene)
    if work is None:
        draw_paragraph(layout, "How long it takes can be said once there are pictures to stylize.", context, "TIME")
        return
    expected = estimate_scene(scene)
    if expected is None:
        draw_paragraph(layout, "How long it takes is measured with the first job on this machine.", context, "TIME")
        return
    frames = "1 frame" if work.frames == 1 else f"{work.frames} frames"
    rough = "Roughly" if expected.is_rough else "About"
    on_top = "; rendering comes on top" if scene.lwsw.source == "RENDER" else ""
    draw_paragraph(layout, f"{rough} {duration(expected.seconds)} to paint {frames}{on_top}.", context, "TIME")
    if expected.memory is not None:
        draw_paragraph(layout, f"About {expected.memory / 2**30:.1f} GB of memory while it paints.", context, "MEMORY")
