"""Jobs that begin before all of their frames are there: what says that more are coming, and the wait for them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ..media.files import output_error, write_atomically
from .cameras import check_camera, check_cameras
from .directory import JobDirectory

#: Between two looks whether a frame has come. Whoever listens may stop the work at each.
LOOK_SECONDS = 0.25


def begin_receiving(job: JobDirectory) -> None:
    """Note that a job may be painted as far as its frames are there, because the others are still coming; raise ``missing_style``."""
    job.check_styles()
    write_atomically(job.receiving_path, b"")


def end_receiving(job: JobDirectory) -> None:
    """Note that everything has come; a job that waited for it from the beginning needs no note.

    Raises:
        LwswError: those of :meth:`JobDirectory.check_complete`, ``bad_settings`` where some cameras are missing.
    """
    job.check_complete()
    if job.is_receiving:
        if (cameras := job.cameras()) is not None:
            check_cameras(cameras, job.frames)
        try:
            job.receiving_path.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(job.receiving_path, error) from error


def add_camera(job: JobDirectory, frame: int, camera: Any) -> None:
    """Add the camera of a frame to ``cameras.json``; call it before the frame's files are there, and from one thread at a time.

    Raises:
        LwswError: ``bad_settings``, and those of :func:`write_atomically`.
    """
    cameras = job.cameras() or {"frames": {}}
    cameras["frames"][str(frame)] = check_camera(camera, frame)
    write_atomically(job.cameras_path, json.dumps(cameras).encode())


class Arrivals:
    """Waits for the frames of a job.

    Args:
        job: the directory.
        on_event: called with ``{"event": "waiting", "frame": number}`` several times a second during a wait; whatever it raises ends that.
    """

    def __init__(self, job: JobDirectory, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._job, self._on_event = job, on_event

    def wait_for(self, number: int) -> None:
        """Return once the files of a frame are there; raise as :meth:`JobDirectory.check_complete` does where none are coming any more."""
        while not self._job.has_frame(number):
            if not self._job.is_receiving:
                self._job.check_complete()
            self._on_event({"event": "waiting", "frame": number})
            time.sleep(LOOK_SECONDS)
