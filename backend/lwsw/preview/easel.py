"""Paints what a preview is asked for, as long as it is asked: no messages, and of files only the passes of the frame."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..core.live_picture import LivePicture
from ..core.look_painter import Method
from ..core.still_constants import Goal, PaintingStatistics, PictureConstants
from ..core.vgg import VGG19
from ..errors import LwswError
from ..jobs.frame_reader import image_to_tensor, tensor_to_image
from ..jobs.job_network import job_network
from ..jobs.settings import StylizeSettings
from .frame_masks import FrameMasks
from .order import Order
from .sheet import draw_sheet


class Easel:
    """A picture, paintings and an order, and the pictures that come of them. What stays the same is not measured again.

    Attributes:
        notes: what an artist should know of the regions of the last order, as sentences.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._color: Tensor | None = None
        self._masks: FrameMasks | None = None
        self._paintings: dict[str, Tensor] = {}
        self._order: Order | None = None
        self._network: VGG19 | None = None
        self._network_key: tuple[object, ...] = ()
        self._statistics: dict[str, PaintingStatistics] = {}
        self._constants: PictureConstants | None = None
        self._pictures: list[LivePicture] = []
        self._next = 0

    @property
    def has_work(self) -> bool:
        """Whether :meth:`step` would change something."""
        return any(not picture.settled for picture in self._pictures)

    @property
    def iteration(self) -> int:
        """Iterations since the last order, of the picture that has had the fewest of those that go on."""
        open_ = [picture.iteration for picture in self._pictures if not picture.settled]
        return min(open_ or [picture.iteration for picture in self._pictures], default=0)

    @property
    def loss(self) -> float | None:
        """The loss of a single picture; None of a sheet, or where there is none yet."""
        if len(self._pictures) != 1 or not math.isfinite(self._pictures[0].loss):
            return None
        return self._pictures[0].loss

    @property
    def is_coarse(self) -> bool:
        """Whether a picture is still worked on at a smaller size."""
        return any(picture.is_coarse for picture in self._pictures)

    def put_source(self, picture: np.ndarray) -> None:
        """Take the frame, H×W×3 float32 on [0, 1] in the size that is painted; all begins anew. Its passes come after it."""
        self._color = image_to_tensor(picture)
        self._constants, self._pictures = None, []
        self.put_passes(None)

    def put_passes(self, path: Path | None) -> None:
        """Take the passes of the frame, which say where regions are: a multilayer EXR, read as soon as an order has regions."""
        assert self._color is not None
        self._masks = FrameMasks(path, int(self._color.shape[3]), int(self._color.shape[2]))

    def put_painting(self, name: str, painting: np.ndarray) -> None:
        """Take a painting, or another one of the same name; looks that had only that one begin from the render again."""
        self._paintings[name] = image_to_tensor(painting)
        self._statistics.pop(name, None)

    def put_order(self, order: Order, start: np.ndarray | None = None) -> None:
        """Take settings. A single picture goes on from the present one, or from ``start`` (H×W×3 on [0, 1]) where there is none yet.

        Raises:
            LwswError: ``image_too_small``, ``missing_network``, ``no_device``.
        """
        self._order = order
        self._use_network(order.cells[0].settings)
        if self._color is None or self._masks is None:
            return
        assert self._network is not None
        self.notes = list(dict.fromkeys(note for cell in order.cells for note in self._masks.notes(cell.settings.regions)))
        if self._constants is None:
            self._constants = PictureConstants(self._network, self._color)
        if len(self._pictures) != len(order.cells) or len(order.cells) > 1:
            # another sheet shows other variations, and what was painted of the ones before would colour them
            self._pictures = [LivePicture(self._constants) for _ in order.cells]
            if start is not None and len(self._pictures) == 1 and start.shape[:2] == tuple(self._color.shape[2:]):
                self._pictures[0].begin_with(image_to_tensor(start))
        paintings = [self._painting(name) for name in order.styles]
        for index, picture in enumerate(self._pictures):
            settings, values = order.cells[index].settings, order.values(index)
            masks = self._masks.masks(settings.regions)
            looks = (values.look,) if masks is None else (values.look, *values.regions)
            goals = [Goal.of(look, _method(settings), paintings) for look in looks]
            picture.aim(goals, masks or (), alike=self._pictures[:index])

    def restart(self) -> None:
        """Begin the present order from the render again."""
        for picture in self._pictures:
            picture.restart()

    def step(self) -> None:
        """Do one iteration of the next picture in turn that is not settled."""
        open_ = [index for index, picture in enumerate(self._pictures) if not picture.settled]
        if open_:
            chosen = next((index for index in open_ if index >= self._next), open_[0])
            self._pictures[chosen].step()
            self._next = chosen + 1

    @torch.no_grad()
    def picture(self) -> np.ndarray:
        """Return what is to be seen, H×W×3 float32 on [0, 1]: the picture, or the labelled sheet."""
        assert self._order is not None and self._pictures
        pictures = [tensor_to_image(picture.picture()) for picture in self._pictures]
        if len(pictures) == 1:
            return pictures[0]
        return draw_sheet(pictures, [cell.label for cell in self._order.cells], self._order.columns)

    def _use_network(self, settings: StylizeSettings) -> None:
        key = (settings.network, settings.precision, settings.device, settings.normalization == "gatys")
        if key != self._network_key:
            self._network, self._network_key, self._statistics = job_network(settings), key, {}
            self._constants, self._pictures = None, []

    def _painting(self, name: str) -> PaintingStatistics:
        if name not in self._statistics:
            if name not in self._paintings:
                raise LwswError("missing_style", f"The painting '{name}' has not come.", "Send it before the settings.")
            assert self._network is not None
            self._statistics[name] = PaintingStatistics(self._network, self._paintings[name])
        return self._statistics[name]


def _method(settings: StylizeSettings) -> Method:
    return Method(
        settings.iterations,
        settings.first_iterations,
        settings.content_layers,
        normalization=settings.normalization,
        seed=settings.seed,
    )
