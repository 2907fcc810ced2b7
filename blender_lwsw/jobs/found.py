"""Reads the records that jobs leave on disk, see :mod:`.record`: what can be taken up after Blender has crashed or was closed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..file_lock import is_held
from ..source.frames import Uploads

SCHEMA = 1
SOURCE = "source"
RECORD, WAITING, LOG, LOCK = "job.json", "waiting.json", "job-log.jsonl", ".job-lock"


@dataclass
class Made:
    """What there is of a job so far.

    Attributes:
        uploads: the files of the frames that are rendered.
        cameras: their cameras, see :func:`.source.passes.camera_of`, by the frame's number as text.
        results: the frames that are painted.
    """

    uploads: dict[int, Uploads] = field(default_factory=dict)
    cameras: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    results: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class StoppedJob:
    """A job that is not done and that nobody works on.

    Attributes:
        output: folder of its results.
        job_id: its name at the backend; empty if it never got there.
        began: when it was started, in seconds since 1970.
        scene: name of its scene.
        state: ``running`` (whoever ran it is gone), ``paused``, ``cancelled``, ``failed``, or ``waiting``: it has not begun.
        frames: its frames.
        title: what to call it in a list.
        data: how :func:`.stopped.plan_of` makes its plan again.
        made: what there is of it.
    """

    output: Path
    job_id: str
    began: float
    scene: str
    state: str
    frames: tuple[int, ...]
    title: str
    data: Mapping[str, Any]
    made: Made

    @property
    def waits(self) -> bool:
        """Whether it waited for others and has not begun."""
        return self.state == "waiting"

    @property
    def sentence(self) -> str:
        """Where it stopped, for the artist."""
        when = time.strftime("%d %b, %H:%M", time.localtime(self.began)).lstrip("0")
        if self.waits:
            return f"A job of {when} was waiting."
        stopped = "was paused" if self.state == "paused" else "stopped"
        where = f"at frame {len(self.made.results)} of {len(self.frames)}"
        is_rendered = self.data.get("renders") or not self.data.get("pictures")
        if not self.made.results and len(self.made.uploads) < len(self.frames) and is_rendered:
            where = f"while rendering, after frame {len(self.made.uploads)} of {len(self.frames)}"
        return f"A job of {when} {stopped} {where}."


def find_stopped(output: Path) -> StoppedJob | None:
    """Look for a job in an output folder that can be taken up. Reads files: call it where waiting for a disk does no harm."""
    folder = output / SOURCE
    begun, waiting = read_record(folder / RECORD), read_record(folder / WAITING)
    if SCHEMA not in (begun.get("schema"), waiting.get("schema")) or is_held(folder / LOCK):
        return None
    waits = _stopped(output, waiting, Made())
    if waits is not None and waits.waits and waits.began != begun.get("began"):  # otherwise it is the same job, which has just begun
        return waits
    return _stopped(output, begun, _made(folder))


def is_promised(output: Path) -> bool:
    """Return whether a job that nobody works on means to fill a folder: it was paused, or it waited. Reads files."""
    folder = output / SOURCE
    records = [record for name in (RECORD, WAITING) if (record := read_record(folder / name)).get("schema") == SCHEMA]
    return any(record.get("state") in ("paused", "waiting") for record in records) and not is_held(folder / LOCK)


def forget_stopped(output: Path, waits: bool) -> None:
    """Remove the record of a job that nobody works on; its frames and results stay.

    Args:
        output: its folder.
        waits: it has not begun; what an earlier job has left in the folder stays, too.
    """
    if not is_held(output / SOURCE / LOCK):
        remove_files(output / SOURCE, LOCK, WAITING, *(() if waits else (RECORD, LOG)))


def job_title(paintings: Iterable[Path], frames: Sequence[int]) -> str:
    """Return what to call a job in a list: its painting and its frames."""
    name = next(iter(paintings)).stem
    return f"{name}, frame {frames[0]}" if len(frames) == 1 else f"{name}, frames {frames[0]}–{frames[-1]}"


def relative(path: Path, folder: Path) -> str:
    """Return a path as it is kept: from the folder on where it lies inside, so that both can be moved together."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return str(path)


def read_record(path: Path) -> dict[str, Any]:
    """Return what a record says; nothing where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _stopped(output: Path, content: Mapping[str, Any], made: Made) -> StoppedJob | None:
    """Return the job that a record tells of; None where there is none, or where it has been damaged by hand: a new job begins."""
    if content.get("schema") != SCHEMA:
        return None
    try:
        frames = tuple(int(frame) for frame in content["job"]["frames"])
        return StoppedJob(
            output, str(content["job_id"]), float(content["began"]), str(content["scene"]), str(content["state"]), frames,
            job_title(map(Path, content["styles"].values()), frames), content, made,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, StopIteration):
        return None


def _made(folder: Path) -> Made:
    """Read the log; half a line, one that makes no sense, and files that are gone do not count."""
    made = Made()
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return made
    for text in lines:
        with suppress(ValueError, TypeError, KeyError):
            _add_line(made, json.loads(text), folder)
    return made


def _add_line(made: Made, line: Mapping[str, Any], folder: Path) -> None:
    if "job" in line:
        made.results.clear()
    elif "result" in line:
        made.results.add(int(line["result"]))
    elif "rendered" in line:
        frame, picture = int(line["rendered"]), folder / line["picture"]
        passes = folder / line["passes"] if "passes" in line else None
        if picture.is_file() and (passes is None or passes.is_file()):
            made.uploads[frame] = Uploads(frame, picture, passes)
            if "camera" in line:
                made.cameras[str(frame)] = line["camera"]


def remove_files(folder: Path, *names: str) -> None:
    """Remove files, as far as they are there and the system lets them go."""
    for name in names:
        with suppress(OSError):  # Windows removes no file that is open; an empty lock file hurts nobody
            (folder / name).unlink()
