"""What is in the job's way: one sentence, and the buttons that mend it."""

from __future__ import annotations

from typing import Any

import bpy

from ...jobs.readiness import Obstacle
from .text import draw_paragraph


def draw_obstacle(layout: Any, context: bpy.types.Context, obstacle: Obstacle) -> None:
    """Draw an obstacle."""
    box = layout.box()
    draw_paragraph(box, obstacle.sentence, context, "ERROR")
    column = box.column(align=True)
    for mend in obstacle.mends:
        button = column.operator(mend.operator, text=mend.label, icon=mend.icon)
        for name, value in mend.values.items():
            setattr(button, name, value)
