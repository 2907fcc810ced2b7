"""Render Animation with the option on becomes a painting; nothing else that renders does, and the artist's files stay as they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

import blender_lwsw
from blender_lwsw import api, compat
from blender_lwsw.interface import after_render
from blender_lwsw.jobs.session import session
from blender_lwsw.source import passes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shot(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> bpy.types.Scene:
    """Two frames that are rendered to PNG, with the option on and quick settings."""
    settings = scene.lwsw
    settings.style, settings.output = str(painting), str(tmp_path / "out")
    settings.iterations = settings.first_iterations = 2
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0
    settings.stylize_after_render = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(tmp_path / "render" / "shot_")
    session.forget()
    return scene


def _results(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").glob("*.png"))


def test_an_animation_becomes_a_painting(backend: str, shot: bpy.types.Scene, tmp_path: Path) -> None:
    """With blur in the pictures, because their motion is rendered apart."""
    shot.render.use_motion_blur = True
    shot.cycles.samples = 4
    before, scenes = helpers.snapshot(shot), len(bpy.data.scenes)
    bpy.ops.render.render(animation=True)
    assert session.error is None
    assert helpers.snapshot(shot) == before and len(bpy.data.scenes) == scenes
    assert _results(tmp_path) == ["0001.png", "0002.png"]
    source = tmp_path / "out" / "source"
    assert sorted(path.name for path in (source / "passes").iterdir()) == ["0001.exr", "0002.exr"]
    assert not list((source / "frames").iterdir())  # the artist's PNG files are sent as they are
    render = tmp_path / "render"
    assert sorted(path.name for path in render.iterdir()) == ["shot_0001.png", "shot_0002.png"]
    strips = shot.sequence_editor.strips
    assert {strip.name: strip.channel for strip in strips} == {"Scene render": 1, "LWSW painting one": 2}
    assert compat.strip_range(strips["LWSW painting one"]) == (1, 3)
    # what a script says in so many words gives the same pictures
    painted = [(tmp_path / "out" / name).read_bytes() for name in _results(tmp_path)]
    again = api.stylize(shot, source="FILES", pictures=render, render_passes=True, output=tmp_path / "again", add_strip=False)
    assert [path.read_bytes() for path in again.results] == painted
    # the sequencer shows the painting now, and rendering that once more must not paint the painting
    bpy.ops.render.render(animation=True)
    assert session.error is not None and session.error.code == "nothing_to_stylize" and "Sequencer" in session.error.hint


def test_linear_pictures_go_through_the_view_transform(backend: str, shot: bpy.types.Scene, tmp_path: Path) -> None:
    shot.view_settings.view_transform = "AgX"
    shot.frame_end = 1
    passes.use_png(shot.render.image_settings)
    bpy.ops.render.render()
    bpy.data.images["Render Result"].save_render(str(tmp_path / "shown.png"), scene=shot)
    compat.set_file_format(shot.render.image_settings, "OPEN_EXR")
    bpy.ops.render.render(animation=True)
    assert session.error is None and _results(tmp_path) == ["0001.png"]
    sent = helpers.read_picture(tmp_path / "out" / "source" / "frames" / "0001.png")
    assert np.abs(sent - helpers.read_picture(tmp_path / "shown.png")).max() < 1 / 255  # a half float's precision


@pytest.mark.parametrize("how", ["off", "a single frame", "a single frame, written", "the render of a job"])
def test_what_is_no_animation(shot: bpy.types.Scene, tmp_path: Path, how: str) -> None:
    if how == "off":
        shot.lwsw.stylize_after_render = False
        bpy.ops.render.render(animation=True)
    elif how == "the render of a job":
        helpers.render(shot, [1, 2], tmp_path / "job")
    else:
        bpy.ops.render.render(write_still=how.endswith("written"))
    assert not _results(tmp_path) and session.error is None
    assert not (tmp_path / "out").exists()


def _said(shot: bpy.types.Scene) -> tuple[str, str]:
    bpy.ops.render.render(animation=True)
    error = session.error
    assert error is not None
    assert error.message.endswith(".") and error.hint.endswith(".")
    return error.code, error.message


def test_renders_that_cannot_be_stylized(shot: bpy.types.Scene, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shot.frame_step = 2
    code, message = _said(shot)
    assert code == "frame_gap" and "second" in message
    assert f"LWSW  Error: {message}" in capfd.readouterr().err
    shot.frame_step = 1
    shot.lwsw.style = ""
    assert _said(shot)[0] == "missing_style"
    assert not _results(tmp_path)
    settings = shot.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    code, message = _said(shot)
    assert code == "bad_settings" and "movie" in message


def test_frames_that_are_not_there(shot: bpy.types.Scene, tmp_path: Path) -> None:
    def lose(*_: object) -> None:
        (tmp_path / "render" / "shot_0002.png").unlink()

    bpy.app.handlers.render_complete.insert(0, lose)
    try:
        code, message = _said(shot)
    finally:
        bpy.app.handlers.render_complete.remove(lose)
    assert code == "missing_frames" and "Frame 2" in message and "shot_0002.png" in message


def test_frames_of_an_earlier_render_count_where_they_are_kept(backend: str, shot: bpy.types.Scene, tmp_path: Path) -> None:
    first = helpers.write_png(tmp_path / "render" / "shot_0001.png", np.full((36, 64, 3), 0.25))
    os.utime(first, (1, 1))
    shot.render.use_overwrite = False
    bpy.ops.render.render(animation=True)
    assert session.error is None and _results(tmp_path) == ["0001.png", "0002.png"]


def test_in_a_window_handlers_only_leave_a_message(shot: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There they are called in other threads; the timer starts the job once Blender's render is over."""
    window = after_render.AfterRender(blocks=False)
    monkeypatch.setattr(after_render, "after_render", window)
    started: list[api.Job] = []
    monkeypatch.setattr(session, "add", started.append)

    def in_thread(handler: object) -> None:
        thread = threading.Thread(target=handler, args=(shot, None))
        thread.start()
        thread.join()

    in_thread(after_render._on_init)
    (tmp_path / "render").mkdir()
    for frame in (1, 2):
        helpers.write_png(tmp_path / "render" / f"shot_{frame:04d}.png", np.zeros((36, 64, 3)))
    in_thread(after_render._on_complete)
    assert not started
    assert window.timer() == after_render.TICK_SECONDS
    assert [job.plan.frames for job in started] == [(1, 2)]
    plan = started[0].plan
    assert plan.renders and set(plan.pictures) == {1, 2} and not plan.vectors_apart
    window.timer()
    assert len(started) == 1
    in_thread(after_render._on_init)
    in_thread(after_render._on_cancel)
    window.timer()
    assert len(started) == 1 and session.error is not None
    assert session.error.code == "cancelled" and "nothing is stylized" in session.error.message


