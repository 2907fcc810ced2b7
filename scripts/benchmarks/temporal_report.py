"""Writes docs/temporal.md: every number in it, and every judgement, comes from the run that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .temporal_clips import COMPARED, LONG, LOOP, OURS, PER_FRAME, RUDER, STATIC
from .temporal_goals import CLOSURE_GOAL, DRIFT_GOAL, LONG_GOAL, pick, ratio, steady_share, style_of_steady
from .temporal_tables import comparison, goals, markdown, missed, number

Report = Mapping[str, Any]


def write(docs: Path, report: Report) -> Path:
    """Write the document, and return where it is.

    Args:
        docs: its folder; the pictures are in ``docs/images`` by then.
        report: as :func:`benchmarks.temporal.run` makes it.
    """
    sections = (_head, _methods, _definitions, _goals, _missed, _scenes, _controls, _peer, _static, _loop, _long, _limits)
    path = docs / "temporal.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = [section(report).strip() for section in sections]
    path.write_text("\n\n".join(part for part in text if part) + "\n", encoding="utf-8")
    return path


def _compared(report: Report) -> dict[str, Mapping[str, Any]]:
    return {scene: report["scenes"][scene] for scene in COMPARED if scene in report["scenes"]}


def _head(report: Report) -> str:
    settings, machine = report["settings"], report["machine"]
    width, height = settings["size"]
    seconds = sum(pick(result, "seconds", "all") or 0.0 for results in report["scenes"].values() for result in _of_methods(results))
    return f"""
# Stillness over time, measured

    scripts/benchmark temporal

It renders scenes of the project's own (`scripts/temporal_scenes`) in Blender, {width}×{height} pixels with the Vector pass, paints them by several methods,
measures all of them in the same way and writes this page: every number and every judgement on it comes from that run. Painting: {settings["painting"]},
of high contrast. Ours has the default settings of `lwsw stylize`, {_pace(settings)}.
Machine: {machine["processor"]}, {machine["threads"]} threads, torch {machine["torch"]}, OpenCV {machine["opencv"]}. Painting took {seconds / 60:.0f} minutes in all.
"""


def _of_methods(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [result for result in results.values() if isinstance(result, Mapping) and "measures" in result]


def _pace(settings: Mapping[str, Any]) -> str:
    pace = f"{settings['iterations']} iterations for a frame, {settings['first_iterations']} at each size for the first"
    default = (settings["iterations"], settings["first_iterations"]) == (20, 240)
    return pace if default else f"but for a trial with {pace}"


def _methods(report: Report) -> str:
    settings = report["settings"]
    lags = ", ".join(map(str, settings["peer_lags"]))
    return f"""
## What is compared

- **per-frame**: `lwsw stylize --motion none`, each frame by itself with {3 * settings["iterations"]} iterations at each size, three times those of
  a steady frame. It flickers; its sharpness and style error are what ours is held against.
- **Ruder-style**: Ruder, Dosovitskiy, Brox, "Artistic style transfer for videos" (2016), single pass, in an implementation of its own
  (`scripts/ruder_peer.py`, which says what it does to the last constant) in a process of its own: L-BFGS on pixels from the warped result before,
  short- and long-term consistency with the frames {lags} back, the weights 100 : 5 : 1000 of the authors' program for style, content and
  consistency, its rules for occlusions and motion boundaries, its stopping rule. Motion is estimated (dense inverse search in OpenCV), as its
  users have it. At most {settings["peer_iterations"]} iterations a frame and {settings["peer_first_iterations"]} for the first, where the authors
  allow 1000 and 2000: that favours it in time, and costs it style. Its first frame begins with the render, which takes fewer iterations than their noise. It has the same weights of VGG-19 and the same settings of the process as ours.
- **ours**: `lwsw stylize --passes … --cameras …`.
- Controls, which show what a low warping error can be had by: **our first frame carried along**, and the results of the others **blurred** (σ = 1 px).
"""


def _definitions(_report: Report) -> str:
    return """
## What is measured

Warping errors, flicker, drift and controls: [architecture.md](architecture.md), "Measures over time". They follow the renderer's own motion and are shown
over the render's own (1 is as steady as the render). Sharpness and style error (`style_loss`) are those of `lwsw evaluate --definitions`, means over the
frames without the first. Further:

