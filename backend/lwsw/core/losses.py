"""The three energies of a frame, written as features → statistics → loss.

Statistics (Gram matrices, sums of squares) are sums over positions. Keeping them apart from the losses leaves room for
exact tiling: statistics of tiles add up.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from .convolution import DirectConvolution

_CHROMA = torch.tensor([[1.0, 0.0, -1.0], [1.0, -2.0, 1.0]]) / torch.tensor([[2.0], [6.0]]).sqrt()
_DIFFERENCE_FROM_MEAN = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]) - 1 / 9


class _GramMatrix(torch.autograd.Function):
    """Passes features through and adds their Gram matrix.

    The backward pass uses the matrix's symmetry (one product instead of two) and adds its part to the gradient that comes from
    deeper layers in place: at full resolution, moving memory costs more than computing.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(features, weights)
        matrix = _as_matrix(features)
        weighted, total = (matrix, len(matrix)) if weights is None else (matrix * weights.reshape(-1, 1), weights.sum())
        return features.view_as(features), matrix.mT @ weighted / total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None]:
        features, weights = ctx.saved_tensors
        deeper, gradient = gradients
        if gradient is None:
            return deeper, None
        matrix = _as_matrix(features)
        product = (gradient + gradient.mT) / (len(matrix) if weights is None else weights.sum())
        if weights is not None:
            matrix = matrix * weights.reshape(-1, 1)
        if deeper is None:
            result = matrix @ product
        elif deeper.dtype == torch.float32 and deeper.is_contiguous(memory_format=torch.channels_last):
            result = _as_matrix(deeper).addmm_(matrix, product)
        else:
            result = torch.addmm(_as_matrix(deeper), matrix, product)
        channels, height, width = features.shape[1:]
        return result.view(1, height, width, channels).permute(0, 3, 1, 2).to(features.dtype), None


def _as_matrix(features: Tensor) -> Tensor:
    """Return ``1×C×h×w`` as (h·w)×C float32; no copy where it is float32 and channels last in memory."""
    return features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]).float()


def tap_gram_matrix(features: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the features, to go on with, and their Gram matrix as :func:`gram_matrix`.

    Going on with the returned features instead of the given ones saves adding two gradients of full resolution.
    """
    result: tuple[Tensor, Tensor] = _GramMatrix.apply(features, weights)  # type: ignore[no-untyped-call]
    return result


def gram_matrix(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the Gram matrix G = Σ_p w_p φ_p φ_pᵀ / Σ_p w_p of a layer, p its positions.

    Without weights it is φφᵀ / (h·w) (Gatys, Ecker, Bethge 2015, without their 1/C² which :func:`style_energy` has). With them it is the
    guided Gram matrix of Gatys et al. 2017, eq. 6, whose guidance channel is T = √(w / Σw), so that Σ T² = 1 as theirs.

    Args:
        features: ``1×C×h×w``, any floating type.
        weights: ``h×w`` ≥ 0, not all zero: how much of each position belongs to the region.

    Returns:
        ``C×C`` float32.
    """
    return tap_gram_matrix(features, weights)[1]


def style_energy(gram: Tensor, target: Tensor) -> Tensor:
    """Return E_l = ‖G − A‖²_F / (4 C²), Gatys et al. 2015 eq. 4 with G divided by the number of positions."""
    return (gram - target).square().sum() / (4 * gram.shape[0] ** 2)


def palette_matrix(image: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean of x̃ x̃ᵀ over pixels, x̃ = (r, g, b, 1): the second moments of the colours, and their mean in the last row.

    It is the Gram matrix of a layer that sees single pixels, and holds the palette where only deep layers speak.

    Args:
        image: ``1×3×H×W`` on [0, 1].
        weights: ``H×W``, how much of each pixel counts; None counts all alike.
    """
    return gram_matrix(torch.cat((image, torch.ones_like(image[:, :1])), 1), weights)


def grain_matrix(image: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the covariance of the colour grain, 2×2: of what each pixel's chroma differs by from the mean of its 3×3 neighbourhood.

    Chroma are the two axes orthogonal to grey, (1, 0, −1)/√2 and (1, −2, 1)/√6 of (r, g, b). The Gram matrices of the layers hardly notice
    coloured specks beside the contrast of strokes, so pictures collect them: on a woodcut twice the painting's own.

    Args:
        image: ``1×3×H×W`` on [0, 1]; at its edge the nearest pixels stand in for neighbours.
        weights: ``H×W``, how much of each pixel counts; None counts all alike.
    """
    convolution = _grain_convolution(image.device, image.dtype)
    return gram_matrix(convolution(functional.pad(image, (1, 1, 1, 1), mode="replicate")), weights)


@functools.cache
def _grain_convolution(device: torch.device, precision: torch.dtype) -> DirectConvolution:
    kernel = (_CHROMA[:, :, None, None] * _DIFFERENCE_FROM_MEAN).to(device, precision)
    return DirectConvolution(kernel, kernel.new_zeros(2), padding=0)


def content_energy(features: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return ½ Σ_p w_p ‖F_p − F_c,p‖² / Σ_p w_p: half the mean square over positions, summed over channels.

    Gatys et al. 2015, eq. 1, divided by the number of positions, which makes it blind to the size of the picture.

    Args:
        features, target: ``1×C×h×w``.
        weights: ``h×w``; None counts all positions alike.
    """
    squares = (features.float() - target.float()).square().sum(1)[0]
    return 0.5 * (squares.mean() if weights is None else (weights * squares).sum() / weights.sum())


def temporal_energy(image: Tensor, warped: Tensor, visibility: Tensor) -> Tensor:
    """Return Σ m ‖x − warp(x₋₁)‖² / (3 Σ m): the mean square over visible pixels and channels.

    Dividing by the mask's sum keeps its strength when much is occluded (Ruder, Dosovitskiy, Brox 2016 divide by all pixels).

    Args:
        image, warped: ``1×3×H×W`` on [0, 1].
        visibility: ``1×1×H×W``, 1 where the surface was visible before.
    """
    return (visibility * (image - warped).square()).sum() / (3 * visibility.sum()).clamp_min(1.0)


def range_energy(image: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean square by which values leave [0, 1]: a picture file clips them, and clipping undoes the painting there.

    Args:
        image: ``1×3×H×W``.
        mask: ``1×1×H×W``, how much of each pixel counts; None counts all alike.
    """
    squares = (image - image.clamp(0.0, 1.0)).square()
    return squares.mean() if mask is None else (mask * squares).sum() / (image.shape[1] * mask.sum())
