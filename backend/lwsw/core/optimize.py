"""Optimizes one image for one objective."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .image_variable import FrequencyPreconditioner
from .lbfgs import FIRST_STEP, LBFGS

#: After so many iterations it is asked whether more are worth it: asking makes the device wait for its own answer.
_WINDOW = 4


def optimize(
    objective: Callable[[Tensor], Tensor],
    start: Tensor,
    iterations: int,
    exponent: float,
    progress: Callable[[int], None] = lambda iteration: None,
    *,
    gain: Tensor | None = None,
    settled: float = 0.0,
) -> Tensor:
    """Take ``iterations`` steps of L-BFGS on the frequency-preconditioned variable, fewer where they no longer achieve anything.

    Returns ``1×3×H×W`` float32; values may leave [0, 1] a little.

    Args:
        objective: image ``1×3×H×W`` → scalar loss.
        start: the first image, display-referred on [0, 1].
        exponent: p of :class:`FrequencyPreconditioner`.
        progress: called before each iteration with its number from 0; may raise to stop.
        gain: ``1×1×H×W``, how far one step moves each pixel compared with others: a second, spatial preconditioner. None: all alike.
        settled: stop when the loss falls by less than this share of itself per iteration, over four iterations; 0 never stops.
    """
    height, width = start.shape[2:]
    start = start.detach()
    spread = FrequencyPreconditioner(height, width, exponent, start.device)
    gains = start.new_ones(()) if gain is None else gain

    def image_of(variable: Tensor) -> Tensor:
        return start + gains * spread.image(variable)

    def evaluate(variable: Tensor) -> tuple[Tensor, Tensor]:
        image = image_of(variable).requires_grad_()
        with torch.enable_grad():
            loss = objective(image)
            (gradient,) = torch.autograd.grad(loss, image)
        return loss.detach(), spread.gradient(gains * gradient)

    progress(0)
    variable = spread.zeros()
    first_step = FIRST_STEP * (start.numel() / variable.numel()) ** 0.5  # the step's root mean square counts pixels
    optimizer = LBFGS(evaluate, variable, first_step=first_step)
    before = float(optimizer.loss) if settled else 0.0
    for iteration in range(1, iterations):
        progress(iteration)
        optimizer.step()
        if settled and iteration % _WINDOW == 0:
            loss = float(optimizer.loss)
            if before - loss < settled * _WINDOW * before:
                break
            before = loss
    return image_of(optimizer.point)
