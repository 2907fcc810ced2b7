"""Movies as frames. The movies are written by OpenCV; what it cannot write is changed in the file's own boxes, byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from support_jobs import error_code, picture

from lwsw.cli import main
from lwsw.jobs.clip import Clip, ClipJob
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.settings import StylizeSettings
from lwsw.media.images import read_image
from lwsw.media.movies import find_movie, is_movie, read_movie, write_movie_frames

WIDTH, HEIGHT = 64, 48
#: By how much the grey of a picture may be off: MPEG-4 is lossy, and half of the 10 levels between two pictures tells them apart.
LOSS = 4.9


def level(number: int) -> int:
    """The grey of a movie's picture."""
    return 20 + 10 * number


def pixels(number: int) -> np.ndarray:
    """A picture that says its number by its grey; the upper left corner is red, so that turning shows."""
    image = np.full((HEIGHT, WIDTH, 3), level(number), np.uint8)
    image[:16, :16] = (230, 20, 20)
    return image


def write_movie(path: Path, count: int = 12, codec: str = "mp4v", rate: float = 24.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), rate, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for number in range(1, count + 1):
        writer.write(pixels(number)[..., ::-1])
    writer.release()
    return path


def box(data: bytes, *names: str) -> tuple[int, list[int]]:
    """Return where a box of an MP4 file begins, and where all boxes around it and itself do."""
    start, end, parents = 0, len(data), []
    for name in names:
        while data[start + 4 : start + 8] != name.encode():
            start += int.from_bytes(data[start : start + 4], "big")
            assert start < end, name
        parents.append(start)
        start += 8
    return parents[-1], parents


def with_durations(data: bytes, runs: list[tuple[int, int]]) -> bytes:
    """Return an MP4 file in which runs of pictures last other times: (how many, how long in the track's units)."""
    start, parents = box(data, "moov", "trak", "mdia", "minf", "stbl", "stts")
    assert data.index(b"mdat") < start  # pictures lie before: their places do not change
    size = int.from_bytes(data[start : start + 4], "big")
    new = struct.pack(">I4sII", 16 + 8 * len(runs), b"stts", 0, len(runs)) + b"".join(struct.pack(">II", *run) for run in runs)
    changed = bytearray(data[:start] + new + data[start + size :])
    for parent in parents[:-1]:
        struct.pack_into(">I", changed, parent, int.from_bytes(data[parent : parent + 4], "big") + len(new) - size)
    return bytes(changed)


def with_matrix(data: bytes, matrix: tuple[float, float, float, float]) -> bytes:
    """Return an MP4 file that asks to be shown through a matrix (a, b, c, d), as phones write it that are held upright."""
    start, _ = box(data, "moov", "trak", "tkhd")
    assert data[start + 8] == 0  # version
    a, b, c, d = (round(value * 65536) for value in matrix)
    changed = bytearray(data)
    struct.pack_into(">9i", changed, start + 48, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return bytes(changed)


def grey(picture: np.ndarray) -> float:
    return float(np.median(picture))


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "FFV1"), ("A.MOV", "mp4v")])
def test_every_picture_in_its_place(tmp_path: Path, name: str, codec: str) -> None:
    movie = find_movie(write_movie(tmp_path / name, codec=codec))
    assert (movie.frames, movie.width, movie.height) == (12, WIDTH, HEIGHT)
    assert len(movie.notes) == 1 and "12 frames" in movie.notes[0] and "24 frames per second" in movie.notes[0]
    read = dict(read_movie(movie, [3, 1, 12]))
    assert list(read) == [1, 3, 12]
    for number, image in read.items():
        assert image.shape == (HEIGHT, WIDTH, 3) and image.dtype == np.uint8
        assert grey(image) == pytest.approx(level(number), abs=LOSS)
        assert image[4:12, 4:12].mean((0, 1)) == pytest.approx([230, 20, 20], abs=12)  # red, not blue


