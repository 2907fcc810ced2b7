"""The operators of results: thin, everything they do is in api.py and results/."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty

from .. import api
from ..errors import LwswError
from ..jobs.console import ProgressLine
from ..jobs.session import session
from ..results.compositor import add_to_compositor
from ..results.result_strips import active_result
from .scene_operator import OperatorPart

_SETTINGS_ITEMS = [
    ("STRIP", "As It Was", "With the settings that the strip remembers"),
    ("SCENE", "As Set Now", "With the settings of its scene as they are now"),
]


class _OnResult(OperatorPart):
    """What the operators on the active strip of results share."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None or active_result(context.scene) is None:
            cls.poll_message_set("Choose a strip of stylized frames in the sequencer")
            return False
        return True


class LWSW_OT_restore_settings(_OnResult, bpy.types.Operator):
    """Set the panel as it was when this strip was made, keyframes included"""

    bl_idname = "lwsw.restore_settings"
    bl_label = "Restore Settings"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Restore them."""
        try:
            notes = api.restore_settings(active_result(context.scene))
        except LwswError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for note in notes:
            self.report({"WARNING"}, note)
        return {"FINISHED"}


class _Again(_OnResult):
    """Makes results once more."""

    settings: EnumProperty(name="Settings", description="Which settings count", items=_SETTINGS_ITEMS, default="SCENE")
    render_again: BoolProperty(
        name="Render Again", description="Render the scene even where the rendered frames are still there", default=False
    )
    new_version = False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the job, or let it wait behind others; without a window, return when it is done."""
        interactive = not bpy.app.background
        try:
            job = api.again(
                active_result(context.scene),
                as_it_was=self.settings == "STRIP",
                new_version=self.new_version,
                render_again=self.render_again,
                interactive=interactive,
            )
            if interactive:
                session.add(job)
            else:
                api.run_job(job, ProgressLine().show)
        except LwswError as error:
            session.fail(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LWSW_OT_stylize_again(_Again, bpy.types.Operator):
    """Make this strip's frames once more, in its place"""

    bl_idname = "lwsw.stylize_again"
    bl_label = "Stylize Again"


class LWSW_OT_new_version(_Again, bpy.types.Operator):
    """Make this strip's frames once more, into a folder and a strip of their own; this strip stays"""

    bl_idname = "lwsw.new_version"
    bl_label = "New Version"
    new_version = True


class LWSW_OT_add_to_compositor(_OnResult, bpy.types.Operator):
    """Bring the stylized frames into the compositor, between the render and its output, with a mix and a mask"""

    bl_idname = "lwsw.add_to_compositor"
    bl_label = "Add to Compositor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the node group, or bring it up to date."""
        try:
            _, note = add_to_compositor(active_result(context.scene))
        except LwswError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if note:
            self.report({"INFO"}, note)
        return {"FINISHED"}


_CLASSES: tuple[Any, ...] = (LWSW_OT_restore_settings, LWSW_OT_stylize_again, LWSW_OT_new_version, LWSW_OT_add_to_compositor)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
