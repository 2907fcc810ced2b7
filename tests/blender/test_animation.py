"""Settings that change over time are sent as lists, one value per frame."""

from __future__ import annotations

import bpy
import pytest

from blender_lwsw.settings.animation import values_over

FRAMES = [1, 2, 3, 4, 5]
PATHS = ["lwsw.relu1_1", "lwsw.relu2_1", "lwsw.content_weight"]


def _key(scene: bpy.types.Scene, name: str, values: dict[int, float]) -> None:
    for frame, value in values.items():
        setattr(scene.lwsw, name, value)
        scene.lwsw.keyframe_insert(name, frame=frame)
    for layer in scene.animation_data.action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    for point in curve.keyframe_points:
                        point.interpolation = "LINEAR"


def test_constants_are_numbers_as_the_artist_typed_them() -> None:
    scene = bpy.context.scene
    scene.lwsw.relu2_1 = 0.1
    assert values_over(scene, PATHS, FRAMES) == {"lwsw.relu1_1": 1.0, "lwsw.relu2_1": 0.1, "lwsw.content_weight": 1.0}


def test_keyframes_become_one_value_per_frame() -> None:
    scene = bpy.context.scene
    _key(scene, "relu1_1", {1: 0.0, 5: 2.0})
    values = values_over(scene, PATHS, FRAMES)
    assert values["lwsw.relu1_1"] == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert values["lwsw.content_weight"] == 1.0


def test_keys_that_never_change_are_a_number() -> None:
    scene = bpy.context.scene
    _key(scene, "relu1_1", {1: 0.7, 5: 0.7})
    assert values_over(scene, PATHS, FRAMES)["lwsw.relu1_1"] == 0.7


def test_drivers_are_evaluated_and_the_frame_is_put_back() -> None:
    scene = bpy.context.scene
    scene.frame_set(3)
    scene.lwsw.driver_add("relu2_1").driver.expression = "frame / 10"
    _key(scene, "relu1_1", {1: 0.0, 5: 2.0})
    scene.frame_set(3)
    values = values_over(scene, PATHS, FRAMES)
    assert values["lwsw.relu2_1"] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert values["lwsw.relu1_1"] == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert scene.frame_current == 3


def test_nla_strips_are_evaluated() -> None:
    scene = bpy.context.scene
    _key(scene, "relu1_1", {1: 0.0, 5: 2.0})
    animation = scene.animation_data
    action = animation.action
    track = animation.nla_tracks.new()
    track.strips.new("weights", 1, action)
    animation.action = None
    assert values_over(scene, PATHS, FRAMES)["lwsw.relu1_1"] == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_a_muted_curve_counts_as_blender_counts_it() -> None:
    scene = bpy.context.scene
    _key(scene, "relu1_1", {1: 0.0, 5: 2.0})
    scene.frame_set(1)
    for layer in scene.animation_data.action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    curve.mute = True
    scene.lwsw.relu1_1 = 0.25
    assert values_over(scene, PATHS, FRAMES)["lwsw.relu1_1"] == 0.25
