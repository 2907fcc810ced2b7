"""Finding numbered files, and reading their size."""

from __future__ import annotations

from pathlib import Path

import helpers
import numpy as np
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.source import frames


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize("pattern", ["rgb_####.png", "rgb_%04d.png", "rgb_*.png", "rgb_0002.png", "rgb_#.png"])
def test_every_way_to_name_a_sequence(tmp_path: Path, pattern: str) -> None:
    _touch(tmp_path, "rgb_0001.png", "rgb_0002.png", "rgb_0010.png", "rgb_0001.exr", "other_0001.png", "rgb_0001.png.bak")
    found = frames.find_sequence(str(tmp_path / pattern))
    assert list(found) == [1, 2, 10]
    assert found[10].name == "rgb_0010.png"


def test_the_last_number_of_a_name_counts(tmp_path: Path) -> None:
    _touch(tmp_path, "shot12_v3-0001.png", "shot12_v3-0002.png", "shot13_v3-0003.png")
    assert list(frames.find_sequence(str(tmp_path / "shot12_v3-0001.png"))) == [1, 2]


def test_negative_frames(tmp_path: Path) -> None:
    names = [frames.file_name(frame, ".png") for frame in (-1, 0, 1)]
    assert names == ["-001.png", "0000.png", "0001.png"]
    _touch(tmp_path, *names)
    for pattern in ("####.png", "0001.png", "-001.png"):
        assert list(frames.find_sequence(str(tmp_path / pattern))) == [-1, 0, 1]


def test_nothing_there(tmp_path: Path) -> None:
    assert frames.find_sequence(str(tmp_path / "none" / "####.png")) == {}
    _touch(tmp_path, "still.png")
    assert frames.find_sequence(str(tmp_path / "still.png")) == {}


def test_a_gap_is_named() -> None:
    frames.check_no_gap([3, 4, 5], "pictures")
    with pytest.raises(LwswError) as caught:
        frames.check_no_gap([1, 2, 5], "pictures")
    assert caught.value.code == "frame_gap"
    assert "3 to 4" in caught.value.message


def test_sizes(tmp_path: Path) -> None:
    assert frames.picture_size(helpers.write_png(tmp_path / "a.png", np.zeros((5, 7, 3)))) == (7, 5)
    for name, content in (("b.png", b"no picture"), ("c.exr", b"\x76\x2f\x31\x01 cut"), ("d.jpg", b"\xff\xd8")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LwswError) as caught:
            frames.picture_size(tmp_path / name)
        assert caught.value.code == "unreadable_frame"
        assert name in caught.value.message


def test_files_are_written_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "0001.png"
    frames.write_file(target, b"one")
    frames.write_file(target, b"two")
    assert target.read_bytes() == b"two"
    assert [item.name for item in tmp_path.iterdir()] == ["0001.png"]


def test_a_full_disk_and_a_missing_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(LwswError) as caught:
        frames.write_file(tmp_path / "none" / "0001.png", b"data")
    assert caught.value.code == "output_not_writable"
    if Path("/dev/full").exists():
        (tmp_path / ".0001.png.partial").symlink_to("/dev/full")
        with pytest.raises(LwswError) as caught:
            frames.write_file(tmp_path / "0001.png", b"data")
        assert caught.value.code == "disk_full"
        assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LwswError) as caught:
        frames.ensure_folder(tmp_path / "file" / "folder")
    assert caught.value.code == "output_not_writable"


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (8, 2), (1920, 1080)])
def test_an_empty_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    frames.write_empty_png(tmp_path / "empty.png", size)
    assert frames.png_size(tmp_path / "empty.png") == size
    picture = helpers.read_picture(tmp_path / "empty.png")
    assert picture.shape[1::-1] == size
    assert not picture.any()
