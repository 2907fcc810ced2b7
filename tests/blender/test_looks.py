"""Weights, paintings and colours of the whole picture become the entries of the job that the backend knows."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import bpy
import helpers
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.settings.looks import Looks, read_looks
from blender_lwsw.settings.request import Request

FRAMES = [1, 2]
BACKEND = Path(__file__).resolve().parents[2] / "backend"


def _read(scene: bpy.types.Scene, **asked: Any) -> Looks:
    return read_looks(scene, Request(**asked), FRAMES, renders=True)


def _error(scene: bpy.types.Scene, **asked: Any) -> LwswError:
    with pytest.raises(LwswError) as caught:
        _read(scene, **asked)
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")
    return caught.value


@pytest.fixture
def painted(scene: bpy.types.Scene, painting: Path) -> bpy.types.Scene:
    """The scene with a painting."""
    scene.lwsw.style = str(painting)
    return scene


def _add_painting(scene: bpy.types.Scene, path: Path, weight: float) -> Any:
    item = scene.lwsw.extra_styles.add()
    item.path, item.weight = str(path), weight
    return item


def test_advanced_layers_are_written_where_they_weigh(painted: bpy.types.Scene) -> None:
    settings = painted.lwsw
    settings.relu4_3 = 0.5
    for frame, value in ((1, 0.0), (2, 2.0)):
        settings.relu3_2 = value
        settings.keyframe_insert("relu3_2", frame=frame)
    settings.content_layers = {"relu3_1", "relu4_2"}
    settings.normalization = "GATYS"
    look = _read(painted).settings
    main = dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 1.0)
    assert look["layer_weights"] == {**main, "relu3_2": [0.0, 2.0], "relu4_3": 0.5}
    assert look["profile"] == "custom"
    assert look["content_layers"] == {"relu3_1": 1.0, "relu4_2": 1.0}
    assert look["normalization"] == "gatys"


def test_no_content_layer(painted: bpy.types.Scene) -> None:
    painted.lwsw.content_layers = set()
    assert _error(painted).code == "bad_settings"
    assert _error(painted, content_layers="relu9_9").code == "unknown_layer"


def test_the_stroke_size_follows_the_weights_until_it_is_set(painted: bpy.types.Scene) -> None:
    settings = painted.lwsw
    settings.frequency_exponent = 0.8
    assert _read(painted).settings["frequency_exponent"] is None
    settings.automatic_stroke_size = False
    look = _read(painted).settings
    assert (look["frequency_exponent"], look["profile"]) == (0.8, "balanced")
    for frame, value in ((1, 0.25), (2, 0.75)):
        settings.frequency_exponent = value
        settings.keyframe_insert("frequency_exponent", frame=frame)
    assert _read(painted).settings["frequency_exponent"] == [0.25, 0.75]
    assert _read(painted, frequency_exponent="auto").settings["frequency_exponent"] is None
    assert _read(painted, profile="abstract").settings["frequency_exponent"] is None
    assert _read(painted, profile="abstract", frequency_exponent=0.5).settings["frequency_exponent"] == 0.5


def test_strength_and_colour(painted: bpy.types.Scene) -> None:
    settings = painted.lwsw
    for frame, value in ((1, 0.0), (2, 1.5)):
        settings.strength = value
        settings.keyframe_insert("strength", frame=frame)
    settings.color = "LUMINANCE"
    look = _read(painted).settings
    assert (look["strength"], look["color"]) == ([0.0, 1.5], "luminance")
    look = _read(painted, strength=0.5, color="histogram", normalization="gatys", content_layers={"relu3_1": 2}).settings
    assert (look["strength"], look["color"], look["normalization"]) == (0.5, "histogram", "gatys")
    assert look["content_layers"] == {"relu3_1": 2}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"color": "sepia"}, "bad_settings"),
        ({"normalization": "none"}, "bad_settings"),
        ({"strength": -1}, "bad_weights"),
        ({"strength": [1, 2, 3]}, "bad_weights"),
        ({"content_weight": float("nan")}, "bad_weights"),
        ({"temporal_weight": "much"}, "bad_weights"),
    ],
)
def test_values_that_make_no_sense(painted: bpy.types.Scene, asked: dict, code: str) -> None:
    assert _error(painted, **asked).code == code


def test_one_painting_alone_has_no_share(painted: bpy.types.Scene, painting: Path) -> None:
    painted.lwsw.style_weight = 0.0  # the panel does not show it
    looks = _read(painted)
    assert looks.settings["style_weights"] == {"painting_one.png": 1.0}
    assert looks.paintings == {"painting_one.png": painting}


def test_paintings_are_blended_over_time(painted: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    wave = helpers.write_painting(tmp_path / "wave.png")
    painted.lwsw.style_weight = 0.5
    item = _add_painting(painted, wave, 0.0)
    item.keyframe_insert("weight", frame=1)
    item.weight = 2.0
    item.keyframe_insert("weight", frame=2)
    looks = _read(painted)
    assert looks.settings["style_weights"] == {"painting_one.png": 0.5, "wave.png": [0.0, 2.0]}
    assert list(looks.paintings.items()) == [("painting_one.png", painting), ("wave.png", wave)]


def test_paintings_of_the_same_name_are_told_apart(painted: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("painting one.png", "Painting One.PNG", "painting_one-2.png")):
        _add_painting(painted, helpers.write_painting(tmp_path / str(number) / name), 1.0)
    names = list(_read(painted).paintings)
    assert names == ["painting_one.png", "painting_one-2.png", "Painting_One-3.PNG", "painting_one-2-2.png"]
    assert len({name.lower() for name in names}) == 4


def test_a_painting_that_is_listed_twice_counts_twice(painted: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    _add_painting(painted, helpers.write_painting(tmp_path / "wave.png"), 1.0)
    item = _add_painting(painted, painting, 0.0)
    item.keyframe_insert("weight", frame=1)
    item.weight = 0.5
    item.keyframe_insert("weight", frame=2)
    looks = _read(painted)
    assert looks.settings["style_weights"] == {"painting_one.png": [1.0, 1.5], "wave.png": 1.0}
    assert len(looks.paintings) == 2


def test_paintings_that_make_no_sense(painted: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    item = _add_painting(painted, tmp_path / "none.png", 1.0)
    assert _error(painted).code == "missing_style"
    item.path = ""
    error = _error(painted)
    assert error.code == "missing_style"
    assert "line 1" in error.message
    item.path, item.weight, painted.lwsw.style_weight = str(helpers.write_painting(tmp_path / "b.png")), 0.0, 0.0
    assert _error(painted).code == "bad_weights"
    assert _error(painted, style={}).code == "missing_style"
    assert _error(painted, style={painting: -1}).code == "bad_weights"
    assert not bpy.data.images


def test_a_script_names_paintings_with_their_shares(painted: bpy.types.Scene, tmp_path: Path) -> None:
    _add_painting(painted, tmp_path / "not used.png", 1.0)
    a, b = (helpers.write_painting(tmp_path / name / "wave.png") for name in "ab")
    looks = _read(painted, style={a: 1, str(b): (0, 0.5)})
    assert looks.settings["style_weights"] == {"wave.png": 1, "wave-2.png": [0.0, 0.5]}
    assert list(looks.paintings.values()) == [a, b]
    assert _read(painted, style=a).settings["style_weights"] == {"wave.png": 1.0}


def test_the_backend_understands_every_entry(painted: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BACKEND))
    theirs = importlib.import_module("lwsw.jobs.settings").StylizeSettings
    settings = painted.lwsw
    _add_painting(painted, helpers.write_painting(tmp_path / "wave.png"), 0.25)
    settings.relu4_3, settings.automatic_stroke_size, settings.color = 0.5, False, "HISTOGRAM"
    region = settings.regions.add()
    region.object, region.profile, region.strength, region.color = bpy.data.objects["Cube"], "ABSTRACT", 0.5, "PAINTING"
    looks = _read(painted)
    read = theirs.from_dict(looks.settings).to_dict()
    assert {name: read[name] for name in looks.settings if name != "regions"} == {
        name: value for name, value in looks.settings.items() if name != "regions"
    }
    for name, value in looks.settings["regions"][0].items():
        assert read["regions"][0][name] == value
