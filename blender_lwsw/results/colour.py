"""Which colour space makes a strip of display-referred pictures look the same again after the scene's view transform."""

from __future__ import annotations

import bpy

#: For each view transform, the colour space that is its inverse on an sRGB display.
INVERSES: dict[str, str] = {
    "Standard": "sRGB",
    "AgX": "AgX Base sRGB",
    "Filmic": "Filmic sRGB",
    "Khronos PBR Neutral": "Khronos PBR Neutral sRGB",
    "ACES 1.3": "ACES 1.3 sRGB",
    "ACES 2.0": "ACES 2.0 sRGB",
}

WAY_OUT = "For exact colours set the scene's View Transform to Standard, or override it in the output settings."


def set_colorspace(pictures: bpy.types.Strip | bpy.types.Image, scene: bpy.types.Scene) -> str:
    """Give pictures that already went through the view transform the colour space that undoes the scene's.

    Args:
        pictures: an image strip, or an image.
        scene: the scene whose sequencer or compositor shows it.

    Returns:
        A note for the artist where the colours will not be exact, else an empty string.
    """
    transform = scene.view_settings.view_transform
    try:
        pictures.colorspace_settings.name = INVERSES[transform]
    except (KeyError, TypeError):  # a view transform without an inverse, or one this Blender's configuration does not have
        pictures.colorspace_settings.name = "sRGB"
        return f"The view transform {transform} is applied to the painting once more. {WAY_OUT}"
    if extras := _applied_twice(scene):
        return f"Colour management applies {' and '.join(extras)} to the painting once more. {WAY_OUT}"
    if transform == "AgX":  # the inverse is a table, and paintings have colours that AgX never makes
        return f"AgX shows very dark, saturated colours of the painting a little differently. {WAY_OUT}"
    return ""


def _applied_twice(scene: bpy.types.Scene) -> list[str]:
    """Name the parts of the scene's colour management that no colour space undoes."""
    view, display = scene.view_settings, scene.display_settings.display_device
    checks = (
        (view.look not in ("None", ""), f"the look {view.look}"),
        (abs(view.exposure) > 1e-6, f"exposure {view.exposure:g}"),
        (abs(view.gamma - 1) > 1e-6, f"gamma {view.gamma:g}"),
        (view.use_curve_mapping, "the colour curves"),
        (view.use_white_balance, "the white balance"),
        (display != "sRGB", f"the display {display}"),
    )
    return [name for applies, name in checks if applies]
