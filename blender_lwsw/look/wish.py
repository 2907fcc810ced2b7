"""What a preview of a scene asks the backend for: the settings of a job of one frame, as they are at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..connection.preview_link import Wish
from ..recent import RecentAnswers
from ..settings import preferences
from ..settings.looks import read_looks
from ..settings.profiles import LAYER_NAMES
from ..settings.region_looks import REGION_NUMBERS
from ..settings.regions import contents_of, target_of, title_of
from ..settings.request import Request
from ..source.passes import render_size
from .variations import COLUMNS, Variation

#: Pixels of the width of a cell on a sheet, at most.
CELL_WIDTH = 192

#: Properties of ``scene.lwsw`` that a preview depends on.
_WATCHED = (
    *LAYER_NAMES,
    *("style", "style_weight", "content_weight", "strength", "frequency_exponent", "automatic_stroke_size", "color", "normalization"),
    *("first_iterations", "seed", "preview_width"),
)

#: Properties of a region that a preview depends on.
_WATCHED_REGION = (*REGION_NUMBERS, "name", "enabled", "target_type", "look", "style", "profile", "color")

#: Of these depends which picture is painted.
_WATCHED_SOURCE = ("source", "color_pattern", "passes_pattern", "output")


#: Looking through the objects of a large collection takes longer than a panel should.
_recent = RecentAnswers(seconds=1.0, most=4)


def fingerprint(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """Return values that are different when a preview has to be painted otherwise; takes microseconds."""
    settings = scene.lwsw
    others = tuple((item.path, item.weight) for item in settings.extra_styles)
    regions = tuple(
        (*(getattr(item, name) for name in _WATCHED_REGION), getattr(target_of(item), "session_uid", 0)) for item in settings.regions
    )
    return (*(getattr(settings, name) for name in _WATCHED), tuple(sorted(settings.content_layers)), others, regions, preferences.device())


def source_fingerprint(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """Return values that are different when another picture is painted."""
    return (scene.frame_current, scene.lwsw.preview_width, *(getattr(scene.lwsw, name) for name in _WATCHED_SOURCE))


def make_wish(
    scene: bpy.types.Scene,
    source: Path,
    width: int,
    *,
    passes: Path | None = None,
    iterations: int | None = None,
    variations: Sequence[Variation] = (),
    restart: bool = False,
) -> Wish:
    """Return what the backend shall paint.

    Args:
        scene: its sliders count as they stand, keyframed or not.
        source: the frame.
        width: in pixels, of the picture; of a sheet, it is that of each cell.
        passes: of the frame, which say where regions are; None where there are none.
        iterations: limit; None takes the scene's for first frames.
        variations: for a sheet; empty for one picture.
        restart: paint from the beginning.

    Raises:
        LwswError: ``missing_style``, ``unreadable_style``, ``bad_weights``, ``bad_settings``.
    """
    looks = read_looks(scene, Request(), [scene.frame_current], renders=False, now=True)
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
    return Wish(source, width, looks.paintings, order, restart, passes)


def notes_for(scene: bpy.types.Scene) -> list[str]:
    """Return what an artist should know of a preview beside the final frames."""
    settings, notes = scene.lwsw, [sentence for sentence in _region_problems(scene) if sentence]
    full = render_size(scene)[0]
    final = min(settings.width or full, full)
    if final >= 1.5 * settings.preview_width:
        factor = final / settings.preview_width
        notes.append(
            f"The painting's marks appear {factor:.1f} times as large here as in frames of {final} pixels: "
            "the sliders see the same number of pixels in both."
        )
    return notes


def has_regions(scene: bpy.types.Scene) -> bool:
    """Return whether there are regions to be painted: some that count, and that have an object."""
    return not all(_region_problems(scene))


def _region_problems(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Return, for each region that counts, why it has no object, as a sentence; empty where it has."""
    items = [item for item in scene.lwsw.regions if item.enabled]
    if not items:
        return ()
    question = (scene.session_uid, *((title_of(item), getattr(target_of(item), "session_uid", 0)) for item in items))
    problems: tuple[str, ...] = _recent.ask(
        question, lambda: tuple(contents_of(target_of(item), title_of(item), None).error for item in items)
    )
    return problems
