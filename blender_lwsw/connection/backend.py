"""The one backend of this Blender session: connected to when first needed, kept between jobs, stopped with the session."""

from __future__ import annotations

import atexit
import ipaddress
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import LwswError, cancelled
from .client import Client, Connect
from .process import BackendProcess, find_backend


@dataclass(frozen=True)
class BackendSettings:
    """Where the backend is: an address with a token, or else a program to start.

    Attributes:
        path: the ``lwsw`` program, a Python or a virtual environment; empty to look for it.
        url: address of a backend that runs already; empty to start one.
        token: its token.
        online_access: whether Blender may talk to other machines.
        log_file: where the log of a started backend goes.
        installed: the folder that the extension installs its own backend in; None where there is none.
    """

    path: str = ""
    url: str = ""
    token: str = ""
    online_access: bool = False
    log_file: Path | None = None
    installed: Path | None = None


class Backend:
    """Starts or finds the backend; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: BackendProcess | None = None
        self._state = "Not started"
        self.error: LwswError | None = None  # why the last start failed

    @property
    def state(self) -> str:
        """A few words for the panel."""
        process = self._process
        if process is not None and process.url and not process.is_alive():
            return "Stopped unexpectedly"
        return self._state

    @property
    def process(self) -> BackendProcess | None:
        """The process this session started, if any."""
        return self._process

    def owns_process(self) -> bool:
        """Return whether this session started a backend that still runs."""
        return self._process is not None and self._process.is_alive()

    def connect(self, settings: BackendSettings, give_up: Callable[[], bool] = lambda: False) -> Client:
        """Return a client whose backend has answered; start the backend where needed.

        Raises:
            LwswError: ``backend_not_found``, ``backend_start_failed``, ``backend_gone``, ``bad_token``, ``version_mismatch``,
                ``online_access``, ``cancelled``.
        """
        with self._lock:
            if give_up():
                raise cancelled()
            self.error = None
            try:
                client = self._existing(settings, give_up) if settings.url else self._own(settings, give_up)
                health = client.check_version(timeout=10)
            except LwswError as error:
                self._state = "Not started" if error.code == "cancelled" else f"Failed: {error.message}"
                self.error = None if error.code == "cancelled" else error
                raise
            self._state = f"Running on {health.get('device_name') or health.get('device') or 'this machine'}"
            return client

    def connector(self, settings: BackendSettings) -> Connect:
        """Return what calls :meth:`connect` with these settings, for threads, which must not ask Blender for them."""
        return lambda give_up: self.connect(settings, give_up)

    def stop(self) -> None:
        """End the backend if this session started it."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        self._state = "Not started"
        self.error = None

    def _own(self, settings: BackendSettings, give_up: Callable[[], bool]) -> Client:
        if self._process is not None and self._process.is_alive():
            client = Client(self._process.url, self._process.token)
            try:
                client.health(timeout=10)
                return client
            except LwswError as error:
                if error.code != "backend_gone":
                    raise  # it is there; a process that is dying or hangs is replaced below
        if self._process is not None:
            self._process.stop()
        self._state = "Starting…"
        self._process = process = BackendProcess(find_backend(settings.path, installed=settings.installed), settings.log_file)
        process.start(give_up=give_up)
        return Client(process.url, process.token)

    def _existing(self, settings: BackendSettings, give_up: Callable[[], bool], patience: float = 5.0) -> Client:
        if not settings.online_access and not _is_loopback(settings.url):
            raise LwswError(
                "online_access",
                "The backend is on another machine, and Blender is not allowed to go online.",
                "Turn on Online Access in Preferences > System, or use a backend on this machine.",
            )
        client = Client(settings.url, settings.token)
        deadline = time.monotonic() + patience
        while True:  # whoever runs it may just be starting it again
            try:
                client.health(timeout=5)
                return client
            except LwswError as error:
                if error.code != "backend_gone" or time.monotonic() > deadline or give_up():
                    raise
                time.sleep(0.5)


def _is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


#: The backend of this session.
session_backend = Backend()


def register() -> None:
    """Make sure that the backend ends when Blender quits in good order; otherwise the closed pipe ends it."""
    atexit.register(session_backend.stop)


def unregister() -> None:
    """Stop the backend and leave no exit handler behind."""
    session_backend.stop()
    atexit.unregister(session_backend.stop)
