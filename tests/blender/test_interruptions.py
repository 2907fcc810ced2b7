"""Undo pressed, or the file opened once more, while a job runs. What only a window shows of it is in window/undoing.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import bpy
import helpers
from layouts import draw

from blender_lwsw import api, compat
from blender_lwsw.interface.panels.run import Run
from blender_lwsw.jobs.session import session


def _until(condition: Callable[[], bool]) -> None:
    """Let the session work as its timer would."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        session._timer()
        time.sleep(0.01)


def _phase_is(phase: str, done: int) -> bool:
    progress = session.progress()
    assert progress is not None, session.error
    return progress.phase == phase and progress.done >= done


def _undo_and_redo() -> None:
    """Undo what the artist did last, and do it again: Blender's data then lie elsewhere, and pointers to them are dangling."""
    scene = bpy.context.scene
    scene.lwsw.strength = 0.5
    bpy.ops.ed.undo_push(message="the artist moves a slider")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    assert bpy.context.scene.lwsw.strength == 1.0
    assert bpy.ops.ed.redo() == {"FINISHED"}
    assert bpy.context.scene.lwsw.strength == 0.5
    assert bpy.ops.ed.undo() == {"FINISHED"}


def _strips() -> list[tuple[str, int]]:
    return sorted((strip.name, len(strip.elements)) for strip in bpy.context.scene.sequence_editor.strips)


def test_undo_while_a_job_renders_and_while_it_paints(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    request = api.Request(style=painting, output=tmp_path / "out", iterations=30, first_iterations=2, layer_weights={"relu1_1": 1.0})
    before = helpers.snapshot(scene)
    bpy.ops.ed.undo_push(message="before")
    session.run(api.start_job(scene, request, interactive=False))
    _until(lambda: _phase_is("render", 1))
    _undo_and_redo()
    _until(lambda: _phase_is("stylize", 1))
    assert helpers.snapshot(bpy.context.scene) == before, "what the render changed is put back in the scene that undo has made"
    _undo_and_redo()
    session.job._show()  # type: ignore[union-attr] - undo has taken the strip away, and the next frame would bring it back
    assert _strips()[0] == ("LWSW painting one", 1)
    bpy.ops.ed.undo_push(message="the artist does something else")
    _until(lambda: not session.is_running)
    assert session.error is None, session.error
    assert _strips() == [("LWSW painting one", 2), ("Scene render", 2)]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["0001.png", "0002.png"]
    bpy.ops.ed.undo_push(message="LWSW Stylize")  # as a window does
    whole = [compat.strip_range(strip) for strip in bpy.context.scene.sequence_editor.strips]
    for action in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        assert action() == {"FINISHED"}
        assert _strips() == [("LWSW painting one", 2), ("Scene render", 2)], "painted in the meantime, and shown in the meantime"
        assert [compat.strip_range(strip) for strip in bpy.context.scene.sequence_editor.strips] == whole


def test_the_file_is_opened_once_more_while_a_job_renders(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    """The job ends, and the same panel says where it stopped, with the button that goes on."""
    scene.lwsw.style = str(painting)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    path = scene.render.filepath
    session.run(api.start_job(scene, api.Request(**helpers.QUICK), interactive=False))
    _until(lambda: _phase_is("render", 1))
    bpy.ops.wm.revert_mainfile()
    scene = bpy.context.scene
    assert not session.is_running
    assert scene.render.filepath == path
    shown = draw(Run, scene)
    assert " stopped while rendering, after frame 1 of 2." in " ".join(shown.texts())
    assert "lwsw.resume" in shown.names("operator")
    assert bpy.ops.lwsw.resume.poll()
