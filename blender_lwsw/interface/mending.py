"""What operators share that take away what is in a job's way."""

from __future__ import annotations

import bpy

from ..errors import LwswError
from ..source import disk_state
from .list_operators import PickPicture
from .scene_operator import SceneOperator


class Mending(SceneOperator):
    """Changes the scene; one undo step."""

    bl_options = {"REGISTER", "UNDO", "INTERNAL"}  # noqa: RUF012 - Blender's way

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


class Picking(PickPicture, Mending):
    """Opens the file browser first."""
