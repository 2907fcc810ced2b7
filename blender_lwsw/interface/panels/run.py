"""The job."""

from __future__ import annotations

from typing import Any

import bpy

from ...jobs.readiness import mends_of, obstacle
from ...jobs.session import session
from ..backend_state import mends
from .backend import draw_missing_backend
from .base import Section
from .job import draw_running, draw_stopped, draw_waiting
from .obstacle import draw_error, draw_obstacle
from .text import draw_paragraph


class Run(Section):
    bl_label = "Stylize"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_job(self.layout, context)


def _draw_job(layout: Any, context: bpy.types.Context) -> None:
    progress = session.progress()
    elsewhere = session.elsewhere(context.scene)  # another window may show that scene
    if progress is not None:
        if elsewhere:
            sentence = f"The scene {elsewhere} is being painted; what is stylized here waits until that is done."
            draw_paragraph(layout, sentence, context, "INFO")
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
        others = [] if elsewhere else mends_of(context.scene, session.error)
        draw_error(layout, context, session.error, [*mends(session.error), *others])
    elif session.summary:
        layout.label(text=f"{elsewhere}: {session.summary}" if elsewhere else session.summary, icon="CHECKMARK")
    for note in session.notes:
        draw_paragraph(layout, note, context, "INFO")
