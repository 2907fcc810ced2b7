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

import codecs
import csv
import difflib
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LwswError
from ..media.sequences import format_numbers, missing_numbers
from ..profiles import LAYER_NAMES, MAIN_LAYERS, PROFILES, get_profile
from .directory import name_frames

_SETTINGS = ("content_weight", "temporal_weight", "strength", "frequency_exponent")
_STYLE = "style:"
_KNOWN_COLUMNS = (*LAYER_NAMES, *_SETTINGS, "profile")
_MAXIMUM_FREQUENCY_EXPONENT = 2.0
_MAXIMUM_FRAME = 10**9  # more than any program numbers

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_INTERPOLATE = re.compile(r"[\s\"]*#\s*interpolate\s*[:=]\s*(?P<mode>[^;,\t\"]*)", re.IGNORECASE)
_COMMENT = re.compile(r"[\s\"]*#")


@dataclass
class _Row:
    """What the file says about one frame; ``place`` is where: ``line 5`` or ``frame 3``."""

    place: str
    frame: int
    values: dict[str, float] = field(default_factory=dict)


@dataclass
class _Table:
    """A file as it was read: raw cells, not yet checked. Columns go with the place that has them first; rows are place, frame and
    column → cell."""

    interpolated: bool
    columns: dict[str, str]
    rows: list[tuple[str, Any, dict[str, Any]]]


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
    text = _decode(name, path)
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "[")
    table = _read_json(name, text) if is_json else _read_csv(name, text)
    _check_paintings(name, table, paintings)
    rows = _checked_rows(name, table)
    columns = [column for column in table.columns if column != "profile"]
    columns += [column for column in dict.fromkeys(column for row in rows for column in row.values) if column not in columns]
    if not columns:
        raise _bad_file(f"The weights file {name} has no values.", f"Give every frame at least one of: {', '.join(_KNOWN_COLUMNS)}.")
    _check_range(name, rows, frames)
    if not table.interpolated:
        _check_complete(name, rows, frames, columns)
    curves = {column: _curve(name, column, rows, frames) for column in columns}
    layers = {column: curves[column] for column in LAYER_NAMES if column in curves}
    styles = {column.removeprefix(_STYLE): curve for column, curve in curves.items() if column.startswith(_STYLE)}
    hint = "Raise at least one layer; strength 0 leaves a frame as it was rendered."
    _check_not_all_zero(name, layers, rows, frames, "all layer weights", hint)
    if paintings is not None:
        _check_not_all_zero(name, styles, rows, frames, "the weights of all paintings", "Raise the weight of at least one painting.")
    settings: dict[str, Any] = {"layer_weights": layers} if layers else {}
    settings |= {column: curves[column] for column in _SETTINGS if column in curves}
    return settings | ({"style_weights": styles} if styles else {})


def _bad_file(message: str, hint: str) -> LwswError:
    return LwswError("bad_settings", message, hint)


