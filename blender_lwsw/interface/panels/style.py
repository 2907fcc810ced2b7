"""Which painting, and how far."""

from __future__ import annotations

from typing import Any

import bpy

from ...jobs.readiness import locked
from ...source import disk_state
from ..preset_operators import LWSW_MT_presets
from ..thumbnails import icon_of
from .base import Section
from .sliders import draw_slider
from .text import draw_paragraph


class LWSW_UL_paintings(bpy.types.UIList):
    """One painting a line, with its share."""

    def draw_item(self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active_data: Any, _active: str) -> None:
        """Draw a line."""
        row = layout.split(factor=0.55)
        there = disk_state.is_file(bpy.path.abspath(item.path))
        row.label(text=bpy.path.basename(item.path) or "No file", icon="IMAGE_DATA" if there else "ERROR")
        draw_slider(row, item, "weight", "")


class Style(Section):
    bl_label = "Style"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        if (problem := locked(context.scene)) is not None:
            draw_paragraph(layout, problem.sentence, context, "LIBRARY_DATA_DIRECT")
        _draw_style(layout, settings)
        _draw_other_paintings(layout, settings)
        layout.separator()
        _draw_presets(layout)
        draw_slider(layout, settings, "strength")
        if settings.strength == 0:
            draw_paragraph(layout, "At 0 the pictures stay as rendered.", context, "INFO")
        layout.prop(settings, "color")


def _draw_style(layout: Any, settings: Any) -> None:
    path = bpy.path.abspath(settings.style)
    if icon := icon_of(path):
        layout.template_icon(icon_value=icon, scale=6.0)
    row = layout.row(align=True)
    if not settings.style:
        row.operator("lwsw.pick_style", icon="IMAGE_DATA")
    else:
        row.prop(settings, "style", text="")
        if not disk_state.is_file(path):
            layout.label(text="This file does not exist", icon="ERROR")


def _draw_presets(layout: Any) -> None:
    row = layout.row(align=True)
    row.menu("LWSW_MT_presets", text=LWSW_MT_presets.bl_label)
    row.operator("lwsw.save_preset", text="", icon="ADD")
    row.operator("lwsw.save_preset", text="", icon="REMOVE").remove_active = True


def _draw_other_paintings(layout: Any, settings: Any) -> None:
    if not settings.extra_styles:
        layout.operator("lwsw.add_style", text="Blend In Another Painting", icon="ADD")
        return
    draw_slider(layout, settings, "style_weight")
    row = layout.row()
    row.template_list("LWSW_UL_paintings", "", settings, "extra_styles", settings, "extra_style_index", rows=2)
    buttons = row.column(align=True)
    buttons.operator("lwsw.add_style", text="", icon="ADD")
    buttons.operator("lwsw.remove_style", text="", icon="REMOVE")
    if settings.extra_style_index < len(settings.extra_styles):
        item = settings.extra_styles[settings.extra_style_index]
        layout.prop(item, "path", text="")
        if not disk_state.is_file(bpy.path.abspath(item.path)):
            layout.label(text="This file does not exist", icon="ERROR")
