"""Stylizes the frames of one shot, each from the one before: the whole picture first, then the regions that have a look of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import LwswError
from ..profiles import FrameValues, layer_stride, receptive_field
from .look_painter import Draft, LookPainter, LookState, Method, Scene, shown
from .propagation import Source
from .vgg import VGG19

#: Called before each iteration with its number from 0 and the number of iterations of this frame.
Progress = Callable[[int, int], None]

#: A region that covers less, in pixels, is painted with the rest of the picture: there is nothing to take statistics of.
SMALLEST_REGION = 64.0


@dataclass(frozen=True)
class Frame:
    """What one frame brings, on any device.

    Attributes:
        number: frame number of the source.
        color: ``1×3×H×W``, display-referred sRGB on [0, 1].
        values: weights of this frame.
        flow: ``1×H×W×2`` pixels, from this frame to the previous one; None for the first of a shot.
        visibility: ``1×1×H×W``, how far the previous frame shows the same surface; None with ``flow``.
        before: colour of the previous frame, as ``color``; None with ``flow``.
        memories: earlier frames that show surfaces which the previous one does not, with their results.
        masks: ``1×1×H×W`` per region, its coverage; together at most 1.
    """

    number: int
    color: Tensor
    values: FrameValues
    flow: Tensor | None = None
    visibility: Tensor | None = None
    before: Tensor | None = None
    memories: tuple[Source, ...] = ()
    masks: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class ShotState:
    """A finished frame, and what the next one needs: everything that makes a resumed job continue exactly.

    Attributes:
        frame: its number.
        looks: state of the whole picture's look and of each region's.
        image: the result, ``1×3×H×W`` float32, not clipped; the next frame does not need it.
        iterations: how many it took, of all looks together.
    """

    frame: int
    looks: tuple[LookState, ...]
    image: Tensor
    iterations: int = 0


class Stylizer:
    """Paints the frames of a shot.

    Every look paints a picture of its own: the first one of the whole frame, as if there were no regions, the others of their regions
    and of what the network sees around them. The masks then put them together. So what a region is given changes nothing outside of
    it, looks do not depend on each other, and strokes end at the edge of an object as if cut out: painted into the finished
    surroundings instead, they answered to these with a rim of complementary colours.

    Args:
        network: on the device where the work is done.
        paintings: ``1×3×h×w`` each on [0, 1], in their own sizes; they are scaled to the area of the frame.
        layers: per look (the whole picture's first), every layer that weighs in any frame of the shot.
        method: iterations, content layers, normalization, seed.
    """

    def __init__(self, network: VGG19, paintings: Sequence[Tensor], layers: Sequence[Collection[str]], method: Method) -> None:
        self._device = network.get_buffer("mean").device
        on_device = [painting.to(self._device) for painting in paintings]
        self._painters = [LookPainter(network, on_device, some, method) for some in layers]
        self._deepest = max({*method.content_names, *(layer for some in layers for layer in some)}, key=layer_stride)

    def stylize(
        self,
        frame: Frame,
        before: Sequence[LookState] | None,
        progress: Progress = lambda iteration, iterations: None,
        draft: Draft | None = None,
    ) -> ShotState:
        """Paint one frame.

        Args:
            frame: without flow it begins a shot: the constants of the shot are measured on it unless ``before`` brings them.
            before: ``looks`` of the previous frame's state, or None.
            progress: called before each iteration with (iteration from 0, iterations of this frame); may raise to stop.
            draft: the same frame as it was painted before, which is then painted over.

        Raises:
            LwswError: ``image_too_small``; ``internal`` if the result is not finite.
        """
        frame = self._to_device(frame)
        self._check_size(frame)
        looks = (frame.values.look, *frame.values.regions)
        before = [
            replace(look, image=None if look.image is None else look.image.to(self._device))
            for look in before or (LookState(),) * len(looks)
        ]
        covered = coverages(frame.masks, frame.color)
        scenes = self._scenes(frame, covered)
        if draft is not None:
            scenes = [
                scene if scene is None or last.image is None else replace(scene, draft=last.image.to(self._device), draft_share=draft.share)
                for scene, last in zip(scenes, draft.looks, strict=True)
            ]
        plan = [
            0 if scene is None else painter.iterations(look, scene, last)
            for painter, look, scene, last in zip(self._painters, looks, scenes, before, strict=True)
        ]
        total = max(1, sum(plan))
        progress(0, total)
        after: list[LookState] = []
        taken = 0
        result = torch.zeros_like(frame.color)
        for index, (painter, look, scene, last) in enumerate(zip(self._painters, looks, scenes, before, strict=True)):
            if scene is None:
                after.append(replace(last, image=None))
                result = result + covered[index] * frame.color
                continue

            def report(iteration: int, done: int = sum(plan[:index])) -> None:
                nonlocal taken
                taken += 1
                if done + iteration:
                    progress(done + iteration, total)

            after.append(painter.paint(look, scene, last, report))
            image = after[-1].image
            assert image is not None
            result = result + covered[index] * shown(look, image, frame.color)
        if not bool(torch.isfinite(result).all()):
            raise LwswError("internal", f"Frame {frame.number} has values that are not numbers.", "Lower the weights, or report this.")
        kept = tuple(replace(look, image=None if look.image is None else look.image.cpu()) for look in after)
        return ShotState(frame.number, kept, result.cpu(), taken)

    def shares(self, frame: Frame, image: Tensor, state: ShotState) -> list[dict[str, float]]:
        """Return, for each look, every layer's share of the style gradient at an image (``1×3×H×W``); empty where a look is not seen."""
        frame, image = self._to_device(frame), image.to(self._device)
        looks, scenes = (frame.values.look, *frame.values.regions), self._scenes(frame, coverages(frame.masks, frame.color))
        return [
            {} if scene is None or look.strength == 0 else painter.shares(look, scene, image, last)
            for painter, look, scene, last in zip(self._painters, looks, scenes, state.looks, strict=True)
        ]

    def _scenes(self, frame: Frame, covered: Sequence[Tensor]) -> list[Scene | None]:
        """Return what each look is painted into; None where too little of it is to be seen."""
        whole = Scene(frame.color, None, frame.flow, frame.visibility, frame.before, temporal_weight=frame.values.temporal_weight)
        scenes: list[Scene | None] = []
        for mask, coverage in zip((None, *frame.masks), covered, strict=True):
            # results show every look in its own pixels only
            memories = tuple(replace(memory, visibility=memory.visibility * coverage) for memory in frame.memories)
            scenes.append(replace(whole, mask=mask, memories=memories) if is_seen(coverage) else None)
        return scenes

    def _check_size(self, frame: Frame) -> None:
        height, width = frame.color.shape[2:]
        if min(height, width) < layer_stride(self._deepest):
            raise LwswError(
                "image_too_small",
                f"Frames of {width}×{height} pixels are too small for the layer {self._deepest}.",
                f"Use at least {layer_stride(self._deepest)} pixels on each side, better {receptive_field(self._deepest)}.",
            )

    def _to_device(self, frame: Frame) -> Frame:
        return replace(
            frame,
            color=frame.color.to(self._device),
            flow=None if frame.flow is None else frame.flow.to(self._device),
            visibility=None if frame.visibility is None else frame.visibility.to(self._device),
            before=None if frame.before is None else frame.before.to(self._device),
            memories=tuple(memory.to(self._device) for memory in frame.memories),
            masks=tuple(mask.to(self._device) for mask in frame.masks),
        )


def coverages(masks: Sequence[Tensor], color: Tensor) -> list[Tensor]:
    """Return how much of each pixel belongs to each look, the whole picture's first, ``1×1×H×W``; together 1.

    Args:
        masks: ``1×1×H×W`` per region, as rendered. Too small regions leave their pixels to the rest.
        color: ``1×3×H×W``, the frame.
    """
    kept = [mask if is_seen(mask) else torch.zeros_like(mask) for mask in masks]
    rest = 1.0 - torch.stack(kept).sum(0) if kept else torch.ones_like(color[:, :1])
    return [rest.clamp(0.0, 1.0), *kept]


def is_seen(coverage: Tensor) -> bool:
    """Return whether so much of a look is to be seen that it is painted."""
    return float(coverage.sum()) >= SMALLEST_REGION
