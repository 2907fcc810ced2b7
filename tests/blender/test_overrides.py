"""Whatever is changed for a render is put back, whatever happens."""

from __future__ import annotations

import bpy
import helpers
import pytest

from blender_lwsw.source import passes
from blender_lwsw.source.overrides import Overrides


def _formats() -> list[str]:
    return ["PNG", "OPEN_EXR", "JPEG", "TIFF", "FFMPEG"]


@pytest.mark.parametrize("file_format", _formats())
def test_everything_is_put_back(scene: bpy.types.Scene, file_format: str) -> None:
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO" if file_format == "FFMPEG" else "IMAGE"
    settings.file_format = file_format
    if file_format in ("PNG", "TIFF"):
        settings.color_depth = "16"
    settings.color_management = "OVERRIDE"
    scene.render.filepath = "//my/output_"
    scene.render.use_border = True
    scene.frame_set(2)
    scene.view_layers.new("second").use_pass_vector = True
    before = helpers.snapshot(scene)
    with Overrides(scene) as overrides:
        passes.set_up(scene, overrides)
        passes.use_exr(scene.render.image_settings)
        scene.render.filepath = "/elsewhere"
        passes.use_png(scene.render.image_settings)
        scene.frame_set(1)
        assert helpers.snapshot(scene) != before
    assert helpers.snapshot(scene) == before


def test_everything_is_put_back_after_an_exception(scene: bpy.types.Scene) -> None:
    before = helpers.snapshot(scene)
    with pytest.raises(ZeroDivisionError), Overrides(scene) as overrides:
        passes.set_up(scene, overrides)
        raise ZeroDivisionError
    assert helpers.snapshot(scene) == before


def test_changes_are_taken_back_in_reverse_order(scene: bpy.types.Scene) -> None:
    overrides = Overrides(scene)
    scene.render.filepath = "first"
    overrides.set("render", "filepath", "second")
    overrides.set("render", "filepath", "third")
    overrides.restore()
    assert scene.render.filepath == "first"


def test_a_renamed_scene_is_found_again(scene: bpy.types.Scene) -> None:
    overrides = Overrides(scene)
    overrides.set("render", "use_stamp", True)
    scene.name = "renamed"
    overrides.restore()
    assert not scene.render.use_stamp


def test_a_removed_scene_is_left_alone(scene: bpy.types.Scene) -> None:
    other = bpy.data.scenes.new("other")
    overrides = Overrides(other)
    overrides.set("render", "use_stamp", True)
    bpy.data.scenes.remove(other)
    overrides.apply_again()
    overrides.restore()


def test_a_removed_view_layer_is_left_alone(scene: bpy.types.Scene) -> None:
    layer = scene.view_layers.new("second")
    overrides = Overrides(scene)
    overrides.set('view_layers["second"]', "use_pass_z", True)
    overrides.set("render", "use_stamp", True)
    scene.view_layers.remove(layer)
    overrides.restore()
    assert not scene.render.use_stamp


def test_values_taken_back_by_undo_are_set_again(scene: bpy.types.Scene) -> None:
    overrides = Overrides(scene)
    overrides.set("render", "use_stamp", True)
    scene.render.use_stamp = False  # what an undo does
    overrides.apply_again()
    assert scene.render.use_stamp
    overrides.restore()
    assert not scene.render.use_stamp
