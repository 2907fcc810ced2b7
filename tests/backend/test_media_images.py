"""Pictures: exact values for every format that artists use, and no damaged file taken for a picture."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from lwsw.errors import LwswError
from lwsw.media.images import check_png, decode_image, encode_png16, read_image, resize, write_png16


def picture(height: int = 20, width: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *extra: bytes) -> bytes:
    """Return a PNG made by hand from rows that begin with their filter byte, so no encoder decides its format."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encode(extension: str, pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(extension, pixels)
    assert done
    return data.tobytes()


def test_png16_round_trip_is_exact_to_half_a_level(tmp_path: Path) -> None:
    image = picture()
    path = tmp_path / "Gemälde – 絵.png"
    write_png16(path, image)
    again = read_image(path)
    assert again.dtype == np.float32
    assert again.shape == image.shape
    assert np.abs(again - image).max() <= 0.5001 / 65535
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_png16_is_16_bit_rgb_and_clips() -> None:
    image = np.zeros((2, 3, 3), np.float32)
    image[0, 0] = [-0.5, 1.5, 0.5]
    data = encode_png16(image)
    assert struct.unpack(">IIBB", data[16:26]) == (3, 2, 16, 2)
    assert np.allclose(decode_image(data)[0, 0] * 65535, [0, 65535, 32768], atol=0.01)


def test_png16_levels_survive() -> None:
    """Every level that a result can hold comes back as itself: resuming from results must not drift."""
    levels = np.arange(65536, dtype=np.float32).reshape(256, 256, 1).repeat(3, 2) / np.float32(65535)
    data = encode_png16(levels)
    assert encode_png16(decode_image(data)) == data


def test_float64_is_encoded_alike() -> None:
    image = picture()
    assert encode_png16(image.astype(np.float64)) == encode_png16(image)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_values_are_never_written(tmp_path: Path, value: float) -> None:
    image = picture()
    image[3, 4, 1] = value
    with pytest.raises(LwswError) as raised:
        write_png16(tmp_path / "0001.png", image)
    assert raised.value.code == "internal"
    assert list(tmp_path.iterdir()) == []


def test_colour_order_and_8_bit() -> None:
    image = decode_image(png(1, 1, 8, 2, b"\x00\xff\x80\x00"))
    assert np.allclose(image[0, 0], [1.0, 128 / 255, 0.0], atol=1e-7)


def test_16_bit() -> None:
    image = decode_image(png(1, 1, 16, 2, b"\x00" + struct.pack(">HHH", 65535, 257, 1)))
    assert np.allclose(image[0, 0] * 65535, [65535, 257, 1], atol=0.01)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(2, 1, 8, 0, b"\x00\x00\x33"), 0.2),
        (png(2, 1, 16, 0, b"\x00\x00\x00\x33\x33"), 0.2),
        (png(2, 1, 1, 0, b"\x00\x40"), 1.0),
    ],
    ids=["8 bit", "16 bit", "1 bit"],
)
def test_grey_becomes_rgb(data: bytes, expected: float) -> None:
    image = decode_image(data)
    assert image.shape == (1, 2, 3)
    assert np.allclose(image[0, 0], 0.0)
    assert np.allclose(image[0, 1], expected, atol=1e-6)


def test_palette() -> None:
    image = decode_image(png(2, 1, 8, 3, b"\x00\x00\x01", chunk(b"PLTE", b"\x00\x00\xff\xff\x00\x00")))
    assert image.tolist() == [[[0, 0, 1], [1, 0, 0]]]


@pytest.mark.parametrize(
    ("data", "colour", "alpha"),
    [
        (png(1, 1, 8, 6, b"\x00\xff\x00\x00\x33"), [1, 0, 0], 0.2),
        (png(1, 1, 16, 6, b"\x00" + struct.pack(">HHHH", 65535, 0, 0, 13107)), [1, 0, 0], 0.2),
        (png(1, 1, 8, 4, b"\x00\x33\x66"), [0.2, 0.2, 0.2], 0.4),
        (png(1, 1, 8, 3, b"\x00\x00", chunk(b"PLTE", b"\xff\x00\x00"), chunk(b"tRNS", b"\x33")), [1, 0, 0], 0.2),
    ],
    ids=["8 bit", "16 bit", "grey", "palette"],
)
def test_alpha_lies_over_white_for_paintings_and_is_dropped_for_frames(data: bytes, colour: list[float], alpha: float) -> None:
    over_white = [value * alpha + 1 - alpha for value in colour]
    assert np.allclose(decode_image(data, "style")[0, 0], over_white, atol=1e-5)
    assert np.allclose(decode_image(data, "frame")[0, 0], colour, atol=1e-5)


