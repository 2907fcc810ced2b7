"""What the pictures shall look like: weights, paintings, colours and regions, read from a scene and from what a script asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..errors import LwswError
from ..source import passes
from .animation import PerFrame, values_now, values_over
from .entries import COLORS, NORMALIZATIONS, check_shares, checked, exponent_entry, known_profile, one_of, weights_entries
from .paintings import Paintings
from .profiles import ADVANCED_LAYERS, CUSTOM, LAYER_NAMES, MAIN_LAYERS, PROFILES
from .properties import profile_name
from .region_looks import REGION_NUMBERS, Region, asked_region, scene_region
from .regions import contents_of, distinct, rendered_names, shared_objects, target_of, title_of
from .request import Request

_SCENE_NUMBERS = (*LAYER_NAMES, "content_weight", "temporal_weight", "strength", "frequency_exponent", "style_weight")


@dataclass(frozen=True)
class Looks:
    """The part of a job that says what its pictures look like.

    Attributes:
        settings: entries of ``settings`` in ``job.json``.
        paintings: the files by their names in the job.
        notes: sentences for the artist.
    """

    settings: Mapping[str, Any]
    paintings: Mapping[str, Path]
    notes: tuple[str, ...]


def read_looks(scene: bpy.types.Scene, request: Request, frames: Sequence[int], renders: bool, *, now: bool = False) -> Looks:
    """Read what the pictures shall look like, and check it.

    Args:
        scene: the scene to stylize.
        request: what differs from the scene's settings.
        frames: frame numbers of the job; what changes over time is evaluated at these.
        renders: the scene is rendered now, so that what is hidden from the render can be said.
        now: for a preview. Numbers are taken as they are at this moment, sliders that were moved without a keyframe included; ``frames``
            is the current one. Regions that have no object, as a new one, are left out.

    Raises:
        LwswError: ``missing_style``, ``unreadable_style``, ``bad_weights``, ``bad_settings``.
    """
    paintings, values = Paintings(), _Values(scene, frames, now)
    shares = paintings.blend(_scene_paintings(scene.lwsw, request, values))
    look = _scene_look(scene.lwsw, request, values)
    regions = _regions(scene, request, values, paintings, rendered_names(passes.pass_layer(scene)) if renders else None)
    check_shares(shares, frames, "")
    # a painting of a region only has no share in the rest of the picture
    look["style_weights"] = {**dict.fromkeys(paintings.files, 0.0), **shares}
    look["regions"] = [region.entries() for region in regions]
    notes = [region.contents.note for region in regions if region.contents.note]
    notes += shared_objects([(region.name, region.contents.names) for region in regions])
    return Looks(look, paintings.files, tuple(notes))


class _Values:
    """Every number of a scene that may change over time, evaluated in one go."""

    def __init__(self, scene: bpy.types.Scene, frames: Sequence[int], now: bool) -> None:
        self.frames, self.are_of_now = frames, now
        paths = [f"lwsw.{name}" for name in _SCENE_NUMBERS]
        paths += [f"lwsw.extra_styles[{index}].weight" for index in range(len(scene.lwsw.extra_styles))]
        paths += [f"lwsw.regions[{index}].{name}" for index in range(len(scene.lwsw.regions)) for name in REGION_NUMBERS]
        self._values = values_now(scene, paths) if now else values_over(scene, paths, frames)

    def __getitem__(self, name: str) -> PerFrame:
        return self._values[f"lwsw.{name}"]


def _region_values(values: _Values, index: int) -> Callable[[str], PerFrame]:
    return lambda name: values[f"regions[{index}].{name}"]


def _regions(scene: bpy.types.Scene, request: Request, values: _Values, paintings: Paintings, rendered: set[str] | None) -> list[Region]:
    if request.regions is not None:
        items = list(request.regions)
        names = distinct(str(item.get("name") or item.get("collection") or "Region") for item in items)
        return [asked_region(scene, name, item, values.frames, paintings, rendered) for name, item in zip(names, items, strict=True)]
    chosen = [(index, item) for index, item in enumerate(scene.lwsw.regions) if item.enabled]
    if values.are_of_now:
        chosen = [(index, item) for index, item in chosen if not contents_of(target_of(item), "", None).error]
    names = distinct(title_of(item) for _, item in chosen)
    return [
        scene_region(name, item, _region_values(values, index), values.frames, paintings, rendered)
        for name, (index, item) in zip(names, chosen, strict=True)
    ]


def _scene_paintings(settings: Any, request: Request, values: _Values) -> Iterable[tuple[str | Path, PerFrame, str]]:
    if isinstance(request.style, Mapping):
        if not request.style:
            raise LwswError("missing_style", "No painting has been chosen.", "Choose an image file as the painting.")
        return [(path, checked(f"share of {Path(str(path)).name}", weight, values.frames), "") for path, weight in request.style.items()]
    if request.style is not None:
        return [(request.style, 1.0, "")]
    if not settings.extra_styles:
        return [(settings.style, 1.0, "")]  # one painting alone has no share, and the panel shows none
    others = [
        (item.path, values[f"extra_styles[{index}].weight"], f"in line {index + 1} of the list of paintings")
        for index, item in enumerate(settings.extra_styles)
    ]
    return [(settings.style, values["style_weight"], ""), *others]


def _scene_look(settings: Any, request: Request, values: _Values) -> dict[str, Any]:
    name = profile_name(settings.profile)
    weights: dict[str, Any] = {layer: values[layer] for layer in LAYER_NAMES}
    weights = {layer: value for layer, value in weights.items() if layer not in ADVANCED_LAYERS or value != 0}
    content: Any = values["content_weight"]
    stroke_size: Any = None if settings.automatic_stroke_size else values["frequency_exponent"]
    if request.profile is not None:
        name = known_profile(request.profile)
        if profile := PROFILES.get(name):
            weights, content, stroke_size = dict(zip(MAIN_LAYERS, profile.weights, strict=True)), profile.content_weight, None
    if request.layer_weights is not None:
        name, weights = CUSTOM, dict(request.layer_weights)
    if request.content_weight is not None:
        content = request.content_weight
    if request.frequency_exponent is not None:
        stroke_size = request.frequency_exponent
    look = weights_entries(name, weights, content, values.frames, "")
    look["temporal_weight"] = checked("temporal weight", _first(request.temporal_weight, values["temporal_weight"]), values.frames)
    look["strength"] = checked("strength", _first(request.strength, values["strength"]), values.frames)
    look["content_layers"] = _content_layers(_first(request.content_layers, settings.content_layers))
    look["frequency_exponent"] = exponent_entry(stroke_size, values.frames)
    look["normalization"] = one_of("normalization", _first(request.normalization, settings.normalization), NORMALIZATIONS)
    look["color"] = one_of("colour", _first(request.color, settings.color), COLORS)
    return look


def _content_layers(value: Any) -> dict[str, float]:
    layers = dict(value) if isinstance(value, Mapping) else dict.fromkeys([value] if isinstance(value, str) else value, 1.0)
    if not layers:
        raise LwswError("bad_settings", "No content layer has been chosen.", "Choose at least one; relu4_2 is the usual one.")
    unknown = [name for name in layers if name not in LAYER_NAMES]
    if unknown:
        raise LwswError("unknown_layer", f"There is no layer '{unknown[0]}' in VGG-19.", f"Use one of: {', '.join(LAYER_NAMES)}.")
    return {name: layers[name] for name in LAYER_NAMES if name in layers}


def _first(asked: Any, otherwise: Any) -> Any:
    return otherwise if asked is None else asked
