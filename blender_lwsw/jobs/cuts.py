"""Frames that are known to begin a shot: where the camera changes, and where one strip ends and another begins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import bpy

from .. import compat
from ..marks import RESULT_MARK
from ..settings.entries import one_of

#: Strips that show pictures of their own; texts, colours, adjustments and effects lie over pictures or lead from one to another.
_PICTURES = ("MOVIE", "IMAGE", "SCENE", "MOVIECLIP", "MASK", "META")


def cut_entries(choice: str | Sequence[int], known: Sequence[int]) -> dict[str, Any]:
    """Return ``cuts`` and ``find_cuts`` of a job.

    Args:
        choice: ``auto``, where the backend finds others in the pictures; ``markers``, what is known only; ``none``; or frame numbers.
        known: frames that are known to begin a shot.

    Raises:
        LwswError: ``bad_settings`` for another word.
    """
    if not isinstance(choice, str):
        return {"cuts": list(choice), "find_cuts": False}
    word = one_of("way to find cuts", choice, ("auto", "markers", "none"))
    return {"cuts": [] if word == "none" else list(known), "find_cuts": word == "auto"}


def camera_cuts(scene: bpy.types.Scene, frames: Sequence[int]) -> list[int]:
    """Return the frames at which markers change the camera that renders.

    Blender takes the camera of the last marker that has one; before the first marker, that marker's. Cameras that are hidden from the
    render do not count.

    Args:
        scene: whose markers count.
        frames: numbers of the job, ascending without gaps.
    """
    markers = [(marker.frame, marker.camera) for marker in scene.timeline_markers if marker.camera and not marker.camera.hide_render]
    markers.sort(key=lambda marker: marker[0])
    if not markers:
        return []

    def camera_at(frame: int) -> Any:
        return next((camera for start, camera in reversed(markers) if start <= frame), markers[0][1])

    return [frame for before, frame in pairwise(frames) if camera_at(before) != camera_at(frame)]


def strip_cuts(scene: bpy.types.Scene, frames: Sequence[int], names: Collection[str] = ()) -> list[int]:
    """Return the timeline frames at which every picture strip that was to be seen gives way to others.

    While a strip goes on, below or above, or two overlap in a transition, nothing is certain. Nor does a strip that was cut in two and not
    moved begin anything.

    Args:
        scene: whose sequencer is meant.
        frames: timeline frames of the job, ascending without gaps.
        names: the only strips that are shown; empty for all.
    """
    editor = scene.sequence_editor
    if editor is None:
        return []
    shown = [strip for strip in editor.strips if not names or strip.name in names]
    strips = [strip for strip in shown if strip.type in _PICTURES and _is_seen(editor, strip)]
    ranges = [(strip, *compat.strip_range(strip)) for strip in strips]
    cuts = []
    for before, frame in pairwise(frames):
        gone = [strip for strip, start, end in ranges if start <= before and end == frame]
        come = [strip for strip, start, end in ranges if start == frame < end]
        stays = any(start <= before and frame < end for _, start, end in ranges)
        if gone and come and not stays and not {material(strip) for strip in gone} & {material(strip) for strip in come}:
            cuts.append(frame)
    return cuts


def _is_seen(editor: Any, strip: Any) -> bool:
    return RESULT_MARK not in strip and not strip.mute and not editor.channels[strip.channel].mute


def material(strip: Any) -> tuple[Any, ...]:
    """Return what a strip shows and where in the timeline that lies: the same for both halves of a strip that was cut."""
    if strip.type == "IMAGE":
        source: Any = (strip.directory, strip.elements[0].filename)
    elif strip.type == "MOVIE":
        source = strip.filepath
    else:
        source = next((value for name in ("scene", "clip", "mask") if (value := getattr(strip, name, None)) is not None), strip.name)
    return strip.type, source, compat.strip_start(strip)
