"""Regions in the preview: the masks are rendered beside the picture, as a job has them, and nothing of the scene stays changed."""

from __future__ import annotations

from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest
from test_look import _levels, _quickly, _tick_until

from blender_lwsw import api
from blender_lwsw.look.frame_input import FrameInput
from blender_lwsw.look.picture_source import find_picture
from blender_lwsw.look.session import preview_session
from blender_lwsw.look.wish import fingerprint, make_wish, source_fingerprint
from blender_lwsw.results import preview_image
from blender_lwsw.source.frames import has_object_masks
from blender_lwsw.source.still_renderer import StillRenderer


def _add_region(scene: bpy.types.Scene, name: str = "Cube", **values: object) -> bpy.types.PropertyGroup:
    region = scene.lwsw.regions.add()
    region.object = bpy.data.objects[name]
    for key, value in values.items():
        setattr(region, key, value)
    return region


def _render(scene: bpy.types.Scene, picture: Path | None, masks: Path | None) -> None:
    renderer = StillRenderer(scene, 64, picture, masks, interactive=False)
    try:
        renderer.begin()
        assert renderer.step()
    finally:
        renderer.end()


@pytest.mark.parametrize("shutter", ["CENTER", "END"])
def test_masks_leave_picture_and_scene_as_they_are(scene: bpy.types.Scene, tmp_path: Path, shutter: str) -> None:
    scene.render.use_motion_blur, scene.render.motion_blur_position = True, shutter
    scene.view_layers[0].use_pass_vector = True
    moments: list[float] = []
    bpy.app.handlers.render_pre.append(lambda scene, *_: moments.append(scene.frame_current_final))
    before = helpers.snapshot(scene)
    _render(scene, tmp_path / "alone.png", None)
    _render(scene, tmp_path / "both.png", tmp_path / "both.exr")
    _render(scene, None, tmp_path / "masks.exr")
    bpy.app.handlers.render_pre.clear()
    assert helpers.snapshot(scene) == before
    assert scene.frame_subframe == 0.0
    middle = 1.0 if shutter == "CENTER" else 0.75
    assert moments == pytest.approx([1.0, 1.0, middle, middle])  # masks lie where a picture with blur has the middle of its blur
    assert np.array_equal(helpers.read_picture(tmp_path / "alone.png"), helpers.read_picture(tmp_path / "both.png"))
    for name in ("both.exr", "masks.exr"):
        channels = helpers.exr_channels(tmp_path / name)
        assert any("CryptoObject00.r" in channel for channel in channels)
        assert not any("Vector" in channel for channel in channels)  # for which two more frames would have to be looked at


