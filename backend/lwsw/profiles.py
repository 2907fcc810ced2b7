"""Layer names of VGG-19, weights per layer, and the named profiles. No torch here: settings are checked before it loads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import LwswError

#: Every ReLU of VGG-19 (Simonyan & Zisserman 2015), shallow to deep.
LAYER_NAMES: tuple[str, ...] = tuple(
    f"relu{block}_{index}" for block, convolutions in enumerate((2, 2, 4, 4, 4), 1) for index in range(1, convolutions + 1)
)

#: The five layers of Gatys, Ecker, Bethge 2016: one per block, and one slider each.
MAIN_LAYERS: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def layer_stride(name: str) -> int:
    """Return how many image pixels one step in this layer spans (1, 2, 4, 8 or 16)."""
    return 1 << (int(name[4]) - 1)


def receptive_field(name: str) -> int:
    """Return the width in pixels of the image patch that one unit of this layer sees: 3 for relu1_1, 156 for relu5_1."""
    size = 1
    for layer in LAYER_NAMES:
        stride = layer_stride(layer)
        if layer != "relu1_1" and layer.endswith("_1"):
            size += stride // 2  # the 2×2 pooling before the block
        size += 2 * stride  # a 3×3 convolution
        if layer == name:
            return size
    raise unknown_layer(name)


def unknown_layer(name: str) -> LwswError:
    """Return the error for a layer that VGG-19 does not have."""
    return LwswError("unknown_layer", f"There is no layer '{name}' in VGG-19.", f"Use one of: {', '.join(LAYER_NAMES)}.")


@dataclass(frozen=True)
class LayerWeights(Mapping[str, float]):
    """One non-negative weight α per VGG-19 layer; layers left out weigh nothing and are not computed.

    Raises:
        LwswError: ``unknown_layer``, or ``bad_weights`` for a negative, infinite or NaN value or when all are zero.
    """

    items_by_depth: tuple[tuple[str, float], ...]

    def __init__(self, weights: Mapping[str, float]) -> None:
        for name, value in weights.items():
            if name not in LAYER_NAMES:
                raise unknown_layer(name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
                raise LwswError("bad_weights", f"The weight of {name} is {value}.", "Layer weights are numbers from 0 upwards.")
        ordered = tuple((name, float(weights[name])) for name in LAYER_NAMES if weights.get(name, 0) > 0)
        if not ordered:
            raise LwswError("bad_weights", "All layer weights are zero, so there is no style to apply.", "Raise at least one layer slider.")
        object.__setattr__(self, "items_by_depth", ordered)

    def __getitem__(self, name: str) -> float:
        return dict(self.items_by_depth)[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items_by_depth)

    def __len__(self) -> int:
        return len(self.items_by_depth)

    def normalized(self) -> LayerWeights:
        """Return the same balance with weights that add up to 1."""
        total = sum(value for _, value in self.items_by_depth)
        return LayerWeights({name: value / total for name, value in self.items_by_depth})

    @classmethod
    def parse(cls, text: str) -> LayerWeights:
        """Read ``"relu1_1=1,relu3_1=0.5"``; raise ``bad_weights`` with the part that cannot be read."""
        weights: dict[str, float] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, _, value = part.partition("=")
            try:
                weights[name.strip()] = float(value)
            except ValueError:
                raise LwswError("bad_weights", f"'{part}' is not a layer weight.", "Write weights as relu1_1=1,relu3_1=0.5.") from None
        return cls(weights)


@dataclass(frozen=True)
class FrameValues:
    """The settings of one frame, after evaluating what changes over time."""

    layer_weights: LayerWeights
    content_weight: float
    temporal_weight: float


@dataclass(frozen=True)
class Profile:
    """A named look: which scale of the painting speaks, on which image variable, against how much content."""

    label: str
    weights: tuple[float, float, float, float, float]  # of MAIN_LAYERS, as shares of influence (see core.calibration)
    frequency_exponent: float  # p of core.image_variable: 0 optimizes pixels, 1 favours large strokes
    content_weight: float

    def layer_weights(self) -> LayerWeights:
        """Return the weights of the five main layers."""
        return LayerWeights(dict(zip(MAIN_LAYERS, self.weights, strict=True)))


PROFILES: dict[str, Profile] = {
    "fine-grain": Profile("Fine-Grain", (4.0, 2.0, 0.5, 0.1, 0.05), 0.25, 0.5),
    "balanced": Profile("Balanced", (1.0, 1.0, 1.0, 1.0, 1.0), 0.5, 1.0),
    "abstract": Profile("Abstract", (0.5, 0.25, 0.5, 2.0, 4.0), 1.0, 1.0),
}
DEFAULT_PROFILE = "balanced"


def get_profile(name: str) -> Profile:
    """Return a named profile; raise ``bad_settings`` for a name that does not exist."""
    try:
        return PROFILES[name]
    except KeyError:
        hint = f"Use one of: {', '.join(PROFILES)}, or custom with your own weights."
        raise LwswError("bad_settings", f"There is no profile '{name}'.", hint) from None
