"""Reads rendered files as the tensors that core works on: colour, flow to the previous frame, visibility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..core.cuts import shrink
from ..core.estimated_flow import DenseInverseSearch, FlowEstimator, estimated_visibility
from ..core.flow import carry, visibility
from ..core.sequence import Frame
from ..errors import LwswError
from ..media.cryptomatte import Cryptomatte, match_objects, read_cryptomatte, region_masks, scale_mask
from ..media.exr import ExrImage, read_exr
from ..media.images import read_image, resize
from ..media.passes import Motion, fill_world_motion, read_motion, scale_motion, world_mask
from .arrivals import Arrivals
from .cameras import close_loop
from .clip_check import ClipCheck
from .directory import JobDirectory
from .input_check import FileCheck, check_files
from .shots import Shots, read_decisions, write_decisions

Value = TypeVar("Value")

_FAR_OUTSIDE = 1e5  # pixels: a vector that leads out of every picture
_COMPARED = 8  # frames whose small pictures are kept
#: What a single bad file in the middle of a job ends with, which estimating its motion makes good.
_BAD_PASSES = ("missing_pass", "corrupt_pass", "bad_pass_values", "bad_frame_size")


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
    """Colour and motion of a shot at its working size; what two neighbours share is read once.

    Attributes:
        cameras: the contents of ``cameras.json``, as far as they are known.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.cameras: Mapping[str, Any] = source.cameras() or {"frames": {}}
        self._source_size: tuple[int, ...] | None = None
        self._colors: dict[int, Tensor] = {}
        self._small_colors: dict[int, Tensor] = {}
        self._motions: dict[int, tuple[Motion, tuple[bool, ...]]] = {}
        self._passes: tuple[int, ExrImage] | None = None

    def wait_for(self, number: int) -> None:
        """Return once the files of a frame are there; here all of them are."""

    def color(self, number: int) -> Tensor:
        """Return the colour of a frame, ``1×3×H×W``; raise what reading raises, or ``bad_frame_size`` where sizes differ."""
        if number not in self._colors:
            _keep(self._colors, number, self._read_color(number))
        return self._colors[number]

    def small_color(self, number: int) -> Tensor:
        """Return a frame at the size of :func:`lwsw.core.cuts.shrink`; raises as :meth:`color` does."""
        if number not in self._small_colors:
            color = self._colors.get(number)
            _keep(self._small_colors, number, shrink(self._read_color(number) if color is None else color), _COMPARED)
        return self._small_colors[number]

    def motion(self, number: int) -> Motion:
        """Return the renderer's motion of a frame; the world's motion comes from the cameras where they are known."""
        camera, before, after = (self.cameras["frames"].get(str(number + step)) for step in (0, -1, 1))
        known = tuple(some is not None for some in (camera, before, after))  # that of the next frame may come later
        if number not in self._motions or self._motions[number][1] != known:
            motion = read_motion(self.passes(number))
            self._check_size(self._source.pass_path(number), motion.known.shape)
            if motion.depth is not None and camera is not None:
                world = world_mask(motion.depth, camera.get("clip_end", self.cameras.get("clip_end")))
                motion = fill_world_motion(motion, world, camera, before, after)
            _keep(self._motions, number, (scale_motion(motion, self._source.width, self._source.height), known))
        return self._motions[number][0]

    def passes(self, number: int) -> ExrImage:
        """Return the decoded EXR file of a frame; only the last one is kept."""
        if self._passes is None or self._passes[0] != number:
            self._passes = (number, read_exr(self._source.pass_path(number)))
        return self._passes[1]

    def flow(self, number: int, other: int) -> tuple[Tensor, Tensor]:
        """Return the renderer's flow from a frame to another one, and from that one back to it, ``1×H×W×2`` pixels each.

        Where nothing is known the first is zero, and the second leads out of the picture, so that no check confirms it.

        Args:
            number: of the frame.
            other: of the next frame; any other number takes the vectors that lead to the previous one, to which the last frame of a loop
                is the same.
        """
        motion, there = self.motion(number), self.motion(other)
        onward, back = (motion.forward, there.backward) if other == number + 1 else (motion.backward, there.forward)
        back = np.where(there.known[..., None], back, np.float32(_FAR_OUTSIDE))
        return torch.from_numpy(np.ascontiguousarray(onward))[None], torch.from_numpy(np.ascontiguousarray(back))[None]

    def motion_between(self, number: int, other: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return :meth:`flow`, and where a frame's own is known, ``1×1×H×W`` bool."""
        return *self.flow(number, other), torch.from_numpy(self.motion(number).known)[None, None]

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
            names |= self.names_of_objects(number)  # what is hidden in one frame may be seen in another
        return names

    def names_of_objects(self, number: int) -> set[str]:
        """Return the names of the objects of a frame."""
        return set(self._cryptomatte(number).names)

    def full_color(self, number: int) -> Tensor:
        """Return the colour of a frame in its own size, ``1×3×h×w``; nothing is kept. Raises what reading raises."""
        return image_to_tensor(read_image(self._source.frame_path(number), "frame"))

    def _read_color(self, number: int) -> Tensor:
        path = self._source.frame_path(number)
        pixels = read_image(path, "frame")
        self._check_size(path, pixels.shape[:2])
        return image_to_tensor(resize(pixels, self._source.width, self._source.height))

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
    """Frames of one job, with the values of each.

    Args:
        job: the directory.
        estimator: what finds motion where there is no Vector pass; None is dense inverse search.
        arrivals: what waits for frames that are still being rendered; None where all are there.
    """

    def __init__(self, job: JobDirectory, estimator: FlowEstimator | None = None, arrivals: Arrivals | None = None) -> None:
        super().__init__(job)
        self._job = job
        self._arrivals = arrivals
        self._arrived: set[int] = set()
        self._file_check = FileCheck(job)
        self._estimator: FlowEstimator = estimator or DenseInverseSearch()
        self._notes: list[str] = []
        self._said: set[str] = set()
        self._clip_check = ClipCheck(job, self, self._note)
        self._close_loop()
        settings, has_vectors = job.settings, job.settings.motion == "vector"
        self._shots = Shots(self, job.frames, settings.cuts, settings.find_cuts and settings.motion != "none", has_vectors)
        self._shots.decide(read_decisions(job))

    def check(self) -> None:
        """Find out before the first iteration what would fail later; what is still coming is looked at by :meth:`await_frame`.

        Raises:
            LwswError: ``motion_blur`` where the vectors cannot be used, ``unknown_object`` where a region names something that no frame
                shows, what :func:`lwsw.jobs.input_check.check_files` raises, or what reading raises.
        """
        if self._arrivals is None:
            check_files(self._job)
            self._clip_check.go_to(len(self._job.frames) - 1)

    def wait_for(self, number: int) -> None:
        """Return once the files of a frame are there, as they should be, and its camera is known.

        Raises:
            LwswError: what :class:`.input_check.FileCheck` and :class:`.arrivals.Arrivals` raise.
        """
        if self._arrivals is None or number in self._arrived:
            return
        self._arrivals.wait_for(number)
        self._file_check.look_at(number)
        self._arrived.add(number)
        self.cameras = self._job.cameras() or {"frames": {}}
        self._close_loop()

    def await_frame(self, index: int) -> None:
        """Wait until all is there that decides how the frame at a position of the job is painted; raises as :meth:`check` does.

        That is the frame itself. Where it may begin a shot it is up to two more, which tell a cut from a flash; and where all vectors so
        far are zero although pictures change, as many as it takes to know that this is not motion blur.
        """
        if self._arrivals is not None:
            self.wait_for(self._job.frames[index])
            self._clip_check.go_to(index)
            self.begins_shot(index)

    def notes(self) -> list[str]:
        """Return what an artist should know of the paintings of this shot."""
        sizes = {name: painting.shape[2:] for name, painting in zip(self._job.styles, self.paintings, strict=True)}
        return self._job.settings.painting_notes({name: (size[1], size[0]) for name, size in sizes.items()}, len(self._job.frames))

    def take_notes(self) -> list[str]:
        """Return what an artist should know of the frames that were read or looked at since the last call."""
        notes, self._notes = self._notes, []
        return notes

    @cached_property
    def paintings(self) -> list[Tensor]:
        """The paintings in their own sizes, ``1×3×h×w`` each."""
        return [image_to_tensor(read_image(path, "style")) for path in self._job.style_paths]

    def begins_shot(self, index: int) -> bool:
        """Return whether the frame at a position of the job begins a shot: it has no flow, and nothing of the frame before counts.

        The answers are kept in ``state/``, so that a job that goes on need not look back; they depend on the files only.
        """
        if index not in self._shots.decided():
            self._shots.begins(index)
            write_decisions(self._job, self._shots.decided())
        return self._shots.begins(index)

    def shot_start(self, index: int) -> int:
        """Return the position of the job at which the shot of a frame begins."""
        return self._shots.first(index)

    def frame(self, index: int, neighbour: int | None = None) -> Frame:
        """Return the frame at a position of the job, with flow to a neighbour of the same shot unless it stands alone.

        Args:
            index: the position.
            neighbour: that of the frame whose strokes it takes over, the next one, or the last where a loop begins; None is the previous
                one. No flow leads to a frame of another shot.

        A pass file that cannot be used, which :meth:`check` would have found had it been so before the job began, does not end the job: the
        motion of the frame is estimated, its masks are those of the frame before, carried along, and :meth:`take_notes` says so.
        """
        number, values = self._job.frames[index], self._job.settings.at(index, self._job.styles)
        color = self.color(number)
        self.begins_shot(index)
        if self._shots.is_found(index):
            self._note(f"Frame {number} begins a new shot: its picture does not go on from frame {number - 1}.")
        frame = Frame(number, color, values, masks=self._region_masks(index))
        other = index - 1 if neighbour is None else neighbour
        if self._job.settings.motion == "none" or other in (-1, index):
            return frame
        if not self._is_same_shot(index, other):
            if abs(other - index) > 1:
                self._note("The loop is not closed, because a shot begins inside of it.")
            return frame
        flow, seen = self._motion_to(index, other)
        return replace(frame, flow=flow, visibility=seen, before=self.color(self._job.frames[other]))

    def _is_same_shot(self, index: int, other: int) -> bool:
        first, last = sorted((index, other))
        return not any(self.begins_shot(position) for position in range(first + 1, last + 1))

    def _motion_to(self, index: int, neighbour: int) -> tuple[Tensor, Tensor]:
        """Return the flow to another frame, and how far that shows the same surfaces."""
        number, other = self._job.frames[index], self._job.frames[neighbour]
        if self._job.settings.motion == "vector":
            try:
                onward, back, known = self.motion_between(number, other)
            except LwswError as error:
                if error.code not in _BAD_PASSES:
                    raise
                self._note(f"{error.message} The motion between the frames {min(number, other)} and {max(number, other)} is estimated.")
            else:
                if bad := self.motion(number).not_numbers:
                    self._note(f"In the Vector pass of frame {number} {bad} pixels are not numbers; what moves there counts as new.")
                return onward, visibility(onward, back) * known
        color, there = self.color(number), self.color(other)
        onward, back = self._estimator.flow(color, there), self._estimator.flow(there, color)
        return onward, estimated_visibility(onward, back)

    def _region_masks(self, index: int) -> tuple[Tensor, ...]:
        regions, number = self._job.settings.regions, self._job.frames[index]
        if not regions:
            return ()
        try:
            return self.masks(number, [region.objects for region in regions])
        except LwswError as error:
            if error.code not in _BAD_PASSES or self.begins_shot(index):
                raise
            self._note(f"{error.message} The regions of frame {number} are those of the frame before, carried along.")
        flow = self._estimator.flow(self.color(number), self.color(self._job.frames[index - 1]))
        return tuple(carry(mask, flow) for mask in self._region_masks(index - 1))

    def _note(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._notes.append(text)

    def _close_loop(self) -> None:
        if self._job.settings.second_pass == "loop":
            self.cameras = close_loop(self.cameras, self._job.frames)


def image_to_tensor(pixels: np.ndarray) -> Tensor:
    """Return H,W,3 as ``1×3×H×W`` float32."""
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).permute(2, 0, 1)[None].contiguous()


def tensor_to_image(image: Tensor) -> np.ndarray:
    """Return ``1×3×H×W`` as H,W,3 float32."""
    return np.ascontiguousarray(image[0].permute(1, 2, 0).cpu().numpy())


def _keep(cache: dict[int, Value], number: int, value: Value, reach: int = 1) -> None:
    """Keep this frame and its neighbours only; a shot does not fit into memory."""
    for other in [other for other in cache if abs(other - number) > reach]:
        del cache[other]
    cache[number] = value
