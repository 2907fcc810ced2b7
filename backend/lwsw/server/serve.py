"""``lwsw serve``: the local server. Loopback only, a free port, a token, and it ends with whoever started it."""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import uvicorn

from .. import API_VERSION, __version__
from ..errors import LwswError
from .app import create_app
from .devices import DeviceProbe
from .jobs import Jobs
from .preview import Preview
from .supervisor import WorkerCommand, worker_command

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0  # after that the process ends whatever still runs in it


def serve(
    jobs_folder: Path,
    port: int = 0,
    token: str | None = None,
    exit_with_parent: bool = False,
    command: WorkerCommand = worker_command,
) -> None:
    """Serve until somebody ends it: a signal, ``POST /v1/shutdown``, or with ``exit_with_parent`` the end of standard input.

    Prints one JSON line (``url``, ``token``, ``version``, ``api``, ``pid``) on standard output when it is ready.

    Args:
        jobs_folder: where job directories are made and found.
        port: 0 takes a free one.
        token: what requests must carry; None takes ``$LWSW_TOKEN``, else makes one.
        exit_with_parent: end when standard input closes.
        command: the command of a worker, for tests.

    Raises:
        LwswError: ``backend_start_failed`` when the port is taken; ``output_not_writable`` or ``disk_full`` for the folder.
    """
    token = token or os.environ.get("LWSW_TOKEN") or secrets.token_urlsafe(32)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    listener = _listen(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    jobs = Jobs(jobs_folder, command)
    probe = DeviceProbe()
    preview = Preview()

    def announce() -> None:
        ready = {"url": url, "token": token, "version": __version__, "api": API_VERSION, "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        probe.start()

    def stop() -> None:
        if not server.should_exit:
            server.should_exit = True
            timer = threading.Timer(_CLOSE_SECONDS, os._exit, [1])
            timer.daemon = True
            timer.start()
            threading.Thread(target=jobs.close, name="closing").start()  # ends the worker; event streams end by themselves
            threading.Thread(target=preview.close, name="closing preview").start()

    app = create_app(jobs, token, probe.device, stop, preview)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2, timeout_keep_alive=60)
    server = _Server(config, announce, stop)
    if exit_with_parent:
        threading.Thread(target=_watch_standard_input, args=[stop], name="parent watch", daemon=True).start()
    log.info("LWSW %s: %s, jobs in %s", __version__, url, jobs_folder)
    try:
        server.run(sockets=[listener])
    finally:
        probe.stop()
        jobs.close()
        preview.close()
        listener.close()
    log.info("ended")


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready, and whose signals end the worker too and give exit status 0."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        def handle(number: int, frame: FrameType | None) -> None:
            self._stop()

        numbers = [signal.SIGINT, signal.SIGTERM]
        before = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listen(port: int) -> socket.socket:
    """Bind before anything else starts, so the port that is announced is the port that is served."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise LwswError(
            "backend_start_failed", f"The backend cannot listen on port {port}: {error}.", "Use --port 0, which takes a free one."
        ) from error
    return listener


def _watch_standard_input(stop: Callable[[], None]) -> None:
    with suppress(OSError):  # closed from the start
        while os.read(0, 4096):
            pass
    log.info("standard input closed")
    stop()
