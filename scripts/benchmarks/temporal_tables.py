"""The tables of the temporal benchmark, for the screen and for the document."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from .temporal_clips import COMPARED, LONG, LOOP, OURS, PER_FRAME, RUDER, STATIC
from .temporal_goals import CLOSURE_GOAL, DRIFT_GOAL, GOALS, LONG_GOAL, Goal, pick, ratio, style_of_steady

Table = tuple[Sequence[str], Sequence[Sequence[str]]]

_NONE = "–"
_OVER_TIME = ("warping_error", "warping_error_5", "warping_error_10", "warping_error_first_to_last", "flicker")
_NAMES = {PER_FRAME: "per-frame", RUDER: "Ruder-style", OURS: "ours"}
_MEASURES = (
    "warping error, neighbours",
    "5 frames apart",
    "10 frames apart",
    "first to last",
    "flicker",
    "sharpness / per-frame's",
    "style error / per-frame's",
    "style error / that of its own first frame",
    "style error, freshly uncovered / rest",
    "the same, pooled over the frames",
    "style error, freshly uncovered / per-frame's there",
    "seconds of the first frame",
    "seconds of a steady frame",
)


def comparison(results: Mapping[str, Any]) -> Table:
    """Return headings and rows of a scene in which methods are compared: measures over time of the render, and those of others over them.

    Args:
        results: by method: ``{"seconds": {…}, "measures": {…}}``, as far as there are any.
    """
    some: Mapping[str, Any] = next(iter(results.values()))["measures"]
    columns = [["render, RMS", *(number(some.get(f"{name}_of_render"), 4) for name in _OVER_TIME)]]
    for method, label in _NAMES.items():
        if method not in results:
            continue
        measures = results[method]["measures"]
        blurred, carried = (pick(measures, "controls", name) for name in ("blurred", "propagate_only"))
        if method == OURS and carried is not None:
            columns.append(_column("our first frame carried along", results, carried, measures))
        columns.append([*_column(label, results, measures, measures), *_own(results, method)])
        if method != OURS and blurred is not None:
            columns.append(_column(f"{label}, blurred", results, blurred, measures))
    filled = [column + [_NONE] * (1 + len(_MEASURES) - len(column)) for column in columns]
    headings, *rows = zip(("", *_MEASURES), *filled, strict=True)
    return headings, rows


def goals(scenes: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return headings and rows of all figures that have a goal; those that miss it are marked.

    Args:
        scenes: results by scene.
    """
    compared = [scene for scene in COMPARED if scene in scenes]
    rows = [[goal.text, _limit(goal), *(_judged(goal, scene, scenes[scene]) for scene in compared)] for goal in GOALS]
    for scene, goal in ((STATIC, DRIFT_GOAL), (LOOP, CLOSURE_GOAL), (LONG, LONG_GOAL)):
        if scene in scenes:
            rows.append([f"{goal.text}: {scene}", _limit(goal), _judged(goal, scene, scenes[scene]), *[""] * (len(compared) - 1)])
    return ["", "goal", *compared], rows


def missed(scenes: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Goal, float | None]]:
    """Return what misses its goal, or has no value: scene, goal, value."""
    asked = [(scene, goal) for scene in COMPARED if scene in scenes for goal in GOALS]
    asked += [(scene, goal) for scene, goal in ((STATIC, DRIFT_GOAL), (LOOP, CLOSURE_GOAL), (LONG, LONG_GOAL)) if scene in scenes]
    found = [(scene, goal, goal.value(scenes[scene])) for scene, goal in asked]
    return [(scene, goal, value) for scene, goal, value in found if value is None or not goal.is_met(scene, value)]


def markdown(table: Table) -> str:
    """Return a table as Markdown."""
    headings, rows = table
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def plain(table: Table) -> str:
    """Return a table as text in columns."""
    lines = [list(table[0]), *map(list, table[1])]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)) for line in lines)


def number(value: float | None, digits: int = 2) -> str:
    """Return a number, or a dash where there is none."""
    return _NONE if value is None else f"{value:.{digits}f}"


def _column(label: str, results: Mapping[str, Any], values: Mapping[str, Any], measures: Mapping[str, Any]) -> list[str]:
    """Return the name of a column, its measures over time over the render's, and sharpness and style error over per-frame's."""
    best = pick(results, PER_FRAME, "measures") or {}
    over_time = [number(ratio(values.get(name), measures.get(f"{name}_of_render"))) for name in _OVER_TIME]
    return [label, *over_time, *(number(ratio(values.get(name), best.get(name)), 3) for name in ("sharpness", "style_loss"))]


def _own(results: Mapping[str, Any], method: str) -> list[str]:
    """Return what only methods have that paint: style errors of parts, and seconds."""
    inside = [pick(results, name, "measures", "uncovered", "inside") for name in (method, PER_FRAME)]
    errors = [pick(results, method, "measures", "uncovered", name) for name in ("ratio", "pooled_ratio")]
    seconds = [number(results[method]["seconds"][name], 1) for name in ("first", "steady")]
    return [*map(number, (style_of_steady(results[method]), *errors, ratio(*inside))), *seconds]


def _limit(goal: Goal) -> str:
    words = "at least" if goal.at_least else "at most"
    others = "".join(f"; {scene} {limit:g}" for scene, limit in goal.limits.items())
    return f"{words} {goal.limit:g}{others}"


def _judged(goal: Goal, scene: str, results: Mapping[str, Any]) -> str:
    value = goal.value(results)
    if value is None:
        return "not measured"
    return number(value, 3) if goal.is_met(scene, value) else f"**{number(value, 3)}: missed**"


def _width(text: str) -> int:
    return sum(not unicodedata.combining(letter) for letter in text)
