"""Tests of the extension in a real Blender, the ``bpy`` module.

Run with the Python of an environment that has ``bpy``:  .venv-blender/bin/python -m pytest tests/blender
Tests that use the fixture ``backend`` start the real one: ``LWSW_BACKEND``, or ``.venv`` of this checkout.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_user_folder = tempfile.TemporaryDirectory(prefix="lwsw-tests-")
os.environ["BLENDER_USER_RESOURCES"] = _user_folder.name  # read when bpy is imported: nobody's own settings take part
for name in ("LWSW_URL", "LWSW_TOKEN"):
    os.environ.pop(name, None)
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import bpy  # noqa: E402
import helpers  # noqa: E402

import blender_lwsw  # noqa: E402

_exit_status = 0


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember the status for the ending below."""
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End without Blender's clean-up, which hangs in some versions of the module."""
    from blender_lwsw.connection.backend import session_backend

    session_backend.stop()
    _user_folder.cleanup()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_status)


@pytest.fixture(autouse=True)
def extension() -> Iterator[None]:
    """An empty file with the extension on."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_lwsw.register()
    yield
    blender_lwsw.unregister()


@pytest.fixture
def scene() -> bpy.types.Scene:
    """Two frames of a moving cube in front of a moving camera, 64×36 pixels, one sample."""
    return helpers.build_scene()


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """A small picture to take the style from."""
    return helpers.write_painting(tmp_path / "painting one.png")


@pytest.fixture(scope="session")
def backend_program() -> str:
    """Path of the real backend."""
    path = os.environ.get("LWSW_BACKEND") or str(ROOT / ".venv" / "bin" / "lwsw")
    if not Path(path).exists():
        pytest.skip(f"there is no backend at {path}")
    return path


@pytest.fixture
def backend(backend_program: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real backend where the extension finds it; its jobs go into a temporary folder."""
    monkeypatch.setenv("LWSW_BACKEND", backend_program)
    monkeypatch.setenv("LWSW_JOBS", str(tmp_path_factory.getbasetemp() / "jobs"))
    return backend_program
