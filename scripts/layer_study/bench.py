"""Paints one picture and measures it; what has been painted once is kept, so an interrupted study goes on where it was."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paintings
import torch
from torch import Tensor

import lwsw.core
from lwsw.core.look_painter import LookPainter, LookState, Method, Scene, fit_painting
from lwsw.core.metrics import relative_gram_errors, style_loss
from lwsw.core.objective import Calibration, calibrate, gradient_norms, gradient_shares, style_targets
from lwsw.core.texture_scale import texture_scale
from lwsw.core.vgg import VGG19
from lwsw.jobs.frame_reader import tensor_to_image
from lwsw.media.files import write_atomically
from lwsw.media.images import encode_png16, read_image
from lwsw.networks import load_network
from lwsw.perceptual import PerceptualMetrics
from lwsw.profiles import MAIN_LAYERS, LayerWeights, Look

from . import pictures


@dataclass(frozen=True)
class Cell:
    """One painted picture of the study.

    Attributes:
        painting, content: names.
        weights: of the five main layers.
        exponent: p of the image variable; None follows the weights.
        normalization: ``calibrated`` or ``gatys``.
        content_weight: as in a job.
    """

    painting: str
    content: str
    weights: tuple[float, ...]
    exponent: float | None = None
    normalization: str = "calibrated"
    content_weight: float = 1.0

    @property
    def look(self) -> Look:
        """The look it is painted with."""
        weights = LayerWeights(dict(zip(MAIN_LAYERS, self.weights, strict=True)))
        return Look(weights, self.content_weight, frequency_exponent=self.exponent)


@dataclass
class Bench:
    """The network, the pictures, and a folder where results are kept.

    Args:
        folder: for painted cells and their measures.
        width: of the contents, in pixels.
        device: torch device.
        iterations: of L-BFGS, for each picture.
    """

    folder: Path
    width: int
    device: torch.device
    iterations: int
    say: Callable[[str], None] = print
    painted: int = 0
    seconds: float = 0.0
    _program: str = ""
    _targets: dict[tuple[str, tuple[int, int]], dict[str, Tensor]] = field(default_factory=dict)
    _calibrations: dict[tuple[str, str], Calibration] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._program = fingerprint()
        self.network = VGG19(load_network()).to(self.device)
        self.paintings = {name: picture.to(self.device) for name, picture in pictures.load_paintings().items()}
        self.contents = {name: picture.to(self.device) for name, picture in pictures.load_contents(self.width).items()}
        self.perceptual = PerceptualMetrics(device=self.device)
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, cell: Cell) -> Path:
        """Return where a cell's picture lies."""
        text = json.dumps([asdict(cell), cell.look.exponent, self.width, self.iterations, self._program], sort_keys=True)
        return self.folder / f"{cell.painting}-{cell.content}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.png"

    def image(self, cell: Cell) -> np.ndarray:
        """Return a painted picture, H×W×3 on [0, 1]."""
        self.measure(cell)
        return read_image(self.path(cell))

    def measure(self, cell: Cell) -> dict[str, Any]:
        """Paint a cell, unless it is there, and return its measures."""
        path = self.path(cell)
        if path.with_suffix(".json").exists():
            return dict(json.loads(path.with_suffix(".json").read_text()))
        look, content = cell.look, self.contents[cell.content]
        method = Method(self.iterations, self.iterations, normalization=cell.normalization)
        painter = LookPainter(self.network, [self.paintings[cell.painting]], look.layer_weights, method)
        began = time.perf_counter()
        state = painter.paint(look, Scene(content), LookState(), lambda iteration: None)
        seconds = time.perf_counter() - began
        assert state.image is not None
        image = state.image.clamp(0, 1)
        measures = {
            "seconds": seconds,
            "exponent": look.exponent,
            "centroid": look.layer_weights.centroid(),
            **self.measures_of(image, cell.painting, cell.content),
        }
        write_atomically(path, encode_png16(tensor_to_image(image)))
        write_atomically(path.with_suffix(".json"), json.dumps(measures).encode())
        self.painted += 1
        self.seconds += seconds
        return measures

    def measures_of(self, image: Tensor, painting: str, content: str) -> dict[str, Any]:
        """Measure a picture against its painting and its content."""
        render = self.contents[content]
        size = (int(render.shape[2]), int(render.shape[3]))
        own = fit_painting(self.paintings[painting], *size).clamp(0, 1)
        errors = relative_gram_errors(self.network, image, self.targets(painting, size))
        scale = texture_scale(image, render).wavelength
        return {
            "texture_scale": None if math.isnan(scale) else scale,
            "gram_errors": errors,
            "style_loss": style_loss(self.network, image, self.targets(painting, size), self.calibration(painting, content)),
            "mean_color_difference": float(np.linalg.norm(_mean_lab(image) - _mean_lab(own))),
            "speckle": speckle(image) / speckle(own),
            **self.perceptual.measure(image.cpu(), render.cpu()),
        }

    def targets(self, painting: str, size: tuple[int, int]) -> dict[str, Tensor]:
        """Return a painting's targets at a size, measured once."""
        if (painting, size) not in self._targets:
            fitted = fit_painting(self.paintings[painting], *size).clamp(0, 1)
            self._targets[painting, size] = style_targets(self.network, fitted, MAIN_LAYERS)
        return self._targets[painting, size]

    def calibration(self, painting: str, content: str) -> Calibration:
        """Return the constants of a pair, measured once."""
        if (painting, content) not in self._calibrations:
            reference = self.contents[content]
            targets = self.targets(painting, (int(reference.shape[2]), int(reference.shape[3])))
            self._calibrations[painting, content] = calibrate(self.network, reference, targets)
        return self._calibrations[painting, content]

    def shares(self, cell: Cell, image: Tensor) -> dict[str, float]:
        """Return each layer's share of the style gradient at an image."""
        size = (int(image.shape[2]), int(image.shape[3]))
        calibration = self.calibration(cell.painting, cell.content)
        return gradient_shares(self.network, image, self.targets(cell.painting, size), calibration, cell.look)

    def raw_norms(self, painting: str, content: str) -> Mapping[str, float]:
        """Return ‖∂E_l/∂x‖ of each main layer at the content, without calibration."""
        reference = self.contents[content]
        targets = self.targets(painting, (int(reference.shape[2]), int(reference.shape[3])))
        return gradient_norms(self.network, reference, {name: targets[name] for name in MAIN_LAYERS})


def fingerprint() -> str:
    """Return a hash of the programs that paint: what another version of them painted is painted again."""
    files = [path for module in (lwsw.core, paintings) for path in sorted(Path(module.__path__[0]).glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def speckle(image: Tensor) -> float:
    """Return the root mean square of the chroma (what differs from luma) of the picture minus its 3×3 median, in levels of 255: coloured
    salt and pepper."""
    levels = (tensor_to_image(image) * 255).round().clip(0, 255).astype(np.uint8)
    difference = levels.astype(np.float32) - cv2.medianBlur(levels, 3)
    chroma = difference - (difference @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return float(np.sqrt(np.mean(chroma**2)))


def _mean_lab(image: Tensor) -> np.ndarray:
    """Return the mean colour in CIE L*a*b* (D65)."""
    return np.asarray(cv2.cvtColor(tensor_to_image(image), cv2.COLOR_RGB2LAB).reshape(-1, 3).mean(0))
