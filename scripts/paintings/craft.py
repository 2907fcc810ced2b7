"""What the paintings share: smooth noise, colour from values, lines with a changing width, paper, and relief.

Pictures are H×W×3, float32 or uint8, sRGB from 0 to 255; sizes are (height, width) in pixels; points are (x, y) in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Array = np.ndarray
Colour = tuple[int, int, int]

SHIFT = 4  # fractional bits of OpenCV's coordinates


def grid(size: tuple[int, int]) -> tuple[Array, Array]:
    """Return the coordinates y and x of every pixel, each H×W float32."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    return y, x


def clouds(rng: np.random.Generator, size: tuple[int, int], cells: int, octaves: int = 3) -> Array:
    """Return smooth noise from 0 to 1 (H×W float32) with about `cells` blobs across; each octave is half as large and half as strong."""
    height, width = size
    total = np.zeros(size, np.float32)
    for k in range(octaves):
        coarse = (max(2, cells * 2**k * height // width), max(2, cells * 2**k))
        total += cv2.resize(rng.random(coarse, np.float32), (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**k
    low, high = np.percentile(total, (1, 99))
    return np.clip((total - low) / (high - low), 0, 1).astype(np.float32)


def colour_of(values: Array) -> Colour:
    """Return three channels as a colour: whole numbers from 0 to 255."""
    red, green, blue = (int(channel) for channel in np.clip(values, 0, 255))
    return red, green, blue


def gradient(value: Array, stops: Sequence[tuple[float, Colour]]) -> Array:
    """Return the colour of a value, by linear interpolation between stops (position, sRGB): the shape of `value` plus 3, float32."""
    positions = [position for position, _ in stops]
    return np.stack([np.interp(value, positions, [colour[c] for _, colour in stops]) for c in range(3)], -1).astype(np.float32)


def mix(first: Array, second: Array, share: Array) -> Array:
    """Return `first` where `share` (H×W) is 0 and `second` where it is 1."""
    return first + (second - first) * share[..., None]


def step(value: Array, edge: float = 0.0, softness: float = 1.0) -> Array:
    """Return 0 well below the edge and 1 well above it, smooth within `softness` on both sides."""
    t = np.clip((value - edge) / (2 * softness) + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def fixed(points: Array, scale: float) -> Array:
    """Return points (N×2, pixels) as OpenCV's fixed-point coordinates on a canvas `scale` times as large."""
    return np.round(points * scale * 2**SHIFT).astype(np.int32)


def ribbon(canvas: Array, points: Array, width: Array | float, value: Colour | int, scale: float = 1.0) -> None:
    """Draw a line whose width changes along the way: `points` N×2, `width` N or one number, both in pixels of the painting."""
    if len(points) < 2:
        return
    tangent = np.gradient(points, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1) / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    half = normal * np.broadcast_to(np.asarray(width, np.float64) / 2, (len(points),))[:, None]
    outline = np.concatenate([points + half, (points - half)[::-1]])
    tone = value if isinstance(value, tuple) else (value,)
    cv2.fillPoly(canvas, [fixed(outline, scale)], tone, cv2.LINE_AA, SHIFT)


def curve(points: Sequence[tuple[float, float]] | Array, count: int = 60) -> Array:
    """Return `count` points of a smooth line through the given ones (Catmull–Rom, uniform)."""
    p = np.asarray(points, np.float64)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, len(p) - 3 - 1e-9, count)
    k = t.astype(int)
    u = (t - k)[:, None]
    a, b, c, d = (p[k + i] for i in range(4))
    return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)


def taper(count: int, power: float = 0.6, start: float = 0.05, end: float = 0.98) -> Array:
    """Return the share of its width that a stroke has along the way: thin where the brush lands and lifts."""
    return np.sin(np.pi * np.linspace(start, end, count)) ** power


def paper(rng: np.random.Generator, size: tuple[int, int], tooth: float = 2.4) -> Array:
    """Return the height of cold-pressed paper, about -1 to 1 (H×W float32), with hollows of about `tooth` × 2 pixels."""
    rough = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), tooth)
    fine = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), tooth * 0.45)
    height = rough / rough.std() + 0.5 * fine / fine.std()
    return np.clip(height / 2.4, -1, 1)


def light(paint: Array, height: Array, strength: float) -> Array:
    """Light the relief `height` (H×W, about 0 to 1) from the upper left; returns float32."""
    down, right = np.gradient(height)
    shade = np.clip(-(right * 0.75 + down) * strength, -0.4, 0.4)[..., None]
    return paint * (1 + np.where(shade < 0, shade, shade * 0.55)) + np.maximum(shade, 0) * 46


def shrink(canvas: Array, size: tuple[int, int]) -> Array:
    """Return a canvas that was drawn larger at its final size, as float32."""
    return cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
