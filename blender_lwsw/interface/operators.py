"""The operators of jobs and of the backend: thin, everything they do is in api.py, session.py and backend.py."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
import contextlib
import threading
from typing import Any

import bpy

from .. import api
from ..connection.backend import session_backend
from ..errors import LwswError
from ..jobs import exit_status
from ..jobs.console import ProgressLine
from ..jobs.session import redraw, session
from ..settings import preferences


class LWSW_OT_stylize(bpy.types.Operator):
    """Render the animation and turn it into a painting that moves"""

    bl_idname = "lwsw.stylize"
    bl_label = "Stylize"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            return False
        if session.is_running:
            cls.poll_message_set("A job is running already")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Start the job and return: the window stays usable."""
        if bpy.app.background:
            return self.execute(context)
        try:
            session.run(api.start_job(context.scene, interactive=True))
        except LwswError as error:
            session.fail(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do the job and return when it is done."""
        line = ProgressLine()
        try:
            result = api.stylize(context.scene, progress=line.show)
        except LwswError as error:
            session.fail(error)
            exit_status.remember(str(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            line.end()
        for note in result.report["notes"]:
            self.report({"INFO"}, note)
        return {"FINISHED"}


class LWSW_OT_resume(bpy.types.Operator):
    """Go on with the job that was cancelled or failed, with the settings it had; nothing is rendered again"""

    bl_idname = "lwsw.resume"
    bl_label = "Resume"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if session.is_running or not session.can_resume:
            cls.poll_message_set("There is no stopped job to resume")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Take the job up; return at once in the window, and when it is done elsewhere."""
        stopped = session.stopped
        try:
            if stopped is None:
                return {"CANCELLED"}
            job = api.resume_job(stopped, interactive=not bpy.app.background)
            if bpy.app.background:
                api.run_job(job, ProgressLine().show)
            else:
                session.run(job)
        except LwswError as error:
            session.fail(error)
            exit_status.remember(str(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LWSW_OT_cancel(bpy.types.Operator):
    """Stop the job; finished frames are kept"""

    bl_idname = "lwsw.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not session.is_running:
            cls.poll_message_set("No job is running")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask the job to stop."""
        session.cancel()
        return {"FINISHED"}


class LWSW_OT_start_backend(bpy.types.Operator):
    """Start the backend now, so that the first job need not wait for it"""

    bl_idname = "lwsw.start_backend"
    bl_label = "Start Backend"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Connect; in the window in a thread, because starting takes seconds."""
        where = preferences.backend_settings()
        if bpy.app.background:
            try:
                session_backend.connect(where)
            except LwswError as error:
                self.report({"ERROR"}, str(error))
                return {"CANCELLED"}
            return {"FINISHED"}
        threading.Thread(target=_connect_quietly, args=(where,), name="lwsw-connect", daemon=True).start()
        bpy.app.timers.register(_redraw_while_starting, first_interval=0.5)
        return {"FINISHED"}


class LWSW_OT_stop_backend(bpy.types.Operator):
    """Stop the backend and give its memory back"""

    bl_idname = "lwsw.stop_backend"
    bl_label = "Stop Backend"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if session.is_running:
            cls.poll_message_set("A job is running; cancel it first")
            return False
        if not session_backend.owns_process():
            cls.poll_message_set("This Blender has not started a backend")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop it."""
        session_backend.stop()
        redraw()
        return {"FINISHED"}


def _connect_quietly(where: Any) -> None:
    with contextlib.suppress(LwswError):  # the backend's state, which the panel shows, says what went wrong
        session_backend.connect(where)


def _redraw_while_starting() -> float | None:
    redraw()
    return 0.5 if session_backend.state.startswith("Starting") else None


_CLASSES = (LWSW_OT_stylize, LWSW_OT_resume, LWSW_OT_cancel, LWSW_OT_start_backend, LWSW_OT_stop_backend)


def register() -> None:
    """Add the operators."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Remove the operators and their timers."""
    exit_status.forget()
    if bpy.app.timers.is_registered(_redraw_while_starting):
        bpy.app.timers.unregister(_redraw_while_starting)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
