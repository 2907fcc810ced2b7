"""Finds out before a job begins what its files would stop it with in the middle: quickly, by their first and last bytes."""

from __future__ import annotations

from ..errors import LwswError
from ..media.headers import read_exr_header, read_png_size
from ..media.passes import find_vector_layer
from .directory import JobDirectory, name_frames


class FileCheck:
    """Looks at the picture and the pass file of one frame after the other: are they there, written to their end, and of one size?

    Damage in the middle of a file shows only when it is decoded, which takes a hundred times as long.
    """

    def __init__(self, job: JobDirectory) -> None:
        self._job = job
        self._size: tuple[int, int] | None = None

    def look_at(self, frame: int) -> None:
        """Raise ``missing_frames``, ``unreadable_frame``, ``missing_pass``, ``corrupt_pass`` or ``bad_frame_size`` for a frame."""
        job = self._job
        found = [(job.frame_path(frame).name, read_png_size(job.frame_path(frame)))]
        if job.needs_passes:
            header = read_exr_header(job.pass_path(frame))
            if job.settings.needs_motion(len(job.frames)):
                find_vector_layer(header.channels, str(job.pass_path(frame)))
            found.append((job.pass_path(frame).name, (header.width, header.height)))
        for name, other in found:
            self._size = size = self._size or other
            if other != size:
                message = f"{name} is {other[0]}×{other[1]} pixels, the files before it are {size[0]}×{size[1]}."
                raise LwswError("bad_frame_size", message, "Render all frames and their passes at the same size.")


def check_files(job: JobDirectory) -> None:
    """Look at the files of every frame that the job still has to read, see :class:`FileCheck`.

    Raises:
        LwswError: ``missing_frames``, ``unreadable_frame``, ``missing_pass``, ``corrupt_pass`` or ``bad_frame_size`` with the first file at
            fault, and the frames of others.
    """
    first = job.first_unfinished()
    if first is None:
        return
    errors: list[tuple[int, LwswError]] = []
    check = FileCheck(job)
    for frame in job.frames[max(job.frames.index(first) - 1, 0) :]:
        try:
            check.look_at(frame)
        except LwswError as error:
            errors.append((frame, error))
    if errors:
        worst, others = errors[0][1], [frame for frame, _ in errors[1:]]
        more = f" Files of {name_frames(others)} cannot be used either." if others else ""
        raise LwswError(worst.code, worst.message + more, worst.hint)
