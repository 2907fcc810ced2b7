"""Motion for footage without a Vector pass."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor


def estimate_flow(image: Tensor, other: Tensor) -> Tensor:
    """Return the flow from ``image`` to ``other``, ``1×H×W×2`` pixels, by dense inverse search (Kroeger et al. 2016, OpenCV).

    Args:
        image, other: ``1×3×H×W``, display-referred on [0, 1], on the CPU.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = _grey(image), _grey(other)
    flow = search.calc(first, second, np.zeros((*first.shape, 2), np.float32))
    return torch.from_numpy(np.ascontiguousarray(flow, np.float32))[None]


def _grey(image: Tensor) -> np.ndarray:
    pixels = (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
