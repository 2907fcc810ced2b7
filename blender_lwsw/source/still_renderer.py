"""Renders the current frame small, as the artist sees it, and where its objects are: what a preview is painted from."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat
from ..errors import LwswError
from . import passes, vector_passes
from .overrides import Overrides
from .render_job import RenderJob


class StillRenderer:
    """One picture, display-referred, and its object masks, in the window without blocking. :meth:`end` puts every value of the scene back.

    The masks are a render of their own after the picture's, with few samples and without blur, as :mod:`.vector_passes` has them:
    the picture is the same with and without, and masks of a picture that is there already cost a fraction of it.

    Args:
        scene: what to render, at its current frame.
        width: in pixels; the picture has at least that, unless the scene's own is smaller.
        picture: path of the PNG; None where it is there already.
        masks: path of the multilayer EXR with the Cryptomatte pass; None where nothing asks for it.
        interactive: render as the artist would and return at once; otherwise block.
        keep_border: the picture that is there already was rendered with the scene's border, and so are its masks.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        width: int,
        picture: Path | None,
        masks: Path | None,
        interactive: bool,
        keep_border: bool = False,
    ) -> None:
        self._scene_uid = scene.session_uid
        self._width = width
        self._picture, self._masks = picture, masks
        self._interactive = interactive
        self._keep_border = keep_border
        self._waiting = [path for path in (picture, masks) if path is not None]
        self._current: Path | None = None
        self._overrides = Overrides(scene)
        self._for_masks = Overrides(scene)  # on top of the others
        self._job = RenderJob(interactive)

    @property
    def is_at_masks(self) -> bool:
        """Whether it is the masks that are being rendered."""
        return self._current is not None and self._current == self._masks

    def begin(self) -> None:
        """Start the first render.

        Raises:
            LwswError: ``no_camera``, ``nothing_to_stylize``, ``missing_frames``, ``cancelled``.
        """
        scene = self._scene()
        if scene.camera is None:
            hint = "Add a camera, or choose already rendered files as the source."
            raise LwswError("no_camera", f"The scene {scene.name} has no camera.", hint)
        passes.check_layers(scene)
        overrides = self._overrides
        share = min(1.0, self._width / max(1, scene.render.resolution_x))
        overrides.set("render", "resolution_percentage", min(scene.render.resolution_percentage, -int(-100 * share // 1)))
        for name in ("use_sequencer", "use_stamp", "use_multiview", "use_placeholder", *(() if self._keep_border else ("use_border",))):
            overrides.set("render", name, False)
        for name in compat.render_output_names():
            overrides.set("render", name, True)
        if len(self._waiting) > 1:
            overrides.set("render", "use_persistent_data", True)  # the scene is loaded once for both
        overrides.set("render", "filepath", scene.render.filepath)
        overrides.keep_image_settings()
        self._job.begin()
        self._start()

    def step(self) -> bool:
        """Start what comes next when a render is over; return whether all files are there.

        Raises:
            LwswError: ``cancelled`` when the artist stopped the render, ``missing_frames`` when Blender wrote nothing.
        """
        while self._current is not None:
            try:
                if not self._job.has_ended():
                    return False
            except LwswError:
                raise _stopped() from None
            if not self._current.is_file():
                raise passes.not_rendered(self._scene().frame_current)
            self._current = None
            if self._waiting:
                self._start()
        return True

    def end(self) -> None:
        """Put everything back. Safe to call more than once, and when the scene is gone."""
        self._job.end(self._restore)

    def _restore(self) -> None:
        self._for_masks.restore()
        self._overrides.restore()

    def _start(self) -> None:
        scene = self._scene()
        self._overrides.apply_again()  # undo may have taken some back meanwhile
        self._current = path = self._waiting.pop(0)
        frame = scene.frame_current
        if path == self._masks:
            self._set_up_masks(scene)
            passes.use_exr(scene.render.image_settings)
        else:
            passes.use_png(scene.render.image_settings)
        scene.render.filepath = str(path)
        try:
            self._job.start(scene, frame)
        except LwswError as error:
            raise _stopped() if error.code == "cancelled" else error from None

    def _set_up_masks(self, scene: bpy.types.Scene) -> None:
        overrides, blurred = self._for_masks, scene.render.use_motion_blur
        passes.set_up_object_masks(scene, overrides)
        passes.leave_out_motion(scene, overrides)
        overrides.set("render", "use_single_layer", False)
        frame, subframe = vector_passes.middle_of_blur(scene, scene.frame_current, blurred)
        vector_passes.set_up(scene, overrides, object_masks=True)
        if blurred and (frame, subframe) != (scene.frame_current, 0.0):
            overrides.keep_frame()
            scene.frame_set(frame, subframe=subframe)

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self._scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", "The scene that was being rendered is gone.", "Press Preview in a scene that exists.")
        return scene


def _stopped() -> LwswError:
    return LwswError("cancelled", "The small render for the preview was stopped.", "Press Render Again to have it rendered.")
