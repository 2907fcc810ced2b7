"""Pictures made display-referred without the window waiting: another Blender, without a window, writes them."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..child_processes import own_session
from ..errors import LwswError
from .colour_management import read_colour_management
from .frames import file_name
from .pictures import convert, is_png
from .programs.convert_pictures import ANSWER

#: How long the other Blender may be silent about a picture, and about its start; then the picture is made here.
PATIENCE_SECONDS = 60.0

_PACKAGE = Path(__file__).resolve().parents[1]
_PROGRAM = Path(__file__).parent / "programs" / "convert_pictures.py"


@dataclass
class _Picture:
    """A picture on its way."""

    frame: int
    picture: Path
    png: Path
    answers: queue.SimpleQueue[dict[str, Any] | None] = field(default_factory=queue.SimpleQueue)


class PictureConverter:
    """Makes PNGs of pictures, one after the other, and returns them in the order in which they were asked for.

    Reading a frame of 1920×1080 with its passes, and writing it as PNG, takes more than half a second, in which Blender's window would be
    frozen. The other Blender writes the same bytes, because it runs the same code with the same colour management. Where it cannot be
    started, or dies, the pictures are made here.

    Args:
        apart: have another Blender do it; otherwise the caller waits.
    """

    def __init__(self, apart: bool) -> None:
        self._apart = apart
        self._pictures: deque[_Picture] = deque()
        self._worker: _Worker | None = None
        self._silent_since = 0.0

    def start(self) -> None:
        """Start the other Blender, so that it is ready when the first picture comes."""
        if self._apart and self._worker is None:
            self._worker = _Worker()

    def ask(self, scene: bpy.types.Scene, frame: int, picture: Path, folder: Path) -> None:
        """Have a picture made, with the scene's colour management as it is now.

        Args:
            scene: its view transform is used.
            frame: number of the frame.
            picture: PNG, which is taken as it is, JPEG or EXR.
            folder: where the PNG is written.

        Raises:
            LwswError: ``unreadable_frame``.
        """
        waiting = _Picture(frame, picture, picture if is_png(picture) else folder / file_name(frame, ".png"))
        if waiting.png != picture and self._apart:
            self.start()
            assert self._worker is not None
            request = {"colour": read_colour_management(scene), "picture": str(picture), "png": str(waiting.png)}
            self._worker.ask(json.dumps(request), waiting.answers)
        else:
            if waiting.png != picture:
                convert(scene, picture, waiting.png)
            waiting.answers.put({})
        if not self._pictures:
            self._silent_since = time.monotonic()
        self._pictures.append(waiting)

    @property
    def waiting(self) -> int:
        """How many pictures have been asked for and not been taken."""
        return len(self._pictures)

    def take(self, scene: bpy.types.Scene) -> tuple[int, Path] | None:
        """Return the next frame and its PNG, or None while it is not there yet.

        Args:
            scene: of the picture, for the case that it has to be made here.

        Raises:
            LwswError: ``unreadable_frame``.
        """
        if not self._pictures:
            return None
        first = self._pictures[0]
        try:
            answer = first.answers.get_nowait()
        except queue.Empty:
            if time.monotonic() - self._silent_since > PATIENCE_SECONDS:
                self._apart = False
                self._stop_worker()  # which leaves all that it was asked for to be made here
            return None
        self._silent_since = time.monotonic()
        self._pictures.popleft()
        if answer is None:
            convert(scene, first.picture, first.png)
        elif "error" in answer:
            raise LwswError.from_dict(answer["error"])
        return first.frame, first.png

    def end(self, wait: bool = False) -> None:
        """Stop the other Blender; safe to call more than once.

        Args:
            wait: return when it is gone, and its thread with it, which takes some hundredths of a second.
        """
        self._pictures.clear()
        worker = self._worker
        self._stop_worker()
        if wait and worker is not None:
            worker.join()

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None


class _Worker:
    """The other Blender and the thread that talks to it, which also starts it: that alone may take longer than a window should wait."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[tuple[str, queue.SimpleQueue[dict[str, Any] | None]] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._is_stopped = False
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._work, args=(_command(),), name="lwsw-pictures", daemon=True)
        self._thread.start()

    def ask(self, request: str, answers: queue.SimpleQueue[dict[str, Any] | None]) -> None:
        """Have a picture made; ``answers`` gets the answer, None if there is none to be had."""
        self._requests.put((request, answers))

    def stop(self) -> None:
        """End the other Blender at once; the thread follows."""
        with self._guard:
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()
        self._requests.put(None)

    def join(self) -> None:
        """Wait for the thread's end, after :meth:`stop`."""
        self._thread.join(1.0)

    def _work(self, command: list[str]) -> None:
        with contextlib.suppress(OSError), self._guard:
            if not self._is_stopped:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
                    errors="replace", **own_session(),
                )  # fmt: skip
        process = self._process
        while (waiting := self._requests.get()) is not None:
            request, answers = waiting
            answers.put(None if process is None else _answer(process, request))
        if process is not None:
            process.communicate()  # which closes its pipes and waits for its end


def _answer(process: subprocess.Popen[str], request: str) -> dict[str, Any] | None:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(request + "\n")
        process.stdin.flush()
        line = next((line for line in process.stdout if line.startswith(ANSWER)), "")
        return dict(json.loads(line.removeprefix(ANSWER))) if line else None
    except (OSError, ValueError):
        return None


def _command() -> list[str]:
    """Return what runs the program: this Blender, or this Python where Blender is a module."""
    arguments = [str(_PROGRAM), "--", str(_PACKAGE.parent), _PACKAGE.name]
    if not bpy.app.binary_path:
        return [sys.executable, *arguments]
    return [bpy.app.binary_path, "--background", "--factory-startup", "--python", *arguments]
