"""Measures of a clip over time, along the renderer's own motion. Each has one definition, given here to the last constant."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from .metrics import METRIC_TOLERANCE
from .trajectories import Path, compose

#: Over how many frames the warping error is measured.
LAGS = (1, 5, 10)

#: Over how many frames a surface is followed for its flicker.
FLICKER_WINDOW = 5

#: A pixel is static if it never moves so far (pixels), and its render in no channel by more than this (on [0, 1]), from the first frame.
STATIC_MOTION = 0.1
STATIC_CHANGE = 2 / 255

#: Fewer static pixels, or frames, say nothing of a drift.
FEWEST_STATIC_PIXELS = 64
FEWEST_DRIFT_FRAMES = 10

#: Of the blurred control, in pixels.
BLUR_SIGMA = 1.0


def counted_pixels(path: Path, back: Sequence[Tensor]) -> Tensor:
    """Return which pixels of a frame count, compared with an earlier one: ``1×1×H×W`` bool.

    Those whose path into the past was confirmed at every step (:class:`lwsw.core.trajectories.Path`: forward–backward check with
    1 % and 0.5 px², never outside the picture) and, over two frames or more, whose way back through the flows from the earlier frame,
    composed from that frame's pixels, ends within 0.5 px² of where the path began. Over one frame that is the mask of
    :func:`lwsw.core.metrics.squared_warping_error`.

    Args:
        path: from this frame back to the earlier one.
        back: the flows of every step from the earlier frame to this one, in the order of time.
    """
    return path.followed if len(back) == 1 else path.followed & path.returns(compose(back), METRIC_TOLERANCE)


def flicker_energy(colors: Sequence[Tensor], mask: Tensor) -> tuple[float, float]:
    """Return (Σ m r², 3 Σ m) of pixels followed over n ≥ 3 frames: sum over a clip, divide, and take the root for the flicker.

    r² = Σ_k (c_k − ĉ_k)² / (n − 2) in each channel, with ĉ the straight line in time that fits the n colours c_k best (least squares): a
    temporal high-pass that light which comes or goes evenly does not touch. n − 2 are its degrees of freedom, so that independent noise
    of standard deviation σ in every frame gives σ.

    Args:
        colors: n pictures carried to one frame, ``1×3×H×W`` on [0, 1], in the order of time.
        mask: which pixels could be followed, ``1×1×H×W``.
    """
    stack = torch.stack(list(colors))
    count = len(stack)
    time = (torch.arange(count, device=stack.device) - (count - 1) / 2).view(-1, 1, 1, 1, 1)
    residual = stack - stack.mean(0) - time * ((time * stack).sum(0) / time.square().sum())
    return float((mask * residual.square().sum(0)).sum()) / (count - 2), float(3 * mask.sum())


def gaussian_blur(image: Tensor, sigma: float = BLUR_SIGMA) -> Tensor:
    """Return ``1×C×H×W`` blurred by a Gaussian of ``sigma`` pixels, cut off at 4 σ; beyond the edge the nearest pixel counts."""
    radius = round(4 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=image.device) / sigma).square())
    kernel = (kernel / kernel.sum()).to(image.dtype)
    channels = image.shape[1]
    padded = functional.pad(image, (radius,) * 4, mode="replicate")
    rows = functional.conv2d(padded, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return functional.conv2d(rows, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def lab(image: Tensor) -> Tensor:
    """Return sRGB ``1×3×H×W`` on [0, 1] as CIELAB (CIE 1976, D65, 2°), float64: the distance of two colours is their ΔE76.

    sRGB after IEC 61966-2-1; the white is that of sRGB itself, so that grey has a = b = 0.
    """
    encoded = image.double().clamp(0, 1)
    linear = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    matrix = linear.new_tensor([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = torch.einsum("ij,bjhw->ibhw", matrix / matrix.sum(1, keepdim=True), linear)
    delta = 6 / 29
    f_x, f_y, f_z = (torch.where(v > delta**3, v.clamp_min(1e-12) ** (1 / 3), v / (3 * delta**2) + 4 / 29) for v in (x, y, z))
    return torch.stack((116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)), 1)


class ColorTrend:
    """Fits a straight line in time to the colour of every pixel, without keeping the pictures.

    Args:
        first: the first picture, ``1×3×H×W`` on [0, 1].
    """

    def __init__(self, first: Tensor) -> None:
        self._first = lab(first).float()  # differences of neighbouring colours: float32 keeps the slope to 1e-6
        self._sum, self._moment = torch.zeros_like(self._first), torch.zeros_like(self._first)
        self.frames = 1

    def add(self, image: Tensor) -> None:
        """Count the picture of the next frame."""
        difference = lab(image).float() - self._first
        self._sum += difference
        self._moment += self.frames * difference
        self.frames += 1

    def per_hundred_frames(self, mask: Tensor) -> float | None:
        """Return the drift in ΔE76 per 100 frames, None with fewer than 10 frames or 64 pixels.

        It is 100 ‖s‖ with s the slope per frame (L, a, b) of the least-squares line through the differences of the mean colour from that
        of the first frame, of all frames. Slopes are linear in what they fit, so s is the mean of the slopes of the pixels.

        Args:
            mask: the static pixels, ``1×1×H×W`` bool.
        """
        if self.frames < FEWEST_DRIFT_FRAMES or int(mask.sum()) < FEWEST_STATIC_PIXELS:
            return None
        slopes = (self._moment - (self.frames - 1) / 2 * self._sum) / (self.frames * (self.frames**2 - 1) / 12)
        return 100 * float(slopes[0][:, mask[0, 0]].double().mean(1).norm())


class StaticPixels:
    """Finds the pixels of the first frame where nothing moves and nothing changes in the render.

    Args:
        render: the first frame as rendered, ``1×3×H×W`` on [0, 1].
    """

    def __init__(self, render: Tensor) -> None:
        self._render = render
        self.mask = torch.ones_like(render[:, :1], dtype=torch.bool)

    def add(self, render: Tensor, path: Path) -> None:
        """Count the next frame.

        A pixel stays static while its path is confirmed and less than 0.1 px long, and while the render at this pixel differs from the
        first frame's by no more than 2/255 in red, green and blue.

        Args:
            render: as rendered.
            path: from the first frame to this one.
        """
        still = (path.flow.square().sum(-1) < STATIC_MOTION**2)[:, None]
        same = (render - self._render).abs().amax(1, keepdim=True) <= STATIC_CHANGE + 1e-6  # 1e-6: rounding of 8-bit files
        self.mask &= path.followed & still & same
