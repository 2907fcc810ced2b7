"""The job."""

from __future__ import annotations

from typing import Any

import bpy

from ...errors import LwswError
from ...jobs.readiness import obstacle
from ...jobs.session import session
from .backend import draw_mends, draw_missing_backend
from .base import Section
from .job import draw_running, draw_stopped, draw_waiting
from .obstacle import draw_obstacle
from .text import draw_paragraph


class Run(Section):
    bl_label = "Stylize"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_job(self.layout, context)


def _draw_job(layout: Any, context: bpy.types.Context) -> None:
    progress = session.progress()
    if progress is not None:
        draw_running(layout, progress)
    backend_missing = draw_missing_backend(layout, context)  # first: a painting can be chosen while it is fetched
    problem = obstacle(context.scene)
    if problem is not None:
        draw_obstacle(layout, context, problem)
    queues = progress is not None or session.is_paused
    row = layout.row()
    row.scale_y = 1.0 if queues else 1.6
    row.operator("lwsw.stylize", text="Add to Queue" if queues else "Stylize", icon="ADD" if queues else "BRUSH_DATA")
    draw_stopped(layout, context)
    draw_waiting(layout)
    said_already = problem is not None and session.error is not None and session.error.code == problem.code
    said_already = said_already or (backend_missing and session.error is not None and session.error.code.startswith("backend_"))
    if session.error is not None and not session.is_paused and not said_already:
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
    draw_mends(box, context, error)
