"""What stands between a scene and its job, in one sentence, and what would mend it. Cheap enough to be asked by every drawing of a panel.

:func:`.plan.make_plan` checks the same and more when the job starts; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..recent import RecentAnswers
from ..results.result_strips import other_owner
from ..settings.animation import animated_paths
from ..settings.folders import output_folder
from ..settings.profiles import LAYER_NAMES
from ..settings.regions import contents_of, target_of, title_of
from ..settings.request import Request
from ..source import disk_state, passes
from .footage import check_render, check_timeline
from .plan import folder_taken

#: Whose frames a folder holds: a file may have thousands of strips.
_owners = RecentAnswers(seconds=2.0)


@dataclass(frozen=True)
class Mend:
    """A button that takes an obstacle away.

    Attributes:
        operator: its identifier, for example ``lwsw.pick_style``.
        label: what stands on the button.
        icon: Blender's name of the icon.
        values: properties of the operator.
    """

    operator: str
    label: str
    icon: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Obstacle:
    """Why the job cannot start.

    Attributes:
        code: the code of the error that the job would end with.
        sentence: what is wrong.
        mends: what takes it away, the best first; empty where only the artist can.
    """

    code: str
    sentence: str
    mends: tuple[Mend, ...] = ()


def obstacle(scene: bpy.types.Scene) -> Obstacle | None:
    """Return the first thing that is in a job's way, in the order in which an artist works; None where nothing is known to be."""
    return next(_obstacles(scene), None)


def says(scene: bpy.types.Scene, error: LwswError) -> bool:
    """Return whether :func:`obstacle` says what an error says."""
    found = obstacle(scene)
    return found is not None and found.code == error.code


def mends_of(scene: bpy.types.Scene, error: LwswError) -> tuple[Mend, ...]:
    """Return what mends an error with which a job of this scene ended, where that is something other than the backend's."""
    if error.code in ("output_not_writable", "disk_full", "job_running"):
        return (Mend("lwsw.pick_output", "Choose Another Output Folder", "FILE_FOLDER"),)
    if error.code == "unreadable_style":
        return (Mend("lwsw.pick_style", "Choose Another Painting", "IMAGE_DATA"),)
    return _strip_mends(scene, error) if error.code == "missing_frames" else ()


def locked(scene: bpy.types.Scene) -> Obstacle | None:
    """Return why the settings of a scene cannot be changed here; None where they can."""
    if scene.library is not None:
        source = bpy.path.basename(scene.library.filepath)
        sentence = f"This scene is linked from {source}: its settings are changed there."
        return Obstacle("bad_settings", sentence, (Mend("lwsw.make_scene_local", "Make the Scene Local", "LIBRARY_DATA_DIRECT"),))
    return None  # Blender knows no library overrides of scenes


def _obstacles(scene: bpy.types.Scene) -> Iterator[Obstacle]:
    for look_at in (locked, _painting, _other_paintings, _weights, _regions, _source, _output):
        found = look_at(scene)
        if found is not None:
            yield found


def _painting(scene: bpy.types.Scene) -> Obstacle | None:
    settings = scene.lwsw
    if not settings.style:
        return Obstacle("missing_style", "No painting has been chosen.", (Mend("lwsw.pick_style", "Choose Painting", "IMAGE_DATA"),))
    if disk_state.is_file(bpy.path.abspath(settings.style)):
        return None
    mend = Mend("lwsw.pick_style", "Choose Another Painting", "IMAGE_DATA")
    return Obstacle("missing_style", f"The painting {bpy.path.basename(settings.style)} is no longer where it was.", (mend,))


def _other_paintings(scene: bpy.types.Scene) -> Obstacle | None:
    for index, item in enumerate(scene.lwsw.extra_styles):
        if not disk_state.is_file(bpy.path.abspath(item.path)):
            name = bpy.path.basename(item.path)
            what = f"The painting {name} in the list is no longer where it was." if name else "A painting in the list has no file."
            mends = (
                Mend("lwsw.replace_painting", "Choose Another", "IMAGE_DATA", {"kind": "EXTRA", "index": index}),
                Mend("lwsw.drop_painting", "Remove", "REMOVE", {"index": index}),
            )
            return Obstacle("missing_style", what, mends)
    return None


