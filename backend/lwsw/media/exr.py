"""Multilayer EXR files as Blender writes them: single-part (4.5) and multi-part (5.x)."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import OpenEXR

from ..errors import LwswError

_stdout_lock = threading.Lock()


class ExrImage:
    """One decoded EXR file. Build it with :func:`read_exr`; several passes of one frame can then be taken from it.

    Attributes:
        name: what errors call the file.
        headers: header of each part, attribute name → value, as OpenEXR gives them.
    """

    def __init__(self, name: str, parts: Sequence[tuple[dict[str, Any], dict[str, np.ndarray | None]]]) -> None:
        """Name the channels of decoded parts; :func:`read_exr` is the way in."""
        self.name = name
        self.headers: tuple[Mapping[str, Any], ...] = tuple(header for header, _ in parts)
        self._channels: dict[str, tuple[Mapping[str, Any], np.ndarray | None]] = {}
        for header, pixels in parts:
            for channel, values in pixels.items():
                full_name = f"{header.get('name', '')}.{channel}" if channel in self._channels else channel
                self._channels[full_name] = (header, values)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Full names of the channels; see :func:`read_channels` for their form and order."""
        return tuple(self._channels)

    def channels(self, wanted: Callable[[str], bool] | None = None, *, outside: float = 0.0) -> dict[str, np.ndarray]:
        """Return the pixels of the wanted channels as :func:`read_channels` does."""
        return {
            channel: _in_display_window(self.name, values, header, outside)
            for channel, (header, values) in self._channels.items()
            if wanted is None or wanted(channel)
        }

    def is_exact(self, channel: str) -> bool:
        """Say whether a channel is stored as 32-bit float whose bits the file's codec keeps, as ids need it.

        Half floats and the codec Pxr24 round. DWAA and DWAB lose only channels that are called R, G, B or Y; Blender's id passes have
        small letters (measured, OpenEXR 3.4 and files of Blender 4.5 and 5.0).
        """
        header, values = self._channels[channel]
        if values is None or values.dtype != np.float32:
            return False
        if header["compression"] in (OpenEXR.DWAA_COMPRESSION, OpenEXR.DWAB_COMPRESSION):
            return channel.rpartition(".")[2] not in {"R", "G", "B", "Y"}
        return bool(header["compression"] != OpenEXR.PXR24_COMPRESSION)


def read_exr(path: Path, name: str = "") -> ExrImage:
    """Decode every part of an EXR file once.

    Args:
        path: the file.
        name: what errors call the file; empty takes its path.

    Raises:
        LwswError: ``missing_pass`` where the file does not exist, ``corrupt_pass`` where it cannot be read completely.
    """
    shown = name or str(path)
    if not path.is_file():
        raise LwswError("missing_pass", f"The pass file {shown} does not exist.", "Render the passes of this frame again.")
    try:
        parts = _read_parts(path)
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, MemoryError) as error:
        raise _corrupt_pass(shown) from error
    return ExrImage(shown, parts)


def read_channels(
    path: Path, wanted: Callable[[str], bool] | None = None, *, outside: float = 0.0, name: str = ""
) -> dict[str, np.ndarray]:
    """Read channels of every part of an EXR file.

    Args:
        path: the file.
        wanted: says by its full name whether a channel is returned; None returns all.
        outside: value of the pixels of the display window that the data window does not cover.
        name: what errors call the file; empty takes its path.

    Returns:
        Full channel name → H,W float32, rows top-down, in the size of the display window. Names keep their view layer
        (``ViewLayer.Vector.X``). Where two parts hold channels of one name, the later ones carry the name of their part in front.
        Order: parts as in the file, then channels as in the part.

    Raises:
        LwswError: ``missing_pass`` where the file does not exist, ``corrupt_pass`` where it cannot be read completely.
    """
    return read_exr(path, name).channels(wanted, outside=outside)


def _corrupt_pass(name: str, reason: str = "is damaged or was not written completely") -> LwswError:
    """Return the error for a pass file whose content cannot be used."""
    return LwswError("corrupt_pass", f"The pass file {name} {reason}.", "Render the passes of this frame again.")


def _read_parts(path: Path) -> list[tuple[dict[str, Any], dict[str, np.ndarray | None]]]:
    """Return header and pixels of every part, or raise one of the many exceptions of OpenEXR."""
    # Not as context managers: leaving one empties its parts. The file on disk is closed when the constructor returns.
    with _silent_stdout():
        headers = [part.header for part in OpenEXR.File(str(path), separate_channels=True, header_only=True).parts]
        parts = OpenEXR.File(str(path), separate_channels=True).parts
    announced = [sorted(channel.name for channel in header["channels"]) for header in headers]
    # OpenEXR leaves out the parts that it cannot decode and only prints a warning, so what came is compared with what was announced.
    if not announced or announced != [sorted(part.channels) for part in parts]:
        raise ValueError("incomplete parts")
    contents = [{name: channel.pixels for name, channel in part.channels.items()} for part in parts]
    return list(zip(headers, contents, strict=True))


def _in_display_window(name: str, pixels: np.ndarray | None, header: Mapping[str, Any], outside: float) -> np.ndarray:
    """Place the data window into the display window: pixels around it become ``outside``, overscan is cut off."""
    (data_left, data_top), (data_right, data_bottom) = (corner.tolist() for corner in header["dataWindow"])
    (left, top), (right, bottom) = (corner.tolist() for corner in header["displayWindow"])
    size = (data_bottom - data_top + 1, data_right - data_left + 1)
    if pixels is None or pixels.dtype == object or pixels.shape != size:
        raise _corrupt_pass(name, "has channels of an unsupported kind (deep or subsampled)")
    values = pixels.astype(np.float32, copy=False)
    if (data_left, data_top, data_right, data_bottom) == (left, top, right, bottom):
        return values
    canvas = np.full((bottom - top + 1, right - left + 1), outside, np.float32)
    x0, x1 = max(left, data_left), min(right, data_right) + 1
    y0, y1 = max(top, data_top), min(bottom, data_bottom) + 1
    if x0 < x1 and y0 < y1:
        canvas[y0 - top : y1 - top, x0 - left : x1 - left] = values[y0 - data_top : y1 - data_top, x0 - data_left : x1 - data_left]
    return canvas


class _OtherThreads(io.TextIOBase):
    """A standard output that drops what one thread prints and passes on what the others print."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._silent_thread = threading.get_ident()

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._silent_thread else self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


@contextmanager
def _silent_stdout() -> Iterator[None]:
    """Keep OpenEXR's warnings out of standard output, where ``--json`` promises nothing but JSON."""
    with _stdout_lock:
        original = sys.stdout
        sys.stdout = _OtherThreads(original)
        try:
            yield
        finally:
            sys.stdout = original
