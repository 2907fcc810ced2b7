"""The variable that is optimized: an image whose low frequencies move as easily as its high ones."""

from __future__ import annotations

import torch
from torch import Tensor


class FrequencyPreconditioner:
    """The linear map z ↦ irfft2(|f|^−p · ẑ) from the spectrum ẑ of an image z to an image, its gain normalized to mean 1.

    Optimizing z with x = base + map(z) reaches the same loss as optimizing x, but L-BFGS no longer spends itself on
    high-frequency noise: deep layers paint large strokes (see ``docs/architecture.md``).

    The variable is the spectrum's half that rfft2 keeps, as real numbers, the columns that stand for two multiplied by √2. That keeps
    all dot products, so L-BFGS takes the same steps in it as in z, for half of the transforms. With p = 0 it is the image itself.

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
        stands_for = torch.full_like(self.gain, 2.0)
        stands_for[:, 0] = 1.0
        if width % 2 == 0:
            stands_for[:, -1] = 1.0
        self._to_image = self.gain / stands_for.sqrt()
        self._to_variable = self.gain * stands_for.sqrt()

    def zeros(self) -> Tensor:
        """Return the variable of the image that is zero everywhere."""
        return self.gradient(torch.zeros(1, 3, *self.size, device=self.gain.device))

    def image(self, variable: Tensor) -> Tensor:
        """Return the image of a variable, ``1×3×H×W``."""
        if self.exponent == 0:
            return variable
        image: Tensor = torch.fft.irfft2(torch.view_as_complex(variable) * self._to_image, s=self.size, norm="ortho")
        return image

    def gradient(self, image: Tensor) -> Tensor:
        """Return the gradient in the variable, given the one in the image: the adjoint of :meth:`image`."""
        if self.exponent == 0:
            return image
        return torch.view_as_real(torch.fft.rfft2(image, norm="ortho") * self._to_variable)
