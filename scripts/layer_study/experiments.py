"""What is varied, one function per question. Each returns plain data for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from torch import Tensor

from lwsw.core.flow import visibility
from lwsw.core.look_painter import Method
from lwsw.core.metrics import squared_warping_error, style_loss
from lwsw.core.sequence import Frame, Stylizer
from lwsw.jobs.frame_reader import image_to_tensor
from lwsw.profiles import MAIN_LAYERS, PROFILES, FrameValues, LayerWeights, Look

from . import pictures
from .bench import Bench, Cell

STEPS = 7
#: Weights that move from shallow to deep: a Gaussian bump over the five layers, σ = 0.8 layers.
SWEEP: list[tuple[float, ...]] = [
    tuple(round(math.exp(-(((layer - centre) / 0.8) ** 2) / 2), 3) for layer in range(5)) for centre in np.linspace(0, 4, STEPS)
]
#: How the sweep is painted: ours; the same with pixels as the variable; and raw weights on pixels, as today's tools do.
MODES: dict[str, dict[str, Any]] = {
    "calibrated, p follows the weights": {},
    "calibrated, pixels (p = 0)": {"exponent": 0.0},
    "uncalibrated, pixels (p = 0)": {"exponent": 0.0, "normalization": "gatys"},
}
CONTENT_WEIGHTS = (0.0625, 0.25, 1.0, 4.0)


def single(layer: int) -> tuple[float, ...]:
    """Return weights of one of the five layers alone."""
    return tuple(float(index == layer) for index in range(5))


def pairs(bench: Bench) -> list[tuple[str, str]]:
    """Return every painting with every content."""
    return [(painting, content) for painting in bench.paintings for content in bench.contents]


def calibration(bench: Bench) -> dict[str, Any]:
    """What layers weigh before calibration, and after it."""
    norms, raw_shares, reference, end = (_per_layer() for _ in range(4))
    for painting, content in pairs(bench):
        raw = bench.raw_norms(painting, content)
        cell = Cell(painting, content, (1.0,) * 5)
        at_reference = bench.shares(cell, bench.contents[content])
        at_end = bench.shares(cell, image_to_tensor(bench.image(cell)).to(bench.device))
        for layer in MAIN_LAYERS:
            norms[layer].append(raw[layer])
            raw_shares[layer].append(raw[layer] / sum(raw.values()))
            reference[layer].append(at_reference[layer])
            end[layer].append(at_end[layer])
    return {
        "norms": {layer: [min(values), median(values), max(values)] for layer, values in norms.items()},
        "raw_shares": {layer: fmean(values) for layer, values in raw_shares.items()},
        "reference": {layer: [min(values), max(values)] for layer, values in reference.items()},
        "end": {layer: fmean(values) for layer, values in end.items()},
        "spread": median(max(column) / min(column) for column in zip(*norms.values(), strict=True)),
    }


def _per_layer() -> dict[str, list[float]]:
    return {layer: [] for layer in MAIN_LAYERS}


def scale_against_centroid(bench: Bench) -> dict[str, Any]:
    """Does moving weight from shallow to deep move the painting from fine to large?"""
    result: dict[str, Any] = {}
    for name, options in MODES.items():
        rows: list[dict[str, Any]] = []
        for painting, content in pairs(bench):
            measures = [bench.measure(Cell(painting, content, weights, **options)) for weights in SWEEP]
            scales = [item["texture_scale"] for item in measures]
            centroids = [item["centroid"] for item in measures]
            used = [(centroid, scale) for centroid, scale in zip(centroids, scales, strict=True) if scale is not None]
            rho = float(spearmanr(*zip(*used, strict=True)).statistic) if len(used) > 2 else math.nan
            rows.append({"painting": painting, "content": content, "centroids": centroids, "scales": scales, "spearman": rho})
        rhos = [row["spearman"] for row in rows if not math.isnan(row["spearman"])]
        ratios = [row["scales"][-1] / row["scales"][0] for row in rows if row["scales"][0] and row["scales"][-1]]
        result[name] = {"rows": rows, "median": median(rhos), "least": min(rhos), "ratio": median(ratios)}
    return result


def single_layers(bench: Bench, paintings: Sequence[str]) -> dict[str, Any]:
    """Each layer alone: texture scale, colours, speckle."""
    result = {}
    for name, exponent in (("p follows the weights", None), ("pixels", 0.0)):
        rows = []
        for layer in range(5):
            cells = [Cell(painting, content, single(layer), exponent) for painting in paintings for content in bench.contents]
            measures = [bench.measure(cell) for cell in cells]
            rows.append(_medians(measures))
        result[name] = rows
    return result


def profiles(bench: Bench) -> dict[str, Any]:
    """The three profiles over all pairs."""
    result = {}
    for name, profile in PROFILES.items():
        cells = [Cell(painting, content, profile.weights, content_weight=profile.content_weight) for painting, content in pairs(bench)]
        result[name] = _medians([bench.measure(cell) for cell in cells])
    return result


def pareto(bench: Bench, paintings: Sequence[str]) -> dict[str, Any]:
    """How much of the picture stays against how much style it takes, for each profile, over the content weight."""
    result = {}
    for name, profile in PROFILES.items():
        rows = []
        for content_weight in CONTENT_WEIGHTS:
            cells = [
                Cell(painting, content, profile.weights, content_weight=content_weight)
                for painting in paintings
                for content in bench.contents
            ]
            rows.append({"content_weight": content_weight, **_medians([bench.measure(cell) for cell in cells])})
        result[name] = rows
    return result


def content_weight_at(points: Sequence[dict[str, Any]], likeness: float) -> float | None:
    """Return the content weight at which a profile's curve (:func:`pareto`) passes an ST-LPIPS; None where it does not.

    Between the points the logarithm of the weight is interpolated linearly.
    """
    for before, after in pairwise(sorted(points, key=lambda point: point["content_weight"])):
        here, there = before["st_lpips"] - likeness, after["st_lpips"] - likeness
        if here * there <= 0 and here != there:
            part = here / (here - there)
            return float(math.exp(math.log(before["content_weight"]) * (1 - part) + math.log(after["content_weight"]) * part))
    return None


def flicker(bench: Bench, paintings: Sequence[str], content: str, frames: int, iterations: int, first: int) -> dict[str, Any]:
    """Warping error of each profile, and of a sweep from the first to the last, over a pan whose motion is known."""
    images, flow = pictures.pan(content, bench.width, frames)
    height, width = images[0].shape[2:]
    sees = visibility(flow, -flow)
    fine, abstract = PROFILES["fine-grain"], PROFILES["abstract"]
    runs: dict[str, list[Look]] = {name: [Look(p.layer_weights(), p.content_weight)] * frames for name, p in PROFILES.items()}
    sweep = []
    for index in range(frames):
        part = index / (frames - 1)
        weights = {layer: a + part * (b - a) for layer, a, b in zip(MAIN_LAYERS, fine.weights, abstract.weights, strict=True)}
        sweep.append(Look(LayerWeights(weights), fine.content_weight + part * (abstract.content_weight - fine.content_weight)))
    runs["sweep"] = sweep
    result: dict[str, Any] = {name: [] for name in runs}
    floor = _warping_error(images, flow)
    for painting in paintings:
        for name, looks in runs.items():
            layers = {layer for look in looks for layer in look.layer_weights}
            stylizer = Stylizer(bench.network, [bench.paintings[painting]], [layers], Method(iterations, first))
            state, painted = None, []
            for index, (image, look) in enumerate(zip(images, looks, strict=True)):
                motion: dict[str, Any] = {"flow": flow, "visibility": sees} if index else {}
                state = stylizer.stylize(Frame(index, image, FrameValues(look), **motion), state.looks if state else None)
                painted.append(state.image.clamp(0, 1))
            calibrated = state.looks[0].calibration if state else None
            assert calibrated is not None
            targets = {layer: bench.targets(painting, (height, width))[layer] for layer in calibrated.style if layer in MAIN_LAYERS}
            losses = [style_loss(bench.network, image.to(bench.device), targets, calibrated) for image in (painted[0], painted[-1])]
            result[name].append({"painting": painting, "error": _warping_error(painted, flow), "style": losses})
            bench.say(f"  flicker: {painting}, {name}: {result[name][-1]['error']:.4f}")
    return {"floor": floor, "runs": result, "frames": frames}


def _warping_error(images: Sequence[Tensor], flow: Tensor) -> float:
    error = weight = 0.0
    for before, image in pairwise(images):
        more = squared_warping_error(image.cpu(), before.cpu(), flow, -flow)
        error, weight = error + more[0], weight + more[1]
    return (error / weight) ** 0.5


def _medians(measures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number, and of each layer's Gram error."""
    names = [name for name, value in measures[0].items() if isinstance(value, (int, float)) or value is None]
    result: dict[str, Any] = {}
    for name in names:
        values = [item[name] for item in measures if item.get(name) is not None]
        result[name] = float(np.median(values)) if values else None
    result["gram_errors"] = {layer: float(np.median([item["gram_errors"][layer] for item in measures])) for layer in MAIN_LAYERS}
    result["worst_speckle"] = max(item["speckle"] for item in measures)
    result["worst_color"] = max(item["mean_color_difference"] for item in measures)
    return result
