"""The job."""

from __future__ import annotations

from typing import Any

import bpy

from ...errors import LwswError
from ...jobs.console import clock
from ...jobs.session import session
from .base import Section
from .text import draw_paragraph


class Run(Section):
    bl_label = "Stylize"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_job(self.layout, context)


def _draw_job(layout: Any, context: bpy.types.Context) -> None:
    progress = session.progress()
    if progress is None:
        row = layout.row()
        row.scale_y = 1.6
        row.operator("lwsw.stylize", icon="BRUSH_DATA")
        if session.can_resume:
            row.operator("lwsw.resume", icon="PLAY")
        if not context.scene.lwsw.style:
            layout.label(text="Choose a painting first", icon="INFO")
    else:
        left = f" · {clock(progress.seconds_left)} left" if progress.seconds_left else ""
        layout.progress(factor=progress.fraction, type="BAR", text=progress.text + left)
        layout.operator("lwsw.cancel", icon="CANCEL")
    if session.error is not None:
        _draw_error(layout, session.error, context)
    elif session.summary:
        layout.label(text=session.summary, icon="CHECKMARK")
    for note in session.notes:
        draw_paragraph(layout, note, context, "INFO")


def _draw_error(layout: Any, error: LwswError, context: bpy.types.Context) -> None:
    box = layout.box()
    draw_paragraph(box, error.message, context, "CANCEL" if error.code == "cancelled" else "ERROR")
    if error.hint:
        draw_paragraph(box, error.hint, context, "RIGHTARROW_THIN")
