"""Scene values that are changed for a while and put back, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .. import compat

#: How many overrides each scene is under, by its ``session_uid``.
_open: dict[int, int] = {}


def is_overridden(scene: bpy.types.Scene) -> bool:
    """Return whether values of a scene are changed at this moment: what is rendered then is not for the artist. Any thread may ask."""
    return _open.get(scene.session_uid, 0) > 0


class Overrides:
    """Records what it changes in a scene and puts everything back in reverse order.

    It holds no reference to Blender's data: undo and file loading may free it. Owners are named by their path from the scene
    (``"render.image_settings"``) and looked up when needed; a scene that is gone is left alone.

    Args:
        scene: the scene to change.
    """

    def __init__(self, scene: bpy.types.Scene) -> None:
        self._scene_uid = scene.session_uid
        self._undo: list[Callable[[bpy.types.Scene], None]] = []
        self._wanted: list[tuple[str, str, Any]] = []

    def set(self, owner: str, name: str, value: Any) -> None:
        """Change an attribute, if this Blender has it.

        Args:
            owner: path from the scene to the struct that has the attribute; empty for the scene itself.
            name: the attribute.
            value: its new value.
        """
        scene = self._scene()
        struct = _resolve(scene, owner) if scene else None
        if struct is None or not hasattr(struct, name):
            return
        before = getattr(struct, name)
        self._record(lambda scene: _write(scene, owner, name, before))
        self._wanted.append((owner, name, value))
        setattr(struct, name, value)

    def keep_image_settings(self) -> None:
        """Record the whole output format: choosing one changes depth, codec and more, which only fit together in order."""
        scene = self._scene()
        if scene is None:
            return
        settings = scene.render.image_settings
        before = [(name, getattr(settings, name)) for name in compat.image_settings_names() if hasattr(settings, name)]

        def restore(scene: bpy.types.Scene) -> None:
            for name, value in before:
                _write(scene, "render.image_settings", name, value)

        self._record(restore)

    def keep_frame(self) -> None:
        """Record the current frame."""
        scene = self._scene()
        if scene is not None:
            frame, fraction = scene.frame_current, scene.frame_subframe
            self._record(lambda scene: scene.frame_set(frame, subframe=fraction))

    def apply_again(self) -> None:
        """Set every wanted value once more: undo in the middle of a job may have taken some back."""
        scene = self._scene()
        if scene is None:
            return
        for owner, name, value in self._wanted:
            struct = _resolve(scene, owner)
            if struct is not None and getattr(struct, name, value) != value:
                setattr(struct, name, value)

    def restore(self) -> None:
        """Put everything back, last change first. Calling it again does nothing."""
        undo, self._undo, self._wanted = self._undo, [], []
        if undo:
            _open[self._scene_uid] -= 1
        scene = self._scene()
        if scene is None:
            return
        for step in reversed(undo):
            step(scene)

    def _record(self, step: Callable[[bpy.types.Scene], None]) -> None:
        if not self._undo:
            _open[self._scene_uid] = _open.get(self._scene_uid, 0) + 1
        self._undo.append(step)

    def __enter__(self) -> Overrides:
        return self

    def __exit__(self, *exception: object) -> None:
        self.restore()

    def _scene(self) -> bpy.types.Scene | None:
        return compat.find_scene(self._scene_uid)


def _resolve(scene: bpy.types.Scene, owner: str) -> Any:
    try:
        return scene.path_resolve(owner) if owner else scene
    except ValueError:  # a view layer that was removed meanwhile
        return None


def _write(scene: bpy.types.Scene, owner: str, name: str, value: Any) -> None:
    struct = _resolve(scene, owner)
    if struct is None:
        return
    try:
        if getattr(struct, name) != value:
            setattr(struct, name, value)
    except (AttributeError, TypeError):
        pass  # a value that the format of the moment does not have, for example the depth of a movie
