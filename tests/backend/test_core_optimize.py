"""The optimizer against SciPy, and the image variable against its definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.optimize
import torch
from torch import Tensor

from lwsw.core.image_variable import FrequencyPreconditioner
from lwsw.core.lbfgs import LBFGS
from lwsw.core.optimize import optimize


def rosenbrock(point: Tensor) -> Tensor:
    return (100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).sum()


def with_gradient(point: Tensor) -> tuple[Tensor, Tensor]:
    point = point.detach().requires_grad_()
    loss = rosenbrock(point)
    (gradient,) = torch.autograd.grad(loss, point)
    return loss.detach(), gradient


def test_reaches_the_minimum_that_scipy_reaches_with_a_similar_number_of_evaluations() -> None:
    start = np.full(20, -0.5)
    theirs = scipy.optimize.minimize(
        lambda x: float(rosenbrock(torch.tensor(x))), start, jac=scipy.optimize.rosen_der, method="L-BFGS-B", options={"maxcor": 20}
    )
    optimizer = LBFGS(with_gradient, torch.tensor(start, dtype=torch.float32), first_step=0.02)
    evaluations = 1
    while float(optimizer.loss) > 1e-6 and evaluations < 3 * theirs.nfev:
        optimizer.step()
        evaluations += 1
    assert float(optimizer.loss) <= 1e-6
    assert torch.allclose(optimizer.point, torch.ones(20), atol=1e-2)


def test_solves_a_badly_scaled_quadratic() -> None:
    scales = torch.logspace(0, 2, 30)
    target = torch.linspace(-1, 1, 30)

    def evaluate(point: Tensor) -> tuple[Tensor, Tensor]:
        difference = point - target
        return (scales * difference.square()).sum(), 2 * scales * difference

    optimizer = LBFGS(evaluate, torch.zeros(30))
    for _ in range(120):
        optimizer.step()
    assert torch.allclose(optimizer.point, target, atol=1e-3)


def test_loss_never_rises_and_nan_is_stepped_back_from() -> None:
    def evaluate(point: Tensor) -> tuple[Tensor, Tensor]:
        inside = (point > 0).all()  # log is NaN beyond
        loss = torch.where(inside, (point - point.log()).sum(), torch.nan)
        return loss, torch.where(inside, 1 - 1 / point, torch.nan)

    optimizer = LBFGS(evaluate, torch.full((5,), 0.01), first_step=1.0)
    losses = [float(optimizer.loss)]
    for _ in range(60):
        optimizer.step()
        losses.append(float(optimizer.loss))
    assert all(later <= earlier for earlier, later in itertools.pairwise(losses))
    assert torch.allclose(optimizer.point, torch.ones(5), atol=1e-3)


@pytest.mark.parametrize("size", [(12, 16), (11, 15)])
def test_preconditioner_scales_each_frequency_by_its_power(size: tuple[int, int]) -> None:
    height, width = size
    exponent = 0.7
    image = np.random.default_rng(0).normal(size=(1, 3, height, width))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    gain = np.maximum(frequency, 1 / max(height, width)) ** -exponent
    spread = FrequencyPreconditioner(height, width, exponent)
    # the adjoint brings an image to the variable with one gain, the map back with another
    ours = spread.image(spread.gradient(torch.tensor(image, dtype=torch.float32))).numpy()
    expected = np.fft.ifft2(np.fft.fft2(image) * gain**2).real
    scale = (ours * expected).sum() / (expected * expected).sum()  # the mean gain is normalized
    assert np.allclose(ours, scale * expected, atol=1e-4 * np.abs(ours).max())


@pytest.mark.parametrize("size", [(9, 14), (10, 7)])
def test_gradient_is_the_adjoint_of_the_map_and_zero_stays_the_plain_image(size: tuple[int, int]) -> None:
    spread = FrequencyPreconditioner(*size, 1.0)
    a, b = (torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    variable = spread.gradient(a)
    assert spread.zeros().shape == variable.shape and not spread.zeros().any()
    assert float((spread.image(variable) * b).sum()) == pytest.approx(float((variable * spread.gradient(b)).sum()), rel=1e-4)
    plain = FrequencyPreconditioner(*size, 0.0)
    assert plain.image(a) is a and plain.gradient(a) is a and plain.zeros().shape == a.shape


@pytest.mark.parametrize("size", [(12, 16), (11, 15)])
def test_optimizing_the_spectrum_takes_the_steps_of_optimizing_the_filtered_image(size: tuple[int, int]) -> None:
    height, width = size
    generator = torch.Generator().manual_seed(0)
    start, target = torch.rand(1, 3, *size, generator=generator), torch.rand(1, 3, *size, generator=generator)
    weights = torch.rand(1, 3, *size, generator=generator) + 0.1

    def objective(image: Tensor) -> Tensor:
        return (weights * (image - target).square()).sum() + (image - target).pow(4).sum()

    gain = FrequencyPreconditioner(height, width, 0.7).gain

    def filtered(variable: Tensor) -> Tensor:
        image: Tensor = torch.fft.irfft2(torch.fft.rfft2(variable) * gain, s=size)
        return image

    def evaluate(variable: Tensor) -> tuple[Tensor, Tensor]:
        variable = variable.detach().requires_grad_()
        loss = objective(start + filtered(variable))
        (gradient,) = torch.autograd.grad(loss, variable)
        return loss.detach(), gradient

    optimizer = LBFGS(evaluate, torch.zeros_like(start))
    for _ in range(7):
        optimizer.step()
    expected = start + filtered(optimizer.point)
    assert (expected - start).abs().max() > 0.1
    assert torch.allclose(optimize(objective, start, 8, 0.7), expected, atol=1e-5)


def test_progress_counts_every_iteration_and_can_stop() -> None:
    seen: list[int] = []
    target = torch.full((1, 3, 8, 8), 0.25)
    result = optimize(lambda image: (image - target).square().sum(), torch.zeros(1, 3, 8, 8), 12, 0.5, seen.append)
    assert seen == list(range(12))
    assert torch.allclose(result, target, atol=1e-3)

    class Stop(Exception):
        pass

    def stop(iteration: int) -> None:
        if iteration == 3:
            raise Stop

    with pytest.raises(Stop):
        optimize(lambda image: image.square().sum(), target, 12, 0.5, stop)


def test_a_gain_moves_pixels_as_if_they_were_measured_in_other_units() -> None:
    """Descent in a scaled variable: x = start + g·z, so z's optimum is x's, and its first step is g² times the gradient's."""
    start, target = torch.zeros(1, 3, 6, 8), torch.full((1, 3, 6, 8), 0.5)
    gain = torch.ones(1, 1, 6, 8)
    gain[..., 4:] = 3.0

    def objective(image: Tensor) -> Tensor:
        return (image - target).square().sum()

    first = optimize(objective, start, 2, 0.0, gain=gain)
    assert torch.allclose(first[..., 4:].mean() / first[..., :4].mean(), torch.tensor(9.0))
    assert torch.allclose(optimize(objective, start, 40, 0.0, gain=gain), target, atol=1e-3)


def test_it_ends_where_nothing_is_achieved_any_more() -> None:
    target = torch.full((1, 3, 8, 8), 0.25)
    seen: list[int] = []

    def objective(image: Tensor) -> Tensor:
        return (image - target).square().sum() + 1.0

    optimize(objective, target.clone(), 40, 0.5, seen.append, settled=0.004)
    assert len(seen) == 5
    seen.clear()
    far = optimize(objective, torch.zeros(1, 3, 8, 8), 40, 0.5, seen.append, settled=0.004)
    assert 5 < len(seen) < 40 and torch.allclose(far, target, atol=1e-2)
    seen.clear()
    optimize(objective, target.clone(), 40, 0.5, seen.append)
    assert len(seen) == 40
