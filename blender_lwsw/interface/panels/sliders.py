"""Sliders with their keyframe dots."""

from __future__ import annotations

from typing import Any


def draw_slider(layout: Any, owner: Any, name: str, text: str | None = None, slider: bool = True) -> None:
    """Draw a number with the dot that shows, and sets, its keyframes.

    Blender draws the dot by itself only where the label stands in a column of its own, which is too narrow for a layer's label.

    Args:
        layout: where.
        owner: whose property it is.
        name: of the property.
        text: the label; None for the property's name.
        slider: as a bar; else as a field.
    """
    row = layout.row(align=True)
    row.use_property_split = False
    row.prop(owner, name, slider=slider, **({} if text is None else {"text": text}))
    row.prop_decorator(owner, name)
