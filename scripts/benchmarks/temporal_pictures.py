"""Pictures of the temporal benchmark: slices through space and time, in which flicker is seen at a glance, and neighbouring frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import paintings

from lwsw.media.images import read_image
from lwsw.sweep.contact_sheet import Label, contact_sheet

_LIMIT = 300 * 1024  # bytes of a picture
_TALL, _WIDE = 5, 2  # pixels of the slice for each frame, and for each pixel of the line
_CROP = (96, 72)  # pixels of a detail, enlarged twice
_ENLARGED = 2
_AWAY = 0.1  # of the picture's side: lines nearer to its edge are not chosen


@dataclass(frozen=True)
class Line:
    """A row or a column of the picture.

    Attributes:
        is_row: or else a column.
        index: from the top, or from the left.
    """

    is_row: bool
    index: int

    def of(self, image: np.ndarray) -> np.ndarray:
        """Return the line of ``H×W×3`` as ``n×3``."""
        return image[self.index] if self.is_row else image[:, self.index]

    def __str__(self) -> str:
        return f"{'row' if self.is_row else 'column'} {self.index}"


def picture(path: Path, sequences: Mapping[str, Sequence[Path]], flows: Sequence[np.ndarray]) -> dict[str, str]:
    """Write the picture of a scene, a JPEG: below each other a slice of every sequence, then a detail of three neighbouring frames of each.

    Args:
        path: of the picture.
        sequences: frames by name; the first sequence is the render, of which line and detail are chosen.
        flows: from every frame but the first to the one before, ``H×W×2`` pixels.

    Returns:
        What is seen: ``line``, ``detail`` and ``frames``, in words.
    """
    frames = {name: [read_image(file) for file in files] for name, files in sequences.items()}
    render = next(iter(frames.values()))
    line, middle = busiest_line(render, flows), max(1, len(render) // 2)
    chosen = [index for index in (middle - 1, middle, middle + 1) if index < len(render)]
    (top, left), (height, width) = busiest_place(render[middle - 1], render[middle], _CROP[::-1]), _sides(render[0], _CROP[::-1])
    labels = [Label(name) for name in frames]

    slices = [[slice_through(images, line)] for images in frames.values()]
    size = slices[0][0].shape[1], slices[0][0].shape[0]
    upper = contact_sheet(slices, _blank(slices), size, rows=labels, columns=[Label(f"{line}, time downwards")], corner=Label(""))
    details = [[_enlarge(images[index][top : top + height, left : left + width]) for index in chosen] for images in frames.values()]
    size = width * _ENLARGED, height * _ENLARGED
    columns = [Label(f"frame {index + 1}") for index in chosen]
    lower = contact_sheet(details, _blank(details), size, rows=labels, columns=columns, corner=Label(""))
    paintings.save(_below(upper, lower), path, limit=_LIMIT)
    where = f"{width}×{height} pixels from ({left}, {top})"
    return {"line": str(line), "detail": where, "frames": ", ".join(str(index + 1) for index in chosen)}


def slice_through(images: Sequence[np.ndarray], line: Line) -> np.ndarray:
    """Return one line of every picture below each other, enlarged: time goes downwards. ``(5 frames)×(2 n)×3``."""
    stack = np.stack([line.of(image) for image in images])
    return stack.repeat(_TALL, 0).repeat(_WIDE, 1)


def busiest_line(render: Sequence[np.ndarray], flows: Sequence[np.ndarray]) -> Line:
    """Return the line on which the render changes most over time, along the direction in which more moves."""
    motion = np.mean([np.abs(flow).clip(0, 50).mean((0, 1)) for flow in flows], 0) if len(flows) else np.zeros(2)
    is_row = bool(motion[0] >= motion[1])
    change = np.stack(render).std(0).mean(-1)
    profile = change.mean(1) if is_row else change.mean(0)
    smooth = np.convolve(profile, np.ones(5) / 5, mode="same")
    away = round(_AWAY * len(smooth))
    return Line(is_row, away + int(np.argmax(smooth[away : len(smooth) - away])))


def busiest_place(image: np.ndarray, other: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """Return the upper left corner (row, column) of the window in which two pictures differ most."""
    height, width = _sides(image, size)
    sums = cv2.integral(np.abs(image - other).mean(-1).astype(np.float64))
    windows = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    row, column = np.unravel_index(int(np.argmax(windows)), windows.shape)
    return int(row), int(column)


def _sides(image: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    return min(size[0], image.shape[0]), min(size[1], image.shape[1])


def _enlarge(image: np.ndarray) -> np.ndarray:
    return image.repeat(_ENLARGED, 0).repeat(_ENLARGED, 1)


def _blank(cells: Sequence[Sequence[np.ndarray]]) -> list[list[str]]:
    return [[""] * len(row) for row in cells]


def _below(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return two sheets below each other, on white."""
    width = max(upper.shape[1], lower.shape[1])
    return np.concatenate([np.pad(sheet, ((0, 0), (0, width - sheet.shape[1]), (0, 0)), constant_values=255) for sheet in (upper, lower)])
