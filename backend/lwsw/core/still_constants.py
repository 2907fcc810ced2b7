"""What a still needs to know of its picture and its paintings before the first iteration, measured once and kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import LwswError
from ..profiles import LAYER_NAMES, MAIN_LAYERS, Look, layer_stride, receptive_field
from .colour import recolor, recoloring
from .guidance import Guidance
from .look_painter import NOISE, Box, Method, Scene, fit_painting, grey, pyramid, region_box, resize
from .objective import PIXEL_STATISTICS, Calibration, Objective, blend_targets, calibrate, style_targets
from .vgg import VGG19

Size = tuple[int, int]

#: Regions that are not painted any more and are still known: an artist turns one off and on again to compare.
_RESTING = 8


class PaintingStatistics:
    """Gram matrices and pixel statistics of a painting, each measured once.

    Args:
        network: on the device where the work is done.
        painting: ``1×3×h×w`` on [0, 1], in its own size.
    """

    def __init__(self, network: VGG19, painting: Tensor) -> None:
        self.network = network
        self.painting = painting.to(network.get_buffer("mean").device)
        self._targets: dict[tuple[Size, object], dict[str, Tensor]] = {}

    def targets(self, size: Size, matrix: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return what the painting asks for (:func:`lwsw.core.objective.style_targets`).

        Args:
            size: height and width in pixels of the whole pictures it is compared with.
            matrix: its recolouring, 3×4.
            layers: names.
        """
        known = self._targets.setdefault((size, tuple(matrix.flatten().tolist())), {})
        missing = set(layers) - known.keys()
        if missing:
            painting = recolor(fit_painting(self.painting, *size), matrix).clamp(0.0, 1.0)
            known.update(style_targets(self.network, painting, missing))
        return {name: known[name] for name in (*layers, *PIXEL_STATISTICS)}


@dataclass(frozen=True)
class Goal:
    """What a still is painted with; build it with :meth:`of`. Goals that ask for the same are equal.

    Attributes:
        look: weights; its shares are those of ``paintings``.
        method: content layers, normalization, seed, and with ``first_iterations`` the limit of each level.
        paintings: those that have a share.
    """

    look: Look
    method: Method
    paintings: tuple[PaintingStatistics, ...]

    @classmethod
    def of(cls, look: Look, method: Method, paintings: Sequence[PaintingStatistics]) -> Goal:
        """Return the goal of a look whose shares are those of ``paintings``, none left out."""
        used = [(painting, share) for painting, share in zip(paintings, look.style_weights, strict=True) if share > 0]
        return cls(replace(look, style_weights=tuple(share for _, share in used)), method, tuple(painting for painting, _ in used))

    @property
    def layers(self) -> set[str]:
        """Names of the layers that weigh, style and content."""
        return {*self.look.layer_weights, *self.method.content_names}


class StillConstants:
    """What is measured of a picture, or of a region of it; any number of stills may share it.

    Args:
        network: on the device where the work is done.
        color: the whole frame as rendered, ``1×3×H×W``, display-referred sRGB on [0, 1].
        mask: coverage of the region, ``1×1×H×W``; None is the whole picture.
    """

    def __init__(self, network: VGG19, color: Tensor, mask: Tensor | None = None) -> None:
        device = network.get_buffer("mean").device
        self.network = network
        self.scene = Scene(color.to(device), None if mask is None else mask.to(device))
        self._matrices: dict[tuple[str, PaintingStatistics], Tensor] = {}
        self._parts: dict[tuple[int, ...], StillPart] = {}

    def part(self, goal: Goal) -> StillPart:
        """Return the part of the picture that a goal is painted in: all of it, or a region and what the network sees around it."""
        box = region_box(self.scene.mask, self.size, goal.layers)
        key = tuple(end for side in box for end in (side.start, side.stop))
        if key not in self._parts:
            self._parts[key] = StillPart(self, box)
        return self._parts[key]

    @property
    def size(self) -> Size:
        """Height and width of the whole picture in pixels."""
        height, width = self.scene.color.shape[2:]
        return int(height), int(width)

    def check(self, goal: Goal) -> None:
        """Raise ``image_too_small`` where a layer would have no position."""
        height, width = self.size
        deepest = max(goal.layers, key=layer_stride)
        if min(height, width) < layer_stride(deepest):
            raise LwswError(
                "image_too_small",
                f"A picture of {width}×{height} pixels is too small for the layer {deepest}.",
                f"Use at least {layer_stride(deepest)} pixels on each side, better {receptive_field(deepest)}.",
            )

    def recoloring(self, mode: str, painting: PaintingStatistics) -> Tensor:
        """Return the map of a painting's colours, 3×4, for a colour mode."""
        if (mode, painting) not in self._matrices:
            # of the frame in grey, as a shot in these colours measures it
            reference = grey(self.scene.color) if mode == "luminance" else self.scene.color
            weights = None if self.scene.mask is None else self.scene.mask[0, 0]
            self._matrices[mode, painting] = recoloring(mode, painting.painting, reference, weights)
        return self._matrices[mode, painting]