def test_handlers_come_and_go(shot: bpy.types.Scene) -> None:
    lists = [bpy.app.handlers.render_init, bpy.app.handlers.render_complete, bpy.app.handlers.render_cancel]

    def ours() -> int:
        return sum(handler.__module__ == after_render.__name__ for handlers in lists for handler in handlers)

    assert ours() == 3
    after_render.register()
    assert ours() == 3
    blender_lwsw.unregister()
    try:
        assert ours() == 0 and not bpy.app.timers.is_registered(after_render.after_render.timer)
    finally:
        blender_lwsw.register()


def test_a_farm(backend: str, shot: bpy.types.Scene, tmp_path: Path) -> None:
    """A file that was saved with the option on is rendered by another Blender, which says on its output how it went."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    script = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "import bpy, blender_lwsw; blender_lwsw.register()\n"
        "bpy.ops.wm.open_mainfile(filepath=sys.argv[2])\n"
        "bpy.ops.render.render(animation=True)\n"
        "blender_lwsw.unregister(); sys.stdout.flush(); os._exit(0)\n"
    )
    command = [sys.executable, "-c", script, str(ROOT), str(tmp_path / "shot.blend")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "LWSW  Done: 2 frames" in run.stdout
    assert _results(tmp_path) == ["0001.png", "0002.png"]