- **freshly uncovered**: pixels whose path back through the last 5 frames is lost or does not lead back (conditions 1 to 3 there), without areas
  that are narrower than 3 pixels. The style error inside is that of `style_loss` with Gram matrices weighted by these pixels at each layer's resolution
  (Gatys et al. 2017, eq. 6), *rest* is the same for all other pixels; frames count by the area, those with less than 64 such pixels are left out.
  Statistics of small areas are noisy, which alone raises their error: so per-frame has the same ratio beside it, and a row compares with its error
  in the same areas. Per-frame does not know what was uncovered: whatever its ratio is, that is what the areas themselves do. *Pooled* compares the Gram matrices of all frames together, which takes most of that bias away.
- **drift**: `color_drift` of all pixels that move by less than 0.1 px, whether or not the render's noise changes them.
- **loop closure**: the warping error from the last frame to the first, along the first frame's vectors.
- **seconds**: of painting a frame, reading included, loading of programs and network not; steady: the median of all frames but the first.
"""


def _goals(report: Report) -> str:
    return f"""
## The figures

Of ours, with what they should be. Goals that are missed are marked.

{markdown(goals(report["scenes"]))}
"""


_READING = """
**How to read these:**

- *Warping error* compares frames through a bilinear warp, which no sharp stroke survives unchanged. "Our first frame carried along" paints nothing new, so what it
  measures is that loss alone: no result of its sharpness can be below. Where the render is soft, as clouds are, this loss is more than the whole floor.
- *Freshly uncovered areas* are narrow and lie at outlines. Per-frame, which does not know what was uncovered, has a like ratio: the areas are like that. What is painted there is to be held against
  per-frame in the same areas, in the row below.
- In *light* nearly nothing but shadows moves, and the warping error counts how the light itself changes. A painting that follows it has that error, as the render has.
"""


def _missed(report: Report) -> str:
    found = missed(report["scenes"])
    if not found:
        return "Every figure above reaches its goal."
    lines = []
    for scene, goal, value in found:
        words = "at least" if goal.at_least else "at most"
        what = "could not be measured" if value is None else f"{number(value, 3)}, where {words} {goal.limit_in(scene):g} was the goal"
        lines.append(f"- {scene}: {goal.text}, {what}.")
    return "**Missed:**\n\n" + "\n".join(lines) + "\n" + _READING


def _scenes(report: Report) -> str:
    parts = ["## The scenes"]
    for scene, results in _compared(report).items():
        measures: Mapping[str, Any] = next(iter(results.values()))["measures"]
        counted = {
            "neighbours": measures.get("warping_share"),
            "10 frames apart": measures.get("warping_share_10"),
            "first to last": measures.get("warping_share_first_to_last"),
        }
        shares = ", ".join(f"{100 * share:.0f} % ({name})" for name, share in counted.items() if share is not None)
        fresh = pick(measures, "uncovered", "share")
        parts.append(
            f"""### {scene}: {COMPARED[scene]}

{markdown(comparison(results))}

Pixels that could be followed: {shares}; freshly uncovered: {number(None if fresh is None else 100 * fresh, 1)} %."""
        )
        seen = report["pictures"].get(scene)
        if seen:
            parts.append(
                f"""![{scene}: slices and details](images/temporal-{scene}.jpg)

Above, {seen["line"]} of every frame, time downwards: what stays on its surface draws smooth lines, flicker draws steps and noise. Below,
{seen["detail"]} of frames {seen["frames"]}."""
            )
    return "\n\n".join(parts)


def _controls(report: Report) -> str:
    lines = []
    for scene, results in _compared(report).items():
        ours = pick(results, OURS, "measures")
        for method, label in ((PER_FRAME, "per-frame"), (RUDER, "Ruder-style")):
            blurred = pick(results, method, "measures", "controls", "blurred")
            if ours is None or blurred is None:
                continue
            steadiness = ratio(ours.get("warping_error"), blurred.get("warping_error"))
            sharper = ratio(ours.get("sharpness"), blurred.get("sharpness"))
            if steadiness is None or sharper is None:
                continue
            verdict = "steadier and sharper than blurring" if steadiness < 1 < sharper else "**not** steadier and sharper than blurring"
            lines.append(
                f"- {scene}, {label} blurred: {number(steadiness)} × its warping error, {number(sharper)} × its sharpness: {verdict}."
            )
        carried = pick(ours or {}, "controls", "propagate_only", "style_loss")
        if ours is not None and carried:
            lines.append(f"- {scene}, our first frame carried along: ours has {number(ours['style_loss'] / carried)} × its style error.")
    return "## Against the controls\n\n" + "\n".join(lines) if lines else ""


def _peer(report: Report) -> str:
    rows, settled = [], []
    for scene, results in _compared(report).items():
        peer, ours = results.get(RUDER), results.get(OURS)
        if peer is None or ours is None:
            continue
        names = (
            "warping_error",
            "warping_error_5",
            "warping_error_10",
            "warping_error_first_to_last",
            "flicker",
            "sharpness",
            "style_loss",
        )
        shares = [ratio(ours["measures"].get(name), peer["measures"].get(name)) for name in names]
        times = [ratio(ours["seconds"][name], peer["seconds"][name]) for name in ("first", "steady")]
        rows.append([scene, *map(number, shares), *map(number, times)])
        settled.append(
            f"{scene} {peer['iterations']:.0f} iterations a frame, {100 * peer['settled']:.0f} % of the frames ended by the rule"
        )
    if not rows:
        return ""
    headings = ["ours / Ruder-style", "warping error", "5 apart", "10 apart", "first to last", "flicker", "sharpness", "style error"]
    return f"""
