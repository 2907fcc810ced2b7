"""A region on its way into the job: its objects, and what differs from the rest of the picture."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..errors import LwswError
from .animation import PerFrame
from .entries import COLORS, check_shares, checked, exponent_entry, known_profile, one_of, weights_entries
from .paintings import Paintings
from .profiles import CUSTOM, MAIN_LAYERS, PROFILES
from .properties import AS_SCENE, profile_name
from .regions import Contents, contents_of, target_of

#: Numbers of a scene's region that may change over time.
REGION_NUMBERS = (*MAIN_LAYERS, "content_weight", "strength")

#: What a script may say about a region.
REGION_KEYS = (
    "name",
    "objects",
    "collection",
    "profile",
    "layer_weights",
    "style_weights",
    "strength",
    "content_weight",
    "color",
    "frequency_exponent",
)

_FIX_REGION = "Choose an object or a collection for it in the Regions panel, or turn the region off."


@dataclass
class Region:
    """A region on its way into the job: where it comes from does not matter any more."""

    name: str
    contents: Contents
    look: dict[str, Any] = field(default_factory=dict)  # entries of job.json, style_weights aside
    shares: dict[str, PerFrame] = field(default_factory=dict)  # of paintings by name; empty: as the scene's

    def entries(self) -> dict[str, Any]:
        """Return the region as ``job.json`` wants it."""
        shares = {"style_weights": self.shares} if self.shares else {}
        return {"name": self.name, "objects": list(self.contents.names), **self.look, **shares}


def scene_region(
    name: str, item: Any, value: Callable[[str], PerFrame], frames: Sequence[int], paintings: Paintings, rendered: set[str] | None
) -> Region:
    """Read a region of the scene's list.

    Args:
        name: what it is called in the job.
        item: the region.
        value: returns one of :data:`REGION_NUMBERS` of it.
        frames: frame numbers of the job.
        paintings: takes its painting in.
        rendered: names that the render shows; None where that is not known.

    Raises:
        LwswError: ``bad_settings``, ``bad_weights``, ``missing_style``, ``unreadable_style``.
    """
    region = Region(name, _existing(contents_of(target_of(item), name, rendered)))
    if item.look == "ALONE":
        region.look["strength"] = 0.0
        return region
    if item.profile != AS_SCENE:
        weights = {layer: value(layer) for layer in MAIN_LAYERS}
        region.look |= weights_entries(profile_name(item.profile), weights, value("content_weight"), frames, _where(name))
    region.look["strength"] = value("strength")
    if item.color != AS_SCENE:
        region.look["color"] = item.color.lower()
    if item.style:
        region.shares = {paintings.add(item.style): 1.0}
    return region


def asked_region(
    scene: bpy.types.Scene, name: str, item: Mapping[str, Any], frames: Sequence[int], paintings: Paintings, rendered: set[str] | None
) -> Region:
    """Read a region that a script asks for; see :func:`scene_region`, and :func:`.api.stylize` for what ``item`` holds."""
    for key in item:
        if key not in REGION_KEYS:
            raise LwswError("bad_settings", f"A region cannot have '{key}'.", f"Use: {', '.join(REGION_KEYS)}.")
    where = _where(name)
    region = Region(name, _asked_contents(scene, item, name, rendered))
    if "profile" in item or "layer_weights" in item:
        region.look |= _asked_weights(item, frames, where)
    elif "content_weight" in item:
        region.look["content_weight"] = checked(f"content weight{where}", item["content_weight"], frames)
    if "strength" in item:
        region.look["strength"] = checked(f"strength{where}", item["strength"], frames)
    if "frequency_exponent" in item:
        region.look["frequency_exponent"] = exponent_entry(item["frequency_exponent"], frames)
    if "color" in item:
        region.look["color"] = one_of("colour", item["color"], COLORS)
    parts = item.get("style_weights") or {}
    region.shares = paintings.blend(
        (path, checked(f"share of {Path(str(path)).name}{where}", share, frames), "") for path, share in parts.items()
    )
    if region.shares:
        check_shares(region.shares, frames, where)
    return region


def _asked_weights(item: Mapping[str, Any], frames: Sequence[int], where: str) -> dict[str, Any]:
    profile_given = known_profile(item.get("profile", CUSTOM))
    profile = PROFILES.get(profile_given)
    if "layer_weights" in item:
        return weights_entries(CUSTOM, item["layer_weights"], item.get("content_weight"), frames, where)
    if profile is None:
        raise LwswError("bad_weights", f"There are no layer weights{where}.", "Give layer_weights, or one of the named profiles.")
    weights = dict(zip(MAIN_LAYERS, profile.weights, strict=True))
    return weights_entries(profile_given, weights, item.get("content_weight", profile.content_weight), frames, where)


def _where(name: str) -> str:
    return f" in the region '{name}'"


def _asked_contents(scene: bpy.types.Scene, item: Mapping[str, Any], title: str, rendered: set[str] | None) -> Contents:
    """Return the objects that a script names: those of the scene as the panel would, others as they are (wildcards, other files)."""
    parts: list[Contents] = []
    objects = item.get("objects") or ()
    for pattern in [objects] if isinstance(objects, str) else objects:
        known = scene.objects.get(pattern) or bpy.data.objects.get(pattern)
        if known is not None:
            parts.append(_existing(contents_of(known, title, rendered)))
        elif rendered is None or any(fnmatch.fnmatchcase(other.name, pattern) for other in bpy.data.objects):
            parts.append(Contents((pattern,)))
        else:
            raise LwswError("bad_settings", f"There is no object '{pattern}' for the region '{title}'.", "Name an object of this file.")
    if collection := item.get("collection"):
        known = bpy.data.collections.get(collection)
        if known is None:
            message = f"There is no collection '{collection}' for the region '{title}'."
            raise LwswError("bad_settings", message, "Name a collection of this file.")
        parts.append(_existing(contents_of(known, title, rendered)))
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    if not names:
        return _existing(contents_of(None, title, rendered))
    notes = [part.note for part in parts]
    return Contents(names, note=notes[0] if all(notes) else "")


def _existing(contents: Contents) -> Contents:
    if contents.error:
        raise LwswError("bad_settings", contents.error, _FIX_REGION)
    return contents
