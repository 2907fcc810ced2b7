"""Motion of footage without a Vector pass: flow estimated from the pictures, and where it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import cv2
import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .flow import ESTIMATED_TOLERANCE, disagreement

#: Dense inverse search compares patches of 8×8 pixels on a pyramid, and reads beyond pictures smaller than two of them.
DIS_SMALLEST = 16
#: It divides the picture among threads, and where it divides shows in the flow: as many on every machine.
_DIS_THREADS = 4
#: RAFT's features are an eighth of the picture's size, and its coarsest correlation an eighth of that and still 2×2.
RAFT_MULTIPLE, RAFT_SMALLEST = 8, 128
#: Refinements of the flow, as in the evaluations of Teed & Deng 2020.
RAFT_UPDATES = 32


class FlowEstimator(Protocol):
    """Finds out where the surfaces of a picture are in another one."""

    def flow(self, image: Tensor, other: Tensor) -> Tensor:
        """Return the flow from ``image`` to ``other``, ``1×H×W×2`` pixels (x right, y down), on the CPU.

        Args:
            image, other: ``1×3×H×W``, display-referred on [0, 1], of one size.
        """


class DenseInverseSearch:
    """Dense inverse search (Kroeger, Timofte, Dai, Van Gool 2016) with variational refinement, by OpenCV. The same on every machine."""

    def flow(self, image: Tensor, other: Tensor) -> Tensor:
        """As :meth:`FlowEstimator.flow`."""
        return search_flow(_grey(image), _grey(other))


class Raft:
    """RAFT (Teed & Deng 2020).

    Args:
        network: torchvision's ``RAFT`` with its weights, see :func:`lwsw.flow_networks.load_flow_estimator`.
        device: where it runs.
    """

    def __init__(self, network: nn.Module, device: torch.device | str = "cpu") -> None:
        self._network = network.eval().requires_grad_(False).to(device)
        self._device = device

    def flow(self, image: Tensor, other: Tensor) -> Tensor:
        """As :meth:`FlowEstimator.flow`. Pictures are padded by their edge pixels to a size that the network takes."""
        height, width = image.shape[2:]
        rows, columns = (max(RAFT_SMALLEST, -(-size // RAFT_MULTIPLE) * RAFT_MULTIPLE) - size for size in (height, width))
        left, top = columns // 2, rows // 2
        padding = (left, columns - left, top, rows - top)
        pair = [functional.pad(2 * picture.to(self._device) - 1, padding, mode="replicate") for picture in (image, other)]
        with torch.inference_mode():
            flow: Tensor = self._network(*pair, num_flow_updates=RAFT_UPDATES)[-1]
        return flow[..., top : top + height, left : left + width].permute(0, 2, 3, 1).float().cpu().contiguous().clone()


def search_flow(image: np.ndarray, other: np.ndarray, shift: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """Return the flow ``1×H×W×2`` pixels between two pictures by dense inverse search; see :class:`DenseInverseSearch`.

    Args:
        image, other: H,W uint8; pictures that are too small for the search are padded by their edge pixels.
        shift: (x, y), where the search begins.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    height, width = image.shape
    padding = ((0, max(0, DIS_SMALLEST - height)), (0, max(0, DIS_SMALLEST - width)))
    first, second = np.pad(image, padding, mode="edge"), np.pad(other, padding, mode="edge")
    with _threads(_DIS_THREADS):
        flow = search.calc(first, second, np.full((*first.shape, 2), shift, np.float32))
    return torch.from_numpy(np.ascontiguousarray(flow[:height, :width], np.float32))[None]


def estimated_visibility(backward: Tensor, forward: Tensor) -> Tensor:
    """Return how far an estimated flow can be trusted: ``1×1×H×W``, 1 fully, 0 not at all, soft in between.

    The rules of Ruder, Dosovitskiy, Brox 2016 (arXiv 1604.08610, equations 3 and 4), which are those of Sundaram, Brox, Keutzer 2010, with
    ŵ = (û, v̂) the backward flow and w̃ the forward flow where ŵ leads. A pixel is

    - uncovered where |w̃ + ŵ|² > 0.01 (|w̃|² + |ŵ|²) + 0.5,
    - at a motion boundary where |∇û|² + |∇v̂|² > 0.01 |ŵ|² + 0.002, by central differences: there a smooth flow mixes two motions.

    Theirs is 0 or 1. Here trust falls from 1, where a left side equals its right side, to 0, where it is four times as much, so that a
    pixel does not switch from frame to frame; the smaller of the two counts. Nothing that comes from outside the picture is trusted.

    Args:
        backward: flow of this frame to the previous one, ``1×H×W×2`` pixels.
        forward: flow of the previous frame to this one.
    """
    uncovered = disagreement(backward, forward, ESTIMATED_TOLERANCE)
    change = _squared_gradient(backward)
    boundary = change / (0.01 * backward.square().sum(-1)[:, None] + 0.002)
    return ((4.0 - torch.maximum(uncovered, boundary)) / 3.0).clamp(0.0, 1.0)


def _squared_gradient(flow: Tensor) -> Tensor:
    """Return |∇u|² + |∇v|² of a flow, ``1×1×H×W``: central differences, the edge repeated."""
    padded = functional.pad(flow.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
    along_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    along_y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return (along_x.square() + along_y.square()).sum(1, keepdim=True)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _grey(image: Tensor) -> np.ndarray:
    pixels = (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
