"""What a client of the preview has sent, and the messages that bring it to the process that paints."""

from __future__ import annotations

import secrets
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..media.files import output_error
from ..preview.order import Order

Message = tuple[dict[str, Any], bytes]


@dataclass(frozen=True)
class Inputs:
    """Everything that is painted from.

    Attributes:
        source: the frame, H×W×3, in the size that is painted.
        passes: an EXR file of the same frame.
        paintings: picture files by name.
        order: what is painted, and the JSON that it was read from.
    """

    source: np.ndarray | None = None
    passes: Path | None = None
    paintings: dict[str, bytes] = field(default_factory=dict)
    order: Order | None = None
    order_json: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether something can be painted."""
        return self.source is not None and self.order is not None and all(name in self.paintings for name in self.order.styles)

    def news(self, sent: Inputs) -> list[Message]:
        """Return the messages, the order aside, for a process that has been sent something before. Only of complete inputs."""
        assert self.source is not None and self.order is not None
        messages: list[Message] = []
        if sent.source is not self.source:
            height, width = self.source.shape[:2]
            messages.append(({"kind": "source", "width": width, "height": height}, self.source.astype(np.float32).tobytes()))
        if self.passes is not None and sent.passes != self.passes:
            messages.append(({"kind": "passes", "path": str(self.passes)}, b""))
        for name in self.order.styles:
            if sent.paintings.get(name) is not self.paintings[name]:
                messages.append(({"kind": "painting", "name": name}, self.paintings[name]))
        return messages

    def after(self, sent: Inputs) -> Inputs:
        """Return what a process has that had ``sent`` and then :meth:`news`: paintings of earlier orders, too. Only of complete inputs."""
        assert self.order is not None
        return replace(self, paintings=sent.paintings | {name: self.paintings[name] for name in self.order.styles})


class PassFiles:
    """Passes of the frames that are previewed. They may be large and are seldom read, so they lie on the disk, one at a time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def write(self, data: bytes) -> Path:
        """Write a file of a new name; raise ``disk_full`` or ``output_not_writable``."""
        path = Path(tempfile.gettempdir())
        try:
            with self._guard:
                self._folder = self._folder or tempfile.TemporaryDirectory(prefix="lwsw-preview-", ignore_cleanup_errors=True)
                path = Path(self._folder.name) / f"{secrets.token_hex(8)}.exr"
            path.write_bytes(data)
        except OSError as error:
            raise output_error(path, error) from error
        return path

    def remove(self, path: Path | None) -> None:
        """Remove a file, if there is one. On Windows the process may be reading it; then it goes with the folder."""
        if path is not None:
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Remove the folder."""
        with self._guard:
            folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
