"""Rendering set up so that every frame comes with its motion and depth: multilayer EXR, no motion blur, sequencer off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError, cancelled
from ..marks import RESULT_MARK
from .overrides import Overrides

#: How many objects one pixel can belong to, as is usual for Cryptomatte.
CRYPTOMATTE_LEVELS = 6


def check_scene(scene: bpy.types.Scene, vectors_apart: bool = False) -> None:
    """Say what would make a render useless, before anything is rendered.

    Args:
        scene: what will be rendered.
        vectors_apart: the passes are rendered apart from the picture, without its motion blur.

    Raises:
        LwswError: ``no_camera``, ``motion_blur``, ``missing_pass``, ``nothing_to_stylize``.
    """
    if scene.camera is None and not any(marker.camera for marker in scene.timeline_markers):
        raise LwswError(
            "no_camera", f"The scene {scene.name} has no camera.", "Add a camera, or choose already rendered files as the source."
        )
    if scene.render.use_motion_blur and not vectors_apart:
        raise LwswError(
            "motion_blur",
            "Motion blur is on, and Blender then leaves the Vector pass empty.",
            "Turn off Motion Blur in the render properties, or set Motion Blur in the LWSW panel to Vectors Apart: then the blur stays, "
            "and the motion is rendered a second time without it, which is quick.",
        )
    if scene.render.engine == "BLENDER_WORKBENCH":
        raise LwswError("missing_pass", "The Workbench engine has no Vector pass.", "Render with Cycles or EEVEE.")
    check_layers(scene)


def check_layers(scene: bpy.types.Scene) -> None:
    """Raise ``nothing_to_stylize`` where no view layer is rendered."""
    if not any(layer.use for layer in scene.view_layers):
        raise LwswError("nothing_to_stylize", "All view layers are excluded from rendering.", "Turn on Use for Rendering in a view layer.")


def pass_layer(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """Return the view layer whose motion counts: the first one that is rendered."""
    return next(layer for layer in scene.view_layers if layer.use)


def turned_off(scene: bpy.types.Scene, object_masks: bool) -> list[str]:
    """Return the names of the passes that a job needs and that the artist has not turned on."""
    layer = pass_layer(scene)
    wanted = {"Vector": layer.use_pass_vector, "Depth": layer.use_pass_z}
    if object_masks:
        wanted["Cryptomatte Object"] = layer.use_pass_cryptomatte_object
    return [title for title, is_on in wanted.items() if not is_on]


def set_up(scene: bpy.types.Scene, overrides: Overrides, object_masks: bool = False, keep_border: bool = False) -> None:
    """Make the scene render what a job needs; everything that changes is recorded in ``overrides``.

    One view layer gets the Vector and Depth passes, and the Cryptomatte object pass where there are regions. The sequencer is off: results
    of an earlier run lie there. The whole frame is rendered, unless the artist's border is kept for the passes of pictures that were
    rendered with it.
    """
    overrides.keep_frame()
    chosen = pass_layer(scene)
    for layer in scene.view_layers:
        # on one layer only: two Vector passes in a file could not be told apart
        for name in ("use_pass_vector", "use_pass_z"):
            overrides.set(_path_of(layer), name, layer == chosen)
    if object_masks:
        set_up_object_masks(scene, overrides)
    overrides.set(_path_of(chosen), "use_pass_combined", True)
    for name, value in (
        ("use_sequencer", False),
        ("use_single_layer", False),
        *((("use_border", False),) if not keep_border else ()),
        ("use_stamp", False),
        ("use_multiview", False),
        ("use_placeholder", False),
        ("use_persistent_data", True),  # half of a frame's time is loading the scene
        *((name, True) for name in compat.render_output_names()),
    ):
        overrides.set("render", name, value)
    _mute_paintings(scene, overrides)
    overrides.set("render", "filepath", scene.render.filepath)
    overrides.keep_image_settings()


def set_up_object_masks(scene: bpy.types.Scene, overrides: Overrides) -> None:
    """Turn the Cryptomatte object pass on, for the view layer whose motion counts."""
    chosen = pass_layer(scene)
    for layer in scene.view_layers:
        overrides.set(_path_of(layer), "use_pass_cryptomatte_object", layer == chosen)
    overrides.set(_path_of(chosen), "pass_cryptomatte_depth", CRYPTOMATTE_LEVELS)


def leave_out_motion(scene: bpy.types.Scene, overrides: Overrides) -> None:
    """Turn the Vector pass off: for it Blender would go to the frames before and after."""
    for layer in scene.view_layers:
        overrides.set(_path_of(layer), "use_pass_vector", False)


def _path_of(layer: bpy.types.ViewLayer) -> str:
    return f'view_layers["{bpy.utils.escape_identifier(layer.name)}"]'


def paintings_in_compositor(scene: bpy.types.Scene) -> list[bpy.types.Node]:
    """Return the nodes of the scene's compositor that show results of ours."""
    tree = compat.compositor_in_use(scene)
    nodes = tree.nodes if tree is not None else ()
    return [node for node in nodes if node.type == "GROUP" and node.node_tree is not None and RESULT_MARK in node.node_tree]


