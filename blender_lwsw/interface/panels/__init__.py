"""The sidebar tab "LWSW" of three editors, a module per section. Draws only; whatever is missing or wrong is said in a sentence."""

from __future__ import annotations

import bpy

from .backend import Backend, show_in_preferences
from .base import Section
from .look import Look
from .motion import Motion
from .quality import Quality
from .regions import LWSW_UL_regions, Regions
from .run import Run
from .source import Source
from .strip import Strip
from .style import LWSW_UL_paintings, Style
from .weights import Advanced, Weights

#: The editors, with the word for each in the panels' names.
_EDITORS = (("NODE_EDITOR", "node"), ("SEQUENCE_EDITOR", "sequencer"), ("IMAGE_EDITOR", "image"))
#: From top to bottom. Stylize comes early: below the sliders it would lie outside an editor of half the window's height.
_SECTIONS: tuple[type[Section], ...] = (Style, Look, Run, Strip, Weights, Advanced, Regions, Motion, Quality, Source, Backend)


def _identifier(short: str, section: type[Section]) -> str:
    return f"LWSW_PT_{short}_{section.__name__.lower()}"


def _panel(section: type[Section], space: str, short: str) -> type:
    attributes = {"bl_idname": _identifier(short, section), "bl_space_type": space}
    if section.parent is not None:
        attributes["bl_parent_id"] = _identifier(short, section.parent)
    return type(attributes["bl_idname"], (section, bpy.types.Panel), attributes)


_PANELS = [
    _panel(section, space, short) for space, short in _EDITORS for section in _SECTIONS if not section.spaces or space in section.spaces
]
_CLASSES = (LWSW_UL_paintings, LWSW_UL_regions, *_PANELS)


def register() -> None:
    """Add the panels."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    show_in_preferences(True)


def unregister() -> None:
    """Remove the panels."""
    show_in_preferences(False)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
