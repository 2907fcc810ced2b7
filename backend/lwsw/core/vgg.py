"""VGG-19 as a feature extractor that computes no deeper than it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from ..profiles import LAYER_NAMES
from .activations import cut_at_zero, halve
from .convolution import DirectConvolution
from .losses import tap_gram_matrix
from .winograd import FEWEST_CHANNELS, WinogradConvolution


@dataclass(frozen=True)
class VGG19Weights:
    """Convolutions of VGG-19 for an RGB image on [0, 1] of which ``mean`` has been subtracted.

    Attributes:
        name: where they come from, for reports.
        mean: RGB, on [0, 1].
        convolutions: 16 pairs of (weight ``out×in×3×3``, bias ``out``), float32 on the CPU, shallow to deep.
    """

    name: str
    mean: tuple[float, float, float]
    convolutions: tuple[tuple[Tensor, Tensor], ...]


class VGG19(nn.Module):
    """The sixteen convolutions of VGG-19 with fixed weights (Simonyan & Zisserman 2015).

    Differences from the network that was trained, both against artefacts at the picture's edge: the first convolution pads
    by replication (as in Crowson's style-transfer-pytorch), and pooling rounds sizes up, so that the last row and column
    of a size that 16 does not divide still reach the deep layers. On processors its convolutions are our own, which are faster. They round
    otherwise than plain ones, 1e-7 to 1e-6 of the result, which decides how pooling breaks ties: of a flat area's equal values another
    one gets the gradient.

    Args:
        weights: read by :func:`lwsw.networks.load_network`.
        precision: type of the convolutions, ``torch.float32`` or ``torch.bfloat16``; float16 would overflow.
        zero_padding: pads the first convolution with zeros, as trained.
        plain: convolves plainly; together with ``zero_padding`` that is the network as published, in loss and gradient.
    """

    def __init__(
        self, weights: VGG19Weights, precision: torch.dtype = torch.float32, *, zero_padding: bool = False, plain: bool = False
    ) -> None:
        super().__init__()
        self.name = weights.name
        self.precision = precision
        self.zero_padding, self.plain = zero_padding, plain
        # with channels last, torch's convolutions round equal neighbourhoods differently
        self._memory_format = torch.contiguous_format if plain else torch.channels_last
        self._convolutions: dict[str, Callable[[Tensor], Tensor]] = {}
        self.register_buffer("mean", torch.tensor(weights.mean).view(1, 3, 1, 1))
        for name, (weight, bias) in zip(LAYER_NAMES, weights.convolutions, strict=True):
            self.register_buffer(f"{name}_weight", weight.to(precision, memory_format=self._memory_format, copy=True))
            self.register_buffer(f"{name}_bias", bias.to(precision, copy=True))

    def forward(self, image: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the activations after each ReLU in ``layers``.

        Args:
            image: ``1×3×H×W`` float32, display-referred sRGB on [0, 1] (values outside are allowed).
            layers: names from :data:`lwsw.profiles.LAYER_NAMES`; nothing deeper than the deepest is computed.

        Returns:
            ``{name: 1×C×h×w}`` in the network's precision.
        """
        return self.statistics(image, (), layers)[1]

    def statistics(
        self, image: Tensor, gram_layers: Collection[str], layers: Collection[str] = (), guidance: Callable[[str], Tensor] | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return Gram matrices of some layers and activations of others, from one pass.

        Args:
            image: as :meth:`forward`.
            gram_layers: whose Gram matrices to return.
            layers: whose activations to return.
            guidance: gives the weight of each position of a layer, ``h×w`` (:meth:`lwsw.core.guidance.Guidance.at`); None counts all alike.

        Returns:
            ``{name: C×C}`` float32 as :func:`lwsw.core.losses.gram_matrix`, and ``{name: 1×C×h×w}`` as :meth:`forward`.
        """
        deepest = max(LAYER_NAMES.index(layer) for layer in (*gram_layers, *layers))
        grams: dict[str, Tensor] = {}
        features: dict[str, Tensor] = {}
        positive = True  # whether x has been cut at zero
        x = (image - self.get_buffer("mean")).to(self.precision, memory_format=self._memory_format)
        for index, name in enumerate(LAYER_NAMES[: deepest + 1]):
            padding = 1
            if index == 0 and not self.zero_padding:
                x, padding = functional.pad(x, (1, 1, 1, 1), mode="replicate"), 0
            elif name.endswith("_1") and index > 0:
                x = halve(x)
                if not positive:
                    x = cut_at_zero(x)
            x = self._convolve(x, name, padding)
            # pooling first leaves a quarter of the values to cut at zero; both orders give the same
            is_pooled_next = index < deepest and LAYER_NAMES[index + 1].endswith("_1")
            positive = not is_pooled_next or name in gram_layers or name in layers
            if positive:
                x = cut_at_zero(x)
            if name in gram_layers:
                x, grams[name] = tap_gram_matrix(x, None if guidance is None else guidance(name))
            if name in layers:
                features[name] = x
        return grams, features

    def _convolve(self, features: Tensor, name: str, padding: int) -> Tensor:
        weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
        if features.device.type != "cpu" or self.precision != torch.float32 or self.plain:
            return functional.conv2d(features, weight, bias, padding=padding)
        if name not in self._convolutions:  # kernels prepared for the processor are copies: made for layers in use only
            winograd = min(weight.shape[:2]) >= FEWEST_CHANNELS
            self._convolutions[name] = WinogradConvolution(weight, bias) if winograd else DirectConvolution(weight, bias, padding)
        return self._convolutions[name](features)
