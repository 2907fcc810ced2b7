"""Every setting of a scene, in one group: ``scene.lwsw``. Numbers can be keyframed and driven."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import compat
from .profiles import CUSTOM, DEFAULT_PROFILE, LAYER_LABELS, MAIN_LAYERS, PROFILES, RECEPTIVE_FIELDS


def profile_identifier(name: str) -> str:
    """Return the enum identifier of a profile: ``fine-grain`` is ``FINE_GRAIN`` in Blender."""
    return name.upper().replace("-", "_")


def profile_name(identifier: str) -> str:
    """Return the name of a profile as the backend knows it."""
    return identifier.lower().replace("_", "-")


_PROFILE_ITEMS = [
    (profile_identifier("fine-grain"), "Fine-Grain", "The painting's grain and small marks; shapes stay as rendered"),
    (profile_identifier("balanced"), "Balanced", "Every scale of the painting has the same influence"),
    (profile_identifier("abstract"), "Abstract", "Large, coherent strokes; shapes follow the painting"),
    (profile_identifier(CUSTOM), "Custom", "Your own balance of the sliders"),
]

#: While a profile fills in the sliders, they must not answer by switching to Custom.
_filling_in = False


def _profile_changed(settings: "LwswSettings", _context: Any) -> None:
    global _filling_in
    profile = PROFILES.get(profile_name(settings.profile))
    if profile is None:
        return
    _filling_in = True
    try:
        for layer, weight in zip(MAIN_LAYERS, profile.weights, strict=True):
            setattr(settings, layer, weight)
        settings.frequency_exponent = profile.frequency_exponent
        settings.content_weight = profile.content_weight
    finally:
        _filling_in = False


def _slider_moved(settings: "LwswSettings", _context: Any) -> None:
    if not _filling_in and settings.profile != profile_identifier(CUSTOM):
        settings.profile = profile_identifier(CUSTOM)


def _weight(index: int) -> Any:
    return FloatProperty(
        name=LAYER_LABELS[index],
        description=f"Influence of {MAIN_LAYERS[index]}, which sees structures of {RECEPTIVE_FIELDS[index]} pixels of the stylized frame",
        default=PROFILES[DEFAULT_PROFILE].weights[index],
        min=0.0,
        soft_max=4.0,
        max=1000.0,
        step=5,
        precision=2,
        update=_slider_moved,
    )


class LwswSettings(bpy.types.PropertyGroup):
    """Settings of one scene."""

    style: StringProperty(
        name="Painting",
        description="The painting whose style the animation takes on",
        subtype="FILE_PATH",
        options=compat.path_options(),
    )
    profile: EnumProperty(
        name="Profile",
        description="A balance of the five sliders; moving one makes it Custom",
        items=_PROFILE_ITEMS,
        default=profile_identifier(DEFAULT_PROFILE),
        update=_profile_changed,
    )
    relu1_1: _weight(0)
    relu2_1: _weight(1)
    relu3_1: _weight(2)
    relu4_1: _weight(3)
    relu5_1: _weight(4)
    content_weight: FloatProperty(
        name="Keep Content",
        description="How strongly the picture keeps what was rendered",
        default=PROFILES[DEFAULT_PROFILE].content_weight,
        min=0.0,
        soft_max=10.0,
        max=1000.0,
        step=5,
        precision=2,
        update=_slider_moved,
    )
    frequency_exponent: FloatProperty(
        name="Stroke Size",
        description="0 lets every pixel change by itself, 1 prefers large coherent strokes",
        default=PROFILES[DEFAULT_PROFILE].frequency_exponent,
        min=0.0,
        soft_max=1.0,
        max=2.0,
        step=5,
        precision=2,
        options=set(),
        update=_slider_moved,
    )
    temporal_weight: FloatProperty(
        name="Steadiness",
        description="How strongly a frame keeps the strokes of the frame before it, moved along with the surfaces",
        default=1.0,
        min=0.0,
        soft_max=10.0,
        max=1000.0,
        step=5,
        precision=2,
    )
    iterations: IntProperty(
        name="Iterations",
        description="Optimization steps for each frame after the first",
        default=20,
        min=1,
        soft_max=200,
        max=100_000,
        options=set(),
    )
    first_iterations: IntProperty(
        name="First Frame",
        description="Optimization steps for the first frame",
        default=240,
        min=1,
        soft_max=1000,
        max=100_000,
        options=set(),
    )
    width: IntProperty(
        name="Width",
        description="Width at which frames are stylized; 0 is the width of the render. Smaller is faster",
        default=0,
        min=0,
        soft_max=4096,
        max=65536,
        subtype="PIXEL",
        options=set(),
    )
    seed: IntProperty(name="Seed", description="The same seed gives the same picture on the same device", default=0, min=0, options=set())
    source: EnumProperty(
        name="Source",
        description="Where the frames come from",
        items=[
            ("RENDER", "Render", "Render the scene's frame range now, with the passes it takes"),
            ("FILES", "Files", "Use frames that are already rendered"),
        ],
        default="RENDER",
        options=set(),
    )
    color_pattern: StringProperty(
        name="Colour",
        description="The rendered pictures (PNG), as 'frames/####.png' or any one file; empty to take the colour from the passes",
        subtype="FILE_PATH",
        options=compat.path_options(),
    )
    passes_pattern: StringProperty(
        name="Passes",
        description="The multilayer EXR files with the Vector pass, as 'passes/####.exr' or any one file; empty to estimate the motion",
        subtype="FILE_PATH",
        options=compat.path_options(),
    )
    output: StringProperty(
        name="Output",
        description="Folder of the stylized frames; its subfolder 'source' holds the render",
        default="//lwsw/",
        subtype="DIR_PATH",
        options=compat.path_options(),
    )
    add_source_strip: BoolProperty(
        name="Add the Source",
        description="Put the rendered frames below the painting where the sequencer does not show them yet",
        default=True,
        options=set(),
    )


def register() -> None:
    """Add ``scene.lwsw``."""
    bpy.utils.register_class(LwswSettings)
    bpy.types.Scene.lwsw = PointerProperty(type=LwswSettings, name="LWSW")


def unregister() -> None:
    """Remove ``scene.lwsw``."""
    del bpy.types.Scene.lwsw
    bpy.utils.unregister_class(LwswSettings)