def _decode(name: str, path: Path) -> str:
    """Return the text of the file without a byte-order mark."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _bad_file(f"The weights file {path} does not exist.", "Check its name and folder.") from None
    except OSError as error:
        raise _bad_file(f"The weights file {path} cannot be read: {error.strerror}.", "Check its name and permissions.") from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _bad_file(f"Line {line} of {name} is not text in UTF-8.", "Save it as 'CSV UTF-8', or as JSON in UTF-8.") from None
    if "\x00" in text:
        raise _bad_file(f"The weights file {name} is neither CSV nor JSON.", "Give a text file with one row per frame.")
    if not text.strip():
        raise _bad_file(f"The weights file {name} is empty.", "Write a header such as 'frame,relu1_1,relu5_1' and one row per frame.")
    return text


# CSV


def _read_csv(name: str, text: str) -> _Table:
    interpolated = False
    lines: list[str] = []
    for line in io.StringIO(text, newline=None):
        mode = _INTERPOLATE.match(line)
        if mode:
            interpolated = _is_linear(name, mode["mode"].strip())
        lines.append("\n" if _COMMENT.match(line) else line)  # an empty line, so that the numbers of the others stay right
    delimiter = _find_delimiter(name, lines)
    (header_place, header), *records = _csv_records(name, lines, delimiter)
    while not header[-1]:
        header.pop()
    columns = _checked_columns(name, header, header_place)
    if len(columns) == 1:
        raise _bad_file(f"The weights file {name} has no column beside 'frame'.", f"Add one of: {', '.join(_KNOWN_COLUMNS)}.")
    if not records:
        raise _bad_file(f"The weights file {name} has a header and no rows.", "Write one row per frame.")
    numbers = _CsvNumbers(name, delimiter)
    rows = []
    for place, cells in records:
        if any(other in cell for cell in cells for other in ";\t" if other != delimiter):
            message = f"{place.capitalize()} of {name} separates its cells otherwise than the header does."
            raise _bad_file(message, "Use semicolons in every line, or commas in every line and decimal points.")
        if any(cells[len(columns) :]) or len(cells) < len(columns):
            hint = f"Give every row {len(columns)} cells"
            hint += ", separated by semicolons if numbers have decimal commas." if delimiter == "," else "."
            message = f"{place.capitalize()} of {name} has {len(cells)} cells and its header has {len(columns)}."
            raise _bad_file(message, hint)
        row: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=False):
            if cell:
                row[column] = cell if column == "profile" else numbers.read(place, column, cell)
        rows.append((place, row.pop("frame", None), row))
    return _Table(interpolated, {column: header_place for column in columns if column != "frame"}, rows)


def _find_delimiter(name: str, lines: Sequence[str]) -> str:
    """Return the character that makes 'frame' a cell of the header, the first line that is not blank."""
    index, header = next(((index, line) for index, line in enumerate(lines) if line.strip(" \t,;\n")), (len(lines) - 1, ""))
    for delimiter in ",;\t":
        with suppress(csv.Error):
            cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
            if "frame" in (cell.strip().casefold() for cell in cells):
                return delimiter
    message = f"Line {index + 1} of {name} should be the header, and has no column 'frame'."
    raise _bad_file(message, "Write a header such as 'frame,relu1_1,relu5_1' and one row per frame.")


def _csv_records(name: str, lines: Sequence[str], delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield place and stripped cells of every row that is not blank, the header among them."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    first = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"Line {first} of {name} cannot be read as CSV: {error}."
            raise _bad_file(message, "Look for a quotation mark without its partner.") from None
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield f"line {first}", cells
        first = reader.line_num + 1


class _CsvNumbers:
    """Reads the numbers of one file: all with decimal points, or all with decimal commas where commas do not separate cells."""

    def __init__(self, name: str, delimiter: str) -> None:
        self._name = name
        self._delimiter = delimiter
        self._mark = ""  # the decimal mark that the file has used so far
        self._mark_place = ""

    def read(self, place: str, column: str, cell: str) -> float | str:
        """Return the number in a cell, or the text itself where it is none; raise ``bad_settings`` where its meaning is in doubt."""
        if cell.count(",") + cell.count(".") > 1 and _NUMBER.fullmatch(cell.replace(",", "").replace(".", "")):
            message = f"In {place} of {self._name}, {column} is '{cell}', which has more than one decimal mark."
            raise _bad_file(message, "Write numbers without marks between thousands.")
        with_point = cell.replace(",", ".")
        if not _NUMBER.fullmatch(with_point):
            return cell
        if "," in cell and self._delimiter == ",":
            message = f"In {place} of {self._name}, {column} is '{cell}' with a decimal comma, and commas separate the cells of this file."
            raise _bad_file(message, "Write a decimal point, or separate the cells by semicolons.")
        mark = "," if "," in cell else "." if "." in cell else ""
        if mark and self._mark and mark != self._mark:
            message = f"In {place} of {self._name}, {column} is '{cell}', but {self._mark_place} has '{self._mark}' as its decimal mark."
            raise _bad_file(message, "Use one decimal mark in the whole file.")
        if mark and not self._mark:
            self._mark, self._mark_place = mark, place
        return float(with_point)


# JSON


class _Repeated(ValueError):
    """A name that stands twice in one object."""


def _read_json(name: str, text: str) -> _Table:
    try:
        data = json.loads(text, object_pairs_hook=_object_without_repetition)
    except _Repeated as error:
        raise _bad_file(f"The weights file {name} has '{error}' twice in one object.", "Keep one of them.") from None
    except json.JSONDecodeError as error:
        message = f"Line {error.lineno} of {name} is not valid JSON: {error.msg} at column {error.colno}."
        raise _bad_file(message, "Correct it there, or write the weights as CSV.") from None
    except (ValueError, RecursionError):
        raise _bad_file(f"The weights file {name} cannot be read as JSON.", "Write the weights as CSV.") from None
    interpolated, entries = False, data
    if isinstance(data, dict):
        unknown = [key for key in data if key not in ("frames", "interpolate")]
        if unknown or "frames" not in data:
            problem = f"has an unknown entry '{unknown[0]}'" if unknown else "has no 'frames'"
            raise _bad_file(
                f"The weights file {name} {problem}.", 'Write {"frames": {"1": {"relu1_1": 1.0}, …}}, with "interpolate" if wanted.'
            )
        interpolated, entries = _is_linear(name, data.get("interpolate")), data["frames"]
    if isinstance(entries, dict):
        pairs: list[tuple[str, Any, Any]] = [(f"frame {key}", key, value) for key, value in entries.items()]
    elif isinstance(entries, list):
        pairs = [(f"entry {index}", None, value) for index, value in enumerate(entries, 1)]
    else:
        raise _bad_file(f"The frames of {name} are neither an object nor a list.", 'Write {"frames": {"1": {"relu1_1": 1.0}, …}}.')
    if not pairs:
        raise _bad_file(f"The weights file {name} has no frames.", 'Write {"frames": {"1": {"relu1_1": 1.0}, …}}.')
    columns: dict[str, str] = {}
    rows = []
    for place, frame, values in pairs:
        if not isinstance(values, dict):
            raise _bad_file(f"The values of {place} in {name} are not an object.", 'Write them as {"relu1_1": 1.0, "relu5_1": 0.5}.')
        cells = dict(zip(_checked_columns(name, list(values), place), values.values(), strict=True))
        if isinstance(entries, list):
            frame = cells.pop("frame", None)
            place = f"frame {frame}" if isinstance(frame, int) else place
        elif "frame" in cells:
            raise _bad_file(f"The values of {place} in {name} have 'frame' once more.", "Leave it out there.")
        for column in cells:
            columns.setdefault(column, place)
        rows.append((place, frame, {column: value for column, value in cells.items() if value is not None}))
    return _Table(interpolated, columns, rows)


def _object_without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _Repeated(key)
        result[key] = value
    return result


# Checks that CSV and JSON share


def _is_linear(name: str, mode: Any) -> bool:
    """Return whether frames between keys are interpolated."""
    if mode is None or mode == "none":
        return False
    if not isinstance(mode, str) or mode.casefold() != "linear":
        raise _bad_file(
            f"The weights file {name} asks to interpolate '{mode}'.", "Write linear, or leave that out to give every frame a value."
        )
    return True


def _checked_columns(name: str, header: Sequence[str], place: str) -> list[str]:
    """Return the columns by their own names; raise for one that does not exist or stands twice."""
    columns: list[str] = []
    for written in header:
        column = written.strip()
        if column.casefold().startswith(_STYLE):
            column = _STYLE + column[len(_STYLE) :].strip()
            if column == _STYLE:
                raise _bad_file(
                    f"In {place} of {name}, '{written}' names no painting.", "Write style: and its file name, style:painting.jpg."
                )
        elif column.casefold() in (*_KNOWN_COLUMNS, "frame"):
            column = column.casefold()
        else:
            raise _unknown_column(name, column, place)
        if column in columns:
            raise _bad_file(f"In {place} of {name}, the column '{column}' stands twice.", "Keep one of them.")
        columns.append(column)
    return columns


def _check_paintings(name: str, table: _Table, paintings: Sequence[str] | None) -> None:
    for column, place in table.columns.items():
        if paintings is not None and column.startswith(_STYLE) and column.removeprefix(_STYLE) not in paintings:
            message = f"In {place} of {name}, there is no painting '{column.removeprefix(_STYLE)}'."
            raise _bad_file(message, f"The paintings are: {', '.join(paintings)}.")


def _unknown_column(name: str, column: str, place: str) -> LwswError:
    def likeness(known: str) -> tuple[float, bool]:
        ratio = difflib.SequenceMatcher(None, column.casefold(), known).ratio()
        return ratio, column.casefold()[:5] == known[:5]  # relu1_3 is rather a layer of the first block

    nearest = max((*_KNOWN_COLUMNS, f"{_STYLE}NAME", "frame"), key=likeness)
    is_near = likeness(nearest)[0] >= 0.5
    hint = f"Did you mean '{nearest}'?" if is_near else f"Known columns: {', '.join(_KNOWN_COLUMNS)}, {_STYLE}NAME."
    if re.match(r"(relu|conv)[0-9_]", column, re.IGNORECASE):
        return LwswError("unknown_layer", f"In {place} of {name}, there is no layer '{column}' in VGG-19.", hint)
    what = f"there is no column '{column}'" if column else "a column has no name"
    return _bad_file(f"In {place} of {name}, {what}.", hint)


def _checked_rows(name: str, table: _Table) -> list[_Row]:
    """Return rows by frame, ascending, with profiles written out and every value checked."""
    rows: dict[int, _Row] = {}
    for place, frame, cells in table.rows:
        row = _Row(place, _checked_frame(name, place, frame))
        if row.frame in rows:
            where = f", in {rows[row.frame].place} and {place}" if place != rows[row.frame].place else ""
            raise _bad_file(f"Frame {row.frame} stands twice in {name}{where}.", "Keep one of them.")
        rows[row.frame] = row
        if "profile" in cells:
            row.values |= _profile_values(name, place, cells["profile"])
        row.values |= {column: _checked_value(name, place, column, cell) for column, cell in cells.items() if column != "profile"}
    return [rows[frame] for frame in sorted(rows)]


def _checked_frame(name: str, place: str, frame: Any) -> int:
    if frame is None:
        raise _bad_file(f"In {place} of {name}, there is no frame number.", "Write the number of the frame.")
    number = int(frame) if isinstance(frame, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", frame) else frame
    whole = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    if not whole or isinstance(number, bool) or abs(number) > _MAXIMUM_FRAME:
        raise _bad_file(f"In {place} of {name}, the frame is '{frame}'.", "Frames are whole numbers.")
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
        raise _bad_file(f"In {place} of {name}, there is no profile '{shown}'.", f"Use one of: {', '.join(PROFILES)}.")
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
        raise _bad_file(f"The column '{column}' of {name} is empty.", "Give it a value, or take it out.")
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
