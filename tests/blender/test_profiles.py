"""The profiles of the extension and of the backend are the same; choosing one moves the sliders."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import bpy
import pytest

from blender_lwsw.settings import entries, profiles

BACKEND = Path(__file__).resolve().parents[2] / "backend"


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The backend's own module; it needs no torch."""
    monkeypatch.syspath_prepend(str(BACKEND))
    return importlib.import_module("lwsw.profiles")


def test_profiles_are_those_of_the_backend(theirs: Any) -> None:
    table = {name: (item.label, tuple(item.weights), item.content_weight) for name, item in theirs.PROFILES.items()}
    assert table == {name: tuple(profile) for name, profile in profiles.PROFILES.items()}
    assert theirs.DEFAULT_PROFILE == profiles.DEFAULT_PROFILE
    assert theirs.MAIN_LAYERS == profiles.MAIN_LAYERS
    assert theirs.LAYER_NAMES == profiles.LAYER_NAMES
    assert theirs.COLORS == entries.COLORS
    assert theirs.NORMALIZATIONS == entries.NORMALIZATIONS
    assert theirs.CONTENT_LAYER == profiles.DEFAULT_CONTENT_LAYER


def test_every_layer_can_be_weighted() -> None:
    assert len(profiles.LAYER_NAMES) == 16
    assert {*profiles.MAIN_LAYERS, *profiles.ADVANCED_LAYERS} == set(profiles.LAYER_NAMES)
    settings = bpy.context.scene.lwsw
    for layer in profiles.LAYER_NAMES:
        settings.keyframe_insert(layer, frame=1)
    assert {item.identifier for item in settings.bl_rna.properties["content_layers"].enum_items} == set(profiles.LAYER_NAMES)
    assert settings.content_layers == {"relu4_2"}


def test_receptive_fields_follow_from_the_network() -> None:
    sizes, size, stride = [], 1, 1
    for block, convolutions in enumerate((2, 2, 4, 4, 4)):
        size += stride if block else 0  # the pooling in front: a step of the block before
        stride = 2**block
        for _ in range(convolutions):
            size += 2 * stride
            sizes.append(size)
    assert tuple(sizes) == tuple(profiles.RECEPTIVE_FIELDS.values())
    assert [profiles.RECEPTIVE_FIELDS[layer] for layer in profiles.MAIN_LAYERS] == [3, 10, 24, 68, 156]


def test_structure_sizes_are_scaled_to_the_render() -> None:
    assert profiles.structure_size("relu5_1", 1920, 0) == 156
    assert profiles.structure_size("relu5_1", 1920, 960) == 312


@pytest.mark.parametrize("name", list(profiles.PROFILES))
def test_choosing_a_profile_sets_the_sliders(name: str) -> None:
    settings = bpy.context.scene.lwsw
    settings.relu1_1 = settings.relu4_3 = 3.3
    settings.automatic_stroke_size = False
    assert settings.profile == "CUSTOM"
    settings.profile = name.upper().replace("-", "_")
    profile = profiles.PROFILES[name]
    assert [getattr(settings, layer) for layer in profiles.MAIN_LAYERS] == pytest.approx(profile.weights)
    assert settings.automatic_stroke_size
    assert all(getattr(settings, layer) == 0 for layer in profiles.ADVANCED_LAYERS)
    assert settings.content_weight == pytest.approx(profile.content_weight)
    assert settings.profile == name.upper().replace("-", "_")


@pytest.mark.parametrize("name", [*profiles.LAYER_NAMES, "content_weight"])
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


def test_a_region_has_a_profile_of_its_own_or_the_scenes() -> None:
    settings = bpy.context.scene.lwsw
    region = settings.regions.add()
    assert region.profile == "AS_SCENE"
    region.profile = "ABSTRACT"
    assert [getattr(region, layer) for layer in profiles.MAIN_LAYERS] == pytest.approx(profiles.PROFILES["abstract"].weights)
    region.relu2_1 = 1.23
    assert region.profile == "CUSTOM"
    assert settings.profile == "BALANCED"
    assert settings.relu2_1 == 1.0
    region.profile = "AS_SCENE"
    assert region.relu2_1 == pytest.approx(1.23)
