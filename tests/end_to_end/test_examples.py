"""The example scripts of the documentation, run as they stand: a real Blender module, two real files, the real backend."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import environments
import numpy as np
import pytest
from skimage.io import imsave

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"

_MAKE_FILES = """
import sys, bpy
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import helpers, blender_lwsw
for path in sys.argv[3:]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_lwsw.register()
    scene = helpers.build_scene()
    scene.lwsw.iterations = scene.lwsw.first_iterations = 1
    bpy.ops.wm.save_as_mainfile(filepath=path)
    blender_lwsw.unregister()
import os; os._exit(0)
"""


def run_in_blender(*words: str) -> subprocess.CompletedProcess[str]:
    python = str(environments.ENVIRONMENTS["blender"].python)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LWSW_BACKEND": str(ROOT / ".venv" / "bin" / "lwsw")}
    return subprocess.run([python, *words], capture_output=True, text=True, timeout=300, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two Blender files and a painting."""
    folder = tmp_path_factory.mktemp("shots")
    imsave(folder / "painting.png", np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8), check_contrast=False)
    done = run_in_blender("-c", _MAKE_FILES, str(ROOT), str(ROOT / "tests" / "blender"), *(str(folder / f"{name}.blend") for name in "ab"))
    assert (folder / "b.blend").is_file(), done.stderr
    return folder


def test_overnight(shots: Path) -> None:
    files = [str(shots / name) for name in ("a.blend", "missing.blend")]
    done = run_in_blender(str(EXAMPLES / "overnight.py"), "--", str(shots / "painting.png"), *files)
    assert done.returncode == 1, done.stderr  # one of the two is not there
    assert "a.blend: 2 frames" in done.stdout and "missing.blend" in done.stdout.splitlines()[-1]
    assert sorted(path.name for path in (shots / "lwsw").glob("*.png")) == ["0001.png", "0002.png"]


def test_pipeline(shots: Path) -> None:
    (shots / "shot.json").write_text(json.dumps({"style": "painting.png", "frame_end": 1, "output": "out/shot"}))
    open_file = f"import bpy, runpy, sys; bpy.ops.wm.open_mainfile(filepath={str(shots / 'b.blend')!r}); "
    words = ["-c", open_file + "runpy.run_path(sys.argv[1], run_name='__main__')", str(EXAMPLES / "pipeline.py"), "--"]
    done = run_in_blender(*words, str(shots / "shot.json"), str(shots / "report.json"))
    report = json.loads((shots / "report.json").read_text("utf-8"))
    assert done.returncode == 0, (done.stderr, report)
    assert report["results"] == [str(shots / "out" / "shot" / "0001.png")] and Path(report["results"][0]).is_file()

    (shots / "shot.json").write_text(json.dumps({"style": "no such painting.png"}))
    done = run_in_blender(*words, str(shots / "shot.json"), str(shots / "report.json"))
    assert done.returncode == 1
    error = json.loads((shots / "report.json").read_text("utf-8"))["error"]
    assert error["code"] == "missing_style" and error["hint"]
