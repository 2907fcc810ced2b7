"""The named profiles and the five main layers. The backend has the same table in ``lwsw/profiles.py``; a test compares them."""

from __future__ import annotations

from typing import NamedTuple

#: The layers that get a slider, shallow to deep.
MAIN_LAYERS: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

#: What each slider speaks about.
LAYER_LABELS: tuple[str, ...] = ("Grain", "Fine Texture", "Brush Strokes", "Shapes", "Large Structure")

#: Width in pixels, at the size that is stylized, of the patch that one unit of each main layer sees.
RECEPTIVE_FIELDS: tuple[int, ...] = (3, 10, 24, 68, 156)

CUSTOM = "custom"
DEFAULT_PROFILE = "balanced"


class Profile(NamedTuple):
    """A named look: shares of influence of the main layers, the image variable's exponent p, and the content weight."""

    label: str
    weights: tuple[float, float, float, float, float]
    frequency_exponent: float
    content_weight: float


PROFILES: dict[str, Profile] = {
    "fine-grain": Profile("Fine-Grain", (4.0, 2.0, 0.5, 0.1, 0.05), 0.25, 0.5),
    "balanced": Profile("Balanced", (1.0, 1.0, 1.0, 1.0, 1.0), 0.5, 1.0),
    "abstract": Profile("Abstract", (0.5, 0.25, 0.5, 2.0, 4.0), 1.0, 1.0),
}


def structure_sizes(render_width: int, stylized_width: int) -> tuple[float, ...]:
    """Return how large a structure each main layer sees, in pixels of the render.

    Args:
        render_width: width of the rendered frame, in pixels.
        stylized_width: width at which it is stylized, in pixels; 0 means the render's.
    """
    scale = render_width / stylized_width if stylized_width else 1.0
    return tuple(size * scale for size in RECEPTIVE_FIELDS)
