"""What a preview is painted from: a picture of the current frame and, where there are regions, the passes that say where they are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy

from ..source.overrides import is_overridden
from ..source.still_renderer import StillRenderer
from .picture_source import Found, find_picture
from .wish import has_regions, source_fingerprint


class FrameInput:
    """Finds the files of the current frame, and has Blender render what is not there.

    Args:
        folder: where files are written that are made for it.
        interactive: Blender renders in the background, and :meth:`find` is called again until it is done; otherwise it waits.
    """

    def __init__(self, folder: Path, interactive: bool) -> None:
        self._folder = folder
        self._interactive = interactive
        self._found: Found | None = None
        self._renderer: StillRenderer | None = None
        self._rendered: Found | None = None  # what is there when the renderer is done
        self._rendered_for: tuple[Any, ...] = ()
        self._renders_anyway = False

    @property
    def found(self) -> Found | None:
        """What has been found of the current frame."""
        return self._found

    @property
    def is_rendering(self) -> bool:
        """Whether Blender renders for it."""
        return self._renderer is not None

    def find(self, scene: bpy.types.Scene, width: int) -> Found | None:
        """Return the files of the scene's current frame; None while they are being rendered, or Blender cannot render yet.

        Args:
            scene: its current frame and its source count.
            width: in pixels, that is needed at least.

        Raises:
            LwswError: what :func:`.picture_source.find_picture` and :class:`.StillRenderer` raise.
        """
        if self._renderer is not None:
            if not self._renderer.step():
                return None
            found = self._rendered
            self.end()
            if self._rendered_for == source_fingerprint(scene):  # else the artist has gone to another frame meanwhile
                self._found = found
        if self._found is None and not is_blocked(scene) and not (self._renders_anyway and scene.lwsw.source == "RENDER"):
            self._found = find_picture(scene, self._folder, width)
        if self._found is not None and not self._lacks_masks(scene):
            return self._found
        if is_blocked(scene):
            return None
        self._render(scene, width)
        return None if self._interactive else self.find(scene, width)

    def forget(self) -> None:
        """Look for the files again: it is another frame."""
        self._found = None

    def render_again(self) -> None:
        """Have the frame rendered, even where there is a picture of it already."""
        self._found, self._renders_anyway = None, True

    def end(self) -> None:
        """Put everything back that a render changes."""
        renderer, self._renderer = self._renderer, None
        if renderer is not None:
            renderer.end()

    def text(self) -> str:
        """Return what Blender renders, as a sentence; empty where it does not."""
        if self._renderer is None:
            return ""
        frame = self._rendered_for[0]  # not the scene's: masks of a picture with blur may be those of another moment
        return f"Rendering where the objects of frame {frame} are" if self._renderer.is_at_masks else f"Rendering frame {frame} small"

    def _lacks_masks(self, scene: bpy.types.Scene) -> bool:
        return self._found is not None and self._found.passes is None and scene.lwsw.source == "RENDER" and has_regions(scene)

    def _render(self, scene: bpy.types.Scene, width: int) -> None:
        """Start to render the picture, its masks, or both."""
        self._renders_anyway = False
        name = f"{scene.frame_current}-{time.monotonic_ns()}"
        masks = self._folder / f"masks-{name}.exr" if has_regions(scene) else None
        picture = self._folder / f"render-{name}.png" if self._found is None else None
        if picture is not None:
            self._rendered = Found(picture, f"frame {scene.frame_current}, rendered small", masks)
        else:
            assert self._found is not None
            self._rendered = Found(self._found.path, self._found.words, masks, self._found.has_border)
        self._rendered_for = source_fingerprint(scene)
        keeps_border = self._found is not None and self._found.has_border
        self._renderer = StillRenderer(scene, width, picture, masks, self._interactive, keeps_border)
        self._renderer.begin()


def is_blocked(scene: bpy.types.Scene) -> bool:
    """Return whether the scene cannot be rendered now: Blender is rendering, or a job has changed values for its own render."""
    return bool(bpy.app.is_job_running("RENDER")) or is_overridden(scene)
