"""Paints one look over a shot: the whole picture, or a region of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..profiles import CONTENT_LAYER, Look, receptive_field
from .colour import luma, recolor, recoloring, with_luma_of
from .guidance import Guidance
from .objective import Calibration, Objective, blend_targets, calibrate, gradient_shares, style_targets
from .optimize import optimize
from .propagation import Source, fill_uncovered, propagate
from .vgg import VGG19

#: Standard deviation of what breaks the symmetry of flat areas before the first iteration.
NOISE = 0.02

_COARSEST = 100  # pixels of the shorter side; large strokes are laid out there
_GRID = 16  # pixels; regions are cut out along it, so that pooling meets the same pixels as in the whole picture

# Of frames that continue others, measured on the scenes of scripts/temporal_scenes against frames painted one by one with three times the
# iterations. What was uncovered moves 4 times as freely as what carries strokes already: its style error was 1.6 times that
# of such a frame, now 1.1 times. The large strokes are there: with a smaller exponent than the first frame's the style error falls by 5 %.
_UNCOVERED_GAIN, _LATER_EXPONENT = 3.0, 0.6
# A frame ends early where its loss falls by less per iteration: a static shot then takes 9 of 20, to the same style error.
_SETTLED = 0.002
# The temporal weight is in units of how much the *render* changes along its surfaces, root mean square within these bounds: a painting may
# change as much as the render does. At a change of 0.12 the weight is the user's.
_LEAST_CHANGE, _FULL_CHANGE = 0.015, 0.12

Progress = Callable[[int], None]
Box = tuple[slice, slice]


@dataclass(frozen=True)
class Method:
    """How a shot is painted, the same for all its looks.

    Attributes:
        iterations: per frame.
        first_iterations: of a look's first frame, at each level of its pyramid.
        content_layers: weight of each content layer.
        normalization: ``calibrated`` or ``gatys``; see :class:`lwsw.core.objective.Calibration`.
        seed: of the noise that a look's first frame starts with.
    """

    iterations: int
    first_iterations: int
    content_layers: Mapping[str, float] | None = None
    normalization: str = "calibrated"
    seed: int = 0

    @property
    def content_names(self) -> list[str]:
        """Names of the content layers."""
        return list(self.content_layers or [CONTENT_LAYER])


@dataclass(frozen=True)
class LookState:
    """What the next frame needs of one look.

    Attributes:
        image: what was painted, ``1×3×H×W`` float32, not clipped; None where the look was not to be seen.
        calibration: constants of the shot; None before the look was first seen.
        recoloring: per painting the 3×4 map of its colours (:func:`lwsw.core.colour.recoloring`), measured with the calibration.
    """

    image: Tensor | None = None
    calibration: Calibration | None = None
    recoloring: Sequence[Sequence[Sequence[float]]] = ()


@dataclass(frozen=True)
class Draft:
    """A frame as it was painted before, when what follows it in the new order was not known.

    Attributes:
        looks: per look of the shot, its state then.
        share: how much of it stays where the frame before (in the new order) has something to say: 0 nothing, 1 all.
    """

    looks: Sequence[LookState]
    share: float


@dataclass(frozen=True)
class Scene:
    """What a look is painted into.

    Attributes:
        color: the frame as rendered, ``1×3×H×W``.
        mask: ``1×1×H×W``, coverage of the region; None for the whole picture.
        flow: ``1×H×W×2`` pixels, from this frame to the previous one; None where a shot begins.
        visibility: ``1×1×H×W``; None with ``flow``.
        before: the previous frame as rendered, ``1×3×H×W``; None with ``flow``.
        memories: frames further back that show what the previous one does not; their images are results.
        draft: ``1×3×H×W``, this look as it was painted before, or None where it is painted for the first time.
        draft_share: see :class:`Draft`.
        temporal_weight: how firmly strokes stick to surfaces.
    """

    color: Tensor
    mask: Tensor | None = None
    flow: Tensor | None = None
    visibility: Tensor | None = None
    before: Tensor | None = None
    memories: tuple[Source, ...] = ()
    draft: Tensor | None = None
    draft_share: float = 0.0
    temporal_weight: float = 0.0

    def at(self, box: Box) -> Scene:
        """Return the part of the scene inside a box."""

        def cut(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor[..., box[0], box[1]]

        flow = None if self.flow is None else self.flow[:, box[0], box[1]]
        color = self.color[..., box[0], box[1]]
        return replace(self, color=color, mask=cut(self.mask), flow=flow, visibility=cut(self.visibility), draft=cut(self.draft))

    def in_grey(self) -> Scene:
        """Return the scene in light and dark only."""
        before = None if self.before is None else grey(self.before)
        memories = tuple(replace(memory, image=grey(memory.image), color=grey(memory.color)) for memory in self.memories)
        return replace(self, color=grey(self.color), before=before, memories=memories)

    def resized(self, size: tuple[int, ...]) -> Scene:
        """Return the scene at another size, without motion."""
        mask = None if self.mask is None else resize(self.mask, size).clamp(0.0, 1.0)
        return Scene(resize(self.color, size), mask)


class LookPainter:
    """Paints the frames of one look.

    Args:
        network: on the device where the work is done.
        paintings: ``1×3×h×w`` each on [0, 1], in their own sizes; they are scaled to the area of the whole frame.
        layers: every layer that weighs in any frame of the shot.
        method: how.
    """

    def __init__(self, network: VGG19, paintings: Sequence[Tensor], layers: Collection[str], method: Method) -> None:
        self._network = network
        self._paintings = paintings
        self._layers = set(layers)
        self._method = method
        self._targets: dict[tuple[int, int], list[dict[str, Tensor]]] = {}

    def iterations(self, look: Look, scene: Scene, state: LookState) -> int:
        """Return how many iterations :meth:`paint` will take."""
        if look.strength == 0 or (_begins(scene, state) and scene.draft is not None):
            return 0
        if _begins(scene, state):
            return self._method.first_iterations * len(pyramid(*_size(scene.at(self._box(scene)).color)))
        return self._method.iterations

    def paint(self, look: Look, scene: Scene, state: LookState, progress: Progress) -> LookState:
        """Paint one frame.

        Args:
            look: weights of this frame.
            scene: of the whole frame; a region is cut out of it with the margin that the network sees. What is painted in the margin is a
                by-product and not to be shown.
            state: after the previous frame.
            progress: called before each iteration with its number from 0; may raise to stop.
        """
        if look.color == "luminance":
            scene = scene.in_grey()
        state = self._with_constants(look, scene, state)
        assert state.calibration is not None
        if look.strength == 0:
            return replace(state, image=scene.color)
        if _begins(scene, state) and scene.draft is not None:
            return replace(state, image=scene.draft)
        box = self._box(scene)
        part = scene.at(box)
        full_size = _size(scene.color)
        if _begins(scene, state):
            painted = self._paint_first(look, part, box, full_size, state, progress)
        else:
            painted = self._paint_next(look, scene, box, state, progress)
        image = scene.color.clone()
        image[..., box[0], box[1]] = painted
        return replace(state, image=image)

    def shares(self, look: Look, scene: Scene, image: Tensor, state: LookState) -> dict[str, float]:
        """Return each layer's share of the style gradient at an image (:func:`lwsw.core.objective.gradient_shares`)."""
        assert state.calibration is not None
        targets = self._blended(look, _size(scene.color), state)
        box = self._box(scene)
        if look.color == "luminance":
            image = grey(image)
        return gradient_shares(self._network, image[..., box[0], box[1]], targets, state.calibration, look, _guidance(scene.at(box)))

    def _with_constants(self, look: Look, scene: Scene, state: LookState) -> LookState:
        """Measure the constants of the shot, once."""
        if state.calibration is not None:
            return state
        weights = None if scene.mask is None else scene.mask[0, 0]
        maps = tuple(recoloring(look.color, painting, scene.color, weights).tolist() for painting in self._paintings)
        state = replace(state, recoloring=maps)
        return replace(state, calibration=self._calibrate(look, scene.at(self._box(scene)), _size(scene.color), state))

    def _calibrate(self, look: Look, part: Scene, full_size: tuple[int, int], state: LookState) -> Calibration:
        return calibrate(
            self._network,
            part.color,
            self._blended(look, full_size, state),
            content_layers=self._method.content_names,
            normalization=self._method.normalization,
            guidance=_guidance(part),
        )

    def _paint_first(self, look: Look, part: Scene, box: Box, full_size: tuple[int, int], state: LookState, progress: Progress) -> Tensor:
        """Coarse to fine: large strokes are laid out on a small picture, where deep layers see all of it."""
        size = _size(part.color)
        noise = torch.randn(1, 3, *full_size, generator=torch.Generator().manual_seed(self._method.seed))
        image = part.color + NOISE * noise[..., box[0], box[1]].to(part.color.device)
        levels = pyramid(*size)
        for level, level_size in enumerate(levels):
            scene = part.resized(level_size) if level_size != size else replace(part, flow=None, visibility=None)
            # from level to level only what painting changed is enlarged, so the detail of the render stays
            image = resize(image, level_size) if level == 0 else scene.color + resize(image - resize(part.color, _size(image)), level_size)
            scale = level_size[0] / size[0]
            level_full = (max(1, round(full_size[0] * scale)), max(1, round(full_size[1] * scale)))
            level_state = state
            if level_size != size:
                level_state = replace(state, calibration=self._calibrate(look, scene, level_full, state))

            def report(iteration: int, done: int = level * self._method.first_iterations) -> None:
                progress(done + iteration)

            objective = self._objective(look, scene, level_full, level_state)
            image = optimize(objective, image, self._method.first_iterations, look.exponent, report)
        return image

    def _paint_next(self, look: Look, scene: Scene, box: Box, state: LookState, progress: Progress) -> Tensor:
        part, method = scene.at(box), self._method
        assert state.image is not None and scene.flow is not None and scene.before is not None and scene.visibility is not None
        sources = [Source(state.image, scene.before, scene.flow, scene.visibility), *scene.memories]
        carried = propagate(sources, scene.color, scene.mask)
        warped, trust = carried.image[..., box[0], box[1]], carried.trust[..., box[0], box[1]]
        firmness = (_FULL_CHANGE / min(max(carried.change, _LEAST_CHANGE), _FULL_CHANGE)) ** 2
        part = replace(part, visibility=trust, temporal_weight=part.temporal_weight * firmness)
        gain = None
        if part.draft is None:
            start = fill_uncovered(warped, trust, part.color, part.mask)
            gain = 1.0 + _UNCOVERED_GAIN * (1.0 - trust)
        else:
            start = warped = part.draft + (1.0 - part.draft_share) * trust * (warped - part.draft)
        objective = self._objective(look, part, _size(scene.color), state, warped)
        return optimize(
            objective,
            start,
            method.iterations,
            _LATER_EXPONENT * look.exponent,
            progress,
            gain=gain,
            settled=_SETTLED,
        )

    def _objective(self, look: Look, part: Scene, full_size: tuple[int, int], state: LookState, warped: Tensor | None = None) -> Objective:
        assert state.calibration is not None
        return Objective(
            self._network,
            self._blended(look, full_size, state),
            state.calibration,
            part.color,
            look,
            content_layers=self._method.content_layers,
            temporal_weight=part.temporal_weight,
            warped=warped,
            visibility=part.visibility,
            guidance=_guidance(part),
        )

    def _blended(self, look: Look, full_size: tuple[int, int], state: LookState) -> dict[str, Tensor]:
        """Return the style's targets for frames of this size; each painting is measured once."""
        if full_size not in self._targets:
            recolored = (
                recolor(fit_painting(painting, *full_size), matrix).clamp(0.0, 1.0)
                for painting, matrix in zip(self._paintings, state.recoloring, strict=True)
            )
            self._targets[full_size] = [style_targets(self._network, painting, self._layers) for painting in recolored]
        return blend_targets(self._targets[full_size], look.style_weights)

    def _box(self, scene: Scene) -> Box:
        return region_box(scene.mask, _size(scene.color), {*self._layers, *self._method.content_names})


