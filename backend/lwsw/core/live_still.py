"""Paints one picture for as long as somebody looks at it: settings change meanwhile, and the work goes on from the present picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import LwswError
from ..profiles import LAYER_NAMES, MAIN_LAYERS, Look, layer_stride, receptive_field
from .colour import recolor, recoloring
from .look_painter import NOISE, Method, fit_painting, grey, pyramid, resize, shown
from .objective import PIXEL_STATISTICS, Calibration, Objective, blend_targets, calibrate, style_targets
from .optimize import Optimization
from .vgg import VGG19

Size = tuple[int, int]

# A picture is settled where its loss falls by less than this share of itself per iteration, over so many iterations: more than the few
# in a row that L-BFGS may refuse.
_SETTLED, _WINDOW = 0.001, 8


class PaintingStatistics:
    """Gram matrices and pixel statistics of paintings, each measured once.

    Args:
        network: on the device where the work is done.
        paintings: ``1×3×h×w`` each on [0, 1], in their own sizes.
    """

    def __init__(self, network: VGG19, paintings: Sequence[Tensor]) -> None:
        self.network = network
        device = network.get_buffer("mean").device
        self.paintings = [painting.to(device) for painting in paintings]
        self._targets: dict[tuple[int, Size, object], dict[str, Tensor]] = {}

    def targets(self, index: int, size: Size, matrix: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return what a painting asks for (:func:`lwsw.core.objective.style_targets`).

        Args:
            index: which painting.
            size: height and width in pixels of the pictures it is compared with.
            matrix: its recolouring, 3×4.
            layers: names.
        """
        known = self._targets.setdefault((index, size, tuple(matrix.flatten().tolist())), {})
        missing = set(layers) - known.keys()
        if missing:
            painting = recolor(fit_painting(self.paintings[index], *size), matrix).clamp(0.0, 1.0)
            known.update(style_targets(self.network, painting, missing))
        return {name: known[name] for name in (*layers, *PIXEL_STATISTICS)}


class StillConstants:
    """What is measured of a picture and its paintings before the first iteration, kept until it is different: any number of
    :class:`LiveStill` may share it.

    Args:
        color: the frame as rendered, ``1×3×H×W``, display-referred sRGB on [0, 1].
        statistics: of the paintings.
    """

    def __init__(self, color: Tensor, statistics: PaintingStatistics) -> None:
        self.network = statistics.network
        self.color = color.to(self.network.get_buffer("mean").device)
        self.levels = pyramid(int(color.shape[2]), int(color.shape[3]))
        self._statistics = statistics
        self._matrices: dict[str, list[Tensor]] = {}
        self._calibrations: dict[object, Calibration] = {}
        self._features: dict[tuple[Size, bool], dict[str, Tensor]] = {}

    def objective(self, look: Look, method: Method, size: Size) -> Objective:
        """Return the loss of a look at one of the :attr:`levels`; what is new in it is measured."""
        targets = self._targets(look, size)
        return Objective(
            self.network,
            targets,
            self._calibration(look, method, size, targets),
            self.content(look, size),
            look,
            content_layers=method.content_layers,
            content_features=self._content_features(look, method, size),
        )

    def content(self, look: Look, size: Size) -> Tensor:
        """Return the frame as the look compares with it, at a size."""
        color = grey(self.color) if look.color == "luminance" else self.color
        return resize(color, size)

    def check(self, look: Look, method: Method) -> None:
        """Raise ``image_too_small`` where a layer would have no position."""
        height, width = self.color.shape[2:]
        deepest = max((*look.layer_weights, *method.content_names), key=layer_stride)
        if min(height, width) < layer_stride(deepest):
            raise LwswError(
                "image_too_small",
                f"A picture of {width}×{height} pixels is too small for the layer {deepest}.",
                f"Use at least {layer_stride(deepest)} pixels on each side, better {receptive_field(deepest)}.",
            )

    def _targets(self, look: Look, size: Size) -> dict[str, Tensor]:
        """Return the blended targets of every layer that weighs, and of those with a slider: raising one from zero then costs nothing."""
        matrices = self._recolorings(look.color)
        layers = [name for name in LAYER_NAMES if name in look.layer_weights or (name in MAIN_LAYERS and layer_stride(name) <= min(size))]
        used = [index for index, share in enumerate(look.style_weights) if share > 0]
        targets = [self._statistics.targets(index, size, matrices[index], layers) for index in used]
        return blend_targets(targets, [look.style_weights[index] for index in used])

    def _recolorings(self, mode: str) -> list[Tensor]:
        if mode not in self._matrices:
            # of the frame in grey, as a shot in these colours measures it
            reference = grey(self.color) if mode == "luminance" else self.color
            self._matrices[mode] = [recoloring(mode, painting, reference) for painting in self._statistics.paintings]
        return self._matrices[mode]

    def _calibration(self, look: Look, method: Method, size: Size, targets: Mapping[str, Tensor]) -> Calibration:
        """Return the constants for these targets; layers that are new are measured beside those that are known."""
        if method.normalization == "gatys":  # one constant of all layers that weigh
            targets = {name: target for name, target in targets.items() if name in look.layer_weights}
        key = (size, look.color, look.style_weights, method.normalization, frozenset(method.content_names))
        known = self._calibrations.get(key if method.normalization != "gatys" else (key, frozenset(targets)))
        missing = {name: target for name, target in targets.items() if known is None or name not in known.style}
        if known is None or missing:
            content = self.content(look, size)
            new = calibrate(self.network, content, missing, content_layers=method.content_names, normalization=method.normalization)
            known = new if known is None else replace(known, style={**known.style, **new.style})
            self._calibrations[key if method.normalization != "gatys" else (key, frozenset(targets))] = known
        return known

    @torch.no_grad()
    def _content_features(self, look: Look, method: Method, size: Size) -> dict[str, Tensor]:
        known = self._features.setdefault((size, look.color == "luminance"), {})
        missing = set(method.content_names) - known.keys()
        if missing:
            known.update(self.network(self.content(look, size), missing))
        return known


