"""Takes what the sequencer shows, movies and image sequences among it: the same interface as the renderer, so that a job need not care."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..marks import RESULT_MARK
from . import passes
from .frames import Uploads, file_name
from .overrides import Overrides
from .render_job import RenderJob


class SequencerSource:
    """Goes through frames of a timeline and writes each as it is seen there, without the paintings that lie above.

    The pictures are display-referred: they went through the view transform once, as in the preview. Files go to
    ``folder/frames/0001.png``.

    Args:
        scene: the scene whose sequencer is meant, see :func:`.compat.sequencer_scene`.
        frames: frame numbers of its timeline.
        folder: where the pictures go.
        strips: names of the only strips that are shown; empty for all.
        interactive: render as the artist would, and return at once; otherwise each frame is rendered while the caller waits.
    """

    def __init__(
        self, scene: bpy.types.Scene, frames: tuple[int, ...], folder: Path, strips: Collection[str] = (), interactive: bool = False
    ) -> None:
        self._scene_uid = scene.session_uid
        self._waiting = list(frames)
        self._folder = folder / "frames"
        self._strips = strips
        self._overrides = Overrides(scene)
        self._interactive = interactive
        self._job = RenderJob(interactive)
        self._current: int | None = None

    def begin(self) -> None:
        """Override what has to be."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scene, overrides = self._scene(), self._overrides
        overrides.keep_frame()
        editor = scene.sequence_editor
        hidden = [strip for strip in editor.strips_all if RESULT_MARK in strip]
        if self._strips:
            hidden += [strip for strip in editor.strips if strip.name not in self._strips and strip not in hidden]
        for strip in hidden:
            if not strip.mute:
                overrides.set(f'sequence_editor.strips_all["{bpy.utils.escape_identifier(strip.name)}"]', "mute", True)
        switches = dict.fromkeys(("use_sequencer", *compat.render_output_names()), True)
        switches |= dict.fromkeys(("use_border", "use_stamp", "use_multiview", "use_placeholder"), False)
        for name, value in switches.items():
            overrides.set("render", name, value)
        overrides.set("render", "filepath", scene.render.filepath)
        overrides.keep_image_settings()
        self._job.begin()

    def end(self, wait: bool = False) -> None:
        """Put everything back. Safe to call more than once, and when the scene is gone.

        Args:
            wait: as the other sources have it; here there is nothing to wait for.
        """
        self._job.end(self._overrides.restore)

    @property
    def is_rendering(self) -> bool:
        """Whether Blender is rendering a frame of ours at this moment."""
        return self._current is not None

    is_busy = is_rendering

    def skip_rest(self) -> None:
        """Start no render any more; what is on its way is still returned by :meth:`step`."""
        self._waiting.clear()

    @property
    def is_finished(self) -> bool:
        """Whether every frame has been returned by :meth:`step`."""
        return self._current is None and not self._waiting

    def cameras(self) -> Mapping[str, Any] | None:
        """Return None: nothing is known of a movie's camera."""
        return None

    def step(self) -> Uploads | None:
        """Start the next render, or finish the one that runs; return a frame's file once it is complete.

        Raises:
            LwswError: ``cancelled`` when the artist stopped the render, ``missing_frames`` when Blender wrote nothing.
        """
        if self._current is None:
            if not self._waiting:
                return None
            self._start(self._waiting.pop(0))
            if self._interactive:
                return None
        frame = self._current
        assert frame is not None
        try:
            if not self._job.has_ended():
                return None
        except LwswError:
            self._current = None
            raise
        self._current = None
        png, partial = self._files(frame)
        if not partial.is_file():
            raise passes.not_rendered(frame)
        partial.replace(png)
        return Uploads(frame, png, None)

    def _start(self, frame: int) -> None:
        scene = self._scene()
        self._overrides.apply_again()
        passes.use_png(scene.render.image_settings)
        scene.render.filepath = str(self._files(frame)[1])
        scene.frame_set(frame)
        self._job.start(scene, frame)
        self._current = frame

    def _files(self, frame: int) -> tuple[Path, Path]:
        """Return the picture of a frame, and where Blender writes it: beside it, so that it need only be renamed."""
        png = self._folder / file_name(frame, ".png")
        return png, png.with_name(f".{png.stem}.partial.png")

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self._scene_uid)
        if scene is None or scene.sequence_editor is None:
            raise LwswError("nothing_to_stylize", "The scene with the sequencer is gone.", "Press Stylize in a scene that exists.")
        return scene


def shown_frames(scene: bpy.types.Scene, first: int, last: int, strips: Collection[str] = ()) -> range:
    """Return the frames from ``first`` to ``last`` between the first and the last strip that shows something other than our paintings.

    Args:
        scene: whose sequencer is meant.
        first, last: the range, both included.
        strips: names of the only strips that count; empty for all.

    Raises:
        LwswError: ``nothing_to_stylize`` where there are none.
    """
    footage = [strip for strip in shown_strips(scene) if RESULT_MARK not in strip]
    ranges = [compat.strip_range(strip) for strip in footage if not strips or strip.name in strips]
    if not ranges:
        hint = "Add a movie or an image sequence in the Sequencer, or choose another source."
        raise LwswError("nothing_to_stylize", f"The sequencer of the scene {scene.name} shows nothing that could be stylized.", hint)
    start, end = min(start for start, _ in ranges), max(end for _, end in ranges)
    frames = range(max(first, start), min(last, end - 1) + 1)
    if not frames:
        message = f"The strips of the sequencer ({start} to {end - 1}) lie outside of the frame range {first} to {last}."
        raise LwswError("nothing_to_stylize", message, "Move the strips, or set the scene's frame range to where they are.")
    return frames


def shown_strips(scene: bpy.types.Scene) -> list[Any]:
    """Return the strips that the sequencer of a scene shows: all that are neither sounds nor muted."""
    editor = scene.sequence_editor
    strips = editor.strips if editor else ()
    return [strip for strip in strips if strip.type != "SOUND" and not strip.mute and not editor.channels[strip.channel].mute]
