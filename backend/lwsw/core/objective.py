"""The loss of one look in one frame, and the constants it compares with: style targets, content targets, calibration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..profiles import CONTENT_LAYER, LAYER_NAMES, Look
from .guidance import Guidance
from .losses import content_energy, grain_matrix, palette_matrix, range_energy, style_energy, temporal_energy
from .vgg import VGG19

#: Statistics of the pixels themselves, whose energies stand beside those of the layers.
PIXEL_STATISTICS: Mapping[str, Callable[[Tensor, Tensor | None], Tensor]] = {"palette": palette_matrix, "grain": grain_matrix}
#: α/β of Gatys, Ecker, Bethge 2016 (their figure 3, B): what a content weight of 1 means with the normalization ``gatys``.
GATYS_CONTENT_RATIO = 1e-3

# What a content weight of 1 means beside a style loss that counts in image distances. Chosen by eye on one frame of the demo at 384×216:
# between half of it, where Balanced dissolves windows and the fence, and one and a half times, where they are plain.
_CONTENT_UNIT = 0.006
# What a temporal weight of 1 means, measured on the demo clip against frames painted one by one with three times the iterations: at 0.2 the
# result was steadier than the render itself (0.75 of its warping error) and 5 % short of their style, at 0.05 0.84 and 3 %. At 0.02,
# with a shorter first step and a longer first frame as well, 0.88 and 2 %.
_TEMPORAL_UNIT = 0.02
# Strong enough that less than 1 % of the values end outside [0, 1]; the style loss of the clipped picture fell by 30 %.
_RANGE_WEIGHT = 3.0
# Of each, beside the layers' total of 1: enough to hold the palette where only deep layers speak, which say nothing about colour, and
# to bring coloured specks on a woodcut from 2.1 to 1.3 times the painting's own, while the layers' energies end as low as without
# (0.05 and 0.3 do about the same).
_PIXEL_WEIGHT = 0.1


@dataclass(frozen=True)
class Calibration:
    """Constants of a shot that make weights mean influence. Frozen: measuring them again in each frame would flicker.

    Attributes:
        style: what the energy of each layer, and of the :data:`PIXEL_STATISTICS`, is divided by. *Calibrated*: √N·‖∂E_l/∂x‖₂ at the
            reference, N the number of values in the region (3·H·W for a whole picture), which is how much E_l falls per unit of root
            mean square change of the image. E_l divided by it is a distance between images, so equal weights are equal shares of the
            gradient. *Gatys*: one constant for all, so that the paper's formula stays what it is up to a common factor.
        content: what the mean squared feature of each content layer is divided by: its value at the reference, or that same constant.
        normalization: ``calibrated`` or ``gatys``.
    """

    style: Mapping[str, float]
    content: Mapping[str, float]
    normalization: str = "calibrated"


@torch.no_grad()
def style_targets(network: VGG19, painting: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
    """Return what a painting asks for: the Gram matrices of these layers, and its :data:`PIXEL_STATISTICS`.

    Args:
        painting: ``1×3×h×w`` on [0, 1].
        layers: names.
    """
    pixels = {name: statistic(painting, None) for name, statistic in PIXEL_STATISTICS.items()}
    return {**network.statistics(painting, layers)[0], **pixels}


def blend_targets(targets: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Return the weighted mean of several paintings' targets.

    For Σ wᵢ = 1, Σ wᵢ‖G − Aᵢ‖² and ‖G − Σ wᵢAᵢ‖² differ by a constant, so the mean costs nothing more per iteration.
    """
    used = [(target, share) for target, share in zip(targets, shares, strict=True) if share > 0]
    return {name: torch.stack([share * target[name] for target, share in used]).sum(0) for name in used[0][0]}


