"""The part of a job that talks to the backend, in a thread of its own: connect, upload, run, download. Knows nothing of Blender."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import LwswError, cancelled, internal
from ..source.frames import Uploads, file_name, write_file
from .client import Client, Connect

#: Seconds between two looks at the job's status.
POLL_SECONDS = 0.25

_FINISHED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Order:
    """What is sent to the backend, and where the results go."""

    job: Mapping[str, Any]  # job.json without schema and version
    styles: Mapping[str, Path]  # the paintings by their names in the job
    output: Path


@dataclass
class Events:
    """What the thread tells the main thread; read with :meth:`Transfer.events`."""

    statuses: list[dict[str, Any]] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Transfer:
    """Runs one job at the backend while frames still come in.

    Frames are given with :meth:`add` as they are rendered and uploaded at once; :meth:`finish_input` starts the optimization, which
    with ``early`` has begun with the first of them and then only learns that there are no more.
    If the backend dies it is connected to again, once per finished frame, and the job goes on where it stopped.

    Args:
        order: what to do.
        connect: returns a client of a backend that answers; starts the backend where needed. Called in the thread with a function
            that tells whether to give up.
        job_id: a job of the backend to take up where it stopped; empty for a new one.
        on_job: called in the thread with the job's name at the backend as soon as it has one.
        early: paint each frame when it has come.
    """

    def __init__(
        self,
        order: Order,
        connect: Connect,
        job_id: str = "",
        on_job: Callable[[str], None] = lambda job_id: None,
        early: bool = False,
    ) -> None:
        self._order = order
        self._early = early
        self._connect = connect
        self._on_job = on_job
        self._discarded: list[str] = []
        self._lock = threading.Lock()
        self._events = Events()
        self._given: list[tuple[Uploads, Mapping[str, Any] | None]] = []
        self._cameras: Mapping[str, Any] | None = None
        self._input_complete = False
        self._changed = threading.Event()
        self._cancel = threading.Event()
        self._client: Client | None = None
        self._job_id = job_id
        self._styles_sent: set[str] = set()
        self._sent: set[int] = set()
        self._downloaded: set[int] = set()
        self._lives = 1
        self._thread = threading.Thread(target=self._run, name="lwsw-transfer", daemon=True)
        self.phase = "connect"
        self.uploaded = 0
        self.error: LwswError | None = None
        self.seconds: dict[str, float] = {}
        self.timings: Mapping[str, Any] = {}

    @property
    def job_id(self) -> str:
        """The job's name at the backend; empty before there is one."""
        return self._job_id

    def discard(self, job_id: str) -> None:
        """Remove an older job at the backend when connected; call before :meth:`begin`."""
        self._discarded.append(job_id)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, uploads: Uploads, camera: Mapping[str, Any] | None = None) -> None:
        """Give a frame to upload, with its camera if it has one."""
        with self._lock:
            self._given.append((uploads, camera))
        self._changed.set()

    def finish_input(self, cameras: Mapping[str, Any] | None) -> None:
        """Say that all frames have been given, with the contents of ``cameras.json`` if there are any."""
        with self._lock:
            self._cameras = cameras
            self._input_complete = True
        self._changed.set()

    def cancel(self) -> None:
        """Stop as soon as possible; the backend's worker is told to end."""
        self._cancel.set()
        self._changed.set()

    def events(self) -> Events:
        """Return what has happened since the last call."""
        with self._lock:
            events, self._events = self._events, Events()
        return events

    def is_alive(self) -> bool:
        """Return whether the thread still works."""
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Wait for the thread's end."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        while True:
            try:
                self._work()
                return
            except LwswError as error:
                if self._cancel.is_set():
                    self._tell_cancel()
                    self.error = cancelled()
                    return
                if error.code != "backend_gone" or self._lives == 0:
                    self.error = error
                    return
                self._lives -= 1
                self._note("The backend stopped; the job is taken up again where it was.")
            except Exception as error:  # noqa: BLE001 - the thread's last line of defence: the artist must hear of it
                self.error = internal(error)
                return

    def _work(self) -> None:
        """Go through the job from wherever it is; called again after the backend has come back."""
        self.phase = "connect"
        with self._timed("connect"):
            self._client = client = self._connect(self._cancel.is_set)
        self._check_cancel()
        while self._discarded:
            if (older := self._discarded.pop()) != self._job_id:
                with contextlib.suppress(LwswError):  # it may be gone already, or in use by somebody else
                    client.delete(older)
        self.phase = "upload"
        status = self._take_up(client)
        if status.get("state") == "created" or status.get("receiving"):
            self._sent.update(status.get("results", ()))  # what is painted cannot be sent again
            if status.get("receiving"):
                self._styles_sent.update(self._order.styles)  # it could not have begun without
            self._send(client, self._early or bool(status.get("receiving")))
        elif status.get("state") != "done":
            client.resume(self._job_id)  # leaves a job alone that runs
        self.phase = "stylize"
        with self._timed("stylize"):
            while not self._look(client):
                self._cancel.wait(POLL_SECONDS)
        with contextlib.suppress(LwswError):
            client.delete(self._job_id)  # every result is here: the copies of the frames need not stay

    def _take_up(self, client: Client) -> Mapping[str, Any]:
        """Return the status of the job at the backend; create it if it isn't there."""
        if self._job_id:
            try:
                return client.status(self._job_id)
            except LwswError as error:
                if error.code != "job_not_found":
                    raise
        self._sent.clear()
        self._styles_sent.clear()
        self._job_id = client.create_job(self._order.job)
        self._on_job(self._job_id)
        return {"state": "created"}

    def _send(self, client: Client, early: bool) -> None:
        """Send everything that the job needs, as it is given, and start the job: when it has all, or early, when it has a frame."""
        for name, path in self._order.styles.items():
            if name not in self._styles_sent:
                self._check_cancel()
                client.put_style(self._job_id, name, path)
                self._styles_sent.add(name)
        with contextlib.ExitStack() as painting:
            is_painting = False
            while True:
                self._check_cancel()
                self._changed.clear()
                with self._lock:
                    given = next((given for given in self._given if given[0].frame not in self._sent), None)
                    complete, cameras = self._input_complete, self._cameras
                if given is not None:
                    self._send_frame(client, *given, early=early)
                elif complete:
                    break
                if early and self._sent and not is_painting:
                    client.start(self._job_id, early=True)
                    painting.enter_context(self._timed("stylize"))
                    is_painting, self.phase = True, "stylize"
                if is_painting:
                    self._look(client)
                if given is None:
                    self._changed.wait(POLL_SECONDS if is_painting else 1.0)
        if cameras is not None and not early:
            client.put_cameras(self._job_id, cameras)
        client.start(self._job_id)

    def _send_frame(self, client: Client, uploads: Uploads, camera: Mapping[str, Any] | None, early: bool) -> None:
        with self._timed("upload"):
            if early and camera is not None:  # otherwise all come together
                client.put_camera(self._job_id, uploads.frame, camera)
            client.put_frame(self._job_id, uploads.frame, uploads.picture)
            if uploads.passes is not None:
                client.put_passes(self._job_id, uploads.frame, uploads.passes)
        self._sent.add(uploads.frame)
        self.uploaded = len(self._sent)

    def _look(self, client: Client) -> bool:
        """Look at the job once and take what it has finished; return whether it is done, raise where it has ended otherwise."""
        self._check_cancel()
        status = client.status(self._job_id)
        for frame in status.get("results", ()):
            if frame not in self._downloaded:
                self._check_cancel()
                self._download(client, int(frame))
        with self._lock:
            self._events.statuses = [status]  # only the latest one matters
        state = status.get("state")
        if state not in _FINISHED:
            return False
        self.timings = status.get("timings") or {}
        if note := status.get("note"):
            self._note(str(note))
        if state == "failed":
            raise LwswError.from_dict(status.get("error") or {})
        if state == "cancelled":
            raise cancelled()
        return True

    def _download(self, client: Client, frame: int) -> None:
        with self._timed("download"):
            write_file(self._order.output / file_name(frame, ".png"), client.result(self._job_id, frame))
        self._downloaded.add(frame)
        self._lives = 1
        with self._lock:
            self._events.results.append(frame)

    def _tell_cancel(self) -> None:
        if self._client is not None and self._job_id:
            with contextlib.suppress(LwswError):  # nobody there, or nothing running: nothing is left to cancel
                self._client.cancel(self._job_id)

    def _check_cancel(self) -> None:
        if self._cancel.is_set():
            raise cancelled()

    def _note(self, text: str) -> None:
        with self._lock:
            self._events.notes.append(text)

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - began
