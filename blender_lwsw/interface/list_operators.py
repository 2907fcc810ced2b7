"""Operators that change the lists of paintings and regions. Keyframes and drivers go with the entry they belong to."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..settings.animation import renumber
from ..settings.regions import surface_names


def stored_path(path: str) -> str:
    """Return how a path is kept: relative to the Blender file where there is one."""
    return bpy.path.relpath(path) if bpy.data.filepath and path else path


def open_browser(operator: Any, context: bpy.types.Context) -> None:
    """Open the file browser beside the Blender file. Without a folder Blender would propose the Blender file itself."""
    if not operator.filepath and bpy.data.filepath:
        operator.filepath = bpy.path.abspath("//")
    context.window_manager.fileselect_add(operator)


class PickPicture:
    """Opens the file browser on pictures."""

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Open the file browser."""
        open_browser(self, context)
        return {"RUNNING_MODAL"}


class LWSW_OT_pick_style(PickPicture, bpy.types.Operator):
    """Choose the painting whose style the animation takes on"""

    bl_idname = "lwsw.pick_style"
    bl_label = "Choose Painting"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the painting."""
        context.scene.lwsw.style = stored_path(self.filepath)
        return {"FINISHED"}


class LWSW_OT_add_style(PickPicture, bpy.types.Operator):
    """Choose another painting to blend with the main one"""

    bl_idname = "lwsw.add_style"
    bl_label = "Add Painting"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it at the end of the list."""
        settings = context.scene.lwsw
        settings.extra_styles.add().path = stored_path(self.filepath)
        settings.extra_style_index = len(settings.extra_styles) - 1
        return {"FINISHED"}


class LWSW_OT_remove_style(bpy.types.Operator):
    """Take the chosen painting out of the list"""

    bl_idname = "lwsw.remove_style"
    bl_label = "Remove Painting"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _is_chosen(cls, context, "extra_styles", "extra_style_index", "painting")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        _remove(context.scene, "extra_styles", "extra_style_index")
        return {"FINISHED"}


class LWSW_OT_add_region(bpy.types.Operator):
    """Give objects a look of their own; starts with the active object"""

    bl_idname = "lwsw.add_region"
    bl_label = "Add Region"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add a region at the end of the list."""
        settings = context.scene.lwsw
        region = settings.regions.add()
        active = context.view_layer.objects.active if context.view_layer else None
        if active is not None and surface_names([active]):
            region.object, region.name = active, active.name
        else:
            region.name = f"Region {len(settings.regions)}"
        settings.region_index = len(settings.regions) - 1
        return {"FINISHED"}


class LWSW_OT_remove_region(bpy.types.Operator):
    """Take the chosen region out of the list; its objects look like the rest again"""

    bl_idname = "lwsw.remove_region"
    bl_label = "Remove Region"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _is_chosen(cls, context, "regions", "region_index", "region")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        _remove(context.scene, "regions", "region_index")
        return {"FINISHED"}


class LWSW_OT_move_region(bpy.types.Operator):
    """Move the chosen region; an object named twice belongs to the upper region"""

    bl_idname = "lwsw.move_region"
    bl_label = "Move Region"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    direction: EnumProperty(items=[("UP", "Up", ""), ("DOWN", "Down", "")], options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _is_chosen(cls, context, "regions", "region_index", "region")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change places with the neighbour, if there is one."""
        settings = context.scene.lwsw
        index = settings.region_index
        other = index + (-1 if self.direction == "UP" else 1)
        if not 0 <= other < len(settings.regions):
            return {"CANCELLED"}
        settings.regions.move(index, other)
        renumber(context.scene, "lwsw.regions", {index: other, other: index})
        settings.region_index = other
        return {"FINISHED"}


def _is_chosen(operator: type[bpy.types.Operator], context: bpy.types.Context, name: str, index_name: str, what: str) -> bool:
    settings = context.scene.lwsw if context.scene is not None else None
    if settings is None or getattr(settings, index_name) >= len(getattr(settings, name)):
        operator.poll_message_set(f"No {what} is chosen in the list")
        return False
    return True


def _remove(scene: bpy.types.Scene, name: str, index_name: str) -> None:
    settings = scene.lwsw
    entries, index = getattr(settings, name), getattr(settings, index_name)
    count = len(entries)
    entries.remove(index)
    renumber(scene, f"lwsw.{name}", {index: None, **{later: later - 1 for later in range(index + 1, count)}})
    setattr(settings, index_name, max(0, min(index, count - 2)))


_CLASSES = (
    LWSW_OT_pick_style,
    LWSW_OT_add_style,
    LWSW_OT_remove_style,
    LWSW_OT_add_region,
    LWSW_OT_remove_region,
    LWSW_OT_move_region,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