def _mute_paintings(scene: bpy.types.Scene, overrides: Overrides) -> None:
    """Keep results that an artist has brought into the compositor out of the render: a painting is not painted once more."""
    for node in paintings_in_compositor(scene):
        overrides.set(f'{compat.compositor_path(scene)}.nodes["{bpy.utils.escape_identifier(node.name)}"]', "mute", True)


def use_exr(image_settings: Any) -> None:
    """Write multilayer EXR: 32-bit float for the passes, losslessly compressed."""
    compat.set_file_format(image_settings, "OPEN_EXR_MULTILAYER")
    image_settings.color_management = "FOLLOW_SCENE"
    image_settings.color_depth = "32"
    image_settings.exr_codec = "ZIP"


def use_png(image_settings: Any) -> None:
    """Write display-referred PNG: 16-bit RGB through the scene's view transform."""
    compat.set_file_format(image_settings, "PNG")
    image_settings.color_management = "FOLLOW_SCENE"
    image_settings.color_mode = "RGB"
    image_settings.color_depth = "16"
    image_settings.compression = 15


def render_still(scene: bpy.types.Scene, frame: int, interactive: bool) -> None:
    """Render a scene at its current frame and write the file that its settings name.

    Args:
        scene: any scene of the file. It becomes the context's for the render: otherwise Blender renders it at the frame of the scene that
            the window shows.
        frame: what errors call the frame.
        interactive: return while Blender renders, with its own progress; otherwise wait.

    Raises:
        LwswError: ``missing_frames``; ``cancelled`` when the artist stopped it.
    """
    try:
        if interactive:
            window = bpy.context.window or bpy.context.window_manager.windows[0]
            with bpy.context.temp_override(window=window, scene=scene):  # only until the render has begun
                result = bpy.ops.render.render("INVOKE_DEFAULT", write_still=True, scene=scene.name)
        else:
            with _context_scene(scene):
                result = bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        raise not_rendered(frame, str(error)) from None
    if "CANCELLED" in result:
        raise cancelled()


@contextlib.contextmanager
def _context_scene(scene: bpy.types.Scene) -> Iterator[None]:
    """Make a scene the context's while Blender works and waits.

    Not by ``temp_override``: what it overrides is looked up in a Python dictionary, and with Python 3.11 Blender does that without the
    interpreter's lock while another thread has it. A render asks so often that it crashes beside a thread that sends files.
    """
    window = bpy.context.window
    if bpy.context.scene == scene or window is None:
        yield
        return
    before = window.scene
    window.scene = scene
    try:
        yield
    finally:
        window.scene = before


def not_rendered(frame: int, reason: str = "") -> LwswError:
    """Return the error of a frame that Blender did not write."""
    detail = f" ({reason.strip().removeprefix('Error: ').rstrip('.')})" if reason.strip() else ""
    return LwswError(
        "missing_frames", f"Blender did not write frame {frame}{detail}.", "Render a single frame yourself to see what is wrong."
    )


def save_display_referred(scene: bpy.types.Scene, exr: str, png: str) -> None:
    """Write what the artist sees of a rendered EXR (the compositor's result where there is one) as a 16-bit PNG.

    Args:
        scene: its view transform and output settings are used; :func:`use_png` must have been called on them.
        exr: path of a multilayer EXR that Blender wrote.
        png: path of the picture to write.

    Raises:
        LwswError: ``unreadable_frame``.
    """
    image = None
    try:
        image = bpy.data.images.load(exr)
        image.save_render(png, scene=scene)
    except RuntimeError as error:
        reason = str(error).strip().removeprefix("Error: ").rstrip(".")
        raise LwswError("unreadable_frame", f"The frame {exr} cannot be read ({reason}).", "Render this frame again.") from None
    finally:
        if image is not None:
            bpy.data.images.remove(image)


def camera_of(scene: bpy.types.Scene) -> dict[str, Any] | None:
    """Return the scene's camera at the current frame as ``cameras.json`` wants it, or None without a camera.

    ``view`` is world to camera and ``projection`` is Blender's camera matrix for the render size, both as four rows.
    ``clip_end`` is in scene units.
    """
    if scene.camera is None:
        return None
    layer = pass_layer(scene)
    layer.update()
    depsgraph = layer.depsgraph  # of this scene, whichever one the window shows
    camera = scene.camera.evaluated_get(depsgraph)
    width, height = render_size(scene)
    render = scene.render
    projection = camera.calc_matrix_camera(depsgraph, x=width, y=height, scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y)
    return {
        "view": [list(row) for row in camera.matrix_world.normalized().inverted()],
        "projection": [list(row) for row in projection],
        "clip_end": float(getattr(camera.data, "clip_end", 0.0)),
    }


def render_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Return width and height of the render in pixels, of the whole frame."""
    render = scene.render
    return render.resolution_x * render.resolution_percentage // 100, render.resolution_y * render.resolution_percentage // 100


def file_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Return width and height of the pictures that Render Animation writes, in pixels: those of the border where it crops them."""
    width, height = render_size(scene)
    render = scene.render
    if not (render.use_border and render.use_crop_to_border):
        return width, height
    return (
        int(render.border_max_x * width) - int(render.border_min_x * width),
        int(render.border_max_y * height) - int(render.border_min_y * height),
    )
