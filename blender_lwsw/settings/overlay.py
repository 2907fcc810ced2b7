"""What a script asks for, laid over the settings of a scene, so that a strip remembers what was really used. Knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .profiles import CUSTOM, LAYER_NAMES, MAIN_LAYERS, PROFILES
from .quality import CUSTOM_QUALITY
from .request import Request

#: Requests whose setting has another name.
_NAMES = {"pictures": "color_pattern", "passes": "passes_pattern"}

#: Requests that are no settings: a strip knows them otherwise.
_ELSEWHERE = {"frame_start", "frame_end", "add_strip", "strips"}


def lay_over(values: dict[str, Any], request: Request) -> tuple[dict[str, Any], list[str]]:
    """Return settings with what was asked for in their place, and the names of what no setting can say.

    Args:
        values: the settings of a scene by name.
        request: what a script asked for.
    """
    values, not_kept = dict(values), []
    for item in fields(request):
        name, asked = item.name, getattr(request, item.name)
        if asked is None or name in _ELSEWHERE or (name == "settings" and not asked):
            continue
        if not _SPECIAL.get(name, _plain)(values, _NAMES.get(name, name), asked):
            not_kept.append(name.replace("_", " "))
    return values, not_kept


def _plain(values: dict[str, Any], name: str, asked: Any) -> bool:
    before = values.get(name)
    if before is None or isinstance(asked, (Mapping, list, tuple)):
        return False
    if isinstance(before, str):
        values[name] = asked.upper() if isinstance(asked, str) and before.isupper() else str(asked)
    else:
        values[name] = type(before)(asked)
    return True


def _style(values: dict[str, Any], name: str, asked: Any) -> bool:
    paintings = dict(asked) if isinstance(asked, Mapping) else {asked: 1.0}
    if not all(isinstance(share, (int, float)) for share in paintings.values()):
        return False
    (values["style"], values["style_weight"]), *others = [(str(path), float(share)) for path, share in paintings.items()]
    values["extra_styles"] = [{"path": path, "weight": share} for path, share in others]
    return True


def _profile(values: dict[str, Any], name: str, asked: Any) -> bool:
    identifier = str(asked).lower().replace("_", "-")
    profile = PROFILES.get(identifier)
    if profile is None and identifier != CUSTOM:
        return False
    values["profile"] = identifier.upper().replace("-", "_")
    if profile is not None:
        _set_layers(values, dict(zip(MAIN_LAYERS, profile.weights, strict=True)))
        values["content_weight"], values["automatic_stroke_size"] = profile.content_weight, True
    return True


def _layer_weights(values: dict[str, Any], name: str, asked: Any) -> bool:
    if not all(isinstance(weight, (int, float)) for weight in asked.values()):
        return False
    _set_layers(values, asked)
    values["profile"] = CUSTOM.upper()
    return True


def _set_layers(values: dict[str, Any], weights: Mapping[str, float]) -> None:
    values.update({layer: float(weights.get(layer, 0.0)) for layer in LAYER_NAMES})


def _frequency_exponent(values: dict[str, Any], name: str, asked: Any) -> bool:
    values["automatic_stroke_size"] = asked == "auto"
    return asked == "auto" or _plain(values, name, asked)


def _content_layers(values: dict[str, Any], name: str, asked: Any) -> bool:
    layers = [asked] if isinstance(asked, str) else list(asked)
    values[name] = sorted(layers)
    return not isinstance(asked, Mapping) or all(weight == 1 for weight in asked.values())


def _regions(values: dict[str, Any], name: str, asked: Any) -> bool:
    values[name] = []
    return not asked


def _pace(values: dict[str, Any], name: str, asked: Any) -> bool:
    values["quality"] = CUSTOM_QUALITY
    return _plain(values, name, asked)


def _output(values: dict[str, Any], name: str, asked: Any) -> bool:
    values[name] = str(Path(str(asked)))
    return True


_SPECIAL: dict[str, Callable[[dict[str, Any], str, Any], bool]] = {
    "style": _style,
    "profile": _profile,
    "layer_weights": _layer_weights,
    "frequency_exponent": _frequency_exponent,
    "content_layers": _content_layers,
    "regions": _regions,
    "output": _output,
    "width": _pace,
    "iterations": _pace,
    "first_iterations": _pace,
    "settings": lambda values, name, asked: False,
}
