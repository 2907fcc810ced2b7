"""Optimizes one image for one objective."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .image_variable import FrequencyPreconditioner
from .lbfgs import FIRST_STEP, LBFGS

#: After so many iterations it is asked whether more are worth it: asking makes the device wait for its own answer.
_WINDOW = 4


class Optimization:
    """An image on its way to a lower loss: L-BFGS on the frequency-preconditioned variable, an iteration at a time.

    Args:
        objective: image ``1×3×H×W`` → scalar loss.
        start: the first image, display-referred on [0, 1].
        exponent: p of :class:`FrequencyPreconditioner`.
        gain: ``1×1×H×W``, how far one step moves each pixel compared with others: a second, spatial preconditioner. None: all alike.
        scale: see :class:`LBFGS`.
    """

    def __init__(
        self,
        objective: Callable[[Tensor], Tensor],
        start: Tensor,
        exponent: float,
        gain: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> None:
        height, width = start.shape[2:]
        self._objective = objective
        self._start = start.detach()
        self._spread = FrequencyPreconditioner(height, width, exponent, start.device)
        self._gains = self._start.new_ones(()) if gain is None else gain
        variable = self._spread.zeros()
        first_step = FIRST_STEP * (start.numel() / variable.numel()) ** 0.5  # the step's root mean square counts pixels
        self._optimizer = LBFGS(self._evaluate, variable, first_step=first_step, scale=scale)

    @property
    def loss(self) -> Tensor:
        """The loss of :meth:`image`, a scalar on its device."""
        return self._optimizer.loss

    @property
    def scale(self) -> Tensor:
        """See :attr:`LBFGS.scale`."""
        return self._optimizer.scale

    def step(self) -> None:
        """Do one iteration."""
        self._optimizer.step()

    def image(self) -> Tensor:
        """Return the image as far as it is, ``1×3×H×W`` float32; values may leave [0, 1] a little."""
        return self._image_of(self._optimizer.point)

    def _image_of(self, variable: Tensor) -> Tensor:
        return self._start + self._gains * self._spread.image(variable)

    def _evaluate(self, variable: Tensor) -> tuple[Tensor, Tensor]:
        image = self._image_of(variable).requires_grad_()
        with torch.enable_grad():
            loss = self._objective(image)
            (gradient,) = torch.autograd.grad(loss, image)
        return loss.detach(), self._spread.gradient(self._gains * gradient)


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
    """Take ``iterations`` steps of :class:`Optimization`, fewer where they no longer achieve anything, and return its image.

    Args:
        objective, start, exponent, gain: see :class:`Optimization`.
        iterations: the evaluation at the start counts as one.
        progress: called before each iteration with its number from 0; may raise to stop.
        settled: stop when the loss falls by less than this share of itself per iteration, over four iterations; 0 never stops.
    """
    progress(0)
    optimization = Optimization(objective, start, exponent, gain)
    before = float(optimization.loss) if settled else 0.0
    for iteration in range(1, iterations):
        progress(iteration)
        optimization.step()
        if settled and iteration % _WINDOW == 0:
            loss = float(optimization.loss)
            if before - loss < settled * _WINDOW * before:
                break
            before = loss
    return optimization.image()
