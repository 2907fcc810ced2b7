"""What one job will do, as plain values: read from the scene and checked once, before anything is rendered or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..connection.transfer import Order
from ..errors import LwswError
from ..settings.entries import SECOND_PASSES, one_of
from ..settings.looks import read_looks
from ..settings.request import Request
from ..source import passes
from ..source.frames import check_no_gap, ensure_folder, file_name, find_sequence, has_object_masks, picture_size
from ..source.sequencer_source import shown_frames
from .cuts import camera_cuts, cut_entries, strip_cuts

#: View transforms that leave display-referred colours as they are.
_NEUTRAL_TRANSFORMS = ("Standard", "Raw")


@dataclass(frozen=True)
class Plan:
    """A job, ready to run. Holds names and paths only: Blender's data may be freed while it runs."""

    scene_uid: int
    scene_name: str
    sequencer_uid: int  # of the scene whose sequencer gets the strip
    renders: bool
    from_sequencer: bool  # the frames are those of the timeline; ``pictures`` is empty until they are taken from there
    object_masks: bool  # whether the render must come with Cryptomatte
    frames: tuple[int, ...]
    pictures: Mapping[int, Path]  # already rendered colour, PNG or EXR
    passes: Mapping[int, Path]  # already rendered passes
    cameras: Path | None
    source_folder: Path
    source_size: tuple[int, int]
    order: Order
    add_strip: bool
    add_source_strip: bool
    notes: tuple[str, ...]

    def shown_pictures(self) -> dict[int, Path]:
        """Return the display-referred picture of each frame, whether it is there yet or will be made."""
        return {frame: self._shown(frame) for frame in self.frames}

    def from_rendered(self) -> Plan | None:
        """Return the same plan for the files that this one has rendered; None where some are missing."""
        if self.pictures:
            return self
        pictures, passes, cameras = self.shown_pictures(), {}, None
        if self.renders:
            passes = {frame: self.source_folder / "passes" / file_name(frame, ".exr") for frame in self.frames}
            cameras = self.source_folder / "cameras.json"
        if not all(path.is_file() for path in (*passes.values(), *pictures.values())):
            return None
        return replace(self, renders=False, pictures=pictures, passes=passes, cameras=cameras)

    def _shown(self, frame: int) -> Path:
        picture = self.pictures.get(frame)
        if picture is not None and picture.suffix.lower() == ".png":
            return picture
        return self.source_folder / "frames" / file_name(frame, ".png")


def make_plan(scene: bpy.types.Scene, request: Request, device: str = "auto") -> Plan:
    """Read everything a job needs from a scene.

    Args:
        scene: the scene to stylize.
        request: what differs from the scene's settings.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        LwswError: ``missing_style``, ``unreadable_style``, ``bad_weights``, ``unknown_layer``, ``bad_settings``, ``no_camera``,
            ``motion_blur``, ``missing_pass``, ``missing_frames``, ``frame_gap``, ``bad_frame_size``, ``unreadable_frame``,
            ``nothing_to_stylize``, ``output_not_writable``.
    """
    settings = scene.lwsw
    source = request.source or settings.source
    if source not in ("RENDER", "FILES", "SEQUENCER"):
        raise LwswError("bad_settings", f"'{source}' is not a source.", "Use RENDER, FILES or SEQUENCER.")
    editor_scene = compat.sequencer_scene(scene)
    timeline = editor_scene if source == "SEQUENCER" else scene
    first = timeline.frame_start if request.frame_start is None else request.frame_start
    last = timeline.frame_end if request.frame_end is None else request.frame_end
    if last < first:
        raise LwswError("nothing_to_stylize", f"The frame range {first} to {last} is empty.", "Set a range that ends after it starts.")

    notes: list[str] = []
    pictures: dict[int, Path] = {}
    pass_files: dict[int, Path] = {}
    cameras = None
    renders = source == "RENDER"
    if renders:
        passes.check_scene(scene)
        frames, size = list(range(first, last + 1)), passes.render_size(scene)
        if scene.render.film_transparent:
            notes.append("The film is transparent: where nothing is rendered the painting is made on black.")
    elif source == "SEQUENCER":
        frames, size = list(shown_frames(editor_scene, first, last)), passes.render_size(editor_scene)
        if (transform := editor_scene.view_settings.view_transform) not in _NEUTRAL_TRANSFORMS:
            notes.append(
                f"The sequencer shows footage through the view transform {transform}, and so it is painted; Standard leaves it as it is."
            )
    else:
        pictures, pass_files, cameras = _files(scene, request)
        frames = _frames_of_files(pictures, pass_files, first, last, request.frame_start is not None or request.frame_end is not None)
        size = _common_size(pictures, frames)
    if not renders and not pass_files and len(frames) > 1:
        notes.append("There is no Vector pass: motion is estimated from the pictures, which is less steady.")

    looks = read_looks(scene, request, frames, renders)
    width, height, note = _result_size(settings.width if request.width is None else request.width, size)
    if note:
        notes.append(note)
    motion = "vector" if renders or pass_files or len(frames) == 1 else "estimated"
    known = strip_cuts(editor_scene, frames) if source == "SEQUENCER" else camera_cuts(scene, frames) if renders or pass_files else []
    shots = cut_entries(settings.cuts if request.cuts is None else request.cuts, known)
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
    if has_regions and not renders:
        _check_object_masks(pass_files, frames)
    output = ensure_folder(_output(settings.output if request.output is None else request.output))
    return Plan(
        scene_uid=scene.session_uid,
        scene_name=scene.name,
        sequencer_uid=editor_scene.session_uid,
        renders=renders,
        from_sequencer=source == "SEQUENCER",
        object_masks=has_regions,
        frames=tuple(frames),
        pictures=pictures,
        passes=pass_files,
        cameras=cameras,
        source_folder=output / "source" if pictures else ensure_folder(output / "source"),
        source_size=size,
        order=Order(job, looks.paintings, output),
        add_strip=request.add_strip,
        add_source_strip=settings.add_source_strip if request.add_source_strip is None else request.add_source_strip,
        notes=(*notes, *looks.notes),
    )


