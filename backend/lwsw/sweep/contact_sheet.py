"""Draws pictures in a labelled grid: what ``lwsw sweep`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..media.images import resize

_PAPER, _INK, _GREY, _EMPTY = (255, 255, 255), (25, 25, 25), (105, 105, 105), (225, 225, 225)
_SCALE, _LINE, _GAP = 0.45, 18, 10  # of the font; pixels per line of text; pixels between cells
_SMALLEST_COLUMN, _LABEL = 120, (120, 220)  # pixels: narrowest column, and width of the labels of rows
_SMALLEST_THUMBNAIL = 40
_LARGEST = 12_000  # pixels of all cells in a row or column; beyond it they are shrunk


@dataclass(frozen=True)
class Label:
    """What stands beside a row or above a column.

    Attributes:
        title: cut in its middle where it is too long.
        lists: in grey below it, each list from a new line and wrapped between its items.
        picture: H×W×3 float32 on [0, 1] above the text, or None.
    """

    title: str
    lists: Sequence[Sequence[str]] = ()
    picture: np.ndarray | None = None


def contact_sheet(
    cells: Sequence[Sequence[np.ndarray | None]],
    captions: Sequence[Sequence[str]],
    size: tuple[int, int],
    *,
    rows: Sequence[Label],
    columns: Sequence[Label],
    corner: Label,
) -> np.ndarray:
    """Return a sheet, H×W×3 uint8 RGB on white paper.

    Args:
        cells: by row and column, ``h×w×3`` float32 on [0, 1]; None where there is no picture yet. They appear pixel by pixel, unless the
            sheet would have more than 12 000 pixels in a direction.
        captions: a line below each cell.
        size: width and height of the cells, in pixels.
        rows, columns, corner: labels.
    """
    scale = min(1.0, _LARGEST / (size[0] * len(columns)), _LARGEST / (size[1] * len(rows)))
    width, height = (max(1, round(length * scale)) for length in size)
    column_width = max(width, _SMALLEST_COLUMN)
    label_width = min(max(width, _LABEL[0]), _LABEL[1])
    headers = [_lines(column, column_width) for column in columns]
    beside = [_lines(row, label_width) for row in rows]
    below_source = _lines(corner, label_width)
    row_height = max(height + _LINE + 4, _SMALLEST_THUMBNAIL + 4 + _LINE * max(len(lines) for lines in beside))
    source_height = 0 if corner.picture is None else round(label_width * corner.picture.shape[0] / corner.picture.shape[1])
    header_height = max(_LINE * max(len(lines) for lines in headers), min(source_height, 2 * label_width) + _LINE * len(below_source) + 4)

    left, top = label_width + 2 * _GAP, header_height + 2 * _GAP
    sheet = np.full((top + len(rows) * (row_height + _GAP), left + len(columns) * (column_width + _GAP), 3), _PAPER, np.uint8)
    _draw_label(sheet, corner, below_source, (_GAP, _GAP), (label_width, header_height))
    for index, lines in enumerate(headers):
        x = left + index * (column_width + _GAP)
        _write(sheet, lines, x, top - _GAP // 2 - _LINE * len(lines))
    for row, label in enumerate(rows):
        y = top + row * (row_height + _GAP)
        _draw_label(sheet, label, beside[row], (_GAP, y), (label_width, row_height))
        for column in range(len(columns)):
            x = left + column * (column_width + _GAP)
            picture = cells[row][column]
            if picture is None:
                sheet[y : y + height, x : x + width] = _EMPTY
            else:
                sheet[y : y + height, x : x + width] = _levels(picture, width, height)
                _write(sheet, ["", captions[row][column]], x, y + height + 3 - _LINE)
    return sheet


def elide(text: str, width: int) -> str:
    """Return text that is at most ``width`` pixels wide, without its middle where it is wider."""
    shown, kept = text, len(text)
    while kept > 2 and _width(shown) > width:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}...{text[len(text) - kept // 2 :]}"
    return shown


def wrap(items: Sequence[str], width: int) -> list[str]:
    """Return items separated by commas in lines of at most ``width`` pixels."""
    lines: list[str] = []
    for index, item in enumerate(items):
        text = elide(item if index == len(items) - 1 else f"{item},", width)
        joined = f"{lines[-1]} {text}" if lines else text
        if lines and _width(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(text)
    return lines


def _lines(label: Label, width: int) -> list[str]:
    return [elide(label.title, width), *(line for items in label.lists for line in wrap(items, width))]


def _width(text: str) -> int:
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, _SCALE, 1)[0][0])


def _write(sheet: np.ndarray, lines: Sequence[str], x: int, y: int) -> None:
    """Write lines below each other from the top left corner of the first; the first is the title."""
    for index, line in enumerate(lines):
        place = (x, y + _LINE * index + 13)
        cv2.putText(sheet, line, place, cv2.FONT_HERSHEY_SIMPLEX, _SCALE, _GREY if index else _INK, 1, cv2.LINE_AA)


def _draw_label(sheet: np.ndarray, label: Label, lines: Sequence[str], corner: tuple[int, int], size: tuple[int, int]) -> None:
    """Draw a picture as large as the space above the text allows, and the text."""
    (x, y), (width, height) = corner, size
    below = 0
    if label.picture is not None:
        rows, columns = label.picture.shape[:2]
        scale = min(width / columns, (height - _LINE * len(lines) - 4) / rows)
        across, below = max(1, round(columns * scale)), max(1, round(rows * scale))
        sheet[y : y + below, x : x + across] = _levels(label.picture, across, below)
    _write(sheet, lines, x, y + below + 4)


def _levels(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.rint(resize(picture, width, height) * 255.0).astype(np.uint8)
