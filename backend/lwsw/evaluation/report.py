"""What ``lwsw evaluate`` measures, in words: the definition of each number, and the result as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.metrics import METRIC_TOLERANCE
from ..core.temporal_metrics import (
    BLUR_SIGMA,
    FEWEST_DRIFT_FRAMES,
    FEWEST_STATIC_PIXELS,
    FLICKER_WINDOW,
    LAGS,
    STATIC_CHANGE,
    STATIC_MOTION,
)
from ..media.sequences import format_numbers
from ..perceptual import PERCEPTUAL_NAMES
from .temporal import BLURRED, FIRST_TO_LAST, LAG_SUFFIXES, PROPAGATE_ONLY, SUFFIXES

_FRAMES = "mean over the frames without the first of each shot, which is painted differently (of a single picture: that one)"

_STEP = f"|B + F|² ≤ 0.01 (|B|² + |F|²) + {METRIC_TOLERANCE:g} px²"


def _warping_definitions(suffix: str, frames: str, pairs: str) -> dict[str, str]:
    """Return the definitions of the warping error over several frames."""
    error = f"warping_error{suffix}"
    return {
        error: (
            f"As warping_error, of x_t − warp(x_s) with s {frames}, over {pairs}. The path of a pixel of t is followed back through the "
            "vectors B of every frame on the way, sampled bilinearly where the path is; x_s is sampled once, bilinearly, where it ends. A "
            f"pixel counts where {_STEP} holds at every step, B at the path's position and F where B leads from there; where the path "
            "never leaves the picture (half a pixel beyond the centres of the outer pixels); and where the vectors F, followed in the "
            "same way from the pixels of s to t and sampled bilinearly where the path ends, lead back to within "
            f"{METRIC_TOLERANCE:g} px² of the pixel. Any other pixel counts nothing, also if it comes back into view."
        ),
        f"{error}_of_render": f"{error} of the render itself, over the same pixels: the floor.",
        f"warping_ratio{suffix}": f"{error} divided by {error}_of_render.",
        f"warping_share{suffix}": f"The pixels that count in {error}, as a share of all pixels of {pairs}.",
    }


#: One sentence or more for each number; those of :mod:`lwsw.perceptual` come with its versions and weights.
DEFINITIONS: dict[str, str] = {
    "cuts": (
        "Frames that begin a shot, given with --cuts or found in the render (lwsw.core.cuts). Nothing is compared across them: pairs, "
        "windows and paths are those inside of shots. The first and the last frame are those of each shot; colour drift and static pixels "
        "are means over the shots, weighted by their frames."
    ),
    "warping_error": (
        "Root mean square of x_t − warp(x_{t−1}) on [0, 1] over pixels, red, green, blue and all pairs of neighbouring frames; "
        f"bilinear warp by the renderer's vectors B (back) and F (forth), where {_STEP} "
        "(Sundaram et al. 2010, as in Ruder et al. 2016) and the pixel comes from inside the picture; the world's vectors are those of the "
        "cameras where they are given; where the renderer wrote no vectors, outside a render border, nothing counts."
    ),
    "warping_error_of_render": "warping_error of the render itself: the floor, because light and noise change a picture too.",
    "warping_ratio": "warping_error divided by warping_error_of_render.",
    "warping_share": "The pixels that count in warping_error, as a share of all pixels of all pairs.",
    **{
        name: text
        for lag in LAGS
        if lag > 1
        for name, text in _warping_definitions(LAG_SUFFIXES[lag], f"= t − {lag}", f"all pairs {lag} frames apart").items()
    },
    **_warping_definitions(FIRST_TO_LAST, "the first frame and t the last", "this one pair"),
    "flicker": (
        f"Root mean square, over red, green, blue and all pixels followed over {FLICKER_WINDOW} neighbouring frames, of the colour's "
        f"distance from a straight line in time, on [0, 1]: r² = Σ_k (c_k − ĉ_k)² / ({FLICKER_WINDOW} − 2), c_k the colours along the path "
        "(bilinear) from the last frame of the window back to its first, ĉ their least-squares line, in every channel; light that "
        "comes or goes evenly is not counted, and independent noise of standard deviation σ in every frame gives σ. Windows begin at "
        f"every frame; paths, and which pixels count, as in warping_error_{LAGS[1]}, over {FLICKER_WINDOW - 1} steps."
    ),
    "flicker_of_render": "flicker of the render itself, over the same paths: the floor, bilinear sampling included.",
    "flicker_ratio": "flicker divided by flicker_of_render.",
    "flicker_share": "The pixels that count in flicker, as a share of all pixels of all windows.",
    "color_drift": (
        "ΔE76 per 100 frames: 100 ‖s‖, s the slope per frame of the least-squares line through m_t − m_first over all frames, as a vector "
        "(L, a, b); m_t is the mean CIELAB colour (sRGB, D65, 2°) of the result over the static pixels; null with fewer than "
        f"{FEWEST_STATIC_PIXELS} of them or {FEWEST_DRIFT_FRAMES} frames."
    ),
    "color_drift_of_render": "color_drift of the render itself, over the same pixels: what the light does.",
    "static_share": (
        f"Static pixels, as a share of a frame: those of the first frame whose path through all frames stays below {STATIC_MOTION:g} px, "
        "passes the check of warping_error at every step and never leaves the picture, and at which the render of no frame differs from "
        f"the first's by more than {round(STATIC_CHANGE * 255)}/255 in red, green or blue. color_drift and color_drift_of_render are "
        f"null with fewer than {FEWEST_STATIC_PIXELS} of them or {FEWEST_DRIFT_FRAMES} frames."
    ),
    "controls": (
        "The same measures of what a low warping error can be had by. propagate_only: the first result, sampled once (bilinear, beyond the "
        "edge the nearest pixel) along the vectors B composed from this frame to the first, C_t(p) = B_t(p) + C_{t−1}(p + B_t(p)), C_{t−1} "
        "sampled bilinearly; what the first frame does not show is left as the vectors have it. blurred: the result under a Gaussian of "
        f"σ = {BLUR_SIGMA:g} px, cut off at 4 σ, beyond the edge the nearest pixel. A method is good only where its warping error is below "
        "that of another method's blurred results and its sharpness above theirs."
    ),
    "ratios": (
        "Each measure of the result divided by the same measure of --against, both as they stand here; under blurred, by that of "
        "--against when blurred."
    ),
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

_COLUMN = 28

#: What is measured over time, and of how many pixels.
_SHARES = {f"warping_error{suffix}": f"warping_share{suffix}" for suffix in SUFFIXES}
_SHARES |= {"flicker": "flicker_share", "color_drift": "static_share"}
_OVER_TIME = tuple(_SHARES)
_RATIOS = {f"warping_error{suffix}": f"warping_ratio{suffix}" for suffix in SUFFIXES} | {"flicker": "flicker_ratio"}

_CONTROLS = {
    PROPAGATE_ONLY: "the first result carried along (propagate_only)",
    BLURRED: f"the results blurred, σ = {BLUR_SIGMA:g} px (blurred)",
}
_BLUR_TELLS = ("warping_error", "sharpness")


def definitions_for(result: Mapping[str, Any], perceptual: Mapping[str, str]) -> dict[str, str]:
    """Return the definitions of the numbers in a result, without those that are None."""
    names = {*result, *(name for inside in result.get("objects", {}).values() for name in inside)}
    return {name: text for name, text in {**DEFINITIONS, **perceptual}.items() if name in names and result.get(name, 0) is not None}


def format_report(result: Mapping[str, Any], with_definitions: bool = False) -> str:
    """Return a result of :func:`lwsw.evaluate.evaluate` as text, a line for each number with its unit and direction.

    Args:
        result: the result.
        with_definitions: add the definition of each number.
    """
    frames = "1 picture" if result["frames"] == 1 else f"{result['frames']} frames"
    shots = f" in {len(result['cuts']) + 1} shots, cuts at {format_numbers(result['cuts'])}" if result.get("cuts") else ""
    lines = [f"{frames} of {result['width']}×{result['height']}{shots}, VGG-19 from {result['network']}", ""]
    ratios = result.get("ratios", {})
    for name in (*_OVER_TIME, "sharpness", "style_loss", "gram_errors", "texture_scale", *PERCEPTUAL_NAMES):
        if result.get(name) is not None:
            lines.append(_line(name, result, ratios.get(name)))
        elif name in _SHARES and _SHARES[name] in result:
            lines.append(f"{name:{_COLUMN}}none  ({_too_little(name, result)})")
        elif name == "texture_scale":
            lines.append(f"{name:{_COLUMN}}none  (no texture was added{_others(result, '; ')})")
    for name, values in result.get("controls", {}).items():
        lines += ["", f"control: {_CONTROLS[name]}"]
        lines += ["  " + _line(measure, values, None) for measure in (*_OVER_TIME, "sharpness", "style_loss") if measure in values]
    if BLURRED in ratios:
        shown = "  ".join(f"{measure} {ratios[BLURRED][measure]:.2f} ×" for measure in _BLUR_TELLS if ratios[BLURRED].get(measure))
        lines += ["", f"compared with --against blurred: {shown}  (steadier than blurring: below 1 × at a sharpness above 1 ×)"]
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
    remarks = [text for text in (_remark(name, result), None if ratio is None else f"{ratio:.2f} × --against") if text]
    return f"{name:{_COLUMN}}{_number(name, result[name])}" + (f"  ({'; '.join(remarks)})" if remarks else "")


def _number(name: str, value: float) -> str:
    """Return a number with its unit, in as many digits as tell something."""
    shown = {
        "sharpness": f"{value:.0f}",
        "color_drift": f"{value:.2f} ΔE",
        "texture_scale": f"{value:.1f} px",
        "difference_outside": f"{value * 255:.3f}/255",
    }
    return shown.get(name, f"{value:.4f}")


def _remark(name: str, result: Mapping[str, Any]) -> str:
    """Return what a number is to be compared with."""
    if name in _OVER_TIME:
        return _remark_over_time(name, result)
    if name == "sharpness":
        render = f"; render {result['sharpness_of_render']:.0f}" if "sharpness_of_render" in result else ""
        return f"higher is sharper{render}"
    if name == "texture_scale":
        return _others(result)
    return {
        "style_loss": "lower is closer to the painting",
        "ssim": "against the render: 1 is equal, lower is further from it",
        "st_lpips": "against the render: 0 is equal, higher is further from it",
        "lpips": "against the render: 0 is equal, higher is further from it",
        "difference_outside": "against --against",
    }.get(name, "")


def _remark_over_time(name: str, result: Mapping[str, Any]) -> str:
    """Return what a measure over time is to be compared with, as far as it is known: a control has no more than the number."""
    texts = {"warping_error": "lower is steadier", "flicker": "lower is steadier", "color_drift": "in 100 frames; lower is steadier"}
    parts = [texts[name]] if name in texts else []
    if result.get(f"{name}_of_render") is not None:
        floor = _number(name, result[f"{name}_of_render"])
        parts.append(f"render {floor}" + (f", ratio {result[_RATIOS[name]]:.2f}" if name in _RATIOS else ""))
    if _SHARES[name] in result:
        parts.append(f"{100 * result[_SHARES[name]]:.0f} % of the pixels")
    return "; ".join(parts)


def _too_little(name: str, result: Mapping[str, Any]) -> str:
    """Return why something could not be measured over time."""
    if name == "color_drift":
        few = f"it takes {FEWEST_DRIFT_FRAMES} frames and {FEWEST_STATIC_PIXELS} static pixels"
        return f"{few}; {100 * result['static_share']:.0f} % of the pixels are static"
    return "no pixel could be followed so far"


def _others(result: Mapping[str, Any], before: str = "") -> str:
    """Return the texture scales of painting and render, as far as they are known."""
    names = {part: f"texture_scale_of_{part}" for part in ("painting", "render")}
    text = ", ".join(f"{part} {result[name]:.1f} px" for part, name in names.items() if name in result)
    return before + text if text else ""
