"""What Blender's own Render Animation has just written, found again on disk."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import LwswError
from ..marks import RESULT_MARK
from .passes import paintings_in_compositor
from .sequencer_source import shown_strips

#: File times are coarser than the clock, on some file systems by two seconds.
COARSENESS_SECONDS = 2.0


class AnimationOutput:
    """The files of one render of an animation.

    Blender's handlers do not say whether a single frame or an animation was rendered, nor under which name. Files that lie where the
    animation's would be, and that are newer than the render's beginning, do.

    Args:
        scene: what was rendered, with the output settings of then.
        began: when the render began, in seconds since 1970.
    """

    def __init__(self, scene: bpy.types.Scene, began: float) -> None:
        self._scene = scene
        self._frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        self._files = {frame: Path(bpy.path.abspath(scene.render.frame_path(frame=frame))) for frame in self._frames}
        self._new = {frame for frame, path in self._files.items() if _written_since(path, began - COARSENESS_SECONDS)}

    @property
    def is_animation(self) -> bool:
        """Whether the render has written anything that belongs to an animation."""
        return bool(self._new)

    def pictures(self) -> dict[int, Path]:
        """Return the pictures by frame number.

        Raises:
            LwswError: ``bad_settings`` for a movie or a stereo picture, ``frame_gap`` for a render in steps, ``missing_frames``.
        """
        scene, render = self._scene, self._scene.render
        if render.is_movie_format:
            hint = "Set the output to PNG or OpenEXR; or add the movie to the sequencer, and stylize its strip there."
            raise LwswError("bad_settings", "The animation was rendered into a movie, and not into pictures of single frames.", hint)
        if render.use_multiview:
            raise LwswError("bad_settings", "The animation was rendered in stereo.", "Turn off Stereoscopy, and render each eye by itself.")
        if scene.frame_step != 1:
            message = f"Only every {_ordinal(scene.frame_step)} frame was rendered, and motion leads from each frame to the next one."
            raise LwswError("frame_gap", message, "Set the frame step to 1, and render the animation again.")
        there = self._new if render.use_overwrite else {frame for frame, path in self._files.items() if path.is_file()}
        if missing := [frame for frame in self._frames if frame not in there]:
            message = f"Frame {missing[0]} of the animation was not written ({self._files[missing[0]]})."
            raise LwswError("missing_frames", message, "Render the animation again, with the frame range as it is now.")
        return self._files

    @property
    def shows_sequencer(self) -> bool:
        """Whether the pictures are those of the sequencer rather than the scene's."""
        return self._scene.render.use_sequencer and bool(shown_strips(self._scene))

    def check_no_painting(self) -> None:
        """Raise ``nothing_to_stylize`` if the pictures are paintings already, because the sequencer or the compositor shows them."""
        if self.shows_sequencer and any(RESULT_MARK in strip for strip in shown_strips(self._scene)):
            message = "Render Animation has rendered the sequencer, which already shows the painting of an earlier run."
            hint = "Turn off Output properties › Post Processing › Sequencer, or mute the painting, and render the animation again."
            raise LwswError("nothing_to_stylize", message, hint)
        if self._scene.render.use_compositing and any(not node.mute for node in paintings_in_compositor(self._scene)):
            message = "Render Animation has rendered the compositor, which already shows the painting of an earlier run."
            raise LwswError("nothing_to_stylize", message, "Mute the node LWSW in the compositor, and render the animation again.")


def _written_since(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime >= moment
    except OSError:
        return False


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
