"""Trying looks on the current frame."""

from __future__ import annotations

from typing import Any

import bpy

from ...jobs.readiness import mends_of
from ...look.session import preview_session
from ...results import preview_image
from ..backend_state import mends
from .base import Section
from .obstacle import draw_error
from .text import draw_paragraph

_COLUMNS = 3


class Look(Section):
    bl_label = "Look"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        row = layout.row(align=True)
        row.operator("lwsw.preview", icon="HIDE_OFF", text="Preview" if not preview_session.is_sheet else "Back to the Preview")
        row.operator("lwsw.explore", icon="MESH_GRID")
        if preview_session.is_running:
            _draw_running(layout)
            if not preview_image.is_shown():
                box = layout.box()
                draw_paragraph(box, "No editor shows the preview.", context, "INFO")
                box.operator("lwsw.show_preview", icon="SPLIT_VERTICAL")
        if preview_session.error is not None:
            error = preview_session.error
            draw_error(layout, context, error, [*mends(error), *mends_of(context.scene, error)])
        elif preview_session.is_running:
            layout.label(text=preview_session.text())
            for note in preview_session.notes():
                draw_paragraph(layout, note, context, "INFO")
        if preview_session.is_sheet:
            _draw_variations(layout)
        row = layout.row(align=True)
        row.prop(settings, "preview_width", text="Width")
        row.prop(settings, "explore", text="")
        if settings.explore == "RANDOM":
            row = layout.row(align=True)
            row.prop(settings, "explore_amount", slider=True)
            row.prop(settings, "explore_seed")


def _draw_running(layout: Any) -> None:
    row = layout.row(align=True)
    row.operator("lwsw.compare", text="Source", icon="IMAGE_REFERENCE", depress=preview_session.shows_source)
    row.operator("lwsw.restart_preview", text="", icon="FILE_REFRESH")
    row.operator("lwsw.render_preview", text="", icon="RENDER_STILL")
    row.operator("lwsw.stop_preview", text="", icon="PANEL_CLOSE")


def _draw_variations(layout: Any) -> None:
    layout.label(text="Click one in the image, or here:")
    grid = layout.grid_flow(row_major=True, columns=_COLUMNS, even_columns=True, align=True)
    for index in range(len(preview_session.variations)):
        grid.operator("lwsw.take_variation", text=f"{index + 1}").index = index
