"""Optimizes one image for one objective."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .image_variable import FrequencyPreconditioner
from .lbfgs import FIRST_STEP, LBFGS


def optimize(
    objective: Callable[[Tensor], Tensor],
    start: Tensor,
    iterations: int,
    exponent: float,
    progress: Callable[[int], None] = lambda iteration: None,
) -> Tensor:
    """Return the image after ``iterations`` steps of L-BFGS on the frequency-preconditioned variable.

    Args:
        objective: image ``1×3×H×W`` → scalar loss.
        start: the first image, display-referred on [0, 1].
        exponent: p of :class:`FrequencyPreconditioner`.
        progress: called before each iteration with its number from 0; may raise to stop.

    Returns:
        ``1×3×H×W`` float32; values may leave [0, 1] a little.
    """
    height, width = start.shape[2:]
    start = start.detach()
    spread = FrequencyPreconditioner(height, width, exponent, start.device)

    def evaluate(variable: Tensor) -> tuple[Tensor, Tensor]:
        image = (start + spread.image(variable)).requires_grad_()
        with torch.enable_grad():
            loss = objective(image)
            (gradient,) = torch.autograd.grad(loss, image)
        return loss.detach(), spread.gradient(gradient)

    progress(0)
    variable = spread.zeros()
    first_step = FIRST_STEP * (start.numel() / variable.numel()) ** 0.5  # the step's root mean square counts pixels
    optimizer = LBFGS(evaluate, variable, first_step=first_step)
    for iteration in range(1, iterations):
        progress(iteration)
        optimizer.step()
    return start + spread.image(optimizer.point)
