"""Finds jobs that stopped, by the records in the scenes' output folders, without ever waiting for a disk in the window."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import bpy

from ..results.versions import versions
from ..settings.folders import output_folder
from .record import StoppedJob, find_stopped

#: Seconds between two looks whether a search has ended.
TICK_SECONDS = 0.1


class Finder:
    """Looks at folders in a thread and remembers what was found; in background it looks at once, and every time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[Path, StoppedJob | None] = {}
        self._threads: dict[Path, threading.Thread] = {}
        self._age = 0
        self._timer = self._tick  # one object: Blender tells timers apart by identity

    def stopped(self, scene: bpy.types.Scene) -> StoppedJob | None:
        """Return the newest stopped job in the scene's output folder or a version of it; in the window, None until it was looked for."""
        folder = output_folder(scene)
        if folder is None:
            return None
        found = self._known_in(folder) if _in_window() else _find(folder)
        if found is not None and scene.name not in (found.scene, found.data.get("sequencer_scene")) and found.scene in bpy.data.scenes:
            return None  # another scene's, with the same folder
        return found

    def look(self) -> None:
        """Forget everything and look for the jobs of all scenes."""
        self.forget()
        if _in_window():
            for scene in bpy.data.scenes:
                self.stopped(scene)

    def forget(self) -> None:
        """Look again when asked next: a job has begun or ended."""
        with self._guard:
            self._age += 1
            self._known.clear()
            self._threads.clear()

    def stop(self) -> None:
        """Leave no thread and no timer behind."""
        threads = list(self._threads.values())
        self.forget()
        for thread in threads:
            thread.join(1.0)
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)

    def _known_in(self, folder: Path) -> StoppedJob | None:
        with self._guard:
            if folder not in self._known and folder not in self._threads:
                self._look(folder)
            return self._known.get(folder)

    def _look(self, folder: Path) -> None:
        thread = threading.Thread(target=self._search, args=(folder, self._age), name="lwsw-find", daemon=True)
        self._threads[folder] = thread
        thread.start()
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=TICK_SECONDS, persistent=True)

    def _search(self, folder: Path, age: int) -> None:
        found = _find(folder)
        with self._guard:
            if age == self._age:
                self._known[folder] = found
                self._threads.pop(folder, None)

    def _tick(self) -> float | None:
        with self._guard:
            if self._threads:
                return TICK_SECONDS
        redraw()
        return None


def _in_window() -> bool:
    return not bpy.app.background


def _find(folder: Path) -> StoppedJob | None:
    found = [job for path in versions(folder) if (job := find_stopped(path))]
    return max(found, key=lambda job: job.began, default=None)


_AREAS = ("NODE_EDITOR", "SEQUENCE_EDITOR", "IMAGE_EDITOR")


def redraw(*_: Any) -> None:
    """Have the panels drawn again, and nothing beside them: drawing a whole editor may take long."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type in _AREAS:
                    for region in area.regions:
                        if region.type == "UI":
                            region.tag_redraw()


#: The finder of this Blender.
finder = Finder()
