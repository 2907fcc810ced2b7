"""The sidebar tab "LWSW" of the Compositor and the Sequencer. Draws only; whatever is missing or wrong is said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..connection.backend import session_backend
from ..errors import LwswError
from ..jobs.console import clock
from ..jobs.session import session
from ..settings.profiles import ADVANCED_LAYERS, LAYER_LABELS, LAYER_NAMES, MAIN_LAYERS, structure_size
from ..source import passes
from .panel_lists import draw_other_paintings, draw_regions
from .panel_text import draw_paragraph
from .thumbnails import icon_of


class _Panel:
    """What all panels share."""

    bl_region_type = "UI"
    bl_category = "LWSW"
    parent: type[_Panel] | None = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            return False
        return cls.bl_space_type != "NODE_EDITOR" or context.space_data.tree_type == "CompositorNodeTree"


class _Style(_Panel):
    bl_label = "Style"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        _draw_style(layout, settings)
        draw_other_paintings(layout, settings)
        layout.prop(settings, "strength", slider=True)
        layout.prop(settings, "color")


class _Weights(_Panel):
    bl_label = "Layer Weights"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.prop(settings, "profile")
        _draw_layers(layout, context.scene, dict(zip(MAIN_LAYERS, LAYER_LABELS, strict=True)))
        layout.prop(settings, "content_weight")


class _Advanced(_Panel):
    bl_label = "Advanced"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way
    parent = _Weights

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.label(text="The other layers")
        _draw_layers(layout, context.scene, {layer: layer for layer in ADVANCED_LAYERS})
        layout.prop(settings, "automatic_stroke_size")
        if not settings.automatic_stroke_size:
            layout.prop(settings, "frequency_exponent", slider=True)
        layout.label(text="Content layers (Shift-click for several)")
        grid = layout.grid_flow(row_major=True, columns=4, even_columns=True, align=True)
        for layer in LAYER_NAMES:
            grid.prop_enum(settings, "content_layers", layer)
        layout.label(text="Normalization")
        layout.row().prop(settings, "normalization", expand=True)


class _Regions(_Panel):
    bl_label = "Regions"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        draw_regions(self.layout, context)


class _Details(_Panel):
    bl_label = "Motion and Quality"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.use_property_split = True
        for name in ("temporal_weight", "cuts", "second_pass", "iterations", "first_iterations", "seed"):
            layout.prop(settings, name)


class _Source(_Panel):
    bl_label = "Source and Output"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop(settings, "source", expand=True)
        if settings.source == "FILES":
            layout.prop(settings, "color_pattern")
            layout.prop(settings, "passes_pattern")
        scene = context.scene
        layout.label(text=f"Frames {scene.frame_start} to {scene.frame_end}", icon="TIME")
        layout.prop(settings, "width")
        layout.prop(settings, "output")
        layout.prop(settings, "add_source_strip")


class _Run(_Panel):
    bl_label = "Stylize"

    def draw(self, context: bpy.types.Context) -> None:
        _draw_job(self.layout, context)


class _Backend(_Panel):
    bl_label = "Backend"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        state = session_backend.state
        icon = "CHECKMARK" if state.startswith("Running") else "ERROR" if state.startswith(("Failed", "Stopped")) else "DOT"
        draw_paragraph(layout, state, _context, icon)
        if session_backend.owns_process():
            layout.operator("lwsw.stop_backend", icon="PAUSE")
        elif not state.startswith("Running"):
            layout.operator("lwsw.start_backend", icon="PLAY")


def _draw_style(layout: Any, settings: Any) -> None:
    path = bpy.path.abspath(settings.style) if settings.style else ""
    if icon := icon_of(path):
        layout.template_icon(icon_value=icon, scale=6.0)
    row = layout.row(align=True)
    if not settings.style:
        row.operator("lwsw.pick_style", icon="IMAGE_DATA")
    else:
        row.prop(settings, "style", text="")
        if not Path(path).is_file():
            layout.label(text="This file does not exist", icon="ERROR")


def _draw_layers(layout: Any, scene: bpy.types.Scene, labels: Mapping[str, str]) -> None:
    width = passes.render_size(scene)[0]
    stylized = min(scene.lwsw.width or width, width)
    column = layout.column(align=True)
    for layer, label in labels.items():
        column.prop(scene.lwsw, layer, text=f"{label} · {structure_size(layer, width, stylized):.0f} px", slider=True)


def _draw_job(layout: Any, context: bpy.types.Context) -> None:
    progress = session.progress()
    if progress is None:
        row = layout.row()
        row.scale_y = 1.6
        row.operator("lwsw.stylize", icon="BRUSH_DATA")
        if session.can_resume:
            row.operator("lwsw.resume", icon="PLAY")
        if not context.scene.lwsw.style:
            layout.label(text="Choose a painting first", icon="INFO")
    else:
        left = f" · {clock(progress.seconds_left)} left" if progress.seconds_left else ""
        layout.progress(factor=progress.fraction, type="BAR", text=progress.text + left)
        layout.operator("lwsw.cancel", icon="CANCEL")
    if session.error is not None:
        _draw_error(layout, session.error, context)
    elif session.summary:
        layout.label(text=session.summary, icon="CHECKMARK")
    for note in session.notes:
        draw_paragraph(layout, note, context, "INFO")


def _draw_error(layout: Any, error: LwswError, context: bpy.types.Context) -> None:
    box = layout.box()
    draw_paragraph(box, error.message, context, "CANCEL" if error.code == "cancelled" else "ERROR")
    if error.hint:
        draw_paragraph(box, error.hint, context, "RIGHTARROW_THIN")


def _identifier(short: str, base: type[_Panel]) -> str:
    return f"LWSW_PT_{short}_{base.__name__.strip('_').lower()}"


def _classes() -> list[type]:
    classes = []
    for space, short in (("NODE_EDITOR", "node"), ("SEQUENCE_EDITOR", "sequencer")):
        # Stylize comes early: below the sliders it would lie outside an editor of half the window's height
        for base in (_Style, _Run, _Weights, _Advanced, _Regions, _Details, _Source, _Backend):
            attributes = {"bl_idname": _identifier(short, base), "bl_space_type": space}
            if base.parent is not None:
                attributes["bl_parent_id"] = _identifier(short, base.parent)
            classes.append(type(attributes["bl_idname"], (base, bpy.types.Panel), attributes))
    return classes


_CLASSES = _classes()

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
