"""The figures that the temporal benchmark is after, and what each should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A figure that should be reached.

    Attributes:
        text: what it is.
        limit: the number.
        value: finds it in the results of a scene; None where it cannot be had.
        at_least: whether more is better.
        limits: other numbers for some scenes.
    """

    text: str
    limit: float
    value: Callable[[Mapping[str, Any]], float | None]
    at_least: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)

    def limit_in(self, scene: str) -> float:
        """Return the number for a scene."""
        return self.limits.get(scene, self.limit)

    def is_met(self, scene: str, value: float) -> bool:
        """Return whether a value, rounded as it is shown, reaches the number."""
        value = round(value, 3)
        return value >= self.limit_in(scene) if self.at_least else value <= self.limit_in(scene)


def pick(results: Mapping[str, Any], *keys: str) -> Any:
    """Return what lies under some keys, None where one of them is missing."""
    found: Any = results
    for key in keys:
        if not isinstance(found, Mapping) or found.get(key) is None:
            return None
        found = found[key]
    return found


def ratio(value: float | None, other: float | None) -> float | None:
    """Return value / other, None where one of them is missing or nothing can be divided."""
    return None if value is None or not other else value / other


def _ours_over(method: str, *keys: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda results: ratio(pick(results, "ours", *keys), pick(results, method, *keys))


def _measure_of_ours(*keys: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda results: pick(results, "ours", "measures", *keys)


def steady_share(results: Mapping[str, Any]) -> float | None:
    """Return the seconds of a steady frame over those of the first."""
    return ratio(pick(results, "ours", "seconds", "steady"), pick(results, "ours", "seconds", "first"))


def style_of_steady(result: Mapping[str, Any]) -> float | None:
    """Return the style error of a method's frames after the first over that of its first."""
    frames = pick(result, "measures", "per_frame")
    return None if not frames else ratio(pick(result, "measures", "style_loss"), frames[0]["style_loss"])


_REFLECTIONS = {"reflections": 1.5}

#: The figures of every scene in which methods are compared. ``results`` are by method: {"seconds": {…}, "measures": {…}}.
GOALS = (
    Goal("warping error over the render's, neighbours", 1.2, _measure_of_ours("warping_ratio"), limits=_REFLECTIONS),
    Goal("warping error over the render's, 10 frames apart", 1.4, _measure_of_ours("warping_ratio_10"), limits=_REFLECTIONS),
    Goal("sharpness over per-frame's", 0.97, _ours_over("per-frame", "measures", "sharpness"), at_least=True),
    Goal("style error over per-frame's", 1.0, _ours_over("per-frame", "measures", "style_loss")),
    Goal("style error of freshly uncovered areas over the rest's", 1.1, _measure_of_ours("uncovered", "ratio")),
    Goal("the same over per-frame's own ratio", 1.1, _ours_over("per-frame", "measures", "uncovered", "ratio")),
    Goal("warping error over Ruder-style's", 0.5, _ours_over("ruder", "measures", "warping_error")),
    Goal("seconds of a steady frame over Ruder-style's", 0.5, _ours_over("ruder", "seconds", "steady")),
    Goal("seconds of a steady frame over the first's", 0.35, steady_share),
)
DRIFT_GOAL = Goal("ΔE76 in 100 frames", 0.5, _measure_of_ours("still", "drift"))
CLOSURE_GOAL = Goal("loop closure error over the render's", 1.3, _measure_of_ours("closure", "ratio"))
LONG_GOAL = Goal("sharpness of the last frame over that of frame 2", 0.97, lambda r: pick(r, "kept_sharpness"), at_least=True)
