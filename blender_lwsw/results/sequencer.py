"""Results as a strip above the source: right frame, right colours, and the new picture whenever a file changes."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..marks import RESULT_MARK, SETTINGS_MARK, SIZE_MARK, SOURCE_MARK
from ..source.frames import file_name, picture_size, write_empty_png
from ..source.passes import render_size
from .colour import set_colorspace

CHANNELS = 128


@dataclass(frozen=True)
class Show:
    """What a job puts into the sequencer.

    Attributes:
        label: what the strip is called, after ``LWSW``.
        results: folder of the stylized frames ``0001.png``….
        frames: every frame of the job, ascending.
        pictures: the display-referred source pictures by frame number.
        add_source: add a strip of those pictures where nothing shows the source yet.
        size: width and height of the results, in pixels.
        in_timeline: the frames are those of this timeline, which shows the source.
        strips: names of the strips that show the source; empty to look for them.
        settings: what the strip remembers of how it was made, as text; empty for nothing.
        originals: the source as it was found, by frame number, where ``pictures`` are made of it: EXR or JPEG, which a strip may show.
    """

    label: str
    results: Path
    frames: Sequence[int]
    pictures: Mapping[int, Path]
    add_source: bool
    size: tuple[int, int]
    in_timeline: bool = False
    strips: Sequence[str] = ()
    settings: str = ""
    originals: Mapping[int, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """The strip that shows the frames which are stylized; frame f lies at f + offset in the timeline."""

    strip: Any
    offset: int

    def timeline_frame(self, frame: int) -> int:
        """Return where a frame of the scene lies in the timeline."""
        return frame + self.offset


def update_strip(scene: bpy.types.Scene, editor_scene: bpy.types.Scene, show: Show, ready: Sequence[int]) -> tuple[str, str]:
    """Show results in the sequencer, in the one strip that belongs to their folder.

    Args:
        scene: the scene that was stylized.
        editor_scene: the scene whose sequencer gets the strip, see :func:`.compat.sequencer_scene`.
        show: what the job's strips look like.
        ready: the frames that are finished, ascending, without gaps, at least one.

    Returns:
        The strip's name, and a note about its colours (may be empty).
    """
    editor = editor_scene.sequence_editor_create()
    source = None
    if not show.in_timeline:
        source = find_source(editor, scene, show.pictures, show.strips) or find_source(editor, scene, show.originals, show.strips)
    if source is None and show.add_source and not show.in_timeline:
        source = _add_source(editor, editor_scene, scene, show)
    elif source is not None and SOURCE_MARK in source.strip:
        _extend_source(source.strip, show)
    start = source.timeline_frame(ready[0]) if source else ready[0]
    end = start + len(show.frames)

    names = [file_name(frame, ".png") for frame in ready]
    strip = find_result(editor, show.results)
    if strip is None:
        below = source.strip.channel if source else _highest_channel(editor, start, end, show.strips) if show.in_timeline else 0
        channel = free_channel(editor, start, end, below + 1)
        strip = _new_strip(editor, f"LWSW {show.label}", show.results, names, channel, start, editor_scene)
        strip[RESULT_MARK] = scene.name
        strip[SIZE_MARK] = show.size
        if editor.active_strip is None:  # like any strip that is added, unless the artist is at another one
            editor.active_strip = strip
    elif _names(strip) != [file_name(frame, ".png") for frame in show.frames]:
        # a strip that already has a place for every frame only gets new pictures: the artist's trims stay
        _set_elements(strip, names)
        compat.set_strip_start(strip, start)
    _follow_size(strip, show.size)
    if show.settings and strip.get(SETTINGS_MARK) != show.settings:
        strip[SETTINGS_MARK] = show.settings
    note = set_colorspace(strip, editor_scene)
    compat.forget_cached_pictures(strip)
    compat.show_in_sequencer(editor_scene)
    return strip.name, note


def find_result(editor: Any, folder: Path) -> Any:
    """Return our strip of the results in this folder, or None."""
    return next(
        (strip for strip in editor.strips if strip.type == "IMAGE" and RESULT_MARK in strip and _is_folder(strip.directory, folder)), None
    )


def show_all(strip: Any, frames: Sequence[int]) -> None:
    """Give a strip of results the frames that it lacks at its end, all of which are painted."""
    names, wanted = _names(strip), [file_name(frame, ".png") for frame in frames]
    if len(names) < len(wanted) and wanted[: len(names)] == names:
        _set_elements(strip, wanted)
        compat.forget_cached_pictures(strip)


def find_source(editor: Any, scene: bpy.types.Scene, pictures: Mapping[int, Path], names: Sequence[str] = ()) -> Source | None:
    """Return the strip that shows what is stylized: a strip of the scene, or one of the rendered pictures.

    Args:
        editor: the sequencer.
        scene: the scene that was stylized.
        pictures: the rendered pictures by frame number.
        names: the only strips that come into question; empty for all.
    """
    strips = [strip for strip in editor.strips if not names or strip.name in names]
    for strip in strips:
        if strip.type == "SCENE" and strip.scene == scene:
            return Source(strip, compat.strip_start(strip) - scene.frame_start)
    for strip in strips:
        if strip.type != "IMAGE" or RESULT_MARK in strip:
            continue
        names = _names(strip)
        for frame, path in pictures.items():
            if path.name in names and _is_folder(strip.directory, path.parent):
                return Source(strip, compat.strip_start(strip) + names.index(path.name) - frame)
    return None


def free_channel(editor: Any, start: int, end: int, lowest: int) -> int:
    """Return the lowest channel from ``lowest`` upwards where nothing lies between two timeline frames."""
    taken = _taken_channels(editor, start, end)
    return next((channel for channel in range(lowest, CHANNELS + 1) if channel not in taken), CHANNELS)


def _highest_channel(editor: Any, start: int, end: int, names: Sequence[str]) -> int:
    return max(_taken_channels(editor, start, end, names), default=0)


def _taken_channels(editor: Any, start: int, end: int, names: Sequence[str] = ()) -> set[int]:
    ranges = [(strip.channel, *compat.strip_range(strip)) for strip in editor.strips if not names or strip.name in names]
    return {channel for channel, first, after in ranges if first < end and after > start}


def redraw() -> None:
    """Have every sequencer drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


