"""What operators share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy


class OperatorPart:
    """A part of operators, to be combined with ``bpy.types.Operator``."""

    if TYPE_CHECKING:  # what Blender's class brings, and its registration

        def report(self, kind: set[str], message: str) -> None: ...

        @classmethod
        def poll_message_set(cls, message: str, *arguments: Any) -> None: ...


class SceneOperator(OperatorPart):
    """Needs a scene, and says so."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene")
            return False
        return True
