"""Scenes, windows and keys for the checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import helpers
import numpy as np

from blender_lwsw.jobs.session import session

#: Seconds until a window that a processor draws has caught up.
DRAWN = 0.7


def windows() -> list[Any]:
    """Return Blender's windows, the oldest first."""
    return list(bpy.context.window_manager.windows)


def in_window(number: int = 0) -> Any:
    """Return the context of a window; timers have none."""
    return bpy.context.temp_override(window=windows()[number])


def start(folder: Path, samples: int = 1, first_iterations: int = 2, iterations: int = 2) -> bpy.types.Scene:
    """Build a scene in a new file, ready to be stylized in seconds."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with in_window():
        scene = helpers.build_scene(frames=3)
    scene.cycles.samples = samples
    settings = scene.lwsw
    settings.style = str(helpers.write_painting(folder / "painting.png"))
    settings.output = str(folder / "out")
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0
    settings.first_iterations, settings.iterations = first_iterations, iterations
    return scene


def show_panels(number: int = 0) -> Iterator[float]:
    """Make the three largest areas of a window a compositor, a sequencer and an Image Editor that show the tab."""
    yield 0.5  # Blender crashes where an editor is exchanged right after a file was loaded
    areas = sorted(windows()[number].screen.areas, key=lambda area: area.width * area.height)[-3:]
    for area, kind in zip(areas, ("CompositorNodeTree", "SEQUENCE_EDITOR", "IMAGE_EDITOR"), strict=True):
        area.ui_type = kind
        area.spaces.active.show_region_ui = True
    yield 0.5
    for area in areas:  # now that they have been drawn, they have tabs
        next(region for region in area.regions if region.type == "UI").active_panel_category = "LWSW"
    yield 0.5


def press(operator: str = "stylize", number: int = 0, **values: Any) -> None:
    """Press a button of the sidebar: the operator is called as the button calls it, from the sequencer's sidebar where there is one."""
    window = windows()[number]
    area = next((area for area in window.screen.areas if area.type == "SEQUENCE_EDITOR"), None)
    place = {"area": area, "region": next(region for region in area.regions if region.type == "UI")} if area is not None else {}
    with bpy.context.temp_override(window=window, **place):
        getattr(bpy.ops.lwsw, operator)("INVOKE_DEFAULT", **values)


def push_undo(words: str) -> None:
    """Do what Blender does after everything that an artist changes."""
    with in_window():
        bpy.ops.ed.undo_push(message=words)


def press_undo(redo: bool = False) -> Iterator[float]:
    """Press Ctrl-Z, or Ctrl-Shift-Z; where Blender takes no simulated keys, call what they call."""
    window = windows()[0]
    if bpy.app.use_event_simulate:
        x, y = window.width // 2, window.height // 2
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        for value in ("PRESS", "RELEASE"):
            window.event_simulate(type="Z", value=value, x=x, y=y, ctrl=True, shift=redo)
    else:
        with in_window():
            bpy.ops.ed.redo() if redo else bpy.ops.ed.undo()
    yield DRAWN


def phase() -> str:
    """Return where the job is that runs; empty where none does."""
    progress = session.progress()
    return progress.phase if progress is not None else ""


def is_painting(done: int = 0) -> bool:
    """Return whether so many frames are painted, and the next one has begun."""
    progress = session.progress()
    return progress is not None and progress.phase == "stylize" and progress.done >= done and progress.detail != ""


def is_rendering() -> bool:
    """Return whether Blender is rendering."""
    return bool(bpy.app.is_job_running("RENDER"))


def until(condition: Callable[[], bool], seconds: float = 120) -> Iterator[float]:
    """Wait without blocking."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        yield 0.02


def until_over(seconds: float = 180) -> Iterator[float]:
    """Wait until no job runs."""
    yield from until(lambda: not session.is_running, seconds)


def lengths(scene: bpy.types.Scene) -> list[int]:
    """Return how many frames each strip of a scene's sequencer has, ascending."""
    editor = scene.sequence_editor
    return sorted(len(strip.elements) for strip in editor.strips) if editor is not None else []


def outcome() -> object:
    """Return what the session says of its last job."""
    return session.error or session.summary


def add_lists(scene: bpy.types.Scene) -> None:
    """Add a region and a second painting, so that the panels have lists to draw."""
    settings = scene.lwsw
    settings.extra_styles.add().path = settings.style
    region = settings.regions.add()
    region.name, region.object, region.profile = "Cube", scene.objects["Cube"], "FINE_GRAIN"


def write_pictures(folder: Path, count: int) -> str:
    """Write a sequence of pictures in which something moves, and return its pattern."""
    across, down = np.meshgrid(np.arange(64) / 64, np.arange(36) / 36)
    for frame in range(1, count + 1):
        moved = across + 0.01 * frame
        picture = np.stack([0.5 + 0.5 * np.sin(20 * moved), 0.5 + 0.5 * np.cos(15 * down), moved % 1], -1)
        helpers.write_png(folder / f"{frame:04d}.png", picture)
    return str(folder / "####.png")
