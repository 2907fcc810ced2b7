"""Variations of a scene's look: what is painted on a sheet, and what a click on one of them sets."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..settings.profiles import ADVANCED_LAYERS, CUSTOM, LAYER_LABELS, MAIN_LAYERS, PROFILES
from ..settings.properties import filling_in, profile_identifier

#: Factors of the present strength, from row to row.
STRENGTHS = (0.5, 1.0, 2.0)

#: How many random variations there are, the present look in their middle included.
COUNT = 9
COLUMNS = 3

_SPREAD = 1.2  # standard deviation of the logarithm of a weight at amount 1: a third of the weights are at least 3 times larger or smaller


@dataclass(frozen=True)
class Variation:
    """One cell of a sheet.

    Attributes:
        label: what is written below it.
        values: properties of ``scene.lwsw`` and what they become; profile aside.
        profile: identifier of the profile that these values are, or the custom one.
    """

    label: str
    values: Mapping[str, float]
    profile: str

    def settings(self) -> dict[str, Any]:
        """Return what differs in the settings of a job."""
        layers = {layer: self.values[layer] for layer in (*MAIN_LAYERS, *ADVANCED_LAYERS) if self.values.get(layer, 0.0) > 0}
        return {
            "profile": CUSTOM,
            "layer_weights": layers,
            "content_weight": self.values["content_weight"],
            "strength": self.values["strength"],
        }


def variations_of(settings: Any) -> list[Variation]:
    """Return what a sheet shows, as ``scene.lwsw`` says."""
    if settings.explore == "PROFILES":
        return by_profile(settings)
    return at_random(settings, settings.explore_seed, settings.explore_amount)


def by_profile(settings: Any) -> list[Variation]:
    """Return each profile at each of the :data:`STRENGTHS`, row by row.

    Args:
        settings: ``scene.lwsw``.
    """
    base = settings.strength or 1.0
    found = []
    for factor in STRENGTHS:
        for name, profile in PROFILES.items():
            values = dict(zip(MAIN_LAYERS, profile.weights, strict=True)) | dict.fromkeys(ADVANCED_LAYERS, 0.0)
            strength = _short(base * factor)
            values |= {"content_weight": profile.content_weight, "strength": strength}
            found.append(Variation(f"{profile.label}, strength {strength:g}", values, profile_identifier(name)))
    return found


def at_random(settings: Any, seed: int, amount: float) -> list[Variation]:
    """Return the present look and random ones around it, the present one in the middle.

    Args:
        settings: ``scene.lwsw``.
        seed: the same seed gives the same variations of the same look.
        amount: how far they go; 0 not at all, 1 far.
    """
    generator = random.Random(seed)
    names = (*MAIN_LAYERS, *ADVANCED_LAYERS, "content_weight", "strength")
    present = {name: _short(getattr(settings, name)) for name in names}
    largest = max(present[layer] for layer in (*MAIN_LAYERS, *ADVANCED_LAYERS)) or 1.0
    found = []
    for index in range(COUNT):
        values = dict(present)
        if index != COUNT // 2:
            for name in (*MAIN_LAYERS, "content_weight"):
                # a layer that is silent may come in, quietly
                start = values[name] or 0.1 * largest * (name in MAIN_LAYERS) * (generator.random() < amount)
                values[name] = _short(start * 2.718281828 ** (amount * _SPREAD * generator.gauss(0.0, 1.0)))
        label = _words(values, present, largest) if index != COUNT // 2 else "as it is"
        found.append(Variation(label, values, settings.profile if index == COUNT // 2 else profile_identifier(CUSTOM)))
    return found


def take_variation(scene: bpy.types.Scene, variation: Variation) -> None:
    """Give a scene the look of a variation. Animated properties get a keyframe at the current frame, or they would fall back."""
    settings = scene.lwsw
    animated = {curve.data_path for curve in compat.fcurves(scene)}
    with filling_in():
        settings.profile = variation.profile
        if variation.profile != profile_identifier(CUSTOM):
            settings.automatic_stroke_size = True
        for name, value in variation.values.items():
            setattr(settings, name, value)
    for name in variation.values:
        if f"lwsw.{name}" in animated:
            scene.keyframe_insert(f"lwsw.{name}")


def chosen(variations: Sequence[Variation], index: int) -> Variation:
    """Return a variation by its number from 0; raise ``bad_settings`` where there is none."""
    if not variations:
        raise LwswError("bad_settings", "There is no sheet of variations.", "Press Explore first.")
    if not 0 <= index < len(variations):
        message = f"There is no variation {index}."
        raise LwswError("bad_settings", message, f"They are numbered from 0 to {len(variations) - 1}.")
    return variations[index]


def _words(values: Mapping[str, float], present: Mapping[str, float], largest: float) -> str:
    """Name the two things that changed most."""
    names = dict(zip(MAIN_LAYERS, LAYER_LABELS, strict=True)) | {"content_weight": "Keep Content"}
    scale = {name: largest if name in MAIN_LAYERS else max(present[name], 0.5) for name in names}
    order = sorted(names, key=lambda name: -abs(values[name] - present[name]) / scale[name])
    return ", ".join(f"{names[name]} {values[name]:g}" for name in order[:2])


def _short(value: float) -> float:
    return float(f"{value:.3g}")
