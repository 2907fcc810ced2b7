"""Sentences in a panel."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy


def draw_paragraph(layout: Any, text: str, context: bpy.types.Context, icon: str) -> None:
    """Draw text over as many lines as the sidebar's width asks for, with an icon in front of the first."""
    scale = context.preferences.system.ui_scale
    characters = max(16, int((context.region.width / scale - 60) / 6.2))
    column = layout.column(align=True)
    column.scale_y = 0.85
    for number, line in enumerate(textwrap.wrap(text, characters)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


def duration(seconds: float) -> str:
    """Return a duration that is only known roughly, in words: ``40 s``, ``12 min``, ``2 h 10 min``, ``30 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{round(minutes / 60)} h" if hours >= 10 or rest < 5 else f"{hours} h {rest} min"
