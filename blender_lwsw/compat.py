"""Everything that differs between Blender 4.5, 5.0 and 5.2. No other file asks which Blender this is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy


def set_file_format(image_settings: Any, file_format: str) -> None:
    """Choose an output format; from 5.0 on the kind of media has to be chosen first."""
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "MULTI_LAYER_IMAGE" if file_format == "OPEN_EXR_MULTILAYER" else "IMAGE"
    image_settings.file_format = file_format


def image_settings_names() -> tuple[str, ...]:
    """Return the attributes of ``image_settings`` that choosing a format changes, in the order in which they can be written back."""
    names = (
        "media_type",
        "file_format",
        "color_mode",
        "color_depth",
        "exr_codec",
        "compression",
        "quality",
        "color_management",
        "use_preview",
    )
    return (*names, "use_exr_interleave")


def render_output_names() -> tuple[str, ...]:
    """Return switches of ``scene.render`` that must be on for a picture to be written; 5.2 added one."""
    return ("use_file_extension", "use_overwrite", "save_output")


def working_space() -> str:
    """Return the scene-linear colour space of the file; up to 4.5 it is the configuration's only one, and the answer is empty."""
    return bpy.data.colorspace.working_space if hasattr(bpy.data, "colorspace") else ""


def set_working_space(name: str) -> None:
    """Choose what :func:`working_space` returned, without converting anything; raise RuntimeError or TypeError where there is no such."""
    if name != working_space():
        bpy.ops.wm.set_working_color_space(working_space=name, convert_colors=False)


def eevee_names() -> tuple[str, ...]:
    """Return the identifiers of EEVEE: 5.0 took the short name back."""
    return ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")


def path_options() -> set[str]:
    """Return the ``options`` of a path property whose value may start with ``//``."""
    return {"PATH_SUPPORTS_BLEND_RELATIVE"}


def compositor_tree(scene: bpy.types.Scene) -> Any:
    """Return the node tree of a scene's compositor, turned on; made, with the render going to the output, where there is none."""
    if not hasattr(scene, "compositing_node_group"):
        scene.use_nodes = True  # which makes the tree, render and output linked
        return scene.node_tree
    if scene.compositing_node_group is None:
        tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        layers, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
        output.location.x = 600
        tree.links.new(layers.outputs["Image"], output.inputs["Image"])
    return scene.compositing_node_group


def compositor_path(scene: bpy.types.Scene) -> str:
    """Return the name of the scene's attribute that holds its compositor's node tree; up to 4.5 that tree is the scene's own."""
    return "compositing_node_group" if hasattr(scene, "compositing_node_group") else "node_tree"


def compositor_in_use(scene: bpy.types.Scene) -> Any:
    """Return the node tree that a render of the scene goes through, or None."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def compositor_output(tree: Any) -> Any:
    """Return the socket that gets the compositor's result; made where there is none."""
    embedded = getattr(tree, "is_embedded_data", False)
    kind = "CompositorNodeComposite" if embedded else "NodeGroupOutput"
    found = [node for node in tree.nodes if node.bl_idname == kind]
    node = next((node for node in found if getattr(node, "is_active_output", True)), None) or tree.nodes.new(kind)
    if kind == "NodeGroupOutput" and not any(socket.type == "RGBA" for socket in node.inputs):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return next(socket for socket in node.inputs if socket.type == "RGBA")


def stretched_to_render(tree: Any, picture: Any, location: tuple[float, float]) -> Any:
    """Add what stretches an opaque picture to the size of the render; 5.0 made sockets of the Scale node's choices.

    Args:
        tree: a compositor's tree.
        picture: the socket that gives the picture.
        location: where the nodes go.

    Returns:
        The socket that gives the stretched picture.
    """
    scale = tree.nodes.new("CompositorNodeScale")
    scale.location = location
    tree.links.new(picture, scale.inputs["Image"])
    if not hasattr(scale, "space"):
        for name, value in (("Type", "Render Size"), ("Frame Type", "Stretch"), ("Extension X", "Extend"), ("Extension Y", "Extend")):
            if name in scale.inputs:
                scale.inputs[name].default_value = value
        return scale.outputs["Image"]
    scale.space, scale.frame_method = "RENDER_SIZE", "STRETCH"
    # 4.5 blends the outermost pixels with the nothing outside: their colours are still right before alpha was multiplied in
    straight, opaque = tree.nodes.new("CompositorNodePremulKey"), tree.nodes.new("CompositorNodeSetAlpha")
    straight.mapping, opaque.mode = "PREMUL_TO_STRAIGHT", "REPLACE_ALPHA"
    for number, node in enumerate((straight, opaque), 1):
        node.location, node.hide = (location[0], location[1] - 150 - 50 * number), True
    tree.links.new(scale.outputs["Image"], straight.inputs["Image"])
    tree.links.new(straight.outputs["Image"], opaque.inputs["Image"])
    return opaque.outputs["Image"]


def channelbags(data: bpy.types.ID) -> Iterator[Any]:
    """Yield what holds the F-curves of a data-block's own action (layered actions: 4.4 and later)."""
    animation = data.animation_data
    if animation is None or animation.action is None or animation.action_slot is None:
        return
    for layer in animation.action.layers:
        for strip in layer.strips:
            if strip.type == "KEYFRAME" and (bag := strip.channelbag(animation.action_slot)):
                yield bag


def fcurves(data: bpy.types.ID) -> Iterator[bpy.types.FCurve]:
    """Yield the F-curves of a data-block's own action."""
    for bag in channelbags(data):
        yield from bag.fcurves


def find_scene(session_uid: int) -> bpy.types.Scene | None:
    """Find a scene again after renaming, undo or a change of the data's address."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == session_uid), None)


def sequencer_scene(scene: bpy.types.Scene) -> bpy.types.Scene:
    """Return the scene whose sequencer the artist edits; up to 4.5 that is the scene itself."""
    return getattr(_workspace(), "sequencer_scene", None) or scene


def show_in_sequencer(scene: bpy.types.Scene) -> None:
    """Let the sequencer show this scene where it shows none: from 5.0 on a new file's sequencer is empty until a scene is picked."""
    workspace = _workspace()
    if workspace is not None and hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:
        workspace.sequencer_scene = scene


def _workspace() -> bpy.types.WorkSpace | None:
    if bpy.context.workspace is not None:
        return bpy.context.workspace
    windows = bpy.context.window_manager.windows  # timers may run without a window in their context
    return windows[0].workspace if windows else None


def strip_start(strip: Any) -> int:
    """Return the timeline frame of the strip's first element, whether or not a handle hides it."""
    return int(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def set_strip_start(strip: Any, frame: int) -> None:
    """Move a strip so that its first element lies at this timeline frame."""
    if hasattr(strip, "content_start"):
        strip.content_start = frame
    else:
        strip.frame_start = frame


def strip_range(strip: Any) -> tuple[int, int]:
    """Return the visible timeline range of a strip: first frame, and the frame after the last one."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def forget_cached_pictures(strip: Any) -> None:
    """Make a strip read its files again: 5.x keeps showing the old picture after a file has changed."""
    if hasattr(strip, "invalidate_cache"):
        strip.invalidate_cache("RAW")
    strip.directory = strip.directory
