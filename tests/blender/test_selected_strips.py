"""Strips become jobs of their own: with the renderer's vectors where they lie beside the pictures, else as the sequencer shows them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw import api, compat
from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.plan import Plan
from blender_lwsw.jobs.readiness import mends_of
from blender_lwsw.jobs.session import session
from blender_lwsw.jobs.strip_jobs import strip_jobs


@pytest.fixture
def edit(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> bpy.types.Scene:
    """A scene with three rendered frames, and with quick settings."""
    scene.frame_end = 3
    scene.view_settings.view_transform = "Standard"
    helpers.render(scene, [1, 2, 3], tmp_path / "render")[0].cameras()
    settings = scene.lwsw
    settings.style, settings.output = str(painting), str(tmp_path / "out")
    settings.iterations = settings.first_iterations = 2
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0
    session.forget()
    scene.sequence_editor_create()
    return scene


def _image_strip(scene: bpy.types.Scene, name: str, files: list[Path], start: int, channel: int = 1) -> Any:
    strip = scene.sequence_editor.strips.new_image(name=name, filepath=str(files[0]), channel=channel, frame_start=start)
    for file in files[1:]:
        strip.elements.append(file.name)
    return strip


def _rendered(tmp_path: Path, kind: str = "frames", suffix: str = ".png") -> list[Path]:
    return [tmp_path / "render" / kind / f"{number:04d}{suffix}" for number in (1, 2, 3)]


def _plans(scene: bpy.types.Scene, names: list[str] | None = None) -> list[Plan]:
    return [job.plan for job in api.start_strip_jobs(scene, strips=names, interactive=False)]


def test_pictures_with_passes_beside_them(edit: bpy.types.Scene, tmp_path: Path) -> None:
    strip = _image_strip(edit, "Shot 1", _rendered(tmp_path), start=11)
    strip.frame_offset_start = 1  # the first picture is trimmed away
    edit.lwsw.keyframe_insert("relu1_1", frame=12)
    edit.lwsw.relu1_1 = 3.0
    edit.lwsw.keyframe_insert("relu1_1", frame=13)
    plan = _plans(edit)[0]
    assert plan.frames == (2, 3) and not plan.renders and not plan.from_sequencer
    assert plan.order.job["settings"]["motion"] == "vector"
    assert plan.passes[2] == tmp_path / "render" / "passes" / "0002.exr"
    assert plan.cameras == tmp_path / "render" / "cameras.json"
    assert plan.order.output == tmp_path / "out" / "Shot_1"
    weights = plan.order.job["settings"]["layer_weights"]["relu1_1"]
    assert weights[1] == 3.0 and weights[0] != 3.0  # keyframes lie on the timeline, not at the files' numbers


def test_multilayer_pictures_are_their_own_passes(backend: str, edit: bpy.types.Scene, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "render" / "passes", tmp_path / "alone")
    _image_strip(edit, "exr", [tmp_path / "alone" / f"{number:04d}.exr" for number in (1, 2)], start=31)
    plan = _plans(edit)[0]
    assert plan.frames == (1, 2) and plan.order.job["settings"]["motion"] == "vector" and plan.passes == plan.pictures | plan.passes
    result = api.stylize_strips(edit)[0]
    painted = edit.sequence_editor.strips[result.strip_name]
    assert compat.strip_range(painted) == (31, 33) and painted.channel == 2 and len(edit.sequence_editor.strips) == 2


@pytest.mark.parametrize("reason", ["no passes", "reversed", "moved", "held", "other order", "two sequences of passes"])
def test_what_vectors_do_not_fit_is_taken_as_it_is_seen(edit: bpy.types.Scene, tmp_path: Path, reason: str) -> None:
    files = _rendered(tmp_path)
    if reason == "no passes":
        shutil.rmtree(tmp_path / "render" / "passes")
    if reason == "two sequences of passes":
        shutil.copy(tmp_path / "render" / "passes" / "0001.exr", tmp_path / "render" / "passes" / "other_0001.exr")
    strip = _image_strip(edit, "strip", files if reason != "other order" else files[::-1], start=5)
    if reason == "reversed":
        strip.use_reverse_frames = True
    if reason == "moved":
        strip.transform.offset_x = 4
    if reason == "held":
        strip.frame_final_end = 12
    plan = _plans(edit)[0]
    assert plan.from_sequencer and plan.strips == ("strip",)
    assert plan.frames == tuple(range(5, 12 if reason == "held" else 8))
    assert plan.order.job["settings"]["motion"] == "estimated"


def test_a_strip_that_was_cut_goes_on_and_others_are_shots_of_their_own(edit: bpy.types.Scene, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "render" / "passes")
    files = _rendered(tmp_path)
    first, second = _image_strip(edit, "a", files, start=1), _image_strip(edit, "b", files, start=1, channel=2)
    first.frame_final_end, second.frame_final_start = 3, 3  # as the knife leaves them
    _image_strip(edit, "c", files, start=4)
    assert [(plan.strips, plan.frames) for plan in _plans(edit)] == [(("a", "b"), (1, 2, 3)), (("c",), (4, 5, 6))]
    assert [plan.strips for plan in _plans(edit, ["b"])] == [("b",)]
    for strip in edit.sequence_editor.strips:
        strip.select = strip.name == "c"
    assert [plan.strips for plan in _plans(edit)] == [("c",)]


def test_adjacent_strips_get_a_painting_each(backend: str, edit: bpy.types.Scene, tmp_path: Path) -> None:
    """Pictures without passes, something above them that is not to be painted, and the operator does what a script does."""
    before = helpers.snapshot(edit)
    shutil.rmtree(tmp_path / "render" / "passes")
    other = [helpers.write_png(tmp_path / "other" / f"{number:04d}.png", np.full((36, 64, 3), 0.3 * number)) for number in (1, 2)]
    _image_strip(edit, "one", _rendered(tmp_path)[:2], start=1)
    _image_strip(edit, "two", other, start=3)
    cover = _image_strip(edit, "cover", [helpers.write_png(tmp_path / "white.png", np.ones((36, 64, 3)))], start=1, channel=3)
    cover.frame_final_end = 5
    cover.select = False
    assert bpy.ops.lwsw.stylize_strips() == {"FINISHED"}
    strips = edit.sequence_editor.strips
    results = [strip for strip in strips if strip.name.startswith("LWSW")]
    assert [compat.strip_range(strip) for strip in results] == [(1, 3), (3, 5)]
    assert {strip.channel for strip in results} == {2}  # right above their sources, below what covers them
    assert not cover.mute and helpers.snapshot(edit) == before
    taken = helpers.read_picture(tmp_path / "out" / "one" / "source" / "frames" / "0001.png")
    assert np.abs(taken - helpers.read_picture(_rendered(tmp_path)[0])).max() < 1 / 255
    painted = (tmp_path / "out" / "two" / "0003.png").read_bytes()
    again = api.stylize_strips(edit, ["two"], output=tmp_path / "again", add_strip=False)
    assert [path.name for path in again[0].results] == ["0003.png", "0004.png"]
    assert again[0].results[0].read_bytes() == painted


def test_a_strip_whose_pictures_were_moved(edit: bpy.types.Scene, tmp_path: Path) -> None:
    """Said before anything is painted, with what mends it; mended, it is the job that it was."""
    _image_strip(edit, "shot", _rendered(tmp_path), start=1)
    before = _plans(edit)[0]
    (tmp_path / "render").rename(tmp_path / "elsewhere")
    with pytest.raises(RuntimeError, match=r"0001\.png of the strip shot is no longer where it was"):
        bpy.ops.lwsw.stylize_strips()
    assert session.error is not None
    find, mute = mends_of(edit, session.error)
    assert mute.operator == "lwsw.mute_strip"
    assert bpy.ops.lwsw.find_strip_files(**find.values, filepath=str(tmp_path / "elsewhere" / "frames" / "0003.png")) == {"FINISHED"}
    after = _plans(edit)[0]
    assert (after.frames, after.order.job["settings"]["motion"]) == (before.frames, "vector")


def test_a_scene_strip_renders_its_scene(backend: str, edit: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    shot = edit
    cutting = bpy.data.scenes.new("cutting")
    cutting.render.resolution_x, cutting.render.resolution_y = 64, 36
    bpy.context.window.scene = cutting
    cutting.lwsw.style, cutting.lwsw.output = str(painting), str(tmp_path / "cut")
    shot.lwsw.style = ""  # what counts are the settings that the artist sees
    strip = cutting.sequence_editor_create().strips.new_scene(name="shot", scene=shot, channel=1, frame_start=21)
    strip.frame_offset_start = 1
    before = helpers.snapshot(shot)
    result = api.stylize_strips(cutting, ["shot"], iterations=2, first_iterations=2, layer_weights={"relu1_1": 1})[0]
    assert helpers.snapshot(shot) == before
    assert [path.name for path in result.results] == ["0002.png", "0003.png"] and result.report["settings"]["motion"] == "vector"
    assert compat.strip_range(cutting.sequence_editor.strips[result.strip_name]) == (22, 24)
    assert not shot.sequence_editor.strips
    rendered = helpers.read_picture(tmp_path / "cut" / "shot" / "source" / "frames" / "0003.png")
    assert np.abs(rendered - helpers.read_picture(_rendered(tmp_path)[2])).max() < 1 / 65535 * 2
    assert not shot.lwsw.color_pattern
    # a strip that shows the scene's sequencer, or another camera, is taken as it is seen
    strip.scene_input = "SEQUENCER"
    assert strip_jobs(cutting, api.Request(), ["shot"])[0].request.source == "SEQUENCER"
    strip.scene_input = "CAMERA"
    strip.scene_camera = bpy.data.objects.new("other", bpy.data.cameras.new("other"))
    assert strip_jobs(cutting, api.Request(), ["shot"])[0].request.source == "SEQUENCER"


def test_motion_blur_of_a_scene_strip(edit: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    cutting = bpy.data.scenes.new("cutting")
    cutting.lwsw.style, cutting.lwsw.output = str(painting), str(tmp_path / "cut")
    cutting.sequence_editor_create().strips.new_scene(name="shot", scene=edit, channel=1, frame_start=1)
    bpy.context.window.scene = cutting
    edit.render.use_motion_blur = True
    with pytest.raises(LwswError) as caught:
        _plans(cutting, ["shot"])
    assert caught.value.code == "motion_blur"
    cutting.lwsw.motion_blur = "APART"
    assert _plans(cutting, ["shot"])[0].vectors_apart


def test_nothing_to_stylize(edit: bpy.types.Scene, tmp_path: Path) -> None:
    def message(names: list[str] | None) -> str:
        with pytest.raises(LwswError) as caught:
            _plans(edit, names)
        assert caught.value.code == "nothing_to_stylize" and caught.value.hint.endswith(".")
        return caught.value.message

    assert "selected" in message(None)
    assert not bpy.ops.lwsw.stylize_strips.poll()
    assert "'none'" in message(["none"])
    edit.sequence_editor.strips.new_effect(name="title", type="TEXT", channel=4, frame_start=1, **_length(10))
    assert "title" in message(["title"])
    _image_strip(edit, "one", _rendered(tmp_path), start=1)
    assert bpy.ops.lwsw.stylize_strips.poll()
    edit.sequence_editor.strips["one"].mute = True
    shutil.rmtree(tmp_path / "render" / "passes")
    assert "nothing" in message(["one"])


def _length(frames: int) -> dict[str, int]:
    parameters = bpy.types.StripsTopLevel.bl_rna.functions["new_effect"].parameters
    return {"length": frames} if "length" in parameters else {"frame_end": frames + 1}


def test_a_folder_with_one_sequence_and_one_with_several(edit: bpy.types.Scene, tmp_path: Path) -> None:
    render = tmp_path / "render"
    request = api.Request(source="FILES", pictures=render / "frames", passes=render / "passes")
    plan = api.start_job(edit, request, interactive=False).plan
    assert plan.frames == (1, 2, 3) and set(plan.passes) == {1, 2, 3}
    shutil.copy(_rendered(tmp_path)[0], render / "frames" / "old_0001.png")
    with pytest.raises(LwswError) as caught:
        api.start_job(edit, request, interactive=False)
    assert caught.value.code == "missing_frames"
    assert "####.png, old_####.png" in caught.value.message and caught.value.hint.endswith(".")
    request.pictures = tmp_path / "empty"
    (tmp_path / "empty").mkdir()
    with pytest.raises(LwswError) as caught:
        api.start_job(edit, request, interactive=False)
    assert caught.value.code == "missing_frames"
