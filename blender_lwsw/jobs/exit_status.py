"""Makes ``blender -b … --python-expr "bpy.ops.lwsw.stylize()"`` end with status 1 when it failed, without further options.

Blender prints a script's uncaught exception and then exits with 0. An exception that the script catches changes nothing.
"""

from __future__ import annotations

import atexit
import os
import sys
from types import TracebackType

import bpy

_messages: set[str] = set()
_previous_hook = None


def remember(message: str) -> None:
    """Exit with status 1 if an exception with this message is never caught. Only where Blender itself runs in background."""
    global _previous_hook
    if not bpy.app.background or not bpy.app.binary_path:
        return
    _messages.add(message)
    if _previous_hook is None:
        _previous_hook, sys.excepthook = sys.excepthook, _uncaught


def fail(message: str) -> None:
    """Print why something that nobody called has failed, and exit with status 1. Only where Blender itself runs in background."""
    sys.stderr.write(f"LWSW  Error: {message}\n")
    sys.stderr.flush()
    if bpy.app.background and bpy.app.binary_path:
        atexit.unregister(_exit_with_failure)
        atexit.register(_exit_with_failure)


def forget() -> None:
    """Take the hook away again."""
    global _previous_hook
    if _previous_hook is not None and sys.excepthook is _uncaught:
        sys.excepthook = _previous_hook
    _previous_hook = None
    _messages.clear()


def _uncaught(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
    (_previous_hook or sys.__excepthook__)(kind, value, traceback)
    if any(message in str(value) for message in _messages):
        atexit.unregister(_exit_with_failure)
        atexit.register(_exit_with_failure)


def _exit_with_failure() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
