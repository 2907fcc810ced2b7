"""Finds jobs that stopped or waited, by the records in the scenes' output folders, without ever waiting for a disk in the window."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy

from ..results.versions import versions
from ..settings.folders import output_folder
from .found import SOURCE, StoppedJob, find_stopped, is_promised

#: Seconds between two looks whether a search has ended.
TICK_SECONDS = 0.1


class Finder:
    """Looks at folders in a thread and remembers what was found; in background it looks at once, and every time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[Path, list[StoppedJob]] = {}
        self._threads: dict[Path, threading.Thread] = {}
        self._age = 0
        self._timer = self._tick  # one object: Blender tells timers apart by identity

    def jobs(self, scene: bpy.types.Scene) -> list[StoppedJob]:
        """Return what can be taken up of the scene's jobs, see :func:`in_order`; in the window, nothing until it was looked for."""
        folder = output_folder(scene)
        if folder is None:
            return []
        return in_order(self._known_in(folder) if _in_window() else jobs_in(versions(folder)), scene)

    def look(self) -> None:
        """Forget everything and look for the jobs of all scenes."""
        self.forget()
        if _in_window():
            for scene in bpy.data.scenes:
                self.jobs(scene)

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

    def _known_in(self, folder: Path) -> list[StoppedJob]:
        with self._guard:
            if folder not in self._known and folder not in self._threads:
                self._look(folder)
            return self._known.get(folder, [])

    def _look(self, folder: Path) -> None:
        thread = threading.Thread(target=self._search, args=(folder, self._age), name="lwsw-find", daemon=True)
        self._threads[folder] = thread
        thread.start()
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=TICK_SECONDS, persistent=True)

    def _search(self, folder: Path, age: int) -> None:
        found = jobs_in(versions(folder))
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


def jobs_in(folders: Iterable[Path]) -> list[StoppedJob]:
    """Return every job that can be taken up in folders of results, and in those below them: strips have theirs there. Reads files."""
    return [job for path in _with_strips(folders) if (job := find_stopped(path))]


def in_order(found: Iterable[StoppedJob], scene: bpy.types.Scene | None) -> list[StoppedJob]:
    """Return the jobs of a scene (None: of all) that Resume takes up: the one that stopped last, and those that waited behind it.

    One whose Blender was closed or crashed goes before those that somebody had stopped. Jobs of other scenes of the file, whose folder
    may be the same, do not count.
    """
    jobs = sorted((job for job in found if scene is None or _is_of(job, scene)), key=lambda job: job.began)
    stopped = [job for job in jobs if not job.waits]
    last = max(stopped, key=lambda job: (job.state == "running", job.began), default=None)
    return ([last] if last else []) + [job for job in jobs if job.waits]


def promised(folder: Path) -> set[Path]:
    """Return the folders that found jobs mean to fill, which no new one may take: paused and waiting ones, whatever their scene.

    Args:
        folder: the output folder of a scene. Files are read there, as planning a job does.
    """
    return {path for path in _with_strips(versions(folder)) if is_promised(path)}


def _with_strips(folders: Iterable[Path]) -> Iterator[Path]:
    """Go through folders of results and those right below them."""
    for folder in folders:
        yield folder
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if entry.name != SOURCE and entry.is_dir()]
        except OSError:
            continue
        yield from (folder / name for name in sorted(names))


def _is_of(job: StoppedJob, scene: bpy.types.Scene) -> bool:
    remembered = job.data.get("remembered")
    owner = remembered.get("scene") if isinstance(remembered, dict) else None  # whose settings it was made from
    return scene.name in (job.scene, job.data.get("sequencer_scene"), owner) or job.scene not in bpy.data.scenes


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
