"""What strips of results remember, their versions, and the painting in the compositor."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw import api, compat
from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.again import remembered
from blender_lwsw.marks import RESULT_MARK, SETTINGS_MARK
from blender_lwsw.results import sequencer
from blender_lwsw.results.compositor import add_to_compositor, reload_results
from blender_lwsw.results.result_strips import active_result, folder_of
from blender_lwsw.results.versions import next_version, version_of, versions
from blender_lwsw.settings.overlay import lay_over
from blender_lwsw.settings.request import Request
from blender_lwsw.settings.snapshot import dump, restore_snapshot, same_settings, take_snapshot
from blender_lwsw.source import passes
from blender_lwsw.source.animation_output import AnimationOutput


def _fill(settings: Any) -> None:
    """Set every setting to something else than its default, lists and all."""
    for item in settings.bl_rna.properties:
        name = item.identifier
        if item.is_readonly or name in ("rna_type", "name") or item.is_skip_save:
            continue
        if item.type == "BOOLEAN":
            setattr(settings, name, not item.default)
        elif item.type == "ENUM" and item.is_enum_flag:
            setattr(settings, name, {choice.identifier for choice in item.enum_items[-2:]})
        elif item.type == "ENUM":
            setattr(settings, name, next(choice.identifier for choice in reversed(item.enum_items) if choice.identifier != item.default))
        elif item.type in ("INT", "FLOAT"):
            setattr(settings, name, type(item.default)(item.default + 1))
        elif item.type == "STRING":
            setattr(settings, name, f"//{name}.png")


def _state(group: Any) -> dict[str, Any]:
    """Return all values of a group of properties, by another way than the code under test."""
    values = {}
    for name in group.bl_rna.properties.keys():  # noqa: SIM118 - a collection of Blender's
        value = getattr(group, name)
        if isinstance(value, bpy.types.bpy_prop_collection):
            value = [_state(entry) for entry in value]
        values[name] = value
    values.pop("rna_type")
    return values


def _keys(scene: bpy.types.Scene) -> dict[str, list[tuple]]:
    return {
        curve.data_path: [(*point.co, point.interpolation, *point.handle_left, *point.handle_right) for point in curve.keyframe_points]
        for curve in compat.fcurves(scene)
    }


def test_every_setting_comes_back(scene: bpy.types.Scene) -> None:
    settings = scene.lwsw
    for path, weight in (("//wave.png", 0.25), ("//night.png", 3.0)):
        entry = settings.extra_styles.add()
        entry.path, entry.weight = path, weight
    for _ in range(2):
        _fill(settings.regions.add())
    settings.regions[0].object = bpy.data.objects["Cube"]
    settings.regions[1].collection = scene.collection.children.get("Hero") or bpy.data.collections.new("Hero")
    _fill(settings)
    settings.profile = "FINE_GRAIN"
    settings.relu3_1 = 0.7  # which makes the profile Custom
    settings.frequency_exponent = 1.25
    for frame, value in ((1, 0.5), (12, 2.0)):
        settings.strength = settings.regions[1].strength = value
        settings.keyframe_insert("strength", frame=frame)
        settings.regions[1].keyframe_insert("strength", frame=frame)
    curve = next(curve for curve in compat.fcurves(scene) if curve.data_path == "lwsw.strength")
    curve.keyframe_points[0].interpolation = "LINEAR"
    state, keys = _state(settings), _keys(scene)
    text = dump(take_snapshot(scene))
    snapshot = json.loads(text)
    assert same_settings(scene, snapshot)

    settings.keyframe_insert("relu1_1", frame=5)
    settings.keyframe_delete("strength", frame=1)
    for name in ("extra_styles", "regions"):
        getattr(settings, name).clear()
    for item in settings.bl_rna.properties:
        if not item.is_readonly:
            settings.property_unset(item.identifier)
    assert not same_settings(scene, snapshot)
    assert restore_snapshot(scene, snapshot) == []
    assert _state(settings) == state
    assert {
        path: [pytest.approx(key) if not isinstance(key, tuple) else key for key in points] for path, points in _keys(scene).items()
    } == keys
    assert dump(take_snapshot(scene)) == text


def test_what_cannot_come_back_is_said(scene: bpy.types.Scene) -> None:
    settings = scene.lwsw
    settings.regions.add().object = bpy.data.objects["Cube"]
    scene.driver_add("lwsw.strength")
    snapshot = json.loads(dump(take_snapshot(scene, Request(layer_weights={"relu1_1": [1.0, 2.0]}))))
    assert snapshot["not_kept"] == ["layer weights", "strength"]
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    snapshot["values"]["profile"] = "FROM_THE_FUTURE"
    snapshot["values"]["unheard_of"] = 1
    snapshot["curves"] = [{"path": "lwsw.unheard_of", "extrapolation": "CONSTANT", "keys": [[1.0] + [0] * 9]}]
    notes = restore_snapshot(scene, snapshot)
    assert any("'Cube' is gone" in note for note in notes)
    assert any("FROM_THE_FUTURE" in note for note in notes)
    assert any("unheard_of" in note for note in notes)
    assert any("layer weights" in note for note in notes)


def test_what_a_script_asked_for_is_remembered(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """For every request there is either the setting that means the same, or it is named."""
    asked = Request(
        style={tmp_path / "a.png": 1, tmp_path / "b.png": 0.5}, profile="abstract", content_weight=3, temporal_weight=0.5, strength=2.0,
        frequency_exponent=0.25, color="luminance", content_layers="relu3_1", normalization="gatys", regions=[], cuts="markers",
        second_pass="loop", iterations=7, first_iterations=8, seed=9, width=32, frame_start=1, source="FILES", pictures="//a/####.png",
        passes="//b/####.exr", output=tmp_path / "out", add_source_strip=False,
    )  # fmt: skip
    values, not_kept = lay_over(take_snapshot(scene)["values"], asked)
    assert not_kept == []
    assert restore_snapshot(scene, {"values": values}) == []
    settings = scene.lwsw
    assert settings.extra_styles[0].path == str(tmp_path / "b.png")
    assert (settings.profile, settings.relu5_1, settings.content_weight) == ("ABSTRACT", 4.0, 3.0)
    assert (settings.automatic_stroke_size, settings.frequency_exponent) == (False, 0.25)
    assert (settings.color, settings.content_layers, settings.second_pass) == ("LUMINANCE", {"relu3_1"}, "LOOP")
    assert (settings.iterations, settings.width, settings.source) == (7, 32, "FILES")
    assert settings.passes_pattern == "//b/####.exr"
    per_frame = Request(strength=[1, 2], regions=[{"objects": ["Cube"]}], cuts=[3], settings={"precision": "bfloat16"})
    assert lay_over(values, per_frame)[1] == ["strength", "regions", "cuts", "settings"]
    known = {item.name for item in dataclasses.fields(Request)}
    assert known >= {"style", "strength"}


def test_versions(tmp_path: Path) -> None:
    for name in ("lwsw", "lwsw_v2", "lwsw_v10", "other_v50", "lwsw_vx"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path / "lwsw") == next_version(tmp_path / "lwsw_v2") == tmp_path / "lwsw_v11"
    assert next_version(tmp_path / "lwsw", {tmp_path / "lwsw_v11", tmp_path / "other_v90"}) == tmp_path / "lwsw_v12"
    assert next_version(tmp_path / "none" / "new") == tmp_path / "none" / "new_v2"
    assert [path.name for path in versions(tmp_path / "lwsw_v2")] == ["lwsw_v10", "lwsw_v2", "lwsw"]
    assert (version_of(tmp_path / "lwsw"), version_of(tmp_path / "lwsw_v10")) == (1, 10)


def test_a_strip_is_made_again_and_beside(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    scene.lwsw.output = str(tmp_path / "lwsw")
    first = api.stylize(style=painting, **helpers.QUICK)
    editor = scene.sequence_editor
    strip = editor.strips[first.strip_name]
    editor.active_strip = strip
    assert active_result(scene) == strip
    memory = remembered(strip)
    assert memory["frames"] == [1, 2] and memory["version"]
    stamp = (tmp_path / "lwsw" / "source" / "passes" / "0001.exr").stat().st_mtime_ns
    before = [path.read_bytes() for path in first.results]

    scene.lwsw.relu1_1, scene.lwsw.iterations = 0.0, 3
    scene.frame_end = 1  # the strip knows better
    settings = dump(take_snapshot(scene))
    assert bpy.ops.lwsw.new_version(settings="STRIP") == {"FINISHED"}
    assert dump(take_snapshot(scene)) == settings
    again = editor.strips["LWSW painting one v2"]
    assert folder_of(again) == tmp_path / "lwsw_v2"
    assert again.channel > strip.channel
    assert compat.strip_range(again) == compat.strip_range(strip) == (1, 3)
    assert len(editor.strips) == 3
    assert [(tmp_path / "lwsw_v2" / path.name).read_bytes() for path in first.results] == before
    assert [path.read_bytes() for path in first.results] == before

    editor.active_strip = strip
    assert bpy.ops.lwsw.restore_settings() == {"FINISHED"}
    assert (scene.lwsw.relu1_1, scene.lwsw.relu2_1, scene.lwsw.iterations) == (1.0, 0.5, 2)
    assert scene.lwsw.style == str(painting)
    scene.lwsw.relu1_1 = 0.0
    editor.active_strip = again
    assert bpy.ops.lwsw.stylize_again(settings="SCENE") == {"FINISHED"}
    assert len(editor.strips) == 3
    assert (tmp_path / "lwsw_v2" / "0001.png").read_bytes() != before[0]
    assert json.loads(again[SETTINGS_MARK])["values"]["relu1_1"] == 0.0
    assert (tmp_path / "lwsw" / "source" / "passes" / "0001.exr").stat().st_mtime_ns == stamp  # nothing was rendered again

    del again[SETTINGS_MARK]
    with pytest.raises(RuntimeError, match="does not remember"):
        bpy.ops.lwsw.restore_settings()
    scene.name = "renamed"
    with pytest.raises(LwswError) as caught:
        api.again(strip)
    assert caught.value.code == "nothing_to_stylize"


@pytest.fixture
def shown(scene: bpy.types.Scene, tmp_path: Path) -> Any:
    """A strip of smooth pictures, half as large as the render, for frames 2 to 4 of six."""
    scene.frame_end = 6
    y, x = np.mgrid[:36, :64] / np.array([36, 64]).reshape(2, 1, 1)
    for frame in (2, 3, 4):
        helpers.write_png(tmp_path / "lwsw" / f"{frame:04d}.png", np.stack([x, y, np.full_like(x, frame / 7)], -1) * 0.8 + 0.1)
    show = sequencer.Show("test", tmp_path / "lwsw", (2, 3, 4), {}, False, (64, 36))
    name, _ = sequencer.update_strip(scene, compat.sequencer_scene(scene), show, [2, 3, 4])
    return scene.sequence_editor.strips[name]


def _composite(scene: bpy.types.Scene, frame: int, folder: Path, transparent: bool = False) -> np.ndarray:
    render = scene.render
    render.use_sequencer, render.dither_intensity, render.film_transparent = False, 0, transparent
    compat.set_file_format(render.image_settings, "PNG")
    render.image_settings.color_mode, render.image_settings.color_depth = "RGBA", "16"
    render.filepath = str(folder / "composite.png")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]


def test_the_painting_in_the_compositor(scene: bpy.types.Scene, shown: Any, tmp_path: Path) -> None:
    """Really rendered through the compositor: the right frame, the right colours, mix, mask, and nothing outside of the painted frames."""
    scene.view_settings.view_transform = "Standard"
    plain = {frame: _composite(scene, frame, tmp_path) for frame in (1, 3, 5)}
    node, note = add_to_compositor(shown)
    assert note == ""
    tree = compat.compositor_tree(scene)
    assert add_to_compositor(shown)[0] == node  # brought up to date
    assert [other.name for other in tree.nodes if other.type == "GROUP"] == ["LWSW"]
    assert sum(RESULT_MARK in group for group in bpy.data.node_groups) == 1
    pictures = {frame: helpers.read_picture(tmp_path / "lwsw" / f"{frame:04d}.png") for frame in (2, 3, 4)}
    for frame in (2, 3, 4):
        assert np.abs(_composite(scene, frame, tmp_path)[..., :3] - pictures[frame]).max() < 1e-3
    for frame in (1, 5):
        assert np.abs(_composite(scene, frame, tmp_path) - plain[frame]).max() < 1e-3
    node.inputs["Mix"].default_value = 0.0
    assert np.abs(_composite(scene, 3, tmp_path) - plain[3]).max() < 1e-3
    node.inputs["Mix"].default_value = 1.0
    assert add_to_compositor(shown)[0].inputs["Mix"].default_value == 1.0
    mask = tree.nodes.new("CompositorNodeBoxMask")  # the middle of the picture
    tree.links.new(mask.outputs[0], node.inputs["Mask"])
    masked = _composite(scene, 3, tmp_path)[..., :3]
    assert np.abs(masked[18, 32] - pictures[3][18, 32]).max() < 1e-3
    assert np.abs(masked[0, 0] - plain[3][0, 0, :3]).max() < 1e-3
    tree.links.remove(node.inputs["Mask"].links[0])

    files = {frame: tmp_path / "lwsw" / f"{frame:04d}.png" for frame in (2, 3, 4)}
    helpers.write_png(files[3], 1 - pictures[3])
    reload_results(tmp_path / "lwsw", [2, 3, 4])
    assert np.abs(_composite(scene, 3, tmp_path)[..., :3] - (1 - pictures[3])).max() < 1e-3
    helpers.write_png(files[3], np.full((18, 32, 3), 0.25))  # another size is stretched to the render's
    reload_results(tmp_path / "lwsw", [2, 3, 4])
    assert np.abs(_composite(scene, 3, tmp_path)[..., :3] - 0.25).max() < 1e-3
    reload_results(tmp_path / "lwsw", [2])  # a job that has just begun anew
    assert np.abs(_composite(scene, 3, tmp_path) - plain[3]).max() < 1e-3
    node.node_tree.nodes["Painting"].name = "Mine"
    assert add_to_compositor(shown)[0].node_tree != node.node_tree


def test_the_painting_in_the_compositor_keeps_what_is_transparent(scene: bpy.types.Scene, shown: Any, tmp_path: Path) -> None:
    scene.view_settings.view_transform = "Standard"
    bpy.data.objects.remove(bpy.data.objects["Plane"])
    alpha = _composite(scene, 3, tmp_path, transparent=True)[..., 3]
    assert alpha.min() < 0.1 and alpha.max() > 0.9
    add_to_compositor(shown)
    after = _composite(scene, 3, tmp_path, transparent=True)
    assert np.abs(after[..., 3] - alpha).max() < 1e-3
    picture = helpers.read_picture(tmp_path / "lwsw" / "0003.png")
    assert np.abs(after[..., :3] - picture)[alpha > 0.999].max() < 1e-3


def test_other_view_transforms_in_the_compositor(scene: bpy.types.Scene, shown: Any, tmp_path: Path) -> None:
    scene.view_settings.view_transform = "Filmic"
    _, note = add_to_compositor(shown)
    picture = helpers.read_picture(tmp_path / "lwsw" / "0003.png")
    assert np.abs(_composite(scene, 3, tmp_path)[..., :3] - picture).max() < 0.01
    scene.view_settings.view_transform = "AgX"
    _, note = add_to_compositor(shown)
    assert "AgX" in note
    assert np.abs(_composite(scene, 3, tmp_path)[..., :3] - picture).mean() < 0.02


def test_a_painting_in_the_compositor_is_not_painted_again(scene: bpy.types.Scene, shown: Any, tmp_path: Path) -> None:
    scene.view_settings.view_transform = "Standard"

    def rendered(folder: Path) -> np.ndarray:
        (uploads,) = helpers.render(scene, [3], folder)[1]
        return helpers.read_picture(uploads.picture)

    before = rendered(tmp_path / "before")
    node, _ = add_to_compositor(shown)
    assert np.abs(rendered(tmp_path / "after") - before).max() < 2e-3
    assert not node.mute
    scene.render.use_sequencer = False
    with pytest.raises(LwswError) as caught:  # what Render Animation has written is not LWSW's to change
        AnimationOutput(scene, 0.0).check_no_painting()
    assert "compositor" in caught.value.message
    node.mute = True
    AnimationOutput(scene, 0.0).check_no_painting()


def test_groups_of_other_folders_and_of_nothing(scene: bpy.types.Scene, shown: Any, tmp_path: Path) -> None:
    first, _ = add_to_compositor(shown)
    for frame in (2, 3, 4):
        (tmp_path / "lwsw_v2").mkdir(exist_ok=True)
        (tmp_path / "lwsw" / f"{frame:04d}.png").rename(tmp_path / "lwsw_v2" / f"{frame:04d}.png")
    with pytest.raises(LwswError) as caught:
        add_to_compositor(shown)
    assert caught.value.code == "missing_frames"
    shown.directory = str(tmp_path / "lwsw_v2")
    second, _ = add_to_compositor(shown)
    assert first.node_tree != second.node_tree
    assert second.inputs["Image"].links[0].from_node == first
    assert passes.render_size(scene) == (64, 36)
    scene.sequence_editor.active_strip = shown
    assert bpy.ops.lwsw.add_to_compositor() == {"FINISHED"}
