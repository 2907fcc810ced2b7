"""The backend."""

from __future__ import annotations

import bpy

from ...connection.backend import session_backend
from .base import Section
from .text import draw_paragraph


class Backend(Section):
    bl_label = "Backend"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        state = session_backend.state
        icon = "CHECKMARK" if state.startswith("Running") else "ERROR" if state.startswith(("Failed", "Stopped")) else "DOT"
        draw_paragraph(layout, state, context, icon)
        if session_backend.owns_process():
            layout.operator("lwsw.stop_backend", icon="PAUSE")
        elif not state.startswith("Running"):
            layout.operator("lwsw.start_backend", icon="PLAY")
