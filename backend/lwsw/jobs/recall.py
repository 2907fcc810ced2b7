"""Finds earlier frames of a job that show what the previous one does not: what comes back into view shall look as it did before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..core.propagation import Source
from ..errors import LwswError
from ..media.images import read_image
from ..media.passes import Motion
from ..media.reprojection import still_flow
from .directory import JobDirectory
from .frame_reader import SourceReader, image_to_tensor

#: Less than this share of a frame is not worth reading other frames for.
_SMALLEST_SHARE = 0.002
#: Beside the second and third frame back, every fourth frame of the shot is asked, newest first, at most so many.
_STEP, _MOST = 4, 16


class Recall:
    """Looks for surfaces in earlier frames and their results.

    Args:
        job: with depth and cameras; without them nothing is found.
        reader: of the frame that is to be painted and its neighbours.
    """

    def __init__(self, job: JobDirectory, reader: SourceReader) -> None:
        self._job, self._reader = job, reader
        self._older = SourceReader(job)  # the other one keeps neighbours only
        self._depths: OrderedDict[int, Motion] = OrderedDict()

    def memories(self, index: int, first: int, visibility: Tensor) -> tuple[Source, ...]:
        """Return earlier frames of the shot that show surfaces hidden in the previous one, newest first.

        A flow to them leads through depth and cameras (:func:`lwsw.media.reprojection.still_flow`), so only what stands still is found.

        Args:
            index: position of the frame in the job.
            first: position where its shot begins.
            visibility: ``1×1×H×W``, how far the previous frame shows the same surfaces.
        """
        numbers = self._job.frames
        number, previous = numbers[index], numbers[index - 1]
        missing = 1.0 - visibility
        found: list[Source] = []
        self._older.cameras = self._reader.cameras  # of frames that came since, too
        cameras = self._reader.cameras["frames"]
        if not {str(number), str(previous)} <= cameras.keys():
            return ()
        try:
            motion = self._reader.motion(number)
        except LwswError:
            return ()  # the reader has said so, and estimates how this frame moves
        for earlier in _candidates(index, first):
            if float(missing.mean()) < _SMALLEST_SHARE:
                break
            other = numbers[earlier]
            if str(other) not in cameras:
                continue
            here, before, there = (cameras[str(frame)] for frame in (number, previous, other))
            with suppress(LwswError):  # files that went bad since: that frame cannot be asked
                flow, seen = still_flow(motion, here, before, self._depth(other), there)
                shown = torch.from_numpy(seen)[None, None].float()
                if float((shown * missing).mean()) < _SMALLEST_SHARE / 4:
                    continue
                drawn = self._job.draft_path(other)  # what a second pass will paint over
                image = image_to_tensor(read_image(drawn if drawn.is_file() else self._job.result_path(other)))
                found.append(Source(image, self._older.color(other), torch.from_numpy(np.ascontiguousarray(flow))[None], shown))
                missing = missing * (1.0 - shown)
        return tuple(found)

    def _depth(self, number: int) -> Motion:
        """Return depth and known pixels of a frame; vectors are left out, for they are large."""
        if number not in self._depths:
            motion = self._older.motion(number)
            nothing = np.zeros((0, 0, 2), np.float32)
            self._depths[number] = replace(motion, backward=nothing, forward=nothing)
            if len(self._depths) > _MOST + 3:
                self._depths.popitem(last=False)
        self._depths.move_to_end(number)
        return self._depths[number]


def _candidates(index: int, first: int) -> Iterator[int]:
    """Yield positions of earlier frames to ask, newest first."""
    near = [index - 2, index - 3]
    far = [position for position in range(index - 4, first - 1, -1) if (position - first) % _STEP == 0]
    yield from (position for position in near + far[:_MOST] if position >= first)
