"""What the tests of core share."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from lwsw.core.vgg import VGG19
from lwsw.networks import load_network


@functools.cache
def network() -> VGG19:
    """The real VGG-19."""
    return VGG19(load_network())


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    """A smooth random picture, ``1×3×H×W`` on [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, max(2, height // 6), max(2, width // 6), generator=generator)
    fine = torch.rand(1, 3, height, width, generator=generator)
    return (0.8 * torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic") + 0.2 * fine).clamp(0, 1)
