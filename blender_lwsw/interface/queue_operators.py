"""The operators of a job's way through the queue: thin, everything they do is in session.py."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
import bpy
from bpy.props import IntProperty

from ..jobs.session import session


class LWSW_OT_pause(bpy.types.Operator):
    """Stop for now and give the memory back, to go on later exactly here; jobs that wait stay where they are"""

    bl_idname = "lwsw.pause"
    bl_label = "Pause"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not session.is_running:
            cls.poll_message_set("No job is running")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask the job to stop."""
        session.pause()
        return {"FINISHED"}


class LWSW_OT_discard(bpy.types.Operator):
    """Give one stopped job up; its finished frames are kept. The queue goes on; of what an earlier Blender left, the rest stays as it is"""

    bl_idname = "lwsw.discard"
    bl_label = "Discard"

    index: IntProperty(name="Place", description="Which of the jobs that were found, from 0", min=0, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None or not (session.can_resume or session.found(context.scene)):
            cls.poll_message_set("There is no stopped job")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget it."""
        session.discard(context.scene, self.index)
        return {"FINISHED"}


class LWSW_OT_remove_waiting(bpy.types.Operator):
    """Take this job out of the queue"""

    bl_idname = "lwsw.remove_waiting"
    bl_label = "Remove from Queue"

    index: IntProperty(name="Place", description="Place in the queue, from 0", min=0, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not session.waiting:
            cls.poll_message_set("No job waits")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Take it out."""
        session.remove_waiting(self.index)
        return {"FINISHED"}


_CLASSES = (LWSW_OT_pause, LWSW_OT_discard, LWSW_OT_remove_waiting)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
