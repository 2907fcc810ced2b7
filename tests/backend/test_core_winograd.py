"""Winograd convolutions against torch's direct ones in double precision."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional

from lwsw.core import winograd
from lwsw.core.winograd import WinogradConvolution


@pytest.mark.parametrize("size", [(8, 12), (5, 7), (1, 1), (4, 3), (23, 34)])
@pytest.mark.parametrize("band", [1, 2**22])
def test_equals_the_direct_convolution_and_its_gradient(size: tuple[int, int], band: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "_CACHED_NUMBERS", band)
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(6, 5, 3, 3, generator=generator), torch.randn(6, generator=generator)
    features = torch.randn(1, 5, *size, generator=generator).contiguous(memory_format=torch.channels_last).requires_grad_()
    direct = functional.conv2d(features.double(), weight.double(), bias.double(), padding=1)
    ours = WinogradConvolution(weight, bias)(features)
    assert ours.shape == direct.shape
    assert (ours - direct).norm() < 1e-5 * direct.norm()
    upstream = torch.randn(direct.shape, generator=generator)
    (expected,) = torch.autograd.grad((direct * upstream).sum(), features, retain_graph=True)
    (gradient,) = torch.autograd.grad((ours * upstream).sum(), features)
    assert (gradient - expected).norm() < 1e-5 * expected.norm()
