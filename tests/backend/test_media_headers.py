"""What files say about themselves before they are decoded; OpenEXR and the decoder of PNG are the references."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from support_jobs import error_code, picture

from lwsw.media.exr import read_exr
from lwsw.media.headers import read_exr_header, read_png_size

WIDTH, HEIGHT = 40, 70

CODECS = ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"]


def channels(*names: str) -> dict[str, np.ndarray]:
    return {name: np.random.default_rng(0).random((HEIGHT, WIDTH), np.float32) for name in names}


def write(path: Path, codec: str = "ZIP", parts: int = 1) -> Path:
    compression = getattr(OpenEXR, f"{codec}_COMPRESSION")
    header = {"compression": compression, "type": OpenEXR.scanlineimage, "displayWindow": ((0, 0), (WIDTH + 1, HEIGHT - 1))}
    names = ("ViewLayer.Vector.X", "Größe.Depth.Z")
    if parts == 1:
        OpenEXR.File(header, channels(*names)).write(str(path))
    else:
        OpenEXR.File([OpenEXR.Part({**header, "name": name}, channels(name)) for name in names]).write(str(path))
    return path


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("codec", CODECS)
def test_size_and_channels_are_those_of_openexr(tmp_path: Path, codec: str, parts: int) -> None:
    path = write(tmp_path / "0001.exr", codec, parts)
    header = read_exr_header(path)
    assert (header.width, header.height) == (WIDTH + 2, HEIGHT)
    assert header.channels == set(read_exr(path).channel_names)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.9, 0.999])
def test_what_was_cut_off_is_noticed(tmp_path: Path, share: float, parts: int) -> None:
    path = write(tmp_path / "0007.exr", parts=parts)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert error_code(read_exr_header, path) == "corrupt_pass"


@pytest.mark.parametrize("parts", [1, 2])
def test_what_a_killed_program_leaves_is_noticed(tmp_path: Path, parts: int) -> None:
    """The table of chunk offsets is written last: until then it is zeros."""
    path = write(tmp_path / "0007.exr", parts=parts)
    data = bytearray(path.read_bytes())
    chunks = -(-HEIGHT // 16) * parts
    offsets = [
        position
        for position in range(8, 4000)
        if all(8 < offset < len(data) for offset in struct.unpack_from(f"<{chunks}Q", data, position))
    ]
    data[offsets[0] : offsets[0] + 8] = bytes(8)
    path.write_bytes(data)
    assert error_code(read_exr_header, path) == "corrupt_pass"


@pytest.mark.parametrize("data", [b"", b"EXR", b"\x76\x2f\x31\x01", b"\x76\x2f\x31\x01\x02\0\0\0" + b"a" * 400, b"\x89PNG\r\n\x1a\n" * 9])
def test_what_is_no_exr(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "0001.exr").write_bytes(data)
    assert error_code(read_exr_header, tmp_path / "0001.exr") == "corrupt_pass"
    assert error_code(read_exr_header, tmp_path / "none.exr") == "missing_pass"


def test_files_of_blender(blender_passes: Path) -> None:
    paths = sorted(blender_passes.glob("*.exr"))
    assert len(paths) > 5
    for path in paths:
        header, image = read_exr_header(path), read_exr(path)
        assert (header.width, header.height) == (64, 36) and len(header.channels) == len({*image.channel_names})
        assert {name.split(".")[-2:][0] for name in header.channels} <= {name.split(".")[-2:][0] for name in image.channel_names}


def test_png(tmp_path: Path) -> None:
    path = tmp_path / "0001.png"
    data = picture(1, 50, 21)
    path.write_bytes(data)
    assert read_png_size(path) == (50, 21)
    for bad in (b"", data[:20], data[:-1], data[: len(data) // 2], b"GIF89a" + data[6:]):
        path.write_bytes(bad)
        assert error_code(read_png_size, path) == "unreadable_frame"
    path.unlink()
    assert error_code(read_png_size, path) == "missing_frames"
