"""Operators that take away what is in a job's way: the buttons below the sentences of :mod:`.jobs.readiness`."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
import math
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ..results.footage_strip import add_footage
from ..results.result_strips import own_folder
from ..settings.profiles import DEFAULT_PROFILE
from ..settings.properties import profile_identifier
from .list_operators import stored_path
from .mending import Mending, Picking


class LWSW_OT_replace_painting(Picking, bpy.types.Operator):
    """Choose another file for this painting"""

    bl_idname = "lwsw.replace_painting"
    bl_label = "Choose Another Painting"

    kind: EnumProperty(items=[("EXTRA", "In the List", ""), ("REGION", "Of a Region", "")], options={"HIDDEN", "SKIP_SAVE"})
    index: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Set the file."""
        settings = context.scene.lwsw
        if self.kind == "EXTRA" and self.index < len(settings.extra_styles):
            settings.extra_styles[self.index].path = stored_path(self.filepath)
        elif self.kind == "REGION" and self.index < len(settings.regions):
            settings.regions[self.index].style = stored_path(self.filepath)


class LWSW_OT_drop_painting(Mending, bpy.types.Operator):
    """Take this painting out of the list"""

    bl_idname = "lwsw.drop_painting"
    bl_label = "Remove Painting"

    index: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Remove it, keyframes included."""
        context.scene.lwsw.extra_style_index = self.index
        bpy.ops.lwsw.remove_style()


class LWSW_OT_use_balanced(Mending, bpy.types.Operator):
    """Give every scale of the painting the same influence; move the sliders from there"""

    bl_idname = "lwsw.use_balanced"
    bl_label = "Use the Balanced Profile"

    def mend(self, context: bpy.types.Context) -> None:
        """Set the sliders."""
        context.scene.lwsw.profile = profile_identifier(DEFAULT_PROFILE)


class LWSW_OT_share_evenly(Mending, bpy.types.Operator):
    """Let all paintings count the same"""

    bl_idname = "lwsw.share_evenly"
    bl_label = "Share Evenly"

    def mend(self, context: bpy.types.Context) -> None:
        """Set all shares to 1."""
        settings = context.scene.lwsw
        settings.style_weight = 1.0
        for item in settings.extra_styles:
            item.weight = 1.0


class LWSW_OT_turn_off_region(Mending, bpy.types.Operator):
    """Leave this region out; its objects look like the rest of the picture"""

    bl_idname = "lwsw.turn_off_region"
    bl_label = "Turn the Region Off"

    index: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Turn it off."""
        regions = context.scene.lwsw.regions
        if self.index < len(regions):
            regions[self.index].enabled = False


class LWSW_OT_use_camera(Mending, bpy.types.Operator):
    """Render through this camera"""

    bl_idname = "lwsw.use_camera"
    bl_label = "Use Camera"

    name: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Make it the scene's camera."""
        context.scene.camera = context.scene.objects.get(self.name)


class LWSW_OT_add_camera(Mending, bpy.types.Operator):
    """Add a camera where Blender's own first scene has it; then look through it and move it"""

    bl_idname = "lwsw.add_camera"
    bl_label = "Add a Camera"

    def mend(self, context: bpy.types.Context) -> None:
        """Add it to the scene."""
        scene = context.scene
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        camera.location = (7.36, -6.93, 4.96)
        camera.rotation_euler = (math.radians(63.6), 0.0, math.radians(46.7))
        scene.collection.objects.link(camera)
        scene.camera = camera


class LWSW_OT_turn_off_motion_blur(Mending, bpy.types.Operator):
    """Render without motion blur: the quickest way to pictures that can be painted"""

    bl_idname = "lwsw.turn_off_motion_blur"
    bl_label = "Turn Off Motion Blur"

    def mend(self, context: bpy.types.Context) -> None:
        """Turn it off."""
        context.scene.render.use_motion_blur = False


class LWSW_OT_render_vectors_apart(Mending, bpy.types.Operator):
    """Keep the blur in the pictures and render the motion a second time without it, which takes a fraction of the time"""

    bl_idname = "lwsw.render_vectors_apart"
    bl_label = "Render the Motion Apart"

    def mend(self, context: bpy.types.Context) -> None:
        """Set Motion Blur to Vectors Apart."""
        context.scene.lwsw.motion_blur = "APART"


