"""The image that a preview appears in. Its values are display-referred and shown as they are, whatever the scene's view transform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

#: What the image is called. It is looked for by name each time: undo and file loading take it away.
NAME = "LWSW Preview"


def find_image() -> bpy.types.Image | None:
    """Return the image, or None where there is none (any more)."""
    image: bpy.types.Image | None = bpy.data.images.get((NAME, None))  # not one of a library
    return image


def ensure(width: int, scene: bpy.types.Scene) -> bpy.types.Image:
    """Return the image; where there is none, make a black one in the proportions of a scene's render."""
    image = find_image()
    if image is None or image.is_float:
        across, down = scene.render.resolution_x, scene.render.resolution_y
        image = _new(width, max(1, round(width * down / across)))
    return image


def show(width: int, height: int, values: np.ndarray) -> bpy.types.Image:
    """Put pixels into the image, which is made where there is none.

    Args:
        width, height: in pixels.
        values: RGBA, rows from the bottom, flat float32 on [0, 1].
    """
    image = find_image()
    if image is None or image.is_float:
        image = _new(width, height)
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    image.pixels.foreach_set(values)
    image.update()
    for area, _space in _editors():
        area.tag_redraw()
    return image


def open_in_editor(image: bpy.types.Image, space: Any = None) -> bool:
    """Show the image in an editor; return whether one shows it now.

    Args:
        image: from :func:`ensure`.
        space: the editor whose button was pressed, where that is an Image Editor. Of others only those are taken that show nothing.
    """
    if space is not None and space.type == "IMAGE_EDITOR":
        space.image = image
        return True
    spaces = [other for _, other in _editors()]
    if any(other.image == image for other in spaces):
        return True
    empty = next((other for other in spaces if other.image is None), None)
    if empty is None:
        return False
    empty.image = image
    return True


def is_shown() -> bool:
    """Return whether an editor shows the image."""
    image = find_image()
    return image is not None and any(space.image == image for _, space in _editors())


def open_beside(image: bpy.types.Image, screen: bpy.types.Screen, area: bpy.types.Area) -> None:
    """Split an editor and show the image in its left half; the other half keeps the sidebar.

    Args:
        image: from :func:`ensure`.
        screen: where the editor is.
        area: the editor.
    """
    before, width, height = set(screen.areas), area.width / 2, area.height
    with bpy.context.temp_override(area=area):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5)
    for beside in set(screen.areas) - before:
        beside.ui_type = "IMAGE_EDITOR"
        beside.spaces.active.image = image
        beside.spaces.active.zoom_percentage = 90 * min(width / image.size[0], height / image.size[1])


def keep(image: bpy.types.Image | None = None) -> None:
    """Have the picture saved with the file, so that Blender does not ask about an unsaved image when it quits."""
    image = image or find_image()
    if image is not None and image.is_dirty:
        image.pack()


def remove() -> None:
    """Remove the image."""
    image = find_image()
    if image is not None:
        bpy.data.images.remove(image)


def _new(width: int, height: int) -> bpy.types.Image:
    """Make the image: 8 bits a value, in the colour space that such images have, so that editors show each value as it is."""
    before = find_image()
    if before is not None:  # somebody else's of that name
        before.name = f"{NAME}.old"
    image: bpy.types.Image = bpy.data.images.new(NAME, width, height, alpha=False, float_buffer=False)
    return image


def _editors() -> Iterator[tuple[bpy.types.Area, Any]]:
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type == "IMAGE_EDITOR" and area.ui_type == "IMAGE_EDITOR":
                    yield area, area.spaces.active
