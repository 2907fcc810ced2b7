"""Sweeps: the grid, what is painted and what is kept, the table, and the sheet."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from support_jobs import error_code, picture, wait_until

from lwsw.cli import main
from lwsw.media.images import read_image
from lwsw.profiles import MAIN_LAYERS, PROFILES, get_profile
from lwsw.sweep.contact_sheet import Label, contact_sheet, elide, wrap
from lwsw.sweep.grid import Grid

WIDTH, HEIGHT = 48, 28
FAST = ["--width", str(WIDTH), "--iterations", "3", "--device", "cpu"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A picture and two paintings."""
    (tmp_path / "render.png").write_bytes(picture(1, WIDTH, HEIGHT))
    (tmp_path / "wave.png").write_bytes(picture(2, 40, 24))
    (tmp_path / "night, größe=2.png").write_bytes(picture(3, 24, 40))
    return tmp_path


def command(files: Path, *more: str) -> list[str]:
    words = ["sweep", "--color", str(files / "render.png"), "--style", str(files / "wave.png"), "--out", str(files / "out")]
    return [*words, *FAST, *more]


def table(files: Path) -> list[dict[str, str]]:
    with (files / "out" / "sweep.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict:
    status = main([*words, "--json"])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    return {"status": status, "err": shown.err, **json.loads(shown.out)}


def test_a_cell_is_what_stylize_makes(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever else is on the sheet: the constants are those of the painting, whichever layers others use."""
    words = ["--weights", "relu1_1=1", "--weights", "relu1_1=1,relu2_1=2,relu4_3=1", "--style", str(files / "night, größe=2.png")]
    assert run(command(files, *words), capsys)["cells"] == 4
    rows = table(files)
    assert [(row["painting"], row["weights"]) for row in rows] == [
        (painting, weights) for painting in ("wave.png", "night, größe=2.png") for weights in ("relu1_1=1", "relu1_1=1,relu2_1=2,relu4_3=1")
    ]
    stylize = ["stylize", "--color", str(files / "render.png"), "--style", str(files / "night, größe=2.png"), "--out", str(files / "one")]
    stylize += ["--weights", "relu1_1=1,relu2_1=2,relu4_3=1", "--first-iterations", "3", "--device", "cpu"]
    assert main(stylize) == 0
    one, cell = read_image(files / "one" / "render.png"), read_image(files / "out" / rows[3]["file"])
    assert cell.shape == (HEIGHT, WIDTH, 3) and np.abs(one - cell).max() < 1e-3
    assert cv2.imread(str(files / "out" / rows[3]["file"]), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    assert np.abs(cell - read_image(files / "render.png")).mean() > 0.01

    values = rows[3]
    assert [values[layer] for layer in (*MAIN_LAYERS, "relu4_3")] == ["1", "2", "0", "0", "0", "1"]
    assert float(values["centroid_px"]) == pytest.approx((3 * 10**2 * 100) ** 0.25, rel=1e-3)
    assert (values["strength"], values["content_weight"]) == ("1", "1") and float(values["seconds"]) > 0
    assert float(values["texture_wavelength_px"]) > 1.4 and float(values["gram_error_relu5_1"]) > 0
    assert values["ssim"] == "" or -1 <= float(values["ssim"]) <= 1


def test_what_is_there_is_not_painted_again(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--weights", "relu1_1=1", "--weights", "relu2_1=1"]
    first = run(command(files, *words), capsys)
    assert (first["cells"], first["kept"]) == (2, 0)
    cells = {path: path.read_bytes() for path in (files / "out" / "cells").iterdir()}
    before = table(files)
    (files / "out" / "sweep.csv").unlink()
    assert run(command(files, *words), capsys)["kept"] == 2
    assert table(files) == before and {path: path.read_bytes() for path in (files / "out" / "cells").iterdir()} == cells

    more = run(command(files, "--weights", "relu1_1=1", "--strength", "1", "0", "--style", str(files / "night, größe=2.png")), capsys)
    assert (more["cells"], more["kept"]) == (4, 1)
    rows = table(files)
    assert [(row["painting"], row["strength"]) for row in rows] == [
        (name, strength) for name in ("wave.png", "night, größe=2.png") for strength in "10"
    ]
    assert rows[0] == before[0]
    assert np.abs(read_image(files / "out" / rows[1]["file"]) - read_image(files / "render.png")).max() < 1e-4, "strength 0"
    assert all(path.read_bytes() == data for path, data in cells.items()), "cells of another grid stay"

    damaged = files / "out" / rows[0]["file"]
    damaged.write_bytes(damaged.read_bytes()[:500])
    for change in ([], ["--iterations", "2"], ["--seed", "1"], ["--palette", "histogram"]):
        assert run(command(files, "--weights", "relu1_1=1", *change), capsys)["kept"] == 0, change
    assert run(command(files, "--weights", "relu1_1=5"), capsys)["kept"] == 1, "a factor changes nothing"
    (files / "wave.png").write_bytes(picture(9, 40, 24))
    assert run(command(files, "--weights", "relu1_1=1"), capsys)["kept"] == 0


def test_axes_multiply_and_repetitions_count_once(files: Path) -> None:
    paintings = [files / "wave.png", files / "night, größe=2.png", files / "." / "wave.png"]
    grid = Grid.make(paintings, ["layers", "balanced", "relu3_1=1"], strengths=[1, 2, 1], content_weights=[None, 4], exponents=[0, 1])
    assert [column.weights for column in grid.columns[::2]] == [*(f"{layer}=1" for layer in MAIN_LAYERS), *PROFILES]
    assert [column.exponent for column in grid.columns] == [0, 1] * 8
    assert [(row.painting.name, row.strength, row.content_weight) for row in grid.rows[:5]] == [
        *((paintings[0].name, strength, content) for strength in (1, 2) for content in (None, 4)),
        (paintings[1].name, 1, None),
    ]
    fine, fine_firm = grid.looks[0][10], grid.looks[3][11]
    assert (
        fine.layer_weights == get_profile("fine-grain").layer_weights() and fine.content_weight == get_profile("fine-grain").content_weight
    )
    assert (fine_firm.content_weight, fine_firm.strength, fine_firm.exponent) == (4, 2, 1)
    assert grid.cell_words(3, 11) == ["fine-grain", "strength 2", "content 4", "p 1"]
    assert Grid.make(paintings, ["relu5_1=1"]).looks[0][0].exponent == 1, "by default the exponent follows the weights"


def test_the_frame_of_a_sequence(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for frame in (3, 5):
        (files / f"rgb_{frame:04d}.png").write_bytes(picture(frame, WIDTH, HEIGHT))
    words = command(files, "--weights", "relu1_1=1", "--strength", "0")
    words[words.index("--color") + 1] = str(files / "rgb_*.png")
    for more, frame in ([], 3), (["--frame", "5"], 5):
        assert run([*words, *more], capsys)["status"] == 0
        assert np.abs(read_image(files / "out" / table(files)[0]["file"]) - read_image(files / f"rgb_{frame:04d}.png")).max() < 1e-4
    error = run([*words, "--frame", "4"], capsys)["error"]
    assert error["code"] == "missing_frames" and "3, 5" in error["hint"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--weights", "cubist"], "bad_settings"),
        (["--weights", ""], "bad_settings"),
        (["--weights", "relu9_9=1"], "unknown_layer"),
        (["--weights", "relu1_1=0"], "bad_weights"),
        (["--weights", "relu1_1=nan"], "bad_weights"),
        (["--strength", "1", "-1"], "bad_weights"),
        (["--content-weight", "inf"], "bad_weights"),
        (["--frequency-exponent", "3"], "bad_settings"),
        (["--iterations", "0"], "bad_settings"),
        (["--width", "0"], "bad_settings"),
        (["--style", "nowhere.png"], "missing_style"),
        (["--color", "nowhere.png"], "missing_frames"),
        (["--device", "abacus"], "no_device"),
        (["--network", "nowhere.pth"], "missing_network"),
    ],
)
def test_bad_input(files: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: str) -> None:
    result = run(command(files, *words), capsys)
    assert result["status"] == 1 and result["error"]["code"] == code and result["error"]["hint"]


def test_damaged_pictures_and_folders_are_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "bad.png").write_text("no picture")
    assert run(command(files, "--style", str(files / "bad.png")), capsys)["error"]["code"] == "unreadable_style"
    assert run(command(files, "--color", str(files / "bad.png")), capsys)["error"]["code"] == "unreadable_frame"
    assert run(command(files, "--out", str(files / "bad.png")), capsys)["error"]["code"] == "output_not_writable"
    (files / "out").mkdir()
    (files / "out" / "sweep.png").write_bytes(picture(4, WIDTH, HEIGHT))
    assert run(command(files, "--color", str(files / "out" / "sweep.png")), capsys)["error"]["code"] == "bad_settings"
    assert (files / "out" / "sweep.png").read_bytes() == picture(4, WIDTH, HEIGHT)
    assert error_code(Grid.make, [files], ["balanced"]) == "missing_style"


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down that Ctrl-C is ignored
from lwsw.cli import main
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_control_c_keeps_finished_cells(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = command(files, "--weights", "relu1_1=1", "--strength", "0", "1", "--iterations", "3000")
    with subprocess.Popen([sys.executable, "-c", INTERRUPTIBLE, *words], stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: (files / "out" / "sweep.png").exists() or process.poll() is not None, 60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err and "same command again" in err, err
    assert [row["strength"] for row in table(files)] == ["0"]
    assert not [path.name for path in (files / "out").rglob("*tmp*")]
    assert run(command(files, "--weights", "relu1_1=1", "--strength", "0", "--iterations", "3000"), capsys)["kept"] == 1


# The sheet


def blocks(values: np.ndarray) -> list[tuple[int, int]]:
    """Return beginnings and ends of what is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], values.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def test_the_sheet_shows_every_cell_pixel_by_pixel_and_labels_it() -> None:
    colors = np.array([[[0.2, 0, 0], [0.4, 0, 0], [0.6, 0, 0]], [[0, 0, 0.2], [0, 0, 0.4], [0, 0, 0.6]]])
    cells = [[np.full((90, 160, 3), color, np.float32) for color in line] for line in colors]
    source = np.full((90, 160, 3), (0, 1, 0), np.float32)
    tall = np.full((300, 100, 3), (1, 0, 1), np.float32)
    sheet = contact_sheet(
        [[*cells[0][:2], None], cells[1]],
        [["texture 1 px"] * 3] * 2,
        (160, 90),
        rows=[Label("wave.jpg", [["strength 0.5"]], tall), Label("a very long name of a painting.jpg", [], tall)],
        columns=[Label("Balanced", [["relu1_1=1", "relu2_1=1", "relu3_1=1", "relu4_1=1"], ["sees 24 px"]])] * 3,
        corner=Label("render.jpg", (), source),
    )
    assert sheet.dtype == np.uint8
    places = []
    for color in colors.reshape(-1, 3):
        found = (sheet == np.rint(color * 255)).all(2)
        if color[0] == 0.6:
            assert not found.any(), "not painted yet"
            continue
        (rows,), (columns,) = blocks(found.any(1)), blocks(found.any(0))
        assert (rows[1] - rows[0], columns[1] - columns[0]) == (90, 160) and found.sum() == 90 * 160
        places.append((rows, columns))
    ink = sheet.max(2) < 170
    for (top, bottom), (left, right) in places:
        assert ink[bottom : bottom + 20, left:right].any(), "a caption below"
        assert not ink[top:bottom, right + 1 : right + 9].any(), "nothing between cells"
    first_top = places[0][0][0]
    for _, (left, right) in places[:2]:
        header = ink[: first_top - 1, left:right]
        assert header.any() and not ink[:first_top, right : right + 10].any(), "headers keep to their column"
        assert len(blocks(header.any(1))) >= 3
    green, pink = (sheet == (0, 255, 0)).all(2), (sheet == (255, 0, 255)).all(2)
    (rows,), (columns,) = blocks(green.any(1)), blocks(green.any(0))
    assert rows[1] < first_top and columns[1] < places[0][1][0] and rows[1] - rows[0] == 90
    thumbnails = blocks(pink.any(1))
    assert len(thumbnails) == 2 and all(high - low >= 40 for low, high in thumbnails)
    assert not ink[:, -5:].any() and not ink[-3:].any(), "nothing is cut off at the border"


def test_a_huge_sheet_is_shrunk() -> None:
    cells = [[np.zeros((4, 1500, 3), np.float32)] * 20]
    labels = {"rows": [Label("a")], "columns": [Label("b")] * 20, "corner": Label("c")}
    assert contact_sheet(cells, [[""] * 20], (1500, 4), **labels).shape[1] < 13_000


def test_long_text_is_cut_and_lists_are_wrapped() -> None:
    def width(text: str) -> int:
        return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0]

    assert elide("wave.jpg", 200) == "wave.jpg"
    short = elide("a very long name of a painting by somebody.jpg", 120)
    assert width(short) <= 120 and short.startswith("a very") and short.endswith(".jpg") and "..." in short
    items = [f"{layer}=1" for layer in MAIN_LAYERS]
    lines = wrap(items, 160)
    assert " ".join(lines) == ", ".join(items) and 1 < len(lines) < 5 and all(width(line) <= 160 for line in lines)
    assert all(width(f"{line} {after.split()[0]}") > 160 for line, after in pairwise(lines)), "no line could take more"
    assert wrap([], 100) == []
