"""What operators share that take away what is in a job's way."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..errors import LwswError
from ..source import disk_state
from .list_operators import open_browser


class Mending:
    """Changes the scene; one undo step."""

    bl_options = {"REGISTER", "UNDO", "INTERNAL"}  # noqa: RUF012 - Blender's way

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Mend it."""
        try:
            self.mend(context)
        except LwswError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        disk_state.forget()
        return {"FINISHED"}

    def mend(self, context: bpy.types.Context) -> None:
        """Change what is wrong."""
        raise NotImplementedError


class Picking(Mending):
    """Opens the file browser first."""

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Open the file browser."""
        open_browser(self, context)
        return {"RUNNING_MODAL"}
