"""``lwsw evaluate`` over more frames than two: files in, numbers, controls, definitions and report out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from support_core import picture
from support_jobs import error_code

from lwsw.cli import main
from lwsw.evaluate import evaluate
from lwsw.evaluation.report import format_report
from lwsw.jobs.clip import Clip
from lwsw.jobs.frame_reader import tensor_to_image
from lwsw.media.images import write_png16
from lwsw.media.sequences import find_sequence

WIDTH, HEIGHT, MOTION, FRAMES = 48, 32, 1, tuple(range(3, 15))


def write_vectors(path: Path, values: dict[str, Any]) -> None:
    channels = {f"ViewLayer.Vector.{axis}": np.full((HEIGHT, WIDTH), value, np.float32) for axis, value in values.items()}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(str(path))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of a picture that moves a pixel to the left per frame; a result that brightens evenly, and one that is noise."""
    folder = tmp_path_factory.mktemp("clip")
    wide = tensor_to_image(picture(HEIGHT, WIDTH + 12 * MOTION, 1)) * 0.6
    write_png16(folder / "painting.png", tensor_to_image(picture(40, 40, 2)))
    generator = np.random.default_rng(0)
    for index, frame in enumerate(FRAMES):
        seen = wide[:, index * MOTION : index * MOTION + WIDTH]
        write_png16(folder / f"rgb_{frame:04d}.png", seen)
        write_png16(folder / f"rising_{frame:04d}.png", 0.9 - seen - 0.01 * index)
        write_png16(folder / f"noise_{frame:04d}.png", 0.5 + 0.1 * generator.standard_normal((HEIGHT, WIDTH, 3)))
        write_vectors(folder / f"pass_{frame:04d}.exr", {"X": MOTION, "Y": 0, "Z": MOTION, "W": 0})
    return folder


def command(clip: Path, stylized: str, *more: str) -> list[str]:
    words = ["evaluate", "--color", str(clip / "rgb_*.png"), "--passes", str(clip / "pass_*.exr"), "--style", str(clip / "painting.png")]
    return [*words, "--stylized", str(clip / stylized), "--device", "cpu", *more]


@pytest.fixture(scope="module")
def found(clip: Path) -> dict[str, Any]:
    files = Clip.find(str(clip / "rgb_*.png"), str(clip / "pass_*.exr"), [clip / "painting.png"])
    results, against = (find_sequence(str(clip / f"{name}_*.png")) for name in ("rising", "noise"))
    result = evaluate(files, results, against=against, controls=True, device="cpu")
    return json.loads(json.dumps(result, allow_nan=False))


def test_errors_and_shares_over_every_lag(found: dict[str, Any]) -> None:
    for suffix, lag in {"": 1, "_5": 5, "_10": 10, "_first_to_last": 11}.items():
        assert found[f"warping_error{suffix}"] == pytest.approx(0.01 * lag, abs=2e-4)
        assert found[f"warping_error{suffix}_of_render"] < 2e-4
        assert found[f"warping_share{suffix}"] == pytest.approx((WIDTH - lag * MOTION) / WIDTH)
        # two pictures of independent noise differ by √2 of it
        assert found["against"][f"warping_error{suffix}"] == pytest.approx(0.1 * 2**0.5, rel=0.05)
        ratio = found[f"warping_error{suffix}"] / found["against"][f"warping_error{suffix}"]
        assert found["ratios"][f"warping_error{suffix}"] == pytest.approx(ratio, abs=1e-4)
    assert found["flicker"] < 2e-4 and found["against"]["flicker"] == pytest.approx(0.1, rel=0.05)
    assert found["static_share"] == 0.0 and found["color_drift"] is None and "color_drift" not in found["ratios"]
    frames = found["per_frame"]
    assert "warping_error_5" not in frames[4] and frames[5]["warping_error_5"] == pytest.approx(0.05, abs=2e-4)
    assert "warping_error_10_of_render" in frames[10]


def test_what_cheating_would_get(found: dict[str, Any]) -> None:
    carried, blurred = (found["controls"][name] for name in ("propagate_only", "blurred"))
    for suffix in ("", "_5", "_10", "_first_to_last"):
        assert carried[f"warping_error{suffix}"] < 2e-4
    assert carried["style_loss"] > 0 and carried["flicker"] < 2e-4
    noise, soft = found["against"], found["against"]["controls"]["blurred"]
    # σ = 1 leaves Σ k² = 1/(4π) of the variance of white noise (k: the kernel in two dimensions)
    assert soft["warping_error"] / noise["warping_error"] == pytest.approx((1 / (4 * np.pi)) ** 0.5, rel=0.05)
    assert soft["sharpness"] < 0.1 * noise["sharpness"]
    assert found["ratios"]["blurred"]["warping_error"] == pytest.approx(found["warping_error"] / soft["warping_error"], abs=1e-4)
    assert blurred["sharpness"] < found["sharpness"] and "style_loss" not in blurred


