"""Lays pictures out in a grid with a line of text below each, and says where each lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_PAPER, _INK = 0.11, 0.86  # grey levels: beside white paper dark pictures look darker
_GAP, _LINE, _SCALE = 6, 16, 0.36  # pixels between cells; height of a line of text; size of the font


@dataclass(frozen=True)
class Place:
    """A cell on the sheet, its label included, in pixels from the upper left corner."""

    x: int
    y: int
    width: int
    height: int


def places(count: int, columns: int, width: int, height: int) -> list[Place]:
    """Return where each of ``count`` pictures of a size lies, row by row."""
    cell_height = height + _LINE
    return [
        Place(_GAP + index % columns * (width + _GAP), _GAP + index // columns * (cell_height + _GAP), width, cell_height)
        for index in range(count)
    ]


def sheet_size(count: int, columns: int, width: int, height: int) -> tuple[int, int]:
    """Return width and height of the sheet in pixels."""
    last = places(count, columns, width, height)[-1]
    return _GAP + columns * (width + _GAP), last.y + last.height + _GAP


def draw_sheet(pictures: Sequence[np.ndarray], labels: Sequence[str], columns: int) -> np.ndarray:
    """Return the sheet, H×W×3 float32 on [0, 1]; pictures of one size appear pixel by pixel, labels are cut where they are too long."""
    height, width = pictures[0].shape[:2]
    across, down = sheet_size(len(pictures), columns, width, height)
    sheet = np.full((down, across, 3), _PAPER, np.float32)
    for place, picture, label in zip(places(len(pictures), columns, width, height), pictures, labels, strict=True):
        sheet[place.y : place.y + height, place.x : place.x + width] = picture
        strip = np.full((_LINE, width, 3), round(_PAPER * 255), np.uint8)
        ink = (round(_INK * 255),) * 3
        cv2.putText(strip, _shortened(label, width), (0, _LINE - 4), cv2.FONT_HERSHEY_SIMPLEX, _SCALE, ink, 1, cv2.LINE_AA)
        sheet[place.y + height : place.y + height + _LINE, place.x : place.x + width] = strip / np.float32(255.0)
    return sheet


def _shortened(text: str, width: int) -> str:
    """Return text without its end where it is wider than ``width`` pixels; the font knows ASCII only."""
    text = text.replace("×", "x").encode("ascii", "replace").decode()
    shown = text
    while len(shown) > 3 and cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, _SCALE, 1)[0][0] > width:
        text = text[:-1]
        shown = f"{text}..."
    return shown
