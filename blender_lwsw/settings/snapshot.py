"""Every setting of a scene as JSON, keyframes included, and back: what a strip of results remembers of how it was made."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bpy

from .. import compat
from .overlay import lay_over
from .properties import filling_in
from .request import Request

_PREFIX = "lwsw."
_PLAIN = ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM")


def take_snapshot(scene: bpy.types.Scene, request: Request | None = None) -> dict[str, Any]:
    """Return all settings of a scene.

    Args:
        scene: whose settings.
        request: what a script asked for instead of some of them.

    Returns:
        ``values`` by property, ``curves`` (keyframes), and ``not_kept``: names of what a script asked for that the panel cannot say,
        and of drivers.
    """
    values, not_kept = lay_over(_values(scene.lwsw), request or Request())
    animation = scene.animation_data
    drivers = [driver.data_path.removeprefix(_PREFIX) for driver in (animation.drivers if animation else ()) if _is_ours(driver.data_path)]
    return {"values": values, "curves": [_curve(curve) for curve in _curves(scene)], "not_kept": [*not_kept, *drivers]}


def restore_snapshot(scene: bpy.types.Scene, snapshot: Mapping[str, Any]) -> list[str]:
    """Give a scene the settings of a snapshot; what this version does not know is left out.

    Returns:
        Sentences about what could not be brought back.
    """
    notes: list[str] = []
    for bag in compat.channelbags(scene):
        for curve in [curve for curve in bag.fcurves if _is_ours(curve.data_path)]:
            bag.fcurves.remove(curve)
    with filling_in():
        _set_values(scene.lwsw, snapshot.get("values", {}), notes)
        for curve in snapshot.get("curves", ()):
            _set_curve(scene, curve, notes)
    if names := snapshot.get("not_kept"):
        notes.append(f"Not kept with the strip: {', '.join(names)}.")
    return notes


@contextmanager
def lent_settings(scene: bpy.types.Scene, snapshot: Mapping[str, Any]) -> Iterator[None]:
    """Give a scene the settings of a snapshot for as long as the block runs."""
    before = take_snapshot(scene)
    restore_snapshot(scene, snapshot)
    try:
        yield
    finally:
        restore_snapshot(scene, before)


def dump(snapshot: Mapping[str, Any]) -> str:
    """Return a snapshot as the text that a custom property holds."""
    return json.dumps(snapshot, ensure_ascii=False, separators=(",", ":"))


def load(text: Any) -> dict[str, Any] | None:
    """Return what :func:`dump` wrote; None for anything else."""
    try:
        content = json.loads(text)
    except (TypeError, ValueError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("values"), dict) else None


def _is_ours(path: str) -> bool:
    return path.startswith(_PREFIX)


def _curves(scene: bpy.types.Scene) -> Iterator[bpy.types.FCurve]:
    return (curve for curve in compat.fcurves(scene) if _is_ours(curve.data_path))


def _properties(group: Any) -> Iterator[bpy.types.Property]:
    for item in group.bl_rna.properties:
        if item.identifier != "rna_type" and not item.is_skip_save and (not item.is_readonly or item.type == "COLLECTION"):
            yield item


def _values(group: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in _properties(group):
        value = getattr(group, item.identifier)
        if item.type == "COLLECTION":
            values[item.identifier] = [_values(entry) for entry in value]
        elif item.type == "POINTER":
            values[item.identifier] = None if value is None else [value.name, value.library.filepath if value.library else ""]
        elif item.type == "ENUM" and item.is_enum_flag:
            values[item.identifier] = sorted(value)
        elif item.type in _PLAIN:
            values[item.identifier] = list(value) if getattr(item, "is_array", False) else value
    return values


def _set_values(group: Any, values: Mapping[str, Any], notes: list[str]) -> None:
    for item in _properties(group):
        if item.identifier not in values:
            continue
        value = values[item.identifier]
        try:
            if item.type == "COLLECTION":
                entries = getattr(group, item.identifier)
                entries.clear()
                for entry in value:
                    _set_values(entries.add(), entry, notes)
            elif item.type == "POINTER":
                setattr(group, item.identifier, _data_block(item, value, notes))
            elif item.type == "ENUM" and item.is_enum_flag:
                setattr(group, item.identifier, set(value))
            else:
                setattr(group, item.identifier, value)
        except (TypeError, ValueError):  # of another version, which had other choices
            notes.append(f"{item.name} is left as it is: {value} is not known here.")


def _data_block(item: bpy.types.Property, value: Sequence[str] | None, notes: list[str]) -> bpy.types.ID | None:
    if value is None:
        return None
    name, library = value
    kind = item.fixed_type.identifier
    found = (bpy.data.objects if kind == "Object" else bpy.data.collections).get((name, library or None))
    if found is None:
        notes.append(f"{kind} '{name}' is gone.")
    return found


def _curve(curve: bpy.types.FCurve) -> dict[str, Any]:
    keys = [
        [*key.co, key.interpolation, key.easing, *key.handle_left, key.handle_left_type, *key.handle_right, key.handle_right_type]
        for key in curve.keyframe_points
    ]
    return {"path": curve.data_path, "extrapolation": curve.extrapolation, "keys": keys}


def _set_curve(scene: bpy.types.Scene, data: Mapping[str, Any], notes: list[str]) -> None:
    path, keys = str(data["path"]), data["keys"]
    try:
        for key in keys:
            scene.keyframe_insert(path, frame=key[0])
    except (TypeError, ValueError, RuntimeError):  # a property of another version, or an entry that is not there
        notes.append(f"The keyframes of {path.removeprefix(_PREFIX)} are left out: it is not known here.")
        return
    curve = next(curve for curve in _curves(scene) if curve.data_path == path)
    curve.extrapolation = data["extrapolation"]
    for point, key in zip(curve.keyframe_points, keys, strict=False):
        point.co = key[:2]
        point.interpolation, point.easing = key[2:4]
        point.handle_left_type, point.handle_right_type = key[6], key[9]
        point.handle_left, point.handle_right = key[4:6], key[7:9]
    curve.update()


def same_settings(scene: bpy.types.Scene, snapshot: Mapping[str, Any]) -> bool:
    """Return whether a scene has the settings of a snapshot, its output folder apart."""
    now = take_snapshot(scene)
    ours, theirs = (dict(values) for values in (now["values"], snapshot.get("values", {})))
    for values in (ours, theirs):
        values.pop("output", None)
    return _alike(ours, theirs) and _alike(now["curves"], snapshot.get("curves", []))


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and math.isclose(a, b, rel_tol=1e-6)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_alike(a[name], b[name]) for name in a)
    if isinstance(a, Sequence) and isinstance(b, Sequence) and not isinstance(a, str):
        return len(a) == len(b) and all(map(_alike, a, b))
    return bool(a == b)
