"""Measures the optimizer; `scripts/benchmark` sets up the environment and calls it.

    scripts/benchmark still                seconds per iteration against the package pastiche, taking turns in one run
    scripts/benchmark shot                 seconds per steady frame, memory, and float32 against bfloat16 on this machine's device
    scripts/benchmark demo                 the finished demo clip against its frames painted one by one with three times the iterations

Every contender runs in a process of its own, as it would for its users, and they take turns, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAINTING = ROOT / "scripts" / "assets" / "painting.jpg"


# ---------------------------------------------------------------------------------------------------------------- still


def content_picture(path: Path, width: int, height: int) -> None:
    """Write a content picture with shapes of all sizes: the demo's painting, mirrored and blurred, so that no other file is needed."""
    import cv2

    image = cv2.flip(cv2.imread(str(PAINTING)), 1)
    image = cv2.GaussianBlur(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), (0, 0), 3)
    cv2.imwrite(str(path), image)


def turn_of_lwsw(content: Path, size: tuple[int, int], iterations: int) -> Callable[[], float]:
    """Return a function that runs some iterations and returns their seconds."""
    from lwsw.jobs.threads import let_threads_sleep

    let_threads_sleep()  # what the worker does, before torch is loaded
    import torch

    from lwsw.core.objective import Objective, calibrate, style_targets
    from lwsw.core.optimize import optimize
    from lwsw.core.sequence import fit_painting
    from lwsw.core.vgg import VGG19
    from lwsw.jobs.frame_reader import image_to_tensor
    from lwsw.media.images import read_image
    from lwsw.networks import load_network
    from lwsw.profiles import MAIN_LAYERS, FrameValues, LayerWeights
    from lwsw.runtime import prepare_process

    prepare_process()
    network = VGG19(load_network())
    image = image_to_tensor(read_image(content))
    painting = fit_painting(image_to_tensor(read_image(PAINTING, "style")), *reversed(size))
    targets = style_targets(network, [painting], [1.0], MAIN_LAYERS)
    values = FrameValues(LayerWeights(dict.fromkeys(MAIN_LAYERS, 1.0)), 1.0, 0.0)
    objective = Objective(network, targets, calibrate(network, image, targets), image, values)

    def turn() -> float:
        started = time.perf_counter()
        result = optimize(objective, image, iterations, 0.5)
        assert bool(torch.isfinite(result).all())
        return time.perf_counter() - started

    return turn


def turn_of_pastiche(content: Path, size: tuple[int, int], iterations: int) -> Callable[[], float]:
    """Return a function that runs some iterations of pastiche, with its own defaults: the same layers, L-BFGS, max pooling."""
    from pastiche.pastiche import PasticheArtist

    artist = PasticheArtist(str(content), [str(PAINTING)], device="cpu", size=(size[1], size[0]))

    def turn() -> float:
        started = time.perf_counter()
        for _ in range(iterations):
            artist.draw()
        return time.perf_counter() - started

    return turn


CONTENDERS = {"lwsw": turn_of_lwsw, "pastiche": turn_of_pastiche}


def contend(options: argparse.Namespace) -> None:
    """Be one contender: prepare, then run a turn for each line on standard input."""
    turn = CONTENDERS[options.contender](options.content, (options.width, options.height), options.iterations)
    turn()  # warms caches and allocators up
    print("ready", flush=True)
    for _ in sys.stdin:
        print(turn(), flush=True)


