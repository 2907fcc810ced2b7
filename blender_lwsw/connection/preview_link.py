"""The part of the preview that talks to the backend, in two threads of its own: one sends, one waits for pictures. Knows nothing of
Blender."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LwswError, internal
from .client import Client, Connect

#: How long the backend may keep a question for news, in seconds.
WAIT_SECONDS = 5.0

#: Errors after which there is no preview any more.
_LOST = ("backend_gone", "preview_not_found", "preview_taken", "bad_token")


@dataclass(frozen=True)
class Wish:
    """What shall be painted.

    Attributes:
        source: the frame, a PNG.
        width: in pixels, of what is painted.
        paintings: files by their names in the order.
        order: ``styles`` with ``settings``, or with ``cells`` and ``columns``; see the route in docs/architecture.md.
        restart: paint from the beginning, even where the present picture could be gone on with.
        passes: an EXR of the frame that says where regions are; None where there is none.
    """

    source: Path
    width: int
    paintings: Mapping[str, Path]
    order: Mapping[str, Any]
    restart: bool = False
    passes: Path | None = None


@dataclass(frozen=True)
class Pixels:
    """A picture as an image of Blender takes it: RGBA, 0 to 1, rows from the bottom."""

    width: int
    height: int
    values: np.ndarray

    @classmethod
    def from_levels(cls, data: bytes, width: int, height: int) -> Pixels:
        """Read 8-bit RGB, rows from the top."""
        values = np.ones((height, width, 4), np.float32)
        values[..., :3] = np.frombuffer(data, np.uint8).reshape(height, width, 3)[::-1] / np.float32(255.0)
        return cls(width, height, values.ravel())


class PreviewLink:
    """Has the newest wish painted, and holds the newest picture.

    Args:
        connect: returns a client of a backend that answers; called in a thread with a function that tells whether to give up.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._wish: Wish | None = None
        self._client: Client | None = None
        self._id = ""
        self._sent_source: tuple[Path, int, int] | None = None
        self._sent_passes: tuple[Path, int] | None = None
        self._sent_paintings: dict[str, tuple[Path, int]] = {}
        self._picture: Pixels | None = None
        self._is_new = False
        self._sender = threading.Thread(target=self._run, name="lwsw-preview", daemon=True)
        self._listener: threading.Thread | None = None
        self.source: Pixels | None = None
        self.state: Mapping[str, Any] = {}
        self.settings = 0  # number of the wish that was sent last
        self.error: LwswError | None = None

    def begin(self) -> None:
        """Start to connect."""
        self._changed.set()
        self._sender.start()

    def want(self, wish: Wish) -> None:
        """Have something else painted; of several wishes the newest counts."""
        with self._lock:
            self._wish = wish
            self.error = None
            self.settings = 0
        self._changed.set()

    def take_picture(self) -> Pixels | None:
        """Return the newest picture, once."""
        with self._lock:
            if not self._is_new:
                return None
            self._is_new = False
            return self._picture

    @property
    def has_new_picture(self) -> bool:
        """Whether :meth:`take_picture` would return one."""
        return self._is_new

    @property
    def picture(self) -> Pixels | None:
        """The newest picture, or None before the first."""
        return self._picture

    @property
    def is_settled(self) -> bool:
        """Whether the newest wish is painted as far as it will be."""
        state = self.state
        waits = self._changed.is_set() or not self.settings
        return not waits and bool(state.get("settled")) and state.get("painted") == self.settings

    @property
    def is_connected(self) -> bool:
        """Whether a backend has answered."""
        return bool(self._id)

    def png(self) -> bytes:
        """Return the picture as a 16-bit PNG; blocks. Raises what the backend answers."""
        client, name = self._client, self._id
        if client is None or not name:
            raise LwswError("preview_not_found", "There is no preview.", "Press Preview to start one.")
        return client.preview_picture(name, form="png")

    def stop(self, patience: float = 0.0) -> None:
        """End the preview at the backend, in the background.

        Args:
            patience: seconds to wait for the threads' end.
        """
        self._stopping.set()
        self._changed.set()
        for thread in (self._sender, self._listener):
            if thread is not None and thread.ident is not None and patience:
                thread.join(patience)

    # ------------------------------------------------------------------ in the threads

    def _run(self) -> None:
        while True:
            self._changed.wait()
            with self._lock:
                self._changed.clear()
                self.settings = 0
                wish = self._wish
            if self._stopping.is_set():
                break
            try:
                if not self._id:
                    self._connect_anew()
                if wish is not None:
                    self._send(wish)
            except LwswError as error:
                self._fail(error, self._id)
            except Exception as error:  # noqa: BLE001 - the thread's last line of defence: the artist must hear of it
                self._fail(internal(error), self._id)
        if self._client is not None and self._id:
            with contextlib.suppress(LwswError):  # it has ended already
                self._client.end_preview(self._id)

    def _connect_anew(self) -> None:
        self._client = client = self._connect(self._stopping.is_set)
        self._sent_source, self._sent_passes, self._sent_paintings = None, None, {}
        self.state = {}
        self._id = name = client.begin_preview()
        self._listener = threading.Thread(target=self._listen, args=(client, name), name="lwsw-preview-news", daemon=True)
        self._listener.start()

    def _send(self, wish: Wish) -> None:
        client, name = self._client, self._id
        assert client is not None
        stamp = (wish.source, _stamp(wish.source), wish.width)
        if stamp != self._sent_source:
            client.put_preview_source(name, wish.source, wish.width)
            self._sent_source, self._sent_passes = stamp, None
            self.source = None
        if wish.passes is not None and self._sent_passes != (wish.passes, _stamp(wish.passes)):
            client.put_preview_passes(name, wish.passes)
            self._sent_passes = (wish.passes, _stamp(wish.passes))
        for painting, path in wish.paintings.items():
            if self._sent_paintings.get(painting) != (path, _stamp(path)):
                client.put_preview_painting(name, painting, path)
        self._sent_paintings = {painting: (path, _stamp(path)) for painting, path in wish.paintings.items()}
        self.settings = client.put_preview_settings(name, wish.order, wish.restart)

    def _listen(self, client: Client, name: str) -> None:
        revision = -1
        while not self._stopping.is_set() and self._id == name:
            try:
                state = client.preview_state(name, revision, WAIT_SECONDS)
                revision = int(state["revision"])
                if state.get("error"):
                    with self._lock:
                        self.error = LwswError.from_dict(state["error"])
                self._fetch(client, name, state)
                self.state = state
            except LwswError as error:
                self._fail(error, name)
                return
            except Exception as error:  # noqa: BLE001 - as above
                self._fail(internal(error), name)
                return

    def _fetch(self, client: Client, name: str, state: Mapping[str, Any]) -> None:
        width, height = int(state["width"]), int(state["height"])
        if not width:
            return
        data = client.preview_picture(name)
        if len(data) != 3 * width * height:  # another one has come meanwhile, and with it news
            return
        picture = Pixels.from_levels(data, width, height)
        if self.source is None and not state["cells"]:
            data = client.preview_picture(name, of="source")
            if len(data) == 3 * width * height:
                self.source = Pixels.from_levels(data, width, height)
        with self._lock:
            self._picture, self._is_new = picture, True

    def _fail(self, error: LwswError, name: str) -> None:
        """Say what is wrong; where the preview is lost, the next wish begins another."""
        if self._stopping.is_set():
            return
        with self._lock:
            self.error = error
            if self._id == name and error.code in _LOST:
                self._id = ""


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
