"""Seconds per steady frame, memory, and float32 against bfloat16 on this machine's device."""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from .shared import PAINTING, content_picture, read


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--width", type=int, default=512)
    command.add_argument("--frames", type=int, default=3)
    command.add_argument("--iterations", type=int, default=20)
    command.add_argument("--first-iterations", type=int, default=30)
    command.add_argument("--device", default="auto")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure a first frame and steady frames, in float32 and bfloat16."""
    import numpy as np
    import torch

    from lwsw.core.flow import visibility
    from lwsw.core.look_painter import Method
    from lwsw.core.sequence import Frame, Stylizer
    from lwsw.core.vgg import VGG19
    from lwsw.networks import load_network
    from lwsw.profiles import PROFILES, FrameValues, Look
    from lwsw.runtime import prepare_process, resolve_device

    prepare_process()
    device = resolve_device(options.device)
    cuda = device.type == "cuda"
    height, width = round(options.width * 9 / 16), options.width
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "content.png"
        content_picture(path, width + 64, height)
        wide = read(path)
    painting = read(PAINTING)
    profile = PROFILES["balanced"]
    values = FrameValues(Look(profile.layer_weights(), profile.content_weight))
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
        method = Method(options.iterations, options.first_iterations)
        stylizer = Stylizer(network, [painting], [profile.layer_weights().keys()], method)
        looks, seconds, results[precision] = None, [], []
        for frame in frames:
            started = time.perf_counter()
            state = stylizer.stylize(frame, looks)  # ends with a copy to the host, which waits for the device
            seconds.append(round(time.perf_counter() - started, 3))
            looks = state.looks
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
