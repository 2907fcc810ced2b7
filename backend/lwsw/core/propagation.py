"""What a frame starts from: the one before, carried along, in today's light, and filled where nothing was to be seen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from .flow import warp

# How far a render must differ from the one before, carried along, to count as other light: up to the first it is noise, and what resampling
# fine texture leaves; from the second on it counts in full. Root mean square of the channels, on [0, 1].
_NOISE, _LIGHT = 0.02, 0.06


@dataclass(frozen=True)
class Source:
    """An earlier frame that strokes are taken from.

    Attributes:
        image: as painted, ``1×3×H×W``.
        color: as rendered, ``1×3×H×W``.
        flow: from the frame that is painted to this one, ``1×H×W×2`` pixels.
        visibility: ``1×1×H×W``, how far this one shows the same surfaces.
    """

    image: Tensor
    color: Tensor
    flow: Tensor
    visibility: Tensor

    def to(self, device: torch.device) -> Source:
        """Return the same on a device."""
        return Source(self.image.to(device), self.color.to(device), self.flow.to(device), self.visibility.to(device))


@dataclass(frozen=True)
class Carried:
    """What earlier frames say of a frame.

    Attributes:
        image: ``1×3×H×W``; the render where they say nothing.
        trust: ``1×1×H×W`` on [0, 1], how far they say anything.
        change: of the render along its surfaces since the previous frame, root mean square over what is visible in both, on [0, 1].
    """

    image: Tensor
    trust: Tensor
    change: float


def propagate(sources: Sequence[Source], color: Tensor, region: Tensor | None = None) -> Carried:
    """Return what earlier frames say of a frame.

    A surface takes its strokes from the first source that shows it, in the light of the new frame. A shadow, a highlight, what a mirror
    shows do not move with their surface, but how a *render* changes along its surfaces is known exactly: c − warp(c₋₁). Through the map
    from rendered to painted colour (:func:`color_map`) that is added to the painting, so strokes stay and take the light. Dragged along
    and painted over, lights would trail.

    Args:
        sources: at least one; the first is the previous frame, by which colours are mapped.
        color: the frame as rendered.
        region: ``1×1×H×W``, where the strokes are those of the look; None for everywhere. Colours are mapped as they are there.
    """
    result, trust = torch.zeros_like(color), torch.zeros_like(color[:, :1])
    gain: Tensor | None = None
    total = 0.0
    for source in sources:
        share = (1.0 - trust) * source.visibility
        warped, before = warp(source.image, source.flow), warp(source.color, source.flow)
        change = color - before
        if gain is None:
            counted = share if region is None else share * region
            gain = color_map(before, warped, counted)[:3]
            total = float((counted * change.square()).sum() / (3 * counted.sum()).clamp_min(1.0)) ** 0.5
        size = _mean3(source.visibility * change).square().mean(1, keepdim=True).sqrt()
        change = ((size - _NOISE) / (_LIGHT - _NOISE)).clamp(0.0, 1.0) * change
        result = result + share * (warped + torch.einsum("ij,bihw->bjhw", gain, change))
        trust = trust + share
    return Carried(torch.where(trust > 0, result / trust.clamp_min(1e-6), color), trust, total)


def fill_uncovered(warped: Tensor, trust: Tensor, content: Tensor, region: Tensor | None = None) -> Tensor:
    """Return ``warped`` with the areas that were not visible before filled in the colours of the painting.

    A map from rendered to painted colour (:func:`color_map`, over the visible pixels) is applied to the render; what it
    misses near the border is taken from the visible surroundings. The optimization then starts from painted colours instead
    of from the render's.

    Args:
        warped: previous result warped to this frame, ``1×3×H×W``.
        trust: ``1×1×H×W`` from :func:`lwsw.core.flow.visibility`.
        content: this frame as rendered, ``1×3×H×W``.
        region: as for :func:`propagate`.
    """
    counted = trust if region is None else trust * region
    mapped = _apply(color_map(content, warped, counted), content)
    known = _blur(counted, 8)
    correction = _blur(counted * (warped - mapped), 8) / known.clamp_min(1e-3) * known.clamp(0.0, 1.0).sqrt()
    return trust * warped + (1 - trust) * (mapped + correction)


def color_map(source: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the affine map from one picture's colours to another's, 4×3: the last row is added. Weighted least squares.

    A little ridge pulls it towards leaving colours as they are, which is also the answer where nothing weighs.

    Args:
        source, target: ``1×3×H×W``.
        weights: ``1×1×H×W``.
    """
    values = _homogeneous(source)
    weighted = values * weights.flatten()
    ridge = 1e-3 * weights.sum().clamp_min(1.0) * torch.eye(4, device=source.device)
    identity = torch.cat((torch.eye(3, device=source.device), torch.zeros(1, 3, device=source.device)))
    matrix: Tensor = torch.linalg.solve(weighted @ values.mT + ridge, weighted @ target[0].flatten(1).mT + ridge @ identity)
    return matrix


def _apply(matrix: Tensor, image: Tensor) -> Tensor:
    return (_homogeneous(image).mT @ matrix).mT.view_as(image)


def _homogeneous(image: Tensor) -> Tensor:
    """Return (r, g, b, 1) of every pixel, 4×N."""
    return torch.cat((image, torch.ones_like(image[:, :1])), 1)[0].flatten(1)


def _mean3(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)


def _blur(image: Tensor, radius: int) -> Tensor:
    """Return a Gaussian-like blur: three box filters of ``2·radius + 1`` pixels."""
    size = 2 * radius + 1
    for _ in range(3):
        image = functional.avg_pool2d(image, size, stride=1, padding=radius, count_include_pad=False)
    return image
