"""Paints what a preview is asked for, as long as it is asked: no files, no messages."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..core.live_still import LiveStill, PaintingStatistics, StillConstants
from ..core.look_painter import Method
from ..core.vgg import VGG19
from ..errors import LwswError
from ..jobs.frame_reader import image_to_tensor, tensor_to_image
from ..jobs.job_network import job_network
from ..jobs.settings import StylizeSettings
from .order import Order
from .sheet import draw_sheet


class Easel:
    """A picture, paintings and an order, and the pictures that come of them. What stays the same is not measured again."""

    def __init__(self) -> None:
        self._color: Tensor | None = None
        self._paintings: dict[str, Tensor] = {}
        self._order: Order | None = None
        self._network: VGG19 | None = None
        self._network_key: tuple[object, ...] = ()
        self._statistics: PaintingStatistics | None = None
        self._constants: StillConstants | None = None
        self._stills: list[LiveStill] = []
        self._next = 0

    @property
    def has_work(self) -> bool:
        """Whether :meth:`step` would change something."""
        return any(not still.settled for still in self._stills)

    @property
    def iteration(self) -> int:
        """Iterations since the last order, of the picture that has had the fewest."""
        open_ = [still.iteration for still in self._stills if not still.settled]
        return min(open_ or [still.iteration for still in self._stills], default=0)

    @property
    def loss(self) -> float | None:
        """The loss of a single picture; None of a sheet, or where there is none yet."""
        if len(self._stills) != 1 or not np.isfinite(self._stills[0].loss):
            return None
        return self._stills[0].loss

    @property
    def is_coarse(self) -> bool:
        """Whether a picture is still worked on at a smaller size."""
        return any(still.is_coarse for still in self._stills)

    def put_source(self, picture: np.ndarray) -> None:
        """Take the frame, H×W×3 float32 on [0, 1] in the size that is painted; it is painted from the beginning."""
        self._color = image_to_tensor(picture)
        self._forget_picture()

    def put_painting(self, name: str, painting: np.ndarray) -> None:
        """Take a painting, or another one of the same name."""
        self._paintings[name] = image_to_tensor(painting)
        self._statistics = None
        self._forget_picture()

    def put_order(self, order: Order, start: np.ndarray | None = None) -> None:
        """Take settings. A single picture goes on from the present one, or from ``start`` (H×W×3 on [0, 1]) where there is none yet.

        Raises:
            LwswError: ``image_too_small``, ``missing_network``, ``no_device``.
        """
        known = self._order
        self._order = order
        if known is None or known.styles != order.styles:
            self._statistics = None
            self._forget_picture()
        self._use_network(order.cells[0].settings)
        if self._color is None:
            return
        if self._constants is None:
            self._constants = StillConstants(self._color, self._known_paintings(order))
        if len(self._stills) != len(order.cells) or len(order.cells) > 1:
            # another sheet shows other variations, and what was painted of the ones before would colour them
            self._stills = [LiveStill(self._constants) for _ in order.cells]
            if start is not None and len(self._stills) == 1 and start.shape[:2] == tuple(self._color.shape[2:]):
                self._stills[0].begin_with(image_to_tensor(start))
        for index, still in enumerate(self._stills):
            still.aim(order.look(index), _method(order.cells[index].settings))

    def restart(self) -> None:
        """Begin the present order from the render again."""
        for still in self._stills:
            still.restart()

    def step(self) -> None:
        """Do one iteration of the next picture in turn that is not settled."""
        open_ = [index for index, still in enumerate(self._stills) if not still.settled]
        if open_:
            chosen = next((index for index in open_ if index >= self._next), open_[0])
            self._stills[chosen].step()
            self._next = chosen + 1

    @torch.no_grad()
    def picture(self) -> np.ndarray:
        """Return what is to be seen, H×W×3 float32 on [0, 1]: the picture, or the labelled sheet."""
        assert self._order is not None and self._stills
        pictures = [tensor_to_image(still.picture()) for still in self._stills]
        if len(pictures) == 1:
            return pictures[0]
        return draw_sheet(pictures, [cell.label for cell in self._order.cells], self._order.columns)

    def _use_network(self, settings: StylizeSettings) -> None:
        key = (settings.network, settings.precision, settings.device, settings.normalization == "gatys")
        if key != self._network_key:
            self._network, self._network_key, self._statistics = job_network(settings), key, None
            self._constants, self._stills = None, []

    def _known_paintings(self, order: Order) -> PaintingStatistics:
        if self._statistics is None:
            missing = [name for name in order.styles if name not in self._paintings]
            if missing:
                raise LwswError("missing_style", f"The painting '{missing[0]}' has not come.", "Send it before the settings.")
            assert self._network is not None
            self._statistics = PaintingStatistics(self._network, [self._paintings[name] for name in order.styles])
        return self._statistics

    def _forget_picture(self) -> None:
        self._constants, self._stills = None, []


def _method(settings: StylizeSettings) -> Method:
    return Method(
        settings.iterations,
        settings.first_iterations,
        settings.content_layers,
        normalization=settings.normalization,
        seed=settings.seed,
    )