def _weights(scene: bpy.types.Scene) -> Obstacle | None:
    settings = scene.lwsw
    if not any(getattr(settings, layer) > 0 for layer in LAYER_NAMES) and not _is_animated(scene, LAYER_NAMES):
        mend = Mend("lwsw.use_balanced", "Use the Balanced Profile", "LOOP_BACK")
        return Obstacle("bad_weights", "All layer weights are zero, so there is no style to apply.", (mend,))
    shares = [settings.style_weight, *(item.weight for item in settings.extra_styles)]
    names = ("style_weight", *(f"extra_styles[{index}].weight" for index in range(len(settings.extra_styles))))
    if settings.extra_styles and not any(share > 0 for share in shares) and not _is_animated(scene, names):
        mend = Mend("lwsw.share_evenly", "Share Evenly", "LOOP_BACK")
        return Obstacle("bad_weights", "The shares of all paintings are zero, so there is no style to apply.", (mend,))
    return None


def _is_animated(scene: bpy.types.Scene, names: tuple[str, ...]) -> bool:
    paths = animated_paths(scene)
    return any(f"lwsw.{name}" in paths for name in names)


def _regions(scene: bpy.types.Scene) -> Obstacle | None:
    for index, item in enumerate(scene.lwsw.regions):
        if not item.enabled:
            continue
        turn_off = Mend("lwsw.turn_off_region", "Turn the Region Off", "CHECKBOX_DEHLT", {"index": index})
        target = target_of(item)
        # a collection may hold thousands of objects: what they are, the panel of regions and Stylize say
        if target is None or isinstance(target, bpy.types.Object):
            contents = contents_of(target, title_of(item), None)
            if contents.error:
                return Obstacle("bad_settings", contents.error, (turn_off,))
        if item.look == "OWN" and item.style and not disk_state.is_file(bpy.path.abspath(item.style)):
            name = bpy.path.basename(item.style)
            mend = Mend("lwsw.replace_painting", "Choose Another", "IMAGE_DATA", {"kind": "REGION", "index": index})
            sentence = f"The painting {name} of the region '{title_of(item)}' is no longer where it was."
            return Obstacle("missing_style", sentence, (mend, turn_off))
    return None


def _source(scene: bpy.types.Scene) -> Obstacle | None:
    source = scene.lwsw.source
    if source == "FILES":
        return _files(scene)
    try:
        if source == "RENDER":
            check_render(scene, Request())
        else:
            editor_scene = compat.sequencer_scene(scene)
            check_timeline(editor_scene, editor_scene.frame_start, editor_scene.frame_end, every_file=False)
    except LwswError as error:
        return Obstacle(error.code, error.message, _SOURCE_MENDS[source](scene, error))
    return None


def _render_mends(scene: bpy.types.Scene, error: LwswError) -> tuple[Mend, ...]:
    if error.code == "no_camera":
        camera = next((item for item in scene.objects if item.type == "CAMERA"), None)
        if camera is not None:
            return (Mend("lwsw.use_camera", f"Use the Camera '{camera.name}'", "CAMERA_DATA", {"name": camera.name}),)
        return (Mend("lwsw.add_camera", "Add a Camera", "CAMERA_DATA"),)
    if error.code == "motion_blur":
        return (
            Mend("lwsw.render_vectors_apart", "Keep the Blur, Render the Motion Apart", "RENDER_ANIMATION"),
            Mend("lwsw.turn_off_motion_blur", "Turn Off Motion Blur", "X"),
        )
    if error.code == "missing_pass":
        return (Mend("lwsw.use_cycles", "Render with Cycles", "SCENE"),)
    return (Mend("lwsw.use_view_layer", "Render the View Layer", "RENDERLAYERS"),)


def _sequencer_mends(scene: bpy.types.Scene, error: LwswError) -> tuple[Mend, ...]:
    if error.code == "missing_frames":
        return _strip_mends(scene, error)
    return (
        Mend("lwsw.add_footage", "Add a Movie or Pictures", "FILE_MOVIE"),
        Mend("lwsw.set_source", "Render Instead", "RENDER_ANIMATION", {"source": "RENDER"}),
    )


