"""Painting begins with the first rendered frame where the artist wants that: the same pictures, sooner, and nothing is lost on the way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import helpers
import pytest

from blender_lwsw import api
from blender_lwsw.jobs.found import find_stopped
from blender_lwsw.jobs.workload import book

FRAMES = 4

#: The first layers only, so that a frame takes no time.
SHALLOW = {**helpers.QUICK, "content_layers": "relu1_1", "layer_weights": {"relu1_1": 1.0}}


@pytest.fixture
def shot() -> bpy.types.Scene:
    """Four frames."""
    return helpers.build_scene(FRAMES)


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _step_until(job: api.Job, done: int) -> None:
    while job.progress().phase != "render" or job.progress().done < done:
        assert job.step(), job.error


def _rendered(scene: bpy.types.Scene, folder: Path) -> list[str]:
    """Return the pictures of the strip that shows what was rendered into a folder."""
    strips = [
        strip for strip in scene.sequence_editor.strips if strip.type == "IMAGE" and Path(strip.directory) == folder / "source" / "frames"
    ]
    return [element.filename for strip in strips for element in strip.elements]


def test_the_same_frames_and_the_first_before_the_last_is_rendered(
    backend: str, shot: bpy.types.Scene, painting: Path, tmp_path: Path
) -> None:
    calm = api.stylize(style=painting, output=tmp_path / "calm", **SHALLOW)
    expected, measured = [path.read_bytes() for path in calm.results], len(book().measured)
    assert len(expected) == FRAMES

    shot.lwsw.paint_while_rendering = True
    request = api.Request(style=painting, output=tmp_path / "out", **SHALLOW)
    job = api.start_job(shot, request, interactive=False)
    assert job.plan.paint_while_rendering and job.plan.remembered["values"]["paint_while_rendering"] is True
    _step_until(job, 2)
    _wait_for((tmp_path / "out" / "0002.png").is_file)
    assert not (tmp_path / "out" / "source" / "passes" / "0003.exr").exists()
    assert job.step()
    assert re.fullmatch(r"Rendering frame 4/4, (2 painted|painting frame 3)", job.progress().text)
    assert [path.name for path in job.outcome.results] == ["0001.png", "0002.png"]
    assert len(shot.sequence_editor.strips[job.outcome.strip_name].elements) == 2, "the artist sees them"
    assert 2 <= len(_rendered(shot, tmp_path / "out")) < FRAMES, "as far as it is rendered"

    # stopped in the middle of it, and taken up: what is rendered and painted stays
    job.cancel()
    while job.step():
        time.sleep(0.02)
    assert job.phase == "cancelled"
    stopped = find_stopped(tmp_path / "out")
    assert stopped is not None and {1, 2} <= stopped.made.results and set(stopped.made.uploads) == {1, 2, 3}
    stamp = (tmp_path / "out" / "source" / "passes" / "0001.exr").stat().st_mtime_ns
    resumed = api.run_job(api.resume_stopped(stopped, interactive=False))
    assert [path.read_bytes() for path in resumed.results] == expected
    assert _rendered(shot, tmp_path / "out") == [f"000{frame}.png" for frame in range(1, FRAMES + 1)]
    assert (tmp_path / "out" / "source" / "passes" / "0001.exr").stat().st_mtime_ns == stamp

    # undisturbed, as a script asks for it
    shot.lwsw.paint_while_rendering = False
    said: list[api.Progress] = []
    result = api.stylize(style=painting, output=tmp_path / "script", paint_while_rendering=True, progress=said.append, **SHALLOW)
    assert [path.read_bytes() for path in result.results] == expected
    assert [progress.phase for progress in said][-1] == "done"
    assert {"render", "upload", "stylize"} <= set(result.report["seconds"])
    assert len(book().measured) == measured, "shared with the render, the machine says nothing about painting alone"


def test_an_error_of_the_painting_ends_the_render_and_keeps_its_frames(
    backend: str, shot: bpy.types.Scene, painting: Path, tmp_path: Path
) -> None:
    before = helpers.snapshot(shot)
    request = api.Request(style=painting, output=tmp_path / "out", width=8, paint_while_rendering=True, **helpers.QUICK)
    job = api.start_job(shot, request, interactive=False)
    _step_until(job, 1)
    _wait_for(lambda: not job._transfer.is_alive())
    while job.step():
        pass
    assert job.error is not None and job.error.code == "image_too_small"
    assert helpers.snapshot(shot) == before
    assert job.can_resume() and set(job.record.made.uploads) == {1}


def test_only_what_is_rendered_can_be_painted_meanwhile(shot: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    shot.lwsw.paint_while_rendering = True
    for frame in (1, 2):
        helpers.write_png(tmp_path / "frames" / f"{frame:04d}.png", helpers.np.zeros((36, 64, 3)))
    request = api.Request(style=painting, output=tmp_path / "out", source="FILES", pictures=tmp_path / "frames", passes="")
    assert not api.start_job(shot, request, interactive=False).plan.paint_while_rendering
