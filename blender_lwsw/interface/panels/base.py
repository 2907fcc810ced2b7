"""What all panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy


class Section:
    """A part of the sidebar tab; each editor gets a class of its own of it."""

    bl_region_type = "UI"
    bl_category = "LWSW"
    parent: type[Section] | None = None
    #: The editors that have it; empty for all.
    spaces: tuple[str, ...] = ()

    if TYPE_CHECKING:  # what Blender's class brings, and each editor's class sets
        layout: Any
        bl_space_type: str

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            return False
        return cls.bl_space_type != "NODE_EDITOR" or bool(context.space_data.tree_type == "CompositorNodeTree")
