"""Progress of a job in a terminal, and Ctrl-C that cancels it."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Protocol


class Shown(Protocol):
    """How far something is: the progress of a job, or of an installation."""

    @property
    def text(self) -> str: ...
    @property
    def fraction(self) -> float: ...
    @property
    def seconds_left(self) -> float | None: ...
    @property
    def detail(self) -> str: ...


class ProgressLine:
    """Prints where a job is: one line that is written over in a terminal, one line per change elsewhere."""

    def __init__(self) -> None:
        self._last = ""
        self._length = 0
        self._last_time = 0.0

    def show(self, progress: Shown) -> None:
        """Print the progress if it has changed."""
        text = f"LWSW  {progress.text}"
        terminal = sys.stdout.isatty()
        if terminal and progress.detail:
            text += f" · {progress.detail}"
        if terminal and progress.fraction:
            text += f"  {progress.fraction:4.0%}"
        left = f"  about {clock(progress.seconds_left)} left" if progress.seconds_left is not None and progress.seconds_left > 0 else ""
        if text == self._last and (not terminal or time.monotonic() - self._last_time < 1):
            return
        self._last, self._last_time = text, time.monotonic()
        line = text + left
        if terminal:
            sys.stdout.write("\r" + line.ljust(self._length))
            self._length = len(line)
        else:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def end(self) -> None:
        """Leave the line as it is and go on below it."""
        if self._length:
            sys.stdout.write("\n")
            sys.stdout.flush()


def clock(seconds: float) -> str:
    """Return a duration as ``0:07``, ``12:34`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Make Ctrl-C raise KeyboardInterrupt. Only for waiting: during a render Blender's own handler stops the render."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    native = _native_handler()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
        elif native:
            _restore_native(native)


def _native_handler() -> int | None:
    """Return the address of the handler that Blender itself installed, which Python cannot name."""
    if signal.getsignal(signal.SIGINT) is not None or sys.platform == "win32":
        return None
    library = ctypes.CDLL(None)
    library.signal.restype = ctypes.c_void_p
    library.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    address: int | None = library.signal(signal.SIGINT, None)  # SIG_DFL for a moment: asking means setting
    library.signal(signal.SIGINT, address)
    return address


def _restore_native(address: int) -> None:
    ctypes.CDLL(None).signal(ctypes.c_int(signal.SIGINT), ctypes.c_void_p(address))
