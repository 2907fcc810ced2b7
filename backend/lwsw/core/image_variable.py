"""The variable that is optimized: an image whose low frequencies move as easily as its high ones."""

from __future__ import annotations

import torch
from torch import Tensor


class FrequencyPreconditioner:
    """The linear map z ↦ irfft2(|f|^−p · rfft2(z)), its gain normalized to mean 1.

    Optimizing z with x = base + map(z) reaches the same loss as optimizing x, but L-BFGS no longer spends itself on
    high-frequency noise: deep layers paint large strokes (see ``docs/architecture.md``). p = 0 is the identity.

    Args:
        height, width: size of the image in pixels.
        exponent: p ≥ 0; 0.5 suits all layers together, 1 favours large structure.
    """

    def __init__(self, height: int, width: int, exponent: float, device: torch.device | str = "cpu") -> None:
        self.size = (height, width)
        self.exponent = exponent
        vertical = torch.fft.fftfreq(height, device=device)[:, None]
        horizontal = torch.fft.rfftfreq(width, device=device)[None, :]
        frequency = torch.sqrt(vertical**2 + horizontal**2).clamp_min(1.0 / max(height, width))
        gain = frequency**-exponent
        self.gain = gain / gain.mean()

    def __call__(self, variable: Tensor) -> Tensor:
        """Map ``1×3×H×W`` to the same shape; linear and self-adjoint, so gradients pass through the same filter."""
        if self.exponent == 0:
            return variable
        image: Tensor = torch.fft.irfft2(torch.fft.rfft2(variable) * self.gain, s=self.size)
        return image
