"""Looks by name: Blender's own presets, saved, applied, removed, in the panel and by script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

import blender_lwsw
from blender_lwsw import api
from blender_lwsw.errors import LwswError
from blender_lwsw.interface.preset_operators import LWSW_MT_presets
from blender_lwsw.settings.presets import LOOK_PROPERTIES, describe, is_built_in
from blender_lwsw.settings.profiles import LAYER_NAMES

BUILT_IN = sorted(path.stem.replace("_", " ") for path in Path(blender_lwsw.__file__).parent.glob("presets/lwsw/*.py"))


def _look(scene: bpy.types.Scene) -> dict[str, Any]:
    return {name: getattr(scene.lwsw, name) for name in LOOK_PROPERTIES}


@pytest.fixture(autouse=True)
def _no_presets_of_other_tests() -> None:
    for path in api.presets().values():
        if not is_built_in(path):
            path.unlink()


def test_those_that_come_along_are_found_once() -> None:
    assert list(api.presets()) == BUILT_IN
    assert len(BUILT_IN) >= 5
    folders = bpy.utils.preset_paths("lwsw")
    assert len([folder for folder in folders if Path(folder).is_relative_to(Path(blender_lwsw.__file__).parent)]) == 1
    blender_lwsw.unregister()
    try:
        assert not any("blender_lwsw" in folder for folder in bpy.utils.preset_paths("lwsw"))
    finally:
        blender_lwsw.register()


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_is_a_look_of_its_own_that_says_what_it_is_for(name: str) -> None:
    scene = bpy.context.scene
    api.apply_preset(scene, "Oil Impasto" if name != "Oil Impasto" else "Pencil Grain")
    other = _look(scene)
    api.apply_preset(scene, name)
    look = _look(scene)
    assert look != other
    assert any(look[layer] > 0 for layer in LAYER_NAMES)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.lwsw.relu3_4, scene.lwsw.temporal_weight, scene.lwsw.normalization = 3, 4, "GATYS"
    api.apply_preset(scene, name)
    assert _look(scene) == look, "a preset leaves nothing of the look before"
    sentence = describe(api.presets()[name])
    assert len(sentence) > 40
    assert not sentence.endswith("."), "Blender puts the full stop"


def test_saved_and_applied_in_another_file(painting: Path) -> None:
    settings = bpy.context.scene.lwsw
    settings.style = str(painting)
    settings.relu2_1, settings.relu4_3, settings.content_weight, settings.strength = 1.25, 0.5, 0.75, 1.5
    settings.color, settings.temporal_weight, settings.content_layers = "HISTOGRAM", 2.5, {"relu3_1", "relu4_2"}
    settings.automatic_stroke_size, settings.frequency_exponent = False, 0.25
    settings.seed, settings.iterations, settings.second_pass = 7, 3, "LOOP"
    look = _look(bpy.context.scene)
    assert bpy.ops.lwsw.save_preset(name="My look") == {"FINISHED"}
    assert LWSW_MT_presets.bl_label == "My look"
    path = api.presets()["My look"]
    assert path.is_relative_to(bpy.utils.user_resource("SCRIPTS"))
    assert painting.name not in path.read_text()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    assert _look(scene) != look
    assert bpy.ops.lwsw.apply_preset(filepath=str(path)) == {"FINISHED"}
    assert _look(scene) == look
    assert (scene.lwsw.style, scene.lwsw.seed, scene.lwsw.iterations, scene.lwsw.second_pass) == ("", 0, 20, "NONE")


@pytest.mark.parametrize("automatic", [True, False])
def test_a_named_profile_comes_back_as_such(automatic: bool) -> None:
    settings = bpy.context.scene.lwsw
    settings.profile, settings.automatic_stroke_size = "ABSTRACT", automatic
    bpy.ops.lwsw.save_preset(name="Named")
    settings.profile, settings.relu3_4 = "FINE_GRAIN", 1
    api.apply_preset(bpy.context.scene, "named")
    assert (settings.profile, settings.relu5_1, settings.relu3_4) == ("ABSTRACT", 4, 0)
    assert settings.automatic_stroke_size == automatic


def test_a_scene_that_is_not_shown() -> None:
    other = bpy.data.scenes.new("Other")
    before = _look(bpy.context.scene)
    api.apply_preset(other, "Oil Impasto")
    assert _look(bpy.context.scene) == before != _look(other)


def test_one_step_of_undo() -> None:
    scene = bpy.context.scene
    before = _look(scene)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.lwsw.apply_preset("EXEC_DEFAULT", True, filepath=str(api.presets()["Oil Impasto"]))
    assert _look(bpy.context.scene) != before
    bpy.ops.ed.undo()
    assert _look(bpy.context.scene) == before


def test_keyframes_go_before_a_preset_and_that_is_said() -> None:
    scene = bpy.context.scene
    assert api.apply_preset(scene, "Oil Impasto") == ""
    scene.lwsw.keyframe_insert("strength", frame=1)
    scene.lwsw.driver_add("relu1_1").driver.expression = "1"
    note = api.apply_preset(scene, "Oil Impasto")
    assert "Strength" in note
    assert "Grain" in note


def test_a_preset_that_does_not_exist_or_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(LwswError, match="no preset 'Oli'") as caught:
        api.apply_preset(bpy.context.scene, "Oli")
    assert "Oil Impasto" in caught.value.hint
    (tmp_path / "Broken.py").write_text("import bpy\nbpy.context.scene.lwsw.relu1_1 = 'much'\n")
    with pytest.raises(RuntimeError, match="Broken cannot be used"):
        bpy.ops.lwsw.apply_preset(filepath=str(tmp_path / "Broken.py"))


def test_only_own_presets_are_removed() -> None:
    bpy.ops.lwsw.save_preset(name="mine")
    assert bpy.ops.lwsw.save_preset(name="Mine", remove_active=True) == {"FINISHED"}
    assert list(api.presets()) == BUILT_IN
    assert bpy.ops.lwsw.save_preset(remove_active=True) == {"CANCELLED"}, "none is chosen"
    bpy.ops.lwsw.apply_preset(filepath=str(api.presets()[BUILT_IN[0]]))
    assert bpy.ops.lwsw.save_preset(remove_active=True) == {"CANCELLED"}
    assert list(api.presets()) == BUILT_IN
    assert bpy.ops.lwsw.save_preset(name=BUILT_IN[0]) == {"CANCELLED"}, "a name of ours stays ours"
