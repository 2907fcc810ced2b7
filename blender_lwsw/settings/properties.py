"""Every setting of a scene, in one group: ``scene.lwsw``. Numbers can be keyframed and driven."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
import contextlib
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from .. import compat
from ..source import passes
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
from .quality import CUSTOM_QUALITY, DEFAULT_QUALITY, QUALITIES, share_of_width

#: What a region's profile and colour are called when they are the scene's.
AS_SCENE = "AS_SCENE"


def profile_identifier(name: str) -> str:
    """Return the enum identifier of a profile: ``fine-grain`` is ``FINE_GRAIN`` in Blender."""
    return name.upper().replace("-", "_")


def profile_name(identifier: str) -> str:
    """Return the name of a profile as the backend knows it."""
    return identifier.lower().replace("_", "-")


_PROFILE_ITEMS = [
    (
        profile_identifier("fine-grain"),
        "Fine-Grain",
        "The painting's grain and small marks; shapes stay as rendered. For faces, products, text",
    ),
    (profile_identifier("balanced"), "Balanced", "Every scale of the painting has the same influence. The place to begin"),
    (
        profile_identifier("abstract"),
        "Abstract",
        "Large, coherent strokes; shapes follow the painting. For landscapes, dreams, backgrounds",
    ),
    (profile_identifier(CUSTOM), "Custom", "Your own balance of the sliders; save it as a preset to use it elsewhere"),
]

_COLOR_ITEMS = [
    ("PAINTING", "Painting", "The painting's colours. The usual choice, and the most painterly"),
    ("LUMINANCE", "Source by Luminance", "The render keeps its colours; only light and dark are painted. For characters and brands"),
    ("HISTOGRAM", "Recoloured Painting", "The painting is recoloured to the render before it is used: its strokes, in the render's mood"),
]

#: While a profile fills in the sliders, they must not answer by switching to Custom.
_filling_in = False


def _profile_changed(settings: Any, _context: Any) -> None:
    profile = PROFILES.get(profile_name(settings.profile))
    if profile is None or _filling_in:
        return
    with filling_in():
        for layer, weight in zip(MAIN_LAYERS, profile.weights, strict=True):
            setattr(settings, layer, weight)
        settings.content_weight = profile.content_weight
        if isinstance(settings, LwswSettings):
            for layer in ADVANCED_LAYERS:
                setattr(settings, layer, 0.0)
            settings.automatic_stroke_size = True


@contextlib.contextmanager
def filling_in() -> Iterator[None]:
    """Set values inside of this without the profile or the quality answering by switching to Custom, or by setting others."""
    global _filling_in
    before, _filling_in = _filling_in, True
    try:
        yield
    finally:
        _filling_in = before


def _quality_changed(settings: Any, _context: Any) -> None:
    quality = QUALITIES.get(settings.quality)
    if quality is None or _filling_in:
        return
    with filling_in():
        settings.iterations, settings.first_iterations = quality.iterations, quality.first_iterations
        settings.width = share_of_width(quality, passes.render_size(settings.id_data)[0])


def _pace_changed(settings: Any, _context: Any) -> None:
    if not _filling_in and settings.quality != CUSTOM_QUALITY:
        settings.quality = CUSTOM_QUALITY


def _slider_moved(settings: Any, _context: Any) -> None:
    if not _filling_in and settings.profile != profile_identifier(CUSTOM):
        settings.profile = profile_identifier(CUSTOM)


#: What each slider does to the picture.
_LAYER_LESSONS = {
    "relu1_1": "Pigment, canvas, single hairs of the brush. Raise it for the grain of paper; too much looks like noise",
    "relu2_1": "Short marks, hatching, the edge of a dab. Raise it for drawings and prints; shapes stay as rendered",
    "relu3_1": "How long strokes are and where they go. Start here when a picture should look painted",
    "relu4_1": "How the painting bends and simplifies forms: leaves, waves, folds. High values change what was rendered",
    "relu5_1": "The painting's large movements and motifs. High values let them appear where nothing like them was rendered",
}


def _layer_weight(layer: str) -> Any:
    main = layer in MAIN_LAYERS
    return FloatProperty(
        name=LAYER_LABELS[MAIN_LAYERS.index(layer)] if main else layer,
        description=_LAYER_LESSONS.get(layer, "A scale between two of the sliders. Usually 0; raise it where they are too coarse a choice")
        + f". {layer} sees {RECEPTIVE_FIELDS[layer]} pixels of the stylized frame; 0 is off, equal sliders have equal influence",
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
        description="How strongly shapes and objects stay as rendered. Raise it when faces or text get lost, lower it when the picture "
        "looks like a render with texture. 1 is usual, 0.2 lets the painting rule",
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
        description="How far the picture is taken towards the painting. 0 leaves it as rendered, 0.5 is a hint, 1 is usual; beyond 2 "
        "little of the render is left. Keyframe it to let a shot turn into a painting",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=100.0,
        step=5,
        precision=2,
    )


class LwswPainting(bpy.types.PropertyGroup):
    """A painting that is blended with the main one."""

    path: _painting("A painting that is blended with the main one: its strokes and colours mix with the others', by its share")
    weight: _share(
        "Share", "How much this painting counts beside the others; only the ratio matters. Keyframe it to go from one to another"
    )


class LwswRegion(_Look, bpy.types.PropertyGroup):
    """Objects with a look of their own. ``name`` is what the list shows."""

    enabled: BoolProperty(
        name="Enabled", description="Paint these objects apart; turned off, they look like the rest", default=True, options=set()
    )
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
        description="Which scale of the painting speaks: a balance of the five sliders to start from. Moving one makes it Custom",
        items=[(AS_SCENE, "As the Scene", "The scene's weights"), *_PROFILE_ITEMS],
        default=AS_SCENE,
        options=set(),
        update=_profile_changed,
    )
    color: EnumProperty(
        name="Colour",
        description="Whose colours these objects have",
        items=[(AS_SCENE, "As the Scene", "The scene's choice"), *_COLOR_ITEMS],
        default=AS_SCENE,
        options=set(),
    )


class LwswSettings(_Look, bpy.types.PropertyGroup):
    """Settings of one scene."""

    style: _painting(
        "The painting whose style the animation takes on: a photo or scan, JPEG or PNG, best about as large as the frames. Crop away "
        "frames and walls, for they would be painted too"
    )
    style_weight: _share("Share of the Main Painting", "How much it counts beside the others; only the ratio matters. Keyframe it to fade")
    extra_styles: CollectionProperty(name="Other Paintings", description="Paintings that are blended with the main one", type=LwswPainting)
    extra_style_index: IntProperty(name="Other Painting", min=0, options=set())
    regions: CollectionProperty(name="Regions", description="Objects with a look of their own, the most important first", type=LwswRegion)
    region_index: IntProperty(name="Region", min=0, options=set())
    profile: EnumProperty(
        name="Profile",
        description="Which scale of the painting speaks: a balance of the five sliders to start from. Moving one makes it Custom",
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
    color: EnumProperty(name="Colour", description="Whose colours the result has", items=_COLOR_ITEMS, default="PAINTING", options=set())
    automatic_stroke_size: BoolProperty(
        name="Stroke Size Follows the Weights",
        description="Weights on large structures paint with large strokes, weights on grain with single pixels. Turn it off to set that "
        "yourself",
        default=True,
        options=set(),
    )
    frequency_exponent: FloatProperty(
        name="Stroke Size",
        description="How coherent strokes are: 0 lets every pixel change by itself, which is crisp and can be noisy; 1 paints in large "
        "soft strokes. Balanced is about 0.5",
        default=0.5,
        min=0.0,
        soft_max=1.0,
        max=2.0,
        step=5,
        precision=2,
    )
    content_layers: EnumProperty(
        name="Content Layers",
        description="Where Keep Content looks: shallow layers keep pixels and edges, deep ones only keep what things are. relu4_2 is "
        "usual; relu3_1 stays closer to the render and is twice as fast without deep weights",
        items=[
            (layer, layer, f"Keeps structures of {RECEPTIVE_FIELDS[layer]} pixels", 1 << number) for number, layer in enumerate(LAYER_NAMES)
        ],
        default={DEFAULT_CONTENT_LAYER},
        options={"ENUM_FLAG"},
    )
    normalization: EnumProperty(
        name="Normalization",
        description="What makes the weights of different layers comparable. Change it only to repeat published results",
        items=[
            ("CALIBRATED", "Calibrated", "Equal weights have equal influence, measured at the first frame of the shot"),
            ("GATYS", "Gatys", "The formula of Gatys, Ecker and Bethge as published; layers differ by orders of magnitude"),
        ],
        default="CALIBRATED",
        options=set(),
    )
    temporal_weight: FloatProperty(
        name="Steadiness",
        description="How firmly strokes stick to surfaces from frame to frame. 1 is usual; raise it where the painting shimmers, lower "
        "it where strokes should live. At 0 they drift",
        default=1.0,
        min=0.0,
        soft_max=10.0,
        max=1000.0,
        step=5,
        precision=2,
    )
    cuts: EnumProperty(
        name="Cuts",
        description="Where a new shot begins: no stroke is carried across a cut, and the first frame after it takes longer",
        items=[
            ("AUTO", "Found Automatically", "Where a marker changes the camera, a strip follows another, or the pictures show it"),
            ("MARKERS", "Camera Markers", "Only where a marker changes the camera, or a strip follows another"),
            ("NONE", "None", "All frames are one shot"),
        ],
        default="AUTO",
        options=set(),
    )
    motion_blur: EnumProperty(
        name="Motion Blur",
        description="What happens where the render has motion blur, with which Blender leaves the Vector pass empty",
        items=[
            ("REFUSE", "Refuse", "Say so before anything is rendered"),
            (
                "APART",
                "Vectors Apart",
                "Keep the blur in the pictures, and render the motion a second time without it: one sample, a fraction of a frame's time",
            ),
        ],
        default="REFUSE",
        options=set(),
    )
    second_pass: EnumProperty(
        name="Second Pass",
        description="Whether frames are painted again, now that the whole shot is known. Takes up to twice the time, and results come late",
        items=[
            ("NONE", "None", "Every frame is painted once"),
            ("BACKWARD", "Backward", "From the last frame to the first: what has just come into view already looks as it will later"),
            ("LOOP", "Loop", "From the first frame on, after the last: an animation that repeats has no seam"),
        ],
        default="NONE",
        options=set(),
    )
    quality: EnumProperty(
        name="Quality",
        description="How much work goes into each frame. Look for a look in Draft or Preview, render the night's job in Final; changing "
        "the width or the iterations makes it Custom",
        items=[
            *((identifier, quality.label, quality.description) for identifier, quality in QUALITIES.items()),
            (CUSTOM_QUALITY, "Custom", "Your own width and iterations"),
        ],
        default=DEFAULT_QUALITY,
        options=set(),
        update=_quality_changed,
    )
    iterations: IntProperty(
        name="Iterations",
        description="Steps for each frame after the first, which begins with the strokes of the one before. 20 is usual; time grows "
        "with it",
        default=QUALITIES[DEFAULT_QUALITY].iterations,
        min=1,
        soft_max=200,
        max=100_000,
        options=set(),
        update=_pace_changed,
    )
    first_iterations: IntProperty(
        name="First Frame",
        description="Steps for the first frame of a shot, where every stroke is found. 240 is usual; too few look like a half-finished "
        "painting",
        default=QUALITIES[DEFAULT_QUALITY].first_iterations,
        min=1,
        soft_max=1000,
        max=100_000,
        options=set(),
        update=_pace_changed,
    )
    width: IntProperty(
        name="Width",
        description="Width at which frames are painted; 0 is the width of the render. Half of it takes a quarter of the time, and "
        "strokes look twice as large",
        default=0,
        min=0,
        soft_max=4096,
        max=65536,
        subtype="PIXEL",
        options=set(),
        update=_pace_changed,
    )
    seed: IntProperty(
        name="Seed",
        description="Another seed lays the strokes differently; the same one gives the same picture again",
        default=0,
        min=0,
        options=set(),
    )
    preview_width: IntProperty(
        name="Preview Width",
        description="Width of the preview. Half of it is four times as fast",
        default=256,
        min=64,
        soft_max=1024,
        max=2048,
        subtype="PIXEL",
        options=set(),
    )
    explore: EnumProperty(
        name="Variations",
        description="What the sheet of variations shows",
        items=[
            ("PROFILES", "Profiles", "Each profile at half, at the present and at twice the strength"),
            ("RANDOM", "Around the Present Look", "The present sliders in the middle, eight random balances around them"),
        ],
        default="PROFILES",
        options=set(),
    )
    explore_seed: IntProperty(name="Seed", description="Another seed gives other variations", default=0, min=0, options=set())
    explore_amount: FloatProperty(
        name="Spread",
        description="How far the variations go from the present look",
        default=0.5,
        min=0.0,
        max=1.0,
        precision=2,
        options=set(),
    )
    source: EnumProperty(
        name="Source",
        description="Where the frames come from. Rendering gives the steadiest result, for Blender then says where every surface moves",
        items=[
            ("RENDER", "Render", "Render the scene's frame range now, with the passes it takes"),
            ("FILES", "Files", "Use frames that are already rendered"),
            ("SEQUENCER", "Sequencer", "Use what the sequencer shows, such as a movie; its motion is estimated"),
        ],
        default="RENDER",
        options=set(),
    )
    paint_while_rendering: BoolProperty(
        name="Paint While Rendering",
        description="Paint each frame as soon as it is rendered. The first paintings appear soon, so that you can stop early if the look "
        "is wrong. They are the same either way. Render and painting share the machine, and the graphics memory must hold both",
        default=False,
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
    render_passes: BoolProperty(
        name="Render the Passes Now",
        description="Render Vector and Depth for these pictures from this scene, one sample a frame, instead of estimating the motion",
        default=False,
        options=set(),
    )
    stylize_after_render: BoolProperty(
        name="Stylize After Render Animation",
        description="When Render Animation (Ctrl F12) is done, render the passes of its frames, one sample each, and stylize its pictures",
        default=False,
        options=set(),
    )
    output: StringProperty(
        name="Output",
        description="Folder of the stylized frames, 0001.png and so on; its subfolder 'source' holds the render. '//' is the folder of "
        "this file",
        default="//lwsw/",
        subtype="DIR_PATH",
        options=compat.path_options(),
    )
    add_source_strip: BoolProperty(
        name="Add the Source",
        description="Also put the rendered frames into the sequencer, below the painting, to compare them; unless it shows them already",
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
