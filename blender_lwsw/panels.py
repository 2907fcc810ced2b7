"""The sidebar tab "LWSW" of the Compositor and the Sequencer. Draws only; whatever is missing or wrong is said in a sentence."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import bpy

from . import passes
from .backend import session_backend
from .console import clock
from .errors import LwswError
from .profiles import LAYER_LABELS, MAIN_LAYERS, structure_sizes
from .session import session
from .thumbnails import icon_of


class _Panel:
    """What all panels share."""

    bl_region_type = "UI"
    bl_category = "LWSW"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            return False
        return cls.bl_space_type != "NODE_EDITOR" or context.space_data.tree_type == "CompositorNodeTree"


class _Main(_Panel):
    bl_label = "Stylize"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        settings = scene.lwsw
        _draw_style(layout, settings)
        layout.prop(settings, "profile")
        _draw_layers(layout, scene)
        _draw_job(layout, context)


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


class _Details(_Panel):
    bl_label = "Details"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.use_property_split = True
        for name in ("content_weight", "temporal_weight", "frequency_exponent", "iterations", "first_iterations", "seed"):
            layout.prop(settings, name)


class _Backend(_Panel):
    bl_label = "Backend"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        state = session_backend.state
        icon = "CHECKMARK" if state.startswith("Running") else "ERROR" if state.startswith(("Failed", "Stopped")) else "DOT"
        _paragraph(layout, state, _context, icon)
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


def _draw_layers(layout: Any, scene: bpy.types.Scene) -> None:
    width = passes.render_size(scene)[0]
    sizes = structure_sizes(width, min(scene.lwsw.width or width, width))
    column = layout.column(align=True)
    for layer, label, size in zip(MAIN_LAYERS, LAYER_LABELS, sizes, strict=True):
        column.prop(scene.lwsw, layer, text=f"{label} · {size:.0f} px", slider=True)


def _draw_job(layout: Any, context: bpy.types.Context) -> None:
    progress = session.progress()
    if progress is None:
        row = layout.row()
        row.scale_y = 1.6
        row.operator("lwsw.stylize", icon="BRUSH_DATA")
        if session.stopped is not None:
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
        _paragraph(layout, note, context, "INFO")


def _draw_error(layout: Any, error: LwswError, context: bpy.types.Context) -> None:
    box = layout.box()
    _paragraph(box, error.message, context, "CANCEL" if error.code == "cancelled" else "ERROR")
    if error.hint:
        _paragraph(box, error.hint, context, "RIGHTARROW_THIN")


def _paragraph(layout: Any, text: str, context: bpy.types.Context, icon: str) -> None:
    """Draw text over as many lines as the sidebar's width asks for."""
    scale = context.preferences.system.ui_scale
    characters = max(16, int((context.region.width / scale - 60) / 6.2))
    column = layout.column(align=True)
    column.scale_y = 0.85
    for number, line in enumerate(textwrap.wrap(text, characters)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


def _classes() -> list[type]:
    classes = []
    for space, short in (("NODE_EDITOR", "node"), ("SEQUENCE_EDITOR", "sequencer")):
        for base in (_Main, _Source, _Details, _Backend):
            name = f"LWSW_PT_{short}_{base.__name__.strip('_').lower()}"
            classes.append(type(name, (base, bpy.types.Panel), {"bl_idname": name, "bl_space_type": space}))
    return classes


_CLASSES = _classes()


def register() -> None:
    """Add the panels."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Remove the panels."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
