"""Reads the frames of a job as the tensors that core works on: colour, flow to the previous frame, visibility."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ..core.estimated_flow import estimate_flow
from ..core.flow import visibility
from ..core.sequence import Frame
from ..errors import LwswError
from ..media.images import read_image, resize
from ..media.passes import Motion, check_motion_blur, fill_world_motion, read_motion, scale_motion, world_mask
from .directory import JobDirectory

Value = TypeVar("Value")


class FrameReader:
    """Frames of one job in their order; what two neighbours share is read once."""

    def __init__(self, job: JobDirectory) -> None:
        self._job = job
        self._cameras = job.cameras() or {"frames": {}}
        self._source_size: tuple[int, ...] | None = None
        self._colors: dict[int, Tensor] = {}
        self._motions: dict[int, Motion] = {}

    def check(self) -> None:
        """Find out before the first iteration that the vectors cannot be used; raises ``motion_blur`` or what reading raises."""
        if self._job.needs_passes:
            check_motion_blur(self._shot())

    def paintings(self) -> list[Tensor]:
        """Return the paintings in their own sizes, ``1×3×h×w`` each."""
        return [image_to_tensor(read_image(path, "style")) for path in self._job.style_paths]

    def color(self, number: int) -> Tensor:
        """Return the colour of a frame at the job's size, ``1×3×H×W``."""
        if number not in self._colors:
            pixels = read_image(self._job.frame_path(number), "frame")
            self._check_size(self._job.frame_path(number), pixels)
            _keep(self._colors, number, image_to_tensor(resize(pixels, self._job.width, self._job.height)))
        return self._colors[number]

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
            return Frame(number, color, values, backward, visibility(backward, forward))
        motion, before = self._motion(number), self._motion(previous)
        backward, forward = _flow(motion.backward), _flow(before.forward)
        known = torch.from_numpy(motion.known & before.known)[None, None]
        return Frame(number, color, values, backward, visibility(backward, forward) * known)

    def _motion(self, number: int) -> Motion:
        if number not in self._motions:
            path = self._job.pass_path(number)
            motion = read_motion(path)
            if self._source_size is not None and motion.known.shape != self._source_size:
                rows, columns = motion.known.shape
                raise LwswError(
                    "bad_frame_size",
                    f"{path.name} is {columns}×{rows} pixels, its frame is {self._source_size[1]}×{self._source_size[0]}.",
                    "Render colour and passes at the same size.",
                )
            if motion.depth is not None and str(number) in self._cameras["frames"]:
                world = world_mask(motion.depth, self._cameras.get("clip_end"))
                camera, before, after = (self._cameras["frames"].get(str(number + step)) for step in (0, -1, 1))
                motion = fill_world_motion(motion, world, camera, before, after)
            _keep(self._motions, number, scale_motion(motion, self._job.width, self._job.height))
        return self._motions[number]

    def _shot(self) -> Iterator[tuple[Motion, np.ndarray]]:
        for number in self._job.frames:
            yield read_motion(self._job.pass_path(number)), read_image(self._job.frame_path(number), "frame")

    def _check_size(self, path: Path, pixels: np.ndarray) -> None:
        if self._source_size is None:
            self._source_size = pixels.shape[:2]
        if pixels.shape[:2] != self._source_size:
            raise LwswError(
                "bad_frame_size",
                f"{path.name} is {pixels.shape[1]}×{pixels.shape[0]} pixels, others {self._source_size[1]}×{self._source_size[0]}.",
                "Render all frames at the same size.",
            )


def image_to_tensor(pixels: np.ndarray) -> Tensor:
    """Return H,W,3 as ``1×3×H×W`` float32."""
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).permute(2, 0, 1)[None].contiguous()


def tensor_to_image(image: Tensor) -> np.ndarray:
    """Return ``1×3×H×W`` as H,W,3 float32."""
    return np.ascontiguousarray(image[0].permute(1, 2, 0).cpu().numpy())


def _flow(vectors: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(vectors))[None]


def _keep(cache: dict[int, Value], number: int, value: Value) -> None:
    """Keep this frame and its neighbours only; a shot does not fit into memory."""
    for other in [other for other in cache if abs(other - number) > 1]:
        del cache[other]
    cache[number] = value
