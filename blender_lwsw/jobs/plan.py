"""What one job will do, as plain values: read from the scene and checked once, before anything is rendered or sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..connection.transfer import Order
from ..errors import LwswError
from ..release import extension_version
from ..results.result_strips import other_owner
from ..settings.entries import SECOND_PASSES, one_of
from ..settings.looks import read_looks
from ..settings.quality import stylized_width
from ..settings.request import Request
from ..settings.snapshot import take_snapshot
from ..source.frames import ensure_folder, file_name, picture_size
from .cuts import cut_entries
from .footage import check_object_masks, check_timeline, find_footage, say_passes


@dataclass(frozen=True)
class Plan:
    """A job, ready to run. Holds names and paths only: Blender's data may be freed while it runs."""

    scene_uid: int
    scene_name: str
    sequencer_uid: int  # of the scene whose sequencer gets the strip
    renders: bool  # the passes, and the pictures too where ``pictures`` is empty
    from_sequencer: bool  # the frames are those of the timeline; ``pictures`` is empty until they are taken from there
    object_masks: bool  # whether the render must come with Cryptomatte
    frames: tuple[int, ...]
    pictures: Mapping[int, Path]  # already rendered colour, PNG, JPEG or EXR
    passes: Mapping[int, Path]  # already rendered passes
    cameras: Path | None
    source_folder: Path
    source_size: tuple[int, int]
    order: Order
    add_strip: bool
    add_source_strip: bool
    notes: tuple[str, ...]
    remembered: Mapping[str, Any] = field(default_factory=dict)  # the settings it was made from: the strip keeps them
    vectors_apart: bool = False  # where pictures and passes are both rendered: each by a render of its own
    strips: tuple[str, ...] = ()  # of the timeline, only these are shown; empty for all
    paint_while_rendering: bool = False  # each frame is painted as soon as it is rendered

    def shown_pictures(self) -> dict[int, Path]:
        """Return the display-referred picture of each frame, whether it is there yet or will be made."""
        return {frame: self._shown(frame) for frame in self.frames}

    def from_rendered(self) -> Plan | None:
        """Return the same plan for the files that this one has rendered; None where some are missing."""
        if self.pictures and not self.renders:
            return self
        pictures, passes, cameras = self.shown_pictures(), {}, None
        if self.renders:
            passes = {frame: self.source_folder / "passes" / file_name(frame, ".exr") for frame in self.frames}
            cameras = self.source_folder / "cameras.json"
        if not all(path.is_file() for path in (*passes.values(), *pictures.values())):
            return None
        return replace(self, renders=False, pictures=pictures, passes=passes, cameras=cameras)

    def check_input(self) -> None:
        """Look once more for what may have changed since the plan was made: the job may have waited long.

        Raises:
            LwswError: ``missing_style``, ``missing_frames``, ``missing_pass``, ``bad_frame_size``, ``unreadable_frame``,
                ``nothing_to_stylize``.
        """
        again = "Bring it back, or start the job anew."
        for code, what, files in (
            ("missing_style", "painting", self.order.styles.values()),
            ("missing_frames", "picture", self.pictures.values()),
            ("missing_pass", "pass file", self.passes.values()),
        ):
            if gone := next((path for path in files if not path.is_file()), None):
                raise LwswError(code, f"The {what} {gone} is gone.", again)
        if self.pictures and (size := picture_size(next(iter(self.pictures.values())))) != self.source_size:
            message = "The pictures are {}×{} pixels by now, and were {}×{} when the job was started."
            raise LwswError("bad_frame_size", message.format(*size, *self.source_size), "Start the job anew.")
        if self.from_sequencer:
            editor_scene = compat.find_scene(self.sequencer_uid)
            if editor_scene is None or editor_scene.sequence_editor is None:
                raise LwswError("nothing_to_stylize", "The scene with the sequencer is gone.", "Press Stylize in a scene that exists.")
            there = editor_scene.sequence_editor.strips
            if lost := next((name for name in self.strips if name not in there), None):
                raise LwswError("nothing_to_stylize", f"The strip {lost} is gone.", "Give a strip that name, or start the job anew.")
            check_timeline(editor_scene, self.frames[0], self.frames[-1], self.strips)

    def _shown(self, frame: int) -> Path:
        picture = self.pictures.get(frame)
        if picture is not None and picture.suffix.lower() == ".png":
            return picture
        return self.source_folder / "frames" / file_name(frame, ".png")


