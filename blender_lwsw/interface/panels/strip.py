"""The active strip of results: how it was made, and what can be made of it."""

from __future__ import annotations

import functools

import bpy

from ...jobs.readiness import lost_file_mends
from ...marks import SETTINGS_MARK
from ...results.result_strips import active_result
from ...settings.profiles import PROFILES
from ...settings.snapshot import load
from ...source.strip_files import lost_file
from .base import Section
from .obstacle import draw_buttons
from .text import draw_paragraph


class Strip(Section):
    bl_label = "Stylized Strip"
    spaces = ("SEQUENCE_EDITOR",)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene is not None and active_result(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, strip = self.layout, active_result(context.scene)
        text = strip.get(SETTINGS_MARK)
        column = layout.column(align=True)
        column.label(text=_summary(text) if text else "It does not remember how it was made", icon="BRUSH_DATA")
        if (lost := lost_file([strip])) is not None:
            box = layout.box()
            draw_paragraph(box, f"The file {lost[1].name} of this strip is no longer where it was.", context, "ERROR")
            draw_buttons(box, lost_file_mends(strip)[:1])
        if text:
            layout.operator("lwsw.restore_settings", icon="LOOP_BACK")
            for settings, words in (("SCENE", "With the panel's settings:"), ("STRIP", "As it was:")):
                column = layout.column(align=True)
                column.label(text=words)
                row = column.row(align=True)
                for operator, icon in (("lwsw.stylize_again", "FILE_REFRESH"), ("lwsw.new_version", "DUPLICATE")):
                    row.operator(operator, icon=icon).settings = settings
        layout.operator("lwsw.add_to_compositor", icon="NODE_COMPOSITING")


@functools.lru_cache(maxsize=16)
def _summary(text: str) -> str:
    """Say in a few words how a strip was made; drawing must not read its settings each time."""
    memory = load(text) or {}
    values = memory.get("values", {})
    name = str(values.get("profile", "")).lower().replace("_", "-")
    look = PROFILES[name].label if name in PROFILES else "Custom"
    return f"{bpy.path.basename(str(values.get('style', '')))} · {look}"
