"""EXR files of every make: complete channels under unambiguous names, or an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from lwsw.errors import LwswError
from lwsw.media.exr import read_channels

HEIGHT, WIDTH = 20, 30


def plane(seed: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 5, (HEIGHT, WIDTH)).astype(dtype)


def write_single(path: Path, channels: dict[str, np.ndarray], **header: object) -> Path:
    settings = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(settings, dict(channels)).write(str(path))  # a copy: OpenEXR replaces the arrays in the dictionary
    return path


def write_parts(path: Path, parts: dict[str, dict[str, np.ndarray]]) -> Path:
    settings = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File([OpenEXR.Part({**settings, "name": name}, dict(channels)) for name, channels in parts.items()]).write(str(path))
    return path


def test_single_part(tmp_path: Path) -> None:
    written = {"ViewLayer.Combined.R": plane(0), "Composite.Combined.R": plane(1), "ViewLayer.Vector.X": plane(2)}
    read = read_channels(write_single(tmp_path / "Übergang 0001.exr", written))
    assert set(read) == set(written)
    for name, values in written.items():
        assert read[name].dtype == np.float32
        assert np.array_equal(read[name], values)


def test_every_part_of_a_multi_part_file(tmp_path: Path) -> None:
    written = {f"ViewLayer.{name}": {f"ViewLayer.{name}.{axis}": plane(ord(axis)) for axis in "XYZW"} for name in ("A", "Vector", "B")}
    read = read_channels(write_parts(tmp_path / "0001.exr", written))
    assert list(read) == [name for channels in written.values() for name in sorted(channels)]
    assert np.array_equal(read["ViewLayer.Vector.W"], plane(ord("W")))


def test_equal_names_in_two_parts_do_not_collide(tmp_path: Path) -> None:
    path = write_parts(tmp_path / "0001.exr", {"left": {"Vector.X": plane(0)}, "right": {"Vector.X": plane(1)}})
    for wanted in (None, lambda name: name.endswith("Vector.X")):
        read = read_channels(path, wanted)
        assert np.array_equal(read["Vector.X"], plane(0))
        assert np.array_equal(read["right.Vector.X"], plane(1))


def test_only_wanted_channels(tmp_path: Path) -> None:
    path = write_single(tmp_path / "0001.exr", {"A.X": plane(0), "B.X": plane(1)})
    assert list(read_channels(path, lambda name: name.startswith("B"))) == ["B.X"]


@pytest.mark.parametrize("dtype", [np.float16, np.uint32])
def test_other_pixel_types_become_float32(tmp_path: Path, dtype: type) -> None:
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(dtype)
    read = read_channels(write_single(tmp_path / "0001.exr", {"Y": values}))["Y"]
    assert read.dtype == np.float32
    assert np.array_equal(read, values)


def test_data_window_inside_the_display_window(tmp_path: Path) -> None:
    windows = {"dataWindow": ((3, 4), (WIDTH + 2, HEIGHT + 3)), "displayWindow": ((0, 0), (39, 29))}
    read = read_channels(write_single(tmp_path / "0001.exr", {"Z": plane(0)}, **windows), outside=7.0)["Z"]
    assert read.shape == (30, 40)
    assert np.array_equal(read[4 : 4 + HEIGHT, 3 : 3 + WIDTH], plane(0))
    read[4 : 4 + HEIGHT, 3 : 3 + WIDTH] = 7.0
    assert (read == 7.0).all()


def test_overscan_is_cut_off(tmp_path: Path) -> None:
    windows = {"dataWindow": ((-2, -3), (WIDTH - 3, HEIGHT - 4)), "displayWindow": ((0, 0), (WIDTH - 5, HEIGHT - 7))}
    read = read_channels(write_single(tmp_path / "0001.exr", {"Z": plane(0)}, **windows))["Z"]
    assert np.array_equal(read, plane(0)[3 : 3 + HEIGHT - 6, 2 : 2 + WIDTH - 4])


def test_data_window_beside_the_display_window(tmp_path: Path) -> None:
    windows = {"dataWindow": ((100, 0), (99 + WIDTH, HEIGHT - 1)), "displayWindow": ((0, 0), (9, 9))}
    read = read_channels(write_single(tmp_path / "0001.exr", {"Z": plane(0)}, **windows), outside=1.0)["Z"]
    assert read.shape == (10, 10)
    assert (read == 1.0).all()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LwswError) as raised:
        read_channels(tmp_path / "0007.exr")
    assert raised.value.code == "missing_pass"
    assert "0007.exr" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("data", [b"", b"not an EXR file at all", b"\x76\x2f\x31\x01", b"\x89PNG\r\n\x1a\n"])
def test_not_an_exr(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "0001.exr"
    path.write_bytes(data)
    with pytest.raises(LwswError) as raised:
        read_channels(path)
    assert raised.value.code == "corrupt_pass"
    assert str(path) in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("parts", [1, 4])
def test_every_truncation_is_found(tmp_path: Path, parts: int, capsys: pytest.CaptureFixture[str]) -> None:
    """OpenEXR itself only prints a warning and leaves out the parts that it cannot decode."""
    if parts == 1:
        path = write_single(tmp_path / "0001.exr", {"V.X": plane(0), "V.Y": plane(1)})
    else:
        path = write_parts(tmp_path / "0001.exr", {f"p{part}": {f"p{part}.X": plane(part)} for part in range(parts)})
    data = path.read_bytes()
    for length in {*range(0, len(data), len(data) // 80), len(data) - 2, len(data) - 1}:
        path.write_bytes(data[:length])
        with pytest.raises(LwswError) as raised:
            # Even when what is wanted lies before the damage: such a file was not finished.
            read_channels(path, lambda name: name.startswith("p0"))
        assert raised.value.code == "corrupt_pass", length
    assert capsys.readouterr().out == ""


def test_damaged_header_never_escapes(tmp_path: Path) -> None:
    path = write_single(tmp_path / "0001.exr", {"ViewLayer.Vector.X": plane(0), "ViewLayer.Vector.Y": plane(1)})
    data = path.read_bytes()
    codes = set()
    for position in range(0, 330, 3):
        damaged = bytearray(data)
        damaged[position] ^= 0x80
        path.write_bytes(damaged)
        try:
            read_channels(path)
        except LwswError as error:
            codes.add(error.code)
    assert codes == {"corrupt_pass"}


def test_deep_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.exr"
    samples = np.empty((HEIGHT, WIDTH), object)
    for index in np.ndindex(HEIGHT, WIDTH):
        samples[index] = np.array([1.0, 2.0], np.float32)
    OpenEXR.File({"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.deepscanline}, {"Z": samples}).write(str(path))
    with pytest.raises(LwswError) as raised:
        read_channels(path)
    assert raised.value.code == "corrupt_pass"
    assert "deep" in raised.value.message


def test_real_files_of_blender(blender_passes: Path) -> None:
    channels = read_channels(blender_passes / "moving.exr")
    expected = [*(f"Combined.{axis}" for axis in "RGBA"), *(f"Vector.{axis}" for axis in "XYZW"), "Depth.Z"]
    assert set(channels) == {f"ViewLayer.{name}" for name in expected}
    assert {values.shape for values in channels.values()} == {(36, 64)}


def test_truncated_file_of_blender(blender_passes: Path, tmp_path: Path) -> None:
    data = (blender_passes / "moving.exr").read_bytes()
    path = tmp_path / "0001.exr"
    for fraction in (0.05, 0.5, 0.9, 0.999):
        path.write_bytes(data[: int(len(data) * fraction)])
        with pytest.raises(LwswError) as raised:
            read_channels(path)
        assert raised.value.code == "corrupt_pass"