def make_plan(
    scene: bpy.types.Scene, request: Request, device: str = "auto", settings_scene: bpy.types.Scene | None = None, offset: int = 0
) -> Plan:
    """Read everything a job needs from a scene.

    Args:
        scene: the scene to stylize.
        request: what differs from the scene's settings.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        settings_scene: whose settings and sequencer count, if they are not the scene's own: a strip of it shows the scene.
        offset: how many frames later a frame of the job lies on the timeline of that scene.

    Raises:
        LwswError: ``missing_style``, ``unreadable_style``, ``bad_weights``, ``unknown_layer``, ``bad_settings``, ``no_camera``,
            ``motion_blur``, ``missing_pass``, ``missing_frames``, ``frame_gap``, ``bad_frame_size``, ``unreadable_frame``,
            ``nothing_to_stylize``, ``output_not_writable``.
    """
    settings = (settings_scene or scene).lwsw
    editor_scene = compat.sequencer_scene(settings_scene or scene)
    footage = find_footage(scene, editor_scene, request)
    frames, size, notes = footage.frames, footage.size, list(footage.notes)

    looks = read_looks(settings_scene or scene, request, [frame + offset for frame in frames], footage.renders and settings_scene is None)
    width, height, note = result_size(stylized_width(settings, size[0]) if request.width is None else request.width, size)
    if note:
        notes.append(note)
    motion = "vector" if footage.has_vectors or len(frames) == 1 else "estimated"
    shots = cut_entries(settings.cuts if request.cuts is None else request.cuts, footage.cuts)
    second_pass = settings.second_pass if request.second_pass is None else request.second_pass
    shots["second_pass"] = one_of("second pass", second_pass, SECOND_PASSES)
    job: dict[str, Any] = {
        "frames": frames,
        "width": width,
        "height": height,
        "styles": list(looks.paintings),
        "settings": {**looks.settings, **_pace(settings, request, motion, device), **shots, **request.settings},
    }
    has_regions = bool(job["settings"].get("regions"))
    if has_regions and not footage.renders:
        check_object_masks(footage.passes, frames)
    if note := say_passes(scene, footage, has_regions):
        notes.append(note)
    output = _output(settings.output if request.output is None else request.output)
    if request.output is None and (owner := other_owner(settings_scene or scene, output)):
        raise folder_taken(owner, output)
    ensure_folder(output)
    return Plan(
        scene_uid=scene.session_uid,
        scene_name=scene.name,
        sequencer_uid=editor_scene.session_uid,
        renders=footage.renders,
        from_sequencer=footage.from_sequencer,
        object_masks=has_regions,
        frames=tuple(frames),
        pictures=footage.pictures,
        passes=footage.passes,
        cameras=footage.cameras,
        source_folder=output / "source" if footage.pictures and not footage.renders else ensure_folder(output / "source"),
        source_size=size,
        order=Order(job, looks.paintings, output),
        add_strip=request.add_strip,
        add_source_strip=settings.add_source_strip if request.add_source_strip is None else request.add_source_strip,
        notes=(*notes, *looks.notes),
        vectors_apart=footage.vectors_apart,
        strips=footage.strips,
        paint_while_rendering=footage.renders and not footage.pictures and _asked(settings, request, "paint_while_rendering"),
        remembered={
            "version": extension_version(),
            "scene": (settings_scene or scene).name,
            "frames": [frames[0], frames[-1]],
            "offset": offset,
            "strips": list(footage.strips),
            **take_snapshot(settings_scene or scene, request),
        },
    )


def _asked(settings: Any, request: Request, name: str) -> bool:
    asked = getattr(request, name)
    return bool(getattr(settings, name) if asked is None else asked)


def _output(value: str | Path) -> Path:
    text = str(value)
    if not text:
        raise LwswError("output_not_writable", "No output folder has been chosen.", "Choose a folder for the stylized frames.")
    if text.startswith("//") and not bpy.data.filepath:
        raise LwswError(
            "output_not_writable",
            "The output folder lies beside the Blender file, which has not been saved yet.",
            "Save the file first, or choose another output folder.",
        )
    return Path(bpy.path.abspath(text)).absolute()


def folder_taken(owner: str, output: Path) -> LwswError:
    """Return the error of an output folder with the frames of another scene of the file: they would be written over."""
    message = f"The folder {output.name} holds the frames of the scene {owner}, which would be lost."
    return LwswError("output_not_writable", message, "Choose another output folder for this scene.")


def result_size(width: int, source: tuple[int, int]) -> tuple[int, int, str]:
    """Return width and height of the stylized frames in pixels, and a sentence where they are not as wide as was asked for.

    Args:
        width: what was asked for; 0 for the source's.
        source: size of the frames that are stylized.
    """
    if width <= 0 or width == source[0]:
        return (*source, "")
    if width > source[0]:
        return (*source, f"The frames are {source[0]} pixels wide and are stylized at that width, not at {width}.")
    # even sizes: a strip of odd height lies half a pixel too low, and movies cannot have it
    width = max(2, width - width % 2)
    return width, max(2, 2 * round(width * source[1] / source[0] / 2)), ""


def _pace(settings: Any, request: Request, motion: str, device: str) -> dict[str, Any]:
    """Return the settings that do not say what a picture looks like, but how long it takes to make."""
    return {
        "iterations": settings.iterations if request.iterations is None else request.iterations,
        "first_iterations": settings.first_iterations if request.first_iterations is None else request.first_iterations,
        "motion": motion,
        "seed": settings.seed if request.seed is None else request.seed,
        "device": device,
    }