def calibrate(
    network: VGG19,
    reference: Tensor,
    targets: Mapping[str, Tensor],
    *,
    content_layers: Collection[str] = (CONTENT_LAYER,),
    normalization: str = "calibrated",
    guidance: Guidance | None = None,
) -> Calibration:
    """Measure what energies are divided by, at a reference frame; :class:`Calibration` says how.

    Args:
        reference: ``1×3×H×W``, the shot's first frame before stylization.
        targets: from :func:`style_targets`, for every layer that ever weighs in this shot.
        content_layers: names.
        normalization: ``calibrated`` or ``gatys``.
        guidance: the region; None is the whole picture.
    """
    root = (reference.numel() if guidance is None else 3.0 * float(guidance.area)) ** 0.5
    if normalization == "gatys":
        layers = [name for name in targets if name in LAYER_NAMES]
        image, energies = _energies_at(network, reference, {name: targets[name] for name in layers}, guidance)
        constant = _gradient_norm(torch.stack(list(energies.values())).mean(), image) * root or 1.0
        return Calibration(dict.fromkeys(layers, constant), dict.fromkeys(content_layers, constant), normalization)
    norms = gradient_norms(network, reference, targets, guidance)
    if "grain" in norms:
        norms["grain"] = max(norms["grain"], _least_norm_of_grain(targets["grain"]) / root)
    with torch.no_grad():
        features = network(reference, content_layers)
    zero = torch.zeros((), device=reference.device)
    content = {name: 2 * float(content_energy(features[name], zero, _positions(guidance, name))) for name in content_layers}
    # a painting that is the frame itself has no gradient; dividing by 1 then leaves zero energy zero
    return Calibration(
        {name: norm * root or 1.0 for name, norm in norms.items()}, {name: value or 1.0 for name, value in content.items()}, normalization
    )


def gradient_norms(network: VGG19, image: Tensor, targets: Mapping[str, Tensor], guidance: Guidance | None = None) -> dict[str, float]:
    """Return ‖∂E_l/∂x‖₂ at an image for each entry of ``targets``."""
    variable, energies = _energies_at(network, image, targets, guidance)
    return {name: _gradient_norm(energy, variable) for name, energy in energies.items()}


def gradient_shares(
    network: VGG19, image: Tensor, targets: Mapping[str, Tensor], calibration: Calibration, look: Look, guidance: Guidance | None = None
) -> dict[str, float]:
    """Return each layer's share of the style gradient at an image: α_l‖∂E_l/∂x‖/g_l, scaled to add up to 1.

    At the shot's reference these are the layer weights themselves. How they stand at the end of the optimization says which scales had
    more to give.
    """
    weights = look.layer_weights.normalized()
    norms = gradient_norms(network, image, {name: targets[name] for name in weights}, guidance)
    pulls = {name: weight * norms[name] / calibration.style[name] for name, weight in weights.items()}
    total = sum(pulls.values()) or 1.0
    return {name: pull / total for name, pull in pulls.items()}


