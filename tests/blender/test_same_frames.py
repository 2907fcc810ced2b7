"""One job in all the ways that it can be asked for: the same frames, to the byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bpy

from blender_lwsw import api
from blender_lwsw.jobs.session import session

ROOT = Path(__file__).resolve().parents[2]

_BACKGROUND = """
import os, sys
sys.path.insert(0, sys.argv[1])
import bpy, blender_lwsw
blender_lwsw.register()
bpy.ops.wm.open_mainfile(filepath=sys.argv[2])
done = bpy.ops.lwsw.stylize()
blender_lwsw.unregister()
os._exit(0 if done == {"FINISHED"} else 1)
"""


def _frames(folder: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    assert sorted(found) == ["0001.png", "0002.png"]
    return found


def test_the_same_frames_by_every_way(scene: bpy.types.Scene, painting: Path, backend: str, backend_program: str, tmp_path: Path) -> None:
    settings = scene.lwsw
    settings.style, settings.profile, settings.iterations, settings.first_iterations = str(painting), "ABSTRACT", 2, 3
    settings.relu5_1 = settings.relu4_1 = 0.0  # of pictures as small as these the deep layers see nothing
    settings.relu2_1, settings.output = 0.75, str(tmp_path / "operator") + "/"
    assert bpy.ops.lwsw.stylize() == {"FINISHED"}
    expected = _frames(tmp_path / "operator")

    api.stylize(scene, output=tmp_path / "api")
    assert _frames(tmp_path / "api") == expected

    settings.output = str(tmp_path / "timer") + "/"  # what the button starts, its steps taken here instead of by a timer
    session.run(api.start_job(scene, interactive=False))
    job = session.job
    assert job is not None
    api.run_job(job)
    session.abandon()
    assert _frames(tmp_path / "timer") == expected

    settings.output = str(tmp_path / "background") + "/"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    words = [sys.executable, "-c", _BACKGROUND, str(ROOT), str(tmp_path / "shot.blend")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _frames(tmp_path / "background") == expected

    source = tmp_path / "operator" / "source"
    weights = ",".join(f"{layer}={getattr(settings, layer)}" for layer in ("relu1_1", "relu2_1", "relu3_1") if getattr(settings, layer))
    words = [backend_program, "stylize", "--color", f"{source}/frames/*.png", "--passes", f"{source}/passes/*.exr"]
    words += ["--cameras", f"{source}/cameras.json", "--style", str(painting), "--out", str(tmp_path / "shell"), "--weights", weights]
    words += ["--content-weight", str(settings.content_weight), "--iterations", "2", "--first-iterations", "3"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert _frames(tmp_path / "shell") == expected
