"""What ``lwsw evaluate`` measures, in words: the definition of each number, and the result as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..perceptual import PERCEPTUAL_NAMES

_FRAMES = "mean over the frames without the first, which is painted differently (of a single picture: that one)"

#: One sentence for each number; those of :mod:`lwsw.perceptual` come with its versions and weights.
DEFINITIONS: dict[str, str] = {
    "warping_error": (
        "Root mean square of x_t − warp(x_{t−1}) on [0, 1] over pixels, red, green, blue and all pairs of neighbouring frames; "
        "bilinear warp by the renderer's vectors B (back) and F (forth), where |B + F|² ≤ 0.01 (|B|² + |F|²) + 0.5 px² "
        "(Sundaram et al. 2010, as in Ruder et al. 2016)."
    ),
    "warping_error_of_render": "warping_error of the render itself: the floor, because light and noise change a picture too.",
    "warping_ratio": "warping_error divided by warping_error_of_render.",
    "sharpness": f"Variance of the 4-neighbour Laplacian of luma (BT.601) on 0…255 (Pech-Pacheco et al. 2000); {_FRAMES}.",
    "sharpness_of_render": "sharpness of the render.",
    "style_loss": (
        "Mean of E_l/g_l over relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 of VGG-19. E_l = ‖G_l − A_l‖²_F / 4C² and G = φφᵀ/hw "
        "(Gatys, Ecker, Bethge 2015), G_l of the result, A_l of the painting at the frame's area, several paintings blended by weight; "
        "g_l = √N ‖∂E_l/∂x‖₂ at the first frame of the render, N = 3HW, which makes the unit a root mean square change of the picture "
        f"on [0, 1]; {_FRAMES}."
    ),
    "gram_errors": f"‖G_l − A_l‖²_F / ‖A_l‖²_F for each layer, G_l and A_l as in style_loss; {_FRAMES}.",
    "texture_scale": (
        "Pixels per period of what painting added: the geometric mean wavelength, weighted by power, of the residual that no polynomial "
        "of degree 3 in the render's three channels and no plane explains, its components of colour whitened, under a Hann window, for "
        f"wavelengths up to half of the shorter side (lwsw.core.texture_scale); {_FRAMES}; frames whose residual has a standard deviation "
        "below 1/255 are left out."
    ),
    "texture_scale_of_painting": (
        "The same wavelength in the painting itself, less a plane, scaled to the frame's area; of several paintings the geometric mean by "
        "weight."
    ),
    "texture_scale_of_render": f"The same wavelength in the render itself, less a plane; {_FRAMES}.",
    "difference_outside": (
        "Root mean square difference from the results of --against on [0, 1] over red, green, blue and those pixels of all frames of which "
        "the object covers nothing."
    ),
    "objects": (
        "style_loss, gram_errors and texture_scale inside an object. G_l is weighted by the object's Cryptomatte coverage at the layer's "
        "resolution (Gatys et al. 2017, eq. 6), g_l is measured at the render in the first frame that shows the object, N = three times "
        "its area there in pixels; texture_scale sees the pixels that it covers by half or more. Frames that show less than 64 pixels of "
        "it are left out."
    ),
}

_COLUMN = 24


def definitions_for(result: Mapping[str, Any], perceptual: Mapping[str, str]) -> dict[str, str]:
    """Return the definitions of the numbers in a result."""
    names = {*result, *(name for inside in result.get("objects", {}).values() for name in inside)}
    return {name: text for name, text in {**DEFINITIONS, **perceptual}.items() if name in names}


def format_report(result: Mapping[str, Any], with_definitions: bool = False) -> str:
    """Return a result of :func:`lwsw.evaluate.evaluate` as text, a line for each number with its unit and direction.

    Args:
        result: the result.
        with_definitions: add the definition of each number.
    """
    frames = "1 picture" if result["frames"] == 1 else f"{result['frames']} frames"
    lines = [f"{frames} of {result['width']}×{result['height']}, VGG-19 from {result['network']}", ""]
    ratios = result.get("ratios", {})
    for name in ("warping_error", "sharpness", "style_loss", "gram_errors", "texture_scale", *PERCEPTUAL_NAMES):
        if name in result:
            lines.append(_line(name, result, ratios.get(name)))
        elif name == "texture_scale":
            lines.append(f"{name:{_COLUMN}}none  (no texture was added{_others(result, '; ')})")
    for index, (name, values) in enumerate(result.get("objects", {}).items()):
        lines += [""] * (index == 0) + [f"inside '{name}', in {values['frames']} of {result['frames']} frames"]
        shares = ratios.get("objects", {}).get(name, {})
        measures = ("style_loss", "gram_errors", "texture_scale", "difference_outside")
        lines += ["  " + _line(measure, values, shares.get(measure)) for measure in measures if measure in values]
    lines.append("")
    if with_definitions:
        lines += [f"{name}: {text}" for name, text in result["definitions"].items()]
    else:
        lines.append("How each number is defined: add --definitions.")
    return "\n".join(lines) + "\n"


def _line(name: str, result: Mapping[str, Any], ratio: float | None) -> str:
    if name == "gram_errors":
        errors = "  ".join(f"{layer} {value:.4f}" for layer, value in result[name].items())
        return f"{name:{_COLUMN}}{errors}  (0: the painting's texture)"
    value = result[name]
    shown = {"sharpness": f"{value:.0f}", "texture_scale": f"{value:.1f} px", "difference_outside": f"{value * 255:.3f}/255"}
    remarks = [text for text in (_remark(name, result), None if ratio is None else f"{ratio:.2f} × --against") if text]
    return f"{name:{_COLUMN}}{shown.get(name, f'{value:.4f}')}" + (f"  ({'; '.join(remarks)})" if remarks else "")


def _remark(name: str, result: Mapping[str, Any]) -> str:
    """Return what a number is to be compared with."""
    if name == "warping_error":
        return f"lower is steadier; render {result['warping_error_of_render']:.4f}, ratio {result['warping_ratio']:.2f}"
    if name == "sharpness":
        return f"higher is sharper; render {result['sharpness_of_render']:.0f}"
    if name == "texture_scale":
        return _others(result)
    return {
        "style_loss": "lower is closer to the painting",
        "ssim": "against the render: 1 is equal, lower is further from it",
        "st_lpips": "against the render: 0 is equal, higher is further from it",
        "lpips": "against the render: 0 is equal, higher is further from it",
        "difference_outside": "against --against",
    }.get(name, "")


def _others(result: Mapping[str, Any], before: str = "") -> str:
    """Return the texture scales of painting and render, as far as they are known."""
    names = {part: f"texture_scale_of_{part}" for part in ("painting", "render")}
    text = ", ".join(f"{part} {result[name]:.1f} px" for part, name in names.items() if name in result)
    return before + text if text else ""
