"""The jobs of this Blender session: the one that runs in the window, those that wait, and what became of the last one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..connection.backend import session_backend
from ..errors import LwswError, about, cancelled
from ..results.versions import next_version
from ..settings.folders import output_folder
from .finder import finder, promised, redraw
from .found import StoppedJob, forget_stopped
from .job import Job
from .plan import Plan
from .progress import Progress

__all__ = ["Session", "redraw", "register", "session", "unregister"]

#: Seconds between two steps of a job in the window.
TICK_SECONDS = 0.1


class Session:
    """Drives one job at a time with a timer; others wait in a queue.

    A timer rather than a modal operator: Blender puts off saving its automatic backups while a modal operator runs, and a job
    may run for hours.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.waiting: list[Job] = []
        self.stopped: Job | None = None  # the last one, if it can be resumed
        self.error: LwswError | None = None
        self.notes: list[str] = []
        self.summary = ""
        self.past: list[str] = []  # what became of jobs whose place others have taken since
        self.plan: Plan | None = None  # of the job that all this is about
        self._discarded: list[threading.Thread] = []
        self._timer = self._tick  # one object: Blender tells timers apart by identity

    @property
    def is_running(self) -> bool:
        """Whether a job is on its way."""
        return self.job is not None and not self.job.is_over

    @property
    def is_paused(self) -> bool:
        """Whether the last job is paused: those that wait do not begin."""
        return not self.is_running and self.can_resume and self.stopped is not None and self.stopped.phase == "paused"

    @property
    def can_resume(self) -> bool:
        """Whether there is a stopped job whose scene is still there: it is not in another file, nor in the same one loaded again."""
        return self.stopped is not None and compat.find_scene(self.stopped.plan.scene_uid) is not None

    def found(self, scene: bpy.types.Scene) -> list[StoppedJob]:
        """Return the jobs of the scene that an earlier Blender left behind, see :func:`.finder.in_order`; nothing as long as one of this
        Blender's goes before."""
        return [] if self.is_running or self.can_resume else finder.jobs(scene)

    def progress(self) -> Progress | None:
        """Return where the running job is, or None."""
        return self.job.progress() if self.job is not None and not self.job.is_over else None

    def elsewhere(self, scene: bpy.types.Scene) -> str:
        """Return the name of the scene that the job and its outcome belong to, where that is not this one; else nothing."""
        if self.plan is None or scene.session_uid in (self.plan.scene_uid, self.plan.sequencer_uid):
            return ""
        owner = compat.find_scene(self.plan.scene_uid)
        return owner.name if owner is not None else ""

    def add(self, job: Job) -> bool:
        """Run a job, or let it wait while another one runs or is paused; return whether it waits.

        Raises:
            LwswError: ``job_running`` if it would have to wait in a folder that another job fills, ``disk_full``, ``output_not_writable``.
        """
        if not self.is_running and not self.is_paused:
            self.run(job)
            return False
        if job.plan.order.output in self.folders():
            message = f"A job of the queue fills the folder {job.plan.order.output} already."
            raise LwswError("job_running", message, "Wait until it is done, or make a new version.")
        job.record.wait()
        self.waiting.append(job)
        redraw()
        return True

    def add_all(self, jobs: Iterable[Job], refused: Iterable[LwswError] = ()) -> list[LwswError]:
        """Add jobs one after the other; one that cannot wait keeps none of the others from it.

        Args:
            jobs: the jobs.
            refused: why others did not become jobs, which the panel says, too.

        Returns:
            Why some are not in the queue.
        """
        errors = list(refused)
        for job in jobs:
            try:
                self.add(job)
            except LwswError as error:
                errors.append(about(job.title, error))
        self.past += [error.message for error in errors]
        return errors

    def run(self, job: Job) -> None:
        """Take over a job and step it until it is over; then those that wait follow."""
        self.past.clear()
        self._begin(job)

    def remove_waiting(self, index: int) -> None:
        """Take a job out of the queue; there is nothing of it yet."""
        if 0 <= index < len(self.waiting):
            self.waiting.pop(index).record.end("cancelled", worth_keeping=False)
            finder.forget()
            redraw()

    def folders(self) -> set[Path]:
        """Return the output folders of the job that runs or is paused, and of those that wait."""
        current = self.job if self.is_running else self.stopped if self.is_paused else None
        return {job.plan.order.output for job in ([current] if current else []) + self.waiting}

    def free_output(self, scene: bpy.types.Scene) -> Path | None:
        """Return a version of the scene's output folder that no job of the queue or paused job fills; None for the folder itself."""
        folder, taken = output_folder(scene), self.taken(scene)
        return next_version(folder, taken) if folder is not None and folder in taken else None

    def taken(self, scene: bpy.types.Scene) -> set[Path]:
        """Return the folders that a new job of the scene must not take, see :meth:`folders` and :func:`.finder.promised`."""
        folder = output_folder(scene)
        return self.folders() | (promised(folder) if folder is not None else set())

    def fail(self, error: LwswError) -> None:
        """Show an error that came before there was a job."""
        self.error, self.notes, self.summary, self.plan = error, [], "", None
        redraw()

    def forget(self) -> None:
        """Clear what became of the last job."""
        self.stopped = self.plan = None
        self.error, self.notes, self.summary = None, [], ""

    def cancel(self) -> None:
        """Ask the running job to stop; the next one in the queue then begins."""
        if self.job is not None:
            self.job.cancel()
            redraw()

    def pause(self) -> None:
        """Ask the running job to stop and to give its memory back; nothing else begins until it is resumed or discarded."""
        if self.job is not None:
            self.job.pause()
            redraw()

    def discard(self, scene: bpy.types.Scene, index: int = 0) -> None:
        """Give up the stopped job: nobody will resume it. Its frames and results stay; the queue goes on.

        Args:
            scene: whose found jobs are meant, if this Blender has no stopped job.
            index: which of them, see :meth:`found`; the others stay.
        """
        stopped, found = self.stopped if self.can_resume else None, self.found(scene)
        if stopped is not None:
            forget_stopped(stopped.plan.order.output, waits=False)
            self._delete_at_backend(stopped.job_id)
        elif 0 <= index < len(found):
            forget_stopped(found[index].output, found[index].waits)
            self._delete_at_backend(found[index].job_id)
        else:
            return
        self.forget()
        finder.forget()
        if stopped is not None and not self.is_running:
            self._begin_next()
        redraw()

    def abandon(self) -> None:
        """Stop at once and leave nothing behind; the scene goes away. The records on disk stay, so the jobs will be found again."""
        if self.job is not None and not self.job.is_over:
            self.job.abandon()
            self._conclude(self.job)
        self.job = None
        for job in self.waiting:
            job.record.leave()
        self.waiting.clear()
        self.past.clear()
        if self.error is not None and self.error.code == "cancelled":
            self.error = cancelled()
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)

    def join(self) -> None:
        """Wait a little for what is still being removed at the backend."""
        for thread in self._discarded:
            thread.join(2.0)
        self._discarded.clear()

    def _begin(self, job: Job) -> None:
        self.forget()
        finder.forget()
        self.job, self.plan = job, job.plan
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=0.0, persistent=True)

    def _begin_next(self) -> bool:
        """Begin the job that has waited longest; return whether there was one."""
        if not self.waiting:
            return False
        self._begin(self.waiting.pop(0))
        return True

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
            more = job.phase != "paused" and self._follow(job)
        redraw()
        return TICK_SECONDS if more else None

    def _follow(self, job: Job) -> bool:
        """Begin the next job; what became of this one stays readable."""
        if not self.waiting:
            return False
        if job.error is not None and job.error.code != "cancelled":
            self.past.append(about(job.title, job.error).message)
        else:
            self.past.append(f"{job.title}: {job.progress().text.lower()}")
        return self._begin_next()

    def _conclude(self, job: Job) -> None:
        finder.forget()
        self.error = job.error
        self.notes = list(job.outcome.notes)
        self.stopped = job if job.can_resume() else None
        if self.stopped is not None and self.error is not None and self.error.code == "cancelled":
            self.error = cancelled(can_resume=True)
        self.summary = job.progress().text if job.error is None else ""

    def _delete_at_backend(self, job_id: str) -> None:
        """Remove the job's files there, if a backend runs; starting one for it is not worth it, and the backend clears up after a month."""
        process = session_backend.process
        if not job_id or process is None or not process.is_alive():
            return

        def delete(url: str = process.url, token: str = process.token) -> None:
            from ..connection.client import Client

            with suppress(LwswError):  # it is gone already
                Client(url, token, timeout=5.0).delete(job_id)

        self._discarded = [thread for thread in self._discarded if thread.is_alive()]
        self._discarded.append(threading.Thread(target=delete, name="lwsw-discard", daemon=True))
        self._discarded[-1].start()


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
    finder.forget()


@bpy.app.handlers.persistent
def _after_loading(*_: Any) -> None:
    finder.look()


def _look_once() -> None:
    finder.look()  # the file that was open before the extension was turned on


def register() -> None:
    """Stop a running job before another file is loaded, and look for one that stopped after."""
    if _before_loading not in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.append(_before_loading)
    if _after_loading not in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.append(_after_loading)
    if not bpy.app.background and not bpy.app.timers.is_registered(_look_once):
        bpy.app.timers.register(_look_once, first_interval=0.0)  # while registering, Blender hides its data


def unregister() -> None:
    """Stop a running job and leave nothing behind."""
    session.abandon()
    session.forget()
    session.join()
    finder.stop()
    if bpy.app.timers.is_registered(_look_once):
        bpy.app.timers.unregister(_look_once)
    for handlers, handler in ((bpy.app.handlers.load_pre, _before_loading), (bpy.app.handlers.load_post, _after_loading)):
        while handler in handlers:
            handlers.remove(handler)
