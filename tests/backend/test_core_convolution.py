"""Direct convolutions, ReLU and pooling against torch's own, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from lwsw.core.activations import cut_at_zero, halve
from lwsw.core.convolution import DirectConvolution


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("outputs", "channels"), [(7, 3), (2, 3), (5, 6)])
@pytest.mark.parametrize("padding", [0, 1])
def test_direct_convolution_and_its_gradient(outputs: int, channels: int, padding: int) -> None:
    weight, bias = random(outputs, channels, 3, 3), random(outputs, seed=1)
    features = random(1, channels, 6, 9, seed=2).requires_grad_()
    expected = functional.conv2d(features.double(), weight.double(), bias.double(), padding=padding)
    ours = DirectConvolution(weight, bias, padding)(features)
    assert torch.allclose(ours, expected.float(), atol=1e-5)
    upstream = random(*expected.shape, seed=3)
    (expected_gradient,) = torch.autograd.grad((expected * upstream).sum(), features)
    (gradient,) = torch.autograd.grad((ours * upstream).sum(), features)
    assert torch.allclose(gradient, expected_gradient, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 1)])
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_halving_takes_maxima_and_their_gradient(size: tuple[int, int], memory_format: torch.memory_format) -> None:
    values = random(1, 3, *size).round(decimals=0)  # many ties: the first of them gets the gradient
    values = values.contiguous(memory_format=memory_format).requires_grad_()
    expected = functional.max_pool2d(values, 2, ceil_mode=True)
    ours = halve(values)
    assert torch.equal(ours, expected)
    upstream = random(*expected.shape, seed=1)
    (expected_gradient,) = torch.autograd.grad((expected * upstream).sum(), values)
    (gradient,) = torch.autograd.grad((ours * upstream).sum(), values)
    assert torch.equal(gradient, expected_gradient)


def test_cutting_at_zero_is_relu_whatever_gradient_comes() -> None:
    values = random(1, 4, 5, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    weights = random(1, 4, 5, 6, seed=1)
    for energy in (lambda x: x.sum(), lambda x: (x * weights).sum(), lambda x: x[..., 2, 3].square().sum()):
        (expected,) = torch.autograd.grad(energy(functional.relu(values)), values)
        (gradient,) = torch.autograd.grad(energy(cut_at_zero(values * 1)), values)
        assert torch.equal(gradient, expected)
