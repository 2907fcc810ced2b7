"""scripts/demo, small: the real Blender module, the real extension, the real backend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = ("--frames", "3", "--width", "96", "--samples", "1", "--iterations", "1", "--first-iterations", "2")


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "run_demo.py"), *arguments], capture_output=True, text=True, timeout=300, cwd=ROOT
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("demo") / "out"
    done = run_demo(*TINY, "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def read_report(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "report.json").read_text("utf-8")))


def test_everything_is_there(demo: tuple[Path, str]) -> None:
    out, _ = demo
    source = out / "results" / "source"
    names = [f"{frame:04d}" for frame in (1, 2, 3)]
    assert sorted(path.name for path in out.glob("results/*.png")) == [f"{name}.png" for name in names]
    assert sorted(path.name for path in (source / "frames").iterdir()) == [f"{name}.png" for name in names]
    assert sorted(path.name for path in (source / "passes").iterdir()) == [f"{name}.exr" for name in names]
    for name in ("stylized.blend", "stylized.mp4", "contact_sheet.png", "report.json", "painting.jpg"):
        assert (out / name).stat().st_size > 0, name


def test_results_are_16_bit_paintings(demo: tuple[Path, str]) -> None:
    out, _ = demo
    result = cv2.imread(str(out / "results" / "0002.png"), cv2.IMREAD_UNCHANGED)
    render = cv2.imread(str(out / "results" / "source" / "frames" / "0002.png"), cv2.IMREAD_UNCHANGED)
    assert result.dtype == render.dtype == np.uint16
    assert result.shape == render.shape == (54, 96, 3)
    assert cv2.absdiff(result, render).mean() > 257  # a level of 8 bits: something has been painted


def test_film_shows_the_painting(demo: tuple[Path, str]) -> None:
    out, _ = demo
    capture = cv2.VideoCapture(str(out / "stylized.mp4"))
    pictures = []
    while True:
        good, picture = capture.read()
        if not good:
            break
        pictures.append(picture.astype(np.float32))
    assert len(pictures) == 3
    result = cv2.imread(str(out / "results" / "0003.png")).astype(np.float32)
    render = cv2.imread(str(out / "results" / "source" / "frames" / "0003.png")).astype(np.float32)
    assert np.abs(pictures[2] - result).mean() < 0.7 * np.abs(pictures[2] - render).mean()
    assert read_report(out)["film_difference"] < 4


def test_report_says_where_the_time_went(demo: tuple[Path, str]) -> None:
    report = read_report(demo[0])
    assert report["frames"] == 3
    assert report["size"] == [96, 54]
    assert report["strips"] == ["Demo render", "LWSW painting"]  # from below
    assert report["settings"]["motion"] == "vector"
    seconds = report["seconds"]
    assert seconds["optimization"] > 0
    assert seconds["render"] > 0
    assert seconds["render"] + seconds["optimization"] + seconds["film"] <= seconds["total"]
    per = report["per_frame"]
    assert report["outside_percent"] == pytest.approx(100 * per["outside"] / (per["outside"] + per["optimization"]), abs=0.2)
    assert report["evaluation"]["warping_error"] > 0
    assert report["evaluation"]["warping_error_of_render"] > 0


def test_progress_is_shown(demo: tuple[Path, str]) -> None:
    _, shown = demo
    for words in ("rendering  frame 3/3", "painting  frame 2/3", "cutting the film"):
        assert words in shown


def test_contact_sheet_shows_motion_of_objects_and_sky(demo: tuple[Path, str]) -> None:
    import demo_media

    source = demo[0] / "results" / "source"
    flow = demo_media.flow_to_show(source, 2, False, (96, 54))
    assert flow.shape == (54, 96, 2)
    ground, sky = flow[48:, :, 0], flow[:4, 88:, 0]
    assert ground.mean() < -0.5  # the camera travels to the right: what is near moves to the left
    assert sky.mean() > 0.03  # and it turns to the left: the sky moves to the right
    sheet = cv2.imread(str(demo[0] / "contact_sheet.png"))
    assert sheet.shape[1] > 3 * 96


def test_a_second_demo_replaces_the_first(demo: tuple[Path, str], tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "0009.png").write_bytes(b"of an earlier, longer demo")
    done = run_demo("--frames", "1", *TINY[2:], "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in results.glob("*.png")] == ["0001.png"]


def test_missing_painting(tmp_path: Path) -> None:
    done = run_demo("--style", str(tmp_path / "none.jpg"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_painting_that_is_no_picture(tmp_path: Path) -> None:
    style = tmp_path / "painting.jpg"
    style.write_text("not a picture")
    done = run_demo(*TINY, "--style", str(style), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "painting.jpg" in done.stderr


def test_a_program_that_is_not_blender(tmp_path: Path) -> None:
    done = run_demo("--blender", sys.executable, "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "is not Blender" in done.stderr
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run_demo(*TINY, "--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
