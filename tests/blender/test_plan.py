"""Bad input is told in one sentence before anything is rendered or sent; good input becomes the job that was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.plan import Plan, Request, make_plan
from blender_lwsw.settings.profiles import MAIN_LAYERS


def _error(scene: bpy.types.Scene, request: Request) -> LwswError:
    with pytest.raises(LwswError) as caught:
        make_plan(scene, request)
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")
    return caught.value


@pytest.fixture
def request_(painting: Path, tmp_path: Path) -> Request:
    return Request(style=painting, output=tmp_path / "out")


def _files(tmp_path: Path, frames: tuple[int, ...] = (1, 2), passes: bool = True) -> None:
    for frame in frames:
        helpers.write_png(tmp_path / "frames" / f"{frame:04d}.png", np.zeros((36, 64, 3)))
        if passes:
            (tmp_path / "passes").mkdir(exist_ok=True)
            (tmp_path / "passes" / f"{frame:04d}.exr").write_bytes(b"exr")


def _from_files(request: Request, tmp_path: Path, passes: bool = True) -> Request:
    request.source, request.pictures = "FILES", tmp_path / "frames" / "####.png"
    request.passes = tmp_path / "passes" / "####.exr" if passes else ""
    return request


def _settings(plan: Plan) -> dict:
    return json.loads(json.dumps(plan.order.job))["settings"]


def test_no_painting(scene: bpy.types.Scene, tmp_path: Path) -> None:
    assert _error(scene, Request(output=tmp_path)).code == "missing_style"
    error = _error(scene, Request(style=tmp_path / "none.jpg", output=tmp_path))
    assert error.code == "missing_style"
    assert "none.jpg" in error.message


def test_a_painting_that_is_no_picture(scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    assert _error(scene, Request(style=tmp_path / "text.png", output=tmp_path)).code == "unreadable_style"
    assert not bpy.data.images


def test_scene_errors_come_before_rendering(scene: bpy.types.Scene, request_: Request) -> None:
    scene.render.use_motion_blur = True
    error = _error(scene, request_)
    assert error.code == "motion_blur" and "Turn off Motion Blur" in error.hint and "Vectors Apart" in error.hint
    scene.render.use_motion_blur = False
    scene.camera = None
    assert _error(scene, request_).code == "no_camera"


def test_an_empty_range(scene: bpy.types.Scene, request_: Request) -> None:
    request_.frame_start, request_.frame_end = 5, 4
    assert _error(scene, request_).code == "nothing_to_stylize"


def test_all_sliders_at_zero(scene: bpy.types.Scene, request_: Request) -> None:
    for layer in MAIN_LAYERS:
        setattr(scene.lwsw, layer, 0)
    assert _error(scene, request_).code == "bad_weights"
    scene.lwsw.keyframe_insert("relu1_1", frame=1)
    scene.lwsw.relu1_1 = 1
    scene.lwsw.keyframe_insert("relu1_1", frame=2)
    error = _error(scene, request_)
    assert error.code == "bad_weights"
    assert "frame 1" in error.message


@pytest.mark.parametrize("weights", [{"relu1_1": -1}, {"relu1_1": float("nan")}, {"relu1_1": [1, 2, 3]}])
def test_weights_that_make_no_sense(scene: bpy.types.Scene, request_: Request, weights: dict) -> None:
    request_.layer_weights = weights
    assert _error(scene, request_).code == "bad_weights"


def test_a_profile_that_does_not_exist(scene: bpy.types.Scene, request_: Request) -> None:
    request_.profile = "cubist"
    error = _error(scene, request_)
    assert error.code == "bad_settings"
    assert "abstract" in error.hint


def test_output_that_cannot_be_written(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    request_.output = tmp_path / "file" / "out"
    assert _error(scene, request_).code == "output_not_writable"
    request_.output = "//lwsw/"
    error = _error(scene, request_)
    assert error.code == "output_not_writable"
    assert "Save the file" in error.hint


def test_no_files(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    request_.source = "FILES"
    assert _error(scene, request_).code == "nothing_to_stylize"
    assert _error(scene, _from_files(request_, tmp_path)).code == "missing_frames"
    _files(tmp_path, passes=False)
    assert _error(scene, _from_files(request_, tmp_path)).code == "missing_pass"
    assert (
        _error(scene, _from_files(request_, tmp_path, passes=False).__class__(**{**vars(request_), "source": "HERE"})).code
        == "bad_settings"
    )


def test_files_outside_the_range(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    _files(tmp_path, (101, 102))
    error = _error(scene, _from_files(request_, tmp_path))
    assert error.code == "nothing_to_stylize"
    assert "101" in error.message


def test_a_gap_in_the_files(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    scene.frame_end = 5
    _files(tmp_path, (1, 2, 4))
    error = _error(scene, _from_files(request_, tmp_path))
    assert error.code == "frame_gap"
    assert "Frame 3" in error.message
    request_.frame_start, request_.frame_end = 1, 3
    assert _error(scene, request_).code == "frame_gap"


def test_a_frame_without_passes(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    _files(tmp_path, (1, 2))
    (tmp_path / "passes" / "0002.exr").unlink()
    error = _error(scene, _from_files(request_, tmp_path))
    assert error.code == "missing_pass"
    assert "Frame 2" in error.message


def test_frames_of_different_sizes(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    _files(tmp_path, (1, 2))
    helpers.write_png(tmp_path / "frames" / "0002.png", np.zeros((36, 60, 3)))
    error = _error(scene, _from_files(request_, tmp_path))
    assert error.code == "bad_frame_size"
    assert "60×36" in error.message


def test_files_become_a_job(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    _files(tmp_path, (0, 1, 2, 3))
    (tmp_path / "cameras.json").write_text("{}")
    plan = make_plan(scene, _from_files(request_, tmp_path))
    assert plan.frames == (1, 2)
    assert not plan.renders
    assert plan.cameras == tmp_path / "cameras.json"
    assert _settings(plan)["motion"] == "vector"
    assert plan.order.job["styles"] == ["painting_one.png"]
    assert plan.shown_pictures()[1] == tmp_path / "frames" / "0001.png"


def test_without_passes_motion_is_estimated_and_that_is_said(scene: bpy.types.Scene, request_: Request, tmp_path: Path) -> None:
    _files(tmp_path, (1, 2), passes=False)
    plan = make_plan(scene, _from_files(request_, tmp_path, passes=False))
    assert _settings(plan)["motion"] == "estimated"
    assert any("estimated" in note for note in plan.notes)


def test_the_scene_becomes_a_job(scene: bpy.types.Scene, request_: Request) -> None:
    settings = scene.lwsw
    settings.profile = "ABSTRACT"
    settings.iterations, settings.first_iterations, settings.seed = 3, 4, 5
    settings.temporal_weight = 2.5
    plan = make_plan(scene, request_, "cpu")
    assert plan.order.job["frames"] == [1, 2]
    assert (plan.order.job["width"], plan.order.job["height"]) == (64, 36)
    assert _settings(plan) == {
        "profile": "abstract",
        "layer_weights": {"relu1_1": 0.0, "relu2_1": 0.0, "relu3_1": 0.5, "relu4_1": 2.0, "relu5_1": 4.0},
        "style_weights": {"painting_one.png": 1.0},
        "strength": 1.0,
        "content_weight": 0.2,
        "temporal_weight": 2.5,
        "content_layers": {"relu4_2": 1.0},
        "frequency_exponent": None,
        "normalization": "calibrated",
        "color": "painting",
        "regions": [],
        "iterations": 3,
        "first_iterations": 4,
        "motion": "vector",
        "seed": 5,
        "device": "cpu",
        "cuts": [],
        "find_cuts": True,
        "second_pass": "none",
    }


def test_keyframed_sliders_become_lists(scene: bpy.types.Scene, request_: Request) -> None:
    for frame, value in ((1, 0.0), (2, 1.5)):
        scene.lwsw.relu3_1 = value
        scene.lwsw.keyframe_insert("relu3_1", frame=frame)
        scene.lwsw.content_weight = value + 1
        scene.lwsw.keyframe_insert("content_weight", frame=frame)
    settings = _settings(make_plan(scene, request_))
    assert settings["layer_weights"]["relu3_1"] == [0.0, 1.5]
    assert settings["content_weight"] == [1.0, 2.5]
    assert settings["profile"] == "custom"


def test_what_a_script_says_goes_before_the_scene(scene: bpy.types.Scene, request_: Request) -> None:
    request_.profile, request_.width, request_.iterations, request_.frame_end = "FINE_GRAIN", 32, 9, 1
    request_.settings = {"precision": "bfloat16"}
    plan = make_plan(scene, request_)
    settings = _settings(plan)
    assert (settings["profile"], settings["iterations"], settings["precision"]) == ("fine-grain", 9, "bfloat16")
    assert settings["layer_weights"]["relu1_1"] == 1.0
    assert (plan.order.job["width"], plan.order.job["height"]) == (32, 18)
    assert plan.frames == (1,)
    request_.layer_weights = {"relu4_2": 1}
    assert _settings(make_plan(scene, request_))["layer_weights"] == {"relu4_2": 1}
    assert _settings(make_plan(scene, request_))["profile"] == "custom"


def test_wider_than_the_render_is_not_possible_and_is_said(scene: bpy.types.Scene, request_: Request) -> None:
    request_.width = 4000
    plan = make_plan(scene, request_)
    assert plan.order.job["width"] == 64
    assert any("4000" in note for note in plan.notes)


def test_sizes_are_even(scene: bpy.types.Scene, request_: Request) -> None:
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    request_.width = 855
    plan = make_plan(scene, request_)
    assert (plan.order.job["width"], plan.order.job["height"]) == (854, 480)
