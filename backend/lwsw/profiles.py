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

#: The layer whose features keep the composition (Gatys, Ecker, Bethge 2016).
CONTENT_LAYER = "relu4_2"

#: Whose colours the result has: the painting's; the source's, with the painting's light and dark; or a painting recoloured to the source.
COLORS = ("painting", "luminance", "histogram")

#: How layer energies are made comparable: by their gradient at the shot's first frame, or by the constants of Gatys et al.
NORMALIZATIONS = ("calibrated", "gatys")


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
            raise LwswError("bad_weights", "All layer weights are zero, so there is no style to apply.", "Raise the weight of a layer.")
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

    def centroid(self) -> float:
        """Return the weighted geometric mean of the layers' receptive fields, in pixels: the scale at which the painting speaks."""
        total = sum(value for _, value in self.items_by_depth)
        return math.exp(sum(value * math.log(receptive_field(name)) for name, value in self.items_by_depth) / total)

    @classmethod
    def parse(cls, text: str) -> LayerWeights:
        """Read ``"relu1_1=1,relu3_1=0.5"``; raise what :func:`parse_layers` raises, and as the class does."""
        return cls(parse_layers(text))


def parse_layers(text: str) -> dict[str, float]:
    """Read ``"relu1_1=1,relu3_1=0.5"`` without asking whether there are such layers and whether they can weigh that.

    Raises:
        LwswError: ``bad_weights`` with the part that cannot be read, or the layer that stands twice.
    """
    weights: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            weight = float(value)
        except ValueError:
            weight = None
        if weight is None or not name:
            hint = "Write weights as relu1_1=1,relu3_1=0.5, with decimal points."
            raise LwswError("bad_weights", f"'{part}' is not a layer weight.", hint)
        if name in weights:
            raise LwswError("bad_weights", f"The layer {name} stands twice in '{text}'.", "Keep one of its weights.")
        weights[name] = weight
    return weights


def parse_shares(text: str, count: int, option: str) -> list[float]:
    """Read ``0.7,0.3``, the weights of ``count`` paintings; raise ``bad_weights``. ``option`` is where they stand."""
    shares = []
    for part in (piece.strip() for piece in text.split(",")):
        try:
            shares.append(float(part))
        except ValueError:
            message = f"'{part}' in {option} is not a number."
            raise LwswError("bad_weights", message, "Write one number for each painting, such as 0.7,0.3.") from None
    if len(shares) != count:
        paintings = "1 painting" if count == 1 else f"{count} paintings"
        message = f"There are {paintings} and {len(shares)} weights in {option}."
        raise LwswError("bad_weights", message, "Give one weight for each painting, in the order of the paintings.")
    return shares


def stroke_exponent(weights: LayerWeights) -> float:
    """Return the exponent p of the image variable (:mod:`lwsw.core.image_variable`) that follows the weights.

    p is 0 where only relu1_1 weighs, 1 where only relu5_1 or deeper does, and in between the place of the weights' centroid between
    the two, measured in octaves: large strokes need an optimizer that moves large structure, grain one that moves pixels
    (``docs/study.md`` has the measurements).
    """
    low, high = math.log(receptive_field("relu1_1")), math.log(receptive_field("relu5_1"))
    return min(1.0, (math.log(weights.centroid()) - low) / (high - low))


@dataclass(frozen=True)
class Look:
    """What one frame, or one region of it, is painted with; everything that changes over time is evaluated already.

    Attributes:
        layer_weights: which scale of the painting speaks.
        content_weight: how firmly the picture's own shapes stay.
        strength: factor of the style loss; 0 leaves the picture as rendered.
        style_weights: share of each painting of the job, adding up to 1.
        frequency_exponent: p of the image variable; None follows the weights (:func:`stroke_exponent`).
        color: one of :data:`COLORS`.
    """

    layer_weights: LayerWeights
    content_weight: float = 1.0
    strength: float = 1.0
    style_weights: tuple[float, ...] = (1.0,)
    frequency_exponent: float | None = None
    color: str = "painting"

    @property
    def exponent(self) -> float:
        """The exponent p of the image variable."""
        return stroke_exponent(self.layer_weights) if self.frequency_exponent is None else self.frequency_exponent


@dataclass(frozen=True)
class FrameValues:
    """The settings of one frame: the look of the whole picture, those of its regions, and how firmly strokes stick to surfaces."""

    look: Look
    temporal_weight: float = 1.0
    regions: tuple[Look, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A named look: which scale of the painting speaks, against how much content."""

    label: str
    weights: tuple[float, float, float, float, float]  # of MAIN_LAYERS, as shares of influence (see core.objective)
    content_weight: float

    def layer_weights(self) -> LayerWeights:
        """Return the weights of the five main layers."""
        return LayerWeights(dict(zip(MAIN_LAYERS, self.weights, strict=True)))


PROFILES: dict[str, Profile] = {
    "fine-grain": Profile("Fine-Grain", (1.0, 3.0, 2.0, 0.0, 0.0), 2.5),
    "balanced": Profile("Balanced", (1.0, 1.0, 1.0, 1.0, 1.0), 1.0),
    "abstract": Profile("Abstract", (0.0, 0.0, 0.5, 2.0, 4.0), 0.2),
}
DEFAULT_PROFILE = "balanced"
CUSTOM_PROFILE = "custom"


def get_profile(name: str) -> Profile:
    """Return a named profile; raise ``bad_settings`` for a name that does not exist."""
    try:
        return PROFILES[name]
    except KeyError:
        hint = f"Use one of: {', '.join(PROFILES)}, or custom with your own weights."
        raise LwswError("bad_settings", f"There is no profile '{name}'.", hint) from None
