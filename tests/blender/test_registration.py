"""Turned off, the extension leaves nothing behind; turned on twice, nothing is there twice."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import bpy
import pytest

import blender_lwsw
from blender_lwsw import api
from blender_lwsw.connection.backend import BackendSettings, session_backend
from blender_lwsw.interface import thumbnails
from blender_lwsw.interface.thumbnails import icon_of, results_icons
from blender_lwsw.jobs.finder import finder
from blender_lwsw.jobs.session import session
from blender_lwsw.look.session import preview_session

_OPEN_FILES = Path("/proc/self/fd")


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
    for name, handlers in _handlers().items():
        ours = [handler for handler in handlers if handler.__module__.startswith("blender_lwsw")]
        assert len({id(handler) for handler in ours}) == len(ours), name
    assert any(handler.__module__.startswith("blender_lwsw") for handler in bpy.app.handlers.load_pre)


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


def _open_files() -> Counter[str]:
    """Return what this process holds open, by what it is: a path, or pipe, socket and the like without its number."""
    gc.collect()
    targets = []
    for link in _OPEN_FILES.iterdir():
        try:
            target = str(link.readlink())
        except OSError:  # the folder's own
            continue
        targets.append(target if target.startswith("/") else target.partition(":")[0])
    return Counter(targets)


def _use_everything(scene: bpy.types.Scene, painting: Path, folder: Path) -> None:
    """Do what opens files, pipes and sockets, and stop in the middle of it."""
    settings = scene.lwsw
    settings.style, settings.output = str(painting), str(folder / "out")
    job = api.start_job(scene, api.Request(iterations=20_000, first_iterations=2, layer_weights={"relu1_1": 1}), interactive=False)
    session.run(job)
    deadline = time.monotonic() + 120
    while not job.outcome.results:
        session._timer()
        assert session.is_running, session.error
        assert time.monotonic() < deadline
        time.sleep(0.02)
    settings.preview_width = 64
    preview_session.start(scene)
    while not preview_session._is_sent:
        preview_session._timer()
        assert preview_session.error is None, preview_session.error
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert finder.jobs(scene) == [], "this process holds its lock"
    icon_of(str(painting))
    results_icons(job.outcome.results)
    for previews in (thumbnails._previews, thumbnails._results):
        assert [preview.image_size[0] > 0 for preview in previews.values()] == [True]  # now it is read


@pytest.mark.skipif(not _OPEN_FILES.is_dir(), reason="only Linux lists what a process holds open")
def test_no_file_is_left_open(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    """A job, a preview, thumbnails and a look for stopped jobs, interrupted: none of their files, pipes, sockets and locks stays."""
    # what Blender itself keeps for the rest of its life when it renders for the first time is none of ours
    scene.render.filepath = str(tmp_path / "warm up.png")
    bpy.ops.render.render(write_still=True)
    blender_lwsw.unregister()  # the fixture's
    try:
        traces, before = _traces(), _open_files()
        blender_lwsw.register()
        _use_everything(scene, painting, tmp_path)
        assert _open_files() != before
        process = session_backend.process
        blender_lwsw.unregister()
        assert _traces() == traces
        assert process is not None and not process.is_alive()
        left = _open_files() - before
        assert not left, f"left open: {dict(left)}"
        assert not before - _open_files(), "and nothing that was Blender's is closed"
    finally:
        if not hasattr(bpy.types.Scene, "lwsw"):
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