def still(options: argparse.Namespace) -> dict[str, Any]:
    """Compare seconds per iteration with pastiche."""
    width, height, iterations = options.width, round(options.width * 0.75), options.iterations
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "content.png"
        content_picture(content, width, height)
        processes = {}
        for name in CONTENDERS:
            words = [sys.executable, __file__, "contend", name, "--content", content, "--width", width, "--height", height]
            words += ["--iterations", iterations]
            process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes[name] = process
            assert process.stdout is not None and process.stdout.readline().strip() == "ready", f"{name} did not start"
        seconds: dict[str, list[float]] = {name: [] for name in processes}
        for turn in range(options.turns):
            for name, process in processes.items():
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write("go\n")
                process.stdin.flush()
                seconds[name].append(float(process.stdout.readline()) / iterations)
                print(f"turn {turn + 1} {name}: {seconds[name][-1]:.3f} s per iteration", flush=True)
        for process in processes.values():
            process.communicate()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = [ours / theirs for ours, theirs in zip(seconds["lwsw"], seconds["pastiche"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"{width}×{height}: {medians['lwsw']:.3f} s against {medians['pastiche']:.3f} s per iteration, ratio {ratio:.3f}")
    return {"size": [width, height], "seconds_per_iteration": seconds, "ratios": ratios, "ratio": ratio}


# ----------------------------------------------------------------------------------------------------------------- shot


def shot(options: argparse.Namespace) -> dict[str, Any]:
    """Measure a first frame and steady frames on this machine's device, in float32 and bfloat16."""
    import numpy as np
    import torch

    from lwsw.core.flow import visibility
    from lwsw.core.sequence import Frame, Stylizer
    from lwsw.core.vgg import VGG19
    from lwsw.jobs.frame_reader import image_to_tensor
    from lwsw.media.images import read_image
    from lwsw.networks import load_network
    from lwsw.profiles import PROFILES, FrameValues
    from lwsw.runtime import prepare_process, resolve_device

    prepare_process()
    device = resolve_device(options.device)
    cuda = device.type == "cuda"
    height, width = round(options.width * 9 / 16), options.width
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content.png"
        content_picture(path, width + 64, height)
        wide = image_to_tensor(read_image(path))
    painting = image_to_tensor(read_image(PAINTING, "style"))
    profile = PROFILES["balanced"]
    values = FrameValues(profile.layer_weights(), profile.content_weight, 1.0)
    backward = torch.zeros(1, height, width, 2)
    backward[..., 0] = 3.0  # the picture moves three pixels to the left per frame
    frames = [Frame(1, wide[..., :width].contiguous(), values)]
    for step in range(1, options.frames):
        color = wide[..., 3 * step : 3 * step + width].contiguous()
        frames.append(Frame(step + 1, color, values, backward, visibility(backward, -backward)))

    report: dict[str, Any] = {"size": [width, height], "device": torch.cuda.get_device_name(device) if cuda else platform.processor()}
    report |= {"torch": torch.__version__, "threads": torch.get_num_threads(), "iterations": options.iterations}
    results: dict[str, list[np.ndarray]] = {}
    for precision in ("float32", "bfloat16"):
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        network = VGG19(load_network(), getattr(torch, precision)).to(device)
        stylizer = Stylizer(
            network,
            [painting],
            profile.layer_weights().keys(),
            frequency_exponent=profile.frequency_exponent,
            iterations=options.iterations,
            first_iterations=options.first_iterations,
        )
        state, seconds, results[precision] = None, [], []
        for frame in frames:
            started = time.perf_counter()
            state = stylizer.stylize(frame, state)  # ends with a copy to the host, which waits for the device
            seconds.append(round(time.perf_counter() - started, 3))
            results[precision].append(state.image.clamp(0, 1).numpy())
            print(f"{precision} frame {frame.number}: {seconds[-1]} s", flush=True)
        report[precision] = {"first_frame": seconds[0], "steady_frame": statistics.median(seconds[1:]), "seconds": seconds}
        if cuda:
            report[precision]["peak_memory_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
        else:
            import resource

            report["peak_memory_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    differences = [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in zip(results["float32"], results["bfloat16"], strict=True)]
    report["rms_difference_of_bfloat16"] = [round(value, 5) for value in differences]
    return report


# ----------------------------------------------------------------------------------------------------------------- demo


def demo(options: argparse.Namespace) -> dict[str, Any]:
    """Compare a finished demo clip with its frames painted one by one with three times the iterations."""
    results = options.clip / "results"
    report = json.loads((options.clip / "report.json").read_text(encoding="utf-8"))
    iterations = report["settings"]["iterations"]
    painting = next(options.clip.glob("painting.*"))
    source = results / "source"
    lwsw = [sys.executable, "-m", "lwsw.cli"]
    independent = options.clip / "independent"
    cameras = source / "cameras.json"
    clip = ["--color", str(source / "frames" / "*.png"), "--style", str(painting)]
    words = ["stylize", *clip, "--out", str(independent), "--independent", "--iterations", str(3 * iterations)]
    words += ["--profile", report["settings"]["profile"]]
    subprocess.run([*lwsw, *words], check=True)
    words = ["evaluate", *clip, "--passes", str(source / "passes" / "*.exr"), "--stylized", str(results / "*.png"), "--against"]
    words += [str(independent / "*.png"), "--json"]
    words += ["--cameras", str(cameras)] if cameras.is_file() else []
    measured: dict[str, Any] = json.loads(subprocess.run([*lwsw, *words], check=True, capture_output=True, text=True).stdout)
    error, floor = measured["warping_error"], measured["warping_error_of_render"]
    print(f"warping error {error:.4f}, of the render {floor:.4f}: {error / floor:.2f}×")
    print(f"one by one with three times the iterations: {measured['against']['warping_ratio']:.2f}×")
    print(f"sharpness {measured['ratios']['sharpness']:.2f}×, style loss {measured['ratios']['style_loss']:.2f}× of those")
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("still", help="against pastiche")
    command.add_argument("--width", type=int, default=512)
    command.add_argument("--iterations", type=int, default=8, help="per turn")
    command.add_argument("--turns", type=int, default=7)
    command = commands.add_parser("shot", help="steady frames, memory, precision")
    command.add_argument("--width", type=int, default=512)
    command.add_argument("--frames", type=int, default=3)
    command.add_argument("--iterations", type=int, default=20)
    command.add_argument("--first-iterations", type=int, default=30)
    command.add_argument("--device", default="auto")
    command = commands.add_parser("demo", help="the finished demo clip against frames painted one by one")
    command.add_argument("--clip", type=Path, default=ROOT / "demo_output")
    command = commands.add_parser("contend")
    command.add_argument("contender", choices=CONTENDERS)
    command.add_argument("--content", type=Path)
    command.add_argument("--width", type=int)
    command.add_argument("--height", type=int)
    command.add_argument("--iterations", type=int)
    options = parser.parse_args()
    if options.command == "contend":
        contend(options)
        return
    report = {"still": still, "shot": shot, "demo": demo}[options.command](options)
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