class LWSW_OT_use_cycles(Mending, bpy.types.Operator):
    """Render with Cycles, which knows where every pixel came from"""

    bl_idname = "lwsw.use_cycles"
    bl_label = "Render with Cycles"

    def mend(self, context: bpy.types.Context) -> None:
        """Choose the engine."""
        context.scene.render.engine = "CYCLES"


class LWSW_OT_use_view_layer(Mending, bpy.types.Operator):
    """Render the view layer that the window shows"""

    bl_idname = "lwsw.use_view_layer"
    bl_label = "Render the View Layer"

    def mend(self, context: bpy.types.Context) -> None:
        """Turn it on."""
        layer = context.view_layer if context.view_layer is not None else None
        layers = context.scene.view_layers
        (layer if layer is not None and layer.name in layers else layers[0]).use = True


class LWSW_OT_set_source(Mending, bpy.types.Operator):
    """Take the frames from somewhere else"""

    bl_idname = "lwsw.set_source"
    bl_label = "Set Source"

    source: EnumProperty(items=[("RENDER", "Render", ""), ("FILES", "Files", ""), ("SEQUENCER", "Sequencer", "")], options={"SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Set it."""
        context.scene.lwsw.source = self.source


class LWSW_OT_set_frame_range(Mending, bpy.types.Operator):
    """Set the scene's frame range to the numbers of the files"""

    bl_idname = "lwsw.set_frame_range"
    bl_label = "Set Frame Range"

    first: IntProperty(options={"SKIP_SAVE"})
    last: IntProperty(options={"SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Set it; Blender moves one end where the other passes it."""
        scene = context.scene
        scene.frame_start, scene.frame_end = self.first, self.last
        scene.frame_start = self.first


class LWSW_OT_pick_files(Picking, bpy.types.Operator):
    """Choose any one file of the sequence; the others are found by their numbers"""

    bl_idname = "lwsw.pick_files"
    bl_label = "Choose Files"

    kind: EnumProperty(items=[("COLOR", "Pictures", ""), ("PASSES", "Passes", "")], options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Set the pattern."""
        setattr(context.scene.lwsw, "color_pattern" if self.kind == "COLOR" else "passes_pattern", stored_path(self.filepath))


class LWSW_OT_add_footage(Picking, bpy.types.Operator):
    """Choose a movie, or one picture of a sequence, and put it into the sequencer"""

    bl_idname = "lwsw.add_footage"
    bl_label = "Add Footage"

    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def mend(self, context: bpy.types.Context) -> None:
        """Add a strip at the start of the frame range."""
        add_footage(context.scene, Path(bpy.path.abspath(self.filepath)))


class LWSW_OT_pick_output(Mending, bpy.types.Operator):
    """Choose the folder for the stylized frames"""

    bl_idname = "lwsw.pick_output"
    bl_label = "Choose Output Folder"

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Open the file browser."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def mend(self, context: bpy.types.Context) -> None:
        """Set the folder."""
        context.scene.lwsw.output = stored_path(self.directory)


class LWSW_OT_use_own_folder(Mending, bpy.types.Operator):
    """Let the results of this scene go into a folder of their own, beside the other scene's"""

    bl_idname = "lwsw.use_own_folder"
    bl_label = "Use a Folder of Its Own"

    def mend(self, context: bpy.types.Context) -> None:
        """Name the folder after the scene."""
        context.scene.lwsw.output = own_folder(context.scene)


class LWSW_OT_make_scene_local(Mending, bpy.types.Operator):
    """Make the scene part of this file, so that its settings can be changed here; what it shows stays linked"""

    bl_idname = "lwsw.make_scene_local"
    bl_label = "Make the Scene Local"

    def mend(self, context: bpy.types.Context) -> None:
        """Make it local, and show the local one."""
        local = context.scene.make_local()
        if local is not None and context.window is not None:
            context.window.scene = local


_CLASSES = (
    LWSW_OT_replace_painting,
    LWSW_OT_drop_painting,
    LWSW_OT_use_balanced,
    LWSW_OT_share_evenly,
    LWSW_OT_turn_off_region,
    LWSW_OT_use_camera,
    LWSW_OT_add_camera,
    LWSW_OT_turn_off_motion_blur,
    LWSW_OT_render_vectors_apart,
    LWSW_OT_use_cycles,
    LWSW_OT_use_view_layer,
    LWSW_OT_set_source,
    LWSW_OT_set_frame_range,
    LWSW_OT_pick_files,
    LWSW_OT_add_footage,
    LWSW_OT_pick_output,
    LWSW_OT_use_own_folder,
    LWSW_OT_make_scene_local,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
