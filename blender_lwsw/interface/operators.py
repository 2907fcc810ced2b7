"""The operators of jobs: thin, everything they do is in api.py and session.py."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy

from .. import api
from ..errors import LwswError
from ..jobs import exit_status
from ..jobs.console import ProgressLine
from ..jobs.readiness import says
from ..jobs.session import session
from ..jobs.start import take_up


class LWSW_OT_stylize(bpy.types.Operator):
    """Render the animation and turn it into a painting that moves"""

    bl_idname = "lwsw.stylize"
    bl_label = "Stylize"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene is not None

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Start the job, or let it wait behind others, and return: the window stays usable."""
        if bpy.app.background:
            return self.execute(context)
        try:
            output = session.free_output(context.scene)  # the results of a job that waits must not take the place of another's
            request = api.Request() if output is None else api.Request(output=output, add_source_strip=False)
            session.add(api.start_job(context.scene, request, interactive=True))
        except LwswError as error:
            if not says(context.scene, error):  # what the panel says by itself goes away by itself, once it is mended
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
    """Go on where the job stopped, with the settings it had, even if Blender was closed since; what is rendered is not rendered again.
    Jobs that waited behind it follow in their order"""

    bl_idname = "lwsw.resume"
    bl_label = "Resume"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session.is_running:
            cls.poll_message_set("A job is running")
            return False
        if not session.can_resume and (context.scene is None or not session.found(context.scene)):
            cls.poll_message_set("There is no stopped job to resume")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take the job up, and those that waited behind it; return at once in the window, and when they are done elsewhere."""
        stopped = session.stopped if session.can_resume else None
        errors: list[LwswError] = []
        try:
            if stopped is not None:
                job = api.resume_job(stopped, interactive=not bpy.app.background)
                if bpy.app.background:
                    api.run_job(job, ProgressLine().show)
                    session.forget()
                else:
                    session.run(job)
            elif bpy.app.background:
                api.resume(context.scene, progress=ProgressLine().show)
            else:
                jobs, errors = take_up(session.found(context.scene), context.scene, interactive=True)
                errors = session.add_all(jobs, errors)
        except LwswError as error:
            session.fail(error)
            exit_status.remember(str(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for refused in errors:
            self.report({"WARNING"}, str(refused))
        return {"FINISHED"}


class LWSW_OT_cancel(bpy.types.Operator):
    """Stop the job; finished frames stay, and the next job in the queue begins. Resume goes on here until one begins in this folder"""

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


_CLASSES = (LWSW_OT_stylize, LWSW_OT_resume, LWSW_OT_cancel)


def register() -> None:
    """Add the operators."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Remove the operators."""
    exit_status.forget()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
