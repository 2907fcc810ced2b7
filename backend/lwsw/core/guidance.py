"""A region of a picture: how much of each pixel belongs to it, at the resolution of every layer."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor

from ..profiles import layer_stride


class Guidance:
    """Where a look counts.

    Gram matrices, content, temporal and range terms are weighted by it (guided Gram matrices: Gatys et al. 2017, "Controlling Perceptual
    Factors in Neural Style Transfer", eq. 6). Around it the picture is free.

    Args:
        mask: ``1×1×H×W`` on [0, 1], the coverage of each pixel.
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask
        self.area = mask.sum()
        self._by_stride: dict[int, Tensor] = {1: mask}

    def at(self, layer: str) -> Tensor:
        """Return the coverage of each position of a layer, ``h×w``: the mean over the pixels that pooling brings together there."""
        stride, finest = layer_stride(layer), 1
        while finest < stride:
            coarser = finest * 2
            if coarser not in self._by_stride:
                # pooling in the network rounds sizes up; a last row or column that is half outside counts its inside half
                self._by_stride[coarser] = functional.avg_pool2d(self._by_stride[finest], 2, ceil_mode=True, count_include_pad=False)
            finest = coarser
        return self._by_stride[stride][0, 0]
