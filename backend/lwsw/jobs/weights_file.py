"""Weights over time from a file: what ``lwsw stylize --weights-file FILE`` reads.

**Columns** (upper or lower case): any layer from ``relu1_1`` to ``relu5_4``, ``content_weight``, ``temporal_weight``, ``strength``,
``frequency_exponent``, ``style:NAME`` for the weight of the painting NAME, and ``profile``. A profile's name stands for the weights of its
layers and its content weight; what the same row says about those by itself wins.

**CSV**: one row per frame below a header with ``frame``. The header decides whether commas, semicolons or tabs separate the cells; with
semicolons or tabs, numbers may have decimal commas (all of them, then). Lines that start with ``#`` are comments, and blank rows do not
count. Encoding: UTF-8 with or without a byte-order mark, or UTF-16 with one, as Excel's "Unicode Text". ::

    # interpolate: linear
    frame,profile,strength
    1,fine-grain,1
    24,abstract,
    30,,0.5

**JSON**: ``{"interpolate": "linear", "frames": {"1": {"profile": "fine-grain"}, "24": {"relu5_1": 2.0}}}``; ``frames``, or the file
itself, may also be a list of objects that have ``frame``. A value left out or ``null`` is an empty cell.

**Dense and sparse.** As they are, files give every column a value in every frame of the shot; rows of other frames are ignored. With
``interpolate: linear`` values are keys, as in an F-curve of Blender: every column has its own, frames between two keys get values on the
line between them, and before the first and after the last key the value stays. A sweep from one profile to another is two rows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LwswError
from ..media.sequences import format_numbers, missing_numbers
from ..profiles import LAYER_NAMES, MAIN_LAYERS, PROFILES, get_profile
from .directory import name_frames
from .weights_table import KNOWN_COLUMNS, SETTINGS, STYLE, Table, bad_file, read_table

_MAXIMUM_FREQUENCY_EXPONENT = 2.0
_MAXIMUM_FRAME = 10**9  # more than any program numbers


@dataclass
class _Row:
    """What the file says about one frame; ``place`` is where: ``line 5`` or ``frame 3``."""

    place: str
    frame: int
    values: dict[str, float] = field(default_factory=dict)


def read_weights_file(path: Path, frames: Sequence[int], paintings: Sequence[str] | None = None) -> dict[str, Any]:
    """Read settings of ``job.json`` that change over time.

    Args:
        path: a CSV or JSON file in the form that this module describes.
        frames: frame numbers of the shot, ascending.
        paintings: names of the job's paintings, those that the file leaves out weigh nothing; None leaves what it says of paintings
            unchecked.

    Returns:
        ``layer_weights`` (layer → list), ``style_weights`` (painting → list), ``content_weight``, ``temporal_weight``, ``strength`` and
        ``frequency_exponent`` (lists), each list with one float per frame of ``frames``; only what the file has columns for.

    Raises:
        LwswError: ``bad_weights`` for a value that is no weight, or where all layers or paintings of a frame weigh nothing;
            ``unknown_layer``; ``missing_frames`` naming the frames of the shot without a value; ``bad_settings`` for everything else that
            is wrong with the file. The message names the file, the line (CSV) or frame (JSON), the column and the value.
    """
    name = path.name
    table = read_table(path)
    _check_paintings(name, table, paintings)
    rows = _checked_rows(name, table)
    columns = [column for column in table.columns if column != "profile"]
    columns += [column for column in dict.fromkeys(column for row in rows for column in row.values) if column not in columns]
    if not columns:
        raise bad_file(f"The weights file {name} has no values.", f"Give every frame at least one of: {', '.join(KNOWN_COLUMNS)}.")
    _check_range(name, rows, frames)
    if not table.interpolated:
        _check_complete(name, rows, frames, columns)
    curves = {column: _curve(name, column, rows, frames) for column in columns}
    layers = {column: curves[column] for column in LAYER_NAMES if column in curves}
    styles = {column.removeprefix(STYLE): curve for column, curve in curves.items() if column.startswith(STYLE)}
    hint = "Raise at least one layer; strength 0 leaves a frame as it was rendered."
    _check_not_all_zero(name, layers, rows, frames, "all layer weights", hint)
    if paintings is not None:
        _check_not_all_zero(name, styles, rows, frames, "the weights of all paintings", "Raise the weight of at least one painting.")
    settings: dict[str, Any] = {"layer_weights": layers} if layers else {}
    settings |= {column: curves[column] for column in SETTINGS if column in curves}
    return settings | ({"style_weights": styles} if styles else {})


def _check_paintings(name: str, table: Table, paintings: Sequence[str] | None) -> None:
    for column, place in table.columns.items():
        if paintings is not None and column.startswith(STYLE) and column.removeprefix(STYLE) not in paintings:
            message = f"In {place} of {name}, there is no painting '{column.removeprefix(STYLE)}'."
            raise bad_file(message, f"The paintings are: {', '.join(paintings)}.")


def _checked_rows(name: str, table: Table) -> list[_Row]:
    """Return rows by frame, ascending, with profiles written out and every value checked."""
    rows: dict[int, _Row] = {}
    for place, frame, cells in table.rows:
        row = _Row(place, _checked_frame(name, place, frame))
        if row.frame in rows:
            where = f", in {rows[row.frame].place} and {place}" if place != rows[row.frame].place else ""
            raise bad_file(f"Frame {row.frame} stands twice in {name}{where}.", "Keep one of them.")
        rows[row.frame] = row
        if "profile" in cells:
            row.values |= _profile_values(name, place, cells["profile"])
        row.values |= {column: _checked_value(name, place, column, cell) for column, cell in cells.items() if column != "profile"}
    return [rows[frame] for frame in sorted(rows)]


def _checked_frame(name: str, place: str, frame: Any) -> int:
    if frame is None:
        raise bad_file(f"In {place} of {name}, there is no frame number.", "Write the number of the frame.")
    number = int(frame) if isinstance(frame, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", frame) else frame
    whole = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    if not whole or isinstance(number, bool) or abs(number) > _MAXIMUM_FRAME:
        raise bad_file(f"In {place} of {name}, the frame is '{frame}'.", "Frames are whole numbers.")
    return int(number)


def _checked_value(name: str, place: str, column: str, value: Any) -> float:
    code = "bad_settings" if column == "frequency_exponent" else "bad_weights"
    highest = _MAXIMUM_FREQUENCY_EXPONENT if column == "frequency_exponent" else math.inf
    hint = f"It must be a number from 0 to {highest:g}." if highest < math.inf else "Weights are numbers from 0 upwards."
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise LwswError(code, f"In {place} of {name}, {column} is {json.dumps(value, ensure_ascii=False)}, which is not a number.", hint)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise LwswError(code, f"In {place} of {name}, {column} is {value}, which is not a finite number.", hint)
    if not 0 <= number <= highest:
        raise LwswError(code, f"In {place} of {name}, {column} is {number:g}.", hint)
    return number


def _profile_values(name: str, place: str, profile_name: Any) -> dict[str, float]:
    if not isinstance(profile_name, str) or profile_name.strip().casefold() not in PROFILES:
        shown = profile_name if isinstance(profile_name, str) else json.dumps(profile_name)
        raise bad_file(f"In {place} of {name}, there is no profile '{shown}'.", f"Use one of: {', '.join(PROFILES)}.")
    profile = get_profile(profile_name.strip().casefold())
    weights = profile.layer_weights()
    # A layer that only another profile uses weighs nothing in this one, so that a sweep between the two has both its ends.
    used = {layer for other in PROFILES.values() for layer in other.layer_weights()}
    values = {layer: weights.get(layer, 0.0) for layer in LAYER_NAMES if layer in MAIN_LAYERS or layer in used}
    return values | {"content_weight": float(profile.content_weight)}


def _check_complete(name: str, rows: Sequence[_Row], frames: Sequence[int], columns: Sequence[str]) -> None:
    """Raise ``missing_frames`` where a dense file says nothing about a frame of the shot, or leaves a cell empty there."""
    hint = 'Add them, or let values between rows be interpolated: \'# interpolate: linear\' (CSV) or "interpolate": "linear" (JSON).'
    by_frame = {row.frame: row for row in rows}
    missing = missing_numbers(by_frame, frames)
    if missing:
        raise LwswError("missing_frames", f"The weights file {name} has no row for {name_frames(missing)} of the shot.", hint)
    for column in columns:
        empty = [frame for frame in frames if frame in by_frame and column not in by_frame[frame].values]
        if empty:
            where = f" ({by_frame[empty[0]].place})" if len(empty) == 1 and by_frame[empty[0]].place.startswith("line") else ""
            raise LwswError("missing_frames", f"In {name}, {column} has no value for {name_frames(empty)}{where}.", hint)


def _check_range(name: str, rows: Sequence[_Row], frames: Sequence[int]) -> None:
    """Raise ``missing_frames`` where all rows lie before the shot, or all behind it."""
    if rows[-1].frame < min(frames) or rows[0].frame > max(frames):
        message = f"The weights file {name} is about {name_frames([row.frame for row in rows])}, and the shot is {_range(frames)}."
        raise LwswError("missing_frames", message, "Give the weights of this shot; frames are numbered as the pictures are.")


def _range(frames: Sequence[int]) -> str:
    return format_numbers(range(min(frames), max(frames) + 1))


def _curve(name: str, column: str, rows: Sequence[_Row], frames: Sequence[int]) -> list[float]:
    """Return the values of a column at the frames of the shot: the file's own at its keys, linear in between, constant outside."""
    keys = [(row.frame, row.values[column]) for row in rows if column in row.values]
    if not keys:
        raise bad_file(f"The column '{column}' of {name} is empty.", "Give it a value, or take it out.")
    return [float(value) for value in np.interp(list(frames), [frame for frame, _ in keys], [value for _, value in keys])]


def _check_not_all_zero(
    name: str, curves: Mapping[str, Sequence[float]], rows: Sequence[_Row], frames: Sequence[int], what: str, hint: str
) -> None:
    if not curves:
        return
    silent = [frame for frame, weights in zip(frames, zip(*curves.values(), strict=True), strict=True) if not any(weights)]
    if silent:
        places = {row.frame: row.place for row in rows}
        where = f" ({places[silent[0]]})" if places.get(silent[0], "").startswith("line") else ""
        message = f"In {name}, {what} are zero in {name_frames(silent)}{where}, so there is no style to apply."
        raise LwswError("bad_weights", message, hint)
