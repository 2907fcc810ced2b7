"""What the temporal benchmark measures of a painted clip beside `lwsw evaluate`."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from lwsw.core.guidance import Guidance
from lwsw.core.look_painter import fit_painting
from lwsw.core.losses import style_energy
from lwsw.core.metrics import METRIC_TOLERANCE, sharpness, squared_warping_error
from lwsw.core.objective import Calibration, calibrate, style_targets
from lwsw.core.sequence import SMALLEST_REGION
from lwsw.core.temporal_metrics import STATIC_MOTION, ColorTrend, counted_pixels
from lwsw.core.trajectories import Path as Trajectory
from lwsw.core.vgg import VGG19
from lwsw.evaluate import evaluate
from lwsw.evaluation.reader import ClipReader, Shot
from lwsw.networks import load_network
from lwsw.profiles import MAIN_LAYERS
from lwsw.runtime import resolve_device

from .clip import RenderedClip
from .kept import kept, program_hash, short_hash
from .shared import SCRIPTS, read
from .temporal_clips import Painted

#: A surface that came into view in so many frames is freshly uncovered.
FRESH = 5

Flows = tuple[Tensor, Tensor]

_BACKEND = SCRIPTS.parent / "backend" / "lwsw"
_MEASURING = (*(_BACKEND / name for name in ("core", "evaluation", "media", "evaluate.py", "perceptual.py")),)
#: Programs of core that paint and do not measure.
_PAINTING_ONLY = ("optimize.py", "lbfgs.py", "propagation.py", "look_painter.py", "sequence.py", "image_variable.py", "estimated_flow.py")


def freshly_uncovered(flows: Sequence[Flows]) -> Tensor:
    """Return which pixels of a frame show what the oldest of some earlier frames did not, or some frame since: ``1×1×H×W`` bool.

    Those whose path back through all ``flows`` is lost, or does not lead back (:func:`lwsw.core.temporal_metrics.counted_pixels`: behind
    something, or outside the picture); areas that a square of 3×3 pixels does not fit into are outlines, and left out (opening).

    Args:
        flows: of neighbouring frames up to this one, in the order of time: to the previous frame, and from it, ``1×H×W×2`` each.
    """
    path: Trajectory | None = None
    for backward, forward in reversed(flows):
        path = Trajectory.begin(backward, forward, METRIC_TOLERANCE) if path is None else path.step(backward, forward)
    assert path is not None
    lost = 1.0 - counted_pixels(path, [forward for _, forward in flows]).float()
    shrunk = 1.0 - functional.max_pool2d(1.0 - functional.pad(lost, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return functional.max_pool2d(shrunk, 3, 1, 1) > 0.5


@dataclass
class _Area:
    """Style errors of one kind of area, frame by frame and of all frames together."""

    pixels: float = 0.0
    error: float = 0.0
    grams: dict[str, Tensor] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)


class AreaStyle:
    """Compares the style inside freshly uncovered areas with that of the rest of the frame.

    The style error of an area is that of a picture (``style_loss`` of `lwsw evaluate`: mean of E_l/g_l over the main layers, g_l of the
    whole first frame), with guided Gram matrices (Gatys et al. 2017, eq. 6) weighted by the area at the layer's resolution. Frames count by
    the area's pixels; those where either area has less than 64 are left out. *Pooled* is the error of the Gram matrices of all frames
    together.

    Args:
        network: VGG-19.
        targets: of the painting.
        calibration: constants of the clip.
    """

    def __init__(self, network: VGG19, targets: Mapping[str, Tensor], calibration: Calibration) -> None:
        self._network, self._targets, self._calibration = network, targets, calibration
        self._areas = {"inside": _Area(), "rest": _Area()}
        self._frames, self._all_pixels = 0, 0

    @torch.no_grad()
    def add(self, image: Tensor, uncovered: Tensor) -> None:
        """Count a frame.

        Args:
            image: ``1×3×H×W`` on [0, 1].
            uncovered: ``1×1×H×W`` bool.
        """
        self._all_pixels += uncovered.numel()
        masks = {"inside": uncovered.float(), "rest": (~uncovered).float()}
        if min(float(mask.sum()) for mask in masks.values()) < SMALLEST_REGION:
            return
        self._frames += 1
        for name, mask in masks.items():
            guidance, area, pixels = Guidance(mask), self._areas[name], float(mask.sum())
            grams = self._network.statistics(image, self._targets, (), guidance.at)[0]
            area.pixels += pixels
            area.error += pixels * self._error(grams)
            for layer, gram in grams.items():
                weight = float(guidance.at(layer).sum())
                area.grams[layer] = area.grams.get(layer, torch.zeros_like(gram)) + weight * gram
                area.weights[layer] = area.weights.get(layer, 0.0) + weight

    def measures(self) -> dict[str, Any]:
        """Return errors inside and in the rest, and their ratios; ``frames`` says of how many frames, ``share`` of how much of the clip."""
        found: dict[str, Any] = {"frames": self._frames, "share": self._areas["inside"].pixels / max(self._all_pixels, 1)}
        if not self._frames:
            return found
        for name, area in self._areas.items():
            found[name] = area.error / area.pixels
            found[f"pooled_{name}"] = self._error({layer: gram / area.weights[layer] for layer, gram in area.grams.items()})
        found["ratio"], found["pooled_ratio"] = found["inside"] / found["rest"], found["pooled_inside"] / found["pooled_rest"]
        return found

    def _error(self, grams: Mapping[str, Tensor]) -> float:
        errors = [float(style_energy(gram, self._targets[layer])) / self._calibration.style[layer] for layer, gram in grams.items()]
        return sum(errors) / len(errors)


class Meter:
    """Measures painted clips, and keeps what was measured beside the pictures.

    Args:
        painting: of scripts/paintings.
        device: where the network works.
    """

    def __init__(self, painting: str, device: str) -> None:
        self._painting, self._device = painting, device
        self._network: VGG19 | None = None
        self._program = program_hash([*_MEASURING, Path(__file__)], _PAINTING_ONLY)

    def measure(self, clip: RenderedClip, painted: Painted) -> dict[str, Any]:
        """Return the measures of `lwsw evaluate` with controls, ``uncovered`` as :class:`AreaStyle` has it, and ``closure`` as
        :func:`closure` and ``still`` as :func:`still_drift`.
        """
        return dict(kept(self._place(painted, "measures"), lambda: self._measure(clip, painted)))

    def sharpness(self, painted: Painted) -> dict[int, float]:
        """Return the sharpness of every frame."""

        def make() -> dict[int, float]:
            return {frame: sharpness(read(painted.picture(frame))) for frame in painted.frames}

        return {int(frame): value for frame, value in kept(self._place(painted, "sharpness"), make).items()}

    def _place(self, painted: Painted, what: str) -> Path:
        return painted.folder / f"{what}-{short_hash(painted.key, self._program)}.json"

    def _measure(self, clip: RenderedClip, painted: Painted) -> dict[str, Any]:
        print(f"measuring {painted.folder.parent.name}/{painted.folder.name}", flush=True)
        files, cameras = clip.files(self._painting), clip.cameras()
        results = {frame: painted.picture(frame) for frame in painted.frames}
        measured = evaluate(files, results, cameras=cameras, controls=True, find_cuts=False, device=self._device)
        del measured["definitions"]
        frames, (height, width) = tuple(clip.frames), read(results[clip.frames[0]]).shape[2:]
        reader = ClipReader(Shot(files, closed(cameras, frames), frames, width, height))
        measured["uncovered"] = self._style_of_areas(reader, clip, results)
        measured["closure"] = closure(reader, results)
        measured["still"] = still_drift(reader, results)
        return measured

    def _style_of_areas(self, reader: ClipReader, clip: RenderedClip, results: Mapping[int, Path]) -> dict[str, Any]:
        import paintings

        device = resolve_device(self._device)
        self._network = self._network or VGG19(load_network()).to(device)
        first = reader.color(clip.frames[0]).to(device)
        painting = fit_painting(read(paintings.path(self._painting)), *first.shape[2:]).clamp(0, 1).to(device)
        measured = style_targets(self._network, painting, MAIN_LAYERS)
        targets = {layer: measured[layer] for layer in MAIN_LAYERS}
        style = AreaStyle(self._network, targets, calibrate(self._network, first, targets))
        flows: deque[Flows] = deque(maxlen=FRESH)
        for frame in clip.frames[1:]:
            flows.append(reader.flow(frame, frame - 1))
            style.add(read(results[frame]).to(device), freshly_uncovered(flows).to(device))
        return style.measures()


def closed(cameras: Mapping[str, Any], frames: Sequence[int]) -> dict[str, Any]:
    """Return cameras with one more at each end, as in a clip that begins anew: the last before the first, the first after the last."""
    by_frame = dict(cameras["frames"])
    by_frame.setdefault(str(frames[0] - 1), by_frame[str(frames[-1])])
    by_frame.setdefault(str(frames[-1] + 1), by_frame[str(frames[0])])
    return {**cameras, "frames": by_frame}


def closure(reader: ClipReader, results: Mapping[int, Path]) -> dict[str, float] | None:
    """Return the warping error from the last frame of a clip to its first, and the render's own, as ``warping_error`` has them.

    It means something only where the first frame's vectors back lead to the last frame. None where no pixel counts.
    """
    first, last = min(results), max(results)
    flow = reader.flow(first, last)
    errors = {}
    for name, (image, previous) in {
        "error": (read(results[first]), read(results[last])),
        "error_of_render": (reader.color(first), reader.color(last)),
    }.items():
        square, weight = squared_warping_error(image, previous, *flow)
        if not weight:
            return None
        errors[name] = (square / weight) ** 0.5
    return {**errors, "ratio": errors["error"] / max(errors["error_of_render"], 1e-9)}


def still_drift(reader: ClipReader, results: Mapping[int, Path]) -> dict[str, float | None]:
    """Return the drift of what does not move: ``color_drift`` of `lwsw evaluate`, of pixels whose render may change, and the render's own.

    In a scene without moving light a render changes by its noise alone, and each frame's noise would leave fewer pixels to measure.

    Returns:
        ``drift`` and ``drift_of_render`` in ΔE76 per 100 frames, None where they cannot be had; ``share`` of pixels.
    """
    first, *others = sorted(results)
    trends = {"drift": ColorTrend(read(results[first])), "drift_of_render": ColorTrend(reader.color(first))}
    path: Trajectory | None = None
    still = torch.ones_like(reader.color(first)[:, :1], dtype=torch.bool)
    for frame in others:
        backward, forward = reader.flow(frame, frame - 1)
        path = Trajectory.begin(forward, backward, METRIC_TOLERANCE) if path is None else path.step(forward, backward)
        still &= path.followed & (path.flow.square().sum(-1) < STATIC_MOTION**2)[:, None]
        trends["drift"].add(read(results[frame]))
        trends["drift_of_render"].add(reader.color(frame))
    return {**{name: trend.per_hundred_frames(still) for name, trend in trends.items()}, "share": float(still.float().mean())}
