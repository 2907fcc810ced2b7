"""Where the shots of a clip begin: what is known beforehand, and what is found in the pictures, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from torch import Tensor

from ..core.cuts import FLASH_FRAMES, goes_on, goes_on_along, is_same_view
from ..errors import LwswError
from ..media.files import write_atomically
from .directory import JobDirectory

_FILE = "shots.json"


class Footage(Protocol):
    """What a cut is looked for in."""

    def wait_for(self, number: int) -> None:
        """Return once the files of a frame are there."""

    def small_color(self, number: int) -> Tensor:
        """Return a frame at the size of :func:`lwsw.core.cuts.shrink`."""

    def motion_between(self, number: int, other: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the renderer's flow back and forth, and where it is known."""


class Shots:
    """Says which frames begin a shot. Each answer depends on a few frames around only, so it does not matter where one begins to ask.

    Args:
        footage: pictures and motion.
        frames: numbers of the clip, ascending.
        known: numbers of frames that begin a shot.
        find: look for others in the pictures.
        has_vectors: the renderer's motion is there.
    """

    def __init__(self, footage: Footage, frames: Sequence[int], known: Collection[int], find: bool, has_vectors: bool) -> None:
        self._footage, self._frames = footage, frames
        self._known, self._find, self._has_vectors = frozenset(known), find, has_vectors
        self._begins: dict[int, bool] = {0: True}

    def begins(self, index: int) -> bool:
        """Return whether the frame at a position of the clip begins a shot; raise what reading its picture or the previous one raises."""
        if index not in self._begins:
            self._begins[index] = self._is_known(index) or (self._find and not self._goes_on(index))
        return self._begins[index]

    def is_found(self, index: int) -> bool:
        """Return whether a frame begins a shot because of what the pictures show, and nobody said so before."""
        return index > 0 and self.begins(index) and not self._is_known(index)

    def first(self, index: int) -> int:
        """Return the position at which the shot of a frame begins."""
        while not self.begins(index):
            index -= 1
        return index

    def decided(self) -> dict[int, bool]:
        """Return what has been found out, by position."""
        return dict(self._begins)

    def decide(self, decided: Mapping[int, bool]) -> None:
        """Take over what was found out before."""
        self._begins |= {index: begins for index, begins in decided.items() if index > 0}

    def _is_known(self, index: int) -> bool:
        return self._frames[index] in self._known

    def _goes_on(self, index: int) -> bool:
        image, before = (self._footage.small_color(self._frames[position]) for position in (index, index - 1))
        motion = self._motion(index)
        if motion is not None:
            # vectors do not know how water, smoke or a screen move: what contradicts them has to be certain
            return goes_on_along(image, before, *motion) or is_same_view(image, before) or self._is_around_a_flash(index)
        return goes_on(image, before) or self._is_around_a_flash(index)

    def _motion(self, index: int) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return the renderer's motion of a frame from the previous one, None where there is none."""
        if not self._has_vectors:
            return None
        try:
            return self._footage.motion_between(self._frames[index], self._frames[index - 1])
        except LwswError:
            return None  # whoever needs the motion will say so; the pictures tell, too

    def _is_around_a_flash(self, index: int) -> bool:
        """Return whether a frame before this one, and this one or one after it, are the same view, with only a few others in between."""
        last = len(self._frames) - 1
        for after in range(index, min(index + FLASH_FRAMES, last) + 1):  # those that are there first: later ones may still be rendered
            for before in range(index - 1, max(after - 1 - FLASH_FRAMES, 0) - 1, -1):
                between = range(before + 1, after + 1)
                if len(between) > 1 and not any(self._is_known(other) for other in between) and self._is_like(after, before):
                    return True
        return False

    def _is_like(self, index: int, other: int) -> bool:
        for position in (index, other):
            self._footage.wait_for(self._frames[position])
        try:
            return is_same_view(*(self._footage.small_color(self._frames[position]) for position in (index, other)))
        except LwswError:
            return False  # its own turn will come, and then it is said


def write_decisions(job: JobDirectory, decided: Mapping[int, bool]) -> None:
    """Keep what :meth:`Shots.decided` returns in ``state/``; raises as ``write_atomically`` does."""
    frames = {str(job.frames[index]): begins for index, begins in decided.items()}
    write_atomically(job.state_path / _FILE, json.dumps(frames).encode())


def read_decisions(job: JobDirectory) -> dict[int, bool]:
    """Return what was found out about the finished frames of a job, by position; files of the others may have changed since."""
    first = job.first_unfinished()
    finished = range(len(job.frames) if first is None else job.frames.index(first))
    try:
        frames = json.loads((job.state_path / _FILE).read_bytes())
        return {index: frames[str(job.frames[index])] is True for index in finished if str(job.frames[index]) in frames}
    except (OSError, ValueError, TypeError):
        return {}
