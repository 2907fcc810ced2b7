"""What operators share that change the scene."""

from __future__ import annotations

import bpy


class SceneOperator:
    """Needs a scene, and says so."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene")
            return False
        return True