@pytest.mark.parametrize(("orientation", "turned"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_jpeg_orientation(orientation: int, turned: int) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8] = 255
    jpeg = encode(".jpg", pixels)
    tag = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + tag + b"\0\0\0\0"
    image = decode_image(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:], "style")
    assert np.allclose(image, np.rot90(pixels, turned) / 255, atol=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff(dtype: type) -> None:
    limit = np.iinfo(dtype).max
    pixels = np.rint(picture() * limit).astype(dtype)
    assert np.allclose(decode_image(encode(".tiff", pixels[..., ::-1])), pixels / limit, atol=1e-6)


def tiff_with_pixels_last(pixels: np.ndarray, orientation: int = 1) -> bytes:
    """Return an uncompressed TIFF whose directory comes first, as many programs write it."""
    height, width = pixels.shape[:2]
    size, offset = pixels.nbytes, 8 + 2 + 12 * 11 + 4
    values = [(256, width), (257, height), (258, 8), (259, 1), (262, 2), (273, offset), (274, orientation), (277, 3), (278, height)]
    tags = b"".join(struct.pack("<HHII", tag, 4 if tag in (256, 257, 273, 278) else 3, 1, value) for tag, value in values)
    tags += struct.pack("<HHII", 279, 4, 1, size) + struct.pack("<HHII", 284, 3, 1, 1)
    return b"II*\0" + struct.pack("<IH", 8, 11) + tags + b"\0\0\0\0" + pixels.tobytes()


@pytest.mark.parametrize(("orientation", "turned"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_tiff_orientation(orientation: int, turned: int) -> None:
    pixels = np.rint(picture() * 255).astype(np.uint8)
    image = decode_image(tiff_with_pixels_last(pixels, orientation))
    assert np.array_equal(np.rint(image * 255), np.rot90(pixels, turned))


@pytest.mark.parametrize("fraction", [0.3, 0.9, 0.99])
def test_truncated_pixels_of_a_tiff(fraction: float) -> None:
    data = tiff_with_pixels_last(np.rint(picture() * 255).astype(np.uint8))
    with pytest.raises(LwswError) as raised:
        decode_image(data[: int(len(data) * fraction)], "style")
    assert raised.value.code == "unreadable_style"


def test_float_tiff_is_clipped() -> None:
    pixels = picture() * 1.5
    assert np.allclose(decode_image(encode(".tiff", pixels[..., ::-1].copy())), np.minimum(pixels, 1), atol=1e-6)


def test_float_tiff_with_nan() -> None:
    pixels = picture()
    pixels[2, 3, 1] = np.nan
    with pytest.raises(LwswError) as raised:
        decode_image(encode(".tiff", pixels), "frame", "frame 7")
    assert raised.value.code == "unreadable_frame"
    assert "frame 7" in raised.value.message


@pytest.mark.parametrize(("kind", "code"), [("style", "missing_style"), ("frame", "missing_frames")])
def test_missing_file(tmp_path: Path, kind: str, code: str) -> None:
    with pytest.raises(LwswError) as raised:
        read_image(tmp_path / "nothing.png", kind)  # type: ignore[arg-type]
    assert raised.value.code == code
    assert "nothing.png" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("kind", ["style", "frame"])
def test_folder_instead_of_file(tmp_path: Path, kind: str) -> None:
    with pytest.raises(LwswError) as raised:
        read_image(tmp_path, kind)  # type: ignore[arg-type]
    assert raised.value.code == f"unreadable_{kind}"


@pytest.mark.parametrize(
    "data", [b"", b"this is text, not a picture", b"\x76\x2f\x31\x01rest of an EXR", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xd9"]
)
def test_not_a_picture(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "0001.png"
    path.write_bytes(data)
    with pytest.raises(LwswError) as raised:
        read_image(path, "style")
    assert raised.value.code == "unreadable_style"
    assert str(path) in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tiff"])
def test_every_truncation_is_found(extension: str) -> None:
    smooth = cv2.resize(picture(4, 4), (64, 48), interpolation=cv2.INTER_CUBIC)
    data = encode(extension, np.clip(smooth * 255, 0, 255).astype(np.uint8))
    decode_image(data)
    for length in {*range(1, len(data), max(1, len(data) // 60)), len(data) - 12, len(data) - 2, len(data) - 1}:
        with pytest.raises(LwswError) as raised:
            decode_image(data[:length])
        assert raised.value.code == "unreadable_frame", length


def test_damaged_png_is_found(capfd: pytest.CaptureFixture[str]) -> None:
    data = encode_png16(picture())
    for position in range(8, len(data), len(data) // 50):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        for read in (decode_image, check_png):
            with pytest.raises(LwswError) as raised:
                read(bytes(damaged))
            assert raised.value.code == "unreadable_frame", position
    assert capfd.readouterr().err == ""  # found before the decoder prints its own complaint


def test_check_png_gives_the_size() -> None:
    assert check_png(encode_png16(picture(20, 30))) == (30, 20)
    assert check_png(png(2, 1, 8, 3, b"\x00\x00\x01", chunk(b"PLTE", b"\x00\x00\xff\xff\x00\x00"))) == (2, 1)


HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is not a PNG"),
        (encode(".jpg", np.zeros((4, 4, 3), np.uint8)), "is not a PNG"),
        (png(0, 1, 8, 0, b"\x00\x00"), "is damaged"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"a") + HEADER + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "is damaged"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"short") + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "is damaged"),
        (b"\x89PNG\r\n\x1a\n" + HEADER + chunk(b"IEND", b""), "holds no pixels"),
        (png(1, 1, 8, 0, b"\x00\x00")[:-12], "was not written completely"),
    ],
)
@pytest.mark.parametrize("kind", ["style", "frame"])
def test_check_png_says_what_is_wrong(data: bytes, problem: str, kind: str) -> None:
    with pytest.raises(LwswError) as raised:
        check_png(data, "0007.png", kind)  # type: ignore[arg-type]
    assert raised.value.code == f"unreadable_{kind}"
    assert f"0007.png {problem}." in raised.value.message


def test_jpeg_with_something_behind_its_end() -> None:
    """Phones append data to JPEG files; viewers ignore it."""
    jpeg = encode(".jpg", np.full((16, 16, 3), 100, np.uint8))
    assert np.allclose(decode_image(jpeg + b"appended by a phone"), 100 / 255, atol=0.02)


def test_resize_keeps_means_when_shrinking() -> None:
    image = picture(60, 90)
    assert np.allclose(resize(image, 30, 20), image.reshape(20, 3, 30, 3, 3).mean((1, 3)), atol=1e-6)


def test_resize_does_not_shift() -> None:
    """A linear ramp stays the ramp of pixel centres, in both directions and along both axes."""
    x, y = np.meshgrid((np.arange(48) + 0.5) / 48, (np.arange(32) + 0.5) / 32)
    image = np.stack([x, y, x], -1).astype(np.float32)
    for width, height in ((96, 64), (24, 16), (96, 16), (36, 48)):
        x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        inside = np.s_[6:-6, 9:-9] if height > 30 else np.s_[3:-3, 5:-5]
        difference = np.abs(resize(image, width, height) - np.stack([x, y, x], -1))[inside]
        assert difference.max() < 2e-3, (width, height)


def test_resize_stays_in_range_and_same_size_is_identity() -> None:
    image = (picture() > 0.5).astype(np.float32)
    grown = resize(image, 77, 51)
    assert grown.shape == (51, 77, 3)
    assert grown.min() >= 0
    assert grown.max() <= 1
    assert np.array_equal(resize(image, 30, 20), image)


def test_resize_of_float64_gives_float32() -> None:
    image = picture()
    assert np.array_equal(resize(image.astype(np.float64), 13, 11), resize(image, 13, 11))
