"""What a preview is asked to paint: one look, or a sheet of them. No torch here: the server reads it too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LwswError
from ..jobs.settings import StylizeSettings
from ..profiles import FrameValues

#: The most variations on one sheet.
MOST_CELLS = 36

_KEYS = {"styles", "settings", "cells", "columns"}


@dataclass(frozen=True)
class Cell:
    """A look and what is written below it."""

    label: str
    settings: StylizeSettings


@dataclass(frozen=True)
class Order:
    """Everything but the pictures. Build it with :meth:`from_dict`.

    Attributes:
        styles: names of the paintings, in the order of their shares.
        cells: what is painted; a single one is the picture itself, without a label.
        columns: of the sheet.
    """

    styles: tuple[str, ...]
    cells: tuple[Cell, ...]
    columns: int

    @classmethod
    def from_dict(cls, data: Any) -> Order:
        """Read the body of ``PUT /v1/preview/{id}/settings``: ``styles``, and ``settings`` or ``cells`` with ``columns``.

        Settings are those of a job. What changes over time counts with its first value.

        Raises:
            LwswError: ``bad_settings``, ``bad_weights`` or ``unknown_layer`` with the value at fault.
        """
        if not isinstance(data, Mapping) or not set(data) <= _KEYS:
            raise _wrong_form()
        styles, cells = data.get("styles"), data.get("cells", [{"settings": data.get("settings", {})}])
        if not _is_list(styles) or not styles or not all(isinstance(name, str) for name in styles) or not _is_list(cells):
            raise _wrong_form()
        if not 1 <= len(cells) <= MOST_CELLS:
            raise LwswError("bad_settings", f"The sheet has {len(cells)} variations.", f"Ask for 1 to {MOST_CELLS}.")
        read = tuple(_cell(cell, styles) for cell in cells)
        columns = data.get("columns", 1)
        if isinstance(columns, bool) or not isinstance(columns, int) or not 1 <= columns <= len(cells):
            raise LwswError("bad_settings", f"The sheet has {columns} columns.", f"It must be a number from 1 to {len(cells)}.")
        return cls(tuple(styles), read, columns)

    def values(self, index: int) -> FrameValues:
        """Return what a cell is painted with, regions included."""
        return self.cells[index].settings.at(0, self.styles)


def _cell(data: Any, styles: Sequence[str]) -> Cell:
    if not isinstance(data, Mapping) or not isinstance(data.get("settings"), Mapping) or not isinstance(data.get("label", ""), str):
        raise _wrong_form()
    settings = StylizeSettings.from_dict(data["settings"])
    for name in (name for look in settings.looks for name in look.style_weights):
        if name not in styles:
            raise LwswError("bad_settings", f"There is no painting '{name}'.", f"The paintings are: {', '.join(styles)}.")
    settings.at(0, styles)
    return Cell(data.get("label", ""), settings)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _wrong_form() -> LwswError:
    hint = 'Write them as {"styles": ["painting.jpg"], "settings": {…}}; see docs/architecture.md.'
    return LwswError("bad_settings", "The settings of the preview have the wrong form.", hint)
