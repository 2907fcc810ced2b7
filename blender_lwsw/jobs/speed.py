"""How fast jobs have been on this machine, measured with every job, and what the next one will take from that. Knows nothing of Blender."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..source.frames import ensure_folder, write_file

#: Measurements that are kept, the newest; a job adds one.
_MOST = 60

#: The newest ones of the same kind count, so that an update of the backend or a busy hour is soon forgotten.
_RECENT = 3

#: An estimate is rough where it comes from pictures that are so many times larger or smaller; these have about the same size.
_SIMILAR, _SAME_SIZE = 2.0, 1.25


@dataclass(frozen=True)
class Work:
    """How much a job has to do.

    Attributes:
        frames: how many.
        megapixels: of one stylized frame.
        looks: the picture's, and one for each region that is painted.
        iterations: of each frame after the first.
        first_iterations: of the first.
        passes: how often the frames after the first are painted, 2 with a second pass.
        depth: how many layers of the network are computed, of 16: up to the deepest that weighs anything.
        where: the device that was asked for and, if it is not this machine's own, the backend's address.
    """

    frames: int
    megapixels: float
    looks: int
    iterations: int
    first_iterations: int
    passes: int = 1
    depth: int = 16
    where: str = "auto"


@dataclass(frozen=True)
class Measurement:
    """What one job took.

    Attributes:
        where, looks, megapixels, depth: as in :class:`Work`.
        first_pace: seconds per iteration and megapixel of the first frame.
        later_pace: the same of the frames after it; None where there was one frame.
        overhead: seconds of the job that were no frame's: starting the process, loading the network.
        memory: bytes that painting needed at most, of the graphics card's memory where one was used; None where that is not known.
    """

    where: str
    looks: int
    megapixels: float
    first_pace: float
    later_pace: float | None
    overhead: float
    memory: int | None
    depth: int


@dataclass(frozen=True)
class Estimate:
    """What a job will take.

    Attributes:
        seconds: of painting; rendering comes on top.
        memory: bytes, or None where nothing similar was measured.
        is_rough: the measurement it is made of was of another number of looks, of pictures of another size, or of other layers.
    """

    seconds: float
    memory: int | None
    is_rough: bool


def measure(work: Work, status: Mapping[str, Any], seconds: float) -> Measurement | None:
    """Return what a finished job says about speed; None where the backend did not say enough.

    Args:
        work: what it had to do.
        status: the backend's last status of the job.
        seconds: from the start of the optimization to its end.
    """
    first, later = status.get("first_frame_seconds"), status.get("seconds_per_frame")
    if not isinstance(first, (int, float)) or first <= 0:
        return None
    painted, later_pace = first, None
    if others := (work.frames - 1) * work.passes:
        if not isinstance(later, (int, float)):
            return None
        painted += others * later
        later_pace = later / (work.iterations * work.megapixels)
    memory = status.get("peak_device_memory") or status.get("peak_memory")
    return Measurement(
        where=work.where,
        looks=work.looks,
        megapixels=work.megapixels,
        first_pace=first / (work.first_iterations * work.megapixels),
        later_pace=later_pace,
        overhead=max(0.0, seconds - painted),
        memory=memory if isinstance(memory, int) else None,
        depth=work.depth,
    )


def estimate(work: Work, measured: Sequence[Measurement]) -> Estimate | None:
    """Return what a job will take, from what similar ones took; None where none was measured.

    Args:
        work: what it has to do.
        measured: the oldest first.
    """
    here = [item for item in measured if item.where == work.where and (item.later_pace is not None or work.frames == 1)]
    if not here:
        return None
    # shallow layers alone take half the time of all, so those jobs count that went as deep, or else nearly
    nearest = min(abs(item.depth - work.depth) for item in here)
    as_deep = [item for item in here if abs(item.depth - work.depth) == nearest]
    closest = min(as_deep, key=lambda item: _distance(item, work))
    alike = [item for item in as_deep if _distance(item, work) <= _distance(closest, work) + 0.5][-_RECENT:]
    more = work.looks / closest.looks  # an upper bound: regions are smaller than the picture
    first = statistics.median(item.first_pace for item in alike) * more
    later = statistics.median(item.later_pace or 0.0 for item in alike) * more
    steps = first * work.first_iterations + later * work.iterations * (work.frames - 1) * work.passes
    seconds = steps * work.megapixels + statistics.median(item.overhead for item in alike)
    rough = nearest > 0 or closest.looks != work.looks or not _is_similar(closest.megapixels, work.megapixels)
    return Estimate(seconds, _memory(work, here), rough)


def _distance(item: Measurement, work: Work) -> float:
    """Return how unlike a job another one was: octaves of size, and looks that count more."""
    return abs(math.log2(item.megapixels / work.megapixels)) + 2 * abs(math.log2(item.looks / work.looks))


def _is_similar(a: float, b: float) -> bool:
    return 1 / _SIMILAR <= a / b <= _SIMILAR


def _memory(work: Work, here: Sequence[Measurement]) -> int | None:
    """Return what jobs of this size that went as deep needed, or what lies between a smaller and a larger one; None beyond these.

    Nothing is scaled: much of the memory is the same at every size.
    """
    known = [
        (item.megapixels, item.memory) for item in here if item.memory is not None and item.looks >= work.looks and item.depth >= work.depth
    ]
    alike = [memory for megapixels, memory in known if 1 / _SAME_SIZE <= megapixels / work.megapixels <= _SAME_SIZE]
    if alike:
        return max(alike[-_RECENT:])
    smaller = max((item for item in known if item[0] < work.megapixels), default=None)
    larger = min((item for item in known if item[0] > work.megapixels), default=None)
    if smaller is None or larger is None:
        return None
    share = (work.megapixels - smaller[0]) / (larger[0] - smaller[0])
    return round(smaller[1] + share * (larger[1] - smaller[1]))


class SpeedBook:
    """The measurements in a file; read once, written after every job.

    Args:
        path: a JSON file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._measured: list[Measurement] | None = None

    @property
    def measured(self) -> Sequence[Measurement]:
        """What was measured, the oldest first; what cannot be read is forgotten, for it is measured again."""
        if self._measured is None:
            self._measured = _read(self._path)
        return self._measured

    def add(self, measurement: Measurement) -> None:
        """Keep a measurement; raise ``output_not_writable`` or ``disk_full`` where the file cannot be written."""
        self._measured = [*_read(self._path), measurement][-_MOST:]  # another Blender may have written since
        ensure_folder(self._path.parent)
        write_file(self._path, json.dumps({"schema": 1, "measured": [asdict(item) for item in self._measured]}, indent=1).encode())


def _read(path: Path) -> list[Measurement]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["measured"]
        return [item for entry in entries if (item := _measurement(entry)) is not None]
    except (OSError, ValueError, LookupError, TypeError):  # not there yet, or damaged
        return []


def _measurement(entry: Mapping[str, Any]) -> Measurement | None:
    try:
        values = {field.name: entry[field.name] for field in fields(Measurement)}
        numbers = [values[name] for name in ("looks", "megapixels", "depth", "first_pace", "overhead")]
        optional = [values[name] for name in ("later_pace", "memory") if values[name] is not None]
        sound = all(math.isfinite(number) and number >= 0 for number in (*numbers, *optional)) and min(numbers[:3]) > 0
    except (LookupError, TypeError):
        return None
    return Measurement(**values) if sound else None
