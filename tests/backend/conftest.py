"""Fixtures shared by the tests of the backend."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLENDER_ENVIRONMENTS = {"4.5": ".venv-blender-4.5", "5.0": ".venv-blender"}


@pytest.fixture(scope="session", params=sorted(BLENDER_ENVIRONMENTS))
def blender_passes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of tiny EXR files that Blender itself rendered: see ``render_test_passes.py``."""
    environment = ROOT / BLENDER_ENVIRONMENTS[request.param]
    python = next((path for path in (environment / "bin/python", environment / "Scripts/python.exe") if path.is_file()), None)
    if python is None:
        pytest.skip(f"no environment {environment.name} with the bpy module {request.param}")
    folder = tmp_path_factory.mktemp(f"blender-{request.param}")
    script = Path(__file__).with_name("render_test_passes.py")
    done = subprocess.run([str(python), str(script), str(folder)], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder
