"""How the influence of the layers is spread over the size of structures: the curve that the panel shows. Knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .profiles import LAYER_NAMES, RECEPTIVE_FIELDS

#: From where to where the curve goes, in pixels of the stylized frame: an octave beyond the first and the last layer.
SMALLEST, LARGEST = RECEPTIVE_FIELDS[LAYER_NAMES[0]] / 2, RECEPTIVE_FIELDS[LAYER_NAMES[-1]] * 2

#: How far a layer's influence reaches to both sides, in octaves: a layer sees smaller structures too, and a little of larger ones.
_REACH = 0.45


def balance_curve(weights: Mapping[str, float], samples: int) -> np.ndarray:
    """Return the density of influence over structure size, on an even scale of octaves from SMALLEST to LARGEST.

    Args:
        weights: by layer, from 0; layers that are not there count 0.
        samples: how many values.

    Returns:
        The density at the middle of each sample; its mean is 1 but for what reaches beyond the ends. Zeros where no layer weighs anything.
    """
    total = sum(max(0.0, weights.get(layer, 0.0)) for layer in LAYER_NAMES)
    if total <= 0:
        return np.zeros(samples)
    width = np.log2(LARGEST / SMALLEST)
    octaves = (np.arange(samples) + 0.5) / samples * width
    density = np.zeros(samples)
    for layer in LAYER_NAMES:
        if (weight := weights.get(layer, 0.0)) > 0:
            distance = (octaves - np.log2(RECEPTIVE_FIELDS[layer] / SMALLEST)) / _REACH
            density += weight / total * np.exp(-0.5 * distance**2)
    density *= width / (_REACH * np.sqrt(2 * np.pi))
    return density


def place_of(layer: str) -> float:
    """Return where on the scale a layer lies: 0 at SMALLEST, 1 at LARGEST."""
    return float(np.log2(RECEPTIVE_FIELDS[layer] / SMALLEST) / np.log2(LARGEST / SMALLEST))
