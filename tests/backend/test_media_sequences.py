"""Which files a pattern names, which frames they are, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwsw.errors import LwswError
from lwsw.media.sequences import check_gaps, find_sequence, format_numbers, frame_number, missing_numbers


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def names(sequence: dict[int, Path]) -> dict[int, str]:
    return {number: path.name for number, path in sequence.items()}


@pytest.mark.parametrize(
    "pattern", ["rgb_*.png", "rgb_????.png", "rgb_000[0-9].png", "rgb_%04d.png", "rgb_####.png", "rgb_%d.png", "r*_#.png"]
)
def test_patterns(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "rgb_0001.png", "rgb_0002.png", "pass_0001.exr", "pass_0002.exr", ".rgb_0003.png", "rgb_0003.png.tmp")
    assert names(find_sequence(str(tmp_path / pattern))) == {1: "rgb_0001.png", 2: "rgb_0002.png"}


def test_relative_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "clip", "0001.png")
    monkeypatch.chdir(tmp_path)
    assert find_sequence("clip/*.png") == {1: Path("clip/0001.png")}
    monkeypatch.chdir(tmp_path / "clip")
    assert find_sequence("*.png") == {1: Path("0001.png")}


def test_folder_takes_pictures_only(tmp_path: Path) -> None:
    touch(tmp_path, "0001.png", "0002.PNG", "notes.txt", "Thumbs.db", "._0001.png")
    assert names(find_sequence(str(tmp_path))) == {1: "0001.png", 2: "0002.PNG"}


def test_order_is_that_of_numbers_not_of_names(tmp_path: Path) -> None:
    touch(tmp_path, *(f"f{number}.png" for number in range(8, 13)))
    assert list(find_sequence(str(tmp_path / "f*.png"))) == [8, 9, 10, 11, 12]


def test_numbers_wider_than_the_field(tmp_path: Path) -> None:
    touch(tmp_path, "f_9999.png", "f_10000.png", "f_1.png")
    assert names(find_sequence(str(tmp_path / "f_####.png"))) == {9999: "f_9999.png", 10000: "f_10000.png"}


def test_negative_frames(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{number:04d}.png" for number in (-2, -1, 0, 1)))
    expected = {-2: "-002.png", -1: "-001.png", 0: "0000.png", 1: "0001.png"}
    for pattern in ("*.png", "%04d.png", "####.png"):
        assert names(find_sequence(str(tmp_path / pattern))) == expected


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("0012.png", 12),
        ("-001.png", -1),
        ("rgb_-001.png", -1),
        ("rgb.-0012.png", -12),
        ("shot-001.png", 1),
        ("shot2-001.png", 1),
        ("v2_0012.png", 12),
        ("0012_final.png", 12),
        ("a--3.png", -3),
        ("painting.png", None),
        ("Zürich_0007.png", 7),
    ],
)
def test_frame_number(name: str, number: int | None) -> None:
    assert frame_number(Path("v1.0") / name) == number


def test_hyphen_in_the_field_is_a_minus(tmp_path: Path) -> None:
    touch(tmp_path, "shot-001.png", "shot0000.png")
    assert list(find_sequence(str(tmp_path / "shot%04d.png"))) == [-1, 0]


def test_single_picture_without_digits_is_frame_one(tmp_path: Path) -> None:
    touch(tmp_path, "painting.png")
    for pattern in (tmp_path / "painting.png", tmp_path / "*.png", tmp_path):
        assert names(find_sequence(str(pattern))) == {1: "painting.png"}


def test_names_with_pattern_characters_are_meant_literally(tmp_path: Path) -> None:
    folder = tmp_path / "shot[1] #2 100%d"
    touch(folder, "take[3]#4.png", "0001.png", "0002.png")
    assert names(find_sequence(str(folder / "take[3]#4.png"))) == {4: "take[3]#4.png"}
    assert list(find_sequence(str(folder / "000*.png"))) == [1, 2]
    assert list(find_sequence(str(folder / "%04d.png"))) == [1, 2]


def test_glob_over_folders(tmp_path: Path) -> None:
    touch(tmp_path / "a", "f_0001.png")
    touch(tmp_path / "b", "f_0002.png")
    assert list(find_sequence(str(tmp_path / "*" / "f_*.png"))) == [1, 2]


@pytest.mark.parametrize("pattern", ["nothing_*.png", "nothing.png", "nothing_####.png", "no/folder/*.png", "empty", "[", ""])
def test_nothing_found(tmp_path: Path, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "present_0001.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LwswError) as raised:
        find_sequence(pattern)
    assert raised.value.code == "missing_frames"
    assert f"'{pattern}'" in raised.value.message
    assert raised.value.hint


def test_gaps_are_named(tmp_path: Path) -> None:
    present = [5, 6, 10, 11, 13]
    touch(tmp_path, *(f"f_{number:04d}.png" for number in present))
    with pytest.raises(LwswError) as raised:
        find_sequence(str(tmp_path / "f_*.png"))
    assert raised.value.code == "frame_gap"
    assert "7–9, 12" in raised.value.message
    assert raised.value.hint
    assert list(find_sequence(str(tmp_path / "f_*.png"), allow_gaps=True)) == present


def test_two_files_of_one_number(tmp_path: Path) -> None:
    touch(tmp_path, "rgb_0001.png", "pass_0001.exr")
    with pytest.raises(LwswError) as raised:
        find_sequence(str(tmp_path))
    assert raised.value.code == "bad_settings"
    assert "rgb_0001.png" in raised.value.message
    assert "pass_0001.exr" in raised.value.message


def test_file_without_number_among_others(tmp_path: Path) -> None:
    touch(tmp_path, "rgb_0001.png", "reference.png")
    with pytest.raises(LwswError) as raised:
        find_sequence(str(tmp_path / "*.png"))
    assert raised.value.code == "bad_settings"
    assert "reference.png" in raised.value.message


def test_check_gaps_accepts_unbroken_and_empty() -> None:
    check_gaps([3, 1, 2])
    check_gaps([])
    with pytest.raises(LwswError, match="frame 2 is missing"):
        check_gaps([1, 3])


def test_missing_numbers() -> None:
    assert missing_numbers({1, 3, 9}, [4, 3, 2, 1]) == [2, 4]


def test_format_numbers() -> None:
    assert format_numbers([9, 7, 8, 12]) == "7–9, 12"
    assert format_numbers([]) == ""
    assert format_numbers(range(0, 100, 2)).endswith("14, … (50 in all)")
