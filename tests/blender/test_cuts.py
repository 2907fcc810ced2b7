"""Cuts that are known before anything is rendered: camera markers, and strips that follow each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.cuts import camera_cuts, strip_cuts
from blender_lwsw.jobs.plan import Plan, Request, make_plan
from blender_lwsw.results import sequencer


def _camera(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    return camera


def _mark(scene: bpy.types.Scene, frame: int, camera: bpy.types.Object | None) -> None:
    scene.timeline_markers.new(f"marker {frame}", frame=frame).camera = camera


def _cameras_of_blender(scene: bpy.types.Scene, frames: range) -> list[str]:
    names = []
    for frame in frames:
        scene.frame_set(frame)
        names.append(scene.camera.name)
    return names


def test_markers_cut_where_blender_itself_changes_the_camera(scene: bpy.types.Scene) -> None:
    assert camera_cuts(scene, range(1, 30)) == []
    first, second, hidden = (_camera(scene, name) for name in ("First", "Second", "Hidden"))
    hidden.hide_render = True
    for frame, camera in ((20, second), (5, first), (12, second), (15, None), (17, hidden), (25, first)):  # in no order
        _mark(scene, frame, camera)
    frames = range(1, 30)
    names = _cameras_of_blender(scene, frames)
    expected = [frame for index, frame in enumerate(frames) if index and names[index] != names[index - 1]]
    assert expected == [12, 25], "the markers do what this test thinks"
    assert camera_cuts(scene, frames) == expected
    assert camera_cuts(scene, range(12, 25)) == [] and camera_cuts(scene, range(-3, 13)) == [12]


def _settings(plan: Plan) -> dict[str, Any]:
    return json.loads(json.dumps(plan.order.job))["settings"]


def _cuts(scene: bpy.types.Scene, request: Request) -> tuple[list[int], bool]:
    settings = _settings(make_plan(scene, request))
    return settings["cuts"], settings["find_cuts"]


def test_camera_markers_become_cuts_of_the_job(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    request = Request(style=painting, output=tmp_path / "out", frame_end=6)
    assert _cuts(scene, request) == ([], True)
    _mark(scene, 1, scene.camera)
    _mark(scene, 4, _camera(scene, "Second"))
    assert _cuts(scene, request) == ([4], True), "a camera may still jump by itself"
    for choice, expected in {"MARKERS": ([4], False), "NONE": ([], False), "AUTO": ([4], True)}.items():
        scene.lwsw.cuts = choice
        assert _cuts(scene, request) == expected
    scene.lwsw.cuts = "NONE"
    for asked, expected in (("auto", ([4], True)), ("markers", ([4], False)), ([2, 5], ([2, 5], False)), ([], ([], False))):
        request.cuts = asked  # a script goes before the scene
        assert _cuts(scene, request) == expected
    request.cuts = "all"
    with pytest.raises(LwswError) as caught:
        make_plan(scene, request)
    assert caught.value.code == "bad_settings" and "markers" in caught.value.hint


def test_the_second_pass_is_chosen_in_the_scene_or_by_a_script(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    request = Request(style=painting, output=tmp_path / "out")
    assert _settings(make_plan(scene, request))["second_pass"] == "none"
    for choice in ("BACKWARD", "LOOP"):
        scene.lwsw.second_pass = choice
        assert _settings(make_plan(scene, request))["second_pass"] == choice.lower()
    request.second_pass = "none"
    assert _settings(make_plan(scene, request))["second_pass"] == "none"
    request.second_pass = "twice"
    with pytest.raises(LwswError) as caught:
        make_plan(scene, request)
    assert caught.value.code == "bad_settings" and "backward, loop" in caught.value.hint


def test_rendered_files_have_the_cuts_of_the_scene_where_they_come_with_passes(
    scene: bpy.types.Scene, painting: Path, tmp_path: Path
) -> None:
    for frame in (1, 2, 3):
        helpers.write_png(tmp_path / "frames" / f"{frame:04d}.png", np.zeros((36, 64, 3)))
        (tmp_path / "passes").mkdir(exist_ok=True)
        (tmp_path / "passes" / f"{frame:04d}.exr").write_bytes(b"exr")
    scene.frame_end = 3
    _mark(scene, 1, scene.camera)
    _mark(scene, 3, _camera(scene, "Second"))
    request = Request(style=painting, output=tmp_path / "out", source="FILES", pictures=tmp_path / "frames" / "####.png")
    assert _cuts(scene, request) == ([], True), "pictures of who knows what"
    request.passes = tmp_path / "passes" / "####.exr"
    assert _cuts(scene, request) == ([3], True)


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    """Two folders of four pictures."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for level, folder in enumerate(folders, 1):
        for frame in range(1, 5):
            helpers.write_png(folder / f"{frame:04d}.png", np.full((36, 64, 3), level / 3))
    return folders


def _strip(scene: bpy.types.Scene, folder: Path, start: int, channel: int = 1) -> Any:
    editor = scene.sequence_editor_create()
    strip = editor.strips.new_image(name=folder.name, filepath=str(folder / "0001.png"), channel=channel, frame_start=start)
    for frame in (2, 3, 4):
        strip.elements.append(f"{frame:04d}.png")
    return strip


def test_strips_that_follow_each_other_are_shots(scene: bpy.types.Scene, clips: list[Path]) -> None:
    frames = range(1, 12)
    assert strip_cuts(scene, frames) == []
    _strip(scene, clips[0], 1)
    second = _strip(scene, clips[1], 5, channel=2)
    assert strip_cuts(scene, frames) == [5]
    second.mute = True
    assert strip_cuts(scene, frames) == []
    second.mute = False
    second[sequencer.RESULT_MARK] = "Scene"
    assert strip_cuts(scene, frames) == [], "our own paintings are not what is painted"
    del second[sequencer.RESULT_MARK]
    background = _strip(scene, clips[1], 3, channel=3)
    assert strip_cuts(scene, frames) == [], "something goes on over the change"
    background.mute = True
    third = _strip(scene, clips[0], 9)
    assert strip_cuts(scene, frames) == [5, 9]
    third.frame_start = 8
    assert strip_cuts(scene, frames) == [5], "two that overlap may be a transition"
    third.frame_start = 10
    assert strip_cuts(scene, frames) == [5], "after a gap the pictures decide"


def test_a_strip_that_was_cut_and_not_moved_goes_on(scene: bpy.types.Scene, clips: list[Path]) -> None:
    strip = _strip(scene, clips[0], 1)
    half = strip.split(frame=3, split_method="SOFT")
    assert strip_cuts(scene, range(1, 5)) == []
    half.frame_start += 1
    strip.frame_final_end += 1
    assert strip_cuts(scene, range(1, 6)) == [4], "moved by a frame it shows another part of the clip"
