"""How large the marks are that painting added to a picture, in pixels, whatever their colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

_DEGREE = 3  # of the polynomial colour map
_WEAKEST = 0.01  # variance of a component of colour, relative to the strongest, below which it counts less
_INVISIBLE = 1.0 / 255.0  # standard deviation; rounding to 8 bits alone reaches half of it
_SMALLEST = 4.0  # pixels from the middle of the area to its border, below which nothing is measured
_PADDING = 2  # samples the spectrum finely enough that the edge of the band does not move in steps


@dataclass(frozen=True)
class TextureScale:
    """What :func:`texture_scale` measures.

    Attributes:
        wavelength: pixels per period, a light and a dark mark together; NaN where there is no texture to measure.
        orientation: degrees from 0 up to 180 in which the marks run: 0 lies, 90 stands, 45 rises to the right; NaN with ``wavelength``.
            Without coherence it means nothing.
        coherence: 0 for marks in all directions alike, 1 for parallel ones; 0 where there is no texture.
    """

    wavelength: float
    orientation: float
    coherence: float


@torch.no_grad()
def texture_scale(image: Tensor, render: Tensor | None = None, mask: Tensor | None = None) -> TextureScale:
    """Measure the scale of what remains of a stylized picture after everything that a change of colours explains.

    1. **Area.** d(p) is the distance in pixels of p to the border of the picture or of the mask, D the largest d. The weight of
       a pixel is w(p) = sin²(½π d(p)/D), a Hann window that follows the outline.
    2. **Residual.** r = y − M: per channel of the picture y, M is the polynomial of total degree 3 in the render's three channels (20
       terms, without a render only the constant one) plus a plane over the picture (x and y, 2 terms) that makes Σ_p |w r|² smallest.
       So tone, palette and a gradient across the picture drop out.
    3. **Spectrum.** R(f) is the Fourier transform of w·r, padded by zeros to twice the size, f in cycles per pixel, for |f| ≥ 1/D.
       Wavelengths above D, half of the shorter side, are composition. There is no other limit: a checkerboard of single pixels
       has √2 px.
    4. **Whitening.** C = Σ_f R(f) R(f)ᴴ, scaled to the variance of r; its eigenvectors are the components of colour, with variances
       v₁ ≥ v₂ ≥ v₃. The power is P(f) = Σ_i |R_i(f)|² / max(v_i, 0.01 v₁, (1/255)²), so each component counts the same, except
       those with less than a tenth of the strongest contrast or less than 1/255, which count in proportion to their variance.
    5. **Measure.** wavelength = exp(Σ P ln(1/|f|) / Σ P), the geometric mean. P is not weighted by frequency: each octave counts
       by the contrast it carries, and the octaves of a natural picture, whose power falls like 1/f², count alike. With θ the angle
       of f, coherence = |Σ P e^{2iθ}| / Σ P, which is (λ₁ − λ₂)/(λ₁ + λ₂) of the structure tensor Σ P f fᵀ/|f|² (after Bigün &
       Granlund 1987), and the marks run across its first eigenvector.

    Where v₁ < (1/255)², or D < 4 px, there is nothing to measure and the result is (NaN, NaN, 0).

    Exactly blind to every invertible affine change of the picture's colours (contrast, brightness, inversion, hue, balance, saturation),
    as long as no component falls under the floor of step 4, and to changes of colour that are a polynomial of the render up to degree
    3. Other tone curves change the relative contrast of marks in the lights and in the shadows: over 50 painted pictures, gammas of 0.7
    and 1.4 moved the wavelength by 2.5 % in the median and 7 % at most, 0.5 and 2 by 9 % and 21 %. Ranks per channel in place of values
    would be blind to these, but not to saturation (18 %) and hue (6 %). A grating is measured to 1 % up to D/2 and up to 5 % too fine
    at 3/4 D. White noise has 2.9 px.

    Args:
        image: ``1×3×H×W``, the stylized picture, display-referred on [0, 1].
        render: the same shape, what was painted over; None measures the picture by itself.
        mask: ``1×1×H×W``; only pixels of 0.5 and more are measured. Of a mask in several parts, small parts count less than their area.
    """
    taper, inner_radius = _taper(image.shape[2], image.shape[3], mask)
    if inner_radius < _SMALLEST:
        return TextureScale(math.nan, math.nan, 0.0)
    rows, columns = (slice(int(used.min()), int(used.max()) + 1) for used in torch.nonzero(taper, as_tuple=True))
    area = (0, slice(None), rows, columns)
    taper = taper[rows, columns]
    residual = _weighted_residual(image[area].double().cpu(), None if render is None else render[area].double().cpu(), taper)

    size = [_PADDING * length for length in taper.shape]
    spectrum = torch.fft.rfft2(residual, s=size)
    vertical = -torch.fft.fftfreq(size[0], dtype=torch.float64)[:, None]  # upwards
    horizontal = torch.fft.rfftfreq(size[1], dtype=torch.float64)[None, :]
    frequency = torch.hypot(vertical, horizontal)
    band = frequency >= 1.0 / inner_radius
    # the half of the plane that is left out mirrors this one, except on the axis and at the Nyquist frequency, where it is this one
    halves = torch.where((horizontal == 0) | (horizontal == 0.5), 1.0, 2.0).expand(frequency.shape)[band]
    # a wave at the Nyquist frequency of one axis runs in both diagonal directions at once
    crossed = torch.where((vertical.abs() == 0.5) | (horizontal == 0.5), 0.0, 2.0 * vertical * horizontal)[band]
    along = (horizontal.square() - vertical.square())[band]
    spectrum, frequency = spectrum[:, band], frequency[band]

    scale = halves / (math.prod(size) * float(taper.square().sum()))
    covariance = ((spectrum * scale) @ spectrum.mH).real
    variances, components = torch.linalg.eigh(covariance)
    strongest = float(variances[-1])
    if strongest < _INVISIBLE**2:
        return TextureScale(math.nan, math.nan, 0.0)
    floor = max(_WEAKEST * strongest, _INVISIBLE**2)
    power = scale * ((components.mT.to(spectrum.dtype) @ spectrum).abs().square() / variances.clamp_min(floor)[:, None]).sum(0)
    total = float(power.sum())

    wavelength = math.exp(-float((power * frequency.log()).sum()) / total)
    cosine = float((power * along / frequency.square()).sum()) / total
    sine = float((power * crossed / frequency.square()).sum()) / total
    orientation = math.degrees(0.5 * math.atan2(-sine, -cosine)) % 180.0
    orientation = 0.0 if orientation == 180.0 else orientation  # the remainder of a tiny negative angle
    return TextureScale(wavelength, orientation, min(1.0, math.hypot(cosine, sine)))


def _taper(height: int, width: int, mask: Tensor | None) -> tuple[Tensor, float]:
    """Return the weights ``H×W`` and the largest distance of a pixel to the border."""
    inside = np.zeros((height + 2, width + 2), np.uint8)  # with a frame of pixels that are outside
    inside[1:-1, 1:-1] = 1 if mask is None else mask[0, 0].cpu().numpy() >= 0.5
    to_centre = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    distance = torch.from_numpy(to_centre.astype(np.float64)).sub(0.5).clamp_min(0.0)  # the border is half a pixel before that centre
    largest = float(distance.max())
    return torch.sin(0.5 * math.pi * distance / max(largest, 0.5)).square(), largest


def _weighted_residual(image: Tensor, render: Tensor | None, weight: Tensor) -> Tensor:
    """Return what neither a polynomial of the render nor a plane explains, times the weight, ``3×H×W``."""
    down, right = (torch.linspace(-1.0, 1.0, length, dtype=weight.dtype) for length in weight.shape)
    terms = [weight, weight * down[:, None], weight * right]
    if render is not None:
        powers = [[channel**exponent for exponent in range(_DEGREE + 1)] for channel in 2.0 * render - 1.0]
        for red in range(_DEGREE + 1):
            for green in range(_DEGREE + 1 - red):
                for blue in range(_DEGREE + 1 - red - green):
                    if red + green + blue:
                        terms.append(weight * powers[0][red] * powers[1][green] * powers[2][blue])
    basis = torch.stack(terms).flatten(1)
    target = (weight * image).flatten(1)
    # the pseudo-inverse, because the terms of a grey or flat render depend on each other
    coefficients = target @ basis.mT @ torch.linalg.pinv(basis @ basis.mT, rtol=1e-10, hermitian=True)
    residual: Tensor = target - coefficients @ basis
    return residual.view_as(image)
