"""Reads the table of a weights file, CSV or JSON alike: columns and raw cells, whose values :mod:`.weights_file` checks."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..profiles import LAYER_NAMES

SETTINGS = ("content_weight", "temporal_weight", "strength", "frequency_exponent")
STYLE = "style:"
KNOWN_COLUMNS = (*LAYER_NAMES, *SETTINGS, "profile")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_INTERPOLATE = re.compile(r"[\s\"]*#\s*interpolate\s*[:=]\s*(?P<mode>[^;,\t\"]*)", re.IGNORECASE)
_COMMENT = re.compile(r"[\s\"]*#")


@dataclass
class Table:
    """A file as it was read: raw cells, not yet checked. Columns go with the place that has them first; rows are place, frame and
    column → cell."""

    interpolated: bool
    columns: dict[str, str]
    rows: list[tuple[str, Any, dict[str, Any]]]


def read_table(path: Path) -> Table:
    """Read a CSV or JSON file of weights, in the form that :mod:`.weights_file` describes.

    Raises:
        LwswError: ``bad_settings`` and ``unknown_layer``; the message names the file, and the line (CSV) or frame (JSON).
    """
    name = path.name
    text = _decode(name, path)
    is_json = path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "[")
    return _read_json(name, text) if is_json else _read_csv(name, text)


def bad_file(message: str, hint: str) -> LwswError:
    """Return the error of a file that cannot be read as weights."""
    return LwswError("bad_settings", message, hint)


def _decode(name: str, path: Path) -> str:
    """Return the text of the file without a byte-order mark."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise bad_file(f"The weights file {path} does not exist.", "Check its name and folder.") from None
    except OSError as error:
        raise bad_file(f"The weights file {path} cannot be read: {error.strerror}.", "Check its name and permissions.") from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise bad_file(f"Line {line} of {name} is not text in UTF-8.", "Save it as 'CSV UTF-8', or as JSON in UTF-8.") from None
    if "\x00" in text:
        raise bad_file(f"The weights file {name} is neither CSV nor JSON.", "Give a text file with one row per frame.")
    if not text.strip():
        raise bad_file(f"The weights file {name} is empty.", "Write a header such as 'frame,relu1_1,relu5_1' and one row per frame.")
    return text


# CSV


def _read_csv(name: str, text: str) -> Table:
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
        raise bad_file(f"The weights file {name} has no column beside 'frame'.", f"Add one of: {', '.join(KNOWN_COLUMNS)}.")
    if not records:
        raise bad_file(f"The weights file {name} has a header and no rows.", "Write one row per frame.")
    numbers = _CsvNumbers(name, delimiter)
    rows = []
    for place, cells in records:
        if any(other in cell for cell in cells for other in ";\t" if other != delimiter):
            message = f"{place.capitalize()} of {name} separates its cells otherwise than the header does."
            raise bad_file(message, "Use semicolons in every line, or commas in every line and decimal points.")
        if any(cells[len(columns) :]) or len(cells) < len(columns):
            hint = f"Give every row {len(columns)} cells"
            hint += ", separated by semicolons if numbers have decimal commas." if delimiter == "," else "."
            message = f"{place.capitalize()} of {name} has {len(cells)} cells and its header has {len(columns)}."
            raise bad_file(message, hint)
        row: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=False):
            if cell:
                row[column] = cell if column == "profile" else numbers.read(place, column, cell)
        rows.append((place, row.pop("frame", None), row))
    return Table(interpolated, {column: header_place for column in columns if column != "frame"}, rows)


def _find_delimiter(name: str, lines: Sequence[str]) -> str:
    """Return the character that makes 'frame' a cell of the header, the first line that is not blank."""
    index, header = next(((index, line) for index, line in enumerate(lines) if line.strip(" \t,;\n")), (len(lines) - 1, ""))
    for delimiter in ",;\t":
        with suppress(csv.Error):
            cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
            if "frame" in (cell.strip().casefold() for cell in cells):
                return delimiter
    message = f"Line {index + 1} of {name} should be the header, and has no column 'frame'."
    raise bad_file(message, "Write a header such as 'frame,relu1_1,relu5_1' and one row per frame.")


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
            raise bad_file(message, "Look for a quotation mark without its partner.") from None
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
            raise bad_file(message, "Write numbers without marks between thousands.")
        with_point = cell.replace(",", ".")
        if not _NUMBER.fullmatch(with_point):
            return cell
        if "," in cell and self._delimiter == ",":
            message = f"In {place} of {self._name}, {column} is '{cell}' with a decimal comma, and commas separate the cells of this file."
            raise bad_file(message, "Write a decimal point, or separate the cells by semicolons.")
        mark = "," if "," in cell else "." if "." in cell else ""
        if mark and self._mark and mark != self._mark:
            message = f"In {place} of {self._name}, {column} is '{cell}', but {self._mark_place} has '{self._mark}' as its decimal mark."
            raise bad_file(message, "Use one decimal mark in the whole file.")
        if mark and not self._mark:
            self._mark, self._mark_place = mark, place
        return float(with_point)


