"""Finding the backend's program, and starting, watching and stopping it. Knows nothing of Blender."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..child_processes import own_session
from ..errors import LwswError
from .installed import installed_python, read_installed

#: How long a backend may take until it says that it is ready; importing torch from a cold disk is slow.
START_SECONDS = 120.0

#: Lines of the backend's log that are kept for error messages.
LOG_LINES = 200

_RUN_WITH_PYTHON = "import sys; from lwsw.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Found:
    """A backend that can be started.

    Attributes:
        command: what runs ``lwsw``.
        where: ``LWSW_BACKEND``, ``preferences``, ``installed``, ``checkout`` or ``search path``.
    """

    command: list[str]
    where: str


def find_backend(preferred: str = "", environment: Mapping[str, str] | None = None, installed: Path | None = None) -> list[str]:
    """Return the command that runs ``lwsw``, see :func:`locate_backend`."""
    return locate_backend(preferred, environment, installed).command


def locate_backend(preferred: str = "", environment: Mapping[str, str] | None = None, installed: Path | None = None) -> Found:
    """Return the backend that is to be used.

    Looked at in this order: the environment variable ``LWSW_BACKEND`` and the path from the preferences, because somebody said so; the
    backend that the extension has installed in the folder ``installed``; ``.venv`` of the development checkout that this file lies in;
    ``lwsw`` on the search path. A path may be the ``lwsw`` program, a Python that has the package, or a virtual environment.

    Raises:
        LwswError: ``backend_not_found``; ``backend_start_failed`` where the installed one is broken.
    """
    environment = os.environ if environment is None else environment
    for source, path in (("LWSW_BACKEND", environment.get("LWSW_BACKEND", "")), ("preferences", preferred)):
        if path:
            command = _command(Path(path).expanduser())
            if command is None:
                raise LwswError(
                    "backend_not_found",
                    f"There is no backend at {path}, the path from {'the preferences' if source == 'preferences' else source}.",
                    "Correct the path with Use Existing, or press Install Backend in the LWSW panel.",
                )
            return Found(command, source)
    if installed is not None and (made := read_installed(installed)) is not None:
        return Found([str(installed_python(installed, made)), "-c", _RUN_WITH_PYTHON], "installed")
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "backend" / "lwsw").is_dir() and (command := _command(checkout / ".venv")):
        return Found(command, "checkout")
    if found := shutil.which("lwsw", path=environment.get("PATH")):
        return Found([found], "search path")
    raise LwswError(
        "backend_not_found",
        "The backend, the program that paints, is not installed yet.",
        "Press Install Backend in the section Backend of the LWSW panel, or name one with Use Existing.",
    )


def _command(path: Path) -> list[str] | None:
    if path.is_dir():
        for program in (path / "bin" / "lwsw", path / "Scripts" / "lwsw.exe"):
            if program.is_file():
                return [str(program)]
        return None
    if not path.is_file():
        return None
    if path.name.lower().startswith("python"):
        return [str(path), "-c", _RUN_WITH_PYTHON]
    return [str(path)]


class BackendProcess:
    """A running ``lwsw serve``. It ends with this process, however this one ends: its standard input closes.

    Args:
        command: what runs ``lwsw``, see :func:`find_backend`.
        log_file: where its log is written besides being kept in memory; None for nowhere.
    """

    def __init__(self, command: list[str], log_file: Path | None = None) -> None:
        self._command = command
        self._log_file = log_file
        self._log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self._first_line: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.token = ""

    @property
    def pid(self) -> int | None:
        """Process id, or None before the start."""
        return self._process.pid if self._process else None

    @property
    def log_tail(self) -> list[str]:
        """The last lines of the backend's log."""
        return list(self._log)

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = START_SECONDS, give_up: Callable[[], bool] = lambda: False) -> None:
        """Start the program and wait until it says where it listens.

        Args:
            timeout: seconds until the start counts as failed.
            give_up: asked several times a second; True ends the wait and the process.

        Raises:
            LwswError: ``backend_start_failed`` with the last line of its log, or ``cancelled``.
        """
        try:
            # A session of its own: Ctrl-C in Blender's terminal cancels the job, it must not kill the backend under it.
            self._process = subprocess.Popen(
                [*self._command, "serve", "--exit-with-parent"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, encoding="utf-8", errors="replace", env=clean_environment(), **own_session(),
            )  # fmt: skip
        except OSError as error:
            broken = isinstance(error, FileNotFoundError) and Path(self._command[0]).exists()
            raise self._start_failed("the Python it was installed with is gone" if broken else error.strerror or str(error)) from None
        self._drain(self._process.stdout, self._read_stdout)
        self._drain(self._process.stderr, self._read_stderr)
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._first_line.get(timeout=0.1)
            except queue.Empty:
                if give_up():
                    self.stop()
                    raise LwswError(
                        "cancelled", "The job was cancelled before the backend had started.", "Press Stylize to start again."
                    ) from None
                if time.monotonic() < deadline:
                    continue
                self.stop()
                raise self._start_failed(f"it was not ready after {timeout:.0f} seconds") from None
            break
        try:
            ready = json.loads(line)
            self.url, self.token = str(ready["url"]), str(ready["token"])
        except (ValueError, KeyError, TypeError):
            self.stop()
            raise self._start_failed(self._last_words(line)) from None

    def stop(self, patience: float = 3.0) -> None:
        """End the process: it is told by closing its standard input, then asked, then made to."""
        process = self._process
        if process is None:
            return
        if process.stdin and not process.stdin.closed:
            with contextlib.suppress(OSError):  # it is gone already
                process.stdin.close()
        for end in (None, process.terminate, process.kill):
            if end is not None:
                end()
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        for thread in self._threads:
            thread.join(timeout=1.0)
        self._threads.clear()

    def _drain(self, stream: IO[str] | None, reader: Callable[[IO[str]], None]) -> None:
        assert stream is not None
        thread = threading.Thread(target=reader, args=(stream,), name="lwsw-backend-output", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read_stdout(self, stream: IO[str]) -> None:
        with stream:
            self._first_line.put(stream.readline())
            for _ in stream:
                pass  # a full pipe would stop the backend

    def _read_stderr(self, stream: IO[str]) -> None:
        log = None
        if self._log_file is not None:
            try:
                log = self._log_file.open("w", encoding="utf-8")
            except OSError:
                log = None  # the log in memory remains
        try:
            with stream:
                for line in stream:
                    self._log.append(line.rstrip("\n"))
                    if log:
                        log.write(line)
                        log.flush()
        finally:
            if log:
                log.close()

    def _last_words(self, line: str) -> str:
        deadline = time.monotonic() + 1.0
        while not self._log and time.monotonic() < deadline:
            time.sleep(0.02)
        said = [text.strip() for text in (*self._log, line) if text.strip()]
        return said[-1] if said else "it ended without a word"

    def _start_failed(self, reason: str) -> LwswError:
        return LwswError(
            "backend_start_failed",
            f"The backend did not start: {reason.rstrip('.')}.",
            "Press Repair in the section Backend if it was installed there; 'lwsw doctor' in a terminal says more.",
        )


def clean_environment() -> dict[str, str]:
    """Return the environment for another Python: what Blender told its own must not reach it."""
    unwanted = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in unwanted}
