"""Lists of paintings and regions: keyframes and drivers stay with their entry, whatever is moved or removed."""

from __future__ import annotations

from typing import Any

import bpy
import pytest

from blender_lwsw.compat import fcurves
from blender_lwsw.settings.animation import values_over


def _paths(scene: bpy.types.Scene) -> list[str]:
    return [curve.data_path for curve in fcurves(scene)] + [driver.data_path for driver in scene.animation_data.drivers]


def _regions(scene: bpy.types.Scene, count: int) -> Any:
    for number in range(count):
        bpy.ops.lwsw.add_region()
        scene.lwsw.regions[number].name = f"{number}"
    return scene.lwsw.regions


def test_a_new_region_starts_with_the_active_object(scene: bpy.types.Scene) -> None:
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.lwsw.add_region()
    region = scene.lwsw.regions[0]
    assert (region.name, region.object, region.enabled) == ("Cube", bpy.data.objects["Cube"], True)
    bpy.context.view_layer.objects.active = bpy.data.objects["Camera"]
    bpy.ops.lwsw.add_region()
    assert (scene.lwsw.regions[1].name, scene.lwsw.regions[1].object) == ("Region 2", None)
    assert scene.lwsw.region_index == 1


def test_moving_a_region_takes_its_animation_along() -> None:
    scene = bpy.context.scene
    regions = _regions(scene, 3)
    regions[1].strength = 0.25
    regions[1].keyframe_insert("strength", frame=1)
    regions[2].strength = 0.75
    regions[2].keyframe_insert("strength", frame=1)
    regions[2].driver_add("relu1_1").driver.expression = "2.5"
    scene.lwsw.keyframe_insert("relu1_1", frame=1)
    scene.lwsw.region_index = 2
    assert bpy.ops.lwsw.move_region(direction="UP") == {"FINISHED"}
    assert [region.name for region in regions] == ["0", "2", "1"]
    assert scene.lwsw.region_index == 1
    assert sorted(_paths(scene)) == [
        "lwsw.regions[1].relu1_1",
        "lwsw.regions[1].strength",
        "lwsw.regions[2].strength",
        "lwsw.relu1_1",
    ]
    values = values_over(scene, ["lwsw.regions[1].strength", "lwsw.regions[2].strength", "lwsw.regions[1].relu1_1"], [1, 2])
    assert list(values.values()) == [0.75, 0.25, 2.5]
    scene.lwsw.region_index = 0
    assert bpy.ops.lwsw.move_region(direction="UP") == {"CANCELLED"}
    scene.lwsw.region_index = 2
    assert bpy.ops.lwsw.move_region(direction="DOWN") == {"CANCELLED"}
    assert [region.name for region in regions] == ["0", "2", "1"]


def test_removing_a_region_removes_its_animation_only() -> None:
    scene = bpy.context.scene
    regions = _regions(scene, 12)
    for number in (1, 2, 11):
        regions[number].keyframe_insert("strength", frame=1)
    regions[1].driver_add("relu1_1")
    scene.lwsw.region_index = 1
    bpy.ops.lwsw.remove_region()
    assert [region.name for region in regions] == ["0", *(f"{number}" for number in range(2, 12))]
    assert set(_paths(scene)) == {"lwsw.regions[1].strength", "lwsw.regions[10].strength"}
    assert scene.lwsw.region_index == 1


def test_paintings_are_added_and_removed() -> None:
    scene = bpy.context.scene
    settings = scene.lwsw
    for name in ("a", "b", "c"):
        bpy.ops.lwsw.add_style(filepath=f"/pictures/{name}.png")
    for item in settings.extra_styles:
        item.keyframe_insert("weight", frame=1)
    assert settings.extra_style_index == 2
    bpy.ops.lwsw.remove_style()
    assert [item.path for item in settings.extra_styles] == ["/pictures/a.png", "/pictures/b.png"]
    assert settings.extra_style_index == 1
    settings.extra_style_index = 0
    bpy.ops.lwsw.remove_style()
    assert [item.path for item in settings.extra_styles] == ["/pictures/b.png"]
    assert _paths(scene) == ["lwsw.extra_styles[0].weight"]
    bpy.ops.lwsw.remove_style()
    assert not settings.extra_styles
    assert _paths(scene) == []


@pytest.mark.parametrize("name", ["remove_style", "remove_region", "move_region"])
def test_an_empty_list_has_nothing_to_change(name: str) -> None:
    assert not getattr(bpy.ops.lwsw, name).poll()


def test_undo_brings_a_region_back(scene: bpy.types.Scene) -> None:
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.lwsw.add_region()
    bpy.context.scene.lwsw.regions[0].keyframe_insert("strength", frame=1)
    bpy.ops.ed.undo_push(message="added")
    bpy.ops.lwsw.remove_region()
    bpy.ops.ed.undo_push(message="removed")
    assert not bpy.context.scene.lwsw.regions
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert scene.lwsw.regions[0].object == bpy.data.objects["Cube"]
    assert _paths(scene)[-1] == "lwsw.regions[0].strength"
