"""The loss of one frame and the constants it compares with: style targets, content targets, calibration."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..profiles import FrameValues
from .losses import content_energy, gram_matrix, range_energy, style_energy, temporal_energy
from .vgg import VGG19

#: The layer whose features keep the composition (Gatys, Ecker, Bethge 2016).
CONTENT_LAYER = "relu4_2"

# What a content weight of 1 means beside a style loss that counts in image distances. Chosen by eye on one frame of the demo at 384×216:
# between half of it, where Balanced dissolves windows and the fence, and one and a half times, where they are plain.
_CONTENT_UNIT = 0.006
# What a temporal weight of 1 means, measured on the demo clip against frames painted one by one with three times the iterations: at 0.2 the
# result was steadier than the render itself (0.75 of its warping error) and 5 % short of their style, at 0.05 0.84 and 3 %. At 0.02,
# with a shorter first step and a longer first frame as well, 0.88 and 2 %.
_TEMPORAL_UNIT = 0.02
# Strong enough that less than 1 % of the values end outside [0, 1]; the style loss of the clipped picture fell by 30 %.
_RANGE_WEIGHT = 3.0


@dataclass(frozen=True)
class Calibration:
    """Constants of a shot that make layer weights mean influence. Frozen: recomputing them per frame would flicker.

    Attributes:
        style: per layer, √N·‖∂E_l/∂x‖₂ at the reference, N = 3·H·W: how much E_l falls per unit of root mean square change of
            the image. E_l divided by it is a distance between images, so equal weights are equal shares of the gradient.
        content: ‖F_c‖² of the content layer at the reference.
    """

    style: Mapping[str, float]
    content: float


@torch.no_grad()
def style_targets(network: VGG19, paintings: Sequence[Tensor], shares: Sequence[float], layers: Collection[str]) -> dict[str, Tensor]:
    """Return the Gram matrices to aim for: of one painting, or the weighted mean of several.

    For Σ wᵢ = 1, Σ wᵢ‖G − Aᵢ‖² and ‖G − Σ wᵢAᵢ‖² differ by a constant, so the mean costs nothing more per iteration.

    Args:
        paintings: ``1×3×h×w`` each, sizes may differ.
        shares: one weight per painting, adding up to 1.
    """
    targets: dict[str, Tensor] = {}
    for painting, share in zip(paintings, shares, strict=True):
        for name, features in network(painting, layers).items():
            targets[name] = targets.get(name, 0) + share * gram_matrix(features)
    return targets


def calibrate(network: VGG19, reference: Tensor, targets: Mapping[str, Tensor]) -> Calibration:
    """Measure the gradient of each layer's style energy at a reference frame.

    Args:
        reference: ``1×3×H×W``, the shot's first frame before stylization.
        targets: from :func:`style_targets`, for every layer that ever weighs in this shot.
    """
    image = reference.detach().requires_grad_()
    features = network(image, {*targets, CONTENT_LAYER})
    norms: dict[str, float] = {}
    for name, target in targets.items():
        (gradient,) = torch.autograd.grad(style_energy(gram_matrix(features[name]), target), image, retain_graph=True)
        # a painting that is the frame itself has no gradient; dividing by 1 then leaves zero energy zero
        norms[name] = float(gradient.norm()) * image.numel() ** 0.5 or 1.0
    content = float(features[CONTENT_LAYER].detach().float().square().sum())
    return Calibration(norms, content or 1.0)


class Objective:
    """L(x) = Σ_l α_l E_l(x)/g_l + β·C(x) + γ·T(x) + R(x), with α normalized to add up to 1 and g from the shot's :class:`Calibration`.

    Args:
        targets: Gram matrices per layer.
        content: ``1×3×H×W``, the frame as rendered.
        values: weights of this frame.
        warped, visibility: previous result warped to this frame and where it can be trusted (``1×3×H×W``, ``1×1×H×W``), or None.
    """

    def __init__(
        self,
        network: VGG19,
        targets: Mapping[str, Tensor],
        calibration: Calibration,
        content: Tensor,
        values: FrameValues,
        warped: Tensor | None = None,
        visibility: Tensor | None = None,
    ) -> None:
        self._network = network
        self._targets = targets
        self._factors = {name: weight / calibration.style[name] for name, weight in values.layer_weights.normalized().items()}
        self._content_weight = _CONTENT_UNIT * values.content_weight
        self._content_scale = calibration.content
        self._temporal_weight = _TEMPORAL_UNIT * values.temporal_weight if warped is not None else 0.0
        self._warped, self._visibility = warped, visibility
        self._layers = set(self._factors)
        if self._content_weight > 0:
            self._layers.add(CONTENT_LAYER)
            with torch.no_grad():
                self._content_features = network(content, {CONTENT_LAYER})[CONTENT_LAYER]

    def style(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return Σ α_l E_l / g_l of activations."""
        energies = [factor * style_energy(gram_matrix(features[name]), self._targets[name]) for name, factor in self._factors.items()]
        return torch.stack(energies).sum()

    def __call__(self, image: Tensor) -> Tensor:
        """Return the loss of ``1×3×H×W``, a scalar on its device."""
        features = self._network(image, self._layers)
        loss = self.style(features) + _RANGE_WEIGHT * range_energy(image)
        if self._content_weight > 0:
            loss = loss + self._content_weight * content_energy(features[CONTENT_LAYER], self._content_features, self._content_scale)
        if self._temporal_weight > 0 and self._warped is not None and self._visibility is not None:
            loss = loss + self._temporal_weight * temporal_energy(image, self._warped, self._visibility)
        return loss
