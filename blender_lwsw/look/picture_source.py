"""Where the picture of the current frame comes from: rendered files, the Render Result, or a small render."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..settings.folders import output_folder
from ..source import passes
from ..source.frames import file_name, find_sequence, has_object_masks
from ..source.overrides import Overrides, is_overridden
from ..source.pictures import as_png
from ..source.sequencer_source import SequencerSource


@dataclass(frozen=True)
class Found:
    """A display-referred picture of a frame.

    Attributes:
        path: of a PNG.
        words: where it comes from, for the artist.
        passes: a multilayer EXR of the same frame that says where its objects are; None where there is none.
        has_border: it was rendered with the scene's border.
    """

    path: Path
    words: str
    passes: Path | None = None
    has_border: bool = False


class RenderedFrame:
    """Remembers which frame the Render Result shows. Renders of our own are small, or passes only, and do not count."""

    def __init__(self) -> None:
        self.scene_uid = 0
        self.frame: int | None = None

    def remember(self, scene: bpy.types.Scene) -> None:
        """Take note of a render that has ended; called from the render's thread, so it only reads two numbers."""
        self.scene_uid, self.frame = scene.session_uid, None if is_overridden(scene) else scene.frame_current

    def save(self, scene: bpy.types.Scene, path: Path) -> bool:
        """Write the Render Result as PNG if it is one of the current frame that can be read; return whether it was."""
        image = bpy.data.images.get("Render Result")
        is_it = self.frame == scene.frame_current and self.scene_uid == scene.session_uid
        if not is_it or image is None or bpy.app.is_job_running("RENDER"):
            return False
        with Overrides(scene) as overrides:
            overrides.keep_image_settings()
            passes.use_png(scene.render.image_settings)
            try:
                image.save_render(str(path), scene=scene)
            except RuntimeError:
                return False  # nothing in the slot that is shown
        return path.is_file()


#: What the Render Result of this Blender shows.
rendered_frame = RenderedFrame()


def find_picture(scene: bpy.types.Scene, folder: Path, width: int) -> Found | None:
    """Return a picture of the scene's current frame that is there already; None where it has to be rendered.

    Args:
        scene: the scene; its source decides where is looked.
        folder: where a picture is written that is made of another file.
        width: in pixels, that is needed at least.

    Raises:
        LwswError: ``missing_frames`` where the chosen files do not have this frame; ``nothing_to_stylize``, ``unreadable_frame``.
    """
    frame, source = scene.frame_current, scene.lwsw.source
    if source == "FILES":
        path = _rendered_file(scene, frame)
        return Found(as_png(scene, path, frame, folder), f"{path.name}", _pass_file(scene, frame))
    if source == "SEQUENCER":
        return _sequencer_picture(scene, folder, width)
    output = output_folder(scene)
    if output is not None:
        path = output / "source" / "frames" / file_name(frame, ".png")
        if path.is_file():
            return Found(path, "the frame rendered for the last job", _with_masks(output / "source" / "passes" / file_name(frame, ".exr")))
    path = folder / f"result-{file_name(frame, '.png')}"
    return Found(path, "the Render Result", has_border=True) if rendered_frame.save(scene, path) else None


def _rendered_file(scene: bpy.types.Scene, frame: int) -> Path:
    settings = scene.lwsw
    pattern = settings.color_pattern or settings.passes_pattern
    if not pattern:
        hint = "Choose the colour files, or set the source to Render."
        raise LwswError("nothing_to_stylize", "No rendered files have been chosen.", hint)
    files = find_sequence(str(Path(bpy.path.abspath(pattern))))
    if frame not in files:
        hint = f"Go to a frame from {min(files)} to {max(files)}." if files else "Choose one file of the sequence, or render first."
        raise LwswError("missing_frames", f"There is no rendered file of frame {frame}.", hint)
    return files[frame]


def _pass_file(scene: bpy.types.Scene, frame: int) -> Path | None:
    """Return the chosen pass file of a frame, if it says where objects are."""
    pattern = scene.lwsw.passes_pattern
    return _with_masks(find_sequence(str(Path(bpy.path.abspath(pattern)))).get(frame)) if pattern else None


def _with_masks(path: Path | None) -> Path | None:
    return path if path is not None and path.is_file() and has_object_masks(path) else None


def _sequencer_picture(scene: bpy.types.Scene, folder: Path, width: int) -> Found:
    editor_scene = compat.sequencer_scene(scene)
    if editor_scene.sequence_editor is None:
        hint = "Add a movie or an image sequence in the Sequencer, or choose another source."
        raise LwswError("nothing_to_stylize", f"The sequencer of the scene {editor_scene.name} shows nothing that could be stylized.", hint)
    source = SequencerSource(editor_scene, (editor_scene.frame_current,), folder)
    share = min(1.0, width / max(1, editor_scene.render.resolution_x))
    with Overrides(editor_scene) as overrides:
        overrides.set("render", "resolution_percentage", min(editor_scene.render.resolution_percentage, -int(-100 * share // 1)))
        try:
            source.begin()
            uploads = source.step()
        finally:
            source.end()
    assert uploads is not None
    return Found(uploads.picture, "the Sequencer")


@bpy.app.handlers.persistent
def _after_render(scene: bpy.types.Scene, *_: Any) -> None:
    rendered_frame.remember(scene)


def register() -> None:
    """Notice what is rendered."""
    if _after_render not in bpy.app.handlers.render_post:
        bpy.app.handlers.render_post.append(_after_render)


def unregister() -> None:
    """Notice nothing any more."""
    while _after_render in bpy.app.handlers.render_post:
        bpy.app.handlers.render_post.remove(_after_render)
    rendered_frame.frame = None
