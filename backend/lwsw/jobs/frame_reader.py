"""Reads rendered files as the tensors that core works on: colour, flow to the previous frame, visibility."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..core.estimated_flow import estimate_flow
from ..core.flow import ESTIMATED_TOLERANCE, visibility
from ..core.sequence import Frame
from ..errors import LwswError
from ..media.images import read_image, resize
from ..media.passes import Motion, check_motion_blur, fill_world_motion, read_motion, scale_motion, world_mask
from .directory import JobDirectory

Value = TypeVar("Value")


class Source(Protocol):
    """Where the files of a shot lie: a :class:`JobDirectory`, or any folder."""

    @property
    def frames(self) -> Sequence[int]:
        """Frame numbers, ascending, without gaps."""

    @property
    def width(self) -> int:
        """Width in pixels at which the shot is worked on."""

    @property
    def height(self) -> int:
        """Height in pixels at which the shot is worked on."""

    def frame_path(self, frame: int) -> Path:
        """Return the picture of a frame."""

    def pass_path(self, frame: int) -> Path:
        """Return the EXR file of a frame."""

    def cameras(self) -> dict[str, Any] | None:
        """Return ``cameras.json``, or None."""


class SourceReader:
    """Colour and motion of a shot at its working size; what two neighbours share is read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._cameras: Mapping[str, Any] = source.cameras() or {"frames": {}}
        self._source_size: tuple[int, ...] | None = None
        self._colors: dict[int, Tensor] = {}
        self._motions: dict[int, Motion] = {}

    def color(self, number: int) -> Tensor:
        """Return the colour of a frame, ``1×3×H×W``; raise what reading raises, or ``bad_frame_size`` where sizes differ."""
        if number not in self._colors:
            path = self._source.frame_path(number)
            pixels = read_image(path, "frame")
            self._check_size(path, pixels.shape[:2])
            _keep(self._colors, number, image_to_tensor(resize(pixels, self._source.width, self._source.height)))
        return self._colors[number]

    def motion(self, number: int) -> Motion:
        """Return the renderer's motion of a frame; the world's motion comes from the cameras where they are known."""
        if number not in self._motions:
            path = self._source.pass_path(number)
            motion = read_motion(path)
            self._check_size(path, motion.known.shape)
            if motion.depth is not None and str(number) in self._cameras["frames"]:
                world = world_mask(motion.depth, self._cameras.get("clip_end"))
                camera, before, after = (self._cameras["frames"].get(str(number + step)) for step in (0, -1, 1))
                motion = fill_world_motion(motion, world, camera, before, after)
            _keep(self._motions, number, scale_motion(motion, self._source.width, self._source.height))
        return self._motions[number]

    def flow(self, number: int, previous: int) -> tuple[Tensor, Tensor]:
        """Return the renderer's flow from a frame to the previous one, and from the previous one to it, ``1×H×W×2`` pixels each."""
        backward, forward = self.motion(number).backward, self.motion(previous).forward
        return torch.from_numpy(np.ascontiguousarray(backward))[None], torch.from_numpy(np.ascontiguousarray(forward))[None]

    def _check_size(self, path: Path, size: tuple[int, ...]) -> None:
        self._source_size = self._source_size or size
        if size != self._source_size:
            (rows, columns), (other_rows, other_columns) = size, self._source_size
            raise LwswError(
                "bad_frame_size",
                f"{path.name} is {columns}×{rows} pixels, the other files of this shot are {other_columns}×{other_rows}.",
                "Render all frames and their passes at the same size.",
            )


class FrameReader(SourceReader):
    """Frames of one job, with the values of each."""

    def __init__(self, job: JobDirectory) -> None:
        super().__init__(job)
        self._job = job

    def check(self) -> None:
        """Find out before the first iteration that the vectors cannot be used; raises ``motion_blur`` or what reading raises."""
        if self._job.needs_passes:
            check_motion_blur(self._shot())

    def paintings(self) -> list[Tensor]:
        """Return the paintings in their own sizes, ``1×3×h×w`` each."""
        return [image_to_tensor(read_image(path, "style")) for path in self._job.style_paths]

    def frame(self, index: int) -> Frame:
        """Return the frame at a position of the job, with flow and visibility unless it is the first or stands alone."""
        number, values = self._job.frames[index], self._job.settings.at(index)
        color = self.color(number)
        if index == 0 or self._job.settings.motion == "none":
            return Frame(number, color, values)
        previous = self._job.frames[index - 1]
        if self._job.settings.motion == "estimated":
            backward = estimate_flow(color, self.color(previous))
            forward = estimate_flow(self.color(previous), color)
            return Frame(number, color, values, backward, visibility(backward, forward, ESTIMATED_TOLERANCE))
        backward, forward = self.flow(number, previous)
        known = torch.from_numpy(self.motion(number).known)[None, None]
        return Frame(number, color, values, backward, visibility(backward, forward) * known)

    def _shot(self) -> Iterator[tuple[Motion, np.ndarray]]:
        for number in self._job.frames:
            yield read_motion(self._job.pass_path(number)), read_image(self._job.frame_path(number), "frame")


def image_to_tensor(pixels: np.ndarray) -> Tensor:
    """Return H,W,3 as ``1×3×H×W`` float32."""
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).permute(2, 0, 1)[None].contiguous()


def tensor_to_image(image: Tensor) -> np.ndarray:
    """Return ``1×3×H×W`` as H,W,3 float32."""
    return np.ascontiguousarray(image[0].permute(1, 2, 0).cpu().numpy())


def _keep(cache: dict[int, Value], number: int, value: Value) -> None:
    """Keep this frame and its neighbours only; a shot does not fit into memory."""
    for other in [other for other in cache if abs(other - number) > 1]:
        del cache[other]
    cache[number] = value
