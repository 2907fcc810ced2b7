"""L-BFGS that never asks the device for a number: every decision is a tensor, so a GPU runs ahead of Python."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class LBFGS:
    """Limited-memory BFGS (Nocedal & Wright 2006, algorithm 7.4) with one evaluation per iteration.

    A step is taken when it satisfies the Armijo condition; otherwise the same direction is tried again, shorter, in the next
    iteration. A refused or badly curved step leaves an empty pair in the history. ``torch.optim.LBFGS`` does about the same
    without the safeguard, and reads loss and gradient back to the host in every iteration.

    Args:
        evaluate: maps a point to (loss, gradient); both stay on the device.
        start: the first point, any shape.
        history: number of pairs kept; memory is ``2 · history`` times the size of the point.
        first_step: length of the first step, as root mean square change of the variable.
    """

    def __init__(
        self, evaluate: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, history: int = 20, first_step: float = 0.02
    ) -> None:
        self._evaluate = evaluate
        self.point = start.detach().clone()
        self.loss, self._gradient = evaluate(self.point)
        size = self.point.numel()
        self._steps = torch.zeros(history, size, device=start.device)
        self._changes = torch.zeros(history, size, device=start.device)
        self._inverse_curvature = torch.zeros(history, device=start.device)
        self._scale = torch.zeros((), device=start.device)
        self._length = torch.ones((), device=start.device)
        self._first_step = first_step * size**0.5
        self._order: list[int] = []  # slots of the history, oldest first
        self._next_slot = 0

    def step(self) -> None:
        """Do one iteration: one evaluation of loss and gradient."""
        direction = self._direction()
        slope = torch.dot(direction, self._gradient.flatten())
        step = self._length * direction
        candidate = self.point + step.view_as(self.point)
        loss, gradient = self._evaluate(candidate)

        accepted = loss <= self.loss + 1e-4 * self._length * slope  # False for NaN
        change = (gradient - self._gradient).flatten()
        curvature = torch.dot(change, step)
        usable = accepted & (curvature > 1e-10 * torch.dot(change, change))

        slot = self._next_slot
        zero = torch.zeros_like(curvature)
        # a refused step may hold NaN, and NaN · 0 is NaN: write zeros
        self._steps[slot] = torch.where(usable, step, zero)
        self._changes[slot] = torch.where(usable, change, zero)
        self._inverse_curvature[slot] = torch.where(usable, 1.0 / curvature, zero)
        self._scale = torch.where(usable, curvature / torch.dot(change, change), self._scale)
        if slot in self._order:
            self._order.remove(slot)
        self._order.append(slot)
        self._next_slot = (slot + 1) % len(self._steps)

        self.point = torch.where(accepted, candidate, self.point)
        self._gradient = torch.where(accepted, gradient, self._gradient)
        self.loss = torch.where(accepted, loss, self.loss)
        self._length = torch.where(accepted, torch.ones_like(self._length), self._length * 0.25)

    def _direction(self) -> Tensor:
        """Return −H·gradient by the two-loop recursion; scaled steepest descent while there is no history."""
        gradient = self._gradient.flatten()
        direction = -gradient
        alphas: dict[int, Tensor] = {}
        for slot in reversed(self._order):
            alphas[slot] = self._inverse_curvature[slot] * torch.dot(self._steps[slot], direction)
            direction = direction - alphas[slot] * self._changes[slot]
        steepest = self._first_step / gradient.norm().clamp_min(1e-30)
        direction = direction * torch.where(self._scale > 0, self._scale, steepest)
        for slot in self._order:
            beta = self._inverse_curvature[slot] * torch.dot(self._changes[slot], direction)
            direction = direction + (alphas[slot] - beta) * self._steps[slot]
        return direction
