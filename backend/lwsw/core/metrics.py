"""Measures of a stylized animation. Each has one definition, given here to the last constant."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..profiles import LAYER_NAMES
from .colour import luma
from .flow import carry, disagreement
from .guidance import Guidance
from .losses import style_energy
from .objective import Calibration
from .vgg import VGG19

#: How far forward and backward motion may disagree, in square pixels, beside 1 % of their length (Sundaram, Brox, Keutzer 2010).
METRIC_TOLERANCE = 0.5


def squared_warping_error(image: Tensor, previous: Tensor, backward: Tensor, forward: Tensor) -> tuple[float, float]:
    """Return (Σ m ‖x_t − warp(x_{t−1})‖², 3 Σ m): sum the pairs over a clip, divide, and take the root for the warping error.

    The root is the masked root mean square over pixels *and* the three channels, on [0, 1]. The warp is bilinear and the mask m is the
    plain forward–backward check |B + F|² ≤ 0.01 (|B|² + |F|²) + 0.5 (Sundaram et al. 2010, used by Ruder et al. 2016), so the measure
    shares neither the filter nor the mask of what it judges.

    Args:
        image, previous: ``1×3×H×W`` on [0, 1].
        backward: ``1×H×W×2`` pixels from this frame to the previous one, from the renderer.
        forward: from the previous frame to this one.
    """
    return masked_square(image - carry(previous, backward), disagreement(backward, forward, METRIC_TOLERANCE) <= 1.0)


def masked_square(difference: Tensor, mask: Tensor) -> tuple[float, float]:
    """Return (Σ m ‖d‖², 3 Σ m) of a difference ``1×3×H×W`` and a mask ``1×1×H×W``."""
    mask = mask.float()
    return float((mask * difference.square()).sum()), float(3 * mask.sum())


def sharpness(image: Tensor) -> float:
    """Return the variance of the Laplacian (4-neighbour) of luma on 0…255, Pech-Pacheco et al. 2000.

    Args:
        image: ``1×3×H×W`` on [0, 1].
    """
    kernel = image.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).view(1, 1, 3, 3)
    return float(functional.conv2d(luma(image) * 255.0, kernel).var(correction=0))


@torch.no_grad()
def relative_gram_errors(
    network: VGG19, image: Tensor, targets: Mapping[str, Tensor], guidance: Guidance | None = None
) -> dict[str, float]:
    """Return ‖G_l − A_l‖²_F / ‖A_l‖²_F per layer: 0 is the painting's texture exactly.

    Args:
        image: ``1×3×H×W`` on [0, 1].
        targets: Gram matrices of the painting at the frame's area; other entries are left out.
        guidance: the region; None is the whole picture.
    """
    grams = _grams(network, image, targets, guidance)
    return {name: float((gram - targets[name]).square().sum() / targets[name].square().sum()) for name, gram in grams.items()}


@torch.no_grad()
def style_loss(
    network: VGG19, image: Tensor, targets: Mapping[str, Tensor], calibration: Calibration, guidance: Guidance | None = None
) -> float:
    """Return the mean of E_l / g_l over the layers of ``targets``: the style loss with equal weights, in units of image distance.

    Args: as :func:`relative_gram_errors`, and the constants of the shot.
    """
    grams = _grams(network, image, targets, guidance)
    energies = [float(style_energy(gram, targets[name])) / calibration.style[name] for name, gram in grams.items()]
    return sum(energies) / len(energies)


def _grams(network: VGG19, image: Tensor, targets: Mapping[str, Tensor], guidance: Guidance | None) -> dict[str, Tensor]:
    return network.statistics(image, [name for name in targets if name in LAYER_NAMES], (), None if guidance is None else guidance.at)[0]
