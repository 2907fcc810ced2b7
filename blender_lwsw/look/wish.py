"""What a preview of a scene asks the backend for: the settings of a job of one frame, as they are at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..connection.preview_link import Wish
from ..settings import preferences
from ..settings.looks import read_looks
from ..settings.profiles import LAYER_NAMES
from ..settings.request import Request
from ..source import passes
from .variations import COLUMNS, Variation

#: Pixels of the width of a cell on a sheet, at most.
CELL_WIDTH = 192

_NO_REGIONS = "Regions are not painted in the preview."

#: Properties of ``scene.lwsw`` that a preview depends on.
_WATCHED = (
    *LAYER_NAMES,
    *("style", "style_weight", "content_weight", "strength", "frequency_exponent", "automatic_stroke_size", "color", "normalization"),
    *("first_iterations", "seed", "preview_width"),
)

#: Of these depends which picture is painted.
_WATCHED_SOURCE = ("source", "color_pattern", "passes_pattern", "output")


def fingerprint(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """Return values that are different when a preview has to be painted otherwise; takes microseconds."""
    settings = scene.lwsw
    others = tuple((item.path, item.weight) for item in settings.extra_styles)
    return (*(getattr(settings, name) for name in _WATCHED), tuple(sorted(settings.content_layers)), others, preferences.device())


def source_fingerprint(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """Return values that are different when another picture is painted."""
    return (scene.frame_current, scene.lwsw.preview_width, *(getattr(scene.lwsw, name) for name in _WATCHED_SOURCE))


def make_wish(
    scene: bpy.types.Scene,
    source: Path,
    width: int,
    *,
    iterations: int | None = None,
    variations: Sequence[Variation] = (),
    restart: bool = False,
) -> Wish:
    """Return what the backend shall paint.

    Args:
        scene: its sliders count as they stand, keyframed or not.
        source: the frame.
        width: in pixels, of the picture; of a sheet, it is that of each cell.
        iterations: limit; None takes the scene's for first frames.
        variations: for a sheet; empty for one picture.
        restart: paint from the beginning.

    Raises:
        LwswError: ``missing_style``, ``unreadable_style``, ``bad_weights``, ``bad_settings``.
    """
    looks = read_looks(scene, Request(regions=[]), [scene.frame_current], renders=False, now=True)
    settings: dict[str, Any] = {
        **looks.settings,
        "first_iterations": scene.lwsw.first_iterations if iterations is None else iterations,
        "seed": scene.lwsw.seed,
        "device": preferences.device(),
    }
    order: dict[str, Any] = {"styles": list(looks.paintings)}
    if variations:
        order["cells"] = [{"label": item.label, "settings": {**settings, **item.settings()}} for item in variations]
        order["columns"] = COLUMNS
    else:
        order["settings"] = settings
    return Wish(source, width, looks.paintings, order, restart)


def notes_for(scene: bpy.types.Scene) -> list[str]:
    """Return what an artist should know of a preview beside the final frames."""
    settings, notes = scene.lwsw, []
    if any(region.enabled for region in settings.regions):
        notes.append(_NO_REGIONS)
    full = passes.render_size(scene)[0]
    final = min(settings.width or full, full)
    if final >= 1.5 * settings.preview_width:
        factor = final / settings.preview_width
        notes.append(
            f"The painting's marks appear {factor:.1f} times as large here as in frames of {final} pixels: "
            "the sliders see the same number of pixels in both."
        )
    return notes
