"""The named profiles, and the layers of VGG-19. The backend has the same tables in ``lwsw/profiles.py``; a test compares them."""

from __future__ import annotations

from typing import NamedTuple

#: Every ReLU of VGG-19, shallow to deep.
LAYER_NAMES: tuple[str, ...] = tuple(
    f"relu{block}_{index}" for block, convolutions in enumerate((2, 2, 4, 4, 4), 1) for index in range(1, convolutions + 1)
)

#: The layers that get a slider, shallow to deep.
MAIN_LAYERS: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

#: The others.
ADVANCED_LAYERS: tuple[str, ...] = tuple(name for name in LAYER_NAMES if name not in MAIN_LAYERS)

#: What each slider speaks about.
LAYER_LABELS: tuple[str, ...] = ("Grain", "Fine Texture", "Brush Strokes", "Shapes", "Large Structure")

CUSTOM = "custom"
DEFAULT_PROFILE = "balanced"
DEFAULT_CONTENT_LAYER = "relu4_2"


class Profile(NamedTuple):
    """A named look: shares of influence of the main layers, and the content weight."""

    label: str
    weights: tuple[float, float, float, float, float]
    content_weight: float


PROFILES: dict[str, Profile] = {
    "fine-grain": Profile("Fine-Grain", (1.0, 3.0, 2.0, 0.0, 0.0), 2.5),
    "balanced": Profile("Balanced", (1.0, 1.0, 1.0, 1.0, 1.0), 1.0),
    "abstract": Profile("Abstract", (0.0, 0.0, 0.5, 2.0, 4.0), 0.2),
}


def _receptive_fields() -> dict[str, int]:
    fields, size = {}, 1
    for layer in LAYER_NAMES:
        stride = 1 << (int(layer[4]) - 1)
        if layer != "relu1_1" and layer.endswith("_1"):
            size += stride // 2  # the 2×2 pooling before the block
        size += 2 * stride  # a 3×3 convolution
        fields[layer] = size
    return fields


#: Width in pixels, at the size that is stylized, of the patch that one unit of each layer sees.
RECEPTIVE_FIELDS: dict[str, int] = _receptive_fields()


def structure_size(layer: str, render_width: int, stylized_width: int) -> float:
    """Return how large a structure a layer sees, in pixels of the render.

    Args:
        layer: ``relu1_1`` … ``relu5_4``.
        render_width: width of the rendered frame, in pixels.
        stylized_width: width at which it is stylized, in pixels; 0 means the render's.
    """
    return RECEPTIVE_FIELDS[layer] * (render_width / stylized_width if stylized_width else 1.0)
