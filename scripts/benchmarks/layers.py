"""What unused deep layers cost: seconds per iteration of the whole optimizer with fewer layers, taking turns in one process."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .shared import PAINTING, content_picture, read

#: Name → style layers, content layer, and the goal for its time relative to the first.
CONTENDERS: dict[str, tuple[int, str, float]] = {
    "relu1_1…relu5_1, content relu4_2": (5, "relu4_2", 1.0),
    "relu1_1…relu3_1, content relu4_2": (3, "relu4_2", 0.85),
    "relu1_1…relu3_1, content relu3_1": (3, "relu3_1", 0.5),
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--width", type=int, default=512)
    command.add_argument("--height", type=int, help="default: nine sixteenths of the width")
    command.add_argument("--iterations", type=int, default=20, help="per turn: those of a steady frame")
    command.add_argument("--turns", type=int, default=8)
    command.add_argument("--device", default="auto")
    command.add_argument("--profile", action="store_true", help="say where the time of each goes, by torch's profiler, instead")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Time a steady frame's iterations: style, content, temporal and range terms, the filter of the variable, L-BFGS."""
    from lwsw.jobs.threads import let_threads_sleep

    let_threads_sleep()  # what the worker does, before torch is loaded
    import torch

    from lwsw.core.look_painter import fit_painting
    from lwsw.core.objective import Objective, calibrate, style_targets
    from lwsw.core.optimize import optimize
    from lwsw.core.vgg import VGG19
    from lwsw.networks import load_network
    from lwsw.profiles import MAIN_LAYERS, LayerWeights, Look
    from lwsw.runtime import prepare_process, resolve_device

    prepare_process()
    device = resolve_device(options.device)
    width, height = options.width, options.height or round(options.width * 9 / 16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content.png"
        content_picture(path, width, height)
        image = read(path).to(device)
    network = VGG19(load_network()).to(device)
    painting = fit_painting(read(PAINTING).to(device), height, width)
    warped, visible = image.roll(1, 3), torch.ones_like(image[:, :1])

    def contender(count: int, content_layer: str) -> Callable[[], float]:
        look = Look(LayerWeights(dict.fromkeys(MAIN_LAYERS[:count], 1.0)))
        targets = style_targets(network, painting, look.layer_weights)
        calibration = calibrate(network, image, targets, content_layers=[content_layer])
        layers = {content_layer: 1.0}
        more = {"content_layers": layers, "temporal_weight": 1.0, "warped": warped, "visibility": visible}

        def turn() -> float:
            started = time.perf_counter()
            objective = Objective(network, targets, calibration, image, look, **more)  # once per frame, so it belongs to it
            float(optimize(objective, image, options.iterations, look.exponent).sum())  # waits for the device
            return (time.perf_counter() - started) / options.iterations

        return turn

    turns = {name: contender(count, content_layer) for name, (count, content_layer, _) in CONTENDERS.items()}
    for turn in turns.values():
        turn()  # warms caches and allocators up
    if options.profile:
        return {name: _profile(name, turn, options.iterations) for name, turn in turns.items()}
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for index in range(options.turns):
        for name, turn in turns.items():
            seconds[name].append(turn())
        print(f"turn {index + 1}: " + ", ".join(f"{values[-1]:.3f}" for values in seconds.values()) + " s per iteration", flush=True)
    everything = next(iter(seconds.values()))
    print(f"\n{width}×{height}, {options.turns} turns of {options.iterations} iterations, {torch.get_num_threads()} threads\n")
    print(f"{'layers':34s} {'s/iteration':>12s} {'ratio':>7s} {'goal':>6s}")
    ratios = {}
    for name, values in seconds.items():
        ratios[name] = statistics.median(some / all_ for some, all_ in zip(values, everything, strict=True))
        print(f"{name:34s} {statistics.median(values):12.4f} {ratios[name]:7.3f} {CONTENDERS[name][2]:6.2f}")
    return {"size": [width, height], "threads": torch.get_num_threads(), "seconds_per_iteration": seconds, "ratios": ratios}


def _profile(name: str, turn: Callable[[], float], iterations: int) -> list[dict[str, Any]]:
    """Print and return the operators that take the most time themselves, in milliseconds per iteration."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        turn()
    events = sorted(recorded.key_averages(), key=lambda event: event.self_cpu_time_total, reverse=True)
    print(f"\n{name}: {sum(event.self_cpu_time_total for event in events) / 1000 / iterations:.1f} ms per iteration")
    rows = []
    for event in events[:25]:
        milliseconds, count = event.self_cpu_time_total / 1000 / iterations, event.count / iterations
        rows.append({"operator": event.key, "milliseconds": milliseconds, "calls": count})
        print(f"    {event.key:44s} {milliseconds:9.2f} ms {count:8.1f} calls")
    return rows
