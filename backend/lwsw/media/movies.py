"""Movie files as numbered pictures, decoded one at a time by the FFmpeg inside OpenCV: 8 bits, display-referred.

The pictures of a movie are frames 1, 2, 3 … in the order in which they are shown, one frame for each picture whatever its duration.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import LwswError
from .files import write_atomically

MOVIE_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".mxf", ".ogv", ".wmv"})
_HINT = "Check that it plays in a video player, or convert it to a PNG sequence."
#: By how much of its median a picture's duration may differ in a movie of constant rate: containers round to milliseconds.
_UNEVEN = 0.25


@dataclass(frozen=True)
class Movie:
    """A movie file that was read once from beginning to end.

    Attributes:
        path: the file.
        frames: how many pictures it holds.
        width, height: of its pictures as shown, in pixels: turned upright where the file says so.
        notes: what an artist should know of it, a sentence each.
    """

    path: Path
    frames: int
    width: int
    height: int
    notes: tuple[str, ...]


def is_movie(path: Path) -> bool:
    """Say whether a file is a movie, by its name."""
    return path.suffix.lower() in MOVIE_SUFFIXES


def find_movie(path: Path) -> Movie:
    """Read a movie once, keeping nothing, to know how many pictures it holds: what its header announces is often wrong.

    Raises:
        LwswError: ``missing_frames`` where there is no such file or no picture in it, ``unreadable_frame`` where it cannot be opened.
    """
    capture = _open(path)
    try:
        announced, rate = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), float(capture.get(cv2.CAP_PROP_FPS))
        turned = round(capture.get(cv2.CAP_PROP_ORIENTATION_META))
        aspect = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
        done, picture = capture.read()
        if not done:
            raise LwswError("missing_frames", f"There is no picture in the movie {path} that can be read.", _HINT)
        height, width = picture.shape[:2]
        times = [capture.get(cv2.CAP_PROP_POS_MSEC)]
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    finally:
        capture.release()
    count = len(times)
    notes = [f"{path.name}: {count} frame{'s' if count > 1 else ''} of {width}×{height} pixels at {rate:.4g} frames per second."]
    if count < announced - 1:  # one more or less is a matter of counting
        notes.append(
            f"{path.name} announces {announced} frames and ends after {count}: it is cut off or damaged there. Those {count} are taken."
        )
    if _is_uneven(times):
        notes.append(f"{path.name} has a variable frame rate; every picture counts as one frame, whatever time it is shown for.")
    if turned % 90:
        notes.append(f"{path.name} asks to be turned by {turned}°. Only quarter turns are followed, so its pictures are as stored.")
    if aspect[0] > 0 and aspect[1] > 0 and aspect[0] != aspect[1]:
        notes.append(f"{path.name} has pixels that are not square ({aspect[0]:g}:{aspect[1]:g}). They are taken as stored.")
    return Movie(path, count, width, height, tuple(notes))


def read_movie(movie: Movie, wanted: Iterable[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the wanted pictures of a movie, one at a time and ascending: frame number from 1, and H,W,3 uint8 RGB.

    Raises:
        LwswError: ``missing_frames``, ``unreadable_frame`` or ``bad_frame_size`` where the file is not as :func:`find_movie` found it.
    """
    remaining = set(wanted)
    if not remaining:
        return
    capture = _open(movie.path)
    try:
        for number in range(1, max(remaining) + 1):
            if not capture.grab():
                message = f"Picture {number} of the movie {movie.path} cannot be read."
                raise LwswError("missing_frames", message, "Check that nothing writes to the movie, and try again.")
            if number in remaining:
                done, picture = capture.retrieve()
                if not done:
                    raise LwswError("unreadable_frame", f"Picture {number} of the movie {movie.path} cannot be decoded.", _HINT)
                _check_size(movie, number, picture)
                yield number, np.ascontiguousarray(picture[..., ::-1])
    finally:
        capture.release()


def write_movie_frames(movie: Movie, targets: Mapping[int, Path]) -> None:
    """Decode pictures of a movie into 8-bit PNG files by frame number, atomically each; never more than one picture is in memory.

    Raises:
        LwswError: as :func:`read_movie` and :func:`lwsw.media.files.write_atomically`.
    """
    for number, picture in read_movie(movie, targets):
        done, encoded = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            raise LwswError("internal", "The picture could not be encoded as PNG.", "Report this as a bug.")
        write_atomically(targets[number], encoded.tobytes())


def _open(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise LwswError("missing_frames", f"The movie {path} does not exist.", "Choose another file.")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg's own remarks mean nothing to an artist
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # nor do OpenCV's
    try:
        # An absolute path: FFmpeg takes what stands before a colon for a protocol.
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(before)
    if not capture.isOpened():
        raise LwswError("unreadable_frame", f"The movie {path} cannot be opened.", _HINT)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def _check_size(movie: Movie, number: int, picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    if (width, height) != (movie.width, movie.height):
        message = f"Picture {number} of the movie {movie.path} is {width}×{height} pixels, its first is {movie.width}×{movie.height}."
        raise LwswError("bad_frame_size", message, "Convert the movie to one size.")


def _is_uneven(times: list[float]) -> bool:
    """Say whether pictures last differently long, given when each begins, in milliseconds."""
    durations = np.diff(times)
    if len(durations) < 2 or (durations <= 0).any():  # no times in the file
        return False
    median = float(np.median(durations))
    return bool((np.abs(durations - median) > max(_UNEVEN * median, 1.5)).any())
