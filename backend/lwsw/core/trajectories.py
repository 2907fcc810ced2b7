"""Where surfaces go over several frames: flows composed, and how far such a path can be trusted.

A flow is ``1×H×W×2`` float32 in pixels, x right, y down: from a pixel of one frame to the same surface in another frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .flow import disagreement, disagreement_at, pixel_grid, sample_flow


def compose(flows: Sequence[Tensor]) -> Tensor:
    """Return the flow that leads through all of ``flows``, one after the other: u₁ + u₂(p + u₁) + u₃(p + u₁ + u₂(…)) + …

    Each flow is sampled once, bilinearly, where the ones before it lead; sums are never sampled again, so nothing smears however many
    there are. To prolong a composed flow by a frame at its near end give it last, ``compose([step, composed])``: then it is sampled, and
    errors near silhouettes spread a little with every frame.

    Args:
        flows: at least one: from the first frame to the second, from there to the third, and so on.
    """
    total = flows[0]
    start = pixel_grid(total.shape[1], total.shape[2], total.device)
    for flow in flows[1:]:
        total = total + sample_flow(flow, start + total)
    return total


@dataclass(frozen=True)
class Path:
    """The paths of all pixels of one frame, followed from frame to frame in one direction of time.

    Attributes:
        flow: ``1×H×W×2``, from each pixel to where its path has come.
        followed: ``1×1×H×W`` bool, whether every step was confirmed by the flow that leads back, inside the picture. A path that left the
            picture or went behind something is lost for good, wherever it leads afterwards.
        tolerance: of each step's check, in square pixels, as in :func:`lwsw.core.flow.disagreement`.
    """

    flow: Tensor
    followed: Tensor
    tolerance: float

    @classmethod
    def begin(cls, onward: Tensor, back: Tensor, tolerance: float) -> Path:
        """Return the paths after their first step.

        Args:
            onward: from the frame where the paths begin to the next one on the way.
            back: from that one to this.
            tolerance: see the attribute.
        """
        return cls(onward, disagreement(onward, back, tolerance) <= 1.0, tolerance)

    @property
    def positions(self) -> Tensor:
        """Where the paths have come, ``1×H×W×2`` as (x, y) in pixels."""
        return pixel_grid(self.flow.shape[1], self.flow.shape[2], self.flow.device) + self.flow

    def step(self, onward: Tensor, back: Tensor) -> Path:
        """Return the paths one frame further.

        The forward–backward check is made where the path is, between the pixels: |u + v|² ≤ 0.01 (|u|² + |v|²) + tolerance with u, the
        flow onward at the path's position, and v, the flow back at the position it leads to, both sampled bilinearly.

        Args:
            onward: from the frame that the paths have reached to the next one on the way.
            back: from that one to the frame reached.
        """
        positions = self.positions
        onward_here = sample_flow(onward, positions)
        target = positions + onward_here
        agrees = disagreement_at(target, onward_here, sample_flow(back, target), self.tolerance) <= 1.0
        return Path(self.flow + onward_here, self.followed & agrees, self.tolerance)

    def returns(self, back: Tensor, tolerance: float) -> Tensor:
        """Return which paths a flow from their end leads home again, to within ``tolerance`` square pixels: ``1×1×H×W`` bool.

        Steps may each be small enough to pass their check and yet lead from one surface to another: at the outline of something slow the
        vectors of two surfaces blend. Paths run together there, and the flow back, composed from the frame where they end, separates them.

        Args:
            back: from the frame that the paths have reached to the one where they began, ``1×H×W×2``.
            tolerance: in square pixels; without a share of the motion's length, which grows with every frame.
        """
        return ((self.flow + sample_flow(back, self.positions)).square().sum(-1) <= tolerance)[:, None]
