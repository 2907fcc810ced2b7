"""Direct 3×3 convolutions for processors, with a gradient that is a convolution too.

torch computes the gradient of a convolution with another kernel of its library, which on the CPU takes 1.5 times as long as the
convolution itself (64 channels at 512×288: 75 against 50 ms). For a fixed kernel it is the convolution with the kernel turned round.
Convolutions to as few channels as a picture has waste most of the processor's width, so the first layer's gradient takes another way.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor


class DirectConvolution:
    """A fixed 3×3 convolution with stride one, differentiable in its input.

    Args:
        weight: ``out×in×3×3``.
        bias: ``out``.
        padding: 1 pads with zeros, 0 leaves one pixel less on each side.
    """

    def __init__(self, weight: Tensor, bias: Tensor, padding: int = 1) -> None:
        self._weight, self._bias, self._padding = weight, bias, padding
        turned = weight.flip(2, 3).transpose(0, 1)
        # from many channels to a picture's few, the kernel's columns go as further channels, shifted and added afterwards: in half the time
        self._by_columns = padding == 0 and weight.shape[1] <= 4 < weight.shape[0]
        if self._by_columns:
            turned = turned.permute(3, 0, 1, 2).flatten(0, 1)[..., None]
        self._gradient_weight = turned.contiguous(memory_format=torch.channels_last)

    def __call__(self, features: Tensor) -> Tensor:
        """Map ``1×in×H×W`` to ``1×out×H×W`` (2 less in height and width without padding)."""
        result: Tensor = _Convolve.apply(  # type: ignore[no-untyped-call]
            features, self._weight, self._gradient_weight, self._bias, self._padding, self._by_columns
        )
        return result


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, gradient_weight: Tensor, bias: Tensor, padding: int, by_columns: bool
    ) -> Tensor:
        ctx.gradient_weight, ctx.padding, ctx.by_columns = gradient_weight, padding, by_columns
        return functional.conv2d(features, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        if not ctx.by_columns:
            return functional.conv2d(gradients[0], ctx.gradient_weight, padding=2 - ctx.padding), None, None, None, None, None
        columns = functional.conv2d(gradients[0], ctx.gradient_weight, padding=(2, 0))
        first, second, third = columns.chunk(3, 1)
        gradient = functional.pad(third, (0, 2))
        gradient[..., 1:-1] += second
        gradient[..., 2:] += first
        return gradient, None, None, None, None, None
