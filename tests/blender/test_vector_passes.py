"""Passes rendered apart from their pictures hold the motion of a render without blur, and leave everything as it was."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw import api
from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.plan import Request, make_plan
from blender_lwsw.source import passes, vector_passes
from blender_lwsw.source.renderer import Renderer

#: Prints, for pairs of pass files, how far vectors and depth of most pixels are apart, and how large motion is.
_COMPARE = """
import json, sys
from pathlib import Path
import numpy as np
from lwsw.media.passes import read_motion
found = []
for first, second in zip(sys.argv[1::2], sys.argv[2::2]):
    a, b = read_motion(Path(first)), read_motion(Path(second))
    flow = np.maximum(np.abs(a.backward - b.backward), np.abs(a.forward - b.forward)).max(-1)
    depth = np.abs(a.depth - b.depth) / b.depth
    found.append({
        "flow": float(np.quantile(flow, 0.9)), "depth": float(np.quantile(depth, 0.9)), "motion": float(np.abs(b.backward).max()),
        "mean_x": float(b.backward[..., 0].mean()), "size": list(a.depth.shape),
    })
print(json.dumps(found))
"""


def _compare(program: str, *pairs: Path) -> list[dict]:
    command = [str(Path(program).parent / "python"), "-c", _COMPARE, *map(str, pairs)]
    return list(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def _render(scene: bpy.types.Scene, folder: Path, frames: Sequence[int], **options: object) -> list[int]:
    """Render and return the frames in the order in which they were ready."""
    renderer, ready = helpers.render(scene, frames, folder, **options)
    for uploads in ready:
        assert uploads.picture.is_file() and uploads.passes is not None and uploads.passes.is_file()
    renderer.cameras()
    return [uploads.frame for uploads in ready]


def _samples(exr: Path) -> int:
    data = exr.read_bytes()
    start = data.index(b"samples\0string\0") + len(b"samples\0string\0")
    return int(data[start + 4 : start + 4 + int.from_bytes(data[start : start + 4], "little")])


@pytest.fixture
def blurred(scene: bpy.types.Scene) -> bpy.types.Scene:
    """Three frames with motion blur, eight samples."""
    scene.frame_end = 3
    scene.cycles.samples = 8
    scene.cycles.use_denoising = False
    scene.render.use_motion_blur = True
    scene.render.motion_blur_shutter = 1.0
    cube = bpy.data.objects["Cube"]
    cube.animation_data_clear()
    for frame, x in ((0, -1.5), (3, 1.5)):
        cube.location.x = x
        cube.keyframe_insert("location", frame=frame)
    return scene


def test_the_motion_is_that_of_a_render_without_blur(blurred: bpy.types.Scene, tmp_path: Path, backend_program: str) -> None:
    before = helpers.snapshot(blurred)
    assert _render(blurred, tmp_path / "apart", [1, 2], vectors_apart=True) == [1, 2]
    assert helpers.snapshot(blurred) == before
    _render(blurred, tmp_path / "empty", [1])
    blurred.render.use_motion_blur = False
    _render(blurred, tmp_path / "sharp", [1, 2])
    names = ("0001.exr", "0002.exr")
    found = _compare(backend_program, *(tmp_path / kind / "passes" / name for name in names for kind in ("apart", "sharp")))
    for item in found:
        assert item["motion"] > 3  # pixels: the cube crosses the picture
        assert item["flow"] < 0.01  # of nine pixels in ten; at outlines the render without blur has the mean of both sides
        assert item["depth"] < 1e-3
    empty, sharp = tmp_path / "empty" / "passes" / "0001.exr", tmp_path / "sharp" / "passes" / "0001.exr"
    assert _compare(backend_program, sharp, empty)[0]["motion"] == 0  # what Blender writes with blur, and why this file exists
    # the pictures are the blurred ones, and their cameras those of a render without
    a, b, c = (helpers.read_picture(tmp_path / kind / "frames" / "0001.png") for kind in ("apart", "empty", "sharp"))
    assert np.abs(a - b).max() <= 1 / 65535
    assert np.abs(a - c).max() > 0.05
    cameras = [json.loads((tmp_path / kind / "cameras.json").read_text())["frames"]["1"] for kind in ("apart", "sharp")]
    assert np.allclose(cameras[0]["view"], cameras[1]["view"], atol=1e-6)
    assert {path.name for path in (tmp_path / "apart" / "frames").iterdir()} == {"0001.png", "0002.png"}


def test_few_samples_and_only_where_they_suffice(blurred: bpy.types.Scene, tmp_path: Path) -> None:
    blurred.view_layers[0].samples = 5  # goes before the scene's, and must not here
    _render(blurred, tmp_path / "plain", [1, 2], vectors_apart=True)
    assert [_samples(tmp_path / "plain" / "passes" / name) for name in ("0001.exr", "0002.exr")] == [1, 1]
    _render(blurred, tmp_path / "masks", [1], vectors_apart=True, object_masks=True)
    assert _samples(tmp_path / "masks" / "passes" / "0001.exr") == 16
    assert any("CryptoObject" in name for name in helpers.exr_channels(tmp_path / "masks" / "passes" / "0001.exr"))
    blurred.camera.data.dof.use_dof = True
    assert vector_passes.samples(blurred, object_masks=False) == 16
    assert blurred.view_layers[0].samples == 5 and blurred.cycles.samples == 8


@pytest.mark.parametrize(("position", "moment"), [("START", (4, 0.25)), ("CENTER", (4, 0.0)), ("END", (3, 0.75))])
def test_motion_belongs_to_the_middle_of_the_blur(scene: bpy.types.Scene, position: str, moment: tuple[int, float]) -> None:
    scene.render.motion_blur_position, scene.render.motion_blur_shutter = position, 0.5
    assert vector_passes.middle_of_blur(scene, 4, blurred=True) == moment
    assert vector_passes.middle_of_blur(scene, 4, blurred=False) == (4, 0.0)


def test_a_shutter_that_opens_at_the_frame(blurred: bpy.types.Scene, tmp_path: Path, backend_program: str) -> None:
    """Passes lie where the blurred object is on average, not where it is when the shutter opens."""
    blurred.render.motion_blur_position = "START"
    _render(blurred, tmp_path, [1], vectors_apart=True)
    camera = json.loads((tmp_path / "cameras.json").read_text())["frames"]["1"]["view"]
    blurred.render.use_motion_blur = False
    for name, subframe in (("opens", 0.0), ("middle", 0.5)):
        with passes.Overrides(blurred) as overrides:
            passes.set_up(blurred, overrides)
            passes.use_exr(blurred.render.image_settings)
            blurred.frame_set(1, subframe=subframe)
            blurred.render.filepath = str(tmp_path / f"{name}.exr")
            bpy.ops.render.render(write_still=True)
            view = np.array(blurred.camera.matrix_world.normalized().inverted())
        assert np.allclose(camera, view, atol=1e-6) is (name == "middle")
    ours = tmp_path / "passes" / "0001.exr"
    at_opening, in_the_middle = _compare(backend_program, ours, tmp_path / "opens.exr", ours, tmp_path / "middle.exr")
    assert in_the_middle["depth"] < 1e-3 < at_opening["depth"]
    assert in_the_middle["flow"] < 0.01


@pytest.mark.parametrize("crop", [False, True], ids=["whole frame", "cropped"])
def test_passes_for_pictures_that_are_there(scene: bpy.types.Scene, painting: Path, tmp_path: Path, backend: str, crop: bool) -> None:
    """A folder of pictures without passes gets the real motion, and its pictures are not touched."""
    render = scene.render
    if crop:
        render.use_border = render.use_crop_to_border = True
        render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.25, 0.8, 0.1, 0.9
    render.image_settings.file_format = "JPEG"
    render.filepath = str(tmp_path / "shots" / "shot_")
    bpy.ops.render.render(animation=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "shots").iterdir()}
    values = helpers.snapshot(scene)
    files = {"source": "FILES", "pictures": tmp_path / "shots", "render_passes": True, "output": tmp_path / "out"}
    plan = make_plan(scene, Request(style=painting, **files))
    assert plan.order.job["settings"]["motion"] == "vector" and plan.renders
    assert any("rendered apart" in note for note in plan.notes)
    result = api.stylize(scene, style=painting, **files, **helpers.QUICK)
    assert len(result.results) == 2
    after = helpers.snapshot(scene)
    assert {name: value for name, value in after.items() if values[name] != value} == {}
    assert {path.name: path.read_bytes() for path in (tmp_path / "shots").iterdir()} == before
    size = helpers.read_picture(result.results[0]).shape[:2]
    assert size == helpers.read_picture(tmp_path / "shots" / "shot_0001.jpg").shape[:2]
    assert _compare(backend, *[tmp_path / "out" / "source" / "passes" / "0001.exr"] * 2)[0]["size"] == list(size)
    assert (size == (36, 64)) is not crop
    assert (tmp_path / "out" / "source" / "cameras.json").is_file() is not crop


def test_pictures_of_another_size_and_of_no_format_we_read(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    helpers.write_png(tmp_path / "a" / "0001.png", np.zeros((20, 20, 3)))
    request = Request(style=painting, source="FILES", pictures=tmp_path / "a", render_passes=True, output=tmp_path / "out")
    with pytest.raises(LwswError) as caught:
        make_plan(scene, request)
    assert caught.value.code == "bad_frame_size"
    assert "20×20" in caught.value.message and "64×36" in caught.value.message and caught.value.hint.endswith(".")
    (tmp_path / "a" / "0001.png").rename(tmp_path / "a" / "0001.tga")
    request.pictures = tmp_path / "a" / "0001.tga"
    with pytest.raises(LwswError) as caught:
        make_plan(scene, request)
    assert caught.value.code == "unreadable_frame"


def test_a_picture_that_is_written_again_meanwhile(scene: bpy.types.Scene, tmp_path: Path) -> None:
    pictures = {frame: helpers.write_png(tmp_path / f"{frame}.png", np.zeros((36, 64, 3))) for frame in (1, 2)}
    renderer = Renderer(scene, [1, 2], tmp_path / "out", interactive=False, pictures=pictures)
    renderer.begin()
    assert renderer.step() is not None
    helpers.write_png(pictures[2], np.full((36, 64, 3), 0.5))
    with pytest.raises(LwswError) as caught:
        renderer.step()
    renderer.end()
    assert caught.value.code == "unreadable_frame" and "frame 2" in caught.value.message


def test_the_choice(blurred: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    """Refused unless the artist wants the blur; then said, and a job like any other."""
    request = Request(style=painting, output=tmp_path / "out")
    with pytest.raises(LwswError) as caught:
        make_plan(blurred, request)
    assert caught.value.code == "motion_blur"
    assert "Turn off Motion Blur" in caught.value.hint and "Vectors Apart" in caught.value.hint
    blurred.lwsw.motion_blur = "APART"
    plan = make_plan(blurred, request)
    assert plan.vectors_apart and plan.order.job["settings"]["motion"] == "vector"
    assert any("rendered twice" in note for note in plan.notes)
    blurred.render.use_motion_blur = False
    assert not make_plan(blurred, request).vectors_apart
    request.motion_blur = "perhaps"
    blurred.render.use_motion_blur = True
    with pytest.raises(LwswError) as caught:
        make_plan(blurred, request)
    assert caught.value.code == "bad_settings"


def test_a_blurred_render_becomes_a_painting(blurred: bpy.types.Scene, painting: Path, tmp_path: Path, backend: str) -> None:
    before = helpers.snapshot(blurred)
    result = api.stylize(blurred, style=painting, motion_blur="apart", output=tmp_path / "out", **helpers.QUICK)
    assert len(result.results) == 3
    assert helpers.snapshot(blurred) == before
