"""Look development: what the real backend paints arrives in the image as it is, follows the sliders, and goes when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest
from layouts import draw

import blender_lwsw
from blender_lwsw import api
from blender_lwsw.errors import LwswError
from blender_lwsw.interface.panels.look import Look
from blender_lwsw.look.session import preview_session
from blender_lwsw.look.variations import STRENGTHS, at_random, by_profile, take_variation
from blender_lwsw.look.wish import fingerprint, make_wish, notes_for, source_fingerprint
from blender_lwsw.results import preview_image


def _quickly(scene: bpy.types.Scene, painting: Path) -> None:
    settings = scene.lwsw
    settings.style, settings.first_iterations, settings.preview_width = str(painting), 3, 64
    for layer in ("relu3_1", "relu4_1", "relu5_1"):
        setattr(settings, layer, 0.0)


def _tick_until(condition: Callable[[], bool], seconds: float = 240.0) -> None:
    """Do what Blender's timers do in a window, until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert preview_session._timer() is not None or condition(), preview_session.error
        assert preview_session.error is None, preview_session.error
        assert time.monotonic() < deadline, preview_session.text()
        time.sleep(0.02)


def _levels(image: bpy.types.Image) -> np.ndarray:
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return np.rint(values.reshape(image.size[1], image.size[0], 4)[::-1, :, :3] * 255).astype(int)


def test_the_image_shows_the_levels_that_came(scene: bpy.types.Scene, tmp_path: Path) -> None:
    levels = np.random.default_rng(3).integers(0, 256, (12, 20, 3))
    values = np.ones((12, 20, 4), np.float32)
    values[..., :3] = levels[::-1] / np.float32(255)
    scene.view_settings.view_transform = "AgX"
    image = preview_image.show(20, 12, values.ravel())
    # not linear light, not through the view transform: an editor then shows the values of an 8-bit sRGB image as they are
    assert image.colorspace_settings.name == "sRGB"
    assert not image.is_float
    assert not image.use_view_as_render
    assert np.array_equal(_levels(image), levels)
    image.save(filepath=str(tmp_path / "saved.png"))
    assert np.array_equal(np.rint(helpers.read_picture(tmp_path / "saved.png") * 255), levels)


