"""The three energies of a frame, written as features → statistics → loss.

Statistics (Gram matrices, sums of squares) are sums over positions. Keeping them apart from the losses leaves room for
exact tiling: statistics of tiles add up.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _GramMatrix(torch.autograd.Function):
    """G = φφᵀ of an N×C matrix of features, with a backward pass that uses its symmetry: one product instead of two."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        product: Tensor = features.mT @ features
        return product

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        gradient = gradients[0]
        backward: Tensor = features @ (gradient + gradient.mT)
        return backward


def gram_matrix(features: Tensor) -> Tensor:
    """Return the Gram matrix G = φφᵀ / (h·w) of a layer (Gatys, Ecker, Bethge 2015, without their 1/C² which :func:`style_energy` has).

    Args:
        features: ``1×C×h×w``, any floating type.

    Returns:
        ``C×C`` float32. Features are divided by √(h·w) *before* the product, so that sums stay small.
    """
    channels, height, width = features.shape[1:]
    matrix = features.permute(0, 2, 3, 1).reshape(height * width, channels).float()
    result: Tensor = _GramMatrix.apply(matrix * (height * width) ** -0.5)  # type: ignore[no-untyped-call]
    return result


def style_energy(gram: Tensor, target: Tensor) -> Tensor:
    """Return E_l = ‖G − A‖²_F / (4 C²), Gatys et al. 2015 eq. 4 with G divided by the number of positions."""
    return (gram - target).square().sum() / (4 * gram.shape[0] ** 2)


def content_energy(features: Tensor, target: Tensor, scale: float | Tensor) -> Tensor:
    """Return ½‖F − F_c‖² / ``scale``, where scale is ‖F_c‖² of the shot's reference frame: a relative error, blind to size and layer."""
    return 0.5 * (features.float() - target.float()).square().sum() / scale


def temporal_energy(image: Tensor, warped: Tensor, visibility: Tensor) -> Tensor:
    """Return Σ m ‖x − warp(x₋₁)‖² / (3 Σ m): the mean square over visible pixels and channels.

    Dividing by the mask's sum keeps its strength when much is occluded (Ruder, Dosovitskiy, Brox 2016 divide by all pixels).

    Args:
        image, warped: ``1×3×H×W`` on [0, 1].
        visibility: ``1×1×H×W``, 1 where the surface was visible before.
    """
    return (visibility * (image - warped).square()).sum() / (3 * visibility.sum()).clamp_min(1.0)


def range_energy(image: Tensor) -> Tensor:
    """Return the mean square by which values leave [0, 1]: a picture file clips them, and clipping undoes the painting there."""
    return (image - image.clamp(0.0, 1.0)).square().mean()
