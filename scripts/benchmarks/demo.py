"""The finished demo clip against its frames painted one by one with three times the iterations."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .shared import SCRIPTS


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--clip", type=Path, default=SCRIPTS.parent / "demo_output")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Paint the frames one by one and compare."""
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
