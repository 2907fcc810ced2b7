"""Paintings and contents at the study's size, and a pan over a content whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import paintings
import study_contents
import torch
from torch import Tensor

from lwsw.jobs.frame_reader import image_to_tensor

#: One rendered, two photographed.
CONTENTS = ("render", "portrait", "still-life")


def load_paintings() -> dict[str, Tensor]:
    """Return the project's five paintings, ``1×3×h×w`` on [0, 1]."""
    return {name: image_to_tensor(picture) for name, picture in paintings.load().items()}


def load_contents(width: int) -> dict[str, Tensor]:
    """Return contents of one size, ``1×3×H×W``, H being two thirds of the width: the middle of each picture."""
    pictures = study_contents.contents(CONTENTS)
    return {name: image_to_tensor(_crop(picture, width, round(width * 2 / 3))) for name, picture in pictures.items()}


def pan(name: str, width: int, frames: int, step: tuple[float, float] = (2.3, 0.7)) -> tuple[list[Tensor], Tensor]:
    """Return frames of a camera that pans over a content, and the flow from each to the one before.

    Every frame is sampled from the same large picture, so the motion is exact and no render is needed.

    Args:
        name: of the content.
        width: of the frames, in pixels; their height is two thirds of it.
        frames: how many.
        step: motion of the window per frame, in pixels x and y.

    Returns:
        Frames, ``1×3×H×W`` each, and the backward flow, ``1×H×W×2``: the surface at p was at p + step in the frame before.
    """
    height = round(width * 2 / 3)
    margin = (int(np.ceil(step[0] * frames)) + 8, int(np.ceil(step[1] * frames)) + 8)
    large = _crop(study_contents.contents([name])[name], width + margin[0], height + margin[1])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    result = []
    for index in range(frames):
        moved = cv2.remap(large, x + step[0] * index, y + step[1] * index, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        result.append(image_to_tensor(moved.clip(0, 1)))
    flow = torch.empty(1, height, width, 2)
    flow[..., 0], flow[..., 1] = step
    return result, flow


def _crop(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the middle of a picture at a size, scaled so that it just covers it."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, (max(width, round(columns * scale)), max(height, round(rows * scale))), interpolation=filter_)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width].clip(0, 1))
