"""Energies against finite differences, plain autograd and their definitions in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support_core import network, picture

from lwsw.core.losses import content_energy, gram_matrix, range_energy, style_energy, temporal_energy
from lwsw.core.objective import CONTENT_LAYER, Objective, calibrate, style_targets
from lwsw.profiles import MAIN_LAYERS, FrameValues, LayerWeights


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
    assert float(content_energy(a, b, 7.0)) == pytest.approx(0.5 * float(((a - b) ** 2).sum()) / 7, rel=1e-6)
    assert float(range_energy(torch.tensor([-0.5, 0.5, 1.0, 1.5]))) == pytest.approx((0.25 + 0.25) / 4)


def test_temporal_energy_does_not_weaken_when_more_is_hidden() -> None:
    image, warped = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    everything, little = torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    little[..., :1] = 1
    assert float(temporal_energy(image, warped, everything)) == pytest.approx(0.25)
    assert float(temporal_energy(image, warped, little)) == pytest.approx(0.25)
    assert float(temporal_energy(image, warped, torch.zeros(1, 1, 8, 8))) == 0.0


def test_gradient_of_the_whole_objective_equals_finite_differences() -> None:
    content, painting, warped = picture(24, 32, 1), picture(40, 40, 2), picture(24, 32, 3)
    targets = style_targets(network(), [painting], [1.0], MAIN_LAYERS)
    weights = LayerWeights({"relu1_1": 1.0, "relu2_1": 2.0, "relu3_1": 1.0})
    visibility = (picture(24, 32, 5)[:, :1] > 0.5).float()
    calibration = calibrate(network(), content, targets)
    objective = Objective(network(), targets, calibration, content, FrameValues(weights, 100.0, 5.0), warped, visibility)
    image = picture(24, 32, 4).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(image), image)
    direction = gradient / gradient.norm()
    step = 0.05
    with torch.no_grad():
        slope = (float(objective(image + step * direction)) - float(objective(image - step * direction))) / (2 * step)
    assert slope == pytest.approx(float(gradient.norm()), rel=0.01)


def test_equal_weights_are_equal_shares_of_the_gradient_at_the_reference() -> None:
    content, painting = picture(48, 64, 1), picture(64, 64, 2)
    targets = style_targets(network(), [painting], [1.0], MAIN_LAYERS)
    calibration = calibrate(network(), content, targets)
    norms = []
    for name in MAIN_LAYERS:
        image = content.clone().requires_grad_()
        objective = Objective(network(), targets, calibration, content, FrameValues(LayerWeights({name: 3.0}), 0.0, 0.0))
        (gradient,) = torch.autograd.grad(objective(image), image)
        norms.append(float(gradient.norm()))
    shares = [norm / sum(norms) for norm in norms]
    assert all(abs(share - 0.2) < 0.002 for share in shares), shares


def test_blending_paintings_is_the_sum_of_their_energies_up_to_a_constant() -> None:
    paintings = [picture(32, 32, 2), picture(24, 40, 3)]
    mixed = style_targets(network(), paintings, [0.25, 0.75], ["relu1_1", "relu2_1"])
    single = [style_targets(network(), [painting], [1.0], ["relu1_1", "relu2_1"]) for painting in paintings]
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


def test_content_layer_is_not_computed_without_content_weight() -> None:
    content = picture(32, 32, 1)
    targets = style_targets(network(), [content], [1.0], ["relu1_1"])
    calibration = calibrate(network(), picture(32, 32, 2), targets)
    asked: list[set[str]] = []

    class Spy(torch.nn.Module):
        def forward(self, image: torch.Tensor, layers: set[str]) -> dict[str, torch.Tensor]:
            asked.append(set(layers))
            return network()(image, layers)

    values = FrameValues(LayerWeights({"relu1_1": 1.0}), 0.0, 0.0)
    Objective(Spy(), targets, calibration, content, values)(content)  # type: ignore[arg-type]
    assert asked == [{"relu1_1"}] and CONTENT_LAYER not in asked[0]
