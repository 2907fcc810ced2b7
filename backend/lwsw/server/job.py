"""One job as the server knows it: where it stands, and which of its files may still come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..jobs.arrivals import add_camera
from ..jobs.directory import JobDirectory, name_frames
from ..jobs.progress import Progress
from ..jobs.state import read_state
from ..media.files import write_atomically
from ..media.images import check_png
from .supervisor import Supervisor


class Job:
    """One job: its directory, its state and its progress. :class:`.jobs.Jobs` guards these with its lock; files may come meanwhile.

    Attributes:
        directory: where it lies.
        progress: how far it is.
        state, error: as in the status of the HTTP interface.
        supervisor: what runs it right now.
        heard: when somebody last asked for it or sent something, by the monotonic clock.
    """

    def __init__(self, directory: JobDirectory) -> None:
        self.directory = directory
        self.progress = Progress(directory)
        self.state = "created"
        self.error: LwswError | None = None
        self.supervisor: Supervisor | None = None
        self.heard = time.monotonic()
        self._uploading = threading.Lock()
        self._source_size: tuple[int, int] | None = None  # of the first frame that came
        self._seen: tuple[int, bool, int] | None = None
        self.refresh()

    @property
    def id(self) -> str:
        """The name of the folder."""
        return self.directory.path.name

    @property
    def is_ours(self) -> bool:
        """Whether this server queued or runs it right now."""
        return self.state == "queued" or self.supervisor is not None

    def refresh(self) -> None:
        """Look at the directory again if somebody changed it since the last look."""
        if self._seen != self._signature():
            self.remember()
            self.progress.stop()
            self.state, self.error = read_state(self.directory)

    def remember(self) -> None:
        """Take the directory as it is now for seen: what this object says about it is right."""
        self._seen = self._signature()

    def _signature(self) -> tuple[int, bool, int]:
        times = []
        for path in (self.directory.log_path, self.directory.path / "results"):
            try:
                times.append(path.stat().st_mtime_ns)
            except OSError:
                times.append(0)
        return times[0], self.directory.is_locked(), times[1]

    def status(self) -> dict[str, Any]:
        """Return the status of the HTTP interface."""
        error = None if self.error is None else self.error.to_dict()
        receiving = self.state != "done" and self.directory.is_receiving
        return {"id": self.id, "state": self.state, "receiving": receiving, **self.progress.to_dict(), "error": error}

    def check_open(self, is_frame: bool = False) -> None:
        """Raise ``job_running`` where its files cannot change any more; those of a frame may still come while the job receives them."""
        started = self.state in ("queued", "running") and not (is_frame and self.directory.is_receiving)
        if started or self.state == "done":
            raise LwswError("job_running", "This job has started, so its files cannot change.", "Cancel it, or send a new job.")

    def check_frame_open(self, frame: int) -> None:
        """Raise ``missing_frames`` for a frame that the job does not have, ``job_running`` for one whose files cannot change any more."""
        self.check_known(frame)
        self.check_open(is_frame=True)
        if frame in self.progress.results:
            raise LwswError("job_running", f"Frame {frame} is finished, so its files cannot change.", "Send a new job.")

    def check_known(self, frame: int) -> None:
        """Raise ``missing_frames`` for a frame that the job does not have."""
        if frame not in self.directory.frames:
            raise LwswError("missing_frames", f"This job has no frame {frame}.", f"It has {name_frames(self.directory.frames)}.")

    def check_size(self, frame: int, size: tuple[int, int]) -> None:
        """Raise ``bad_frame_size`` where a picture differs in size from the first one that came."""
        with self._uploading:
            if self._source_size is None:
                self._source_size = _size_on_disk(self.directory) or size
            expected = self._source_size
        if size != expected and len(self.directory.frames) > 1:
            raise LwswError(
                "bad_frame_size",
                f"Frame {frame} is {size[0]}×{size[1]} pixels, but the others are {expected[0]}×{expected[1]}.",
                "Render all frames in one size.",
            )

    def write(self, path: Path, data: bytes, check: Callable[[Path], object] | None = None) -> None:
        """Store a file of a frame; one that a running job may have read already can only be sent once more, not changed.

        Raises:
            LwswError: ``job_running``, what ``check`` raises, and those of :func:`write_atomically`.
        """
        if self.is_ours and path.is_file():
            if path.read_bytes() != data:
                raise LwswError("job_running", f"{path.name} is being used, so it cannot change.", "Cancel the job, and send it then.")
            return
        write_atomically(path, data, check)

    def add_camera(self, frame: int, camera: Any) -> None:
        """Store the camera of a frame; raises as :func:`.arrivals.add_camera` does."""
        with self._uploading:
            add_camera(self.directory, frame, camera)


def _size_on_disk(directory: JobDirectory) -> tuple[int, int] | None:
    """Return the size of a frame that came before this server started, or None."""
    for path in sorted((directory.path / "frames").glob("*.png")):
        try:
            return check_png(path.read_bytes(), path.name)
        except (LwswError, OSError):
            continue
    return None
