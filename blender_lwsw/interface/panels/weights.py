"""At which scale the painting speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from ...settings.profiles import ADVANCED_LAYERS, LAYER_LABELS, LAYER_NAMES, MAIN_LAYERS, structure_size
from ...source import passes
from .base import Section


class Weights(Section):
    bl_label = "Layer Weights"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lwsw
        layout.prop(settings, "profile")
        _draw_layers(layout, context.scene, dict(zip(MAIN_LAYERS, LAYER_LABELS, strict=True)))
        layout.prop(settings, "content_weight")


class Advanced(Section):
    bl_label = "Advanced"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 - Blender's way
    parent = Weights

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


def _draw_layers(layout: Any, scene: bpy.types.Scene, labels: Mapping[str, str]) -> None:
    width = passes.render_size(scene)[0]
    stylized = min(scene.lwsw.width or width, width)
    column = layout.column(align=True)
    for layer, label in labels.items():
        column.prop(scene.lwsw, layer, text=f"{label} · {structure_size(layer, width, stylized):.0f} px", slider=True)