# JSON


class _Repeated(ValueError):
    """A name that stands twice in one object."""


def _read_json(name: str, text: str) -> Table:
    try:
        data = json.loads(text, object_pairs_hook=_object_without_repetition)
    except _Repeated as error:
        raise bad_file(f"The weights file {name} has '{error}' twice in one object.", "Keep one of them.") from None
    except json.JSONDecodeError as error:
        message = f"Line {error.lineno} of {name} is not valid JSON: {error.msg} at column {error.colno}."
        raise bad_file(message, "Correct it there, or write the weights as CSV.") from None
    except (ValueError, RecursionError):
        raise bad_file(f"The weights file {name} cannot be read as JSON.", "Write the weights as CSV.") from None
    interpolated, entries = False, data
    if isinstance(data, dict):
        unknown = [key for key in data if key not in ("frames", "interpolate")]
        if unknown or "frames" not in data:
            problem = f"has an unknown entry '{unknown[0]}'" if unknown else "has no 'frames'"
            raise bad_file(
                f"The weights file {name} {problem}.", 'Write {"frames": {"1": {"relu1_1": 1.0}, …}}, with "interpolate" if wanted.'
            )
        interpolated, entries = _is_linear(name, data.get("interpolate")), data["frames"]
    if isinstance(entries, dict):
        pairs: list[tuple[str, Any, Any]] = [(f"frame {key}", key, value) for key, value in entries.items()]
    elif isinstance(entries, list):
        pairs = [(f"entry {index}", None, value) for index, value in enumerate(entries, 1)]
    else:
        raise bad_file(f"The frames of {name} are neither an object nor a list.", 'Write {"frames": {"1": {"relu1_1": 1.0}, …}}.')
    if not pairs:
        raise bad_file(f"The weights file {name} has no frames.", 'Write {"frames": {"1": {"relu1_1": 1.0}, …}}.')
    columns: dict[str, str] = {}
    rows = []
    for place, frame, values in pairs:
        if not isinstance(values, dict):
            raise bad_file(f"The values of {place} in {name} are not an object.", 'Write them as {"relu1_1": 1.0, "relu5_1": 0.5}.')
        cells = dict(zip(_checked_columns(name, list(values), place), values.values(), strict=True))
        if isinstance(entries, list):
            frame = cells.pop("frame", None)
            place = f"frame {frame}" if isinstance(frame, int) else place
        elif "frame" in cells:
            raise bad_file(f"The values of {place} in {name} have 'frame' once more.", "Leave it out there.")
        for column in cells:
            columns.setdefault(column, place)
        rows.append((place, frame, {column: value for column, value in cells.items() if value is not None}))
    return Table(interpolated, columns, rows)


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
        raise bad_file(
            f"The weights file {name} asks to interpolate '{mode}'.", "Write linear, or leave that out to give every frame a value."
        )
    return True


def _checked_columns(name: str, header: Sequence[str], place: str) -> list[str]:
    """Return the columns by their own names; raise for one that does not exist or stands twice."""
    columns: list[str] = []
    for written in header:
        column = written.strip()
        if column.casefold().startswith(STYLE):
            column = STYLE + column[len(STYLE) :].strip()
            if column == STYLE:
                raise bad_file(
                    f"In {place} of {name}, '{written}' names no painting.", "Write style: and its file name, style:painting.jpg."
                )
        elif column.casefold() in (*KNOWN_COLUMNS, "frame"):
            column = column.casefold()
        else:
            raise _unknown_column(name, column, place)
        if column in columns:
            raise bad_file(f"In {place} of {name}, the column '{column}' stands twice.", "Keep one of them.")
        columns.append(column)
    return columns


def _unknown_column(name: str, column: str, place: str) -> LwswError:
    def likeness(known: str) -> tuple[float, bool]:
        ratio = difflib.SequenceMatcher(None, column.casefold(), known).ratio()
        return ratio, column.casefold()[:5] == known[:5]  # relu1_3 is rather a layer of the first block

    nearest = max((*KNOWN_COLUMNS, f"{STYLE}NAME", "frame"), key=likeness)
    is_near = likeness(nearest)[0] >= 0.5
    hint = f"Did you mean '{nearest}'?" if is_near else f"Known columns: {', '.join(KNOWN_COLUMNS)}, {STYLE}NAME."
    if re.match(r"(relu|conv)[0-9_]", column, re.IGNORECASE):
        return LwswError("unknown_layer", f"In {place} of {name}, there is no layer '{column}' in VGG-19.", hint)
    what = f"there is no column '{column}'" if column else "a column has no name"
    return bad_file(f"In {place} of {name}, {what}.", hint)
