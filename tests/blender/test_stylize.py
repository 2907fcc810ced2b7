"""From a scene to a strip through the real backend: an own process, real HTTP, tiny frames."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw import api, compat
from blender_lwsw.connection.backend import session_backend
from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.progress import Progress
from blender_lwsw.jobs.session import session

ROOT = Path(__file__).resolve().parents[2]


def _is_painted(result: Path, source: Path) -> bool:
    painted, rendered = helpers.read_picture(result), helpers.read_picture(source)
    return painted.shape == rendered.shape and bool(np.abs(painted - rendered).mean() > 0.001) and bool(np.isfinite(painted).all())


def _quickly(scene: bpy.types.Scene, painting: Path, output: Path) -> None:
    """Set the scene's own settings to a job of seconds."""
    settings = scene.lwsw
    settings.style, settings.output = str(painting), str(output)
    settings.iterations = settings.first_iterations = 2
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0


def test_a_scene_becomes_a_strip(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    before = helpers.snapshot(scene)
    seen: list[Progress] = []
    result = api.stylize(style=painting, output=tmp_path / "out", progress=seen.append, **helpers.QUICK)
    assert helpers.snapshot(scene) == before
    assert [path.name for path in result.results] == ["0001.png", "0002.png"]
    for path in result.results:
        assert _is_painted(path, tmp_path / "out" / "source" / "frames" / path.name)
    strips = scene.sequence_editor.strips
    strip = strips[result.strip_name]
    assert strip.name == "LWSW painting one"
    assert compat.strip_range(strip) == (1, 3)
    assert len(strips) == 2
    assert min(other.channel for other in strips) < strip.channel
    phases = [progress.phase for progress in seen]
    assert phases.index("render") < phases.index("stylize") < phases.index("done")
    assert all(0 <= progress.fraction <= 1 for progress in seen)
    seconds = result.report["seconds"]
    assert {"render", "connect", "upload", "stylize", "download", "total"} <= set(seconds)
    assert result.report["backend"]
    assert json.dumps(result.report)


def test_the_operator_does_what_the_api_does(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    _quickly(scene, painting, tmp_path / "operator")
    assert bpy.ops.lwsw.stylize() == {"FINISHED"}
    result = api.stylize(output=tmp_path / "api")
    for path in result.results:
        assert path.read_bytes() == (tmp_path / "operator" / path.name).read_bytes()
    assert len(result.results) == 2


def test_regions_and_several_paintings(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    """The panel's lists and a script's arguments ask for the same; an object that is left alone stays as rendered."""
    _quickly(scene, painting, tmp_path / "operator")
    settings = scene.lwsw
    scene.frame_end = 1
    settings.profile, settings.relu4_1 = "CUSTOM", 0
    wave = helpers.write_painting(tmp_path / "other" / painting.name, 64)
    bpy.ops.lwsw.add_style(filepath=str(wave))
    settings.extra_styles[0].weight = 0.5
    for name, look in (("Cube", "ALONE"), ("Plane", "OWN")):
        bpy.context.view_layer.objects.active = bpy.data.objects[name]
        bpy.ops.lwsw.add_region()
        settings.regions[-1].look = look
    settings.regions[1].style, settings.regions[1].color = str(wave), "LUMINANCE"
    before = helpers.snapshot(scene)
    assert bpy.ops.lwsw.stylize() == {"FINISHED"}
    assert helpers.snapshot(scene) == before
    result = api.stylize(
        style={painting: 1, wave: 0.5},
        regions=[
            {"name": "Cube", "objects": ["Cube"], "strength": 0},
            {"name": "Plane", "objects": ["Plane"], "style_weights": {wave: 1}, "strength": 1, "color": "luminance"},
        ],
        output=tmp_path / "api",
    )
    assert result.results[0].read_bytes() == (tmp_path / "operator" / "0001.png").read_bytes()
    rendered = helpers.read_picture(tmp_path / "api" / "source" / "frames" / "0001.png")
    change = np.abs(helpers.read_picture(result.results[0]) - rendered).max(-1)
    inside = change[18:22, 32:36]  # the middle of the cube
    assert inside.max() < 1 / 255
    assert change.mean() > 0.001


def test_rendered_files_and_a_second_painting(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    first = api.stylize(style=painting, output=tmp_path / "out", **helpers.QUICK)
    assert scene.lwsw.color_pattern.endswith("####.png")  # remembered, so that another painting needs no new render
    stamp = (tmp_path / "out" / "source" / "passes" / "0001.exr").stat().st_mtime_ns
    before = [path.read_bytes() for path in first.results]
    again = api.stylize(style=painting, output=tmp_path / "out", source="FILES", **helpers.QUICK)
    assert [path.read_bytes() for path in again.results] == before
    assert again.strip_name == first.strip_name
    assert len(scene.sequence_editor.strips) == 2
    assert (tmp_path / "out" / "source" / "passes" / "0001.exr").stat().st_mtime_ns == stamp
    # the colour can also come out of the EXR itself
    exr = tmp_path / "out" / "source" / "passes" / "####.exr"
    third = api.stylize(
        style=painting, output=tmp_path / "third", source="FILES", pictures="", passes=exr, add_strip=False, **helpers.QUICK
    )
    assert [path.read_bytes() for path in third.results] == before
    assert third.strip_name == ""


def test_smaller_results(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    result = api.stylize(style=painting, output=tmp_path / "out", width=32, frame_end=1, **helpers.QUICK)
    assert helpers.read_picture(result.results[0]).shape == (18, 32, 3)


def test_weights_that_change_over_time_reach_the_picture(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    _quickly(scene, painting, tmp_path / "a")
    scene.lwsw.temporal_weight = 0
    constant = api.stylize()
    scene.lwsw.relu1_1 = 1.0
    scene.lwsw.keyframe_insert("relu1_1", frame=1)
    scene.lwsw.relu1_1 = 50.0
    scene.lwsw.keyframe_insert("relu1_1", frame=2)
    changing = api.stylize(output=tmp_path / "b")
    assert changing.report["settings"]["layer_weights"]["relu1_1"] == [1.0, 50.0]
    assert constant.results[0].read_bytes() == changing.results[0].read_bytes()
    assert constant.results[1].read_bytes() != changing.results[1].read_bytes()


def test_a_second_pass_and_how_far_it_is(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    once = api.stylize(style=painting, output=tmp_path / "once", **helpers.QUICK)
    said: list[api.Progress] = []
    scene.lwsw.second_pass = "BACKWARD"
    twice = api.stylize(style=painting, output=tmp_path / "twice", cuts="none", progress=said.append, **helpers.QUICK)
    painting_it = [progress for progress in said if progress.phase == "stylize"]
    assert any(progress.text.startswith("Painting in two passes, ") for progress in painting_it)
    assert [progress.fraction for progress in painting_it] == sorted(progress.fraction for progress in painting_it)
    assert twice.report["settings"]["second_pass"] == "backward" and twice.report["settings"]["find_cuts"] is False
    assert [once.results[frame].read_bytes() == twice.results[frame].read_bytes() for frame in (0, 1)] == [False, True]


def test_errors_of_the_backend_arrive_as_they_are(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    before = helpers.snapshot(scene)
    with pytest.raises(LwswError) as caught:
        api.stylize(style=painting, output=tmp_path / "out", layer_weights={"relu9_9": 1})
    assert caught.value.code == "unknown_layer"
    assert helpers.snapshot(scene) == before


def test_passes_without_motion(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    for frame in (1, 2):
        scene.frame_set(frame)
        scene.render.filepath = str(tmp_path / "passes" / f"{frame:04d}.exr")
        compat.set_file_format(scene.render.image_settings, "OPEN_EXR_MULTILAYER")
        bpy.ops.render.render(write_still=True)
        helpers.write_png(tmp_path / "frames" / f"{frame:04d}.png", np.zeros((36, 64, 3)))
    files = {"pictures": tmp_path / "frames" / "####.png", "passes": tmp_path / "passes" / "####.exr"}
    with pytest.raises(LwswError) as caught:
        api.stylize(style=painting, output=tmp_path / "out", source="FILES", **files, **helpers.QUICK)
    assert caught.value.code == "missing_pass"


def test_a_backend_that_is_missing(scene: bpy.types.Scene, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWSW_BACKEND", str(tmp_path / "none"))
    before = helpers.snapshot(scene)
    with pytest.raises(LwswError) as caught:
        api.stylize(style=painting, output=tmp_path / "out", **helpers.QUICK)
    assert caught.value.code == "backend_not_found"
    assert helpers.snapshot(scene) == before
    assert not scene.sequence_editor.strips


def _serve(program: str) -> tuple[subprocess.Popen[str], str, str]:
    """Start a backend that the extension does not own."""
    process = subprocess.Popen([program, "serve", "--exit-with-parent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return process, ready["url"], ready["token"]


def test_a_running_backend_and_a_wrong_token(
    backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, url, token = _serve(backend)
    try:
        monkeypatch.setenv("LWSW_URL", url)
        monkeypatch.setenv("LWSW_TOKEN", "wrong")
        with pytest.raises(LwswError) as caught:
            api.stylize(style=painting, output=tmp_path / "out", **helpers.QUICK)
        assert caught.value.code == "bad_token"
        monkeypatch.setenv("LWSW_TOKEN", token)
        result = api.stylize(style=painting, output=tmp_path / "out", frame_end=1, **helpers.QUICK)
        assert len(result.results) == 1
        assert not session_backend.owns_process()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def _when(condition: Callable[[Progress], bool], action: Callable[[], object]) -> Callable[[Progress], None]:
    """Return a progress callback that does something once."""
    done = threading.Event()

    def watch(progress: Progress) -> None:
        if not done.is_set() and condition(progress):
            done.set()
            action()

    return watch


def test_a_backend_that_dies_is_started_again_and_the_job_goes_on(
    backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path
) -> None:
    def kill() -> None:
        assert session_backend.process is not None
        assert session_backend.process.pid is not None
        os.kill(session_backend.process.pid, 9)

    settings = {**helpers.QUICK, "first_iterations": 30}
    watch = _when(lambda progress: progress.phase == "stylize" and progress.done == 0, kill)
    result = api.stylize(style=painting, output=tmp_path / "disturbed", progress=watch, **settings)
    assert len(result.results) == 2
    assert any("taken up again" in note for note in result.report["notes"])
    calm = api.stylize(style=painting, output=tmp_path / "undisturbed", **settings)
    for name in ("0001.png", "0002.png"):
        assert (tmp_path / "disturbed" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    assert calm.report["notes"] == [note for note in result.report["notes"] if "taken up again" not in note]


def test_a_backend_that_dies_while_frames_are_sent(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    session_backend.connect(api.preferences.backend_settings())

    def kill() -> None:
        assert session_backend.process is not None
        assert session_backend.process.pid is not None
        os.kill(session_backend.process.pid, 9)
        time.sleep(0.2)

    watch = _when(lambda progress: progress.phase == "render" and progress.done == 1, kill)
    result = api.stylize(style=painting, output=tmp_path / "out", progress=watch, **helpers.QUICK)
    assert len(result.results) == 2


def test_cancelling_is_prompt_and_keeps_what_is_finished(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    before = helpers.snapshot(scene)
    job = api.start_job(
        scene,
        api.Request(style=painting, output=tmp_path / "out", iterations=20_000, first_iterations=2, layer_weights={"relu1_1": 1}),
        interactive=False,
    )
    deadline = time.monotonic() + 120
    while job.progress().done < 1 or job.progress().phase != "stylize":
        assert job.step(), job.error
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    job.cancel()
    while job.step():
        time.sleep(0.02)
    assert time.monotonic() - began < 2.5
    assert job.phase == "cancelled"
    assert job.error is not None
    assert job.error.code == "cancelled"
    assert (tmp_path / "out" / "0001.png").is_file()
    assert not (tmp_path / "out" / "0002.png").exists()
    assert scene.sequence_editor.strips[job.outcome.strip_name].elements[0].filename == "0001.png"
    assert helpers.snapshot(scene) == before


def test_a_cancelled_job_is_resumed_with_the_same_pictures(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    request = api.Request(style=painting, output=tmp_path / "out", iterations=60, first_iterations=2, layer_weights={"relu1_1": 1})
    job = api.start_job(scene, request, interactive=False)
    assert not job.can_resume()
    while job.progress().done < 1 or job.progress().phase != "stylize":
        assert job.step(), job.error
        time.sleep(0.02)
    job.cancel()
    while job.step():
        time.sleep(0.02)
    assert job.can_resume()
    session.run(job)
    session._timer()  # no window, so nobody calls it
    assert session.stopped is job
    assert session.error is not None
    assert "Resume" in session.error.hint
    assert bpy.ops.lwsw.resume.poll()
    assert not (tmp_path / "out" / "0002.png").exists()
    exr = tmp_path / "out" / "source" / "passes" / "0001.exr"
    stamp = exr.stat().st_mtime_ns
    resumed = api.run_job(api.resume_job(job, interactive=False))
    assert exr.stat().st_mtime_ns == stamp
    assert len(resumed.results) == 2
    assert len(scene.sequence_editor.strips[resumed.strip_name].elements) == 2
    calm = api.run_job(api.start_job(scene, dataclasses.replace(request, output=tmp_path / "calm", add_strip=False), interactive=False))
    for path in calm.results:
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
    with pytest.raises(LwswError):
        api.resume_job(resumed_nothing(job), interactive=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not bpy.ops.lwsw.resume.poll()  # its scene is gone
    assert "Resume" not in session.error.hint


def resumed_nothing(job: api.Job) -> api.Job:
    """Return a job whose rendered frames are gone."""
    for path in (job.plan.source_folder / "passes").iterdir():
        path.unlink()
    return job


def test_ctrl_c_cancels(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    import signal

    handler = signal.getsignal(signal.SIGINT)
    press = _when(lambda progress: progress.phase == "stylize", lambda: threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start())
    with pytest.raises(LwswError) as caught:
        api.stylize(
            style=painting, output=tmp_path / "out", iterations=2, first_iterations=20_000, layer_weights={"relu1_1": 1}, progress=press
        )
    assert caught.value.code == "cancelled"
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_callback_that_fails_leaves_the_scene_as_it_was(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    before = helpers.snapshot(scene)

    def fail(progress: Progress) -> None:
        if progress.phase == "render":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        api.stylize(style=painting, output=tmp_path / "out", progress=fail, **helpers.QUICK)
    assert helpers.snapshot(scene) == before


def test_loading_a_file_in_the_middle_of_a_job(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    job = api.start_job(scene, api.Request(style=painting, output=tmp_path / "out", **helpers.QUICK), interactive=False)
    session.run(job)
    job.step()
    job.step()
    assert job.phase == "render"
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert job.phase == "cancelled"
    assert session.job is None
    assert session.error is not None
    assert not bpy.app.timers.is_registered(session._timer)
    assert not job.step()


def test_a_scene_that_is_removed_in_the_middle_of_a_job(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    bpy.data.scenes.new("other")
    job = api.start_job(scene, api.Request(style=painting, output=tmp_path / "out", **helpers.QUICK), interactive=False)
    job.step()
    bpy.data.scenes.remove(scene)
    while job.step():
        time.sleep(0.02)
    assert job.phase == "failed"
    assert job.error is not None
    assert job.error.code == "nothing_to_stylize"


def test_the_operator_says_what_is_wrong_and_raises(scene: bpy.types.Scene) -> None:
    with pytest.raises(RuntimeError, match=r"No painting has been chosen\. Choose an image file"):
        bpy.ops.lwsw.stylize()
    assert session.error is not None
    assert session.error.code == "missing_style"


def test_a_script_without_a_window(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    """What a farm does: load a file, call the operator, and look at the exit status and the printed progress."""
    _quickly(scene, painting, Path("//out"))
    scene.frame_end = 1
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    script = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "import bpy, blender_lwsw; blender_lwsw.register()\n"
        "bpy.ops.wm.open_mainfile(filepath=sys.argv[2])\n"
        "try: bpy.ops.lwsw.stylize()\n"
        "except RuntimeError as error: print(error, flush=True); blender_lwsw.unregister(); os._exit(1)\n"
        "blender_lwsw.unregister(); sys.stdout.flush(); os._exit(0)\n"
    )
    command = [sys.executable, "-c", script, str(ROOT), str(tmp_path / "shot.blend")]
    good = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "LWSW  Rendering frame 1/1" in good.stdout
    assert "LWSW  Done: 1 frames" in good.stdout
    assert (tmp_path / "out" / "0001.png").is_file()
    painting.unlink()
    bad = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert bad.returncode == 1
    assert "does not exist. Choose another image file" in bad.stdout
