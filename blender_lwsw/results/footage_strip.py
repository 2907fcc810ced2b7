"""Footage in the sequencer: a movie, or pictures with numbers in their names."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat
from ..errors import LwswError
from ..source.frames import find_sequence


def add_footage(scene: bpy.types.Scene, path: Path) -> str:
    """Put a movie or an image sequence at the start of the frame range, on the lowest free channel, and return the strip's name.

    Args:
        scene: its sequencer is used, or the one that the window shows.
        path: a movie, or any one picture of a sequence.

    Raises:
        LwswError: ``unreadable_frame``.
    """
    editor_scene = compat.sequencer_scene(scene)
    editor = editor_scene.sequence_editor_create()
    channel = max((strip.channel for strip in editor.strips), default=0) + 1
    start = editor_scene.frame_start
    if path.suffix.lower() in bpy.path.extensions_image:
        files = list(find_sequence(str(path)).values()) or [path]
        strip = editor.strips.new_image(path.stem, str(files[0]), channel, start, fit_method="FIT")
        for file in files[1:]:
            strip.elements.append(file.name)
    else:
        strip = editor.strips.new_movie(path.stem, str(path), channel, start, fit_method="FIT")
        if strip.fps == 0:  # Blender makes a strip of anything
            editor.strips.remove(strip)
            raise LwswError("unreadable_frame", f"{path.name} is not a movie that can be read.", "Choose a movie or a picture.")
    compat.show_in_sequencer(editor_scene)
    return str(strip.name)
