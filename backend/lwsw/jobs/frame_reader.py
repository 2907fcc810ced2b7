"""Reads rendered files as the tensors that core works on: colour, flow to the previous frame, visibility."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..core.estimated_flow import estimate_flow
from ..core.flow import ESTIMATED_TOLERANCE, visibility
from ..core.sequence import Frame
from ..errors import LwswError
from ..media.cryptomatte import Cryptomatte, check_objects, match_objects, read_cryptomatte, region_masks, scale_mask
from ..media.exr import ExrImage, read_exr
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
        self._passes: tuple[int, ExrImage] | None = None

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
            motion = read_motion(self.passes(number))
            self._check_size(self._source.pass_path(number), motion.known.shape)
            if motion.depth is not None and str(number) in self._cameras["frames"]:
                world = world_mask(motion.depth, self._cameras.get("clip_end"))
                camera, before, after = (self._cameras["frames"].get(str(number + step)) for step in (0, -1, 1))
                motion = fill_world_motion(motion, world, camera, before, after)
            _keep(self._motions, number, scale_motion(motion, self._source.width, self._source.height))
        return self._motions[number]

    def passes(self, number: int) -> ExrImage:
        """Return the decoded EXR file of a frame; only the last one is kept."""
        if self._passes is None or self._passes[0] != number:
            self._passes = (number, read_exr(self._source.pass_path(number)))
        return self._passes[1]

    def flow(self, number: int, previous: int) -> tuple[Tensor, Tensor]:
        """Return the renderer's flow from a frame to the previous one, and from the previous one to it, ``1×H×W×2`` pixels each."""
        backward, forward = self.motion(number).backward, self.motion(previous).forward
        return torch.from_numpy(np.ascontiguousarray(backward))[None], torch.from_numpy(np.ascontiguousarray(forward))[None]

    def masks(self, number: int, regions: Sequence[Sequence[str]]) -> tuple[Tensor, ...]:
        """Return the coverage of each region in a frame, ``1×1×H×W``; a region is the names or patterns of its objects."""
        masks = region_masks(self._cryptomatte(number), regions)
        scaled = (scale_mask(mask, self._source.width, self._source.height) for mask in masks)
        return tuple(torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in scaled)

    def object_names(self, patterns: Sequence[str]) -> set[str]:
        """Return the names of objects in as many frames, from the first, as it takes to find what every pattern means."""
        names: set[str] = set()
        for number in self._source.frames:
            if all(match_objects(names, [pattern]) for pattern in patterns):
                break
            names.update(self._cryptomatte(number).names)  # what is hidden in one frame may be seen in another
        return names

    def _cryptomatte(self, number: int) -> Cryptomatte:
        cryptomatte = read_cryptomatte(self.passes(number))
        self._check_size(self._source.pass_path(number), cryptomatte.size)
        return cryptomatte

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
        self._names: set[str] = set()

    def check(self) -> None:
        """Find out before the first iteration what would fail later.

        Raises:
            LwswError: ``motion_blur`` where the vectors cannot be used, ``unknown_object`` where a region names something that no frame
                shows, or what reading raises.
        """
        job = self._job
        if job.settings.needs_motion(len(job.frames)):
            check_motion_blur(self._shot())
        self._names = self.object_names([pattern for region in job.settings.regions for pattern in region.objects])
        for region in job.settings.regions:
            check_objects(self._names, region.objects, region.name)

    def notes(self) -> list[str]:
        """Return what an artist should know of the paintings and regions of this shot; call after :meth:`check`."""
        sizes = {name: painting.shape[2:] for name, painting in zip(self._job.styles, self.paintings, strict=True)}
        notes = self._job.settings.painting_notes({name: (size[1], size[0]) for name, size in sizes.items()}, len(self._job.frames))
        owner: dict[str, str] = {}
        for region in self._job.settings.regions:
            for name in match_objects(self._names, region.objects):
                if owner.setdefault(name, region.name) != region.name:
                    notes.append(f"'{name}' is named by two regions and belongs to the first, '{owner[name]}'.")
        return notes

    @cached_property
    def paintings(self) -> list[Tensor]:
        """The paintings in their own sizes, ``1×3×h×w`` each."""
        return [image_to_tensor(read_image(path, "style")) for path in self._job.style_paths]

    def frame(self, index: int) -> Frame:
        """Return the frame at a position of the job, with flow and visibility unless it is the first or stands alone."""
        number, values = self._job.frames[index], self._job.settings.at(index, self._job.styles)
        color = self.color(number)
        frame = Frame(number, color, values, masks=self._region_masks(number))
        if index == 0 or self._job.settings.motion == "none":
            return frame
        previous = self._job.frames[index - 1]
        if self._job.settings.motion == "estimated":
            backward = estimate_flow(color, self.color(previous))
            forward = estimate_flow(self.color(previous), color)
            return replace(frame, flow=backward, visibility=visibility(backward, forward, ESTIMATED_TOLERANCE))
        backward, forward = self.flow(number, previous)
        known = torch.from_numpy(self.motion(number).known)[None, None]
        return replace(frame, flow=backward, visibility=visibility(backward, forward) * known)

    def _region_masks(self, number: int) -> tuple[Tensor, ...]:
        regions = self._job.settings.regions
        return self.masks(number, [region.objects for region in regions]) if regions else ()

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
