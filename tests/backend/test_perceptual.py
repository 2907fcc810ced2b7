"""Perceptual distances: what they must be for equal pictures, how they grow, and that LPIPS never comes from random weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from support_core import picture

from lwsw.compat_torchvision import import_torchvision
from lwsw.errors import LwswError
from lwsw.perceptual import PerceptualMetrics


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the format of torchvision's AlexNet. Its numbers mean nothing: only that they are used is tested."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("networks") / "alexnet.pth"
    torch.save(import_torchvision().models.alexnet(weights=None).state_dict(), path)
    return path


def test_distances_grow_with_noise() -> None:
    metrics, image = PerceptualMetrics(), picture(64, 80)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    equal, near, far = (metrics.measure((image + amount * noise).clamp(0, 1), image) for amount in (0.0, 0.05, 0.3))
    assert equal["ssim"] == pytest.approx(1.0, abs=1e-6) and equal["st_lpips"] == pytest.approx(0.0, abs=1e-6)
    assert equal["ssim"] > near["ssim"] > far["ssim"]
    assert equal["st_lpips"] < near["st_lpips"] < far["st_lpips"]
    assert "lpips" not in equal


def test_st_lpips_forgives_a_shift_more_than_ssim_does() -> None:
    wide = picture(64, 81)
    measured = PerceptualMetrics().measure(wide[..., 1:].contiguous(), wide[..., :-1].contiguous())
    assert measured["ssim"] < 0.9 and measured["st_lpips"] < 0.1


def test_lpips_uses_the_weights_of_the_file(alexnet: Path, tmp_path: Path) -> None:
    image, other = picture(64, 64, 1), picture(64, 64, 2)
    first = PerceptualMetrics(str(alexnet)).measure(image, other)["lpips"]
    again = PerceptualMetrics(str(alexnet)).measure(image, other)["lpips"]
    assert first > 0 and again == first
    state = torch.load(alexnet, weights_only=True)
    state["features.3.weight"] = -state["features.3.weight"]
    torch.save(state, tmp_path / "changed.pth")
    assert PerceptualMetrics(str(tmp_path / "changed.pth")).measure(image, other)["lpips"] != first


def test_definitions_name_version_and_weights(alexnet: Path) -> None:
    assert set(PerceptualMetrics().definitions) == {"ssim", "st_lpips"}
    metrics = PerceptualMetrics(str(alexnet))
    assert set(metrics.definitions) == set(metrics.measure(picture(64, 64), picture(64, 64))) == {"ssim", "st_lpips", "lpips"}
    sentence = metrics.definitions["lpips"]
    assert "version 0.1, AlexNet" in sentence and hashlib.sha256(alexnet.read_bytes()).hexdigest()[:8] in sentence


@pytest.mark.parametrize("content", [None, b"not a network", "incomplete"])
def test_lpips_without_usable_weights_is_refused(alexnet: Path, tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "alexnet.pth"
    if content == "incomplete":
        state = torch.load(alexnet, weights_only=True)
        del state["features.3.weight"]
        torch.save(state, path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(LwswError) as caught:
        PerceptualMetrics(str(path))
    assert caught.value.code == "missing_network" and caught.value.hint


def test_pictures_too_small_for_a_network_are_left_out() -> None:
    assert PerceptualMetrics().measure(picture(8, 8), picture(8, 8)) == {}
