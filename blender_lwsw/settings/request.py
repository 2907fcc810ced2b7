"""What a script asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: A number that holds for the whole shot, or one per frame.
Weight = float | Sequence[float]


@dataclass
class Request:
    """What a script asks for; None means: as the scene's settings say. :func:`.api.stylize` documents each."""

    style: str | Path | Mapping[str | Path, Weight] | None = None
    profile: str | None = None
    layer_weights: Mapping[str, Weight] | None = None
    content_weight: Weight | None = None
    temporal_weight: Weight | None = None
    strength: Weight | None = None
    frequency_exponent: Weight | str | None = None
    color: str | None = None
    content_layers: str | Sequence[str] | Mapping[str, float] | None = None
    normalization: str | None = None
    regions: Sequence[Mapping[str, Any]] | None = None
    cuts: str | Sequence[int] | None = None
    second_pass: str | None = None
    iterations: int | None = None
    first_iterations: int | None = None
    seed: int | None = None
    width: int | None = None
    frame_start: int | None = None
    frame_end: int | None = None
    source: str | None = None
    pictures: str | Path | Mapping[int, Path] | None = None
    passes: str | Path | None = None
    render_passes: bool | None = None
    motion_blur: str | None = None
    paint_while_rendering: bool | None = None
    strips: Sequence[str] = ()
    output: str | Path | None = None
    add_strip: bool = True
    add_source_strip: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