def test_every_number_is_defined_and_printed(found: dict[str, Any]) -> None:
    numbers = {name for name, value in found.items() if isinstance(value, float)}
    defined = found["definitions"]
    assert numbers | {"gram_errors", "controls", "ratios"} == set(defined) and all(text.endswith(".") for text in defined.values())
    text = format_report(found)
    lines = {line.split()[0]: line for line in text.split("control")[0].splitlines() if line}
    assert "0.0500  (render 0.0000" in lines["warping_error_5"] and "90 % of the pixels" in lines["warping_error_5"]
    assert "× --against" in lines["flicker"] and "none  (it takes 10 frames and 64 static pixels" in lines["color_drift"]
    assert "control: the first result carried along" in text and "compared with --against blurred: warping_error" in text
    assert max(len(line) for line in text.splitlines() if "gram_errors" not in line) <= 140
    assert all(line[28] != " " for name, line in lines.items() if name.startswith(("warping", "flicker", "color")))


def test_a_still_shot_has_its_drift(tmp_path: Path) -> None:
    """Nothing moves; outside a render border, in the right half, there are no vectors, and nothing there counts: it is noise."""
    generator = np.random.default_rng(1)
    border = np.where(np.arange(WIDTH) < WIDTH // 2, 0.0, 10000.0)
    for index, frame in enumerate(FRAMES):
        lightness = 60 + 0.05 * index
        grey = np.full((HEIGHT, WIDTH, 3), 1.055 * ((lightness + 16) / 116) ** (3 / 2.4) - 0.055)
        grey[:, WIDTH // 2 :] = generator.random((HEIGHT, WIDTH // 2, 3))
        write_png16(tmp_path / f"out_{frame}.png", grey)
        write_png16(tmp_path / f"rgb_{frame}.png", np.full((HEIGHT, WIDTH, 3), 0.4, np.float32))
        write_vectors(tmp_path / f"pass_{frame}.exr", dict.fromkeys("XYZW", border))
    write_png16(tmp_path / "painting.png", tensor_to_image(picture(40, 40, 2)))
    files = Clip.find(str(tmp_path / "rgb_*.png"), str(tmp_path / "pass_*.exr"), [tmp_path / "painting.png"])
    found = evaluate(files, find_sequence(str(tmp_path / "out_*.png")), device="cpu")
    assert found["color_drift"] == pytest.approx(5.0, abs=0.05) and found["color_drift_of_render"] == pytest.approx(0.0, abs=1e-6)
    assert found["static_share"] == pytest.approx(0.5) and found["warping_share_10"] == pytest.approx(0.5)
    assert found["warping_error"] < 2e-3
    assert "5.00 ΔE  (in 100 frames; lower is steadier; render 0.00 ΔE; 50 % of the pixels)" in format_report(found)


def test_controls_need_motion(clip: Path) -> None:
    files = Clip.find(str(clip / "rgb_*.png"), None, [clip / "painting.png"])
    assert error_code(evaluate, files, find_sequence(str(clip / "noise_*.png")), controls=True, device="cpu") == "missing_pass"
    assert main([word for word in command(clip, "noise_*.png", "--controls") if "pass" not in word]) == 1


def test_what_leaves_the_picture_at_once_is_said(tmp_path: Path) -> None:
    for frame in (1, 2, 3):
        write_png16(tmp_path / f"rgb_{frame}.png", tensor_to_image(picture(HEIGHT, WIDTH, frame)))
        write_vectors(tmp_path / f"pass_{frame}.exr", {"X": 30, "Y": 0, "Z": 30, "W": 0})
    files = Clip.find(str(tmp_path / "rgb_*.png"), str(tmp_path / "pass_*.exr"), [tmp_path / "rgb_1.png"])
    found = evaluate(files, find_sequence(str(tmp_path / "rgb_*.png")), device="cpu", find_cuts=False)
    assert found["warping_share"] == pytest.approx(18 / 48)
    assert found["warping_share_first_to_last"] == 0.0 and "warping_error_first_to_last" not in found
    assert "none  (no pixel could be followed so far)" in format_report(found)
