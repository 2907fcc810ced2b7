"""Draft, Preview and Final: how much work goes into a picture. They change no look, only its size and how far it is worked out."""

from __future__ import annotations

from typing import Any, NamedTuple

#: Identifier of a quality whose numbers are the artist's own.
CUSTOM_QUALITY = "CUSTOM"
DEFAULT_QUALITY = "FINAL"

#: Below this width, in pixels, the deep layers see more than the picture: a draft is not made smaller.
SMALLEST_WIDTH = 256


class Quality(NamedTuple):
    """A named amount of work.

    Attributes:
        label: what the panel calls it.
        share: width of the stylized frames as a share of the source's.
        iterations: optimization steps of each frame after the first.
        first_iterations: optimization steps of the first frame, at each of its sizes.
        description: what it is good for.
    """

    label: str
    share: float
    iterations: int
    first_iterations: int
    description: str


QUALITIES: dict[str, Quality] = {
    "DRAFT": Quality(
        "Draft",
        0.25,
        8,
        60,
        "A quarter of the width, few steps: for timing and cuts. Strokes are large for the small picture",
    ),
    "PREVIEW": Quality(
        "Preview", 0.5, 12, 120, "Half the width: for judging the motion and, roughly, the look, in about a seventh of the time"
    ),
    "FINAL": Quality("Final", 1.0, 20, 240, "The full width of the render and enough steps for strokes to settle"),
}


def stylized_width(settings: Any, source_width: int) -> int:
    """Return the width that a scene's settings ask for.

    Args:
        settings: ``scene.lwsw``.
        source_width: width of the frames that are stylized, in pixels.

    Returns:
        Pixels; 0 where it is the source's width. May be larger than the source, which a job then says and ignores.
    """
    quality = QUALITIES.get(settings.quality)
    if quality is None or quality.share == 1.0:
        return int(settings.width)
    return share_of_width(quality, source_width)


def share_of_width(quality: Quality, source_width: int) -> int:
    """Return the width of a quality in pixels; 0 where it is the source's."""
    width = max(SMALLEST_WIDTH, round(quality.share * source_width))
    return width if width < source_width else 0