class Objective:
    """L(x) = s·[Σ_l α_l E_l(x)/g_l + κ Σ_k P_k(x)/g_k] + β·C(x) + γ·T(x) + R(x), α normalized to add up to 1, s the look's strength.

    g are the constants of the shot (:class:`Calibration`), P the energies of the palette and of the colour grain
    (:func:`lwsw.core.losses.palette_matrix`, :func:`lwsw.core.losses.grain_matrix`), κ = 0.1. With the normalization ``gatys`` the style
    and content terms are those of the paper, Σ w_l E_l + (α/β) ½‖F − F_c‖², divided by one constant of the shot, without P and R.

    Args:
        targets: from :func:`blend_targets`.
        content: ``1×3×H×W``, the frame as rendered.
        look: weights of this frame.
        content_layers: weight of each content layer; their sum does not matter.
        content_features: activations of ``content`` in these layers where they are known already.
        temporal_weight, warped, visibility: previous result warped to this frame and where it can be trusted (``1×3×H×W``, ``1×1×H×W``).
        guidance: the region that counts; None is the whole picture.
    """

    def __init__(
        self,
        network: VGG19,
        targets: Mapping[str, Tensor],
        calibration: Calibration,
        content: Tensor,
        look: Look,
        *,
        content_layers: Mapping[str, float] | None = None,
        content_features: Mapping[str, Tensor] | None = None,
        temporal_weight: float = 0.0,
        warped: Tensor | None = None,
        visibility: Tensor | None = None,
        guidance: Guidance | None = None,
    ) -> None:
        self._network = network
        self._targets = targets
        self._guidance = guidance
        gatys = calibration.normalization == "gatys"
        weights: dict[str, float] = dict(look.layer_weights.normalized())
        self._keeps_range = not gatys
        if not gatys:
            weights |= dict.fromkeys(PIXEL_STATISTICS, _PIXEL_WEIGHT)
        self._style_factors = {name: look.strength * weight / calibration.style[name] for name, weight in weights.items()}
        self._content_factors: dict[str, float] = {}
        layers = content_layers or {CONTENT_LAYER: 1.0}
        used = [name for name, weight in layers.items() if weight > 0 and look.content_weight > 0]
        if content_features is None:
            with torch.no_grad():
                content_features = network(content, used) if used else {}
        self._content_features = content_features
        for name in used:
            unit = _CONTENT_UNIT
            if gatys:  # the paper sums over positions
                height, width = self._content_features[name].shape[2:]
                unit = GATYS_CONTENT_RATIO * (height * width if guidance is None else float(guidance.at(name).sum()))
            self._content_factors[name] = unit * look.content_weight * layers[name] / sum(layers.values()) / calibration.content[name]
        self._temporal_weight = _TEMPORAL_UNIT * temporal_weight if warped is not None else 0.0
        self._warped = warped
        self._visibility = visibility if guidance is None or visibility is None else visibility * guidance.mask

    def __call__(self, image: Tensor) -> Tensor:
        """Return the loss of ``1×3×H×W``, a scalar on its device."""
        guidance = self._guidance
        targets = {name: self._targets[name] for name in self._style_factors}
        energies, features = _energies(self._network, image, targets, guidance, self._content_factors)
        loss = torch.stack([factor * energies[name] for name, factor in self._style_factors.items()]).sum()
        for name, factor in self._content_factors.items():
            loss = loss + factor * content_energy(features[name], self._content_features[name], _positions(guidance, name))
        if self._keeps_range:
            loss = loss + _RANGE_WEIGHT * range_energy(image, None if guidance is None else guidance.mask)
        if self._temporal_weight > 0 and self._warped is not None and self._visibility is not None:
            loss = loss + self._temporal_weight * temporal_energy(image, self._warped, self._visibility)
        return loss


def _energies(
    network: VGG19, image: Tensor, targets: Mapping[str, Tensor], guidance: Guidance | None, layers: Collection[str] = ()
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the style energy of each entry of ``targets``, and the activations of ``layers``."""
    grams, features = network.statistics(image, targets.keys() - PIXEL_STATISTICS.keys(), layers, None if guidance is None else guidance.at)
    for name, statistic in PIXEL_STATISTICS.items():
        if name in targets:
            grams[name] = statistic(image, None if guidance is None else guidance.mask[0, 0])
    return {name: style_energy(grams[name], target) for name, target in targets.items()}, features


def _energies_at(
    network: VGG19, image: Tensor, targets: Mapping[str, Tensor], guidance: Guidance | None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return an image as a variable, and its style energies."""
    variable = image.detach().requires_grad_()
    with torch.enable_grad():
        return variable, _energies(network, variable, targets, guidance)[0]


def _least_norm_of_grain(target: Tensor) -> float:
    """Return a tenth of √N·‖∂E/∂x‖ where a picture has twice the painting's grain, √3/4·√tr A³.

    A reference without any colour grain has no gradient either: divided by that, the grain alone would rule. The study's photographs
    and renders lie above.
    """
    return 0.1 * 3**0.5 / 4 * float(torch.trace(target @ target @ target).clamp_min(0.0).sqrt())


def _gradient_norm(energy: Tensor, variable: Tensor) -> float:
    (gradient,) = torch.autograd.grad(energy, variable, retain_graph=True)
    return float(gradient.norm())


def _positions(guidance: Guidance | None, layer: str) -> Tensor | None:
    return None if guidance is None else guidance.at(layer)
