"""Operators of look development: the preview, sheets of variations, and taking one of them. What they do is in api.py and look/."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from collections.abc import Sequence
from typing import Any

import bpy
from bpy.props import IntProperty

from .. import api
from ..errors import LwswError
from ..jobs import exit_status
from ..look.session import preview_session
from ..look.variations import Variation, chosen, take_variation, variations_of
from ..results import preview_image
from .scene_operator import OperatorPart

_keymaps: list[tuple[Any, Any]] = []


class _Look(OperatorPart):
    """What starts something that is painted."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene is not None

    def _start(self, context: bpy.types.Context, variations: Sequence[Variation]) -> set[str]:
        """Start in the window and return; paint and wait elsewhere."""
        try:
            if bpy.app.background:
                preview_session.variations = tuple(variations)
                still = api.paint(context.scene, variations=variations)
                preview_image.keep(preview_image.show(still.image.width, still.image.height, still.image.values))
            else:
                preview_session.start(context.scene, variations, context.space_data)
        except LwswError as error:
            preview_session.error = error
            exit_status.remember(str(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LWSW_OT_preview(_Look, bpy.types.Operator):
    """Paint the current frame small, in the Image Editor; it follows the sliders and the current frame"""

    bl_idname = "lwsw.preview"
    bl_label = "Preview"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the preview; without a window, paint the picture and return when it is settled."""
        return self._start(context, ())


class LWSW_OT_show_preview(bpy.types.Operator):
    """Split this editor and show the preview in an Image Editor beside the sliders; join the two again when it is done"""

    bl_idname = "lwsw.show_preview"
    bl_label = "Show It Beside"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.area is None:
            cls.poll_message_set("There is no editor to split")
            return False
        return _is_running(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Split the editor."""
        image = preview_image.ensure(context.scene.lwsw.preview_width, context.scene)
        preview_image.open_beside(image, context.screen, context.area)
        return {"FINISHED"}


class LWSW_OT_stop_preview(bpy.types.Operator):
    """End the preview and give the memory of its process back; the picture stays"""

    bl_idname = "lwsw.stop_preview"
    bl_label = "Stop Preview"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _is_running(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop it."""
        preview_session.stop()
        return {"FINISHED"}


class LWSW_OT_compare(bpy.types.Operator):
    """Show the frame as it was rendered in the same image, or the painting of it again"""

    bl_idname = "lwsw.compare"
    bl_label = "Compare with the Source"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if preview_session.is_sheet:
            cls.poll_message_set("A sheet of variations is shown; take one of them first")
            return False
        return _is_running(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Change over."""
        preview_session.show_source(not preview_session.shows_source)
        return {"FINISHED"}


class LWSW_OT_restart_preview(bpy.types.Operator):
    """Paint from the render again, as a job does, instead of going on from the present picture"""

    bl_idname = "lwsw.restart_preview"
    bl_label = "Start Over"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _is_running(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Start over."""
        preview_session.start_over()
        return {"FINISHED"}


class LWSW_OT_render_preview(bpy.types.Operator):
    """Render the current frame small for the preview, even where there is a rendered picture of it"""

    bl_idname = "lwsw.render_preview"
    bl_label = "Render Again"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is not None and context.scene.lwsw.source != "RENDER":
            cls.poll_message_set("The source is not Render")
            return False
        return _is_running(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Render."""
        preview_session.render_again()
        return {"FINISHED"}


class LWSW_OT_explore(_Look, bpy.types.Operator):
    """Paint a sheet of variations of the look; a click on one takes it"""

    bl_idname = "lwsw.explore"
    bl_label = "Explore"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the sheet; without a window, paint it and return when it is settled."""
        return self._start(context, variations_of(context.scene.lwsw))


class LWSW_OT_take_variation(bpy.types.Operator):
    """Take the look of a variation: click on it, or give its number"""

    bl_idname = "lwsw.take_variation"
    bl_label = "Take Variation"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - Blender's way

    index: IntProperty(name="Variation", description="Counted from 0, row by row", default=0, min=0, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None or not preview_session.is_sheet:
            cls.poll_message_set("There is no sheet of variations; press Explore first")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: Any) -> set[str]:
        """Take the one under the mouse; let a click that is none pass on."""
        if not self.properties.is_property_set("index"):
            index = _index_at_mouse(context, event)
            if index is None:
                return {"PASS_THROUGH"}
            self.index = index
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it; the preview goes on with that look."""
        try:
            take_variation(context.scene, chosen(preview_session.variations, self.index))
            if preview_session.is_running:
                preview_session.start(context.scene)
            else:
                preview_session.variations = ()
        except LwswError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _index_at_mouse(context: bpy.types.Context, event: Any) -> int | None:
    """Return the number of the variation under the mouse; None where there is none."""
    space, region, image = context.space_data, context.region, preview_image.find_image()
    if image is None or space is None or space.type != "IMAGE_EDITOR" or space.image != image or region is None or region.type != "WINDOW":
        return None
    across, up = region.view2d.region_to_view(event.mouse_region_x, event.mouse_region_y)
    return preview_session.index_at(across * image.size[0], (1.0 - up) * image.size[1])


def _is_running(operator: type[bpy.types.Operator]) -> bool:
    if not preview_session.is_running:
        operator.poll_message_set("There is no preview")
        return False
    return True


_CLASSES = (
    LWSW_OT_preview,
    LWSW_OT_show_preview,
    LWSW_OT_stop_preview,
    LWSW_OT_compare,
    LWSW_OT_restart_preview,
    LWSW_OT_render_preview,
    LWSW_OT_explore,
    LWSW_OT_take_variation,
)


def register() -> None:
    """Add the operators, and the click on a variation: no modal operator, which would hold up Blender's automatic backups."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    configuration = bpy.context.window_manager.keyconfigs.addon if bpy.context.window_manager else None
    if configuration is None:  # without a window
        return
    # the tool's own keymap comes before that of the editor, and the usual tool takes clicks to sample colours
    for name, tool in (("Image", False), ("Image Editor Tool: Sample", True)):
        keymap = configuration.keymaps.new(name, space_type="IMAGE_EDITOR", region_type="WINDOW", tool=tool)
        _keymaps.append((keymap, keymap.keymap_items.new("lwsw.take_variation", "LEFTMOUSE", "PRESS")))


def unregister() -> None:
    """Remove the operators and the click."""
    for keymap, item in _keymaps:
        keymap.keymap_items.remove(item)
    _keymaps.clear()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