class LiveStill:
    """One picture on its way, an iteration at a time, without end: other settings turn it round where it stands.

    It starts as the first frame of a shot does, coarse to fine, and takes the same steps, so with the same settings throughout it
    becomes what a job of this one frame gives.

    Args:
        constants: of the frame and the paintings.
    """

    def __init__(self, constants: StillConstants) -> None:
        self._constants = constants
        self._look: Look | None = None
        self._method: Method | None = None
        self._level = 0
        self._optimization: Optimization | None = None
        self._image: Tensor | None = None  # what the next optimization starts with, as large as the level before; None at the beginning
        self._scale: Tensor | None = None  # of the steps so far: a first step of the usual length would be refused near a minimum
        self._losses: deque[float] = deque(maxlen=_WINDOW + 1)
        self.settled = True
        self.iteration = 0
        self.loss = float("nan")

    @property
    def is_coarse(self) -> bool:
        """Whether the large strokes are still being laid out on a smaller picture."""
        return self._level < len(self._constants.levels) - 1

    def begin_with(self, picture: Tensor) -> None:
        """Start with a picture that was on its way before, ``1×3×H×W``, instead of the render; call it before :meth:`aim`."""
        self._image = picture.to(self._constants.color.device)
        self._level = len(self._constants.levels) - 1

    def aim(self, look: Look, method: Method) -> None:
        """Take settings, the first ones or others: the work goes on from the present picture.

        Args:
            look: weights.
            method: content layers, normalization, seed, and with ``first_iterations`` the limit for each level.

        Raises:
            LwswError: ``image_too_small``.
        """
        self._constants.check(look, method)
        if self._image is not None:
            painted = self._image_now() if self._look is None else self._present(self._image_now(), self._look)
            self._image = grey(painted) if look.color == "luminance" else painted
        self._look, self._method = look, method
        self._leave()
        self._losses.clear()
        self.iteration = 0
        self.settled = False

    def restart(self) -> None:
        """Start again from the render, with the same settings."""
        self._level, self._image, self._optimization, self._scale = 0, None, None, None
        self._losses.clear()
        self.iteration = 0
        self.settled = self._look is None

    def step(self) -> None:
        """Do one iteration; nothing once it is :attr:`settled`."""
        if self.settled:
            return
        look, method = self._aimed()
        if look.strength == 0:  # that is the render; the strokes are kept for when it is raised again
            self._image = self._start(look, method) if self._image is None else self._image
            self.settled = True
            return
        if self._optimization is None:
            self._image = self._start(look, method)
            objective = self._constants.objective(look, method, self._size())
            self._optimization = Optimization(objective, self._image, look.exponent, scale=self._scale)
        else:
            self._optimization.step()
        self.iteration += 1
        self.loss = float(self._optimization.loss)
        self._losses.append(self.loss)
        if self._is_done(method):
            self._finish_level()

    def picture(self) -> Tensor:
        """Return what is to be seen now, ``1×3×H×W`` on [0, 1]."""
        color = self._constants.color
        if self._look is None or self._image is None or self._look.strength == 0:
            return color
        size = self._constants.levels[-1]
        image = self._enlarged(self._image_now(), self._look, size)
        return shown(self._look, image, color).clamp(0.0, 1.0)

    def _aimed(self) -> tuple[Look, Method]:
        assert self._look is not None and self._method is not None
        return self._look, self._method

    def _size(self) -> Size:
        return self._constants.levels[self._level]

    def _image_now(self) -> Tensor:
        assert self._image is not None
        return self._image if self._optimization is None else self._optimization.image()

    def _present(self, image: Tensor, look: Look) -> Tensor:
        """Return the present picture in full colour, as large as ``image``."""
        return shown(replace(look, strength=1.0), image, resize(self._constants.color, tuple(image.shape[2:])))

    def _start(self, look: Look, method: Method) -> Tensor:
        """Return what the optimization of this level starts with."""
        size = self._size()
        if self._image is None:
            full = self._constants.levels[-1]
            noise = torch.randn(1, 3, *full, generator=torch.Generator().manual_seed(method.seed))
            return resize(self._constants.content(look, full) + NOISE * noise.to(self._constants.color.device), size)
        return self._enlarged(self._image, look, size)

    def _enlarged(self, image: Tensor, look: Look, size: Size) -> Tensor:
        """Return an image at a larger size: only what painting changed is enlarged, so the detail of the render stays."""
        before = (int(image.shape[2]), int(image.shape[3]))
        if before == size:
            return image
        return self._constants.content(look, size) + resize(image - self._constants.content(look, before), size)

    def _is_done(self, method: Method) -> bool:
        if self.iteration >= method.first_iterations:
            return True
        return len(self._losses) > _WINDOW and self._losses[0] - self._losses[-1] < _SETTLED * _WINDOW * self._losses[0]

    def _finish_level(self) -> None:
        if not self.is_coarse:
            self.settled = True
            return
        self._image = self._image_now()
        self._leave()
        self._scale = None  # of pictures of another size
        self._losses.clear()
        self.iteration = 0
        self._level += 1

    def _leave(self) -> None:
        if self._optimization is not None and self._optimization.scale > 0:
            self._scale = self._optimization.scale
        self._optimization = None