def lost_file_mends(strip: Any) -> tuple[Mend, ...]:
    """Return what mends a strip whose files are gone, see :func:`.strip_files.lost_file`."""
    values = {"strip": strip.name}
    find = Mend("lwsw.find_strip_files", "Find Its Files", "FILEBROWSER", values)
    return find, Mend("lwsw.mute_strip", "Mute the Strip", "HIDE_ON", values)


def _strip_mends(scene: bpy.types.Scene, error: LwswError) -> tuple[Mend, ...]:
    """Return what mends the strip whose files :func:`.strip_files.check_files` misses; nothing for errors about other files."""
    editor = compat.sequencer_scene(scene).sequence_editor
    strips = editor.strips_all if editor is not None else ()
    strip = next((strip for strip in strips if f" of the strip {strip.name} is " in error.message), None)
    return lost_file_mends(strip) if strip is not None else ()


_SOURCE_MENDS: Mapping[str, Callable[[bpy.types.Scene, LwswError], tuple[Mend, ...]]] = {
    "RENDER": _render_mends,
    "SEQUENCER": _sequencer_mends,
}


def _files(scene: bpy.types.Scene) -> Obstacle | None:
    settings = scene.lwsw
    choose = Mend("lwsw.pick_files", "Choose Pictures", "FILE_IMAGE", {"kind": "COLOR"})
    if not settings.color_pattern and not settings.passes_pattern:
        render = Mend("lwsw.set_source", "Render Instead", "RENDER_ANIMATION", {"source": "RENDER"})
        return Obstacle("nothing_to_stylize", "No rendered files have been chosen.", (choose, render))
    found: dict[int, Path] = {}
    wanted = [("COLOR", settings.color_pattern, "missing_frames")]
    if not settings.render_passes:
        wanted.append(("PASSES", settings.passes_pattern, "missing_pass"))
    for kind, pattern, code in wanted:
        if not pattern:
            continue
        files = disk_state.sequence(bpy.path.abspath(pattern))
        label = "Choose Pictures" if kind == "COLOR" else "Choose Passes"
        mend = Mend("lwsw.pick_files", label, "FILE_IMAGE", {"kind": kind})
        if isinstance(files, LwswError):
            return Obstacle(files.code, files.message, (mend,))
        if not files:
            return Obstacle(code, f"There are no files like {pattern}.", (mend,))
        found = found or files
    if found and not any(scene.frame_start <= frame <= scene.frame_end for frame in found):
        first, last = min(found), max(found)
        sentence = f"None of the files ({first} to {last}) lies in the frame range {scene.frame_start} to {scene.frame_end}."
        mend = Mend("lwsw.set_frame_range", f"Set the Range to {first}–{last}", "TIME", {"first": first, "last": last})
        return Obstacle("nothing_to_stylize", sentence, (mend,))
    if settings.render_passes:
        try:
            passes.check_scene(scene, vectors_apart=True)
        except LwswError as error:
            return Obstacle(error.code, error.message, _render_mends(scene, error))
    return None


def _output(scene: bpy.types.Scene) -> Obstacle | None:
    folder = output_folder(scene)
    choose = Mend("lwsw.pick_output", "Choose Output Folder", "FILE_FOLDER")
    if not scene.lwsw.output:
        return Obstacle("output_not_writable", "No output folder has been chosen.", (choose,))
    if folder is None:
        sentence = "The output folder lies beside the Blender file, which has not been saved yet."
        return Obstacle("output_not_writable", sentence, (Mend("wm.save_as_mainfile", "Save the File", "FILE_TICK"), choose))
    if not disk_state.is_writable(str(folder)):
        return Obstacle("output_not_writable", f"The folder {folder} cannot be written to.", (choose,))
    if owner := _owners.ask((scene.session_uid, scene.name, folder), lambda: other_owner(scene, folder)):
        error = folder_taken(owner, folder)
        return Obstacle(error.code, error.message, (Mend("lwsw.use_own_folder", "Use a Folder of Its Own", "NEWFOLDER"), choose))
    return None
