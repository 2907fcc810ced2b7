"""The process that paints the preview: ``python -m lwsw.server.preview_worker``. It ends when its standard input closes.

Messages (:mod:`.messages`) come on standard input: ``source`` (H×W×3 float32, ``width``, ``height``), ``passes`` (``path`` of the frame's
EXR file), ``painting`` (a picture file, ``name``) and ``order`` (``order``, ``serial``, ``restart``; the payload is a picture to start with
or empty). They go to standard output: ``picture`` (H×W×3 16-bit levels, ``width``, ``height``, ``serial``, ``iteration``, ``settled``,
``coarse``, ``loss``, ``note``) and ``error`` (``error``, ``serial``), after which the next order is waited for.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import LwswError
from ..jobs.failures import as_lwsw_error
from ..jobs.threads import let_threads_sleep
from ..media.images import decode_image
from ..preview.order import Order
from .messages import read_message, write_message

#: At most one picture in so many seconds leaves the process, but for the first and the last one.
PUBLISH_SECONDS = 0.2

EXIT_PARENT_GONE = 4

Message = tuple[dict[str, Any], bytes]


def main() -> None:
    """Paint until standard input closes."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints, native libraries included, goes to standard error
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=[os.fdopen(0, "rb", closefd=False), messages], name="messages", daemon=True).start()
    let_threads_sleep()
    from ..runtime import prepare_process  # loads torch, which takes seconds

    prepare_process()
    worker = _Worker(output)
    while True:
        worker.take(_waiting(messages, block=not worker.has_work))
        worker.paint()


class _Worker:
    """Does what the messages say, and tells of it."""

    def __init__(self, output: IO[bytes]) -> None:
        from ..preview.easel import Easel

        self._output = output
        self._easel = Easel()
        self._serial = 0
        self._published = 0.0
        self._is_news = False  # nothing has been published since the last order
        self._failed = False

    @property
    def has_work(self) -> bool:
        """Whether :meth:`paint` has something to do."""
        return self._easel.has_work and not self._failed

    def take(self, messages: list[Message]) -> None:
        """Follow messages; of several orders only the last one counts."""
        last_order = max((index for index, (header, _) in enumerate(messages) if header["kind"] == "order"), default=-1)
        for index, (header, payload) in enumerate(messages):
            if header["kind"] == "order":
                self._serial = header["serial"]
                if index < last_order:
                    continue
            self._guarded(lambda header=header, payload=payload: self._follow(header, payload))  # type: ignore[misc]

    def paint(self) -> None:
        """Do one iteration, and publish the picture if it is time."""
        if self.has_work:
            self._guarded(self._step)

    def _follow(self, header: dict[str, Any], payload: bytes) -> None:
        kind = header["kind"]
        if kind == "source":
            self._easel.put_source(_pixels(header, payload))
        elif kind == "passes":
            self._easel.put_passes(Path(header["path"]))
        elif kind == "painting":
            self._easel.put_painting(header["name"], decode_image(payload, "style", header["name"]))
        elif kind == "order":
            self._failed = False
            self._easel.put_order(Order.from_dict(header["order"]), _pixels(header, payload) if payload else None)
            if header["restart"]:
                self._easel.restart()
            self._is_news = True
            if not self._easel.has_work:  # a region has gone, or nothing that counts has changed
                self._publish()

    def _step(self) -> None:
        easel = self._easel
        easel.step()
        is_due = time.monotonic() - self._published >= PUBLISH_SECONDS
        # the first evaluation only measures where the optimization starts
        if not easel.has_work or is_due or (self._is_news and easel.iteration > 1):
            self._publish()

    def _publish(self) -> None:
        easel = self._easel
        picture = easel.picture()
        if not np.isfinite(picture).all():
            raise LwswError("internal", "The preview has values that are not numbers.", "Lower the weights, or report this.")
        levels = np.rint(np.clip(picture, 0.0, 1.0) * 65535.0).astype(np.uint16)
        header = {
            "kind": "picture",
            "serial": self._serial,
            "width": picture.shape[1],
            "height": picture.shape[0],
            "iteration": easel.iteration,
            "settled": not easel.has_work,
            "coarse": easel.is_coarse,
            "loss": easel.loss,
            "note": " ".join(easel.notes),
        }
        self._send(header, levels.tobytes())
        self._published, self._is_news = time.monotonic(), False

    def _guarded(self, action: Any) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  whatever it is, the server must hear of it
            self._failed = True
            if not isinstance(error, LwswError):
                traceback.print_exc()
            self._send({"kind": "error", "serial": self._serial, "error": as_lwsw_error(error).to_dict()})

    def _send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        try:
            write_message(self._output, header, payload)
        except (OSError, ValueError):
            os._exit(EXIT_PARENT_GONE)


def _listen(stream: IO[bytes], messages: queue.SimpleQueue[Message]) -> None:
    """Pass messages on; end the process with the stream, which the system closes for us even when the server is killed."""
    while (message := read_message(stream)) is not None:
        messages.put(message)
    os._exit(EXIT_PARENT_GONE)


def _waiting(messages: queue.SimpleQueue[Message], block: bool) -> list[Message]:
    """Return the messages that have come; with ``block`` wait for one."""
    found = [messages.get()] if block else []
    while not messages.empty():
        found.append(messages.get())
    return found


def _pixels(header: dict[str, Any], payload: bytes) -> np.ndarray:
    return np.frombuffer(payload, np.float32).reshape(header["height"], header["width"], 3).copy()


if __name__ == "__main__":
    main()
    sys.exit(0)
