"""Which painting, and how far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..thumbnails import icon_of
from .base import Section


class LWSW_UL_paintings(bpy.types.UIList):
    """One painting a line, with its share."""

    def draw_item(self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active_data: Any, _active: str) -> None:
        """Draw a line."""
        row = layout.split(factor=0.55)
        there = bool(item.path) and Path(bpy.path.abspath(item.path)).is_file()
        row.label(text=bpy.path.basename(item.path) or "No file", icon="IMAGE_DATA" if there else "ERROR")
        row.prop(item, "weight", text="", slider=True)


class Style(Section):
    bl_label = "Style"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        _draw_style(layout, settings)
        _draw_other_paintings(layout, settings)
        layout.prop(settings, "strength", slider=True)
        layout.prop(settings, "color")


def _draw_style(layout: Any, settings: Any) -> None:
    path = bpy.path.abspath(settings.style) if settings.style else ""
    if icon := icon_of(path):
        layout.template_icon(icon_value=icon, scale=6.0)
    row = layout.row(align=True)
    if not settings.style:
        row.operator("lwsw.pick_style", icon="IMAGE_DATA")
    else:
        row.prop(settings, "style", text="")
        if not Path(path).is_file():
            layout.label(text="This file does not exist", icon="ERROR")


def _draw_other_paintings(layout: Any, settings: Any) -> None:
    if not settings.extra_styles:
        layout.operator("lwsw.add_style", text="Blend In Another Painting", icon="ADD")
        return
    layout.prop(settings, "style_weight", slider=True)
    row = layout.row()
    row.template_list("LWSW_UL_paintings", "", settings, "extra_styles", settings, "extra_style_index", rows=2)
    buttons = row.column(align=True)
    buttons.operator("lwsw.add_style", text="", icon="ADD")
    buttons.operator("lwsw.remove_style", text="", icon="REMOVE")
    if settings.extra_style_index < len(settings.extra_styles):
        item = settings.extra_styles[settings.extra_style_index]
        layout.prop(item, "path", text="")
        if not item.path or not Path(bpy.path.abspath(item.path)).is_file():
            layout.label(text="This file does not exist", icon="ERROR")
