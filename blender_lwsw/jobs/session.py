"""The job of this Blender session while it runs in the window, and what became of the last one."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat
from ..errors import LwswError, cancelled
from .job import Job, Progress

#: Seconds between two steps of a job in the window.
TICK_SECONDS = 0.1

_AREAS = ("NODE_EDITOR", "SEQUENCE_EDITOR", "IMAGE_EDITOR")


class Session:
    """Drives one job at a time with a timer.

    A timer rather than a modal operator: Blender puts off saving its automatic backups while a modal operator runs, and a job
    may run for hours.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.stopped: Job | None = None  # the last one, if it can be resumed
        self.error: LwswError | None = None
        self.notes: list[str] = []
        self.summary = ""
        self._timer = self._tick  # one object: Blender tells timers apart by identity

    @property
    def is_running(self) -> bool:
        """Whether a job is on its way."""
        return self.job is not None and not self.job.is_over

    @property
    def can_resume(self) -> bool:
        """Whether there is a stopped job whose scene is still there: it is not in another file, nor in the same one loaded again."""
        return self.stopped is not None and compat.find_scene(self.stopped.plan.scene_uid) is not None

    def progress(self) -> Progress | None:
        """Return where the running job is, or None."""
        return self.job.progress() if self.job is not None and not self.job.is_over else None

    def run(self, job: Job) -> None:
        """Take over a job and step it until it is over."""
        if self.stopped is not None:
            job.discard(self.stopped.job_id)
        self.forget()
        self.job = job
        bpy.app.timers.register(self._timer, first_interval=0.0, persistent=True)

    def fail(self, error: LwswError) -> None:
        """Show an error that came before there was a job."""
        self.error, self.notes, self.summary = error, [], ""
        redraw()

    def forget(self) -> None:
        """Clear what became of the last job."""
        self.stopped = None
        self.error, self.notes, self.summary = None, [], ""

    def cancel(self) -> None:
        """Ask the running job to stop."""
        if self.job is not None:
            self.job.cancel()
            redraw()

    def abandon(self) -> None:
        """Stop at once and leave nothing behind; the scene goes away, so nothing will be resumed."""
        if self.job is not None and not self.job.is_over:
            self.job.abandon()
            self._conclude(self.job)
        self.job = None
        if self.error is not None and self.error.code == "cancelled":
            self.error = cancelled()
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)

    def _tick(self) -> float | None:
        job = self.job
        if job is None:
            return None
        more = job.step()
        if not more:
            self._conclude(job)
            self.job = None
            if job.outcome.strip_name:
                _undo_push()
        redraw()
        return TICK_SECONDS if more else None

    def _conclude(self, job: Job) -> None:
        self.error = job.error
        self.notes = list(job.outcome.notes)
        self.stopped = job if job.can_resume() else None
        if self.stopped is not None and self.error is not None and self.error.code == "cancelled":
            self.error = cancelled(can_resume=True)
        self.summary = job.progress().text if job.error is None else ""


def redraw() -> None:
    """Have the panels drawn again."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type in _AREAS:
                    area.tag_redraw()


def _undo_push() -> None:
    """Make the strip an undo step of its own: otherwise undoing something later would take it along."""
    windows = bpy.context.window_manager.windows
    if not bpy.app.background and windows:
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message="LWSW Stylize")


#: The session of this Blender.
session = Session()


@bpy.app.handlers.persistent
def _before_loading(*_: Any) -> None:
    session.abandon()


def register() -> None:
    """Stop a running job before another file is loaded."""
    if _before_loading not in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.append(_before_loading)


def unregister() -> None:
    """Stop a running job and leave nothing behind."""
    session.abandon()
    session.forget()
    while _before_loading in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_before_loading)
