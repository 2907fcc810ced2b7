"""ReLU and max pooling that keep and write as little memory as they can: at full resolution, moving it costs more than computing."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

_backward_of_relu = torch.ops.aten.threshold_backward
_backward_of_pooling = torch.ops.aten.max_pool2d_with_indices_backward


def cut_at_zero(features: Tensor) -> Tensor:
    """Set negative values to zero in place; the backward pass too writes into the gradient that it is given.

    What comes after must therefore hand over a gradient of its own, as convolutions, pooling and energies do.
    """
    result: Tensor = _CutAtZero.apply(features)  # type: ignore[no-untyped-call]
    return result


def halve(features: Tensor) -> Tensor:
    """Return the maximum of each 2×2 block of ``1×C×H×W``; odd sizes are rounded up.

    Like ``functional.max_pool2d``, which keeps its input for the backward pass, though all that is asked of it there is its size.
    """
    if features.device.type != "cpu":
        return functional.max_pool2d(features, 2, ceil_mode=True)
    result: Tensor = _Halve.apply(features)  # type: ignore[no-untyped-call]
    return result


class _CutAtZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        functional.relu_(features)
        ctx.mark_dirty(features)
        ctx.save_for_backward(features)
        return features

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        gradient = gradients[0]
        if gradient.stride() != features.stride():  # spread out from fewer numbers, as from a sum
            gradient = gradient.expand_as(features).clone()
        result: Tensor = _backward_of_relu.grad_input(gradient, features, 0, grad_input=gradient)
        return result


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        result, indices = functional.max_pool2d_with_indices(features, [2, 2], ceil_mode=True)
        ctx.save_for_backward(indices)
        ctx.shape, ctx.memory_format = features.shape, torch.contiguous_format
        if features.is_contiguous(memory_format=torch.channels_last):
            ctx.memory_format = torch.channels_last
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (indices,) = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=ctx.memory_format)
        result = torch.empty(ctx.shape, dtype=gradient.dtype, memory_format=ctx.memory_format)
        _backward_of_pooling.grad_input(gradient, result, [2, 2], [2, 2], [0, 0], [1, 1], True, indices, grad_input=result)
        return result
