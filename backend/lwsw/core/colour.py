"""Whose colours the result has: three ways after Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving Color in Neural Artistic Style
Transfer", section 2. Colour is display-referred sRGB on [0, 1]; luma is that of ITU-R BT.601 (the Y of YIQ, as theirs).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

#: Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)

_SMALLEST_VARIANCE = 1e-5  # of a colour direction; below it a flat picture would be amplified into noise


def luma(image: Tensor) -> Tensor:
    """Return the luma of ``1×3×H×W`` as ``1×1×H×W``."""
    return (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def with_luma_of(painted: Tensor, render: Tensor) -> Tensor:
    """Return the render with the luma of the painted picture: its chroma (I and Q of YIQ) stays.

    Adding the same number to red, green and blue changes Y by it and I and Q not at all.
    """
    return render + luma(painted) - luma(render)


def color_statistics(image: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return mean (3) and covariance (3×3) of the colours of ``1×3×H×W``, weighted by ``H×W`` where given."""
    pixels = image[0].flatten(1)
    shares = pixels.new_full((pixels.shape[1],), 1.0 / pixels.shape[1]) if weights is None else weights.flatten() / weights.sum()
    mean = pixels @ shares
    centred = pixels - mean[:, None]
    return mean, (centred * shares) @ centred.mT


def recoloring(mode: str, painting: Tensor, reference: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the map of colours that prepares a painting for a shot, as a 3×4 matrix [A | b]: x ↦ A x + b.

    Args:
        mode: ``painting``, the identity; ``luminance``, grey with mean and deviation of the reference's luma (their eq. 4);
            ``histogram``, the linear map after which mean and covariance of the colours are those of the reference (their eq. 1–3), of
            which there are many: the one that moves colours least (Monge–Kantorovich; Pitié & Kokaram 2007).
        painting: ``1×3×h×w``.
        reference: the shot's first frame, ``1×3×H×W``.
        weights: ``H×W``, which of its pixels count.
    """
    mean, covariance = (value.double().cpu() for value in color_statistics(painting))
    mean_wanted, covariance_wanted = (value.double().cpu() for value in color_statistics(reference, weights))
    if mode == "painting":
        matrix = torch.eye(3, dtype=torch.float64)
        offset = torch.zeros(3, dtype=torch.float64)
    elif mode == "luminance":
        row = torch.tensor(LUMA, dtype=torch.float64)
        spread, spread_wanted = (float(row @ value @ row) ** 0.5 for value in (covariance, covariance_wanted))
        scale = spread_wanted / max(spread, _SMALLEST_VARIANCE**0.5)
        matrix = scale * row.expand(3, 3)
        offset = (row @ mean_wanted - scale * (row @ mean)).expand(3)
    else:
        floor = _SMALLEST_VARIANCE * torch.eye(3, dtype=torch.float64)
        root = _square_root(covariance + floor)
        inverse = torch.linalg.inv(root)
        matrix = inverse @ _square_root(root @ (covariance_wanted + floor) @ root) @ inverse
        offset = mean_wanted - matrix @ mean
    return torch.cat((matrix, offset[:, None]), 1)


def recolor(image: Tensor, matrix: Tensor | Sequence[Sequence[float]]) -> Tensor:
    """Apply a 3×4 map of colours to ``1×3×H×W``."""
    affine = torch.as_tensor(matrix, dtype=torch.float32, device=image.device)
    return (affine[:, :3] @ image[0].flatten(1) + affine[:, 3:]).view_as(image)


def _square_root(matrix: Tensor) -> Tensor:
    """Return the square root of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.mT
    return root