def region_box(mask: Tensor | None, size: tuple[int, int], layers: Collection[str]) -> Box:
    """Return the rows and columns that a region is painted in: what it covers, and a margin that the network sees around it.

    Args:
        mask: its coverage, ``1×1×H×W``; None for the whole picture.
        size: H and W.
        layers: style and content layers that the look is painted with.
    """
    if mask is None:
        return slice(0, size[0]), slice(0, size[1])
    margin = max(receptive_field(layer) for layer in layers) // 2
    rows, columns = (mask[0, 0].amax(axis).nonzero()[:, 0] for axis in (1, 0))
    box = []
    for covered, length in ((rows, size[0]), (columns, size[1])):
        first, last = (int(covered[0]), int(covered[-1])) if len(covered) else (0, 0)
        start = max(0, first - margin) // _GRID * _GRID
        box.append(slice(start, min(length, -(-(last + 1 + margin) // _GRID) * _GRID)))
    return box[0], box[1]


def shown(look: Look, image: Tensor, color: Tensor) -> Tensor:
    """Return what is seen of a painted image over its render ``color``, ``1×3×H×W`` each.

    That is the image; its light and dark in the render's colours with ``luminance``; the render with strength 0.
    """
    if look.strength == 0:
        return color
    return with_luma_of(image, color) if look.color == "luminance" else image


def fit_painting(painting: Tensor, height: int, width: int) -> Tensor:
    """Return a painting (``1×3×h×w``) scaled to the area of a frame, in its own proportions."""
    rows, columns = painting.shape[2:]
    scale = (height * width / (rows * columns)) ** 0.5
    return resize(painting, (max(1, round(rows * scale)), max(1, round(columns * scale))))


def resize(image: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return ``1×C×h×w`` at another size, by an antialiased bicubic filter."""
    if tuple(image.shape[2:]) == tuple(size):
        return image
    return functional.interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False)


def _begins(scene: Scene, state: LookState) -> bool:
    return scene.flow is None or state.image is None


def _guidance(scene: Scene) -> Guidance | None:
    return None if scene.mask is None else Guidance(scene.mask)


def grey(image: Tensor) -> Tensor:
    """Return the luma of ``1×3×H×W`` in all three channels."""
    return luma(image).expand(-1, 3, -1, -1)


def _size(image: Tensor) -> tuple[int, int]:
    return int(image.shape[2]), int(image.shape[3])


def pyramid(height: int, width: int) -> list[tuple[int, int]]:
    """Return sizes from coarse to the full one, each twice the one before."""
    sizes = [(height, width)]
    while min(sizes[0]) >= 2 * _COARSEST:
        sizes.insert(0, (round(sizes[0][0] / 2), round(sizes[0][1] / 2)))
    return sizes
