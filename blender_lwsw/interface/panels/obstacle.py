"""What is in the job's way, or what it ended with: one sentence, and the buttons that mend it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from ...errors import LwswError
from ...jobs.readiness import Mend, Obstacle
from .text import draw_paragraph


def draw_obstacle(layout: Any, context: bpy.types.Context, obstacle: Obstacle) -> None:
    """Draw an obstacle."""
    box = layout.box()
    draw_paragraph(box, obstacle.sentence, context, "ERROR")
    draw_buttons(box.column(align=True), obstacle.mends)


def draw_error(layout: Any, context: bpy.types.Context, error: LwswError, mends: Iterable[Mend]) -> None:
    """Draw an error with its way out."""
    box = layout.box()
    draw_paragraph(box, error.message, context, "CANCEL" if error.code == "cancelled" else "ERROR")
    if error.hint:
        draw_paragraph(box, error.hint, context, "RIGHTARROW_THIN")
    draw_buttons(box, mends)


def draw_buttons(layout: Any, mends: Iterable[Mend]) -> None:
    """Draw the buttons that mend something."""
    for mend in mends:
        button = layout.operator(mend.operator, text=mend.label, icon=mend.icon)
        for name, value in mend.values.items():
            setattr(button, name, value)
