"""Motion between frames: warping by a flow, and where it can be trusted.

A flow is ``1×H×W×2`` float32 in pixels, x right, y down: from a pixel of this frame to the same surface in another frame.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

#: How far forward and backward motion may disagree, in square pixels, beside 1 % of their length (Sundaram, Brox, Keutzer 2010 have ½).
#: The renderer's vectors are exact to a thousandth of a pixel, so half a pixel of disagreement is another surface already: a looser
#: check lets slow objects drag their outline over what they uncover.
EXACT_TOLERANCE = 0.05
ESTIMATED_TOLERANCE = 0.5


def pixel_grid(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the positions of all pixels, ``1×H×W×2`` as (x, y)."""
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack((x, y), -1)[None].float()


def sample_bilinear(image: Tensor, positions: Tensor) -> Tensor:
    """Sample ``1×C×h×w`` at pixel positions ``1×H×W×2``; outside, the nearest edge pixel counts."""
    height, width = image.shape[2:]
    scale = positions.new_tensor([2.0 / width, 2.0 / height])
    return functional.grid_sample(image, (positions + 0.5) * scale - 1.0, mode="bilinear", padding_mode="border", align_corners=False)


def sample_flow(flow: Tensor, positions: Tensor) -> Tensor:
    """Return a flow at pixel positions, bilinear, ``1×H×W×2`` both; outside, the nearest edge pixel counts."""
    return sample_bilinear(flow.permute(0, 3, 1, 2), positions).permute(0, 2, 3, 1)


def carry(image: Tensor, flow: Tensor) -> Tensor:
    """Return ``image`` of the other frame as seen from this one, bilinear; outside, the nearest edge pixel counts.

    Args: as :func:`warp`, which is sharper.
    """
    return sample_bilinear(image, pixel_grid(flow.shape[1], flow.shape[2], flow.device) + flow)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Return ``image`` of the other frame as seen from this one, by a 6×6 Lanczos filter.

    Warping happens once per frame and adds up over a shot: a bilinear filter would soften the painting a little more each time.
    Outside the picture the nearest edge pixel counts. Overshoot is kept to the range of the nearest 2×2 pixels, widened by a
    tenth of that range, so that rings around bright edges do not grow from frame to frame.

    Args:
        image: ``1×C×H×W``.
        flow: from this frame to the one that ``image`` belongs to.
    """
    channels, height, width = image.shape[1:]
    position = (pixel_grid(height, width, image.device) + flow)[0]
    base = position.floor()
    fraction = position - base
    offsets = torch.arange(-2, 4, device=image.device)
    weight_x, weight_y = (_lanczos3(fraction[..., axis, None] - offsets) for axis in (0, 1))  # H×W×6
    index_x = (base[..., 0, None].long() + offsets).clamp(0, width - 1)
    index_y = (base[..., 1, None].long() + offsets).clamp(0, height - 1)

    pixels = image[0].reshape(channels, height * width)
    result = torch.zeros_like(pixels)
    low = torch.full_like(pixels, torch.inf)
    high = torch.full_like(pixels, -torch.inf)
    for row in range(6):
        for column in range(6):
            sample = pixels[:, (index_y[..., row] * width + index_x[..., column]).flatten()]
            result += (weight_y[..., row] * weight_x[..., column]).flatten() * sample
            if row in (2, 3) and column in (2, 3):
                low, high = torch.minimum(low, sample), torch.maximum(high, sample)
    margin = 0.1 * (high - low)
    return result.clamp(low - margin, high + margin).view_as(image)


def _lanczos3(distance: Tensor) -> Tensor:
    """Return normalized weights of the Lanczos kernel with three lobes along the last dimension."""
    weights = torch.sinc(distance) * torch.sinc(distance / 3) * (distance.abs() < 3)
    return weights / weights.sum(-1, keepdim=True)


def disagreement(backward: Tensor, forward: Tensor, tolerance: float) -> Tensor:
    """Return |B + F|² / (0.01 (|B|² + |F|²) + tolerance) per pixel, ``1×1×H×W``: up to 1 both motions lead to the same surface.

    Infinite where the pixel comes from outside the picture. Forward–backward check of Sundaram, Brox, Keutzer 2010.

    Args:
        backward: flow of this frame to the previous one.
        forward: flow of the previous frame to this one.
        tolerance: in square pixels.
    """
    target = pixel_grid(backward.shape[1], backward.shape[2], backward.device) + backward
    return disagreement_at(target, backward, sample_flow(forward, target), tolerance)


def disagreement_at(target: Tensor, onward: Tensor, back: Tensor, tolerance: float) -> Tensor:
    """Return :func:`disagreement` of motions that were sampled wherever one likes, ``1×1×H×W``.

    Args:
        target: where the motion onward leads, ``1×H×W×2`` as (x, y); outside the picture, which ends half a pixel beyond the centres of its
            outer pixels, nothing agrees.
        onward, back: the motion to ``target``, and the one found there, ``1×H×W×2``.
        tolerance: in square pixels.
    """
    height, width = target.shape[1:3]
    difference = (onward + back).square().sum(-1)
    motion = onward.square().sum(-1) + back.square().sum(-1)
    inside = (target >= -0.5).all(-1) & (target <= target.new_tensor([width - 0.5, height - 0.5])).all(-1)
    ratio = difference / (0.01 * motion + tolerance)
    return torch.where(inside, ratio, torch.inf)[:, None]


def visibility(backward: Tensor, forward: Tensor, tolerance: float = EXACT_TOLERANCE) -> Tensor:
    """Return where a surface of this frame was visible in the previous one: ``1×1×H×W``, 1 visible, 0 not, soft in between.

    Args: as :func:`disagreement`.
    """
    return ((4.0 - disagreement(backward, forward, tolerance)) / 3.0).clamp(0.0, 1.0)
