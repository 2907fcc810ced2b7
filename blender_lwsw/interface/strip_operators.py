"""Stylizing strips of the sequencer: thin, everything is in api.py."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy

from .. import api, compat
from ..errors import LwswError
from ..jobs import exit_status
from ..jobs.console import ProgressLine
from ..jobs.session import session
from ..jobs.strip_jobs import can_be_stylized


class LWSW_OT_stylize_strips(bpy.types.Operator):
    """Turn each selected image, movie or scene strip into a painting, in a strip above it. Rendered pictures with their passes beside
    them, and scenes, move by the renderer's own vectors; the motion of others is estimated"""

    bl_idname = "lwsw.stylize_strips"
    bl_label = "Stylize Selected Strips"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            return False
        editor = compat.sequencer_scene(context.scene).sequence_editor
        if editor is None or not any(strip.select and can_be_stylized(strip) for strip in editor.strips):
            cls.poll_message_set("Select image, movie or scene strips in the sequencer")
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Start the first strip's job, let the others wait, and return: the window stays usable."""
        if bpy.app.background:
            return self.execute(context)
        try:
            errors = session.add_all(api.start_strip_jobs(context.scene, interactive=True, taken=session.taken(context.scene)))
        except LwswError as error:
            session.fail(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for refused in errors:
            self.report({"WARNING"}, str(refused))
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do the jobs one after the other and return when they are done."""
        line = ProgressLine()
        try:
            results = api.stylize_strips(context.scene, progress=line.show)
        except LwswError as error:
            session.fail(error)
            exit_status.remember(str(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            line.end()
        for note in dict.fromkeys(note for result in results for note in result.report["notes"]):
            self.report({"INFO"}, note)
        return {"FINISHED"}


def _draw_menu_entry(self: Any, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("lwsw.stylize_strips", icon="BRUSH_DATA")


def _menus() -> tuple[Any, ...]:
    return bpy.types.SEQUENCER_MT_context_menu, bpy.types.SEQUENCER_MT_strip


def register() -> None:
    """Add the operator, and its entry in the sequencer's menus."""
    bpy.utils.register_class(LWSW_OT_stylize_strips)
    for menu in _menus():
        menu.append(_draw_menu_entry)


def unregister() -> None:
    """Remove both."""
    for menu in _menus():
        menu.remove(_draw_menu_entry)
    bpy.utils.unregister_class(LWSW_OT_stylize_strips)
