"""At which scale the painting speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from ...jobs.workload import sizes
from ...settings.profiles import ADVANCED_LAYERS, LAYER_LABELS, LAYER_NAMES, MAIN_LAYERS, structure_size
from ..balance_picture import TILES, balance_icons
from .base import Section
from .sliders import draw_slider
from .text import draw_paragraph

#: Pixels at a user interface scale of 1: the unit of an icon's scale, what the sidebar's margins take, a tile's largest side, and what
#: Blender leaves free between two icons (measured in 5.2).
_UNIT, _MARGINS, _LARGEST_TILE, _GAP = 20, 48, 100, 7


class Weights(Section):
    bl_label = "Layer Weights"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.prop(settings, "profile")
        _draw_balance(layout, context)
        draw_layers(layout, context.scene, settings, dict(zip(MAIN_LAYERS, LAYER_LABELS, strict=True)))
        others = sum(getattr(settings, layer) > 0 for layer in ADVANCED_LAYERS)
        if others:
            text = "1 other layer weighs too: see Advanced" if others == 1 else f"{others} other layers weigh too: see Advanced"
            draw_paragraph(layout, text, context, "INFO")
        draw_slider(layout, settings, "content_weight", slider=False)


class Advanced(Section):
    bl_label = "Advanced"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way
    parent = Weights

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.label(text="The other layers")
        draw_layers(layout, context.scene, settings, {layer: layer for layer in ADVANCED_LAYERS})
        layout.prop(settings, "automatic_stroke_size")
        if not settings.automatic_stroke_size:
            draw_slider(layout, settings, "frequency_exponent")
        layout.label(text="Content layers (Shift-click for several)")
        grid = layout.grid_flow(row_major=True, columns=4, even_columns=True, align=True)
        for layer in LAYER_NAMES:
            grid.prop_enum(settings, "content_layers", layer)
        layout.label(text="Normalization")
        layout.row().prop(settings, "normalization", expand=True)


def draw_layers(layout: Any, scene: bpy.types.Scene, owner: Any, labels: Mapping[str, str]) -> None:
    """Draw sliders of layers; each label says how large a structure the layer sees, in pixels of the frames that are stylized.

    Args:
        layout: where.
        scene: whose frames they are.
        owner: the scene's settings, or a region.
        labels: what to call each layer.
    """
    source, stylized = (size[0] for size in sizes(scene))
    column = layout.column(align=True)
    for layer, label in labels.items():
        draw_slider(column, owner, layer, f"{label} · {structure_size(layer, source, stylized):.0f} px")


def _draw_balance(layout: Any, context: bpy.types.Context) -> None:
    """Draw the curve of all layers that weigh, and from where to where the five sliders reach."""
    scale = context.preferences.system.ui_scale
    side = min(_LARGEST_TILE, (context.region.width / scale - _MARGINS) / TILES)
    theme = context.preferences.themes[0].user_interface
    icons = balance_icons(context.scene.lwsw, theme, max(16, round(side * scale)), round(_GAP * scale))
    if not icons:
        return
    row = layout.row(align=True)
    row.alignment = "CENTER"
    for icon in icons:
        row.template_icon(icon_value=icon, scale=side / _UNIT)
