"""Seconds per iteration against the package pastiche, taking turns in one run."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .shared import PAINTING, Contender, content_picture, read, serve


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--width", type=int, default=512)
    command.add_argument("--iterations", type=int, default=8, help="per turn")
    command.add_argument("--turns", type=int, default=7)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Compare seconds per iteration with pastiche."""
    width, height, iterations = options.width, round(options.width * 0.75), options.iterations
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "content.png"
        content_picture(content, width, height)
        contenders = [Contender(name, [content, width, height, iterations]) for name in ("still-lwsw", "still-pastiche")]
        seconds: dict[str, list[float]] = {contender.name.removeprefix("still-"): [] for contender in contenders}
        for turn in range(options.turns):
            for contender, values in zip(contenders, seconds.values(), strict=True):
                values.append(float(contender.ask("go")) / iterations)
                print(f"turn {turn + 1} {contender.name.removeprefix('still-')}: {values[-1]:.3f} s per iteration", flush=True)
        for contender in contenders:
            contender.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = [ours / theirs for ours, theirs in zip(seconds["lwsw"], seconds["pastiche"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"{width}×{height}: {medians['lwsw']:.3f} s against {medians['pastiche']:.3f} s per iteration, ratio {ratio:.3f}")
    return {"size": [width, height], "seconds_per_iteration": seconds, "ratios": ratios, "ratio": ratio}


def contend_lwsw(words: list[str]) -> None:
    """Answer every line with the seconds that some iterations take."""
    from lwsw.jobs.threads import let_threads_sleep

    let_threads_sleep()  # what the worker does, before torch is loaded
    import torch

    from lwsw.core.look_painter import fit_painting
    from lwsw.core.objective import Objective, calibrate, style_targets
    from lwsw.core.optimize import optimize
    from lwsw.core.vgg import VGG19
    from lwsw.networks import load_network
    from lwsw.profiles import MAIN_LAYERS, LayerWeights, Look
    from lwsw.runtime import prepare_process

    prepare_process()
    content, width, height, iterations = Path(words[0]), int(words[1]), int(words[2]), int(words[3])
    network = VGG19(load_network())
    image = read(content)
    targets = style_targets(network, fit_painting(read(PAINTING), height, width), MAIN_LAYERS)
    look = Look(LayerWeights(dict.fromkeys(MAIN_LAYERS, 1.0)))
    objective = Objective(network, targets, calibrate(network, image, targets), image, look)

    def turn(_line: str = "") -> float:
        started = time.perf_counter()
        result = optimize(objective, image, iterations, look.exponent)
        assert bool(torch.isfinite(result).all())
        return time.perf_counter() - started

    _warm_up(turn)


def contend_pastiche(words: list[str]) -> None:
    """Answer every line with the seconds that pastiche takes, with its own defaults: the same layers, L-BFGS, max pooling."""
    from pastiche.pastiche import PasticheArtist

    content, width, height, iterations = words[0], int(words[1]), int(words[2]), int(words[3])
    artist = PasticheArtist(content, [str(PAINTING)], device="cpu", size=(height, width))

    def turn(_line: str = "") -> float:
        started = time.perf_counter()
        for _ in range(iterations):
            artist.draw()
        return time.perf_counter() - started

    _warm_up(turn)


def _warm_up(turn: Callable[[str], float]) -> None:
    """Run a turn that does not count, for caches and allocators, and then those that do."""
    turn("")
    serve(turn)
