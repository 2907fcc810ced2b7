"""Turned off, the extension leaves nothing behind; turned on twice, nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import bpy

import blender_lwsw
from blender_lwsw.connection.backend import BackendSettings, session_backend
from blender_lwsw.jobs.session import session


def _handlers() -> dict[str, list[Any]]:
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    return {name: list(handlers) for name, handlers in lists.items() if isinstance(handlers, list)}


def _traces() -> dict[str, Any]:
    """Count everything an extension can leave behind."""
    return {
        "handlers": _handlers(),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "classes": sorted(name for name in dir(bpy.types) if "lwsw" in name.lower()),
        "operators": [name for name in dir(bpy.ops) if name == "lwsw" and dir(bpy.ops.lwsw)],
        "scene": "lwsw" in bpy.types.Scene.bl_rna.properties or hasattr(bpy.types.Scene, "lwsw"),
        "timer": bpy.app.timers.is_registered(session._timer),
        "exception hook": sys.excepthook,
    }


def test_nothing_is_left_behind() -> None:
    blender_lwsw.unregister()  # the fixture's
    try:
        before = _traces()
        for _ in range(2):
            blender_lwsw.register()
            assert bpy.context.scene.lwsw.profile == "BALANCED"
            assert _traces() != before
            blender_lwsw.unregister()
            assert _traces() == before
    finally:
        blender_lwsw.register()


def test_handlers_are_there_once() -> None:
    blender_lwsw.unregister()
    blender_lwsw.register()
    ours = [handler for handlers in _handlers().values() for handler in handlers if handler.__module__.startswith("blender_lwsw")]
    assert ours
    assert len({id(handler) for handler in ours}) == len(ours)


def test_a_running_backend_is_stopped(backend: str) -> None:
    session_backend.connect(BackendSettings())
    process = session_backend.process
    assert process is not None
    assert process.is_alive()
    threads = sum(thread.name.startswith("lwsw") for thread in threading.enumerate())
    assert threads == 2
    blender_lwsw.unregister()
    try:
        assert not process.is_alive()
        assert not any(thread.name.startswith("lwsw") for thread in threading.enumerate())
    finally:
        blender_lwsw.register()


def test_no_exit_handler_is_left_behind() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from blender_lwsw.connection import backend\n"
        "backend.Backend.stop = lambda self: print('stopped', flush=True)\n"
        "backend.register()\n"
        "if sys.argv[2] == 'off': backend.unregister(); print('off', flush=True)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    said = [
        subprocess.run([sys.executable, "-c", script, root, state], capture_output=True, text=True, check=True).stdout.split()
        for state in ("on", "off")
    ]
    assert said == [["stopped"], ["stopped", "off"]]
