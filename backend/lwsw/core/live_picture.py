"""A picture that is painted while its settings change, and its regions, each with a look of its own: a :class:`LiveStill` for each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .live_still import LiveStill
from .sequence import coverages, is_seen
from .still_constants import Goal, PictureConstants, StillConstants

#: Stills that are not to be seen and are still kept: a region that is turned on again is as it was.
_RESTING = 8


class LivePicture:
    """One frame, put together as :class:`lwsw.core.sequence.Stylizer` does, of looks that go on and settle each by itself.

    Args:
        constants: of the frame.
    """

    def __init__(self, constants: PictureConstants) -> None:
        self._constants = constants
        self._stills: dict[StillConstants, LiveStill] = {}
        self._shown: list[LiveStill | None] = []  # of each look; None where it is not to be seen
        self._coverages: list[Tensor] = []
        self._start: Tensor | None = None
        self._next = 0

    @property
    def settled(self) -> bool:
        """Whether all that is to be seen is finished."""
        return not self._open()

    @property
    def iteration(self) -> int:
        """Iterations since their goals came: of the look that has had the fewest of those that go on, or the most where all are settled."""
        open_ = self._open()
        return min(still.iteration for still in open_) if open_ else max((still.iteration for still in self._seen()), default=0)

    @property
    def loss(self) -> float:
        """The sum of the losses of all looks; NaN where there are none yet."""
        losses = [still.loss for still in self._seen() if math.isfinite(still.loss)]
        return sum(losses) if losses else math.nan

    @property
    def is_coarse(self) -> bool:
        """Whether large strokes are still laid out on a smaller picture."""
        return any(still.is_coarse for still in self._seen())

    def begin_with(self, picture: Tensor) -> None:
        """Start with a picture that was on its way before, ``1×3×H×W``, instead of the render; call it before :meth:`aim`."""
        self._start = picture

    def aim(self, goals: Sequence[Goal], masks: Sequence[Tensor] = (), alike: Sequence[LivePicture] = ()) -> None:
        """Take settings. A look whose goal is the same stays as it is; the others go on from the present picture.

        A region is known by its mask: with another one it is painted from the render, as a new one is.

        Args:
            goals: of the whole picture, then of each region.
            masks: coverage of each region, ``1×1×H×W``.
            alike: other pictures of the same constants; a new look that one of them has as well is painted once for both. Only for pictures
                whose goals do not change any more.

        Raises:
            LwswError: ``image_too_small``.
        """
        color = self._constants.whole.scene.color
        regions = self._constants.regions(masks)
        self._coverages = coverages([mask for region in regions if (mask := region.scene.mask) is not None], color)
        self._shown = [
            self._aimed(constants, goal, alike) if is_seen(coverage) else None
            for constants, goal, coverage in zip([self._constants.whole, *regions], goals, self._coverages, strict=True)
        ]
        self._start = None
        seen = self._seen()
        resting = [still for still in self._stills.values() if still not in seen]
        self._stills = {still.constants: still for still in (*resting[-_RESTING:], *seen)}

    def restart(self) -> None:
        """Begin every look from the render again."""
        for still in self._seen():
            still.restart()

    def step(self) -> None:
        """Do one iteration of the next look in turn that is not settled."""
        open_ = [index for index, still in enumerate(self._shown) if still is not None and not still.settled]
        if open_:
            chosen = next((index for index in open_ if index >= self._next), open_[0])
            still = self._shown[chosen]
            assert still is not None
            still.step()
            self._next = chosen + 1

    def picture(self) -> Tensor:
        """Return what is to be seen now, ``1×3×H×W`` on [0, 1]."""
        color = self._constants.whole.scene.color
        result = torch.zeros_like(color)
        for still, coverage in zip(self._shown, self._coverages, strict=True):
            result = result + coverage * (color if still is None else still.picture())
        return result.clamp(0.0, 1.0)

    def _aimed(self, constants: StillConstants, goal: Goal, alike: Sequence[LivePicture]) -> LiveStill:
        still = self._stills.get(constants)
        if still is None:
            same = (other._stills.get(constants) for other in alike)
            still = next((other for other in same if other is not None and other.goal == goal), None) or LiveStill(constants)
            if self._start is not None and still.goal is None:
                still.begin_with(self._start)
            self._stills[constants] = still
        if still.goal != goal:
            still.aim(goal)
        return still

    def _seen(self) -> list[LiveStill]:
        return [still for still in self._shown if still is not None]

    def _open(self) -> list[LiveStill]:
        return [still for still in self._seen() if not still.settled]
