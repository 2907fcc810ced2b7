"""Stylizes the frames of one shot, each from the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..errors import LwswError
from ..profiles import FrameValues, layer_stride, receptive_field
from .flow import fill_uncovered, warp
from .objective import CONTENT_LAYER, Calibration, Objective, calibrate, style_targets
from .optimize import optimize
from .vgg import VGG19

_COARSEST = 100  # pixels of the shorter side; large strokes are laid out there
#: Called before each iteration with its number from 0 and the number of iterations of this frame.
Progress = Callable[[int, int], None]

_NOISE = 0.02  # standard deviation of what breaks the symmetry of flat areas before the first iteration


@dataclass(frozen=True)
class Frame:
    """What one frame brings, on any device.

    Attributes:
        number: frame number of the source.
        color: ``1×3×H×W``, display-referred sRGB on [0, 1].
        values: weights of this frame.
        flow: ``1×H×W×2`` pixels, from this frame to the previous one; None for the first of a shot.
        visibility: ``1×1×H×W``, how far the previous frame shows the same surface; None with ``flow``.
    """

    number: int
    color: Tensor
    values: FrameValues
    flow: Tensor | None = None
    visibility: Tensor | None = None


@dataclass(frozen=True)
class ShotState:
    """What the next frame needs: everything that makes a resumed job continue exactly.

    Attributes:
        frame: number of the frame that is finished.
        image: its result, ``1×3×H×W`` float32, not clipped.
        calibration: constants of the shot.
    """

    frame: int
    image: Tensor
    calibration: Calibration


class Stylizer:
    """Paints frames in the manner of one painting or several.

    Args:
        network: on the device where the work is done.
        paintings: ``1×3×h×w`` each on [0, 1], in their own sizes; they are scaled to the area of the frame.
        layers: every layer that weighs in any frame of the shot.
        frequency_exponent: p of the image variable.
        iterations: per frame.
        first_iterations: of the first frame of a shot, at each level of its pyramid.
        seed: of the noise that the first frame starts with.
        shares: weight of each painting; equal if left out.
    """

    def __init__(
        self,
        network: VGG19,
        paintings: Sequence[Tensor],
        layers: Collection[str],
        *,
        frequency_exponent: float,
        iterations: int,
        first_iterations: int,
        seed: int = 0,
        shares: Sequence[float] | None = None,
    ) -> None:
        self._network = network
        self._device = network.get_buffer("mean").device
        self._paintings = [painting.to(self._device) for painting in paintings]
        self._shares = list(shares) if shares else [1.0 / len(paintings)] * len(paintings)
        self._layers = set(layers)
        self._exponent = frequency_exponent
        self._iterations = iterations
        self._first_iterations = first_iterations
        self._seed = seed
        self._targets: dict[tuple[int, int], dict[str, Tensor]] = {}

    def first_frame_iterations(self, height: int, width: int) -> int:
        """Return how many iterations the first frame takes over all levels of its pyramid."""
        return self._first_iterations * len(_pyramid(height, width))

    def stylize(self, frame: Frame, state: ShotState | None, progress: Progress = lambda iteration, iterations: None) -> ShotState:
        """Paint one frame.

        Args:
            frame: without flow it begins a shot: the constants of the shot are measured on it unless ``state`` brings them.
            state: of the previous frame, or None.
            progress: called before each iteration with (iteration from 0, iterations of this frame); may raise to stop.

        Raises:
            LwswError: ``image_too_small``; ``internal`` if the result is not finite.
        """
        frame = self._to_device(frame)
        height, width = frame.color.shape[2:]
        deepest = max({*self._layers, CONTENT_LAYER}, key=layer_stride)
        if min(height, width) < layer_stride(deepest):
            raise LwswError(
                "image_too_small",
                f"Frames of {width}×{height} pixels are too small for the layer {deepest}.",
                f"Use at least {layer_stride(deepest)} pixels on each side, better {receptive_field(deepest)}.",
            )
        if frame.flow is None or state is None:
            image, calibration = self._paint_first(frame, state.calibration if state else None, progress)
        else:
            calibration = state.calibration
            image = self._paint_next(frame, state.image.to(self._device), calibration, progress)
        if not bool(torch.isfinite(image).all()):
            raise LwswError("internal", f"Frame {frame.number} has values that are not numbers.", "Lower the weights, or report this.")
        return ShotState(frame.number, image.cpu(), calibration)

    def _paint_first(self, frame: Frame, calibration: Calibration | None, progress: Progress) -> tuple[Tensor, Calibration]:
        """Coarse to fine: large strokes are laid out on a small picture, where deep layers see all of it."""
        levels = _pyramid(*frame.color.shape[2:])
        total = self._first_iterations * len(levels)
        noise = torch.randn(frame.color.shape, generator=torch.Generator().manual_seed(self._seed)).to(self._device)
        image = frame.color + _NOISE * noise
        for level, size in enumerate(levels):
            color = _resize(frame.color, size)
            # from level to level only what painting changed is enlarged, so the detail of the render stays
            image = _resize(image, size) if level == 0 else color + _resize(image - _resize(frame.color, image.shape[2:]), size)
            targets = self._targets_for(size)
            finest = level == len(levels) - 1
            level_calibration = calibration if calibration and finest else calibrate(self._network, color, targets)
            objective = Objective(self._network, targets, level_calibration, color, frame.values)

            def report(iteration: int, done: int = level * self._first_iterations) -> None:
                progress(done + iteration, total)

            image = optimize(objective, image, self._first_iterations, self._exponent, report)
        return image, level_calibration

    def _paint_next(self, frame: Frame, previous: Tensor, calibration: Calibration, progress: Progress) -> Tensor:
        assert frame.flow is not None and frame.visibility is not None
        warped = warp(previous, frame.flow)
        start = fill_uncovered(warped, frame.visibility, frame.color)
        targets = self._targets_for(tuple(frame.color.shape[2:]))
        objective = Objective(self._network, targets, calibration, frame.color, frame.values, warped, frame.visibility)
        return optimize(objective, start, self._iterations, self._exponent, lambda iteration: progress(iteration, self._iterations))

    def _targets_for(self, size: tuple[int, ...]) -> dict[str, Tensor]:
        """Return the style's Gram matrices for frames of this size; computed once."""
        height, width = size
        if (height, width) not in self._targets:
            paintings = [fit_painting(painting, height, width) for painting in self._paintings]
            self._targets[height, width] = style_targets(self._network, paintings, self._shares, self._layers)
        return self._targets[height, width]

    def _to_device(self, frame: Frame) -> Frame:
        return replace(
            frame,
            color=frame.color.to(self._device),
            flow=None if frame.flow is None else frame.flow.to(self._device),
            visibility=None if frame.visibility is None else frame.visibility.to(self._device),
        )


def fit_painting(painting: Tensor, height: int, width: int) -> Tensor:
    """Return a painting (``1×3×h×w``) scaled to the area of a frame, in its own proportions."""
    rows, columns = painting.shape[2:]
    scale = (height * width / (rows * columns)) ** 0.5
    return _resize(painting, (max(1, round(rows * scale)), max(1, round(columns * scale))))


def _pyramid(height: int, width: int) -> list[tuple[int, int]]:
    """Return sizes from coarse to the full one, each twice the one before."""
    sizes = [(height, width)]
    while min(sizes[0]) >= 2 * _COARSEST:
        sizes.insert(0, (round(sizes[0][0] / 2), round(sizes[0][1] / 2)))
    return sizes


def _resize(image: Tensor, size: tuple[int, ...]) -> Tensor:
    if tuple(image.shape[2:]) == tuple(size):
        return image
    return functional.interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False)
