"""Small pictures of paintings and of finished frames for the panel; Blender makes them in the background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import bpy.utils.previews

from ..source import disk_state

#: How many finished frames are kept: a job has thousands. More than are shown, for those that a window still shows.
KEPT_RESULTS = 12

_previews: bpy.utils.previews.ImagePreviewCollection | None = None
_results: bpy.utils.previews.ImagePreviewCollection | None = None


def icon_of(path: str) -> int:
    """Return the icon number of a picture file, 0 if there is none. A file that has changed gets a new icon."""
    return _icon(_previews, path) if path else 0


def results_icons(paths: Sequence[Path]) -> list[int]:
    """Return the icon numbers of finished frames; the oldest of earlier calls are freed."""
    icons = [icon for path in paths if (icon := _icon(_results, str(path)))]
    if _results is not None:
        for key in list(_results)[:-KEPT_RESULTS]:
            del _results[key]
    return icons


def _icon(previews: bpy.utils.previews.ImagePreviewCollection | None, path: str) -> int:
    if previews is None:
        return 0
    stamp = disk_state.modified(path)
    if stamp is None:
        return 0
    key = f"{path}:{stamp}"
    if key not in previews:
        previews.load(key, path, "IMAGE")
    return int(previews[key].icon_id)


def register() -> None:
    """Make the collections."""
    global _previews, _results
    _previews, _results = bpy.utils.previews.new(), bpy.utils.previews.new()


def unregister() -> None:
    """Free the pictures."""
    global _previews, _results
    for previews in (_previews, _results):
        if previews is not None:
            bpy.utils.previews.remove(previews)
    _previews = _results = None
