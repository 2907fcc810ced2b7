"""Runs one program of an installation: its lines as they come, and an end to it and everything it started when asked. No Blender here."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ..child_processes import hidden_window, own_session
from ..errors import LwswError

_PROGRAMS = Path(__file__).parent / "programs"

#: Seconds between two looks at whether to stop.
_TICK = 0.1


def program(name: str) -> str:
    """Return the path of one of the programs that another Python than Blender's runs."""
    return str(_PROGRAMS / f"{name}.py")


def supervised(python: str | Path, *arguments: str) -> list[str]:
    """Return the command that runs a module (``-m NAME …``) or a program such that it ends with Blender, however that ends."""
    return [str(python), "-I", program("supervised"), *arguments]


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    said: Callable[[str], None],
    give_up: Callable[[], bool],
    limit: float = 0.0,
) -> int:
    """Run a program to its end and return its exit status.

    Args:
        command: the program with its arguments.
        environment: its environment variables.
        said: called with every line it writes, standard error too, in the calling thread.
        give_up: asked several times a second; True ends the program and whatever it has started, within half a second.
        limit: seconds until it is ended; 0 for none.

    Raises:
        LwswError: ``cancelled``; ``install_failed`` past the limit, or if it cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", errors="replace", env=dict(environment), **own_session(),
        )  # fmt: skip
    except OSError as error:
        raise LwswError(
            "install_failed", f"{command[0]} cannot be started ({error.strerror or error}).", "Press Repair, or Install Backend."
        ) from None
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), name="lwsw-install-output", daemon=True)
    reader.start()
    began = time.monotonic()
    try:
        while (line := _next_line(lines)) is not None:
            if line:
                said(line)
            if give_up():
                raise installation_cancelled()
            if limit and time.monotonic() - began > limit:
                raise LwswError("install_failed", f"A step did not end within {limit:.0f} seconds.", "Press Install Backend to try again.")
        return process.wait()
    finally:
        kill_tree(process)
        reader.join(timeout=1.0)
        with contextlib.suppress(OSError):
            process.stdin.close()


def installation_cancelled() -> LwswError:
    """Return the error of an installation that the artist stopped."""
    return LwswError("cancelled", "The installation was cancelled; nothing of it is left.", "Press Install Backend to start again.")


def kill_tree(process: subprocess.Popen[Any]) -> None:
    """End a process that was started in a group of its own, and everything it has started."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False, **hidden_window())
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them have ended
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2.0)


def _read(stream: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    with stream:
        for line in stream:
            lines.put(line.rstrip("\n") or " ")
    lines.put(None)


def _next_line(lines: queue.SimpleQueue[str | None]) -> str | None:
    """Return a line, an empty one if none came in a tick, or None at the end."""
    try:
        return lines.get(timeout=_TICK)
    except queue.Empty:
        return ""