def test_an_editor_is_split_where_none_shows_the_preview(scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    image = preview_image.ensure(64, scene)
    assert not preview_image.is_shown()
    assert not bpy.ops.lwsw.show_preview.poll(), "there is no preview"
    monkeypatch.setattr(type(preview_session), "is_running", property(lambda _: True))
    assert "lwsw.show_preview" in draw(Look, scene).names("operator")
    window = bpy.context.window_manager.windows[0]
    screen = window.screen
    area = max(screen.areas, key=lambda item: item.width * item.height)
    kind, before = area.type, set(screen.areas)
    with bpy.context.temp_override(window=window, screen=screen, area=area):
        assert bpy.ops.lwsw.show_preview() == {"FINISHED"}
    (beside,) = set(screen.areas) - before
    assert (area.type, beside.type) == (kind, "IMAGE_EDITOR")
    assert beside.spaces.active.image == image
    assert preview_image.is_shown()
    assert "lwsw.show_preview" not in draw(Look, scene).names("operator")


def test_another_size_keeps_the_image_and_undo_may_take_it(scene: bpy.types.Scene) -> None:
    image = preview_image.show(4, 2, np.full(32, 0.2, np.float32))
    assert preview_image.show(6, 3, np.full(72, 0.4, np.float32)) == image
    assert tuple(image.size) == (6, 3)
    assert (_levels(image) == 102).all()
    preview_image.keep()
    assert not image.is_dirty
    bpy.data.images.remove(image)
    assert preview_image.find_image() is None
    assert (_levels(preview_image.show(4, 2, np.full(32, 0.6, np.float32))) == 153).all()


def test_preview_follows_sliders_and_frames(backend: str, scene: bpy.types.Scene, painting: Path) -> None:
    _quickly(scene, painting)
    before = helpers.snapshot(scene)
    preview_session.start(scene)
    _tick_until(lambda: preview_session.is_settled)
    image = preview_image.find_image()
    assert tuple(image.size) == (64, 36)
    first = _levels(image)
    source = (preview_session._link.source.values.reshape(36, 64, 4)[::-1, :, :3] * 255).round()
    assert np.abs(first - source).mean() > 1
    assert helpers.snapshot(scene) == before  # the small render has put everything back
    assert preview_session.longest_copy < 0.5

    bpy.ops.lwsw.compare()
    assert np.array_equal(_levels(image), source)
    bpy.ops.lwsw.compare()
    assert np.array_equal(_levels(image), first)

    scene.lwsw.strength = 0.0
    _tick_until(lambda: not preview_session.is_settled)
    _tick_until(lambda: preview_session.is_settled)
    assert np.array_equal(_levels(image), source)  # strength 0 leaves the picture as rendered

    scene.frame_set(2)
    _tick_until(lambda: not preview_session.is_settled)
    _tick_until(lambda: preview_session.is_settled)
    assert not np.array_equal(_levels(preview_image.find_image()), source)
    shown = _levels(preview_image.find_image())
    bpy.data.images.remove(preview_image.find_image())  # as undo may do
    _tick_until(lambda: preview_image.find_image() is not None)
    assert np.array_equal(_levels(preview_image.find_image()), shown)


def test_operator_and_api_give_the_same_picture(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    _quickly(scene, painting)
    scene.lwsw.seed = 5
    assert bpy.ops.lwsw.preview() == {"FINISHED"}
    shown = _levels(preview_image.find_image())
    still = api.preview(scene, output=tmp_path / "still.png")
    assert np.array_equal(np.rint(still.pixels * 255), shown)
    written = helpers.read_picture(tmp_path / "still.png")
    assert np.abs(written * 255 - shown).max() <= 0.51
    assert still.iterations == 3
    # a job of this frame with the same settings is the same picture
    result = api.stylize(scene, output=tmp_path / "out", frame_end=1, width=64, first_iterations=3, iterations=3, add_strip=False)
    assert np.abs(helpers.read_picture(result.results[0]) - written).max() < 2 / 255


def test_a_click_on_a_cell_takes_its_weights(backend: str, scene: bpy.types.Scene, painting: Path) -> None:
    _quickly(scene, painting)
    scene.lwsw.first_iterations, scene.lwsw.strength = 1, 1.0
    with pytest.raises(RuntimeError):
        bpy.ops.lwsw.take_variation(index=0)
    preview_session.start(scene, by_profile(scene.lwsw))
    _tick_until(lambda: preview_session.is_settled and bool(preview_session.cells))
    image = preview_image.find_image()
    drawn = draw(Look, scene)
    assert drawn.names("operator").count("lwsw.take_variation") == 9
    assert "Back to the Preview" in drawn.texts()
    assert any(text.startswith("Settled after") for text in drawn.texts())
    cells = preview_session.cells
    assert [cell["label"] for cell in cells[:2]] == ["Fine-Grain, strength 0.5", "Balanced, strength 0.5"]
    assert image.size[0] > cells[-1]["x"] + cells[-1]["width"] > 3 * 64
    sheet = _levels(image)
    assert all(sheet[cell["y"] + 36 : cell["y"] + cell["height"], cell["x"] : cell["x"] + 64].std() > 10 for cell in cells)  # a label
    last = cells[-1]
    assert preview_session.index_at(last["x"] + 5, last["y"] + 5) == 8
    assert preview_session.index_at(1, 1) is None
    assert bpy.ops.lwsw.take_variation(index=8) == {"FINISHED"}
    settings = scene.lwsw
    assert (settings.profile, settings.relu5_1, settings.relu1_1, settings.strength) == ("ABSTRACT", 4.0, 0.0, STRENGTHS[2])
    assert not preview_session.is_sheet
    _tick_until(lambda: tuple(preview_image.find_image().size) == (64, 36))


def test_variations(scene: bpy.types.Scene) -> None:
    settings = scene.lwsw
    settings.relu1_1, settings.relu4_4 = 0.0, 0.7
    some, same, others = (at_random(settings, seed, 0.5) for seed in (1, 1, 2))
    assert some == same != others
    assert len({tuple(item.values.values()) for item in some}) == 9
    assert some[4].label == "as it is"
    take_variation(scene, some[4])
    assert (settings.profile, settings.relu4_4, settings.relu1_1) == ("CUSTOM", pytest.approx(0.7), 0.0)
    assert {tuple(item.values.values()) for item in at_random(settings, 1, 0.0)} == {tuple(some[4].values.values())}
    with pytest.raises(LwswError):
        api.preview(scene)  # no painting
    # an animated slider would fall back at the next change of frame
    settings.keyframe_insert("relu2_1", frame=1)
    take_variation(scene, some[0])
    taken = settings.relu2_1
    scene.frame_set(2)
    assert settings.relu2_1 == pytest.approx(taken)


def test_a_slider_that_was_moved_without_a_keyframe_counts(scene: bpy.types.Scene, painting: Path) -> None:
    scene.lwsw.style = str(painting)
    for frame, value in ((1, 0.0), (2, 2.0)):
        scene.lwsw.relu1_1 = value
        scene.lwsw.keyframe_insert("relu1_1", frame=frame)

    def weight() -> float:
        return make_wish(scene, painting, 64).order["settings"]["layer_weights"]["relu1_1"]

    scene.frame_set(2)
    before, source = fingerprint(scene), source_fingerprint(scene)
    assert weight() == 2.0
    scene.lwsw.relu1_1 = 3.0
    assert weight() == 3.0
    assert fingerprint(scene) != before
    assert source_fingerprint(scene) == source
    scene.frame_set(1)
    assert source_fingerprint(scene) != source


def test_rendered_files_are_taken_where_there_are_some(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    from blender_lwsw.look.picture_source import find_picture

    scene.lwsw.source = "FILES"
    scene.lwsw.color_pattern = str(tmp_path / "frames" / "####.png")
    with pytest.raises(LwswError) as caught:
        find_picture(scene, tmp_path, 64)
    assert caught.value.code == "missing_frames"
    file = helpers.write_png(tmp_path / "frames" / "0001.png", np.zeros((36, 64, 3)))
    found = find_picture(scene, tmp_path, 64)
    assert found is not None and found.path == file
    scene.lwsw.source, scene.lwsw.output = "RENDER", str(tmp_path / "out")
    assert find_picture(scene, tmp_path, 64) is None
    file = helpers.write_png(tmp_path / "out" / "source" / "frames" / "0001.png", np.zeros((36, 64, 3)))
    found = find_picture(scene, tmp_path, 64)
    assert found is not None and found.path == file


def test_loading_a_file_and_unregistering_leave_nothing(backend: str, scene: bpy.types.Scene, painting: Path) -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("lwsw-preview")]

    _quickly(scene, painting)
    for leave in (lambda: bpy.ops.wm.read_factory_settings(use_empty=True), blender_lwsw.unregister):
        scene = helpers.build_scene()
        _quickly(scene, painting)
        preview_session.start(scene)
        _tick_until(lambda: preview_session._link.is_connected and preview_session._is_sent)
        assert threads() and bpy.app.timers.is_registered(preview_session._timer)
        folder = preview_session._folder
        assert folder is not None and folder.is_dir()
        leave()
        assert not preview_session.is_running
        assert not bpy.app.timers.is_registered(preview_session._timer)
        assert not folder.exists()
    try:
        assert threads() == []
        assert preview_image.find_image() is None
    finally:
        blender_lwsw.register()


def test_the_click_is_there_as_long_as_the_extension(scene: bpy.types.Scene) -> None:
    def clicks() -> int:
        keymaps = bpy.context.window_manager.keyconfigs.addon.keymaps
        return sum(item.idname == "lwsw.take_variation" for keymap in keymaps for item in keymap.keymap_items)

    assert clicks() == 2
    blender_lwsw.unregister()
    try:
        assert clicks() == 0
    finally:
        blender_lwsw.register()


def test_what_is_wrong_is_said(backend: str, scene: bpy.types.Scene, painting: Path) -> None:
    with pytest.raises(RuntimeError, match="No painting has been chosen"):
        bpy.ops.lwsw.preview()
    _quickly(scene, painting)
    scene.camera = None
    with pytest.raises(RuntimeError, match="has no camera"):
        bpy.ops.lwsw.preview()
    assert preview_session.error.code == "no_camera"
    assert draw(Look, scene).names("operator") == ["lwsw.preview", "lwsw.explore"]
    assert any("has no camera" in text for text in draw(Look, scene).texts())
    for operator in ("show_preview", "stop_preview", "compare", "restart_preview", "render_preview"):
        assert not getattr(bpy.ops.lwsw, operator).poll()


def test_what_differs_from_the_final_frames_is_said(scene: bpy.types.Scene) -> None:
    scene.render.resolution_x, scene.lwsw.preview_width = 1280, 256
    assert "5.0 times as large here as in frames of 1280 pixels" in " ".join(notes_for(scene))
    scene.lwsw.width = 300
    assert notes_for(scene) == []
    region = scene.lwsw.regions.add()
    region.name = "Hero"
    assert notes_for(scene) == ["The region 'Hero' names no object."]
    region.enabled = False
    assert notes_for(scene) == []
