"""The job that runs, the one that stopped, and those that wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ...jobs.console import clock
from ...jobs.found import StoppedJob
from ...jobs.progress import Progress
from ...jobs.session import session
from ..thumbnails import results_icons
from .text import draw_paragraph

#: How many of the newest frames are shown.
THUMBNAILS = 3

#: How many of the jobs that waited in an earlier Blender are named.
SHOWN = 8


def draw_running(layout: Any, progress: Progress) -> None:
    """Draw how far the running job is, and what can be done about it."""
    left = f" · {clock(progress.seconds_left)} left" if progress.seconds_left else ""
    detail = f" · {progress.detail}" if progress.detail else ""
    layout.progress(factor=progress.fraction, type="BAR", text=progress.text + detail + left)
    draw_newest(layout)
    row = layout.row(align=True)
    row.operator("lwsw.pause", icon="PAUSE")
    row.operator("lwsw.cancel", icon="CANCEL")


def draw_newest(layout: Any) -> None:
    """Draw the newest finished frames."""
    job = session.job
    icons = results_icons(job.outcome.results[-THUMBNAILS:]) if job is not None else []
    if icons:
        row = layout.row(align=True)
        for icon in icons:
            row.template_icon(icon_value=icon, scale=4.0)


def draw_stopped(layout: Any, context: bpy.types.Context) -> None:
    """Draw the job that can be taken up: this Blender's last one, or one that an earlier Blender left."""
    found = session.found(context.scene)
    if not session.can_resume and not found:
        return
    box = layout.box()
    if found:
        draw_paragraph(box, found[0].sentence, context, "RECOVER_LAST")
        _draw_behind(box, found[1:])
    elif session.is_paused and session.stopped is not None:
        made, total = len(session.stopped.record.made.results), len(session.stopped.plan.frames)
        draw_paragraph(box, f"Paused with {made} of {total} frames painted; the memory it took is free.", context, "PAUSE")
    row = box.row(align=True)
    row.operator("lwsw.resume", text="Resume All" if found[1:] else "Resume", icon="PLAY")
    row.operator("lwsw.discard", text="Discard First" if found[1:] else "Discard", icon="TRASH")


def _draw_behind(layout: Any, found: Sequence[StoppedJob]) -> None:
    """Draw the jobs that waited behind the one that stopped, in their order."""
    if not found:
        return
    column = layout.column(align=True)
    column.label(text="1 more was waiting" if len(found) == 1 else f"{len(found)} more were waiting", icon="TIME")
    for index, job in enumerate(found[:SHOWN], 1):
        row = column.row(align=True)
        row.label(text=f"{job.title} › {job.output.name}", icon="BLANK1")
        row.operator("lwsw.discard", text="", icon="X", emboss=False).index = index
    if len(found) > SHOWN:
        column.label(text=f"and {len(found) - SHOWN} after these", icon="BLANK1")


def draw_waiting(layout: Any) -> None:
    """Draw the queue, and what became of the jobs before."""
    if session.waiting:
        column = layout.column(align=True)
        column.label(text="Waiting" if session.is_running else "Waiting until the paused job is resumed or discarded", icon="TIME")
        for index, job in enumerate(session.waiting):
            row = column.row(align=True)
            row.label(text=f"{job.title} › {job.plan.order.output.name}", icon="BLANK1")
            row.operator("lwsw.remove_waiting", text="", icon="X", emboss=False).index = index
    for sentence in session.past[-5:]:
        layout.label(text=sentence, icon="DOT")