def test_frames_are_whole_png_files(tmp_path: Path) -> None:
    movie = find_movie(write_movie(tmp_path / "a.avi", codec="MJPG"))
    write_movie_frames(movie, {number: tmp_path / f"{number:04d}.png" for number in (2, 5)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0002.png", "0005.png", "a.avi"]
    for number, image in read_movie(movie, [2, 5]):
        assert np.array_equal(np.rint(read_image(tmp_path / f"{number:04d}.png") * 255), image)


def test_a_movie_that_is_cut_off(tmp_path: Path) -> None:
    data = write_movie(tmp_path / "whole.avi", count=20, codec="MJPG").read_bytes()
    pictures = data.index(b"movi")  # what stands before is half of so small a file
    (tmp_path / "cut.avi").write_bytes(data[: pictures + (len(data) - pictures) * 6 // 10])
    movie = find_movie(tmp_path / "cut.avi")
    assert 6 <= movie.frames <= 16
    assert any("announces 20 frames" in note and f"after {movie.frames}" in note for note in movie.notes)
    assert [number for number, _ in read_movie(movie, range(1, movie.frames + 1))] == list(range(1, movie.frames + 1))


@pytest.mark.parametrize("content", [b"", b"not a movie", bytes(range(256)) * 40])
def test_files_that_are_no_movies(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert error_code(find_movie, tmp_path / "a.mp4") == "unreadable_frame"


def test_a_movie_without_its_index(tmp_path: Path) -> None:
    data = write_movie(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"moov") - 8])
    assert error_code(find_movie, tmp_path / "cut.mp4") == "unreadable_frame"


def test_a_movie_without_pictures(tmp_path: Path) -> None:
    data = write_movie(tmp_path / "whole.avi", codec="MJPG").read_bytes()
    (tmp_path / "head.avi").write_bytes(data[: data.index(b"movi") + 4])
    assert error_code(find_movie, tmp_path / "head.avi") in ("missing_frames", "unreadable_frame")
    assert error_code(find_movie, tmp_path / "none.avi") == "missing_frames"


def test_variable_frame_rate_is_said(tmp_path: Path) -> None:
    data = write_movie(tmp_path / "even.mp4").read_bytes()
    start, _ = box(data, "moov", "trak", "mdia", "minf", "stbl", "stts")
    assert struct.unpack_from(">I", data, start + 12) == (1,)  # one run: every picture lasts as long
    (unit,) = struct.unpack_from(">I", data, start + 20)
    (tmp_path / "uneven.mp4").write_bytes(with_durations(data, [(6, unit), (3, unit // 2), (3, unit + unit // 2)]))
    movie = find_movie(tmp_path / "uneven.mp4")
    assert movie.frames == 12 and any("variable frame rate" in note for note in movie.notes)
    assert [round((grey(image) - 20) / 10) for _, image in read_movie(movie, range(1, 13))] == list(range(1, 13))


@pytest.mark.parametrize(
    ("degrees", "matrix", "corner"),
    [(90, (0, 1, -1, 0), (0, -1)), (180, (-1, 0, 0, -1), (-1, -1)), (270, (0, -1, 1, 0), (-1, 0))],
)
def test_turned_movies_are_upright(tmp_path: Path, degrees: int, matrix: tuple, corner: tuple[int, int]) -> None:
    """The upper left corner of what is stored goes where the file's matrix (x, y) → (ax + cy, bx + dy) takes it."""
    data = write_movie(tmp_path / "stored.mp4").read_bytes()
    (tmp_path / "turned.mp4").write_bytes(with_matrix(data, matrix))
    movie = find_movie(tmp_path / "turned.mp4")
    assert (movie.width, movie.height) == ((WIDTH, HEIGHT) if degrees == 180 else (HEIGHT, WIDTH))
    assert len(movie.notes) == 1
    ((_, image),) = read_movie(movie, [1])
    assert image[corner].astype(int) == pytest.approx([230, 20, 20], abs=40)
    others = [image[y, x] for y in (0, -1) for x in (0, -1) if (y, x) != corner]
    assert all(abs(int(other[0]) - level(1)) < 30 for other in others)


def test_an_odd_turn_is_said(tmp_path: Path) -> None:
    data = write_movie(tmp_path / "stored.mp4").read_bytes()
    (tmp_path / "turned.mp4").write_bytes(with_matrix(data, (0.7071, 0.7071, -0.7071, 0.7071)))
    movie = find_movie(tmp_path / "turned.mp4")
    assert (movie.width, movie.height) == (WIDTH, HEIGHT) and any("45" in note for note in movie.notes)


def test_names(tmp_path: Path) -> None:
    assert is_movie(Path("a.MP4")) and is_movie(Path("b.webm")) and not is_movie(Path("c.png")) and not is_movie(Path("mp4"))


def command(tmp_path: Path, movie: Path) -> list[str]:
    (tmp_path / "painting.png").write_bytes(picture(99, 40, 40))
    words = ["stylize", "--color", str(movie), "--style", str(tmp_path / "painting.png"), "--out", str(tmp_path / "out")]
    return [*words, "--iterations", "2", "--first-iterations", "2", "--weights", "relu1_1=1", "--device", "cpu"]


def test_stylize_a_movie_for_real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = command(tmp_path, write_movie(tmp_path / "clip.mp4", count=3))
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "clip.mp4: 3 frames of 64×48 pixels" in said and "estimated" in said
    out = tmp_path / "out"
    assert sorted(path.name for path in out.glob("*.png")) == ["0001.png", "0002.png", "0003.png"]
    job = JobDirectory.open(out / "job")
    assert list(job.frames) == [1, 2, 3] and job.settings.motion == "estimated" and (job.width, job.height) == (WIDTH, HEIGHT)
    assert any("clip.mp4" in event.get("text", "") for event in job.events() if event["event"] == "note")
    for number in (1, 2, 3):
        assert grey(read_image(job.frame_path(number))) * 255 == pytest.approx(level(number), abs=LOSS)
    before = [path.read_bytes() for path in sorted(out.glob("*.png"))]
    assert main(words) == 0  # the same command again: nothing to do
    assert [path.read_bytes() for path in sorted(out.glob("*.png"))] == before


def test_only_what_is_missing_is_decoded_again_and_another_movie_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "painting.png").write_bytes(picture(99, 40, 40))
    path, settings = write_movie(tmp_path / "clip.avi", codec="MJPG"), StylizeSettings.from_dict({"motion": "none"})

    def prepare() -> ClipJob:
        return ClipJob.prepare(tmp_path / "out", Clip.find(str(path), None, [tmp_path / "painting.png"]), width=32, settings=settings)

    job = prepare().job
    assert (job.width, job.height, len(job.frames)) == (32, 24, 12)
    stamps = {number: job.frame_path(number).stat().st_mtime_ns for number in job.frames}
    job.frame_path(5).unlink()
    again = prepare()
    assert not again.is_new and again.notes
    assert [number for number in job.frames if job.frame_path(number).stat().st_mtime_ns != stamps[number]] == [5]
    job.result_path(1).write_bytes(picture(1, 32, 24))
    write_movie(path, count=12, codec="MJPG", rate=25)
    assert error_code(prepare) == "bad_settings"
