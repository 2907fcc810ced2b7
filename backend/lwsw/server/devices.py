"""Which device the jobs will use, asked once in a process of its own: torch in the server would keep graphics memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any


class DeviceProbe:
    """Asks ``python -m lwsw.doctor --devices`` in the background."""

    def __init__(self) -> None:
        self._device: dict[str, Any] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._ask, name="device probe", daemon=True)

    def start(self) -> None:
        """Begin to ask; a few seconds later :meth:`device` knows the answer."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lwsw.doctor", "--devices"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._thread.start()

    def device(self) -> tuple[str | None, str | None]:
        """Return the best device (``cpu``, ``cuda``, ``mps``) and its name for people; None twice while it is not known."""
        if self._device is None:
            return None, None
        return self._device.get("device"), self._device.get("name")

    def stop(self) -> None:
        """End the question if it is still open."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _ask(self) -> None:
        assert self._process is not None
        output, _ = self._process.communicate()
        try:
            devices = json.loads(output)
            self._device = devices[0]
        except (ValueError, LookupError, TypeError):
            self._device = None
