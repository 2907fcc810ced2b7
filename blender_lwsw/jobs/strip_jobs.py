"""Strips of the sequencer as jobs, one each: with the renderer's own vectors where they can be had, else with estimated motion."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..marks import RESULT_MARK
from ..settings.folders import folder_name
from ..settings.request import Request
from ..source.frames import find_sequence, has_vectors
from .cuts import material

_TYPES = ("IMAGE", "MOVIE", "SCENE")


@dataclass(frozen=True)
class StripJob:
    """What one strip asks for.

    Attributes:
        scene: the scene to stylize: the one that a scene strip shows, else the artist's.
        request: its frames; everything else as it was asked for.
        offset: how many frames later a frame of the job lies on the timeline.
    """

    scene: bpy.types.Scene
    request: Request
    offset: int


@dataclass(frozen=True)
class _Piece:
    """What one strip shows, or several that were cut out of one and still follow each other."""

    strips: tuple[Any, ...]
    start: int
    end: int  # the frame after the last one

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(strip.name for strip in self.strips)


def can_be_stylized(strip: Any) -> bool:
    """Return whether a strip has pictures that are not our own."""
    return strip.type in _TYPES and RESULT_MARK not in strip


def strip_jobs(scene: bpy.types.Scene, request: Request, names: Sequence[str] | None = None) -> list[StripJob]:
    """Return a job for each strip, in the order of the timeline; each is a shot of its own.

    Args:
        scene: whose settings and sequencer count.
        request: what differs from its settings; ``output`` is the folder that gets a folder per strip.
        names: the strips; those that are selected by default.

    Raises:
        LwswError: ``nothing_to_stylize`` if there is no such strip.
    """
    editor_scene = compat.sequencer_scene(scene)
    editor = editor_scene.sequence_editor
    strips = list(editor.strips) if editor else []
    if names is None:
        chosen = [strip for strip in strips if strip.select and can_be_stylized(strip)]
    else:
        chosen = [strip for strip in strips if strip.name in names]
        unknown = [name for name in names if name not in (strip.name for strip in chosen)]
        if unknown:
            raise LwswError("nothing_to_stylize", f"The sequencer has no strip '{unknown[0]}'.", "Name a strip of the scene's sequencer.")
        if unfit := [strip for strip in chosen if not can_be_stylized(strip)]:
            message = f"The strip {unfit[0].name} has no pictures that could be stylized."
            raise LwswError("nothing_to_stylize", message, "Choose image, movie or scene strips.")
    if not chosen:
        raise LwswError(
            "nothing_to_stylize", "No image, movie or scene strip is selected.", "Select the strips to stylize in the sequencer."
        )
    output = scene.lwsw.output if request.output is None else str(request.output)
    jobs = []
    for piece in _pieces(chosen):
        folder = f"{output.rstrip('/')}/{folder_name(piece.names[0]) or 'strip'}" if output else ""
        asked = dataclasses.replace(request, output=folder, strips=piece.names, add_source_strip=False)
        if asked.motion_blur is None:
            asked.motion_blur = scene.lwsw.motion_blur
        jobs.append(_scene_job(piece, asked) or _files_job(scene, piece, asked) or _timeline_job(scene, piece, asked))
    return jobs


def _pieces(strips: Sequence[Any]) -> list[_Piece]:
    """Group strips that were cut and not moved: what goes on in the next one is painted on."""
    groups: list[list[Any]] = []
    ends: dict[tuple[Any, ...], list[Any]] = {}
    for strip in sorted(strips, key=lambda strip: (compat.strip_range(strip)[0], strip.channel)):
        start, end = compat.strip_range(strip)
        group = ends.pop((material(strip), start), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(strip)
        ends[material(strip), end] = group
    return [_Piece(tuple(group), compat.strip_range(group[0])[0], compat.strip_range(group[-1])[1]) for group in groups]


def _scene_job(piece: _Piece, request: Request) -> StripJob | None:
    """Render the scene of a strip with its passes; None where the sequencer shows something else than its render."""
    strip = piece.strips[0]
    if strip.type != "SCENE" or strip.scene is None or strip.scene_input != "CAMERA" or not all(map(_is_plain, piece.strips)):
        return None
    scene = strip.scene
    if strip.scene_camera not in (None, scene.camera):
        return None
    offset = compat.strip_start(strip) - scene.frame_start
    first, last = max(piece.start - offset, scene.frame_start), min(piece.end - 1 - offset, scene.frame_end)
    return StripJob(scene, dataclasses.replace(request, source="RENDER", frame_start=first, frame_end=last), offset)


def _files_job(scene: bpy.types.Scene, piece: _Piece, request: Request) -> StripJob | None:
    """Take the files of an image strip and the passes that lie beside them; None where there are none that fit."""
    strip = piece.strips[0]
    if strip.type != "IMAGE" or not all(map(_is_plain, piece.strips)):
        return None
    folder = Path(bpy.path.abspath(strip.directory))
    names = [element.filename for element in strip.elements]
    start = compat.strip_start(strip)
    if piece.start < start or piece.end > start + len(names):
        return None  # the first or the last picture is held
    shown = names[piece.start - start : piece.end - start]
    numbers = {path.name: number for number, path in find_sequence(str(folder / shown[0])).items()}
    if not all(name in numbers for name in shown) or any(numbers[b] != numbers[a] + 1 for a, b in pairwise(shown)):
        return None
    pictures = {numbers[name]: folder / name for name in shown}
    passes = _passes_beside(pictures)
    if passes is None:
        return None
    first, last = min(pictures), max(pictures)
    asked = dataclasses.replace(
        request, source="FILES", pictures=pictures, passes=passes, render_passes=False, frame_start=first, frame_end=last
    )
    return StripJob(scene, asked, piece.start - first)


def _timeline_job(scene: bpy.types.Scene, piece: _Piece, request: Request) -> StripJob:
    return StripJob(scene, dataclasses.replace(request, source="SEQUENCER", frame_start=piece.start, frame_end=piece.end - 1), 0)


def _passes_beside(pictures: dict[int, Path]) -> Path | None:
    """Return one of the pass files of rendered pictures: the pictures themselves, or what lies in a folder ``passes`` near them."""
    first = next(iter(pictures.values()))
    found = [pictures] if first.suffix.lower() == ".exr" else []
    for folder in (first.parent / "passes", first.parent.parent / "passes"):
        try:
            found.append(find_sequence(str(folder), (".exr",)))
        except LwswError:
            continue  # several sequences: which one belongs to the pictures is not known
    for files in found:
        if all(number in files and _has_vectors(files[number]) for number in pictures):
            return files[next(iter(pictures))]
    return None


def _has_vectors(path: Path) -> bool:
    try:
        return has_vectors(path)
    except LwswError:
        return False


def _is_plain(strip: Any) -> bool:
    """Return whether a strip shows its pictures one by one as they are: then vectors fit, and the painting lies where the strip does."""
    transform, crop = strip.transform, strip.crop
    neutral = {
        "use_reverse_frames": False, "use_flip_x": False, "use_flip_y": False, "color_saturation": 1.0, "color_multiply": 1.0,
        "animation_offset_start": 0,
    }  # fmt: skip
    return (
        all(getattr(strip, name, value) == value for name, value in neutral.items())
        and strip.strobe <= 1
        and not strip.modifiers
        and not getattr(strip, "retiming_keys", ())
        and (transform.offset_x, transform.offset_y, transform.rotation) == (0, 0, 0)
        and not any((crop.min_x, crop.max_x, crop.min_y, crop.max_y))
    )
