"""The preview of one server: its inputs, the process that paints it, and the newest picture.

Everything that the process needs is kept here too, so one that has died or was ended is replaced by the next request.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np

from ..errors import LwswError
from ..media.images import decode_image, encode_png16, resize
from ..preview.order import Order
from ..preview.sheet import places
from .messages import read_message, write_message
from .preview_inputs import Inputs, Message, PassFiles
from .supervisor import describe_status, end_process

log = logging.getLogger(__name__)

#: A process that has had nothing to do for so long is ended, which gives its memory back.
IDLE_SECONDS = 180.0
#: So is one whose client has not asked for anything for so long.
ABANDONED_SECONDS = 60.0
#: The longest that a client may wait for news.
LONGEST_WAIT = 30.0

_SMALLEST_SIDE, _LARGEST_SIDE = 16, 2048  # pixels of what is previewed
_LOOK_SECONDS = 1.0  # between two looks at whether the process is still needed

#: Returns the command of the process.
PreviewCommand = Callable[[], Sequence[str]]


def preview_command() -> Sequence[str]:
    """Return the command of the real process."""
    return [sys.executable, "-m", "lwsw.server.preview_worker"]


@dataclass(frozen=True)
class Picture:
    """A picture as 16-bit levels, H×W×3."""

    levels: np.ndarray

    def png(self) -> bytes:
        """Return a 16-bit PNG."""
        return encode_png16(self.levels.astype(np.float32) / np.float32(65535.0))

    def raw(self) -> bytes:
        """Return 8-bit levels, red green blue, row by row from the top."""
        return ((self.levels.astype(np.uint32) + 128) // 257).astype(np.uint8).tobytes()


class Preview:
    """One preview at a time; a client that begins another takes over. Every method may be called from any thread.

    Args:
        command: the command of the process, for tests.
        idle_seconds: see :data:`IDLE_SECONDS`.
        abandoned_seconds: see :data:`ABANDONED_SECONDS`.
    """

    def __init__(
        self,
        command: PreviewCommand = preview_command,
        idle_seconds: float = IDLE_SECONDS,
        abandoned_seconds: float = ABANDONED_SECONDS,
    ) -> None:
        self._command = command
        self._idle_seconds, self._abandoned_seconds = idle_seconds, abandoned_seconds
        self._guard = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._sending = threading.Lock()
        self._closing = threading.Event()
        self._id = ""
        self._former: set[str] = set()
        self._files = PassFiles()
        self._inputs = Inputs()
        self._forget()

    def _forget(self) -> None:
        self._files.remove(self._inputs.passes)
        self._inputs = self._sent = Inputs()
        self._revision = 0
        self._serial = 0
        self._status: dict[str, Any] = {}
        self._picture: Picture | None = None
        self._error: LwswError | None = None
        self._last_request = self._last_work = time.monotonic()

    def begin(self) -> str:
        """Begin a preview and return its name; the process is started, so that it is ready when the pictures have come."""
        with self._guard:
            if self._closing.is_set():
                raise LwswError("backend_gone", "The backend is about to end.", "Start it again.")
            if self._id:
                self._former.add(self._id)
            self._end()
            self._forget()
            self._id = secrets.token_hex(8)
            self._start()
            return self._id

    def put_source(self, identifier: str, data: bytes, width: int) -> None:
        """Take the frame, as a picture file, at a width in pixels; the height follows. Its passes come after it.

        Raises:
            LwswError: ``unreadable_frame``, ``bad_settings``.
        """
        self._check(identifier)
        pixels = decode_image(data, "frame", "that was sent")
        rows, columns = pixels.shape[:2]
        width = min(width, columns)
        height = max(1, round(rows * width / columns))
        if not (_SMALLEST_SIDE <= width <= _LARGEST_SIDE and _SMALLEST_SIDE <= height <= _LARGEST_SIDE):
            message = f"A preview cannot be {width}×{height} pixels."
            raise LwswError("bad_settings", message, f"Both sides must have {_SMALLEST_SIDE} to {_LARGEST_SIDE} pixels.")
        with self._guard:
            self._check(identifier)
            self._files.remove(self._inputs.passes)
            self._inputs = replace(self._inputs, source=resize(pixels, width, height), passes=None)
            self._picture = None
            self._send_again()

    def put_passes(self, identifier: str, data: bytes) -> None:
        """Take the frame's multilayer EXR, in any size, whose Cryptomatte pass says where regions are.

        Raises:
            LwswError: ``missing_frames`` before the frame itself; ``disk_full``, ``output_not_writable``. What is wrong in it is a note.
        """
        self._check(identifier)
        path = self._files.write(data)
        with self._guard:
            try:
                self._check(identifier)
                if self._inputs.source is None:
                    raise LwswError("missing_frames", "The picture of the preview has not come yet.", "Send it before its passes.")
            except LwswError:
                self._files.remove(path)
                raise
            self._files.remove(self._inputs.passes)
            self._inputs = replace(self._inputs, passes=path)
            self._send_again()

    def put_painting(self, identifier: str, name: str, data: bytes) -> None:
        """Take a painting; raise ``unreadable_style``."""
        self._check(identifier)
        decode_image(data, "style", name)
        with self._guard:
            self._check(identifier)
            self._inputs = replace(self._inputs, paintings={**self._inputs.paintings, name: data})
            order = self._inputs.order
            if order is not None and name in order.styles:
                self._send_again()

    def put_order(self, identifier: str, data: Any, restart: bool = False) -> int:
        """Take settings and return their number, which the state repeats once a picture follows them.

        Args:
            identifier: of the preview.
            data: see :meth:`lwsw.preview.order.Order.from_dict`.
            restart: paint from the beginning instead of going on from the present picture.

        Raises:
            LwswError: ``missing_frames`` or ``missing_style`` where pictures have not come yet; what reading the settings raises.
        """
        self._check(identifier)
        order = Order.from_dict(data)
        with self._guard:
            self._check(identifier)
            if self._inputs.source is None:
                raise LwswError("missing_frames", "The picture of the preview has not come yet.", "Send it before the settings.")
            missing = [name for name in order.styles if name not in self._inputs.paintings]
            if missing:
                raise LwswError("missing_style", f"The painting '{missing[0]}' has not come yet.", "Send it before the settings.")
            known = self._inputs.order
            if known is not None and (not {*known.styles} & {*order.styles} or len(known.cells) != len(order.cells)):
                self._picture = None
            paintings = {name: painting for name, painting in self._inputs.paintings.items() if name in order.styles}
            self._inputs = replace(self._inputs, order=order, order_json=data, paintings=paintings)
            return self._send_again(restart)

    def state(self, identifier: str) -> dict[str, Any]:
        """Return where the preview stands, as ``GET /v1/preview/{id}`` answers."""
        with self._guard:
            self._check(identifier)
            self._last_request = time.monotonic()
            source, order = self._inputs.source, self._inputs.order
            width, height = (0, 0) if source is None else (source.shape[1], source.shape[0])
            cells = []
            if order is not None and len(order.cells) > 1:
                laid = places(len(order.cells), order.columns, width, height)
                cells = [
                    {"label": cell.label, "x": place.x, "y": place.y, "width": place.width, "height": place.height}
                    for cell, place in zip(order.cells, laid, strict=True)
                ]
            status = self._status
            return {
                "id": self._id,
                "revision": self._revision,
                "settings": self._serial,
                "painted": status.get("serial", 0) if self._picture is not None else 0,
                "width": status.get("width", 0) if self._picture is not None else 0,
                "height": status.get("height", 0) if self._picture is not None else 0,
                "iteration": status.get("iteration", 0),
                "coarse": bool(status.get("coarse", False)),
                "settled": self._is_settled(),
                "loss": status.get("loss"),
                "cells": cells,
                "running": self._process is not None,
                "note": status.get("note", ""),
                "error": None if self._error is None else self._error.to_dict(),
            }

    def has_news(self, identifier: str, revision: int) -> bool:
        """Return whether :meth:`state` has changed since a revision, or the preview is not this client's any more."""
        return self._id != identifier or self._revision != revision or self._closing.is_set()

    def picture(self, identifier: str, of: str = "result") -> tuple[Picture, int]:
        """Return the newest picture, or the frame in the same size with ``of="source"``, and the revision.

        Raises:
            LwswError: ``missing_frames`` while there is none.
        """
        with self._guard:
            self._check(identifier)
            self._last_request = time.monotonic()
            picture, source = self._picture, self._inputs.source
            revision = self._revision
        if of == "source" and source is not None:
            return Picture(np.rint(np.clip(source, 0.0, 1.0) * 65535.0).astype(np.uint16)), revision
        if of == "source" or picture is None:
            raise LwswError("missing_frames", "There is no picture yet.", "Wait until the state has a width.")
        return picture, revision

    def end(self, identifier: str) -> None:
        """End the preview and its process."""
        with self._guard:
            self._check(identifier)
            self._end()
            self._forget()
            self._former.add(self._id)
            self._id = ""

    def close(self) -> None:
        """End the process for good."""
        self._closing.set()
        with self._guard:
            self._end()
            self._files.close()

    # ------------------------------------------------------------------ the process

    def _check(self, identifier: str) -> None:
        if identifier and identifier == self._id:
            return
        if identifier in self._former and self._id:
            raise LwswError(
                "preview_taken", "Another window has started a preview, which ended this one.", "Press Preview to take it back."
            )
        raise LwswError("preview_not_found", "There is no such preview.", "Press Preview to start one.")

    def _is_settled(self) -> bool:
        return bool(self._status.get("settled", False)) and self._status.get("serial") == self._serial and self._picture is not None

    def _send_again(self, restart: bool = False) -> int:
        """Give the process what it does not have yet, and the order; start it where it does not run. The caller holds the lock."""
        inputs = self._inputs
        self._last_request = self._last_work = time.monotonic()
        self._error = None
        self._revision += 1
        if not inputs.is_complete:
            return self._serial
        self._serial += 1
        start = None
        if self._process is None:
            self._start()
            start = None if restart else self._picture  # what was painted before goes on
        process = self._process
        assert process is not None and process.stdin is not None
        messages = inputs.news(self._sent)
        header: dict[str, Any] = {"kind": "order", "order": inputs.order_json, "serial": self._serial, "restart": restart}
        payload = b""
        if start is not None and inputs.order is not None and len(inputs.order.cells) == 1:
            header |= {"width": start.levels.shape[1], "height": start.levels.shape[0]}
            payload = (start.levels.astype(np.float32) / np.float32(65535.0)).tobytes()
        messages.append((header, payload))
        self._sent = inputs.after(self._sent)
        threading.Thread(target=self._write, args=[process, messages], name="preview input", daemon=True).start()
        return self._serial

    def _write(self, process: subprocess.Popen[bytes], messages: Sequence[Message]) -> None:
        """Send messages; a process that is still starting reads them later, so nobody waits for it."""
        assert process.stdin is not None
        with self._sending, suppress(OSError, ValueError):  # the thread that listens says that it is gone
            for header, payload in messages:
                write_message(process.stdin, header, payload)

    def _start(self) -> None:
        try:
            process = subprocess.Popen(
                list(self._command()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            message = f"The process that paints the preview cannot be started: {error}."
            raise LwswError("worker_died", message, "Run 'lwsw doctor' and report what it says.") from error
        self._process = process
        self._sent = Inputs()
        self._last_request = self._last_work = time.monotonic()
        assert process.stdout is not None
        threading.Thread(target=self._listen, args=[process, process.stdout], name="preview output", daemon=True).start()
        threading.Thread(target=self._watch, args=[process], name="preview watch", daemon=True).start()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_process(process)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # what was not sent yet cannot be flushed any more
                        stream.close()

    def _listen(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        with suppress(OSError, ValueError):  # closed by the one who ended the process
            while (message := read_message(output)) is not None:
                self._take(process, *message)
        with self._guard:
            if self._process is not process:
                return
            self._process = None
            status = process.wait()
            log.warning("preview: the process ended %s", describe_status(status))
            self._error = LwswError(
                "worker_died",
                f"The process that paints the preview ended {describe_status(status)}.",
                "Move a slider to start it again; if memory was short, choose a smaller preview.",
            )
            self._revision += 1

    def _take(self, process: subprocess.Popen[bytes], header: dict[str, Any], payload: bytes) -> None:
        with self._guard:
            if self._process is not process or not (header.get("serial") == self._serial or self._bridges(header)):
                return
            self._last_work = time.monotonic()
            if header["kind"] == "picture":
                levels = np.frombuffer(payload, np.uint16).reshape(header["height"], header["width"], 3)
                self._picture, self._status = Picture(levels), header
            else:
                self._error = LwswError.from_dict(header["error"])
            self._revision += 1

    def _bridges(self, header: dict[str, Any]) -> bool:
        """Whether this is a picture of earlier settings that shows the same frame: while a slider moves, it is better than none."""
        picture = self._picture
        return header.get("kind") == "picture" and picture is not None and picture.levels.shape[:2] == (header["height"], header["width"])

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """End the process when nobody needs it."""
        while not self._closing.wait(min(_LOOK_SECONDS, self._idle_seconds / 4, self._abandoned_seconds / 4)):
            with self._guard:
                if self._process is not process:
                    return
                now = time.monotonic()
                idle = now - self._last_work > self._idle_seconds
                if idle or now - self._last_request > self._abandoned_seconds:
                    log.info("preview: ended, %s", "nothing to do" if idle else "nobody looks")
                    self._end()
                    self._revision += 1
                    return
