"""Results in the compositor: a node group that lays the painting over the render, as far as a mix and a mask say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..marks import RESULT_MARK
from .colour import set_colorspace
from .result_strips import folder_of, scene_of

GROUP_NAME = "LWSW"

#: What the group's nodes are called that are brought up to date; by these names they are found again.
_IMAGE, _FIRST, _LAST = "Painting", "First", "Last"


def add_to_compositor(strip: Any) -> tuple[Any, str]:
    """Bring the results of a strip into the compositor of its scene, between what goes to the output and the output.

    The group has the inputs Image (the render), Mix (0 leaves the render, 1 is the painting) and Mask (the painting shows where it is 1:
    link a Cryptomatte's matte, or a depth), and adds nothing outside the painted frames. Adding it again brings it up to date: links and
    values stay.

    Args:
        strip: a strip of results.

    Returns:
        The node, and a note about colours (may be empty).

    Raises:
        LwswError: ``nothing_to_stylize`` if the scene is gone, ``missing_frames`` if there are no results.
    """
    scene, folder = scene_of(strip), folder_of(strip)
    names = [element.filename for element in strip.elements]
    frames = [int(Path(name).stem) for name in names]
    if not frames or not (folder / names[0]).is_file():
        raise LwswError("missing_frames", f"There are no results in {folder}.", "Stylize first, or correct the strip's folder.")
    group = _find_group(folder) or _new_group(folder)
    group.nodes[_IMAGE].image, note = _load(group, scene, folder / names[0])
    _set_frames(group, frames)
    tree = compat.compositor_tree(scene)
    node = next((node for node in tree.nodes if node.type == "GROUP" and node.node_tree == group), None)
    return node if node is not None else _insert(tree, group), note


def reload_results(folder: Path, frames: Sequence[int]) -> None:
    """Let the compositor, where it shows the results in a folder, read the files again and show these frames, ascending without gaps."""
    group = _find_group(folder)
    image = group.nodes[_IMAGE].image if group is not None else None
    if image is not None:
        _set_frames(group, frames)
        image.reload()  # Blender keeps pictures that it has read


def _set_frames(group: Any, frames: Sequence[int]) -> None:
    reader = group.nodes[_IMAGE]
    # the file of a frame is the first one's number and how far the sequence has come
    reader.frame_start, reader.frame_offset, reader.frame_duration = frames[0], frames[0] - 1, len(frames)
    reader.use_auto_refresh, reader.use_cyclic = True, False
    for name, value in ((_FIRST, frames[0] - 0.5), (_LAST, frames[-1] + 0.5)):
        group.nodes[name].inputs[1].default_value = value


def _find_group(folder: Path) -> Any:
    """Return the group of a folder's results; one that the artist has rebuilt is theirs, and none of ours any more."""
    for group in bpy.data.node_groups:
        is_ours = group.bl_idname == "CompositorNodeTree" and RESULT_MARK in group and _absolute(group[RESULT_MARK]) == folder
        if is_ours and all(name in group.nodes for name in (_IMAGE, _FIRST, _LAST)):
            return group
    return None


def _absolute(path: str) -> Path:
    return Path(bpy.path.abspath(path)).absolute()


def _blend_path(path: Path) -> str:
    """Return the path from the Blender file on, so that file and pictures can be moved together."""
    return bpy.path.relpath(str(path)) if bpy.data.filepath and Path(bpy.data.filepath).drive == path.drive else str(path)


def _load(group: Any, scene: bpy.types.Scene, first: Path) -> tuple[Any, str]:
    """Return the image of the sequence that the group shows, read anew, and a note about its colours."""
    image = group.nodes[_IMAGE].image
    if image is None:
        image = bpy.data.images.load(str(first))
        image.name = f"LWSW {first.parent.name}"
    image.filepath = _blend_path(first)
    image.source = "SEQUENCE"
    note = set_colorspace(image, scene)
    image.reload()
    return image, note


def _new_group(folder: Path) -> Any:
    group = bpy.data.node_groups.new(GROUP_NAME, "CompositorNodeTree")
    group[RESULT_MARK] = _blend_path(folder)
    for name, kind, description in (
        ("Image", "NodeSocketColor", "The render"),
        ("Mix", "NodeSocketFloat", "0 leaves the render, 1 is the painting"),
        ("Mask", "NodeSocketFloat", "Where the painting shows: link the matte of an object, or a depth"),
    ):
        socket = group.interface.new_socket(name, in_out="INPUT", socket_type=kind, description=description)
        if kind == "NodeSocketFloat":
            socket.subtype = "FACTOR"
            socket.min_value, socket.max_value, socket.default_value = 0.0, 1.0, 1.0
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")

    def add(kind: str, name: str, x: float, y: float, **values: Any) -> Any:
        node = group.nodes.new(kind)
        node.name = node.label = name
        node.location = (x, y)
        for attribute, value in values.items():
            setattr(node, attribute, value)
        return node

    link = group.links.new
    inputs = add("NodeGroupInput", "Input", -700, 0)
    output = add("NodeGroupOutput", "Output", 700, 0)
    time = add("CompositorNodeSceneTime", "Time", -700, 350)
    reader = add("CompositorNodeImage", _IMAGE, -700, -250)
    channels = add("CompositorNodeSeparateColor", "Alpha of the Render", -450, 0)
    alpha = add("CompositorNodeSetAlpha", "As Transparent as the Render", -200, -200)
    after = add("ShaderNodeMath", _FIRST, -450, 350, operation="GREATER_THAN")
    before = add("ShaderNodeMath", _LAST, -450, 200, operation="LESS_THAN")
    within = add("ShaderNodeMath", "Painted Frames", -200, 300, operation="MULTIPLY")
    masked = add("ShaderNodeMath", "Mix and Mask", -200, 100, operation="MULTIPLY")
    factor = add("ShaderNodeMath", "Factor", 50, 200, operation="MULTIPLY", use_clamp=True)
    mix = add("ShaderNodeMix", "Mix", 400, 0, data_type="RGBA", clamp_factor=True)

    link(time.outputs["Frame"], after.inputs[0])
    link(time.outputs["Frame"], before.inputs[0])
    link(after.outputs[0], within.inputs[0])
    link(before.outputs[0], within.inputs[1])
    link(inputs.outputs["Mix"], masked.inputs[0])
    link(inputs.outputs["Mask"], masked.inputs[1])
    link(within.outputs[0], factor.inputs[0])
    link(masked.outputs[0], factor.inputs[1])
    link(inputs.outputs["Image"], channels.inputs["Image"])
    link(compat.stretched_to_render(group, reader.outputs["Image"], (-450, -250)), alpha.inputs["Image"])
    link(channels.outputs["Alpha"], alpha.inputs["Alpha"])
    by_identifier = {socket.identifier: socket for socket in mix.inputs}
    link(factor.outputs[0], by_identifier["Factor_Float"])
    link(inputs.outputs["Image"], by_identifier["A_Color"])
    link(alpha.outputs["Image"], by_identifier["B_Color"])
    link(next(socket for socket in mix.outputs if socket.type == "RGBA"), output.inputs["Image"])
    return group


def _insert(tree: Any, group: Any) -> Any:
    """Put the group between what goes to the output and the output; everything else stays as the artist made it."""
    target = compat.compositor_output(tree)
    source = target.links[0].from_socket if target.links else None
    if source is None:
        renders = [node for node in tree.nodes if node.type == "R_LAYERS"]
        layers = renders[0] if renders else tree.nodes.new("CompositorNodeRLayers")
        source = layers.outputs["Image"]
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = group
    node.name = node.label = GROUP_NAME
    node.location = ((source.node.location.x + target.node.location.x) / 2, source.node.location.y - 40)
    tree.links.new(source, node.inputs["Image"])
    tree.links.new(node.outputs["Image"], target)
    return node
