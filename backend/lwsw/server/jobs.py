"""The jobs of one server: what exists on disk, the queue, and the thread that runs one job at a time.

The disk is the truth. This process knows better only about the jobs that it queued or runs itself, so a server that is
started again, or a second one on the same folder, sees every job as it is.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import Cancelled, LwswError
from ..jobs.arrivals import begin_receiving, end_receiving
from ..jobs.directory import SCHEMA, JobDirectory
from ..jobs.failures import as_lwsw_error
from ..jobs.pass_files import check_pass_file
from ..jobs.settings import StylizeSettings
from ..jobs.state import read_state
from ..media.files import output_error, write_atomically
from ..media.images import check_png, decode_image
from .job import Job
from .supervisor import Supervisor, WorkerCommand, worker_command

log = logging.getLogger(__name__)

_ORPHAN_SECONDS = 3.0  # the worker of a server that was killed needs a moment to notice
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_GRAVE = ".removed-"
_KEPT_SECONDS = 30 * 24 * 3600.0  # done and cancelled jobs
_ABANDONED_SECONDS = 600.0  # a job that waits for a frame, and nobody has asked for it: whoever sent its frames is gone
_REQUEST_KEYS = {"frames", "width", "height", "styles", "settings", "schema"}


class Jobs:
    """All jobs in a folder; every method may be called from any thread.

    Args:
        folder: one subfolder per job; made if it does not exist.
        command: the command of a worker, for tests.

    Raises:
        LwswError: ``output_not_writable`` or ``disk_full`` when the folder cannot be made.
    """

    def __init__(self, folder: Path, command: WorkerCommand = worker_command) -> None:
        self.folder = folder
        self._command = command
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []
        self._active: Job | None = None
        self._closing = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(folder, error) from error
        self._bury_old_jobs()
        graves = list(folder.glob(f"{_GRAVE}*"))  # also of a server that was killed while it removed a job
        threading.Thread(target=_empty, args=[graves], name="removal", daemon=True).start()  # gigabytes must not delay the start
        self._runner = threading.Thread(target=self._run_queue, name="job queue", daemon=True)
        self._runner.start()

    @property
    def closing(self) -> bool:
        """Whether the server is about to end."""
        return self._closing

    def active_job(self) -> str | None:
        """Return the id of the job that is running, or None."""
        active = self._active
        return None if active is None else active.id

    def create(self, request: Any) -> str:
        """Make a job from the body of ``POST /v1/jobs`` and return its id; raises like :meth:`JobDirectory.create`."""
        if not isinstance(request, Mapping):
            raise LwswError("bad_settings", "A job must be a JSON object.", "See docs/architecture.md for its form.")
        unknown = sorted(set(request) - _REQUEST_KEYS)
        if unknown:
            raise LwswError("bad_settings", f"A job has no '{unknown[0]}'.", f"Known names: {', '.join(sorted(_REQUEST_KEYS))}.")
        if request.get("schema", SCHEMA) != SCHEMA:
            raise LwswError(
                "version_mismatch",
                f"This job has format {request['schema']}, and this backend reads format {SCHEMA}.",
                "Update the extension and the backend so that they match.",
            )
        for name, kind in (("frames", list), ("styles", list), ("settings", dict)):
            if not isinstance(request.get(name, kind()), kind):
                raise LwswError("bad_settings", f"The {name} of the job have the wrong form.", "See docs/architecture.md for it.")
        identifier = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        size: dict[str, Any] = {name: request.get(name) for name in ("width", "height")}  # create() checks them
        JobDirectory.create(
            self.folder / identifier,
            **size,
            frames=request.get("frames", []),
            styles=request.get("styles", []),
            settings=StylizeSettings.from_dict(request.get("settings", {})),
        )
        log.info("job %s: created, %d frames", identifier, len(request["frames"]))
        return identifier

    def status(self, identifier: str) -> dict[str, Any]:
        """Return the status of one job; raise ``job_not_found``."""
        with self._changed:
            return self._asked_for(identifier).status()

    def statuses(self) -> list[dict[str, Any]]:
        """Return the status of every job, oldest first; folders that hold no readable job are left out."""
        result = []
        for path in sorted(self.folder.iterdir()):
            try:
                with self._changed:
                    result.append(self._find(path.name).status())
            except LwswError:
                continue
        return result

    def put_style(self, identifier: str, name: str, data: bytes) -> None:
        """Store a painting; raise ``unreadable_style``, ``missing_style`` for a name the job does not have, or ``job_running``."""
        job = self._named(identifier)
        job.check_open()
        if name not in job.directory.styles:
            raise LwswError("missing_style", f"This job has no painting '{name}'.", f"Its paintings: {', '.join(job.directory.styles)}.")
        if job.progress.results:
            raise LwswError("job_running", "Some frames are finished, so the painting cannot change.", "Send a new job.")
        decode_image(data, "style", name)  # paintings are few, so they are read completely
        write_atomically(job.directory.path / "styles" / name, data)

    def put_frame(self, identifier: str, frame: int, data: bytes) -> None:
        """Store the colour of a frame; raise ``unreadable_frame``, ``bad_frame_size``, ``missing_frames`` or ``job_running``."""
        job = self._named(identifier)
        job.check_frame_open(frame)
        job.check_size(frame, check_png(data, f"{frame:04d}.png"))
        job.write(job.directory.frame_path(frame), data)

    def put_pass(self, identifier: str, frame: int, data: bytes) -> None:
        """Store the passes of a frame once they have been read.

        Raises:
            LwswError: ``corrupt_pass``, ``missing_pass`` or ``bad_pass_values``; ``missing_frames`` or ``job_running``.
        """
        job = self._named(identifier)
        job.check_frame_open(frame)
        path = job.directory.pass_path(frame)
        settings, count = job.directory.settings, len(job.directory.frames)
        job.write(path, data, lambda temporary: check_pass_file(temporary, settings, count, path.name))

    def put_cameras(self, identifier: str, data: bytes) -> None:
        """Store ``cameras.json``; raise ``bad_settings`` or ``job_running``."""
        job = self._named(identifier)
        job.check_open()
        if job.progress.results:
            raise LwswError("job_running", "Some frames are finished, so the cameras cannot change.", "Send a new job.")
        job.directory.write_cameras(_cameras(data))

    def put_camera(self, identifier: str, frame: int, data: bytes) -> None:
        """Add the camera of a frame to ``cameras.json``; raise ``bad_settings``, ``missing_frames`` or ``job_running``."""
        job = self._named(identifier)
        job.check_frame_open(frame)
        job.add_camera(frame, _cameras(data))

    def result(self, identifier: str, frame: int) -> Path:
        """Return the path of a finished frame; raise ``missing_frames`` while it is not finished."""
        job = self._named(identifier)
        job.check_known(frame)
        path = job.directory.result_path(frame)
        if not path.is_file():
            raise LwswError("missing_frames", f"Frame {frame} is not finished yet.", "Wait until the status lists it among the results.")
        return path

    def start(self, identifier: str, early: bool = False) -> dict[str, Any]:
        """Queue a job that has everything, and return its status; a job that waits, runs or is done is left alone.

        Also what resumes: the work goes on at the first frame without a result. And what tells a job that began early that its input is
        complete.

        Args:
            identifier: of the job.
            early: begin although frames are still coming: each is painted when it is there, and the job waits for the others until
                ``start`` is called without this.

        Raises:
            LwswError: those of :func:`.arrivals.end_receiving`, or, with ``early``, of :func:`.arrivals.begin_receiving`; ``job_running``
                where another program runs the job.
        """
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while True:
            with self._changed:
                job = self._asked_for(identifier)
                if job.is_ours or job.state == "done":
                    if job.directory.is_receiving and not early:
                        end_receiving(job.directory)
                    return job.status()
                if job.state != "running":
                    (begin_receiving if early else end_receiving)(job.directory)
                    job.directory.append_event({"event": "job_queued"})
                    job.state, job.error = "queued", None
                    self._queue.append(job)
                    self._changed.notify_all()
                    return job.status()
            if time.monotonic() > deadline:
                raise _used_elsewhere()
            time.sleep(0.1)

    def cancel(self, identifier: str) -> dict[str, Any]:
        """End a job within two seconds, keep its finished frames, and return its status."""
        with self._changed:
            job = self._find(identifier)
            if job in self._queue:
                self._queue.remove(job)
                self._finish(job, Cancelled())
            elif job.state == "running" and job.supervisor is None:
                raise _used_elsewhere()
            supervisor = job.supervisor
        if supervisor is not None:
            supervisor.cancel()
            with self._changed:
                self._changed.wait_for(lambda: job.supervisor is not supervisor, timeout=2.0)
        with self._changed:
            return job.status()

    def delete(self, identifier: str) -> None:
        """Remove the directory of a job; raise ``job_running`` while somebody works on it."""
        with self._changed:
            job = self._find(identifier)
            if job.state in ("queued", "running"):
                raise LwswError("job_running", "This job is running, so it cannot be removed.", "Cancel it first.")
            grave = self._bury(job.directory.path)
            del self._jobs[identifier]
        _empty([grave])
        log.info("job %s: removed", identifier)

    def close(self) -> None:
        """End the worker and the queue; jobs that were waiting or running can be resumed by the next server."""
        with self._changed:
            self._closing = True
            self._queue.clear()
            supervisor = self._active.supervisor if self._active else None
            self._changed.notify_all()
        if supervisor is not None:
            supervisor.cancel()
        self._runner.join(timeout=3.0)

    def _bury(self, path: Path) -> Path:
        """Rename the directory of a job and return its new path: a folder that is half removed must not look like a job."""
        grave = self.folder / f"{_GRAVE}{secrets.token_hex(4)}"
        try:
            path.rename(grave)
        except OSError as error:
            raise output_error(path, error) from error
        return grave

    def _bury_old_jobs(self) -> None:
        """Take jobs that were done or cancelled long ago out of the list, so that the folder does not grow for ever."""
        for path in sorted(self.folder.iterdir()):
            try:
                if not _ID.fullmatch(path.name) or not (path / "job.json").is_file() or time.time() - _last_change(path) < _KEPT_SECONDS:
                    continue
                directory = JobDirectory.open(path)
                if not directory.is_locked() and read_state(directory)[0] in ("done", "cancelled"):
                    self._bury(path)
                    log.info("job %s: removed, it ended more than 30 days ago", path.name)
            except (LwswError, OSError) as error:  # one damaged folder must not stop the server
                log.warning("job %s: not removed: %s", path.name, error)

    def _find(self, identifier: str) -> Job:
        if not _ID.fullmatch(identifier):
            raise LwswError("job_not_found", "There is no such job.", "It may have been removed; start it again.")
        job = self._jobs.get(identifier)
        if job is None or not (job.directory.path / "job.json").exists():
            try:
                job = Job(JobDirectory.open(self.folder / identifier))
            except LwswError as error:
                if error.code != "job_not_found":
                    raise
                self._jobs.pop(identifier, None)
                raise LwswError("job_not_found", f"There is no job {identifier}.", "It may have been removed; start it again.") from None
            self._jobs[identifier] = job
        elif not job.is_ours:
            job.refresh()
        return job

    def _asked_for(self, identifier: str) -> Job:
        """Return a job that somebody asks for or sends something to. The caller holds the lock."""
        job = self._find(identifier)
        job.heard = time.monotonic()
        return job

    def _named(self, identifier: str) -> Job:
        with self._changed:
            return self._asked_for(identifier)

    def _run_queue(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if self._closing:
                    return
                job = self._queue.pop(0)
                job.supervisor = Supervisor(job.directory, lambda event, job=job: self._take_event(job, event), self._command)  # type: ignore[misc]
                job.state = "running"
                self._active = job
            log.info("job %s: running", job.id)
            failure: LwswError | None = None
            try:
                job.supervisor.run()
            except Exception as error:  # one job must never end the queue
                failure = as_lwsw_error(error)
                if not isinstance(error, LwswError):
                    log.exception("job %s", job.id)
            with self._changed:
                job.supervisor = None
                self._active = None
                self._finish(job, failure)

    def _take_event(self, job: Job, event: dict[str, Any]) -> None:
        with self._changed:
            job.progress.update(event)
            silent = time.monotonic() - job.heard > _ABANDONED_SECONDS
        if silent and event.get("event") == "waiting":  # the queue and the memory are not to wait with it for ever; this ends the worker
            minutes = f"{_ABANDONED_SECONDS / 60:.0f} minutes"
            message = f"Frame {event.get('frame')} has not come, and for {minutes} nobody has asked for this job."
            raise LwswError("missing_frames", message, "Resume sends the frames that are missing, and continues where it stopped.")

    def _finish(self, job: Job, failure: LwswError | None) -> None:
        """Note how a job ended, in memory and in its log. The caller holds the lock."""
        job.progress.stop()
        event: dict[str, Any] = {}
        if failure is None:
            job.state = "done"
        elif failure.code == "cancelled":
            job.state, event = "cancelled", {"event": "job_cancelled"}
        else:
            job.state, job.error, event = "failed", failure, {"event": "job_failed", "error": failure.to_dict()}
        log.info("job %s: %s%s", job.id, job.state, f" ({failure})" if job.error else "")
        # Ended by the end of the server is not the artist's wish: there the log goes on saying that the job was running.
        if event and not self._closing:
            try:
                job.directory.append_event(event)
            except LwswError as error:  # a full disk: the state in memory has to do
                log.error("job %s: %s", job.id, error)
        job.remember()
        self._changed.notify_all()


def _used_elsewhere() -> LwswError:
    return LwswError("job_running", "Another program is working on this job.", "End it there, or wait until it ends.")


def _cameras(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise LwswError("bad_settings", "The camera file is not JSON.", "Export the cameras again, or leave them out.") from None


def _last_change(path: Path) -> float:
    """Return when something in the directory of a job last came, changed or went, in seconds since 1970."""
    return max(entry.stat().st_mtime for entry in (path, *path.iterdir()))


def _empty(graves: Iterable[Path]) -> None:
    for grave in graves:
        shutil.rmtree(grave, ignore_errors=True)
