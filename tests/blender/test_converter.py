"""Pictures made display-referred in another Blender: the same bytes as in this one, and none is lost when it fails."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.source import converter as converting
from blender_lwsw.source.converter import PictureConverter
from blender_lwsw.source.frames import file_name
from blender_lwsw.source.pictures import convert
from blender_lwsw.source.renderer import Renderer

SECONDS = 60


@pytest.fixture
def rendered(scene: bpy.types.Scene, tmp_path: Path) -> list[Path]:
    """Three multilayer EXR of the scene, the brightest of which goes beyond white."""
    scene.frame_end = 3
    next(item for item in scene.objects if item.type == "LIGHT").data.energy = 12
    helpers.render(scene, [1, 2, 3], tmp_path / "rendered")
    return [tmp_path / "rendered" / "passes" / file_name(frame, ".exr") for frame in (1, 2, 3)]


def _take_all(converter: PictureConverter, scene: bpy.types.Scene) -> list[tuple[int, Path]]:
    taken, deadline = [], time.monotonic() + SECONDS
    while converter.waiting and time.monotonic() < deadline:
        ready = converter.take(scene)
        if ready is None:
            time.sleep(0.01)
        else:
            taken.append(ready)
    return taken


def _bend_curves(scene: bpy.types.Scene) -> None:
    view = scene.view_settings
    view.use_curve_mapping = True
    view.curve_mapping.black_level, view.curve_mapping.white_level = (0.01, 0.02, 0.0), (1.5, 1.0, 0.9)
    view.curve_mapping.curves[3].points.new(0.3, 0.6)
    view.curve_mapping.curves[0].points[-1].location = 1.0, 0.8
    view.curve_mapping.update()


def _looks(scene: bpy.types.Scene) -> list[str]:
    return [item.identifier for item in scene.view_settings.bl_rna.properties["look"].enum_items]


def test_the_same_bytes_whatever_the_colour_management(scene: bpy.types.Scene, rendered: list[Path], tmp_path: Path) -> None:
    """Each picture has another one, which it keeps although the scene's changes while it waits."""
    view, expected = scene.view_settings, []
    converter = PictureConverter(apart=True)
    try:
        for number in range(6):
            if number == 0:
                view.view_transform = "Standard"
            elif number == 1:
                view.view_transform, view.look = "AgX", "AgX - Punchy"
                view.exposure, view.gamma = 0.7, 1.3
            elif number == 2:
                view.use_white_balance, view.white_balance_temperature, view.white_balance_tint = True, 4200, 30
            elif number == 3:
                _bend_curves(scene)
            elif number == 4:
                view.view_transform, view.look, view.use_curve_mapping = "Filmic", "None", False
            elif hasattr(bpy.data, "colorspace"):
                bpy.ops.wm.set_working_color_space(working_space="ACEScg", convert_colors=False)
            expected.append(tmp_path / "here" / file_name(number, ".png"))
            convert(scene, rendered[0], expected[-1])
            converter.ask(scene, number, rendered[0], tmp_path / "apart")
        assert converter.take(scene) is None  # it takes seconds to start a Blender: nothing waits for that
        taken = _take_all(converter, scene)
    finally:
        converter.end()
    assert [frame for frame, _ in taken] == list(range(6))
    for (_, png), here in zip(taken, expected, strict=True):
        assert png.read_bytes() == here.read_bytes()
    different = {path.read_bytes() for path in expected}
    assert len(different) == (6 if hasattr(bpy.data, "colorspace") else 5)
    assert not any(path.name.startswith(".") for path in (tmp_path / "apart").iterdir())


def test_pictures_keep_their_order_and_a_bad_one_stops_none(scene: bpy.types.Scene, rendered: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.exr"
    bad.write_bytes(b"nothing")
    ready = helpers.write_png(tmp_path / "ready.png", np.full((4, 4, 3), 0.5))
    converter = PictureConverter(apart=True)
    try:
        for frame, picture in enumerate((rendered[0], ready, bad, rendered[1])):
            converter.ask(scene, frame, picture, tmp_path / "made")
        taken = []
        with pytest.raises(LwswError) as caught:
            for _ in range(SECONDS * 100):
                taken.append(converter.take(scene)) or time.sleep(0.01)
        assert [item for item in taken if item] == [(0, tmp_path / "made" / "0000.png"), (1, ready)]
        assert caught.value.code == "unreadable_frame"
        assert "bad.exr" in caught.value.message
        assert _take_all(converter, scene) == [(3, tmp_path / "made" / "0003.png")]
    finally:
        converter.end()


@pytest.mark.parametrize("how", ["cannot start", "dies", "is silent"])
def test_without_another_blender_the_pictures_are_made_here(
    scene: bpy.types.Scene, rendered: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    silent = ["sleep", "60"]
    monkeypatch.setattr(converting, "_command", lambda: {"cannot start": [str(tmp_path / "none")], "dies": ["true"]}.get(how, silent))
    monkeypatch.setattr(converting, "PATIENCE_SECONDS", 0.3)
    converter = PictureConverter(apart=True)
    try:
        for frame, picture in enumerate(rendered, 1):
            converter.ask(scene, frame, picture, tmp_path / "made")
        taken = _take_all(converter, scene)
    finally:
        converter.end()
    assert [frame for frame, _ in taken] == [1, 2, 3]
    for frame, png in taken:
        assert png.read_bytes() == (tmp_path / "rendered" / "frames" / file_name(frame, ".png")).read_bytes()


def test_nothing_is_left_behind(scene: bpy.types.Scene, rendered: list[Path], tmp_path: Path) -> None:
    converter = PictureConverter(apart=True)
    converter.ask(scene, 1, rendered[0], tmp_path / "made")
    while converter._worker is not None and converter._worker._process is None:
        time.sleep(0.01)
    assert converter._worker is not None
    process = converter._worker._process
    converter.end(wait=True)
    assert process is not None and process.poll() is not None
    assert not any(thread.name == "lwsw-pictures" for thread in threading.enumerate())
    assert converter.take(scene) is None
    converter.end()


def test_a_renderer_renders_on_while_pictures_are_made(scene: bpy.types.Scene, rendered: list[Path], tmp_path: Path) -> None:
    renderer = Renderer(scene, [1, 2, 3], tmp_path / "again", interactive=False)
    renderer._converter = PictureConverter(apart=True)
    renderer.begin()
    try:
        assert renderer.step() is None  # the frame is rendered, and its picture is being made
        assert renderer.is_busy and not renderer.is_rendering and not renderer.is_finished
        uploads, deadline = [], time.monotonic() + SECONDS
        if ready := renderer.step():  # the second frame is rendered; the first may be ready by then
            uploads.append(ready)
        renderer.skip_rest()
        while not renderer.is_finished and time.monotonic() < deadline:
            if ready := renderer.step():
                uploads.append(ready)
            time.sleep(0.01)
    finally:
        renderer.end()
    assert [item.frame for item in uploads] == [1, 2]  # the third was not begun
    for item in uploads:
        assert item.passes is not None
        convert(scene, item.passes, tmp_path / "here.png")
        assert item.picture.read_bytes() == (tmp_path / "here.png").read_bytes()
