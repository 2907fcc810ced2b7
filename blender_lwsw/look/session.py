"""The preview of this Blender session: looks at the sliders, has the frame painted, and copies what comes into an image."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..connection.backend import session_backend
from ..connection.preview_link import PreviewLink
from ..errors import LwswError, internal
from ..jobs.session import redraw
from ..results import preview_image
from ..settings import preferences
from .frame_input import FrameInput, is_blocked
from .variations import Variation
from .wish import CELL_WIDTH, fingerprint, make_wish, notes_for, source_fingerprint

#: Seconds between two looks at sliders and pictures.
TICK_SECONDS = 0.1

#: A slider has stopped when it has not moved for so long, in seconds.
REST_SECONDS = 0.3

#: Pixels of a picture up to which it is packed as soon as it is settled: that takes milliseconds; larger ones wait until the end.
_QUICKLY_PACKED = 65_536


class PreviewSession:
    """Drives one preview with a timer."""

    def __init__(self) -> None:
        self.error: LwswError | None = None
        self.variations: Sequence[Variation] = ()
        self.shows_source = False
        self._link: PreviewLink | None = None
        self._scene_uid = 0
        self._folder: Path | None = None
        self._input: FrameInput | None = None
        self._wants_restart = False
        self._is_kept = False
        self._seen: tuple[Any, ...] = ()
        self._seen_source: tuple[Any, ...] = ()
        self._moved = 0.0
        self._is_sent = False
        self._longest_copy = 0.0
        self._text = ""
        self._timer = self._tick  # one object: Blender tells timers apart by identity

    @property
    def is_running(self) -> bool:
        """Whether there is a preview."""
        return self._link is not None

    @property
    def is_sheet(self) -> bool:
        """Whether the preview is a sheet of variations."""
        return bool(self.variations)

    @property
    def cells(self) -> Sequence[dict[str, Any]]:
        """Where each variation lies on the sheet, in pixels from the upper left corner; empty before it is there."""
        link = self._link
        return list(link.state.get("cells", ())) if link is not None and self.is_sheet else []

    def index_at(self, x: float, y: float) -> int | None:
        """Return the number of the variation that lies at a place of the sheet, in pixels from the upper left corner; None between them."""
        for index, cell in enumerate(self.cells):
            if cell["x"] <= x < cell["x"] + cell["width"] and cell["y"] <= y < cell["y"] + cell["height"]:
                return index
        return None

    @property
    def is_settled(self) -> bool:
        """Whether the picture is finished for the settings as they are, and in the image."""
        link = self._link
        return link is not None and self._is_sent and link.is_settled and not link.has_new_picture

    @property
    def longest_copy(self) -> float:
        """The most seconds that copying a picture into the image has taken."""
        return self._longest_copy

    def scene(self) -> bpy.types.Scene | None:
        """Return the scene that is previewed, if it is still there."""
        return compat.find_scene(self._scene_uid) if self.is_running else None

    def start(self, scene: bpy.types.Scene, variations: Sequence[Variation] = (), space: Any = None) -> None:
        """Begin a preview, or have the running one show something else.

        Args:
            scene: whose current frame and sliders are followed.
            variations: what a sheet shows; empty for the picture itself.
            space: the Image Editor whose button was pressed.

        Raises:
            LwswError: ``missing_style`` and the like, where the settings cannot be painted.
        """
        make_wish(scene, Path(), scene.lwsw.preview_width, variations=variations)  # what is wrong is said at the button
        if self._link is None or self._scene_uid != scene.session_uid:
            self.stop()
            self._link = PreviewLink(session_backend.connector(preferences.backend_settings()))
            self._link.begin()
            self._folder = Path(tempfile.mkdtemp(prefix="lwsw-preview-", dir=bpy.app.tempdir or None))
            self._input = FrameInput(self._folder, interactive=not bpy.app.background)
            self._scene_uid = scene.session_uid
        self.error = None
        self.variations = tuple(variations)
        self.shows_source = False
        preview_image.open_in_editor(preview_image.ensure(scene.lwsw.preview_width, scene), space)
        self._send_again()
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=0.0, persistent=True)
        redraw()

    def stop(self, patience: float = 0.0) -> None:
        """End the preview; the picture stays.

        Args:
            patience: seconds to wait for its threads.
        """
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)
        self._end_render()
        link, self._link = self._link, None
        if link is not None:
            link.stop(patience)
            preview_image.keep()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self.variations, self._input, self.shows_source = (), None, False
        self._text = ""
        redraw()

    def show_source(self, on: bool) -> None:
        """Show the frame as it was rendered, or the painting of it."""
        self.shows_source = on
        link = self._link
        if link is not None and not self.is_sheet:
            pixels = link.source if on else link.picture
            if pixels is not None:
                self._copy(pixels)
        redraw()

    def start_over(self) -> None:
        """Paint from the render again instead of going on from the present picture."""
        self._wants_restart = True
        self._is_sent = False
        self._moved = 0.0

    def render_again(self) -> None:
        """Render the frame, even where there is a picture of it already."""
        if self._input is not None:
            self._input.render_again()
        self._is_sent = False
        self._moved = 0.0

    def text(self) -> str:
        """Return where the preview is, as a sentence."""
        link, scene, source = self._link, self.scene(), self._input
        if link is None or scene is None or source is None:
            return ""
        if source.is_rendering:
            return source.text()
        if source.found is None and is_blocked(scene):
            return "Waiting until Blender has rendered"
        if not link.is_connected:
            return "Waiting for the backend"
        state = link.state
        if not state.get("painted"):
            return "Preparing"
        iteration = int(state.get("iteration") or 0)
        if self.is_settled:
            return f"Settled after {iteration} iterations"
        return f"Painting, iteration {iteration}" + (", large strokes" if state.get("coarse") else "")

    def notes(self) -> list[str]:
        """Return what the artist should know of the picture."""
        link, scene = self._link, self.scene()
        if link is None or scene is None:
            return []
        found = self._input.found if self._input is not None else None
        source = [f"Painted from {found.words}."] if found is not None and found.words else []
        note = str(link.state.get("note") or "")
        return [*source, *notes_for(scene), *([note] if note else [])]

    # ------------------------------------------------------------------ the timer

    def _tick(self) -> float | None:
        try:
            self._advance()
        except LwswError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the timer would end without a word
            self._fail(internal(error))
        if self._link is None:
            return None
        text = self.text()
        if text != self._text:
            self._text = text
            redraw()
        return TICK_SECONDS

    def _advance(self) -> None:
        link, scene = self._link, self.scene()
        if link is None:
            return
        if scene is None:
            self.stop()
            raise LwswError("nothing_to_stylize", "The scene that was previewed is gone.", "Press Preview in another scene.")
        self._look_at(scene)
        if not self._is_sent and time.monotonic() - self._moved >= REST_SECONDS and not _is_playing():
            self._send(link, scene)
        self._receive(link)

    def _look_at(self, scene: bpy.types.Scene) -> None:
        """Notice what has changed since the last look."""
        assert self._input is not None
        source = source_fingerprint(scene)
        if source != self._seen_source and not self._input.is_rendering:  # which may go to another moment than the frame for a while
            if self._seen_source and not self.is_sheet:
                self._input.forget()
                self._note_change()
            self._seen_source = source
        seen = fingerprint(scene)
        if seen != self._seen:
            if self._seen and not self.is_sheet:  # a sheet shows what it was made of
                self._note_change()
            self._seen = seen

    def _note_change(self) -> None:
        self._is_sent = False
        self._moved = time.monotonic()
        self._is_kept = False

    def _send(self, link: PreviewLink, scene: bpy.types.Scene) -> None:
        """Have the present settings painted as soon as there is a picture of the frame."""
        assert self._input is not None
        found = self._input.find(scene, scene.lwsw.preview_width)
        if found is None:
            return
        width = min(CELL_WIDTH, scene.lwsw.preview_width) if self.is_sheet else scene.lwsw.preview_width
        link.want(make_wish(scene, found.path, width, passes=found.passes, variations=self.variations, restart=self._wants_restart))
        self._is_sent, self._wants_restart = True, False
        self.error = None

    def _receive(self, link: PreviewLink) -> None:
        if link.error is not None and link.error is not self.error:
            raise link.error
        picture = link.take_picture()
        shown = link.source if self.shows_source else link.picture
        is_gone = preview_image.find_image() is None  # undo may have taken the image along
        if shown is not None and (is_gone or (picture is not None and not self.shows_source)):
            self._copy(shown)
        if is_gone and (image := preview_image.find_image()) is not None:
            preview_image.open_in_editor(image)
        if not self._is_kept and self.is_settled:
            self._is_kept = True
            image = preview_image.find_image()
            if image is not None and image.size[0] * image.size[1] <= _QUICKLY_PACKED:
                preview_image.keep(image)

    def _copy(self, pixels: Any) -> None:
        began = time.perf_counter()
        preview_image.show(pixels.width, pixels.height, pixels.values)
        self._longest_copy = max(self._longest_copy, time.perf_counter() - began)

    def _send_again(self) -> None:
        self._seen, self._seen_source = (), ()
        self._is_sent, self._is_kept = False, False
        self._moved = 0.0

    def _fail(self, error: LwswError) -> None:
        """Say what is wrong; the next change tries again."""
        self._end_render()
        self.error = error
        self._is_sent = True
        if error.code == "preview_taken":
            self.stop()
        redraw()

    def _end_render(self) -> None:
        if self._input is not None:
            self._input.end()


def _is_playing() -> bool:
    return any(window.screen.is_animation_playing for manager in bpy.data.window_managers for window in manager.windows)


#: The preview of this Blender.
preview_session = PreviewSession()


@bpy.app.handlers.persistent
def _before_loading(*_: Any) -> None:
    preview_session.stop()
    preview_session.error = None


def register() -> None:
    """Stop the preview before another file is loaded."""
    if _before_loading not in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.append(_before_loading)


def unregister() -> None:
    """Stop the preview and leave nothing behind."""
    preview_session.stop(patience=5.0)
    preview_session.error = None
    preview_image.remove()
    while _before_loading in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_before_loading)
