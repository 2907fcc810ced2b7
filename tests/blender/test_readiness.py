"""What keeps a job from starting: one sentence, a button that mends it, and the code of the error that the job would end with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import helpers
import pytest
from layouts import ICONS

from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.plan import Request, make_plan
from blender_lwsw.jobs.readiness import Mend, Obstacle, mends_of, obstacle, says
from blender_lwsw.results import sequencer
from blender_lwsw.results.result_strips import other_owner
from blender_lwsw.source import disk_state
from blender_lwsw.source.strip_files import lost_file


@pytest.fixture
def ready(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> bpy.types.Scene:
    """A scene that nothing keeps from being stylized."""
    disk_state.forget()
    scene.lwsw.style, scene.lwsw.output = str(painting), str(tmp_path / "out")
    assert obstacle(scene) is None
    return scene


def _obstacle(scene: bpy.types.Scene) -> Obstacle:
    """Return what is in the way, after the job has been asked: both must say the same, and the buttons must exist."""
    disk_state.forget()
    found = obstacle(scene)
    assert found is not None
    assert found.sentence.endswith(".")
    with pytest.raises(LwswError) as caught:
        make_plan(scene, Request())
    assert caught.value.code == found.code
    assert says(scene, caught.value)
    assert not says(scene, LwswError("disk_full", "The disk is full."))
    for mend in found.mends:
        category, name = mend.operator.split(".")
        operator = getattr(getattr(bpy.ops, category), name)
        assert set(mend.values) <= set(operator.get_rna_type().properties.keys())
        assert mend.label
        assert mend.icon in ICONS
    return found


def _press(mend: Mend, **more: object) -> None:
    assert getattr(bpy.ops.lwsw, mend.operator.removeprefix("lwsw."))(**mend.values, **more) == {"FINISHED"}


def test_no_painting(ready: bpy.types.Scene, painting: Path) -> None:
    ready.lwsw.style = ""
    found = _obstacle(ready)
    assert [mend.operator for mend in found.mends] == ["lwsw.pick_style"]
    _press(found.mends[0], filepath=str(painting))
    assert obstacle(ready) is None


def test_a_painting_that_was_deleted(ready: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    painting.unlink()
    found = _obstacle(ready)
    assert painting.name in found.sentence
    _press(found.mends[0], filepath=str(helpers.write_painting(tmp_path / "another.png", 32)))
    assert obstacle(ready) is None


def test_a_painting_in_the_list_that_was_deleted(ready: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    lost = helpers.write_painting(tmp_path / "lost.png", 32)
    for path in (painting, lost):
        ready.lwsw.extra_styles.add().path = str(path)
    lost.unlink()
    found = _obstacle(ready)
    replace, drop = found.mends
    assert "lost.png" in found.sentence
    _press(replace, filepath=str(painting))
    assert obstacle(ready) is None
    ready.lwsw.extra_styles[1].path = ""
    assert _obstacle(ready).mends[1] == drop
    _press(drop)
    assert [item.path for item in ready.lwsw.extra_styles] == [str(painting)]
    assert obstacle(ready) is None


def test_a_painting_of_a_region_that_was_deleted(ready: bpy.types.Scene, tmp_path: Path, painting: Path) -> None:
    region = ready.lwsw.regions.add()
    region.object, region.style = bpy.data.objects["Cube"], str(tmp_path / "gone.png")
    found = _obstacle(ready)
    assert "gone.png" in found.sentence
    _press(found.mends[0], filepath=str(painting))
    assert obstacle(ready) is None


def test_a_region_of_nothing(ready: bpy.types.Scene) -> None:
    ready.lwsw.regions.add()
    ready.lwsw.regions.add().object = bpy.data.objects["Camera"]
    for index in range(2):
        found = _obstacle(ready)
        assert found.mends[0].values == {"index": index}
        _press(found.mends[0])
    assert obstacle(ready) is None
    assert [item.enabled for item in ready.lwsw.regions] == [False, False]


def test_no_layer_weighs_anything(ready: bpy.types.Scene) -> None:
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"):
        setattr(ready.lwsw, layer, 0)
    _press(_obstacle(ready).mends[0])
    assert ready.lwsw.profile == "BALANCED"
    assert obstacle(ready) is None


def test_weights_that_are_animated_may_be_zero_now(ready: bpy.types.Scene) -> None:
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"):
        setattr(ready.lwsw, layer, 0)
    ready.lwsw.driver_add("relu2_1").driver.expression = "frame"
    disk_state.forget()
    assert obstacle(ready) is None


def test_no_painting_has_a_share(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.extra_styles.add().path = str(helpers.write_painting(tmp_path / "b.png", 32))
    ready.lwsw.style_weight = ready.lwsw.extra_styles[0].weight = 0
    _press(_obstacle(ready).mends[0])
    assert obstacle(ready) is None


def test_no_camera(ready: bpy.types.Scene) -> None:
    ready.camera = None
    found = _obstacle(ready)
    assert found.mends[0].label == "Use the Camera 'Camera'"
    _press(found.mends[0])
    assert ready.camera == bpy.data.objects["Camera"]
    bpy.data.objects.remove(ready.camera)
    found = _obstacle(ready)
    assert found.mends[0].operator == "lwsw.add_camera"
    _press(found.mends[0])
    assert ready.camera is not None
    assert obstacle(ready) is None


@pytest.mark.parametrize("choice", [0, 1])
def test_motion_blur(ready: bpy.types.Scene, choice: int) -> None:
    ready.render.use_motion_blur = True
    mends = _obstacle(ready).mends
    assert len(mends) == 2
    _press(mends[choice])
    assert ready.render.use_motion_blur == (choice == 0)
    assert obstacle(ready) is None


def test_an_engine_without_motion(ready: bpy.types.Scene) -> None:
    ready.render.engine = "BLENDER_WORKBENCH"
    _press(_obstacle(ready).mends[0])
    assert ready.render.engine == "CYCLES"
    assert obstacle(ready) is None


def test_no_view_layer_is_rendered(ready: bpy.types.Scene) -> None:
    ready.view_layers[0].use = False
    _press(_obstacle(ready).mends[0])
    assert ready.view_layers[0].use
    assert obstacle(ready) is None


def _frames(folder: Path, numbers: range) -> str:
    for frame in numbers:
        helpers.write_painting(folder / f"{frame:04d}.png", 32)
    return str(folder / "####.png")


def test_files_that_were_not_chosen_or_are_not_there(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.source = "FILES"
    found = _obstacle(ready)
    choose, render = found.mends
    ready.lwsw.color_pattern = str(tmp_path / "none" / "####.png")
    assert _obstacle(ready).code == "missing_frames"
    pattern = _frames(tmp_path / "frames", range(1, 3))
    _press(choose, filepath=pattern.replace("####", "0001"))
    assert obstacle(ready) is None
    ready.lwsw.passes_pattern = str(tmp_path / "none" / "####.exr")
    found = _obstacle(ready)
    assert (found.code, found.mends[0].values) == ("missing_pass", {"kind": "PASSES"})
    _press(render)
    assert obstacle(ready) is None


def test_files_outside_the_frame_range(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.source, ready.lwsw.color_pattern = "FILES", _frames(tmp_path / "frames", range(7, 10))
    _press(_obstacle(ready).mends[0])
    assert (ready.frame_start, ready.frame_end) == (7, 9)
    assert obstacle(ready) is None


def test_passes_for_files_without_a_camera(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.source, ready.lwsw.color_pattern = "FILES", _frames(tmp_path / "frames", range(1, 3))
    ready.lwsw.render_passes, ready.camera = True, None
    found = _obstacle(ready)
    assert (found.code, found.mends[0].operator) == ("no_camera", "lwsw.use_camera")


def test_an_empty_sequencer(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.source = "SEQUENCER"
    add, render = _obstacle(ready).mends
    _frames(tmp_path / "frames", range(1, 4))
    _press(add, filepath=str(tmp_path / "frames" / "0002.png"))
    strip = ready.sequence_editor.strips[0]
    assert (strip.frame_final_start, strip.frame_final_end) == (1, 4)
    assert obstacle(ready) is None
    ready.sequence_editor.strips.remove(strip)
    _press(render)
    assert ready.lwsw.source == "RENDER"
    assert obstacle(ready) is None


@pytest.fixture
def footage(ready: bpy.types.Scene, tmp_path: Path) -> Any:
    """A strip of four pictures, of which the last lies behind its right handle."""
    ready.lwsw.source, ready.frame_end = "SEQUENCER", 3
    _frames(tmp_path / "shot", range(1, 5))
    assert bpy.ops.lwsw.add_footage(filepath=str(tmp_path / "shot" / "0001.png")) == {"FINISHED"}
    strip = ready.sequence_editor.strips[0]
    strip.frame_final_end = 4
    (tmp_path / "shot" / "0004.png").unlink()
    disk_state.forget()
    assert obstacle(ready) is None, "what lies behind a handle is not missed"
    return strip


def test_a_strip_whose_files_were_moved(ready: bpy.types.Scene, footage: Any, tmp_path: Path) -> None:
    """Blender would show black, and black would be painted."""
    (tmp_path / "shot").rename(tmp_path / "moved")
    found = _obstacle(ready)
    assert (found.code, footage.name in found.sentence, "0001.png" in found.sentence) == ("missing_frames", True, True)
    (tmp_path / "wrong").mkdir()
    with pytest.raises(RuntimeError, match="has no file 0001"):
        _press(found.mends[0], filepath=str(tmp_path / "wrong" / "0001.png"))
    _press(found.mends[0], filepath=str(tmp_path / "moved" / "0002.png"))
    assert Path(footage.directory) == tmp_path / "moved"
    assert obstacle(ready) is None
    footage.use_reverse_frames = True
    disk_state.forget()
    assert "0004.png" in _obstacle(ready).sentence, "it is shown now"


def test_a_strip_without_some_of_its_files(ready: bpy.types.Scene, footage: Any, tmp_path: Path) -> None:
    (tmp_path / "shot" / "0002.png").unlink()
    disk_state.forget()
    assert obstacle(ready) is None, "drawing looks at the first and the last only"
    with pytest.raises(LwswError) as caught:
        make_plan(ready, Request())
    assert (caught.value.code, "0002.png" in caught.value.message) == ("missing_frames", True)
    find, mute = mends_of(ready, caught.value)
    assert (find.operator, find.values) == ("lwsw.find_strip_files", {"strip": footage.name})
    assert mends_of(ready, LwswError("missing_frames", "Frame 3 is missing.", "")) == ()
    _press(mute)
    assert footage.mute


def test_a_movie_or_a_meta_strip_without_its_file(ready: bpy.types.Scene, footage: Any, tmp_path: Path) -> None:
    ready.sequence_editor.strips.remove(footage)
    movie = helpers.write_painting(tmp_path / "movie.png", 32).rename(tmp_path / "movie.mp4")  # no movie, but a file
    strip = ready.sequence_editor.strips.new_movie(name="interview", filepath=str(movie), channel=1, frame_start=1)
    strip.frame_final_end = 4
    assert lost_file([strip]) is None
    movie = movie.rename(tmp_path / "renamed.mp4")
    disk_state.forget()
    found = _obstacle(ready)
    with pytest.raises(RuntimeError, match="no movie"):
        _press(found.mends[0], filepath=str(tmp_path / "none.mp4"))
    _press(found.mends[0], filepath=str(movie))
    assert Path(strip.filepath) == movie
    assert obstacle(ready) is None
    movie.unlink()
    meta = ready.sequence_editor.strips.new_meta(name="group", channel=3, frame_start=1)
    strip.move_to_meta(meta)
    meta.frame_final_end = 4
    found = _obstacle(ready)
    assert "interview" in found.sentence
    _press(found.mends[1])
    assert strip.mute
    disk_state.forget()
    assert obstacle(ready) is None


def test_footage_that_cannot_be_read(ready: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "not a movie.mp4").write_text("text")
    with pytest.raises(RuntimeError, match="not a movie that can be read"):
        bpy.ops.lwsw.add_footage(filepath=str(tmp_path / "not a movie.mp4"))
    assert not ready.sequence_editor.strips


def test_a_file_that_was_never_saved(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.output = "//lwsw/"
    save, choose = _obstacle(ready).mends
    assert save.operator == "wm.save_as_mainfile"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    disk_state.forget()
    assert obstacle(bpy.context.scene) is None
    assert choose.operator == "lwsw.pick_output"


@contextlib.contextmanager
def _an_ordinary_user(folder: Path) -> Iterator[None]:
    """Let this process be somebody who may not write everywhere, to whom a folder and what is above it belongs."""
    if not hasattr(os, "setresuid") or os.getuid() != 0:
        yield
        return
    for path in (folder, *list(folder.parents)[:-1]):
        if path.stat().st_uid == 0 and path.stat().st_mode & 0o077 == 0:
            path.chmod(0o755)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_a_read_only_folder(ready: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o555)
    with _an_ordinary_user(tmp_path):
        if os.access(tmp_path / "folder", os.W_OK):
            pytest.skip("this system keeps nobody from writing")
        for output in (tmp_path / "folder", tmp_path / "folder" / "below"):
            ready.lwsw.output = str(output)
            assert "cannot be written" in _obstacle(ready).sentence
    found = mends_of(ready, LwswError("output_not_writable", "The folder cannot be written to.", ""))
    _press(found[0], directory=str(tmp_path / "elsewhere"))
    assert obstacle(ready) is None


def test_a_file_where_the_output_folder_should_be(ready: bpy.types.Scene, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    ready.lwsw.output = str(tmp_path / "folder" / "a file")
    found = _obstacle(ready)
    _press(found.mends[0], directory=str(tmp_path / "elsewhere"))
    assert obstacle(ready) is None
    assert not (tmp_path / "elsewhere").exists(), "asking must not create the folder"


def test_a_folder_with_the_frames_of_another_scene(ready: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    """Two windows show a scene each, and both scenes have the folder that every scene has at first."""
    helpers.write_painting(tmp_path / "out" / "0001.png", 32)
    show = sequencer.Show("test", tmp_path / "out", [1], {}, False, (32, 32))
    sequencer.update_strip(ready, ready, show, [1])
    disk_state.forget()
    assert obstacle(ready) is None, "its own frames are made once more"
    other = ready.copy()
    other.name = "Close-up v2"
    found = _obstacle(other)
    assert ready.name in found.sentence
    bpy.context.window.scene = other
    _press(found.mends[0])
    assert other.lwsw.output == f"{tmp_path / 'out'}-Close-up_v2/"
    assert obstacle(other) is None
    assert make_plan(other, Request()).order.output == tmp_path / "out-Close-up_v2"
    assert make_plan(other, Request(output=tmp_path / "out")).order.output == tmp_path / "out", "a script has said so"
    bpy.context.window.scene = ready
    old = ready.name
    ready.name = "Renamed"
    assert other_owner(other, tmp_path / "out") == "", f"no scene is called {old} any more"


def test_no_output_folder(ready: bpy.types.Scene, tmp_path: Path) -> None:
    ready.lwsw.output = ""
    _press(_obstacle(ready).mends[0], directory=str(tmp_path / "new"))
    assert obstacle(ready) is None


def test_a_linked_scene(ready: bpy.types.Scene, tmp_path: Path) -> None:
    library = tmp_path / "sets.blend"
    ready.name = "Set"
    bpy.ops.wm.save_as_mainfile(filepath=str(library), copy=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.scenes = ["Set"]
    linked = next(scene for scene in bpy.data.scenes if scene.library is not None)
    found = obstacle(linked)
    assert found is not None
    assert "sets.blend" in found.sentence
    bpy.context.window.scene = linked
    _press(found.mends[0])
    local = bpy.context.window.scene
    assert local.library is None
    local.lwsw.relu1_1 = 0.5
    assert local.lwsw.profile == "CUSTOM"


def test_a_scene_cannot_be_overridden_and_what_it_shows_can(ready: bpy.types.Scene, tmp_path: Path) -> None:
    """Blender has no library overrides of scenes; one whose objects and camera are overridden is as good as any."""
    library = tmp_path / "sets.blend"
    ready.name = "Set"
    bpy.data.collections.new("Actors").objects.link(bpy.data.objects["Cube"])
    bpy.data.collections["Actors"].objects.link(ready.camera)
    ready.collection.children.link(bpy.data.collections["Actors"])
    bpy.ops.wm.save_as_mainfile(filepath=str(library), copy=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.scenes, wanted.collections = ["Set"], ["Actors"]
    linked = next(scene for scene in bpy.data.scenes if scene.library is not None)
    with contextlib.suppress(RuntimeError, TypeError):
        assert linked.override_create() is None
    scene = bpy.context.scene
    assert not scene.library
    wanted.collections[0].override_hierarchy_create(scene, bpy.context.view_layer)
    overridden = [item for item in bpy.data.objects if item.override_library is not None]
    assert sorted(item.name for item in overridden) == ["Camera", "Cube"]
    scene.lwsw.style, scene.lwsw.output = str(tmp_path / "painting one.png"), str(tmp_path / "out")
    scene.lwsw.regions.add().object = next(item for item in overridden if item.type == "MESH")
    found = _obstacle(scene)
    assert found.code == "no_camera"
    _press(found.mends[0])
    assert scene.camera.override_library is not None
    assert obstacle(scene) is None
    plan = make_plan(scene, Request())
    assert plan.order.job["settings"]["regions"][0]["objects"] == ["Cube"]


def test_the_disk_is_asked_once_in_a_while(ready: bpy.types.Scene, painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_state.forget()
    obstacle(ready)
    asked: list[Path] = []
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self, **more: asked.append(self) or real(self, **more))
    for _ in range(20):
        assert obstacle(ready) is None
    assert asked == []
    disk_state.forget()
    obstacle(ready)
    assert painting in asked
