"""``lwsw evaluate`` on a clip whose motion, error and sharpness are known beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from support_core import picture
from support_jobs import error_code

from lwsw.cli import main
from lwsw.jobs.frame_reader import tensor_to_image
from lwsw.media.images import write_png16

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


def test_known_errors_are_measured(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command(clip, "jumping_*.png", "--against", str(clip / "steady_*.png")), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["warping_error"] == pytest.approx(0.1, abs=1e-4)
    assert measured["warping_error_of_render"] == pytest.approx(0.0, abs=1e-4)
    assert measured["against"]["warping_error"] == pytest.approx(0.0, abs=1e-4)
    # negation turns the Laplacian round and leaves its variance; adding a constant does too
    assert measured["ratios"]["sharpness"] == pytest.approx(1.0, abs=1e-3)
    assert measured["sharpness"] == pytest.approx(measured["sharpness_of_render"], rel=1e-3)
    assert set(measured["gram_errors"]) == {"relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"}
    assert len(measured["per_frame"]) == len(FRAMES) and measured["style_loss"] > 0


def test_a_painting_compared_with_itself_has_no_gram_error(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    painting = str(clip / "painting.png")
    assert main(["evaluate", "--color", painting, "--style", painting, "--stylized", painting, "--device", "cpu", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert max(measured["gram_errors"].values()) < 1e-9 and "warping_error" not in measured


def test_missing_results_and_cameras_are_said(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(clip, "steady_*[12].png")) == 1
    assert "frame 3" in capsys.readouterr().err
    (tmp_path / "cameras.json").write_text("{")
    assert main(command(clip, "steady_*.png", "--cameras", str(tmp_path / "cameras.json"))) == 1
    assert "camera file" in capsys.readouterr().err


def test_results_of_different_sizes_are_said(clip: Path, tmp_path: Path) -> None:
    from lwsw.evaluate import evaluate
    from lwsw.jobs.clip import Clip

    for frame in FRAMES:
        write_png16(tmp_path / f"{frame:04d}.png", np.zeros((HEIGHT + frame // 3, WIDTH, 3), np.float32))
    found = Clip.find(str(clip / "rgb_*.png"), None, [clip / "painting.png"])
    assert error_code(evaluate, found, {frame: tmp_path / f"{frame:04d}.png" for frame in FRAMES}, device="cpu") == "bad_frame_size"