## Against Ruder-style

{markdown(([*headings, "seconds, first", "seconds, steady"], rows))}

What ended its frames, its stopping rule or the cap of iterations: {"; ".join(settled)}.

The style error is by our measure, in which five layers have
equal influence, which is what ours minimizes; Ruder-style minimizes the paper's loss, with equal raw weights. So that column says how far each got by
our measure and is no verdict on its own.
"""


def _static(report: Report) -> str:
    results = report["scenes"].get(STATIC)
    if results is None:
        return ""
    measures = results[OURS]["measures"]
    seconds = results[OURS]["seconds"]
    still = measures["still"]
    drifts = f"{number(DRIFT_GOAL.value(results))} ΔE76 in 100 frames (the render's own {number(still['drift_of_render'])})"
    return f"""
## Static: drift, and what a quiet frame costs

{measures["frames"]} frames in which nothing moves, ours: the mean colour drifts by {drifts}, over {number(100 * still["share"], 0)} % of
the pixels. Neighbouring frames differ by {number(measures.get("warping_error"), 4)} (render {number(measures.get("warping_error_of_render"), 4)}), the last from the
first by {number(measures.get("warping_error_first_to_last"), 4)} (render {number(measures.get("warping_error_first_to_last_of_render"), 4)}). A steady frame takes
{number(seconds["steady"], 1)} s, {number(steady_share(results))} of the first frame's {number(seconds["first"], 1)} s, and has {number(style_of_steady(results[OURS]))} of its style error.
"""


def _loop(report: Report) -> str:
    results = report["scenes"].get(LOOP)
    if results is None:
        return ""
    measures = results[OURS]["measures"]
    closing = measures.get("closure") or {}
    return f"""
## Loop: the last frame flows into the first

{measures["frames"]} frames painted with `--loop`: the warping error from the last frame to the first is {number(closing.get("error"), 4)},
{number(CLOSURE_GOAL.value(results))} × the render's ({number(closing.get("error_of_render"), 4)}); between the other neighbours it is
{number(measures.get("warping_error"), 4)}, {number(measures.get("warping_ratio"))} × the render's.
"""


def _long(report: Report) -> str:
    results = report["scenes"].get(LONG)
    if results is None:
        return ""
    ours, alone = (results["sharpness"][name] for name in (OURS, PER_FRAME))
    second, last = sorted(ours, key=int)
    frames = results[OURS]["measures"]["per_frame"]
    style = ratio(frames[-1]["style_loss"], frames[1]["style_loss"])
    measures = results[OURS]["measures"]
    return f"""
## Long: frame {last} against frame {second}

{last} frames of {report["settings"]["long_scene"]}. Sharpness of frame {last} over that of frame {second}: ours {number(ours[last] / ours[second], 3)}, per-frame
{number(alone[last] / alone[second], 3)}, which is what the content does; ours over per-frame's: **{number(LONG_GOAL.value(results), 3)}**. Style error of frame {last}
over that of frame {second}, ours: {number(style, 3)}. Warping error from first to last over the render's: {number(measures.get("warping_ratio_first_to_last"))}, over
{number(100 * (measures.get("warping_share_first_to_last") or 0.0), 0)} % of the pixels.
"""


def _limits(report: Report) -> str:
    names = ", ".join(_compared(report))
    return f"""
## What this does not show

- One painting ({report["settings"]["painting"]}), one profile, small pictures, and scenes ({names}) made to be hard in one way each.
- Each clip was painted once: seconds are those of one run, on a machine that may have had other work.
- Ruder-style here is our implementation, checked against the authors' description and default values, not against their pictures; DeepFlow, which they
  used, may be better than dense inverse search.
- Pixels that cannot be followed count in no measure over time. What happens there is seen in the style error of uncovered areas, and in the pictures.
"""
