"""The curve of the balance as a small picture in the panel, in the theme's colours. Drawn anew only when a value has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from ..settings.balance import balance_curve, place_of
from ..settings.profiles import LAYER_NAMES, MAIN_LAYERS

#: An icon is a square, so a wide picture is made of several side by side.
TILES = 3

#: The density at which the curve reaches half of the picture's height; it never reaches the top.
_HALF_HEIGHT = 1.0

#: Half the width of the curve's line, and half a pixel for its soft edge, in pixels.
_LINE = 1.2

#: Sizes that are kept; while a sidebar is widened there is a new one at each drawing.
_KEPT_SIZES = 6

_MARKS = np.array([place_of(layer) for layer in MAIN_LAYERS])

_previews: bpy.utils.previews.ImagePreviewCollection | None = None
#: What each size's tiles show: sidebars of several editors are drawn in turn, and may differ in width.
_shown: dict[tuple[int, int], tuple[Any, ...]] = {}


def balance_icons(settings: Any, theme: Any, side: int, gap: int) -> list[int]:
    """Return the icon numbers of the tiles, from left to right; empty where there is no window.

    Args:
        settings: ``scene.lwsw``; its weights at the current frame count.
        theme: ``context.preferences.themes[0].user_interface``.
        side: from one tile to the next, in pixels of the screen.
        gap: what Blender leaves free between two tiles, in pixels; the curve goes on behind it.
    """
    if _previews is None:
        return []
    weights = tuple(round(getattr(settings, layer), 4) for layer in LAYER_NAMES)
    fill, line = (tuple(color) for color in (theme.wcol_numslider.item, theme.wcol_regular.text))
    wanted, size = (weights, fill, line), (side, gap)
    if _shown.get(size) != wanted:
        _make_room_for(size)
        seen = side - gap
        picture = draw_balance(dict(zip(LAYER_NAMES, weights, strict=True)), fill[:3], line[:3], (side * TILES - gap, seen))
        for tile in range(TILES):
            _fill(_name(size, tile), picture[:, tile * side : tile * side + seen])
        _shown[size] = wanted
    return [int(_previews[_name(size, tile)].icon_id) for tile in range(TILES)]


def draw_balance(weights: dict[str, float], fill: Sequence[float], line: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """Return the picture, (height, width, 4) from 0 to 1, rows from the bottom up as Blender has them.

    Args:
        weights: by layer.
        fill: colour below the curve, red, green and blue.
        line: colour of the curve, the ground and the marks of the five sliders.
        size: width and height in pixels.
    """
    width, height = size
    ground = max(3.0, round(height / 12))
    density = balance_curve(weights, width)
    curve = ground + density / (density + _HALF_HEIGHT) * (height - ground - 2)
    row = np.arange(height)[:, None] + 0.5  # middles of pixels; what follows is how much of each pixel is covered
    below = np.clip(curve - row + 0.5, 0, 1) * (row > ground)
    distance = np.abs(row - curve) / np.hypot(1.0, np.gradient(curve))
    edge = np.clip(_LINE - distance, 0, 1) * (row > ground - 1)
    marks = (np.clip(1.0 - np.abs(np.arange(width) + 0.5 - _MARKS[:, None] * width), 0, 1)).max(0) * (row < ground - 1)
    over = np.maximum(0.9 * edge, 0.8 * marks)[..., None]
    under = 0.85 * below[..., None] * (1 - over)
    alpha = over + under
    color = (over * np.asarray(line) + under * np.asarray(fill)) / np.maximum(alpha, 1e-6)
    return np.concatenate([color, alpha], -1)


def _name(size: tuple[int, int], tile: int) -> str:
    return f"{size[0]} {size[1]} {tile}"


def _make_room_for(size: tuple[int, int]) -> None:
    """Free the tiles of the size that came first, if a new one would be too many."""
    if size in _shown or len(_shown) < _KEPT_SIZES or _previews is None:
        return
    oldest = next(iter(_shown))
    del _shown[oldest]
    for tile in range(TILES):
        del _previews[_name(oldest, tile)]


def _fill(name: str, pixels: np.ndarray) -> None:
    assert _previews is not None
    preview = _previews[name] if name in _previews else _previews.new(name)
    height, width, _ = pixels.shape
    preview.icon_size = preview.image_size = (width, height)
    flat = np.ascontiguousarray(pixels, np.float32).ravel()
    preview.image_pixels_float.foreach_set(flat)
    preview.icon_pixels_float.foreach_set(flat)


def register() -> None:
    """Make the collection; in the background nothing is drawn."""
    global _previews
    _shown.clear()
    if not bpy.app.background:
        _previews = bpy.utils.previews.new()


def unregister() -> None:
    """Free the pictures."""
    global _previews
    _shown.clear()
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
