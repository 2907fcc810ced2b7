"""Entries of ``job.json``, checked. A number holds for the whole shot, or there is one per frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LwswError
from .animation import PerFrame
from .profiles import CUSTOM, PROFILES
from .properties import profile_name

COLORS = ("painting", "luminance", "histogram")
NORMALIZATIONS = ("calibrated", "gatys")
SECOND_PASSES = ("none", "backward", "loop")


def checked(what: str, value: Any, frames: Sequence[int]) -> PerFrame:
    """Return a number, or a list with one number per frame.

    Args:
        what: the value's name in an error, for example ``weight of relu1_1``.
        value: a number from 0 upwards, or a sequence of them.
        frames: the frame numbers of the job.

    Raises:
        LwswError: ``bad_weights``.
    """
    single = isinstance(value, (int, float))
    try:
        items = [float(value)] if single else [float(item) for item in value]
    except (TypeError, ValueError):
        items = [math.nan]
    if not all(math.isfinite(item) and item >= 0 for item in items):
        raise LwswError("bad_weights", f"The {what} is negative or not a number.", "It must be a number from 0 upwards, or one per frame.")
    if not single and len(items) != len(frames):
        message = f"The {what} has {len(items)} values for {len(frames)} frames."
        raise LwswError("bad_weights", message, "Give one value per frame, or a single one.")
    return value if single else items


def _frame_without_weight(weights: Mapping[str, PerFrame], frames: Sequence[int]) -> int | None:
    """Return the first frame at which all weights are zero; None if there is none."""
    for index, frame in enumerate(frames):
        if not any((value if isinstance(value, (int, float)) else value[index]) > 0 for value in weights.values()):
            return frame
    return None


def weights_entries(name: str, weights: Mapping[str, Any], content: Any, frames: Sequence[int], where: str) -> dict[str, Any]:
    """Return ``profile``, ``layer_weights`` and ``content_weight``; the profile is custom where its values are not the profile's own."""
    checked_weights = {layer: checked(f"weight of {layer}{where}", value, frames) for layer, value in weights.items()}
    if (frame := _frame_without_weight(checked_weights, frames)) is not None:
        message = f"All layer weights{where} are zero at frame {frame}, so there is no style to apply."
        raise LwswError("bad_weights", message, "Raise at least one layer slider.")
    profile = PROFILES.get(name)
    is_profile = profile is not None and (tuple(weights.values()), content) == (profile.weights, profile.content_weight)
    entries: dict[str, Any] = {"profile": name if is_profile else CUSTOM, "layer_weights": checked_weights}
    if content is not None:
        entries["content_weight"] = checked(f"content weight{where}", content, frames)
    return entries


def check_shares(shares: Mapping[str, PerFrame], frames: Sequence[int], where: str) -> None:
    """Raise ``bad_weights`` if no painting has a share at some frame."""
    if (frame := _frame_without_weight(shares, frames)) is not None:
        message = f"The shares of all paintings{where} are zero at frame {frame}, so there is no style to apply."
        raise LwswError("bad_weights", message, "Raise the share of at least one painting.")


def known_profile(value: str) -> str:
    """Return the name of a profile, however it is written; raise ``bad_settings`` if there is none."""
    name = profile_name(value)
    if name not in (*PROFILES, CUSTOM):
        raise LwswError("bad_settings", f"There is no profile '{value}'.", f"Use one of: {', '.join(PROFILES)}, {CUSTOM}.")
    return name


def exponent_entry(value: Any, frames: Sequence[int]) -> PerFrame | None:
    """Return the frequency exponent; None, or ``auto``, lets it follow the layer weights."""
    return None if value is None or value == "auto" else checked("frequency exponent", value, frames)


def one_of(what: str, value: str, choices: Sequence[str]) -> str:
    """Return one of several words; raise ``bad_settings`` for any other."""
    if str(value).lower() not in choices:
        raise LwswError("bad_settings", f"'{value}' is not a {what}.", f"Use one of: {', '.join(choices)}.")
    return str(value).lower()