class StillPart:
    """A part of a picture, at every size at which it is painted. :meth:`StillConstants.part` makes it.

    Attributes:
        box: its rows and columns in the whole picture.
        color: ``1×3×h×w`` as rendered.
        levels: sizes in which it is painted, from coarse to its own.
    """

    def __init__(self, constants: StillConstants, box: Box) -> None:
        self._constants = constants
        self._scene = constants.scene.at(box)
        self.box = box
        self.color = self._scene.color
        self.levels = pyramid(int(self.color.shape[2]), int(self.color.shape[3]))
        self._guidances: dict[Size, Guidance | None] = {}
        self._calibrations: dict[object, Calibration] = {}
        self._features: dict[tuple[Size, bool], dict[str, Tensor]] = {}

    def objective(self, goal: Goal, size: Size) -> Objective:
        """Return the loss of a goal at one of the :attr:`levels`; what is new in it is measured."""
        targets = self._targets(goal, size)
        return Objective(
            self._constants.network,
            targets,
            self._calibration(goal, size, targets),
            self.content(goal.look, size),
            goal.look,
            content_layers=goal.method.content_layers,
            content_features=self._content_features(goal, size),
            guidance=self._guidance(size),
        )

    def content(self, look: Look, size: Size) -> Tensor:
        """Return the frame as the look compares with it, at a size."""
        color = grey(self.color) if look.color == "luminance" else self.color
        return resize(color, size)

    def start(self, goal: Goal, size: Size) -> Tensor:
        """Return what painting starts with: the frame, and noise that breaks the symmetry of flat areas."""
        full = self._constants.size
        noise = torch.randn(1, 3, *full, generator=torch.Generator().manual_seed(goal.method.seed))[..., self.box[0], self.box[1]]
        return resize(self.content(goal.look, self.levels[-1]) + NOISE * noise.to(self.color.device), size)

    def cut(self, picture: Tensor) -> Tensor:
        """Return this part of a whole picture, ``1×3×H×W``."""
        return picture[..., self.box[0], self.box[1]]

    def placed(self, image: Tensor) -> Tensor:
        """Return the whole picture as rendered with ``image``, ``1×3×h×w``, in this part of it."""
        picture = self._constants.scene.color.clone()
        picture[..., self.box[0], self.box[1]] = image
        return picture

    def _full_size(self, size: Size) -> Size:
        """Return the size of the whole picture where this part has a size."""
        scale = size[0] / self.levels[-1][0]
        height, width = self._constants.size
        return max(1, round(height * scale)), max(1, round(width * scale))

    def _guidance(self, size: Size) -> Guidance | None:
        if size not in self._guidances:
            mask = (self._scene if size == self.levels[-1] else self._scene.resized(size)).mask
            self._guidances[size] = None if mask is None else Guidance(mask)
        return self._guidances[size]

    def _targets(self, goal: Goal, size: Size) -> dict[str, Tensor]:
        """Return the blended targets of every layer that weighs, and of those with a slider: raising one from zero then costs nothing."""
        look = goal.look
        layers = [name for name in LAYER_NAMES if name in look.layer_weights or (name in MAIN_LAYERS and layer_stride(name) <= min(size))]
        matrices = [self._constants.recoloring(look.color, painting) for painting in goal.paintings]
        full = self._full_size(size)
        targets = [painting.targets(full, matrix, layers) for painting, matrix in zip(goal.paintings, matrices, strict=True)]
        return blend_targets(targets, look.style_weights)

    def _calibration(self, goal: Goal, size: Size, targets: Mapping[str, Tensor]) -> Calibration:
        """Return the constants for these targets; layers that are new are measured beside those that are known."""
        look, method = goal.look, goal.method
        if method.normalization == "gatys":  # one constant of all layers that weigh
            targets = {name: target for name, target in targets.items() if name in look.layer_weights}
        key = (size, look.color, goal.paintings, look.style_weights, method.normalization, frozenset(method.content_names))
        known = self._calibrations.get(key if method.normalization != "gatys" else (key, frozenset(targets)))
        missing = {name: target for name, target in targets.items() if known is None or name not in known.style}
        if known is None or missing:
            new = calibrate(
                self._constants.network,
                self.content(look, size),
                missing,
                content_layers=method.content_names,
                normalization=method.normalization,
                guidance=self._guidance(size),
            )
            known = new if known is None else replace(known, style={**known.style, **new.style})
            self._calibrations[key if method.normalization != "gatys" else (key, frozenset(targets))] = known
        return known

    @torch.no_grad()
    def _content_features(self, goal: Goal, size: Size) -> dict[str, Tensor]:
        known = self._features.setdefault((size, goal.look.color == "luminance"), {})
        missing = set(goal.method.content_names) - known.keys()
        if missing:
            known.update(self._constants.network(self.content(goal.look, size), missing))
        return known


class PictureConstants:
    """What is measured of a picture and of its regions. A region is known by its mask, whatever its place in the list.

    Args:
        network, color: see :class:`StillConstants`.
    """

    def __init__(self, network: VGG19, color: Tensor) -> None:
        self.whole = StillConstants(network, color)
        self._regions: list[StillConstants] = []

    def regions(self, masks: Sequence[Tensor]) -> list[StillConstants]:
        """Return the constants of each region, by its mask, ``1×1×H×W``."""
        found = [self._region(mask) for mask in masks]
        self._regions = [*found, *[other for other in self._regions if other not in found][:_RESTING]]
        return found

    def _region(self, mask: Tensor) -> StillConstants:
        mask = mask.to(self.whole.scene.color.device)
        for known in self._regions:
            if known.scene.mask is not None and torch.equal(known.scene.mask, mask):
                return known
        return StillConstants(self.whole.network, self.whole.scene.color, mask)
