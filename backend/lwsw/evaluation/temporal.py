"""Measures sequences of pictures over time, along the renderer's motion. Formulas are in :mod:`lwsw.core.temporal_metrics`.

A shot does not fit into memory: what is kept is the last eleven pictures of each sequence, the last ten flows, and sums.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..core.flow import carry
from ..core.metrics import METRIC_TOLERANCE, masked_square
from ..core.temporal_metrics import (
    FLICKER_WINDOW,
    LAGS,
    ColorTrend,
    StaticPixels,
    counted_pixels,
    flicker_energy,
    gaussian_blur,
)
from ..core.trajectories import Path, compose

#: The sequence that is judged, and the one that says what cannot be avoided.
RESULT, RENDER = "result", "render"

#: Sequences that expose what a low warping error can hide.
PROPAGATE_ONLY, BLURRED = "propagate_only", "blurred"

#: What the names of a measure end with, by the number of frames between the pictures that are compared.
LAG_SUFFIXES = {lag: "" if lag == 1 else f"_{lag}" for lag in LAGS}
FIRST_TO_LAST = "_first_to_last"

#: Every suffix, in the order of a report.
SUFFIXES = (*LAG_SUFFIXES.values(), FIRST_TO_LAST)

Flows = tuple[Tensor, Tensor]


class Controls:
    """Makes the pictures that a method would be mistaken for if only its warping error counted."""

    def __init__(self) -> None:
        self._first: Tensor | None = None
        self._to_first: Tensor | None = None

    def pictures(self, image: Tensor, flow: Flows | None) -> dict[str, Tensor]:
        """Return both controls of a frame, ``1×3×H×W`` each.

        *propagate_only* is the first result, sampled once (bilinear) along the flow from this frame to the first, which is prolonged by a
        step per frame; what was never seen in the first frame shows whatever the vectors lead to. *blurred* is the result itself under a
        Gaussian of σ = 1 pixel.

        Args:
            image: the result.
            flow: back to the previous frame and forth from it; None in the first frame of a shot.
        """
        if self._first is None or flow is None:
            self._first, self._to_first = image, None
            carried = image
        else:
            self._to_first = flow[0] if self._to_first is None else compose([flow[0], self._to_first])
            carried = carry(self._first, self._to_first)
        return {PROPAGATE_ONLY: carried, BLURRED: gaussian_blur(image)}


@dataclass
class _Tally:
    """A sum of squares over what counts, of how much could have counted."""

    square: float = 0.0
    weight: float = 0.0
    possible: float = 0.0

    def add(self, sums: tuple[float, float], possible: int) -> float | None:
        """Count one frame and return its own root mean square; None where nothing of it counts."""
        self.square, self.weight, self.possible = self.square + sums[0], self.weight + sums[1], self.possible + possible
        return (sums[0] / sums[1]) ** 0.5 if sums[1] else None

    @property
    def root(self) -> float | None:
        """Root mean square over everything; None where nothing counted."""
        return (self.square / self.weight) ** 0.5 if self.weight else None


@dataclass(frozen=True)
class _Drift:
    """What is known of the colours of one shot."""

    frames: int
    static_share: float
    result: float | None
    render: float | None


class TemporalMeter:
    """Measures the sequences of one clip, frame by frame; nothing is compared across a cut.

    The sequences ``result`` and ``render`` must be among them.
    """

    def __init__(self) -> None:
        self._pictures: deque[Mapping[str, Tensor]] = deque(maxlen=max(LAGS) + 1)
        self._flows: deque[Flows] = deque(maxlen=max(LAGS))
        self._first: Mapping[str, Tensor] = {}
        self._warping: dict[str, dict[str, _Tally]] = {}
        self._flicker: dict[str, _Tally] = {}
        self._trends: dict[str, ColorTrend] = {}
        self._drifts: list[_Drift] = []
        self._from_first: Path | None = None
        self._static: StaticPixels | None = None

    def add(self, pictures: Mapping[str, Tensor], flow: Flows | None) -> dict[str, float | None]:
        """Count a frame.

        Args:
            pictures: one of each sequence, ``1×3×H×W`` on [0, 1].
            flow: to the previous frame and from it to this one, ``1×H×W×2`` each; None in the first frame of a shot, before which
                :meth:`finish` ends the one before.

        Returns:
            The frame's own warping errors, by the names of the report.
        """
        if flow is None:
            self._pictures.clear()
            self._flows.clear()
            self._from_first = None
        self._pictures.append(pictures)
        if self._static is None or flow is None:
            self._first = pictures
            self._static = StaticPixels(pictures[RENDER])
            self._trends = {name: ColorTrend(pictures[name]) for name in (RESULT, RENDER)}
            return {}
        backward, forward = flow
        self._flows.append(flow)
        before = self._from_first
        path = Path.begin(forward, backward, METRIC_TOLERANCE) if before is None else before.step(forward, backward)
        self._from_first = path
        self._static.add(pictures[RENDER], path)
        for name, trend in self._trends.items():
            trend.add(pictures[name])
        return self._look_back()

    def finish(self, flows: Iterable[Flows]) -> None:
        """End a shot: compare its last frame with its first.

        Args:
            flows: those of every pair of neighbours again, from the last pair of the shot to the first: the path from the last frame can
                be followed only when there is a last frame. A pair alone need not be compared again, its flows may be left out.
        """
        if self._static is not None and self._from_first is not None:
            mask = self._static.mask
            drifts = (self._trends[name].per_hundred_frames(mask) for name in (RESULT, RENDER))
            self._drifts.append(_Drift(self._trends[RESULT].frames, float(mask.float().mean()), *drifts))
        path = None
        for flow in flows:
            path = Path.begin(*flow, METRIC_TOLERANCE) if path is None else path.step(*flow)
        if path is not None and self._from_first is not None:
            mask = path.followed & path.returns(self._from_first.flow, METRIC_TOLERANCE)
            self._compare(FIRST_TO_LAST, self._pictures[-1], self._first, path.flow, mask)

    def measures(self) -> dict[str, Any]:
        """Return the measures of the result, with the render's beside them; see :data:`lwsw.evaluation.report.DEFINITIONS`."""
        found: dict[str, Any] = {}
        for suffix in SUFFIXES:
            if suffix in self._warping:
                found |= _beside_render(f"warping_error{suffix}", f"warping_ratio{suffix}", self._warping[suffix])
                found[f"warping_share{suffix}"] = _share(self._warping[suffix][RESULT])
        if self._flicker:
            found |= _beside_render("flicker", "flicker_ratio", self._flicker)
            found["flicker_share"] = _share(self._flicker[RESULT])
        if self._drifts:
            found["color_drift"] = _mean_by_frames(self._drifts, lambda shot: shot.result)
            found["color_drift_of_render"] = _mean_by_frames(self._drifts, lambda shot: shot.render)
            found["static_share"] = _mean_by_frames(self._drifts, lambda shot: shot.static_share)
        return found

    def measures_of(self, name: str) -> dict[str, float]:
        """Return warping errors and flicker of another sequence."""
        roots = {f"warping_error{suffix}": self._warping[suffix][name].root for suffix in SUFFIXES if suffix in self._warping}
        roots |= {"flicker": self._flicker[name].root} if self._flicker else {}
        return {measure: root for measure, root in roots.items() if root is not None}

    def _look_back(self) -> dict[str, float | None]:
        """Follow the surfaces of the last frame back as far as the longest lag, and count what is found on the way."""
        image = self._pictures[-1]
        seen: dict[str, list[Tensor]] = {name: [picture] for name, picture in image.items()}
        flows = list(self._flows)
        errors: dict[str, float | None] = {}
        path: Path | None = None
        for steps, flow in enumerate(reversed(flows), 1):
            path = Path.begin(*flow, METRIC_TOLERANCE) if path is None else path.step(*flow)
            earlier = self._pictures[-1 - steps]
            if steps < FLICKER_WINDOW:
                for name, picture in earlier.items():
                    seen[name].append(carry(picture, path.flow))
            if steps in LAGS or steps == FLICKER_WINDOW - 1:
                mask = counted_pixels(path, [forward for _, forward in flows[-steps:]])
                if steps in LAGS:
                    errors |= self._compare(LAG_SUFFIXES[steps], image, earlier, path.flow, mask)
                if steps == FLICKER_WINDOW - 1:
                    self._count_flicker(seen, mask)
        return errors

    def _compare(
        self, suffix: str, image: Mapping[str, Tensor], earlier: Mapping[str, Tensor], flow: Tensor, mask: Tensor
    ) -> dict[str, float | None]:
        tallies = self._warping.setdefault(suffix, {name: _Tally() for name in image})
        roots = {
            name: tallies[name].add(masked_square(picture - carry(earlier[name], flow), mask), picture.numel())
            for name, picture in image.items()
        }
        return {f"warping_error{suffix}": roots[RESULT], f"warping_error{suffix}_of_render": roots[RENDER]}

    def _count_flicker(self, seen: Mapping[str, Sequence[Tensor]], mask: Tensor) -> None:
        for name, colors in seen.items():
            self._flicker.setdefault(name, _Tally()).add(flicker_energy(colors[::-1], mask), colors[0].numel())


def _beside_render(name: str, ratio: str, tallies: Mapping[str, _Tally]) -> dict[str, float]:
    """Return a measure, the render's and their ratio; nothing where no pixel counted."""
    result, render = tallies[RESULT].root, tallies[RENDER].root
    if result is None or render is None:
        return {}
    return {name: result, f"{name}_of_render": render, ratio: result / max(render, 1e-9)}


def _mean_by_frames(shots: Sequence[_Drift], value: Callable[[_Drift], float | None]) -> float | None:
    """Return the mean over the shots that have a value, longer ones counting more; None where none has."""
    known = [(shot.frames, number) for shot in shots if (number := value(shot)) is not None]
    return sum(frames * number for frames, number in known) / sum(frames for frames, _ in known) if known else None


def _share(tally: _Tally) -> float:
    return tally.weight / tally.possible
