"""Reads ``--region``: objects with a look of their own.

A region is a row of ``KEY=VALUE`` separated by semicolons, so that names of objects and files may hold commas, colons and equals signs::

    object=Cube; object=Tree.*; style=wave.jpg; profile=abstract; strength=0.8

A semicolon inside a name is written twice. ``object`` and ``style`` may be repeated; the other keys are the options that set the same for
the whole picture. What starts with ``{`` is JSON instead, with the keys of a region in ``job.json`` (where values may change over time) and
``style``, a file or a list of files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..profiles import parse_layers, parse_shares

EXAMPLE = "object=Cube; object=Tree.*; style=wave.jpg; profile=abstract; strength=0.8"


@dataclass
class Region:
    """One ``--region``.

    Attributes:
        data: a region of ``job.json``; ``style_weights`` only where the command names paintings as ``job.json`` does.
        styles: files of its paintings; empty takes those of the whole picture.
        shares: weight of each of ``styles``; None for all alike.
    """

    data: dict[str, Any] = field(default_factory=dict)
    styles: list[Path] = field(default_factory=list)
    shares: list[float] | None = None


def parse_region(text: str) -> Region:
    """Read one region.

    Raises:
        LwswError: ``bad_settings``, ``bad_weights`` or ``unknown_layer`` with the part at fault. Ranges and missing objects are left to
            :class:`lwsw.jobs.settings.RegionSettings`.
    """
    return _from_json(text) if text.lstrip().startswith("{") else _from_fields(text)


def _from_fields(text: str) -> Region:
    region = Region()
    seen: set[str] = set()
    shares = None
    for part in (piece.replace("\0", ";").strip() for piece in text.replace(";;", "\0").split(";")):
        if not part:
            continue
        key, equals, value = (piece.strip() for piece in part.partition("="))
        key = key.replace("_", "-").lower()
        if not equals:
            hint = f'Write it as "{EXAMPLE}"; a semicolon inside a name is written twice.'
            raise LwswError("bad_settings", f"'{part}' in --region is not KEY=VALUE.", hint)
        if key not in _FIELDS and key not in _NAMES:
            hint = f"Use: {', '.join((*_NAMES, *_FIELDS))}; a semicolon inside a name is written twice."
            raise LwswError("bad_settings", f"--region has no '{key}'.", hint)
        if not value:
            raise LwswError("bad_settings", f"'{key}' in --region is empty.", "Give it a value, or leave it out.")
        if key in seen and key not in _REPEATED:
            raise LwswError("bad_settings", f"'{key}' stands twice in one --region.", "Keep one of them.")
        seen.add(key)
        if key == "object":
            region.data.setdefault("objects", []).append(value)
        elif key == "style":
            region.styles.append(Path(value))
        elif key == "style-weights":
            shares = value
        elif key == "name":
            region.data["name"] = value
        else:
            setting, read = _FIELDS[key]
            region.data[setting] = read(key, value)
    if shares is not None:
        if not region.styles:
            raise LwswError("bad_settings", "--region has style-weights and no style.", "Name the paintings, each as style=FILE.")
        region.shares = parse_shares(shares, len(region.styles), "--region")
    return region


def _from_json(text: str) -> Region:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LwswError("bad_settings", f"--region is not JSON: {error}.", f'Correct it, or write it as "{EXAMPLE}".') from None
    styles = data.pop("style", None)
    files: Sequence[Any] = [] if styles is None else styles if isinstance(styles, list) else [styles]
    if not all(isinstance(file, str) and file for file in files):
        raise LwswError("bad_settings", "The 'style' of a region is not the name of a file.", 'Write "style": "wave.jpg".')
    return Region(data, [Path(file) for file in files])


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        message = f"'{key}' in --region is '{value}', which is not a number."
        raise LwswError("bad_settings", message, "Write a number such as 0.5.") from None


def _text(key: str, value: str) -> str:
    return value


def _weights(key: str, value: str) -> dict[str, float]:
    return parse_layers(value)


#: Keys that are read by themselves, and those that are a setting: its name, and how its value is read.
_NAMES = ("name", "object", "style", "style-weights")
_REPEATED = ("object", "style")
_FIELDS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "profile": ("profile", _text),
    "weights": ("layer_weights", _weights),
    "strength": ("strength", _number),
    "content-weight": ("content_weight", _number),
    "frequency-exponent": ("frequency_exponent", _number),
    "palette": ("color", _text),
}
