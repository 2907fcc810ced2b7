"""Pictures for the tests of cuts."""

from __future__ import annotations

import cv2
import numpy as np

HEIGHT, WIDTH = 180, 320


def scene(seed: int, height: int = HEIGHT + 120, width: int = WIDTH + 300) -> np.ndarray:
    """Return a picture with large and small shapes before a gradient, H,W,3 on [0, 1]: flat areas, edges and texture."""
    random = np.random.default_rng(seed)
    low, high = random.random(3) * 0.5, 0.4 + random.random(3) * 0.5
    image = (low + (high - low) * np.linspace(0, 1, height)[:, None, None]) * np.ones((1, width, 1))
    for size in (90, 90, 60, 60, 60, 40, 40, 40, 40, 20, 20, 20, 20, 20, 20, 20, 20):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        color = random.random(3).tolist()
        if random.random() < 0.5:
            cv2.circle(image, (x, y), size // 2, color, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(image, (x, y), (x + size, y + size // 2), color, -1)
    grain = cv2.GaussianBlur(random.standard_normal((height, width, 1)), (0, 0), 2)[..., None] * 0.2
    return np.clip(image + grain, 0, 1)


def window(image: np.ndarray, x: int = 0, y: int = 60) -> np.ndarray:
    return image[y : y + HEIGHT, x : x + WIDTH]
