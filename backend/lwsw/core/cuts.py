"""Cuts: whether a frame goes on from an earlier one, or begins a new shot.

Two small pictures are compared, window by window, by the correlation of their structure: after motion has been taken out of them it stays
high within a shot, whatever happens to the light, and is by chance where a new shot begins.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from .estimated_flow import search_flow
from .flow import carry, disagreement

#: Pixels of the longer side at which pictures are compared: noise of a render averages out, and motion becomes short.
SIDE = 128

_WINDOW = 13  # pixels of the side of a window
_FLOOR = 0.01  # standard deviation, on [0, 1], from which on a window holds structure rather than noise and 8-bit steps
_LARGEST_GAIN = 8.0  # of exposure; what is darker by more than three stops has lost its structure
_TOLERANCE = 0.5  # square pixels, beside 1 % of the length, by which motion forth and back may disagree (Sundaram, Brox, Keutzer 2010)
_FLAT_DIFFERENCE = 0.1  # of mean colours, between two pictures without structure

#: So many frames may show something else in between, a flash, before a shot counts as ended.
FLASH_FRAMES = 2

# Measured on 189 pairs of different photographs, renders and paintings, 136 of frames of different rendered scenes, and on cameras that
# look at one scene from other sides (30° to 180° apart): by chance the agreement is at most 0.14 along vectors, whatever these are, and
# along searched motion, times the share on which the search agrees with itself, at most 0.20, but for one table that was laid out anew
# with the same things: 0.38 by search. A camera that jumps by 10° is the limit: 0.24 and 0.25. Within shots of 16 samples per pixel
# (281 pairs of frames) it was at least 0.75 along vectors and 0.66 along searched motion.
_ALONG_VECTORS = 0.25
_BY_SEARCH = 0.25
_CERTAINLY = 0.5  # along searched motion
_SMALLEST_SHARE = 0.02  # of the picture that has to be in both for vectors to tell anything


def goes_on(image: Tensor, other: Tensor) -> bool:
    """Return whether a small picture goes on from another by what both show: :func:`agreement_by_search` is at least 0.25."""
    return agreement_by_search(image, other) >= _BY_SEARCH


def is_same_view(image: Tensor, other: Tensor) -> bool:
    """Return whether two small pictures certainly show the same from the same side: :func:`agreement_by_search` is at least 0.5."""
    return agreement_by_search(image, other) >= _CERTAINLY


def goes_on_along(image: Tensor, previous: Tensor, backward: Tensor, forward: Tensor, known: Tensor) -> bool:
    """Return whether the renderer's motion leads from one small picture to the other: :func:`agreement_along` is at least 0.25.

    Vectors across a cut may lead to nowhere, but they need not: Blender writes how the new camera moves, and how the old one, so that they
    are short, and two thirds of them agree with each other (measured, Blender 4.5 and 5.0). Only what they lead to tells.
    """
    value, share = agreement_along(image, previous, backward, forward, known)
    return share >= _SMALLEST_SHARE and value >= _ALONG_VECTORS


def shrink(color: Tensor) -> Tensor:
    """Return a picture ``1×3×H×W`` at the size at which it is compared, by area average; a smaller one as it is."""
    height, width = color.shape[2:]
    scale = min(1.0, SIDE / max(height, width))
    return functional.interpolate(color, (max(1, round(height * scale)), max(1, round(width * scale))), mode="area")


def shrink_flow(flow: Tensor, height: int, width: int) -> Tensor:
    """Return a flow ``1×H×W×2`` for small pictures, by nearest samples: averages across a silhouette are the motion of neither side."""
    rows, columns = flow.shape[1:3]
    y = ((torch.arange(height) + 0.5) * rows / height).long()
    x = ((torch.arange(width) + 0.5) * columns / width).long()
    return flow[:, y][:, :, x] * flow.new_tensor([width / columns, height / rows])


def agreement(image: Tensor, other: Tensor, seen: Tensor) -> float:
    """Return how much of the structure of two small pictures is the same, from 1 (all of it) over 0 (by chance) to −1.

    In windows of 13×13 pixels the covariance of both pictures, summed over the channels, is divided by (σ + 0.01)(σ' + 0.01), after their
    overall contrast has been made equal (up to a factor of 8); windows count by the larger σ. So exposure, a flash, a light that comes on
    change little, and structure that only one picture has counts against it.

    Args:
        image, other: ``1×3×H×W`` on [0, 1], motion taken out of ``other``.
        seen: ``1×1×H×W``, where the surface is in both.
    """
    share = _window(seen)
    inverse = 1.0 / share.clamp_min(1e-6)
    mean, other_mean = _window(seen * image) * inverse, _window(seen * other) * inverse
    spread = _deviation(_window(seen * image.square()) * inverse, mean)
    other_spread = _deviation(_window(seen * other.square()) * inverse, other_mean)
    covariance = (_window(seen * image * other) * inverse - mean * other_mean).sum(1, keepdim=True)
    total = share.sum().clamp_min(1e-6)
    contrast, other_contrast = float((share * spread).sum() / total), float((share * other_spread).sum() / total)
    if max(contrast, other_contrast) < _FLOOR / 2:
        difference = ((share * (mean - other_mean)).sum((2, 3)) / total).abs().max()
        return float(difference < _FLAT_DIFFERENCE)
    gain = min(_LARGEST_GAIN, max(1.0, contrast / max(other_contrast, 1e-6)))
    other_gain = min(_LARGEST_GAIN, max(1.0, other_contrast / max(contrast, 1e-6)))
    spread, other_spread = spread * other_gain, other_spread * gain
    correlation = covariance * gain * other_gain / ((spread + _FLOOR) * (other_spread + _FLOOR))
    weight = share * torch.maximum(spread, other_spread)
    return float((weight * correlation).sum() / weight.sum())


def agreement_along(image: Tensor, previous: Tensor, backward: Tensor, forward: Tensor, known: Tensor) -> tuple[float, float]:
    """Return the :func:`agreement` of a frame with the previous one along the renderer's motion, and the share of it that was to be seen.

    Args:
        image, previous: from :func:`shrink`.
        backward, forward: flow to the previous frame and from there to this one, ``1×H×W×2`` in any size.
        known: ``1×1×H×W`` bool, where the renderer wrote vectors.
    """
    height, width = image.shape[2:]
    back, forth = shrink_flow(backward, height, width), shrink_flow(forward, height, width)
    known = functional.interpolate(known.float(), (height, width), mode="nearest-exact")
    seen = known * (disagreement(back, forth, _TOLERANCE) <= 1.0)
    return agreement(image, carry(previous, back), seen), float(seen.mean())


def agreement_by_search(image: Tensor, other: Tensor) -> float:
    """Return the :func:`agreement` of two small pictures along motion that is searched in them, times the share on which the search agrees.

    The search agrees with itself where motion back and forth differ by no more than |B + F|² = 0.01 (|B|² + |F|²) + 0.5 (Sundaram,
    Brox, Keutzer 2010). It begins with no motion, and with the shift of the whole picture that phase correlation finds: a fast pan is
    more than a dense search follows. The better one counts.
    """
    first, second = _levels(image), _levels(other)
    found = []
    for shift in ((0.0, 0.0), _shift(first, second)):
        back, forth = search_flow(first, second, shift), search_flow(second, first, (-shift[0], -shift[1]))
        seen = (disagreement(back, forth, _TOLERANCE) <= 1.0).float()
        found.append(agreement(image, carry(other, back), seen) * float(seen.mean()))
    return max(found)


def _window(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, _WINDOW, stride=1, padding=_WINDOW // 2)


def _deviation(mean_square: Tensor, mean: Tensor) -> Tensor:
    """Return the standard deviation of all channels together, ``1×1×H×W``."""
    return (mean_square - mean.square()).sum(1, keepdim=True).clamp_min(0.0).sqrt()


def _shift(image: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the shift (x, y) from a picture to the same in another, up to half of its size (phase correlation under a Hann window)."""
    window = cv2.createHanningWindow((image.shape[1], image.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(image.astype(np.float32), other.astype(np.float32), window)
    return x, y


def _levels(image: Tensor) -> np.ndarray:
    """Return luma as 8 bit, its contrast made even from window to window: motion is searched in shadow and in light alike."""
    grey = (image * image.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    share = _window(torch.ones_like(grey))
    mean = _window(grey) / share
    deviation = _deviation(_window(grey.square()) / share, mean)
    return np.ascontiguousarray((127.5 + 50.0 * (grey - mean) / (deviation + _FLOOR)).clamp(0, 255).round().byte()[0, 0].numpy())
