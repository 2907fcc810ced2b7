"""The profiles of the extension and of the backend are the same; choosing one moves the sliders."""

from __future__ import annotations

import ast
from pathlib import Path

import bpy
import pytest

from blender_lwsw import profiles

BACKEND = Path(__file__).resolve().parents[2] / "backend" / "lwsw" / "profiles.py"


def _assigned(name: str) -> ast.expr:
    for node in ast.parse(BACKEND.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name and node.value:
            return node.value
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
            return node.value
    raise AssertionError(f"{name} is not in {BACKEND}")


def test_profiles_are_those_of_the_backend() -> None:
    table = _assigned("PROFILES")
    assert isinstance(table, ast.Dict)
    theirs = {}
    for key, call in zip(table.keys, table.values, strict=True):
        assert isinstance(call, ast.Call)
        assert not call.keywords
        theirs[ast.literal_eval(key)] = tuple(ast.literal_eval(argument) for argument in call.args)
    assert theirs == {name: tuple(profile) for name, profile in profiles.PROFILES.items()}
    assert ast.literal_eval(_assigned("DEFAULT_PROFILE")) == profiles.DEFAULT_PROFILE
    assert ast.literal_eval(_assigned("MAIN_LAYERS")) == profiles.MAIN_LAYERS


def test_receptive_fields_follow_from_the_network() -> None:
    sizes, size, stride = [], 1, 1
    for block, convolutions in enumerate((2, 2, 4, 4, 4)):
        size += stride if block else 0  # the pooling in front: a step of the block before
        stride = 2**block
        sizes.append(size + 2 * stride)
        size += 2 * stride * convolutions
    assert tuple(sizes) == profiles.RECEPTIVE_FIELDS


def test_structure_sizes_are_scaled_to_the_render() -> None:
    assert profiles.structure_sizes(1920, 0) == profiles.RECEPTIVE_FIELDS
    assert profiles.structure_sizes(1920, 960) == (6, 20, 48, 136, 312)


@pytest.mark.parametrize("name", list(profiles.PROFILES))
def test_choosing_a_profile_sets_the_sliders(name: str) -> None:
    settings = bpy.context.scene.lwsw
    settings.relu1_1 = 3.3
    assert settings.profile == "CUSTOM"
    settings.profile = name.upper().replace("-", "_")
    profile = profiles.PROFILES[name]
    assert [getattr(settings, layer) for layer in profiles.MAIN_LAYERS] == pytest.approx(profile.weights)
    assert settings.frequency_exponent == pytest.approx(profile.frequency_exponent)
    assert settings.content_weight == pytest.approx(profile.content_weight)
    assert settings.profile == name.upper().replace("-", "_")


@pytest.mark.parametrize("name", [*profiles.MAIN_LAYERS, "content_weight", "frequency_exponent"])
def test_moving_a_slider_makes_it_custom(name: str) -> None:
    settings = bpy.context.scene.lwsw
    settings.profile = "ABSTRACT"
    setattr(settings, name, 1.23)
    assert settings.profile == "CUSTOM"
    assert getattr(settings, name) == pytest.approx(1.23)


def test_a_new_scene_has_the_default_profile() -> None:
    settings = bpy.data.scenes.new("other").lwsw
    assert settings.profile == profiles.DEFAULT_PROFILE.upper()
    assert [getattr(settings, layer) for layer in profiles.MAIN_LAYERS] == pytest.approx(profiles.PROFILES["balanced"].weights)
