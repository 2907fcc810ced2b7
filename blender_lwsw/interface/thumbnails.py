"""Small pictures of paintings for the panel; Blender makes them in the background."""

from __future__ import annotations

from pathlib import Path

import bpy
import bpy.utils.previews

_previews: bpy.utils.previews.ImagePreviewCollection | None = None


def icon_of(path: str) -> int:
    """Return the icon number of a picture file, 0 if there is none. A file that has changed gets a new icon."""
    if _previews is None or not path:
        return 0
    try:
        key = f"{path}:{Path(path).stat().st_mtime_ns}"
    except OSError:
        return 0
    if key not in _previews:
        _previews.load(key, path, "IMAGE")
    return int(_previews[key].icon_id)


def register() -> None:
    """Make the collection."""
    global _previews
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    """Free the pictures."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
