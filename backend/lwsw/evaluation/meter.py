"""Measures the results of one clip, frame by frame. Definitions are in :mod:`lwsw.evaluation.report`."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor

from ..core.guidance import Guidance
from ..core.look_painter import fit_painting
from ..core.metrics import relative_gram_errors, sharpness, style_loss
from ..core.objective import Calibration, blend_targets, calibrate, style_targets
from ..core.sequence import SMALLEST_REGION
from ..core.texture_scale import texture_scale
from ..core.vgg import VGG19
from ..errors import LwswError
from ..jobs.clip import Clip
from ..jobs.frame_reader import image_to_tensor
from ..jobs.shots import Shots
from ..media.images import read_image
from ..perceptual import PerceptualMetrics
from ..profiles import MAIN_LAYERS
from .reader import ClipReader, Shot
from .temporal import BLURRED, PROPAGATE_ONLY, RENDER, RESULT, Controls, TemporalMeter

_AVERAGED = ("sharpness", "sharpness_of_render", "style_loss", "texture_scale", "texture_scale_of_render", "ssim", "st_lpips", "lpips")


@dataclass(frozen=True)
class Question:
    """What is measured.

    Attributes:
        clip: the render, its passes and the paintings.
        cameras: ``cameras.json``, or None.
        style_weights: share of each painting, adding up to 1.
        gram_layers: whose relative Gram errors are measured.
        objects: names of Cryptomatte objects that are measured by themselves; ``*`` and ``?`` are wildcards.
        controls: whether the controls of :mod:`lwsw.evaluation.temporal` are measured too.
        cuts: frames that are known to begin a shot.
        find_cuts: whether others are looked for in the pictures.
    """

    clip: Clip
    cameras: dict[str, Any] | None
    style_weights: Sequence[float]
    gram_layers: Sequence[str]
    objects: Sequence[str]
    controls: bool = False
    cuts: Sequence[int] = ()
    find_cuts: bool = True


@dataclass
class _Target:
    """What a picture, or an object in it, is compared with."""

    targets: dict[str, Tensor]
    calibration: Calibration | None = None


class ClipMeter:
    """Measures one sequence of results.

    Args:
        network, perceptual: what measures.
        question: what is measured.
        stylized: the results by frame.

    Raises:
        LwswError: ``missing_frames`` where a result is missing, and what reading raises.
    """

    def __init__(self, network: VGG19, perceptual: PerceptualMetrics, question: Question, stylized: Mapping[int, Path]) -> None:
        self._network, self._perceptual, self._question = network, perceptual, question
        self._device = network.get_buffer("mean").device
        clip = question.clip
        self.frames = tuple(sorted(clip.color))
        if len(self.frames) == 1 and len(stylized) == 1:  # a single picture need not carry a number
            stylized = {self.frames[0]: next(iter(stylized.values()))}
        missing = [frame for frame in self.frames if frame not in stylized]
        if missing:
            hint = "Finish the job, or name all of its results."
            raise LwswError("missing_frames", f"There is no stylized picture of frame {missing[0]}.", hint)
        self._stylized = stylized
        self.height, self.width = read_image(stylized[self.frames[0]]).shape[:2]
        self._reader = ClipReader(Shot(clip, question.cameras, self.frames, self.width, self.height))
        self._reader.check_objects(question.objects)
        self._shots = Shots(self._reader, self.frames, question.cuts, question.find_cuts, bool(clip.passes))

    def image(self, number: int) -> Tensor:
        """Return a result, ``1×3×H×W`` on the CPU; raise ``bad_frame_size`` where it differs from the first."""
        image = image_to_tensor(read_image(self._stylized[number]))
        if image.shape[2:] != (self.height, self.width):
            message = f"{self._stylized[number].name} differs in size from the first result."
            raise LwswError("bad_frame_size", message, "Stylize the shot again.")
        return image

    def measure(self) -> dict[str, Any]:
        """Return the measures as JSON data; see :func:`lwsw.evaluate.evaluate`."""
        paintings = self._paintings()
        wanted = [*dict.fromkeys((*MAIN_LAYERS, *self._question.gram_layers))]
        targets = blend_targets([style_targets(self._network, painting, wanted) for painting in paintings], self._question.style_weights)
        whole, parts = _Target(targets), {name: _Target(targets) for name in self._question.objects}
        temporal = TemporalMeter() if self._question.clip.passes and len(self.frames) > 1 else None
        controls = Controls() if temporal is not None and self._question.controls else None
        cuts: list[int] = []
        per_frame: list[dict[str, Any]] = []
        per_frame_of_controls: list[dict[str, Any]] = []
        for index, number in enumerate(self.frames):
            image, render = self.image(number), self._reader.color(number)
            values: dict[str, Any] = {"frame": number, "sharpness": sharpness(image), "sharpness_of_render": sharpness(render)}
            values |= self._measure_style(whole, image, render, None)
            values |= {"texture_scale_of_render": _scale(render), **self._perceptual.measure(image, render)}
            begins_shot = self._shots.begins(index)
            if begins_shot and index:
                cuts.append(number)
            if temporal is not None:
                if begins_shot and index:
                    self._end_shot(temporal, index)
                flow = None if begins_shot else self._reader.flow(number, self.frames[index - 1])
                made = {} if controls is None else controls.pictures(image, flow)
                values |= temporal.add({RESULT: image, RENDER: render, **made}, flow)
                if made:
                    of_controls = {name: self._measure_control(name, picture, whole) for name, picture in made.items()}
                    per_frame_of_controls.append({"frame": number, **of_controls})
            if parts:
                values["objects"] = {name: self._measure_object(name, part, number, image, render) for name, part in parts.items()}
            per_frame.append(values)

        judged = _judged(per_frame, cuts)
        result: dict[str, Any] = {"frames": len(self.frames), "width": self.width, "height": self.height, "network": self._network.name}
        if cuts:
            result["cuts"] = cuts
        if temporal is not None:
            self._end_shot(temporal, len(self.frames))
            result |= temporal.measures()
        result |= _mean(judged)
        scale = self._scale_of_paintings(paintings)
        if scale is not None:
            result["texture_scale_of_painting"] = scale
        if temporal is not None and controls is not None:
            kept = _judged(per_frame_of_controls, cuts)
            names = (PROPAGATE_ONLY, BLURRED)
            result["controls"] = {name: temporal.measures_of(name) | _mean([frame[name] for frame in kept]) for name in names}
        if parts:
            result["objects"] = {name: self._mean_of_object(name, judged) for name in parts}
        result["per_frame"] = per_frame
        return result

    def _end_shot(self, temporal: TemporalMeter, end: int) -> None:
        """End the shot before a position of the clip."""
        start = self._shots.first(end - 1)
        pairs = range(end - 1, start, -1) if end - start > 2 else ()
        temporal.finish(self._reader.flow(self.frames[index], self.frames[index - 1]) for index in pairs)

    def differences_outside(self, other: ClipMeter) -> dict[str, float]:
        """Return, for each object, the root mean square difference from other results where the object covers nothing."""
        if (other.height, other.width) != (self.height, self.width):
            message = f"The results are {self.width}×{self.height} pixels, those to compare with {other.width}×{other.height}."
            raise LwswError("bad_frame_size", message, "Compare results of one size.")
        sums = dict.fromkeys(self._question.objects, (0.0, 0.0))
        for number in self.frames:
            squares = (self.image(number) - other.image(number)).square()
            for name, (total, count) in sums.items():
                outside = (self._reader.mask(number, name) == 0).double()
                sums[name] = (total + float((outside * squares).sum()), count + 3 * float(outside.sum()))
        return {name: (total / count) ** 0.5 for name, (total, count) in sums.items() if count}

    def _mean_of_object(self, name: str, judged: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        seen = [values["objects"][name] for values in judged if values["objects"][name] is not None]
        return {"frames": len(seen), **(_mean(seen) if seen else {})}

    def _paintings(self) -> list[Tensor]:
        """Return the paintings at the area of a frame."""
        own = (image_to_tensor(read_image(path, "style")) for path in self._question.clip.styles)
        return [fit_painting(painting, self.height, self.width).clamp(0, 1).to(self._device) for painting in own]

    def _scale_of_paintings(self, paintings: Sequence[Tensor]) -> float | None:
        scales = [(_scale(painting), share) for painting, share in zip(paintings, self._question.style_weights, strict=True) if share > 0]
        known = [(scale, share) for scale, share in scales if scale is not None]
        if not known:
            return None
        return math.exp(sum(share * math.log(scale) for scale, share in known) / sum(share for _, share in known))

    def _measure_style(self, target: _Target, image: Tensor, render: Tensor, mask: Tensor | None) -> dict[str, Any]:
        guidance = None if mask is None else Guidance(mask.to(self._device))
        image, render = image.to(self._device), render.to(self._device)
        main = {name: target.targets[name] for name in MAIN_LAYERS}
        if target.calibration is None:
            target.calibration = calibrate(self._network, render, main, guidance=guidance)
        errors = {name: target.targets[name] for name in self._question.gram_layers}
        return {
            "style_loss": style_loss(self._network, image, main, target.calibration, guidance),
            "gram_errors": relative_gram_errors(self._network, image, errors, guidance),
            "texture_scale": _scale(image, render, mask),
        }

    def _measure_control(self, name: str, picture: Tensor, whole: _Target) -> dict[str, Any]:
        """Return the sharpness of a control, and of the one that is painted its style, too; the whole picture is calibrated by then."""
        values: dict[str, Any] = {"sharpness": sharpness(picture)}
        if name == PROPAGATE_ONLY and whole.calibration is not None:
            main = {layer: whole.targets[layer] for layer in MAIN_LAYERS}
            values["style_loss"] = style_loss(self._network, picture.to(self._device), main, whole.calibration)
        return values

    def _measure_object(self, name: str, part: _Target, number: int, image: Tensor, render: Tensor) -> dict[str, Any] | None:
        """Return the measures inside an object; None where there is too little of it."""
        mask = self._reader.mask(number, name)
        return None if float(mask.sum()) < SMALLEST_REGION else self._measure_style(part, image, render, mask)


def _scale(image: Tensor, render: Tensor | None = None, mask: Tensor | None = None) -> float | None:
    """Return the wavelength of a picture's texture in pixels, None where there is nothing to measure: JSON has no NaN."""
    wavelength = texture_scale(image, render, mask).wavelength
    return None if math.isnan(wavelength) else wavelength


def _mean(per_frame: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean of every measure over the frames that have it."""
    means: dict[str, Any] = {}
    for name in _AVERAGED:
        numbers = [values[name] for values in per_frame if values.get(name) is not None]
        if numbers:
            means[name] = fmean(numbers)
    errors = [values["gram_errors"] for values in per_frame if "gram_errors" in values]
    if errors:
        means["gram_errors"] = {layer: fmean(frame[layer] for frame in errors) for layer in errors[0]}
    return means


def _judged(per_frame: list[dict[str, Any]], cuts: Collection[int]) -> list[dict[str, Any]]:
    """Leave the first frame of each shot out where there are others: it is not what the method does frame by frame."""
    return [values for values in per_frame[1:] if values["frame"] not in cuts] or per_frame