def test_a_preview_with_regions_is_what_a_job_gives(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    _quickly(scene, painting)
    scene.cycles.samples = 16  # what masks have that are rendered apart
    scene.cycles.use_adaptive_sampling = False
    other = helpers.write_png(tmp_path / "other.png", 1.0 - helpers.read_picture(painting))
    _add_region(scene, profile="FINE_GRAIN", style=str(other), strength=2.0)
    _add_region(scene, "Plane", look="ALONE")
    scene.lwsw.regions.add()  # a new one, without an object
    still = api.preview(scene, output=tmp_path / "still.png")
    assert still.notes == ("The region 'Region' names no object.",)
    scene.lwsw.regions.remove(2)
    written = helpers.read_picture(tmp_path / "still.png")
    result = api.stylize(scene, output=tmp_path / "out", frame_end=1, width=64, first_iterations=3, iterations=3, add_strip=False)
    assert np.abs(helpers.read_picture(result.results[0]) - written).max() < 2 / 255
    scene.lwsw.output = str(tmp_path / "out")
    found = find_picture(scene, tmp_path, 64)  # a job's picture has its passes beside it
    assert found is not None
    assert found.passes == tmp_path / "out" / "source" / "passes" / "0001.exr"

    scene.lwsw.source, scene.lwsw.color_pattern = "FILES", str(tmp_path / "out" / "source" / "frames" / "####.png")
    found = find_picture(scene, tmp_path, 64)  # the job has left both patterns
    assert found is not None
    assert found.passes == tmp_path / "out" / "source" / "passes" / "0001.exr"
    scene.lwsw.passes_pattern = ""
    assert api.preview(scene).notes == ("Regions are not painted in the preview.",)


def test_regions_come_and_go_while_the_preview_runs(backend: str, scene: bpy.types.Scene, painting: Path) -> None:
    _quickly(scene, painting)
    before = helpers.snapshot(scene)
    preview_session.start(scene)
    _tick_until(lambda: preview_session.is_settled)
    picture, whole = preview_session._input.found.path, _levels(preview_image.find_image())
    assert preview_session._input.found.passes is None

    region = _add_region(scene, look="ALONE")
    _tick_until(lambda: not preview_session.is_settled)
    _tick_until(lambda: preview_session.is_settled)
    assert helpers.snapshot(scene) == before
    found, alone = preview_session._input.found, _levels(preview_image.find_image())
    assert found.path == picture and has_object_masks(found.passes)  # only the masks were rendered
    source = (preview_session._link.source.values.reshape(36, 64, 4)[::-1, :, :3] * 255).round()
    inside = np.abs(alone - source).max(-1) == 0
    assert 0.02 < inside.mean() < 0.5 and np.array_equal(alone[0], whole[0])  # the cube is as rendered, the sky as before

    region.look = "OWN"
    for change in ({"strength": 3.0}, {"profile": "ABSTRACT"}, {"color": "LUMINANCE"}):
        shown = _levels(preview_image.find_image())
        for name, value in change.items():
            setattr(region, name, value)
        _tick_until(lambda: not preview_session.is_settled)
        _tick_until(lambda: preview_session.is_settled)
        now = _levels(preview_image.find_image())
        assert not np.array_equal(now, shown)
        assert np.array_equal(now[0], whole[0])
    region.enabled = False
    _tick_until(lambda: not preview_session.is_settled)
    _tick_until(lambda: preview_session.is_settled)
    assert np.array_equal(_levels(preview_image.find_image()), whole)
    assert preview_session._input.found == found  # no further render
    assert preview_session.notes() == [f"Painted from {found.words}."]


def test_what_a_region_depends_on_is_noticed(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    scene.lwsw.style = str(painting)
    collection = bpy.data.collections.new("Both")
    for name in ("Cube", "Plane"):
        collection.objects.link(bpy.data.objects[name])
    region = _add_region(scene)
    seen = {fingerprint(scene)}
    source = source_fingerprint(scene)
    for name, value in (
        ("enabled", False), ("object", bpy.data.objects["Plane"]), ("look", "ALONE"), ("style", str(painting)), ("strength", 2.0),
        ("profile", "ABSTRACT"), ("relu2_1", 3.0), ("content_weight", 0.3), ("color", "HISTOGRAM"), ("target_type", "COLLECTION"),
        ("collection", collection),
    ):  # fmt: skip
        setattr(region, name, value)
        assert fingerprint(scene) not in seen, name
        seen.add(fingerprint(scene))
    assert source_fingerprint(scene) == source
    region.enabled = True
    (entry,) = make_wish(scene, painting, 64).order["settings"]["regions"]
    assert entry["objects"] == ["Cube", "Plane"]
    cells = make_wish(scene, painting, 64, variations=api.variations_of(scene.lwsw)).order["cells"]
    assert all(cell["settings"]["regions"] == [entry] for cell in cells)
    region.target_type, region.object = "OBJECT", None
    assert make_wish(scene, painting, 64).order["settings"]["regions"] == []
    region.object = bpy.data.objects["Sun"]  # which has no surface
    assert make_wish(scene, painting, 64).order["settings"]["regions"] == []
    inputs = FrameInput(tmp_path, interactive=False)
    assert inputs.find(scene, 64).passes is None  # nothing asks where objects are
    region.object = bpy.data.objects["Cube"]
    masks = inputs.find(scene, 64).passes
    assert masks is not None and inputs.find(scene, 64).passes == masks
    inputs.end()