def _add_source(editor: Any, editor_scene: bpy.types.Scene, scene: bpy.types.Scene, show: Show) -> Source | None:
    files = _files_from(0, show)
    if not files:
        return None
    start = show.frames[0]
    channel = free_channel(editor, start, start + len(files), 1)
    strip = _new_strip(editor, f"{scene.name} render", files[0].parent, [path.name for path in files], channel, start, editor_scene)
    strip[SOURCE_MARK] = scene.name
    return Source(strip, 0)


def _extend_source(strip: Any, show: Show) -> None:
    """Add what was rendered since the strip was made: frames may be painted while later ones still render."""
    names = _names(strip)
    if names != [show.pictures[frame].name for frame in show.frames[: len(names)]]:
        return  # the artist has made something else of it
    for path in _files_from(len(names), show):
        strip.elements.append(path.name)


def _files_from(index: int, show: Show) -> list[Path]:
    """Return the rendered pictures from a position on, up to the first that is not there yet."""
    return list(itertools.takewhile(Path.is_file, (show.pictures[frame] for frame in show.frames[index:])))


def _new_strip(editor: Any, name: str, folder: Path, names: Sequence[str], channel: int, start: int, scene: bpy.types.Scene) -> Any:
    size, canvas = picture_size(folder / names[0]), render_size(scene)
    # Heights are rounded: what should cover the whole canvas must not leave a line of it free.
    covers = abs(size[0] * canvas[1] / (size[1] * canvas[0]) - 1) < 0.02
    with tempfile.TemporaryDirectory(prefix="lwsw-") as elsewhere:
        # Blender reads a whole picture while it makes a strip of it, only to see its size: an empty one takes a tenth of the time.
        stand_in = Path(elsewhere) / names[0]
        write_empty_png(stand_in, size)
        strip = editor.strips.new_image(
            name=name, filepath=str(stand_in), channel=channel, frame_start=start, fit_method="STRETCH" if covers else "FIT"
        )
    strip.directory = _blend_path(folder / names[0]).removesuffix(names[0])
    _set_elements(strip, names)
    set_colorspace(strip, scene)
    return strip


def _follow_size(strip: Any, size: tuple[int, int]) -> None:
    """Keep the strip as large as it is on the canvas when a rerun makes larger or smaller pictures."""
    before = tuple(strip.get(SIZE_MARK, size))
    if before != size:
        strip.transform.scale_x *= before[0] / size[0]
        strip.transform.scale_y *= before[1] / size[1]
        strip[SIZE_MARK] = size


def _set_elements(strip: Any, names: Iterable[str]) -> None:
    names = list(names)
    while len(strip.elements) > len(names):
        strip.elements.pop(-1)
    for element, name in zip(strip.elements, names, strict=False):
        element.filename = name
    for name in names[len(strip.elements) :]:
        strip.elements.append(name)


def _names(strip: Any) -> list[str]:
    return [element.filename for element in strip.elements]


def _is_folder(directory: str, folder: Path) -> bool:
    return Path(bpy.path.abspath(directory)).resolve() == folder.resolve()


def _blend_path(path: Path) -> str:
    """Return the path from the Blender file on, so that file and pictures can be moved together."""
    return bpy.path.relpath(str(path)) if bpy.data.filepath and _same_drive(path) else str(path)


def _same_drive(path: Path) -> bool:
    return Path(bpy.data.filepath).drive == path.drive
