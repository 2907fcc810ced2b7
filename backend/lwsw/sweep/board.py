"""The grid of a sweep as far as it is painted, and the files that show it: ``sweep.png`` and ``sweep.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import LwswError
from ..media.files import write_atomically
from ..media.images import read_image
from ..profiles import LAYER_NAMES, MAIN_LAYERS, PROFILES
from .cells import FinishedCell
from .contact_sheet import Label, contact_sheet
from .grid import Column, Grid

DISTANCES = ("ssim", "st_lpips")  # of lwsw.perceptual, as far as they are installed


class Board:
    """The grid as far as it is painted, and its two files.

    Args:
        grid: what is compared.
        out: where the files lie.
        source: the picture's file, for its name.
        picture: the picture at the size of the cells, H×W×3 float32 on [0, 1].
        thumbnails: small pictures of the paintings.
    """

    def __init__(self, grid: Grid, out: Path, source: Path, picture: np.ndarray, thumbnails: Mapping[Path, np.ndarray]) -> None:
        self.out = out
        self._size = (picture.shape[1], picture.shape[0])
        self.sheet_path, self.csv_path = out / "sweep.png", out / "sweep.csv"
        self.total = len(grid.rows) * len(grid.columns)
        self._grid = grid
        self._cells: list[list[FinishedCell | None]] = [[None] * len(grid.columns) for _ in grid.rows]
        self._pictures: list[list[np.ndarray | None]] = [[None] * len(grid.columns) for _ in grid.rows]
        self._corner = Label(source.name, (), picture)
        self._rows = [Label(row.painting.name, [grid.row_words(index)], thumbnails[row.painting]) for index, row in enumerate(grid.rows)]
        self._columns = [Label(_title(column), _column_lists(grid, index)) for index, column in enumerate(grid.columns)]

    @property
    def done(self) -> int:
        """How many cells are there."""
        return sum(cell is not None for line in self._cells for cell in line)

    def put(self, row: int, column: int, cell: FinishedCell) -> None:
        """Place a finished cell."""
        if self._cells[row][column] is None:
            self._cells[row][column] = cell
            self._pictures[row][column] = read_image(cell.file)

    def take(self, hashes: Sequence[Sequence[str]], known: dict[str, FinishedCell]) -> int:
        """Place every cell that is known and whose picture can be read; return how many."""
        for row, line in enumerate(hashes):
            for column, text in enumerate(line):
                if text in known:
                    try:
                        self.put(row, column, known[text])
                    except LwswError:
                        del known[text]
        return self.done

    def write(self) -> None:
        """Write the sheet and the table; raise ``disk_full`` or ``output_not_writable``."""
        captions = [[_caption(cell) for cell in line] for line in self._cells]
        labels: dict[str, Any] = {"rows": self._rows, "columns": self._columns, "corner": self._corner}
        sheet = contact_sheet(self._pictures, captions, self._size, **labels)
        done, encoded = cv2.imencode(".png", np.ascontiguousarray(sheet[..., ::-1]))
        if not done:
            raise LwswError("internal", "The sheet could not be encoded as PNG.", "Report this as a bug.")
        write_atomically(self.csv_path, self._table().encode())
        write_atomically(self.sheet_path, encoded.tobytes())

    def _table(self) -> str:
        used = {layer for looks in self._grid.looks for look in looks for layer in look.layer_weights} | set(MAIN_LAYERS)
        layers = [layer for layer in LAYER_NAMES if layer in used]
        stream = io.StringIO()
        head = ["painting", "weights", *layers, "strength", "content_weight", "exponent", "centroid_px", "seconds"]
        head += ["texture_wavelength_px", *DISTANCES, *(f"gram_error_{layer}" for layer in MAIN_LAYERS), "file"]
        table = csv.DictWriter(stream, head, lineterminator="\n")
        table.writeheader()
        for row, looks, line in zip(self._grid.rows, self._grid.looks, self._cells, strict=True):
            for column, look, cell in zip(self._grid.columns, looks, line, strict=True):
                if cell is None:
                    continue
                table.writerow(
                    {
                        "painting": row.painting.name,
                        "weights": column.weights,
                        **{layer: f"{look.layer_weights.get(layer, 0.0):g}" for layer in layers},
                        "strength": f"{look.strength:g}",
                        "content_weight": f"{look.content_weight:g}",
                        "exponent": f"{look.exponent:.4g}",
                        "centroid_px": f"{look.layer_weights.centroid():.4g}",
                        "file": cell.file.relative_to(self.out).as_posix(),
                        **{name: _short(cell.record.get(name)) for name in ("seconds", "texture_wavelength_px", *DISTANCES)},
                        **{f"gram_error_{layer}": _short(cell.record["gram_errors"].get(layer)) for layer in MAIN_LAYERS},
                    }
                )
        return stream.getvalue()


def _title(column: Column) -> str:
    if "profile" in column.settings:
        return PROFILES[column.settings["profile"]].label
    layers = list(column.settings["layer_weights"])
    return f"{layers[0]} alone" if len(layers) == 1 else "Own weights"


def _column_lists(grid: Grid, index: int) -> list[list[str]]:
    """Return the weights as ``--weights`` takes them, and what follows from them."""
    look = grid.looks[0][index]
    weights = [f"{layer}={value:g}" for layer, value in look.layer_weights.items()]
    facts = [f"sees {look.layer_weights.centroid():.0f} px", f"p {look.exponent:.2g}"]
    if look.content_weight != 1.0 and all(row.content_weight is None for row in grid.rows):
        facts.append(f"content {look.content_weight:g}")
    return [weights, facts] if len(weights) > 1 else [facts]


def _caption(cell: FinishedCell | None) -> str:
    wavelength = None if cell is None else cell.record.get("texture_wavelength_px")
    return "" if wavelength is None else f"texture {wavelength:.1f} px"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
