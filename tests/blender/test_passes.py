"""What a render set up by the extension contains."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.source import passes
from blender_lwsw.source.renderer import Renderer


def _render(scene: bpy.types.Scene, folder: Path, frames: list[int]) -> Renderer:
    return helpers.render(scene, frames, folder)[0]


def _compositor(scene: bpy.types.Scene) -> None:
    """Make the compositor invert the picture."""
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        output = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        output = tree.nodes.new("CompositorNodeComposite")
    layers, invert = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeInvert")
    tree.links.new(layers.outputs["Image"], invert.inputs["Color"])
    tree.links.new(invert.outputs[0], output.inputs[0])


def test_every_frame_has_motion_depth_and_a_picture(scene: bpy.types.Scene, tmp_path: Path) -> None:
    before = helpers.snapshot(scene)
    _render(scene, tmp_path, [1, 2])
    assert helpers.snapshot(scene) == before
    for frame in ("0001", "0002"):
        channels = {".".join(name.split(".")[-2:]) for name in helpers.exr_channels(tmp_path / "passes" / f"{frame}.exr")}
        assert {"Vector.X", "Vector.Y", "Vector.Z", "Vector.W"} <= channels
        assert channels & {"Depth.Z", "Depth.V"}
        picture = helpers.read_picture(tmp_path / "frames" / f"{frame}.png")
        assert picture.shape == (36, 64, 3)
        assert picture.std() > 0.01
        header = (tmp_path / "frames" / f"{frame}.png").read_bytes()[:33]
        assert header[24:26] == b"\x10\x02"  # 16 bits, RGB
    assert {path.name for path in (tmp_path / "passes").iterdir()} == {"0001.exr", "0002.exr"}
    assert {path.name for path in (tmp_path / "frames").iterdir()} == {"0001.png", "0002.png"}


def test_the_backend_reads_the_motion(scene: bpy.types.Scene, tmp_path: Path, backend_program: str) -> None:
    _render(scene, tmp_path, [2])
    python = Path(backend_program).parent / "python"
    script = (
        "import OpenEXR, sys, json\n"
        "found = {}\n"
        "for part in OpenEXR.File(sys.argv[1], separate_channels=True).parts:\n"
        "    for name, channel in part.channels.items():\n"
        "        found['.'.join(name.split('.')[-2:])] = float(abs(channel.pixels).max())\n"
        "print(json.dumps(found))\n"
    )
    run = subprocess.run([str(python), "-c", script, str(tmp_path / "passes" / "0002.exr")], capture_output=True, text=True, check=True)
    largest = json.loads(run.stdout)
    assert largest["Vector.X"] > 0.5  # the cube moves by some pixels
    assert largest["Vector.Z"] > 0.5


@pytest.mark.parametrize("transform", ["AgX", "Standard"])
@pytest.mark.parametrize("compositor", [False, True], ids=["render", "compositor"])
def test_the_picture_is_what_the_artist_sees(scene: bpy.types.Scene, tmp_path: Path, transform: str, compositor: bool) -> None:
    scene.view_settings.view_transform = transform
    if compositor:
        _compositor(scene)
    _render(scene, tmp_path, [2])
    shown = tmp_path / "shown.png"
    passes.use_png(scene.render.image_settings)
    bpy.data.images["Render Result"].save_render(str(shown), scene=scene)
    ours, theirs = helpers.read_picture(tmp_path / "frames" / "0002.png"), helpers.read_picture(shown)
    assert np.abs(ours - theirs).max() <= 1 / 65535
    assert theirs.std() > 0.01


def test_the_view_transform_of_the_scene_is_used_even_if_the_output_overrides_it(scene: bpy.types.Scene, tmp_path: Path) -> None:
    scene.view_settings.view_transform = "AgX"
    _render(scene, tmp_path / "a", [1])
    settings = scene.render.image_settings
    settings.color_management = "OVERRIDE"
    settings.view_settings.view_transform = "Standard"
    _render(scene, tmp_path / "b", [1])
    assert settings.color_management == "OVERRIDE"
    a, b = (helpers.read_picture(tmp_path / name / "frames" / "0001.png") for name in "ab")
    assert np.abs(a - b).max() <= 1 / 65535


def test_motion_is_written_for_one_layer_only(scene: bpy.types.Scene, tmp_path: Path) -> None:
    scene.view_layers.new("second").use_pass_vector = True
    _render(scene, tmp_path, [1])
    assert sum(name.endswith("Vector.X") for name in helpers.exr_channels(tmp_path / "passes" / "0001.exr")) == 1


def test_results_in_the_sequencer_are_not_rendered_again(scene: bpy.types.Scene, tmp_path: Path) -> None:
    _render(scene, tmp_path / "a", [1])
    white = helpers.write_png(tmp_path / "white.png", np.ones((36, 64, 3)))
    scene.sequence_editor_create().strips.new_image(name="white", filepath=str(white), channel=1, frame_start=1)
    scene.render.use_sequencer = True
    _render(scene, tmp_path / "b", [1])
    a, b = (helpers.read_picture(tmp_path / name / "frames" / "0001.png") for name in "ab")
    assert np.array_equal(a, b)


@pytest.mark.parametrize("active", [True, False], ids=["active scene", "another scene"])
def test_cameras_describe_the_render(scene: bpy.types.Scene, tmp_path: Path, active: bool) -> None:
    if not active:
        bpy.context.window.scene = bpy.data.scenes.new("other")
    scene.frame_set(1)
    point = bpy.data.objects["Cube"].matrix_world.translation.copy()
    renderer = _render(scene, tmp_path, [1, 2])
    data = json.loads(json.dumps(renderer.cameras()))
    assert json.loads((tmp_path / "cameras.json").read_text()) == data
    assert set(data["frames"]) == {"1", "2"}
    assert data["clip_end"] == pytest.approx(scene.camera.data.clip_end)
    from bpy_extras.object_utils import world_to_camera_view

    scene.frame_set(1)
    expected = world_to_camera_view(scene, scene.camera, point)
    camera = data["frames"]["1"]
    clip = np.array(camera["projection"]) @ np.array(camera["view"]) @ np.array([*point, 1])
    assert clip[:2] / clip[3] / 2 + 0.5 == pytest.approx([expected.x, expected.y], abs=1e-5)
    assert data["frames"]["1"]["view"] != data["frames"]["2"]["view"]


def test_a_scene_that_no_window_shows_is_rendered_at_its_own_frames(scene: bpy.types.Scene, tmp_path: Path) -> None:
    _render(scene, tmp_path / "shown", [1, 2])
    bpy.context.window.scene = bpy.data.scenes.new("other")
    _render(scene, tmp_path / "hidden", [1, 2])
    one, two = (helpers.read_picture(tmp_path / "hidden" / "frames" / name) for name in ("0001.png", "0002.png"))
    assert np.array_equal(two, helpers.read_picture(tmp_path / "shown" / "frames" / "0002.png"))
    assert not np.array_equal(one, two)


def test_the_scene_is_put_back_when_rendering_fails(scene: bpy.types.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = helpers.snapshot(scene)
    renderer = Renderer(scene, [1], tmp_path, interactive=False)
    renderer.begin()
    (tmp_path / "passes").rmdir()
    (tmp_path / "passes").write_bytes(b"")  # a file where the folder should be: Blender cannot write
    with pytest.raises(LwswError) as caught:
        renderer.step()
    renderer.end()
    assert caught.value.code == "missing_frames"
    assert helpers.snapshot(scene) == before


def test_no_camera(scene: bpy.types.Scene) -> None:
    scene.camera = None
    with pytest.raises(LwswError) as caught:
        passes.check_scene(scene)
    assert caught.value.code == "no_camera"


def test_a_camera_bound_to_a_marker_counts(scene: bpy.types.Scene) -> None:
    scene.timeline_markers.new("shot", frame=1).camera = scene.camera
    scene.camera = None
    passes.check_scene(scene)


def test_motion_blur(scene: bpy.types.Scene) -> None:
    scene.render.use_motion_blur = True
    with pytest.raises(LwswError) as caught:
        passes.check_scene(scene)
    assert caught.value.code == "motion_blur"
    assert "Motion Blur" in caught.value.hint


def test_an_engine_without_motion(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    with pytest.raises(LwswError) as caught:
        passes.check_scene(scene)
    assert caught.value.code == "missing_pass"


def test_a_file_that_is_no_exr(scene: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "bad.exr").write_bytes(b"nothing")
    passes.use_png(scene.render.image_settings)
    with pytest.raises(LwswError) as caught:
        passes.save_display_referred(scene, str(tmp_path / "bad.exr"), str(tmp_path / "bad.png"))
    assert caught.value.code == "unreadable_frame"
    assert not bpy.data.images.get("bad.exr")


@pytest.mark.parametrize("shown", [True, False], ids=["active scene", "another scene"])
def test_renders_beside_threads_that_work(scene: bpy.types.Scene, tmp_path: Path, shown: bool) -> None:
    """Under ``temp_override`` Blender crashed here within a few renders: see ``passes.render_still``."""
    if not shown:
        bpy.context.window.scene = bpy.data.scenes.new("shown")
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            json.loads(json.dumps({str(number): number for number in range(200)}))
            time.sleep(0)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    scene.render.filepath = str(tmp_path / "frame")
    before = bpy.context.window.scene
    try:
        for _ in range(20):
            passes.render_still(scene, 1, interactive=False)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert bpy.context.window.scene == before
    assert list(tmp_path.iterdir())
