"""Finished cells of a sweep on disk: a 16-bit picture, and beside it what it was painted with, as a hash, and its measures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LwswError
from ..media.files import write_atomically
from ..media.images import check_png, write_png16
from ..profiles import Look


@dataclass(frozen=True)
class FinishedCell:
    """A cell on disk."""

    file: Path
    record: Mapping[str, Any]


def plain_look(look: Look) -> dict[str, Any]:
    """Return what a look does, the same for weights that differ by a factor."""
    weights = {layer: round(weight, 9) for layer, weight in look.layer_weights.normalized().items()}
    return {
        "layer_weights": weights,
        "content_weight": look.content_weight,
        "strength": look.strength,
        "exponent": look.exponent,
        "color": look.color,
    }


def hash_of(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def save_cell(folder: Path, name: str, hash_: str, image: np.ndarray, record: Mapping[str, Any]) -> FinishedCell:
    """Write a cell: the picture first, so that a record always has one."""
    number = 1 + max((int(path.name.split("_")[0]) for path in folder.glob("[0-9]*_*") if path.name.split("_")[0].isdigit()), default=0)
    path = folder / f"{number:02d}_{re.sub(r'[^0-9A-Za-z_.+-]+', '-', name).strip('-.')[:80]}.png"
    write_png16(path, image)
    write_atomically(path.with_suffix(".json"), json.dumps({"hash": hash_, "file": path.name, **record}, indent=1).encode())
    return FinishedCell(path, record)


def finished_cells(folder: Path) -> dict[str, FinishedCell]:
    """Return the cells whose record and picture are there and whole, by hash."""
    finished = {}
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_bytes())
            picture = folder / Path(record["file"]).name
            check_png(picture.read_bytes(), picture.name)
            if isinstance(record["gram_errors"], dict):
                finished[str(record["hash"])] = FinishedCell(picture, record)
        except (OSError, ValueError, KeyError, TypeError, LwswError):
            continue
    return finished
