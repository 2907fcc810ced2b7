"""Paints one look for as long as somebody looks at it: settings change meanwhile, and the work goes on from the present picture."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from torch import Tensor

from ..profiles import Look
from .look_painter import grey, resize, shown
from .optimize import Optimization
from .still_constants import Goal, Size, StillConstants, StillPart

# A picture is settled where its loss falls by less than this share of itself per iteration, over so many iterations: more than the few
# in a row that L-BFGS may refuse.
_SETTLED, _WINDOW = 0.001, 8


class LiveStill:
    """A picture, or a region of it, on its way, an iteration at a time, without end: other settings turn it round where it stands.

    It starts as the first frame of a shot does, coarse to fine, and takes the same steps, so with the same settings throughout it
    becomes what a job of this one frame gives.

    Args:
        constants: of the picture or the region.

    Attributes:
        goal: what it is painted with; None before :meth:`aim`.
        settled: whether it is finished.
        iteration: how many there were since the goal came.
        loss: of the present picture; NaN before the first iteration.
    """

    def __init__(self, constants: StillConstants) -> None:
        self.constants = constants
        self.goal: Goal | None = None
        self._part: StillPart | None = None
        self._level = 0
        self._optimization: Optimization | None = None
        self._image: Tensor | None = None  # what the next optimization starts with, as large as the level before; None at the beginning
        self._scale: Tensor | None = None  # of the steps so far: a first step of the usual length would be refused near a minimum
        self._losses: deque[float] = deque(maxlen=_WINDOW + 1)
        self.settled = True
        self.iteration = 0
        self.loss = float("nan")

    @property
    def is_coarse(self) -> bool:
        """Whether the large strokes are still being laid out on a smaller picture."""
        return self._part is not None and self._level < len(self._part.levels) - 1

    def begin_with(self, picture: Tensor) -> None:
        """Start with a whole picture that was on its way before, ``1×3×H×W``, instead of the render; call it before :meth:`aim`."""
        self._image = picture.to(self.constants.scene.color.device)

    def aim(self, goal: Goal) -> None:
        """Take settings, the first ones or others: the work goes on from the present picture, unless no painting of before is left.

        Raises:
            LwswError: ``image_too_small``.
        """
        self.constants.check(goal)
        part = self.constants.part(goal)
        if self.goal is not None and not {*self.goal.paintings} & {*goal.paintings}:
            self._begin_again()
        if self._image is not None:
            painted = self._moved(part)
            self._image = grey(painted) if painted is not None and goal.look.color == "luminance" else painted
        self._part, self.goal = part, goal
        self._leave()
        self._losses.clear()
        self.iteration = 0
        self.settled = False

    def restart(self) -> None:
        """Start again from the render, with the same settings."""
        self._begin_again()
        self._losses.clear()
        self.iteration = 0
        self.settled = self.goal is None

    def step(self) -> None:
        """Do one iteration; nothing once it is :attr:`settled`."""
        if self.settled:
            return
        goal, part = self._aimed()
        if goal.look.strength == 0:  # that is the render; the strokes are kept for when it is raised again
            self._image = self._start() if self._image is None else self._image
            self.settled = True
            return
        if self._optimization is None:
            self._image = self._start()
            objective = part.objective(goal, part.levels[self._level])
            self._optimization = Optimization(objective, self._image, goal.look.exponent, scale=self._scale)
        else:
            self._optimization.step()
        self.iteration += 1
        self.loss = float(self._optimization.loss)
        self._losses.append(self.loss)
        if self._is_done(goal):
            self._finish_level()

    def picture(self) -> Tensor:
        """Return what is to be seen now, the whole picture, ``1×3×H×W``; values may leave [0, 1] a little.

        Of a region only what its mask covers is to be shown: around it is the render, and what painting left there.
        """
        if self.goal is None or self._image is None or self.goal.look.strength == 0:
            return self.constants.scene.color
        _, part = self._aimed()
        image = self._enlarged(self._image_now(), self.goal.look, part.levels[-1])
        return part.placed(shown(self.goal.look, image, part.color))

    def _aimed(self) -> tuple[Goal, StillPart]:
        assert self.goal is not None and self._part is not None
        return self.goal, self._part

    def _image_now(self) -> Tensor:
        assert self._image is not None
        return self._image if self._optimization is None else self._optimization.image()

    def _moved(self, part: StillPart) -> Tensor | None:
        """Return the present picture in full colour, in another part of the whole, and go to the level that it has there."""
        if self.goal is None:
            self._level = len(part.levels) - 1
            return part.cut(self._image_now())
        goal, before = self._aimed()
        if part is not before and self.is_coarse:  # so far it is little more than the render
            self._begin_again()
            return None
        image = self._image_now()
        size = (int(image.shape[2]), int(image.shape[3]))
        painted = shown(replace(goal.look, strength=1.0), image, resize(before.color, size))
        if part is before:
            return painted
        self._level = len(part.levels) - 1
        return part.cut(before.placed(painted))

    def _start(self) -> Tensor:
        """Return what the optimization of this level starts with."""
        goal, part = self._aimed()
        size = part.levels[self._level]
        return part.start(goal, size) if self._image is None else self._enlarged(self._image, goal.look, size)

    def _enlarged(self, image: Tensor, look: Look, size: Size) -> Tensor:
        """Return an image at a larger size: only what painting changed is enlarged, so the detail of the render stays."""
        _, part = self._aimed()
        before = (int(image.shape[2]), int(image.shape[3]))
        if before == size:
            return image
        return part.content(look, size) + resize(image - part.content(look, before), size)

    def _is_done(self, goal: Goal) -> bool:
        if self.iteration >= goal.method.first_iterations:
            return True
        return len(self._losses) > _WINDOW and self._losses[0] - self._losses[-1] < _SETTLED * _WINDOW * self._losses[0]

    def _finish_level(self) -> None:
        if not self.is_coarse:
            self.settled = True
            return
        self._image = self._image_now()
        self._leave()
        self._scale = None  # of pictures of another size
        self._losses.clear()
        self.iteration = 0
        self._level += 1

    def _leave(self) -> None:
        if self._optimization is not None and self._optimization.scale > 0:
            self._scale = self._optimization.scale
        self._optimization = None

    def _begin_again(self) -> None:
        self._level, self._image, self._optimization, self._scale = 0, None, None, None
