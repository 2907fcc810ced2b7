"""How much a scene's job has to do, and the measurements that tell how long that takes."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

import bpy

from .. import compat
from ..errors import LwswError
from ..settings import preferences
from ..settings.animation import PerFrame, animated_paths
from ..settings.profiles import LAYER_NAMES, MAIN_LAYERS
from ..settings.properties import AS_SCENE
from ..settings.quality import stylized_width
from ..source import disk_state, passes
from ..source.sequencer_source import shown_frames
from .plan import result_size
from .speed import Estimate, SpeedBook, Work, estimate, measure

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

_book: SpeedBook | None = None


def book() -> SpeedBook:
    """Return the measurements of this user."""
    global _book
    if _book is None:
        _book = SpeedBook(preferences.user_folder() / "speed.json")
    return _book


def work_of_job(job: Mapping[str, Any], where: str) -> Work:
    """Return what a job has to do.

    Args:
        job: the entries of ``job.json``.
        where: see :class:`.speed.Work`.
    """
    settings = job["settings"]
    regions = [region for region in settings.get("regions") or () if region.get("strength", 1.0) != 0]
    looks = [settings, *regions]
    layers = [layer for look in looks for layer, weight in look.get("layer_weights", {}).items() if _weighs(weight)]
    if any(_weighs(look.get("content_weight", 0.0)) for look in looks):
        layers += settings["content_layers"]
    independent = settings.get("motion") == "none" and len(job["frames"]) > 1
    return Work(
        frames=len(job["frames"]),
        megapixels=job["width"] * job["height"] / 1e6,
        looks=len(looks),
        iterations=settings["iterations"],
        first_iterations=settings["iterations" if independent else "first_iterations"],
        passes=1 if settings.get("second_pass", "none") == "none" else 2,
        depth=_depth(layers),
        where=where,
    )


def work_of_scene(scene: bpy.types.Scene) -> Work | None:
    """Return what the job of a scene will have to do; None while that is not known, because pictures are still missing."""
    settings = scene.lwsw
    found = _frames_and_size(scene)
    if found is None:
        return None
    frames, size = found
    width, height, _ = result_size(stylized_width(settings, size[0]), size)
    return Work(
        frames=frames,
        megapixels=width * height / 1e6,
        looks=1 + len(_painted_regions(settings)),
        iterations=settings.iterations,
        first_iterations=settings.first_iterations,
        passes=1 if settings.second_pass == "NONE" else 2,
        depth=_depth(_layers_of_scene(scene)),
        where=place(),
    )


def sizes(scene: bpy.types.Scene) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return width and height in pixels of a scene's frames and of their paintings; where pictures are missing, as if it were rendered."""
    found = _frames_and_size(scene)
    size = passes.render_size(scene) if found is None else found[1]
    width, height, _ = result_size(stylized_width(scene.lwsw, size[0]), size)
    return size, (width, height)


def estimate_scene(scene: bpy.types.Scene) -> Estimate | None:
    """Return what painting a scene will take; None where nothing was measured yet, or pictures are missing."""
    work = work_of_scene(scene)
    return None if work is None else estimate(work, book().measured)


def remember(job: Mapping[str, Any], status: Mapping[str, Any], seconds: float) -> str:
    """Keep what a finished job says about speed; return a sentence for the artist where that could not be written, else nothing.

    Args:
        job: the entries of ``job.json``.
        status: the backend's last status of it.
        seconds: from the start of the optimization to its end.
    """
    measurement = measure(work_of_job(job, place()), status, seconds)
    if measurement is None:
        return ""
    try:
        book().add(measurement)
    except LwswError as error:
        return f"How fast this job was could not be kept for the estimates: {error.message}"
    return ""


def place() -> str:
    """Return where painting is done: the device that is asked for and, unless it is this one, the machine."""
    host = urllib.parse.urlsplit(preferences.backend_address()).hostname or ""
    return preferences.device() if host in ("", *_THIS_MACHINE) else f"{preferences.device()} on {host}"


def _depth(layers: Iterable[str]) -> int:
    """Return how many layers of the network are computed where these weigh."""
    return max((LAYER_NAMES.index(layer) + 1 for layer in layers), default=1)


def _weighs(value: PerFrame) -> bool:
    return any(number > 0 for number in value) if isinstance(value, list) else value > 0


def _layers_of_scene(scene: bpy.types.Scene) -> list[str]:
    """Return the layers that weigh something in the picture or in a region, now or, where they are animated, perhaps at another frame."""
    settings, animated = scene.lwsw, animated_paths(scene)
    looks = [("lwsw", settings, LAYER_NAMES)]
    looks += [(f"lwsw.regions[{index}]", item, MAIN_LAYERS) for index, item in _painted_regions(settings) if item.profile != AS_SCENE]

    def weigh(path: str, owner: Any, names: Iterable[str]) -> list[str]:
        return [name for name in names if getattr(owner, name) > 0 or f"{path}.{name}" in animated]

    layers = [layer for look in looks for layer in weigh(*look)]
    if any(weigh(path, owner, ("content_weight",)) for path, owner, _ in looks):
        layers += settings.content_layers
    return layers


def _painted_regions(settings: Any) -> list[tuple[int, Any]]:
    """Return the regions that are painted in a look of their own, with their places in the list."""
    return [(index, item) for index, item in enumerate(settings.regions) if item.enabled and item.look == "OWN" and item.strength > 0]


def _frames_and_size(scene: bpy.types.Scene) -> tuple[int, tuple[int, int]] | None:
    settings = scene.lwsw
    if settings.source == "RENDER":
        return scene.frame_end - scene.frame_start + 1, passes.render_size(scene)
    if settings.source == "SEQUENCER":
        editor_scene = compat.sequencer_scene(scene)
        try:
            frames = shown_frames(editor_scene, editor_scene.frame_start, editor_scene.frame_end)
        except LwswError:  # there is no footage yet: readiness says so
            return None
        return len(frames), passes.render_size(editor_scene)
    pattern = settings.color_pattern or settings.passes_pattern
    files = disk_state.sequence(bpy.path.abspath(pattern)) if pattern else {}
    if isinstance(files, LwswError):
        return None
    frames_of_files = [frame for frame in files if scene.frame_start <= frame <= scene.frame_end]
    size = disk_state.size_of(str(files[frames_of_files[0]])) if frames_of_files else None
    return None if size is None else (len(frames_of_files), size)


def register() -> None:
    """Read the measurements when they are first needed."""
    unregister()


def unregister() -> None:
    """Forget the measurements; the file stays."""
    global _book
    _book = None
