"""Objects with a look of their own."""

from __future__ import annotations

from typing import Any

import bpy

from ...recent import RecentAnswers
from ...settings.profiles import LAYER_LABELS, MAIN_LAYERS
from ...settings.properties import AS_SCENE
from ...settings.regions import Contents, contents_of, rendered_names, shared_objects, target_of, title_of
from ...source import disk_state
from .base import Section
from .sliders import draw_slider
from .text import draw_paragraph
from .weights import draw_layers

#: In larger scenes the panel does not look at the objects, so that it stays quick; Stylize does.
LARGEST_SCENE = 2000


_recent = RecentAnswers(seconds=1.0, most=4)


class LWSW_UL_regions(bpy.types.UIList):
    """One region a line: whether it counts, its name, and what it is."""

    def draw_item(self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active_data: Any, _active: str) -> None:
        """Draw a line."""
        row = layout.row(align=True)
        row.prop(item, "enabled", text="")
        row.prop(item, "name", text="", emboss=False)
        target = target_of(item)
        if target is None:
            row.label(text="Nothing", icon="ERROR")
        else:
            row.label(text=target.name, icon="OBJECT_DATA" if item.target_type == "OBJECT" else "OUTLINER_COLLECTION")


class Regions(Section):
    bl_label = "Regions"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        _draw_regions(self.layout, context)


def _draw_regions(layout: Any, context: bpy.types.Context) -> None:
    """Draw the list of regions, what is wrong with them, and the chosen one."""
    settings = context.scene.lwsw
    if not settings.regions:
        draw_paragraph(layout, "Objects with a look of their own, or left alone.", context, "INFO")
        layout.operator("lwsw.add_region", text="Add a Region", icon="ADD")
        return
    row = layout.row()
    row.template_list("LWSW_UL_regions", "", settings, "regions", settings, "region_index", rows=4)
    buttons = row.column(align=True)
    buttons.operator("lwsw.add_region", text="", icon="ADD")
    buttons.operator("lwsw.remove_region", text="", icon="REMOVE")
    buttons.separator()
    buttons.operator("lwsw.move_region", text="", icon="TRIA_UP").direction = "UP"
    buttons.operator("lwsw.move_region", text="", icon="TRIA_DOWN").direction = "DOWN"
    contents = _contents(context.scene)
    if len(context.scene.objects) > LARGEST_SCENE:
        draw_paragraph(layout, "A large scene: its regions are checked when you press Stylize.", context, "INFO")
    for sentence in shared_objects([(title_of(settings.regions[index]), found.names) for index, found in contents.items()])[:3]:
        draw_paragraph(layout, sentence, context, "INFO")
    if settings.region_index < len(settings.regions):
        _draw_region(layout, context, settings.regions[settings.region_index], contents.get(settings.region_index))


def _contents(scene: bpy.types.Scene) -> dict[int, Contents]:
    """Return what each region that counts consists of, by its place in the list, as it is now or was a second ago."""
    if len(scene.objects) > LARGEST_SCENE:
        return {}
    settings = scene.lwsw
    regions = tuple((item.enabled, title_of(item), getattr(target_of(item), "session_uid", 0)) for item in settings.regions)
    found: dict[int, Contents] = _recent.ask((scene.session_uid, settings.source, regions), lambda: _find_contents(scene))
    return found


def _find_contents(scene: bpy.types.Scene) -> dict[int, Contents]:
    layer = next((layer for layer in scene.view_layers if layer.use), None)
    rendered = rendered_names(layer) if layer is not None and scene.lwsw.source == "RENDER" else None
    regions = enumerate(scene.lwsw.regions)
    return {index: contents_of(target_of(item), title_of(item), rendered) for index, item in regions if item.enabled}


def _draw_region(layout: Any, context: bpy.types.Context, item: Any, contents: Contents | None) -> None:
    column = layout.column()
    column.row().prop(item, "target_type", expand=True)
    column.prop(item, "object" if item.target_type == "OBJECT" else "collection", text="")
    if contents is not None and (contents.error or contents.note):
        draw_paragraph(column, contents.error or contents.note, context, "ERROR" if contents.error else "INFO")
    column.row().prop(item, "look", expand=True)
    if item.look == "ALONE":
        return
    column.prop(item, "style", text="")
    if not item.style:
        column.label(text="Empty: the scene's painting", icon="INFO")
    elif not disk_state.is_file(bpy.path.abspath(item.style)):
        column.label(text="This file does not exist", icon="ERROR")
    column.prop(item, "profile")
    if item.profile != AS_SCENE:
        draw_layers(column, context.scene, item, dict(zip(MAIN_LAYERS, LAYER_LABELS, strict=True)))
        draw_slider(column, item, "content_weight", slider=False)
    draw_slider(column, item, "strength")
    if item.strength == 0:
        draw_paragraph(column, "At 0 these objects stay as rendered.", context, "INFO")
    column.prop(item, "color")
