"""What a strip of results remembers of how it was made, and the plan that makes it once more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import bpy

from ..errors import LwswError
from ..marks import SETTINGS_MARK
from ..results.result_strips import folder_of, scene_of
from ..results.versions import next_version, versions
from ..settings.request import Request
from ..settings.snapshot import lent_settings, load
from ..source.frames import file_name, has_object_masks
from .plan import Plan, make_plan


def remembered(strip: Any) -> dict[str, Any]:
    """Return what a strip remembers, see :func:`.snapshot.take_snapshot`, with ``version``, ``scene`` (whose settings they were),
    ``frames`` (first and last), ``strips`` and ``offset`` (as in a plan).

    Raises:
        LwswError: ``bad_settings`` for a strip without.
    """
    content = load(strip.get(SETTINGS_MARK))
    if content is None:
        hint = "It was made by an earlier version, or by hand. Press Stylize: from then on it does."
        raise LwswError("bad_settings", f"The strip {strip.name} does not remember how it was made.", hint)
    return content


def settings_scene(strip: Any) -> bpy.types.Scene:
    """Return the scene whose settings a strip remembers; raise ``nothing_to_stylize`` if it is gone."""
    return bpy.data.scenes.get(str(remembered(strip).get("scene", ""))) or scene_of(strip)


def plan_again(strip: Any, device: str, *, as_it_was: bool, new_version: bool, render_again: bool, taken: Collection[Path] = ()) -> Plan:
    """Return the plan of a job that makes a strip's results once more.

    Args:
        strip: a strip of results.
        device: see :func:`.plan.make_plan`.
        as_it_was: with the settings that the strip remembers; otherwise with those of its scene now.
        new_version: into a folder beside the strip's, with a strip of its own; otherwise into the strip's folder.
        render_again: render the scene even where the rendered frames are still there.
        taken: folders that jobs of the queue fill.

    Raises:
        LwswError: ``bad_settings`` or ``nothing_to_stylize`` where the strip knows too little, and those of :func:`.plan.make_plan`.
    """
    scene, folder, memory = scene_of(strip), folder_of(strip), remembered(strip)
    owner, offset = settings_scene(strip), int(memory.get("offset", 0))
    if "pictures" in memory["not_kept"]:
        hint = "Select that strip and use Stylize Selected Strips."
        raise LwswError("bad_settings", f"{strip.name} was made from the pictures of another strip.", hint)
    first, last = memory["frames"]
    request = Request(frame_start=first, frame_end=last, output=next_version(folder, taken) if new_version else folder)
    request.strips = tuple(memory.get("strips", ()))
    if new_version:
        request.add_source_strip = False  # it is there already, below the first version
    renders = [] if render_again else _renders(folder, memory)
    if not as_it_was:
        return _plan(scene, owner, request, device, renders, offset)
    with lent_settings(owner, memory):
        return _plan(scene, owner, request, device, renders, offset)


def _renders(folder: Path, memory: Mapping[str, Any]) -> list[Path]:
    """Return where the frames may lie that a strip was made from: its own render, else that of the version it was made beside."""
    renders = [folder / "source"]
    values = memory["values"]
    if values.get("source") == "FILES" and values.get("color_pattern"):
        source = Path(bpy.path.abspath(values["color_pattern"])).absolute().parent.parent
        if source.parent in versions(folder):
            renders.append(source)
    return renders


def _plan(scene: bpy.types.Scene, owner: bpy.types.Scene, request: Request, device: str, renders: Iterable[Path], offset: int) -> Plan:
    settings = owner.lwsw
    wants_masks = any(region.enabled for region in settings.regions)
    frames = range(int(request.frame_start or 0), int(request.frame_end or 0) + 1)
    for source in renders if settings.source == "RENDER" else ():
        files = [source / kind / file_name(frame, suffix) for frame in frames for kind, suffix in (("frames", ".png"), ("passes", ".exr"))]
        if all(path.is_file() for path in files) and (not wants_masks or has_object_masks(files[1])):
            request.source, request.pictures, request.passes = "FILES", source / "frames" / "####.png", source / "passes" / "####.exr"
            request.render_passes = False
            break
    return make_plan(scene, request, device, None if owner == scene else owner, offset)
