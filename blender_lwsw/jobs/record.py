"""A job's record on disk, beside its results: enough to go on after Blender has crashed or was closed.

``source/job.json`` says what the job is and how it stands, ``source/job-log.jsonl`` what there is of it, a line for each rendered
and each painted frame. A job that waits for others has ``source/waiting.json`` instead, of the same form: what an earlier job has left
in the folder stays until this one begins. Whoever runs the job, or lets it wait, holds ``source/.job-lock``. When the job is done the
record goes: there is nothing to take up.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..file_lock import FileLock
from ..source.frames import Uploads, write_error, write_file
from .found import LOCK, LOG, RECORD, SCHEMA, SOURCE, WAITING, Made, read_record, relative, remove_files


class Record:
    """Keeps the record of one job. Safe to use from several threads; a disk that refuses stops no job.

    Args:
        output: folder of the results.
        data: what the job is, JSON: see :func:`.stopped.data_of`.
        job_id: the job's name at the backend, if it is taken up again.
        made: what there is of it already, if it is taken up again.
        began: when it was started first, or began to wait; None for now.

    Attributes:
        made: what there is of it.
        began: as above.
        has_waited: whether it waited for others, perhaps in an earlier Blender.
    """

    def __init__(
        self, output: Path, data: Mapping[str, Any], job_id: str = "", made: Made | None = None, began: float | None = None
    ) -> None:
        self._folder = output / SOURCE
        self._data = data
        self._job_id = job_id
        self._is_new = made is None
        self.made = made or Made()
        self.began = _now() if began is None else began
        self.has_waited = self._is_new and began is not None
        self._state = ""
        self._guard = threading.Lock()
        self._lock = FileLock(self._folder / LOCK)
        self._problem = ""

    def wait(self) -> None:
        """Write that the job waits for others, and hold its folder for this process.

        Raises:
            LwswError: as :meth:`begin`.
        """
        self._hold()
        with self._guard:
            self.has_waited = True
            self._enter("waiting")

    def begin(self) -> str:
        """Write the record, and hold it for this process, if it is not held already.

        Returns:
            The name at the backend of an unfinished job that was started in this folder before, and that this one replaces.

        Raises:
            LwswError: ``job_running`` where another job works in this folder, ``disk_full`` or ``output_not_writable``.
        """
        self._hold()
        older = str(read_record(self._folder / RECORD).get("job_id") or "")
        with self._guard:
            try:
                if self._is_new:
                    write_file(self._folder / LOG, b"")
                else:
                    self._keep({})  # what was killed may have left half a line, which this ends
            except LwswError:
                self._let_go()
                raise
            self._enter("running")
            remove_files(self._folder, WAITING)
        return older if older != self._job_id else ""

    def leave(self) -> None:
        """Let the folder of a job that waits go: it will be found."""
        with self._guard:
            self._let_go()

    def _hold(self) -> None:
        if self._state:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            held = self._lock.acquire()
        except OSError as error:
            raise write_error(self._folder / LOCK, error) from None
        if not held:
            raise LwswError(
                "job_running",
                f"Another job is being painted into {self._folder.parent}.",
                "Wait until it ends, or choose another output folder.",
            )

    def _enter(self, state: str) -> None:
        self._state = state
        try:
            self._write()
        except LwswError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        self._state = ""
        self._lock.release()

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

    def end(self, state: str, worth_keeping: bool, abandoned: bool = False) -> None:
        """Note how the job ended and let the folder go.

        Args:
            state: ``paused``, ``cancelled``, ``failed`` or ``done``.
            worth_keeping: there is something to go on from. Otherwise the record is removed, unless nobody has decided that: a job that
                was abandoned, or that failed after it had waited, perhaps at night, waits again, to be found.
            abandoned: it ended because Blender does, or another file is loaded: on record it was still running.
        """
        with self._guard:
            if self._state == "":
                return
            names, has_begun = [LOCK], self._state == "running"
            self._state = "running" if abandoned else state
            if has_begun and worth_keeping:
                self._write_kindly()
            else:
                names += [RECORD, LOG] if has_begun else []
                if abandoned or (state == "failed" and self.has_waited):
                    self._state = "waiting"
                    self._write_kindly()
                else:
                    names.append(WAITING)
                remove_files(self._folder, *names)
            self._let_go()

    def take_problem(self) -> str:
        """Return, once, why the record could not be kept; usually empty."""
        problem, self._problem = self._problem, ""
        return problem

    def _write(self) -> None:
        content = {"schema": SCHEMA, "state": self._state, "job_id": self._job_id, "began": self.began, **self._data}
        name = WAITING if self._state == "waiting" else RECORD
        write_file(self._folder / name, json.dumps(content, indent=1, ensure_ascii=False).encode())

    def _write_kindly(self) -> None:
        try:
            self._write()
        except LwswError as error:
            self._problem = f"The job's record cannot be kept, so the job will not be found again after a crash. {error.message}"

    def _keep(self, line: Mapping[str, Any]) -> None:
        try:
            with (self._folder / LOG).open("a", encoding="utf-8") as stream:
                stream.write((json.dumps(line) if line else "") + "\n")
        except OSError as error:
            reason = error.strerror or str(error)
            self._problem = f"The job's record cannot be kept ({reason}), so the job will not be found again after a crash."

    def _name(self, path: Path) -> str:
        return relative(path, self._folder)


def _now() -> float:
    """Return the time, later with each call, on clocks of coarse ticks too: jobs are told apart and put in order by it."""
    global _latest
    _latest = max(time.time(), _latest + 1e-6)
    return _latest


_latest = 0.0
