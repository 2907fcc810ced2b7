"""Regions name the objects that Cryptomatte knows, and bring their own look into the job."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import bpy
import helpers
import pytest

from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.plan import Request, make_plan
from blender_lwsw.settings.looks import Looks, read_looks
from blender_lwsw.settings.regions import contents_of, rendered_names, shared_objects, surface_names
from blender_lwsw.source import passes
from blender_lwsw.source.renderer import Renderer

FRAMES = [1, 2]


@pytest.fixture
def painted(scene: bpy.types.Scene, painting: Path) -> bpy.types.Scene:
    """The scene with a painting; it has a plane and a cube."""
    scene.lwsw.style = str(painting)
    return scene


def _read(scene: bpy.types.Scene, regions: Any = None) -> Looks:
    return read_looks(scene, Request(regions=regions), FRAMES, renders=True)


def _error(scene: bpy.types.Scene, regions: Any = None) -> LwswError:
    with pytest.raises(LwswError) as caught:
        _read(scene, regions)
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")
    return caught.value


def _cube(name: str, collection: bpy.types.Collection) -> bpy.types.Object:
    item = bpy.data.objects.new(name, bpy.data.objects["Cube"].data)
    collection.objects.link(item)
    return item


def _collection(name: str, parent: bpy.types.Collection | None = None) -> bpy.types.Collection:
    made = bpy.data.collections.new(name)
    if parent is not None:
        parent.children.link(made)
    return made


def _instance(name: str, collection: bpy.types.Collection, parent: bpy.types.Collection) -> bpy.types.Object:
    empty = bpy.data.objects.new(name, None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    parent.objects.link(empty)
    return empty


def _region(scene: bpy.types.Scene, target: Any, name: str = "", **values: Any) -> Any:
    region = scene.lwsw.regions.add()
    region.name = name
    if isinstance(target, bpy.types.Collection):
        region.target_type, region.collection = "COLLECTION", target
    else:
        region.object = target
    for key, value in values.items():
        setattr(region, key, value)
    return region


def test_the_names_are_those_of_cryptomatte(scene: bpy.types.Scene, tmp_path: Path) -> None:
    """Rendered: odd names, instances of instances, and linked objects."""
    asset = _collection("Asset")
    _cube("In the asset", asset)
    nested = _collection("Nested")
    _instance("Inner empty", asset, nested)
    top = _collection("Top", scene.collection)
    _instance("Outer empty", nested, top)
    _cube("Star*?[ab]", top)
    _cube("Größe 名", top)
    linked = _collection("Linked")
    _cube("From the library", linked)
    bpy.data.libraries.write(str(tmp_path / "library.blend"), {linked})
    bpy.data.objects.remove(bpy.data.objects["From the library"])
    bpy.data.collections.remove(linked)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["Linked"]
    top.children.link(wanted.collections[0])
    text = bpy.data.objects.new("Title", bpy.data.curves.new("Title", "FONT"))
    text.data.body = "A"
    top.objects.link(text)

    names = surface_names(top.all_objects)
    assert set(names) == {"In the asset", "Star*?[ab]", "Größe 名", "From the library", "Title"}
    assert rendered_names(scene.view_layers[0]) == {*names, "Cube", "Plane"}
    renderer = Renderer(scene, [1], tmp_path / "out", interactive=False, object_masks=True)
    renderer.begin()
    renderer.step()
    renderer.end()
    manifest = _manifest(tmp_path / "out" / "passes" / "0001.exr")
    assert manifest - {"Sun", "object"} == rendered_names(scene.view_layers[0])  # Cycles lists lights and the world, too


def _manifest(exr: Path) -> set[str]:
    """Return the names in the Cryptomatte manifest of an EXR file."""
    data = exr.read_bytes()
    found = re.search(rb"cryptomatte/\w+/manifest\0string\0", data)
    assert found is not None
    size = int.from_bytes(data[found.end() : found.end() + 4], "little")
    return set(json.loads(data[found.end() + 4 : found.end() + 4 + size]))


def test_the_pass_is_on_for_one_layer_while_rendering(painted: bpy.types.Scene) -> None:
    painted.view_layers.new("second").use_pass_cryptomatte_object = True
    painted.view_layers[0].pass_cryptomatte_depth = 2
    before = helpers.snapshot(painted)
    with passes.Overrides(painted) as overrides:
        passes.set_up(painted, overrides, object_masks=True)
        assert [layer.use_pass_cryptomatte_object for layer in painted.view_layers] == [True, False]
        assert painted.view_layers[0].pass_cryptomatte_depth == 6
    assert helpers.snapshot(painted) == before
    with passes.Overrides(painted) as overrides:
        passes.set_up(painted, overrides)
        assert [layer.use_pass_cryptomatte_object for layer in painted.view_layers] == [False, True]


def test_looks_of_regions_become_entries(painted: bpy.types.Scene, tmp_path: Path) -> None:
    cube, plane = bpy.data.objects["Cube"], bpy.data.objects["Plane"]
    extras = _collection("Extras", painted.collection)
    for name in "BA":
        _cube(name, extras)
    wave = helpers.write_painting(tmp_path / "wave.png")
    _region(painted, cube, "Hero", profile="ABSTRACT", style=str(wave), strength=1.5, color="LUMINANCE")
    _region(painted, extras, "Extras")
    _region(painted, plane, "", look="ALONE", profile="ABSTRACT", strength=2.0)
    _region(painted, None, "Off", enabled=False)
    looks = _read(painted)
    assert list(looks.paintings) == ["painting_one.png", "wave.png"]
    assert looks.settings["style_weights"] == {"painting_one.png": 1.0, "wave.png": 0.0}
    assert looks.settings["regions"] == [
        {
            "name": "Hero",
            "objects": ["Cube"],
            "profile": "abstract",
            "layer_weights": {"relu1_1": 0.0, "relu2_1": 0.0, "relu3_1": 0.5, "relu4_1": 2.0, "relu5_1": 4.0},
            "content_weight": 0.2,
            "strength": 1.5,
            "color": "luminance",
            "style_weights": {"wave.png": 1.0},
        },
        {"name": "Extras", "objects": ["B", "A"], "strength": 1.0},
        {"name": "Plane", "objects": ["Plane"], "strength": 0.0},
    ]
    assert looks.notes == ()


def test_regions_change_over_time(painted: bpy.types.Scene) -> None:
    _region(painted, bpy.data.objects["Plane"], "Ground")
    region = _region(painted, bpy.data.objects["Cube"], "Hero", profile="BALANCED")
    for frame, value in ((1, 0.0), (2, 1.5)):
        region.strength = region.relu2_1 = value
        region.keyframe_insert("strength", frame=frame)
        region.keyframe_insert("relu2_1", frame=frame)
    region.driver_add("content_weight").driver.expression = "frame / 2"
    ground, hero = _read(painted).settings["regions"]
    assert ground["strength"] == 1.0
    assert hero["strength"] == [0.0, 1.5]
    assert hero["layer_weights"]["relu2_1"] == [0.0, 1.5]
    assert hero["content_weight"] == [0.5, 1.0]
    assert hero["profile"] == "custom"


def test_an_object_in_two_regions_belongs_to_the_first(painted: bpy.types.Scene) -> None:
    everything = _collection("Everything", painted.collection)
    for name in ("Plane", "Cube"):
        everything.objects.link(bpy.data.objects[name])
    _region(painted, bpy.data.objects["Cube"], "Hero")
    _region(painted, everything, "Everything")
    looks = _read(painted)
    assert [region["objects"] for region in looks.settings["regions"]] == [["Cube"], ["Plane", "Cube"]]
    assert len(looks.notes) == 1
    assert "'Cube' is in the regions 'Hero' and 'Everything': the upper one, 'Hero', counts." in looks.notes


def test_shared_objects_are_counted() -> None:
    assert shared_objects([("a", ["1", "2", "3"]), ("b", ["4"]), ("c", ["3", "4", "2"])]) == [
        "'3' and 1 more are in the regions 'a' and 'c': the upper one, 'a', counts.",
        "'4' is in the regions 'b' and 'c': the upper one, 'b', counts.",
    ]


def test_regions_of_the_same_name_are_told_apart(painted: bpy.types.Scene) -> None:
    for name in ("Cube", "Plane"):
        _region(painted, bpy.data.objects[name], "Hero")
    assert [region["name"] for region in _read(painted).settings["regions"]] == ["Hero", "Hero 2"]


def test_regions_that_name_no_object(painted: bpy.types.Scene) -> None:
    region = _region(painted, None, "Hero")
    assert "'Hero' names no object" in _error(painted).message
    region.object = bpy.data.objects["Sun"]
    assert "light" in _error(painted).message
    region.object = bpy.data.objects["Camera"]
    assert "camera" in _error(painted).message
    region.target_type = "COLLECTION"
    assert "'Hero' names no object" in _error(painted).message
    empty = region.collection = _collection("Nothing", painted.collection)
    assert "'Nothing'" in _error(painted).message
    assert "empty" in _error(painted).message
    empty.objects.link(bpy.data.objects["Sun"])
    assert "no object with a surface" in _error(painted).message
    region.target_type, region.object = "OBJECT", _instance("Empty", empty, painted.collection)
    assert "no object with a surface" in _error(painted).message
    region.enabled = False
    assert _read(painted).settings["regions"] == []


def test_a_deleted_object(painted: bpy.types.Scene) -> None:
    cube = bpy.data.objects["Cube"]
    region = _region(painted, cube, "Hero")
    with bpy.context.temp_override(selected_objects=[cube]):
        bpy.ops.object.delete()  # what the artist does: the region still holds the object's data
    assert region.object is not None
    assert "has been deleted" in _error(painted).message
    bpy.data.objects.remove(cube)
    assert region.object is None
    assert "names no object" in _error(painted).message


@pytest.mark.parametrize("how", ["object", "collection", "excluded"])
def test_hidden_objects_are_said(painted: bpy.types.Scene, how: str) -> None:
    extras = _collection("Extras", painted.collection)
    item = _cube("Extra", extras)
    _region(painted, item, "Hero")
    assert _read(painted).notes == ()
    if how == "object":
        item.hide_render = True
    elif how == "collection":
        extras.hide_render = True
    else:
        painted.view_layers[0].layer_collection.children["Extras"].exclude = True
    looks = _read(painted)
    assert looks.settings["regions"][0]["objects"] == ["Extra"]
    assert len(looks.notes) == 1
    assert "hidden from the render" in looks.notes[0]
    _instance("Empty", extras, painted.collection)
    if how == "excluded":
        assert _read(painted).notes == ()
    assert read_looks(painted, Request(), FRAMES, renders=False).notes == ()  # the files may show it


def test_an_object_that_appears_later_is_not_hidden(painted: bpy.types.Scene) -> None:
    cube = bpy.data.objects["Cube"]
    cube.hide_render = True
    cube.keyframe_insert("hide_render", frame=1)
    _region(painted, cube, "Hero")
    assert _read(painted).notes == ()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"profile": "CUSTOM", **dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 0.0)}, "bad_weights"),
        ({"style": "/nowhere/none.png"}, "missing_style"),
    ],
)
def test_looks_that_make_no_sense(painted: bpy.types.Scene, values: dict, code: str) -> None:
    _region(painted, bpy.data.objects["Cube"], "Hero", **values)
    assert _error(painted).code == code
    painted.lwsw.regions[0].look = "ALONE"  # then none of it matters
    assert _read(painted).settings["regions"] == [{"name": "Hero", "objects": ["Cube"], "strength": 0.0}]


def test_a_script_describes_regions(painted: bpy.types.Scene, tmp_path: Path) -> None:
    _region(painted, bpy.data.objects["Sun"], "Not asked for")
    extras = _collection("Extras", painted.collection)
    _cube("Extra*", extras)
    wave = helpers.write_painting(tmp_path / "wave.png")
    looks = _read(
        painted,
        [
            {"collection": "Extras", "objects": "Cube", "profile": "FINE_GRAIN", "style_weights": {wave: [0, 1], painted.lwsw.style: 1}},
            {"name": "Ground", "objects": ["Pl?ne"], "layer_weights": {"relu4_3": [1, 2]}, "strength": 0.5, "color": "histogram"},
            {"objects": ["Plane"], "content_weight": 2, "frequency_exponent": 0.5},
        ],
    )
    assert looks.settings["regions"] == [
        {
            "name": "Extras",
            "objects": ["Cube", "Extra*"],
            "profile": "fine-grain",
            "layer_weights": {"relu1_1": 1.0, "relu2_1": 3.0, "relu3_1": 2.0, "relu4_1": 0.0, "relu5_1": 0.0},
            "content_weight": 2.5,
            "style_weights": {"wave.png": [0, 1], "painting_one.png": 1},
        },
        {"name": "Ground", "objects": ["Pl?ne"], "profile": "custom", "layer_weights": {"relu4_3": [1, 2]}, "strength": 0.5}
        | {"color": "histogram"},
        {"name": "Region", "objects": ["Plane"], "content_weight": 2, "frequency_exponent": 0.5},
    ]
    assert _read(painted, []).settings["regions"] == []


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ({}, "names no object"),
        ({"objects": []}, "names no object"),
        ({"objects": ["Sun"]}, "light"),
        ({"objects": ["Cubes"]}, "no object 'Cubes'"),
        ({"objects": ["Z*"]}, "no object 'Z*'"),
        ({"collection": "None"}, "no collection 'None'"),
        ({"objects": ["Cube"], "style": "wave.png"}, "'style'"),
        ({"objects": ["Cube"], "profile": "cubist"}, "'cubist'"),
        ({"objects": ["Cube"], "profile": "custom"}, "layer weights"),
        ({"objects": ["Cube"], "strength": [1]}, "1 values for 2 frames"),
        ({"objects": ["Cube"], "layer_weights": {"relu1_1": [1, 0]}}, "frame 2"),
        ({"objects": ["Cube"], "color": "sepia"}, "'sepia'"),
        ({"objects": ["Cube"], "frequency_exponent": -1}, "frequency exponent"),
    ],
)
def test_regions_of_a_script_that_make_no_sense(painted: bpy.types.Scene, region: dict, said: str) -> None:
    assert said in _error(painted, [{"name": "Hero", **region}]).message


def test_rendered_files_need_the_pass(painted: bpy.types.Scene, tmp_path: Path) -> None:
    helpers.write_png(tmp_path / "frames" / "0001.png", helpers.np.zeros((36, 64, 3)))
    files = {"source": "FILES", "pictures": tmp_path / "frames" / "####.png", "output": tmp_path / "out", "frame_end": 1}
    assert not make_plan(painted, Request(**files)).object_masks
    _region(painted, bpy.data.objects["Cube"], "Hero")
    with pytest.raises(LwswError) as caught:
        make_plan(painted, Request(**files))
    assert caught.value.code == "missing_pass"
    assert "Render" in caught.value.hint
    files["passes"] = tmp_path / "passes" / "####.exr"
    for masks in (False, True):
        renderer = Renderer(painted, [1], tmp_path, interactive=False, object_masks=masks)
        renderer.begin()
        renderer.step()
        renderer.end()
        if masks:
            assert make_plan(painted, Request(**files)).object_masks
        else:
            with pytest.raises(LwswError) as caught:
                make_plan(painted, Request(**files))
            assert caught.value.code == "missing_pass"
            assert "Cryptomatte" in caught.value.message


def test_what_a_region_consists_of_is_known_without_a_render(painted: bpy.types.Scene) -> None:
    cube = bpy.data.objects["Cube"]
    assert contents_of(cube, "Hero", None).names == ("Cube",)
    assert contents_of(cube, "Hero", {"Plane"}).note
    assert not contents_of(cube, "Hero", {"Cube"}).note
