"""Looks through the frames of a job for what would make its paintings useless.

That is vectors which motion blur has emptied, and regions of objects that no frame shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from ..core.cuts import goes_on, shrink
from ..media.cryptomatte import check_objects, match_objects
from ..media.exr import ExrImage
from ..media.passes import MotionBlurCheck, read_motion
from .directory import JobDirectory


class Reader(Protocol):
    """What the frames are read with."""

    def wait_for(self, number: int) -> None:
        """Return once the files of a frame are there."""

    def full_color(self, number: int) -> Tensor:
        """Return the colour of a frame in its own size, ``1×3×h×w``."""

    def passes(self, number: int) -> ExrImage:
        """Return the decoded EXR file of a frame."""

    def names_of_objects(self, number: int) -> set[str]:
        """Return the names of the objects of a frame."""


class ClipCheck:
    """Goes through the clip only as far as it takes: usually one frame.

    Args:
        job: the directory.
        reader: of its frames.
        note: takes a sentence for the artist.
    """

    def __init__(self, job: JobDirectory, reader: Reader, note: Callable[[str], None]) -> None:
        self._job, self._reader, self._note = job, reader, note
        self._blur = MotionBlurCheck() if job.settings.needs_motion(len(job.frames)) else None
        self._before: Tensor | None = None
        self._patterns = [pattern for region in job.settings.regions for pattern in region.objects]
        self._names: set[str] = set()
        self._next = 0

    def go_to(self, index: int) -> None:
        """Look at the frames up to a position, and at more where that is needed to know whether the vectors can be used.

        What is hidden in one frame may be seen in another, so that an object is unknown is only said when all frames were looked at.

        Raises:
            LwswError: ``motion_blur``, ``unknown_object``, or what waiting and reading raise.
        """
        while self._next < len(self._job.frames) and self._is_open and (self._next <= index or self._is_suspect):
            number = self._job.frames[self._next]
            self._reader.wait_for(number)
            if self._looks_for_blur:
                self._look_for_blur(number)
            if self._patterns:
                self._look_for_objects(number)
            self._next += 1
        if self._next == len(self._job.frames) and self._is_open:
            if self._blur is not None:
                self._blur.finish()
                self._blur = None
            for region in self._job.settings.regions:
                check_objects(self._names, region.objects, region.name)
            self._end_looking_for_objects()

    @property
    def _is_open(self) -> bool:
        return self._looks_for_blur or bool(self._patterns)

    @property
    def _looks_for_blur(self) -> bool:
        return self._blur is not None and not self._blur.is_clear

    @property
    def _is_suspect(self) -> bool:
        return self._blur is not None and self._blur.is_suspect

    def _look_for_blur(self, number: int) -> None:
        assert self._blur is not None
        settings, color = self._job.settings, self._reader.full_color(number)
        small = shrink(color)
        # what the pictures alone say, because the vectors are what is in question
        found = settings.find_cuts and self._before is not None and not goes_on(small, self._before)
        picture = color[0].permute(1, 2, 0).numpy()
        self._blur.look_at(read_motion(self._reader.passes(number)), picture, found or number in settings.cuts)
        self._before = small

    def _look_for_objects(self, number: int) -> None:
        self._names |= self._reader.names_of_objects(number)
        if all(match_objects(self._names, [pattern]) for pattern in self._patterns):
            self._end_looking_for_objects()

    def _end_looking_for_objects(self) -> None:
        """Say which objects two regions name."""
        owner: dict[str, str] = {}
        for region in self._job.settings.regions if self._patterns else ():
            for name in match_objects(self._names, region.objects):
                if owner.setdefault(name, region.name) != region.name:
                    self._note(f"'{name}' is named by two regions and belongs to the first, '{owner[name]}'.")
        self._patterns = []
