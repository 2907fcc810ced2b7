"""A scene's colour management as plain data: what another Blender needs to show a picture as the scene does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from .. import compat

#: Which view transforms there are depends on the display, and which looks on the view transform.
_FIRST = ("display_device", "view_transform")

#: Blender computes these from the temperature and tint.
_DERIVED = ("white_balance_whitepoint",)

_KINDS = ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM")


def read_colour_management(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return display, view transform, look, exposure, gamma, curves, white balance and working space of a scene, as JSON has it."""
    view = scene.view_settings
    return {
        "working_space": compat.working_space(),
        "display": _values(scene.display_settings),
        "view": _values(view),
        "curves": _curves(view.curve_mapping) if view.use_curve_mapping else None,
        "dither": scene.render.dither_intensity,
    }


def apply_colour_management(scene: bpy.types.Scene, values: Mapping[str, Any]) -> None:
    """Give a scene the colour management that :func:`read_colour_management` returned.

    The working space belongs to the whole file. Its data is not converted: only for a Blender that has nothing in it.

    Raises:
        TypeError: a choice that this Blender's colour configuration does not have.
        RuntimeError: a working space that it does not have.
    """
    compat.set_working_space(values["working_space"])
    for struct, kept in ((scene.display_settings, values["display"]), (scene.view_settings, values["view"])):
        for name, value in kept.items():
            setattr(struct, name, value)
    if values["curves"] is not None:
        _set_curves(scene.view_settings.curve_mapping, values["curves"])
    scene.render.dither_intensity = values["dither"]


def _values(struct: Any) -> dict[str, Any]:
    """Return the plain values of a struct, colours as lists, in an order in which they can be written back."""
    values = {}
    for item in struct.bl_rna.properties:
        if item.type in _KINDS and not item.is_readonly and item.identifier not in _DERIVED:
            value = getattr(struct, item.identifier)
            values[item.identifier] = [*value] if getattr(item, "is_array", False) else value
    return {name: values[name] for name in sorted(values, key=lambda name: name not in _FIRST)}


def _curves(mapping: Any) -> dict[str, Any]:
    points = [[[*point.location, point.handle_type] for point in curve.points] for curve in mapping.curves]
    return {"values": _values(mapping), "points": points}


def _set_curves(mapping: Any, kept: Mapping[str, Any]) -> None:
    for name, value in kept["values"].items():
        setattr(mapping, name, value)
    for curve, points in zip(mapping.curves, kept["points"], strict=True):
        while len(curve.points) > len(points):
            curve.points.remove(curve.points[-1])
        while len(curve.points) < len(points):
            curve.points.new(0.5, 0.5)
        for point, (x, y, handle) in zip(curve.points, points, strict=True):
            point.location, point.handle_type = (x, y), handle
    mapping.update()
