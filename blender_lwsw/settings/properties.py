"""Every setting of a scene, in one group: ``scene.lwsw``. Numbers can be keyframed and driven."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from .. import compat
from .profiles import (
    ADVANCED_LAYERS,
    CUSTOM,
    DEFAULT_CONTENT_LAYER,
    DEFAULT_PROFILE,
    LAYER_LABELS,
    LAYER_NAMES,
    MAIN_LAYERS,
    PROFILES,
    RECEPTIVE_FIELDS,
)

#: What a region's profile and colour are called when they are the scene's.
AS_SCENE = "AS_SCENE"


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

_COLOR_ITEMS = [
    ("PAINTING", "Painting", "The painting's colours"),
    ("LUMINANCE", "Source by Luminance", "The render keeps its colours; light and dark are the painting's"),
    ("HISTOGRAM", "Recoloured Painting", "The painting is recoloured to the render's colours before it is used"),
]

#: While a profile fills in the sliders, they must not answer by switching to Custom.
_filling_in = False


def _profile_changed(settings: Any, _context: Any) -> None:
    global _filling_in
    profile = PROFILES.get(profile_name(settings.profile))
    if profile is None:
        return
    _filling_in = True
    try:
        for layer, weight in zip(MAIN_LAYERS, profile.weights, strict=True):
            setattr(settings, layer, weight)
        settings.content_weight = profile.content_weight
        if isinstance(settings, LwswSettings):
            for layer in ADVANCED_LAYERS:
                setattr(settings, layer, 0.0)
            settings.automatic_stroke_size = True
    finally:
        _filling_in = False


def _slider_moved(settings: Any, _context: Any) -> None:
    if not _filling_in and settings.profile != profile_identifier(CUSTOM):
        settings.profile = profile_identifier(CUSTOM)


def _layer_weight(layer: str) -> Any:
    main = layer in MAIN_LAYERS
    return FloatProperty(
        name=LAYER_LABELS[MAIN_LAYERS.index(layer)] if main else layer,
        description=f"Influence of {layer}, which sees structures of {RECEPTIVE_FIELDS[layer]} pixels of the stylized frame",
        default=PROFILES[DEFAULT_PROFILE].weights[MAIN_LAYERS.index(layer)] if main else 0.0,
        min=0.0,
        soft_max=4.0,
        max=1000.0,
        step=5,
        precision=2,
        update=_slider_moved,
    )


def _share(name: str, description: str) -> Any:
    return FloatProperty(name=name, description=description, default=1.0, min=0.0, soft_max=1.0, max=1000.0, step=5, precision=2)


def _painting(description: str) -> Any:
    return StringProperty(name="Painting", description=description, subtype="FILE_PATH", options=compat.path_options())


class _Look:
    """What a scene and a region have in common."""

    relu1_1: _layer_weight("relu1_1")
    relu2_1: _layer_weight("relu2_1")
    relu3_1: _layer_weight("relu3_1")
    relu4_1: _layer_weight("relu4_1")
    relu5_1: _layer_weight("relu5_1")
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
    strength: FloatProperty(
        name="Strength",
        description="How far the picture is taken: 0 leaves it as rendered, 1 is the usual strength",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=100.0,
        step=5,
        precision=2,
    )


class LwswPainting(bpy.types.PropertyGroup):
    """A painting that is blended with the main one."""

    path: _painting("A painting that is blended with the main one")
    weight: _share("Share", "How much this painting counts beside the others")


class LwswRegion(_Look, bpy.types.PropertyGroup):
    """Objects with a look of their own. ``name`` is what the list shows."""

    enabled: BoolProperty(name="Enabled", description="Take this region into account", default=True, options=set())
    target_type: EnumProperty(
        name="Target",
        description="What the region consists of",
        items=[
            ("OBJECT", "Object", "One object; an empty that shows a collection stands for the collection's objects"),
            ("COLLECTION", "Collection", "All objects of a collection and of the collections inside it"),
        ],
        default="OBJECT",
        options=set(),
    )
    object: PointerProperty(name="Object", description="The object that has a look of its own", type=bpy.types.Object)
    collection: PointerProperty(name="Collection", description="The objects that have a look of their own", type=bpy.types.Collection)
    look: EnumProperty(
        name="Look",
        description="What becomes of these objects",
        items=[
            ("OWN", "Own Look", "Painting, weights, strength and colour of their own"),
            ("ALONE", "Leave Alone", "They stay as rendered"),
        ],
        default="OWN",
        options=set(),
    )
    style: _painting("The painting of these objects; empty for the scene's")
    profile: EnumProperty(
        name="Profile",
        description="A balance of the five sliders; moving one makes it Custom",
        items=[(AS_SCENE, "As the Scene", "The scene's weights"), *_PROFILE_ITEMS],
        default=AS_SCENE,
        options=set(),
        update=_profile_changed,
    )
    color: EnumProperty(
        name="Colour",
        description="Where the colours come from",
        items=[(AS_SCENE, "As the Scene", "The scene's choice"), *_COLOR_ITEMS],
        default=AS_SCENE,
        options=set(),
    )


class LwswSettings(_Look, bpy.types.PropertyGroup):
    """Settings of one scene."""

    style: _painting("The painting whose style the animation takes on")
    style_weight: _share("Share", "How much the main painting counts beside the others")
    extra_styles: CollectionProperty(name="Other Paintings", description="Paintings that are blended with the main one", type=LwswPainting)
    extra_style_index: IntProperty(name="Other Painting", min=0, options=set())
    regions: CollectionProperty(name="Regions", description="Objects with a look of their own, the most important first", type=LwswRegion)
    region_index: IntProperty(name="Region", min=0, options=set())
    profile: EnumProperty(
        name="Profile",
        description="A balance of the five sliders; moving one makes it Custom",
        items=_PROFILE_ITEMS,
        default=profile_identifier(DEFAULT_PROFILE),
        options=set(),
        update=_profile_changed,
    )
    relu1_2: _layer_weight("relu1_2")
    relu2_2: _layer_weight("relu2_2")
    relu3_2: _layer_weight("relu3_2")
    relu3_3: _layer_weight("relu3_3")
    relu3_4: _layer_weight("relu3_4")
    relu4_2: _layer_weight("relu4_2")
    relu4_3: _layer_weight("relu4_3")
    relu4_4: _layer_weight("relu4_4")
    relu5_2: _layer_weight("relu5_2")
    relu5_3: _layer_weight("relu5_3")
    relu5_4: _layer_weight("relu5_4")
    color: EnumProperty(name="Colour", description="Where the colours come from", items=_COLOR_ITEMS, default="PAINTING", options=set())
    automatic_stroke_size: BoolProperty(
        name="Stroke Size Follows the Weights",
        description="Deeper weights paint with larger strokes; turn off to set the stroke size yourself",
        default=True,
        options=set(),
    )
    frequency_exponent: FloatProperty(
        name="Stroke Size",
        description="0 lets every pixel change by itself, 1 prefers large coherent strokes",
        default=0.5,
        min=0.0,
        soft_max=1.0,
        max=2.0,
        step=5,
        precision=2,
    )
    content_layers: EnumProperty(
        name="Content Layers",
        description="Layers that compare the picture with the render: shallow ones keep pixels, deep ones keep shapes",
        items=[
            (layer, layer, f"Keeps structures of {RECEPTIVE_FIELDS[layer]} pixels", 1 << number) for number, layer in enumerate(LAYER_NAMES)
        ],
        default={DEFAULT_CONTENT_LAYER},
        options={"ENUM_FLAG"},
    )
    normalization: EnumProperty(
        name="Normalization",
        description="What makes the weights of different layers comparable",
        items=[
            ("CALIBRATED", "Calibrated", "Equal weights have equal influence, measured at the first frame of the shot"),
            ("GATYS", "Gatys", "The formula of Gatys, Ecker and Bethge as published; layers differ by orders of magnitude"),
        ],
        default="CALIBRATED",
        options=set(),
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
    cuts: EnumProperty(
        name="Cuts",
        description="Where a new shot begins, which is painted anew",
        items=[
            ("AUTO", "Found Automatically", "Where a marker changes the camera, a strip follows another, or the pictures show it"),
            ("MARKERS", "Camera Markers", "Only where a marker changes the camera, or a strip follows another"),
            ("NONE", "None", "All frames are one shot"),
        ],
        default="AUTO",
        options=set(),
    )
    second_pass: EnumProperty(
        name="Second Pass",
        description="Whether frames are painted again, knowing the whole shot; takes up to twice the time",
        items=[
            ("NONE", "None", "Every frame is painted once"),
            ("BACKWARD", "Backward", "From the last frame to the first: what has just come into view already looks as it will later"),
            ("LOOP", "Loop", "From the first frame on, after the last: an animation that repeats has no seam"),
        ],
        default="NONE",
        options=set(),
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
            ("SEQUENCER", "Sequencer", "Use what the sequencer shows, such as a movie; its motion is estimated"),
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


_CLASSES = (LwswPainting, LwswRegion, LwswSettings)  # what a collection holds must be there first


def register() -> None:
    """Add ``scene.lwsw``."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.lwsw = PointerProperty(type=LwswSettings, name="LWSW")


def unregister() -> None:
    """Remove ``scene.lwsw``."""
    del bpy.types.Scene.lwsw
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
