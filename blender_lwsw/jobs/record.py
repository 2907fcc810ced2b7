"""A job's record on disk, beside its results: enough to go on after Blender has crashed or was closed.

``source/job.json`` says what the job is and how it stands, ``source/job-log.jsonl`` what there is of it, a line for each rendered
and each painted frame. Whoever runs the job holds ``source/.job-lock``. When the job is done the record goes: there is nothing to take up.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..source.frames import Uploads, write_error, write_file
from .folder_lock import FolderLock, is_held

SCHEMA = 1
SOURCE = "source"
_RECORD, _LOG, _LOCK = "job.json", "job-log.jsonl", ".job-lock"


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
        state: ``running`` (whoever ran it is gone), ``paused``, ``cancelled`` or ``failed``.
        frames: its frames.
        data: how :func:`.stopped.plan_of` makes its plan again.
        made: what there is of it.
    """

    output: Path
    job_id: str
    began: float
    scene: str
    state: str
    frames: tuple[int, ...]
    data: Mapping[str, Any]
    made: Made

    @property
    def sentence(self) -> str:
        """Where it stopped, for the artist."""
        when = time.strftime("%d %b, %H:%M", time.localtime(self.began)).lstrip("0")
        stopped = "was paused" if self.state == "paused" else "stopped"
        where = f"at frame {len(self.made.results)} of {len(self.frames)}"
        if not self.made.results and len(self.made.uploads) < len(self.frames) and (self.data["renders"] or not self.data["pictures"]):
            where = f"while rendering, after frame {len(self.made.uploads)} of {len(self.frames)}"
        return f"A job of {when} {stopped} {where}."


class Record:
    """Keeps the record of one job. Safe to use from several threads; a disk that refuses stops no job.

    Args:
        output: folder of the results.
        data: what the job is, JSON: see :func:`.stopped.data_of`.
        job_id: the job's name at the backend, if it is taken up again.
        made: what there is of it already, if it is taken up again.
        began: when it was started first; None for now.
    """

    def __init__(
        self, output: Path, data: Mapping[str, Any], job_id: str = "", made: Made | None = None, began: float | None = None
    ) -> None:
        self._folder = output / SOURCE
        self._data = data
        self._job_id = job_id
        self._is_new = made is None
        self.made = made or Made()
        self.began = time.time() if began is None else began
        self._state = ""
        self._guard = threading.Lock()
        self._lock = FolderLock(self._folder / _LOCK)
        self._problem = ""

    def begin(self) -> str:
        """Write the record, and hold it for this process.

        Returns:
            The name at the backend of an unfinished job that was started in this folder before, and that this one replaces.

        Raises:
            LwswError: ``job_running`` where another job works in this folder, ``disk_full`` or ``output_not_writable``.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            held = self._lock.acquire()
        except OSError as error:
            raise write_error(self._folder / _LOCK, error) from None
        if not held:
            raise LwswError(
                "job_running",
                f"Another job is being painted into {self._folder.parent}.",
                "Wait until it ends, or choose another output folder.",
            )
        older = str(_read(self._folder).get("job_id") or "")
        with self._guard:
            try:
                if self._is_new:
                    write_file(self._folder / _LOG, b"")
                else:
                    self._keep({})  # what was killed may have left half a line, which this ends
                self._state = "running"
                self._write()
            except LwswError:
                self._state = ""
                self._lock.release()
                raise
        return older if older != self._job_id else ""

    def set_job_id(self, job_id: str) -> None:
        """Note the job's name at the backend. Another one than before means that painting begins anew."""
        with self._guard:
            if self._state == "" or job_id == self._job_id:
                return
            self._job_id = job_id
            self.made.results.clear()
            self._keep({"job": job_id})
            self._write_kindly()

    def add_rendered(self, uploads: Uploads, camera: Mapping[str, Any] | None) -> None:
        """Note a frame that is rendered, with its camera."""
        with self._guard:
            self.made.uploads[uploads.frame] = uploads
            line: dict[str, Any] = {"rendered": uploads.frame, "picture": self._name(uploads.picture)}
            if uploads.passes is not None:
                line["passes"] = self._name(uploads.passes)
            if camera is not None:
                self.made.cameras[str(uploads.frame)] = camera
                line["camera"] = camera
            self._keep(line)

    def add_results(self, frames: Iterable[int]) -> None:
        """Note frames that are painted."""
        with self._guard:
            for frame in frames:
                if frame not in self.made.results:
                    self.made.results.add(frame)
                    self._keep({"result": frame})

    def end(self, state: str, worth_keeping: bool) -> None:
        """Note how the job ended and let the folder go.

        Args:
            state: ``paused``, ``cancelled``, ``failed`` or ``done``.
            worth_keeping: somebody may want to go on from here; otherwise the record is removed.
        """
        with self._guard:
            if self._state == "":
                return
            self._state = state
            if worth_keeping:
                self._write_kindly()
            else:
                _remove(self._folder)
            self._state = ""
            self._lock.release()

    def take_problem(self) -> str:
        """Return, once, why the record could not be kept; usually empty."""
        problem, self._problem = self._problem, ""
        return problem

    def _write(self) -> None:
        content = {"schema": SCHEMA, "state": self._state, "job_id": self._job_id, "began": self.began, **self._data}
        write_file(self._folder / _RECORD, json.dumps(content, indent=1, ensure_ascii=False).encode())

    def _write_kindly(self) -> None:
        try:
            self._write()
        except LwswError as error:
            self._problem = f"The job's record cannot be kept, so the job will not be found again after a crash. {error.message}"

    def _keep(self, line: Mapping[str, Any]) -> None:
        try:
            with (self._folder / _LOG).open("a", encoding="utf-8") as stream:
                stream.write((json.dumps(line) if line else "") + "\n")
        except OSError as error:
            reason = error.strerror or str(error)
            self._problem = f"The job's record cannot be kept ({reason}), so the job will not be found again after a crash."

    def _name(self, path: Path) -> str:
        return relative(path, self._folder)


def find_stopped(output: Path) -> StoppedJob | None:
    """Look for a job in an output folder that can be taken up. Reads files: call it where waiting for a disk does no harm."""
    folder = output / SOURCE
    content = _read(folder)
    if content.get("schema") != SCHEMA or is_held(folder / _LOCK):
        return None
    try:
        made = _made(folder)
        found = StoppedJob(
            output, str(content["job_id"]), float(content["began"]), str(content["scene"]), str(content["state"]),
            tuple(content["job"]["frames"]), content, made,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None  # damaged by hand: a new job begins
    return found if found.job_id or made.uploads else None


def forget_stopped(output: Path) -> None:
    """Remove the record of a job that nobody works on; its frames and results stay."""
    if not is_held(output / SOURCE / _LOCK):
        _remove(output / SOURCE)


def relative(path: Path, folder: Path) -> str:
    """Return a path as it is kept: from the folder on where it lies inside, so that both can be moved together."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return str(path)


def _read(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _made(folder: Path) -> Made:
    """Read the log; half a line, and files that are gone, do not count."""
    made = Made()
    try:
        lines = (folder / _LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return made
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue
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
    return made


def _remove(folder: Path) -> None:
    for name in (_RECORD, _LOG, _LOCK):
        with suppress(OSError):  # Windows removes no file that is open; an empty lock file hurts nobody
            (folder / name).unlink()
