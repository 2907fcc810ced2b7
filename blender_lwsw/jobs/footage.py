"""Which frames a job has, and where their pictures and passes come from; checked before anything is rendered or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..errors import LwswError
from ..marks import RESULT_MARK
from ..settings.entries import one_of
from ..settings.request import Request
from ..source import passes
from ..source.frames import check_no_gap, find_sequence, has_object_masks, picture_size
from ..source.sequencer_source import shown_frames, shown_strips
from ..source.strip_files import check_files
from .cuts import camera_cuts, strip_cuts

SOURCES = ("RENDER", "FILES", "SEQUENCER")
MOTION_BLUR = ("refuse", "apart")

#: View transforms that leave display-referred colours as they are.
_NEUTRAL_TRANSFORMS = ("Standard", "Raw")


@dataclass
class Footage:
    """The frames of a job.

    Attributes:
        frames: their numbers, ascending without gaps.
        size: width and height of the pictures, in pixels.
        pictures: what is rendered already, by frame number.
        passes: the passes of the same frames, where they are rendered already.
        cameras: the ``cameras.json`` that came with them.
        renders: the passes are rendered now, and the pictures too where there are none.
        from_sequencer: they are frames of the timeline.
        vectors_apart: where both are rendered, each by a render of its own.
        strips: the only strips of the timeline that are shown; empty for all.
        cuts: frames that are known to begin a shot.
        notes: sentences for the artist.
    """

    frames: list[int]
    size: tuple[int, int]
    pictures: dict[int, Path] = field(default_factory=dict)
    passes: dict[int, Path] = field(default_factory=dict)
    cameras: Path | None = None
    renders: bool = False
    from_sequencer: bool = False
    vectors_apart: bool = False
    strips: tuple[str, ...] = ()
    cuts: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_vectors(self) -> bool:
        """Whether the renderer says where things move."""
        return self.renders or bool(self.passes)


def find_footage(scene: bpy.types.Scene, editor_scene: bpy.types.Scene, request: Request) -> Footage:
    """Return the frames that a job is about.

    Args:
        scene: the scene to stylize.
        editor_scene: the scene whose sequencer counts.
        request: what differs from the scene's settings.

    Raises:
        LwswError: ``bad_settings``, ``no_camera``, ``motion_blur``, ``missing_pass``, ``missing_frames``, ``frame_gap``,
            ``bad_frame_size``, ``unreadable_frame``, ``nothing_to_stylize``.
    """
    source = request.source or scene.lwsw.source
    if source not in SOURCES:
        raise LwswError("bad_settings", f"'{source}' is not a source.", "Use RENDER, FILES or SEQUENCER.")
    timeline = editor_scene if source == "SEQUENCER" else scene
    first = timeline.frame_start if request.frame_start is None else request.frame_start
    last = timeline.frame_end if request.frame_end is None else request.frame_end
    if last < first:
        raise LwswError("nothing_to_stylize", f"The frame range {first} to {last} is empty.", "Set a range that ends after it starts.")
    if source == "RENDER":
        footage = _rendered_now(scene, request, first, last)
    elif source == "SEQUENCER":
        footage = _timeline(editor_scene, request, first, last)
    else:
        footage = _rendered_before(scene, request, first, last)
    if not footage.has_vectors and len(footage.frames) > 1:
        footage.notes.append("There is no Vector pass: motion is estimated from the pictures, which is less steady.")
    return footage


def say_passes(scene: bpy.types.Scene, footage: Footage, object_masks: bool) -> str:
    """Return a sentence about the passes that rendering turns on for a while; empty if there are none."""
    missing = passes.turned_off(scene, object_masks) if footage.renders else []
    if not missing:
        return ""
    names = f"{', '.join(missing[:-1])} and {missing[-1]}" if len(missing) > 1 else missing[0]
    return f"Turned on for the render, and off again after it: the pass{'es' if len(missing) > 1 else ''} {names}."


def check_object_masks(pass_files: Mapping[int, Path], frames: Sequence[int]) -> None:
    """Raise ``missing_pass`` unless every frame has the masks that regions need."""
    hint = "Set the source to Render once: the passes are turned on then."
    if not pass_files:
        raise LwswError("missing_pass", "Regions need the pass files with the Cryptomatte object pass, and none have been chosen.", hint)
    for frame in frames:
        if not has_object_masks(pass_files[frame]):
            message = f"The pass file of frame {frame} has no Cryptomatte object pass, which the regions need."
            raise LwswError("missing_pass", message, hint)


def check_render(scene: bpy.types.Scene, request: Request) -> bool:
    """Say what would make a render useless, see :func:`.passes.check_scene`; return whether the passes are rendered apart."""
    choice = scene.lwsw.motion_blur if request.motion_blur is None else request.motion_blur
    apart = bool(scene.render.use_motion_blur) and one_of("way to treat motion blur", choice, MOTION_BLUR) == "apart"
    passes.check_scene(scene, vectors_apart=apart)
    return apart


def check_timeline(editor_scene: bpy.types.Scene, first: int, last: int, strips: Sequence[str] = (), *, every_file: bool = True) -> range:
    """Return the frames that the sequencer shows, see :func:`.sequencer_source.shown_frames`, if the files of its strips are there.

    Args:
        editor_scene: the scene whose sequencer counts.
        first, last, strips: as for :func:`.sequencer_source.shown_frames`.
        every_file: see :func:`.strip_files.check_files`.

    Raises:
        LwswError: ``nothing_to_stylize``, ``missing_frames``.
    """
    frames = shown_frames(editor_scene, first, last, strips)
    footage = [strip for strip in shown_strips(editor_scene) if RESULT_MARK not in strip and (not strips or strip.name in strips)]
    check_files(footage, frames, every_file)
    return frames


def _rendered_now(scene: bpy.types.Scene, request: Request, first: int, last: int) -> Footage:
    apart = check_render(scene, request)
    frames, strips = list(range(first, last + 1)), tuple(request.strips)
    footage = Footage(frames, passes.render_size(scene), renders=True, vectors_apart=apart, strips=strips)
    footage.cuts = camera_cuts(scene, footage.frames)
    if apart:
        footage.notes.append("Each frame is rendered twice: with its motion blur for the picture, and quickly without for the motion.")
    if scene.render.film_transparent:
        footage.notes.append("The film is transparent: where nothing is rendered the painting is made on black.")
    return footage


def _timeline(editor_scene: bpy.types.Scene, request: Request, first: int, last: int) -> Footage:
    strips = tuple(request.strips)
    frames = list(check_timeline(editor_scene, first, last, strips))
    footage = Footage(frames, passes.render_size(editor_scene), from_sequencer=True, strips=strips)
    footage.cuts = strip_cuts(editor_scene, frames, strips)
    if (transform := editor_scene.view_settings.view_transform) not in _NEUTRAL_TRANSFORMS:
        footage.notes.append(
            f"The sequencer shows footage through the view transform {transform}, and so it is painted; Standard leaves it as it is."
        )
    return footage


def _rendered_before(scene: bpy.types.Scene, request: Request, first: int, last: int) -> Footage:
    renders = request.render_passes
    if renders is None:
        renders = scene.lwsw.render_passes and request.passes is None
    pictures, pass_files, cameras = _files(scene, request, with_passes=not renders)
    frames = _frames_of_files(pictures, pass_files, first, last, request.frame_start is not None or request.frame_end is not None)
    pictures = {frame: pictures[frame] for frame in frames}
    footage = Footage(frames, _common_size(pictures, frames), pictures, pass_files, cameras, renders, strips=tuple(request.strips))
    if renders:
        passes.check_scene(scene, vectors_apart=True)
        if (size := passes.file_size(scene)) != footage.size:
            message = f"The pictures are {_pixels(footage.size)}, and the scene {scene.name} renders {_pixels(size)}."
            hint = "Set the scene to the size at which they were rendered, so that the passes fit."
            raise LwswError("bad_frame_size", message, hint)
        footage.notes.append("Vector and Depth of the pictures are rendered apart, which is quick; the pictures stay as they are.")
    if footage.has_vectors and not footage.strips:  # the numbers of a strip's files are not frames of the scene's markers
        footage.cuts = camera_cuts(scene, frames)
    return footage


def _path(value: str | Path) -> Path:
    return Path(bpy.path.abspath(str(value)))


def _files(scene: bpy.types.Scene, request: Request, with_passes: bool) -> tuple[dict[int, Path], dict[int, Path], Path | None]:
    vector = "" if not with_passes else scene.lwsw.passes_pattern if request.passes is None else str(request.passes)
    color: str | Mapping[int, Path]
    if request.pictures is None:
        color = scene.lwsw.color_pattern
    else:
        color = request.pictures if isinstance(request.pictures, Mapping) else str(request.pictures)
    if not color and not vector:
        raise LwswError(
            "nothing_to_stylize", "No rendered files have been chosen.", "Choose the colour and pass files, or set the source to Render."
        )
    pass_files = find_sequence(str(_path(vector)), (".exr",)) if vector else {}
    pictures = pass_files
    if isinstance(color, Mapping):
        pictures = dict(sorted(color.items()))
    elif color:
        pictures = find_sequence(str(_path(color)))
    for pattern, found, code in ((color, pictures, "missing_frames"), (vector, pass_files, "missing_pass")):
        if pattern and not found:
            raise LwswError(code, f"There are no files like {_path(str(pattern))}.", "Choose one file of the sequence, or render first.")
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
            message = f"Frame {frame} is {_pixels(other)}, frame {frames[0]} is {_pixels(size)}."
            raise LwswError("bad_frame_size", message, "Render all frames at the same size.")
    return size


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]} pixels"