def _path(value: str | Path) -> Path:
    return Path(bpy.path.abspath(str(value)))


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


def _files(scene: bpy.types.Scene, request: Request) -> tuple[dict[int, Path], dict[int, Path], Path | None]:
    color = scene.lwsw.color_pattern if request.pictures is None else str(request.pictures)
    vector = scene.lwsw.passes_pattern if request.passes is None else str(request.passes)
    if not color and not vector:
        raise LwswError(
            "nothing_to_stylize", "No rendered files have been chosen.", "Choose the colour and pass files, or set the source to Render."
        )
    pass_files = find_sequence(str(_path(vector))) if vector else {}
    pictures = find_sequence(str(_path(color))) if color else pass_files
    for pattern, found, code in ((color, pictures, "missing_frames"), (vector, pass_files, "missing_pass")):
        if pattern and not found:
            raise LwswError(code, f"There are no files like {_path(pattern)}.", "Choose one file of the sequence, or render first.")
    cameras = None
    if pass_files:
        folder = next(iter(pass_files.values())).parent
        cameras = next((path for path in (folder / "cameras.json", folder.parent / "cameras.json") if path.is_file()), None)
    return pictures, pass_files, cameras


def _frames_of_files(pictures: Mapping[int, Path], pass_files: Mapping[int, Path], first: int, last: int, exact: bool) -> list[int]:
    frames = [frame for frame in pictures if first <= frame <= last]
    if not frames:
        raise LwswError(
            "nothing_to_stylize",
            f"None of the files ({min(pictures)} to {max(pictures)}) lies in the frame range {first} to {last}.",
            "Set the scene's frame range to the files' numbers.",
        )
    check_no_gap([first - 1, *frames, last + 1] if exact else frames, "rendered pictures")
    if pass_files and (missing := [frame for frame in frames if frame not in pass_files]):
        raise LwswError("missing_pass", f"Frame {missing[0]} has a picture but no pass file.", "Render the passes of the same frames.")
    return frames


def _common_size(pictures: Mapping[int, Path], frames: Sequence[int]) -> tuple[int, int]:
    size = picture_size(pictures[frames[0]])
    for frame in frames[1:]:
        if (other := picture_size(pictures[frame])) != size:
            message = f"Frame {frame} is {other[0]}×{other[1]} pixels, frame {frames[0]} is {size[0]}×{size[1]}."
            raise LwswError("bad_frame_size", message, "Render all frames at the same size.")
    return size


def _result_size(width: int, source: tuple[int, int]) -> tuple[int, int, str]:
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


def _check_object_masks(pass_files: Mapping[int, Path], frames: Sequence[int]) -> None:
    hint = "Set the source to Render once: the passes are turned on then."
    if not pass_files:
        raise LwswError("missing_pass", "Regions need the pass files with the Cryptomatte object pass, and none have been chosen.", hint)
    for frame in frames:
        if not has_object_masks(pass_files[frame]):
            message = f"The pass file of frame {frame} has no Cryptomatte object pass, which the regions need."
            raise LwswError("missing_pass", message, hint)
