"""Where a job is, as numbers and as a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ENDED = {"cancelled": "Cancelled", "failed": "Failed", "paused": "Paused"}
_PREPARING = {"prepare": "Preparing", "render": "Rendering", "read": "Reading"}


@dataclass(frozen=True)
class Progress:
    """Where a job is.

    Attributes:
        phase: ``prepare``, ``render``, ``read``, ``connect``, ``upload``, ``stylize``, ``done``, ``failed``, ``cancelled`` or ``paused``.
        done: frames finished in this phase.
        total: frames of the job.
        fraction: 0 to 1 within this phase.
        seconds_left: of this phase, or None while unknown.
        text: the same as a short sentence.
        detail: how far the frame is that is painted now, for example ``12/20`` iterations; empty elsewhere.
    """

    phase: str
    done: int
    total: int
    fraction: float
    seconds_left: float | None
    text: str
    detail: str = ""


def ended(phase: str, painted: int, total: int) -> Progress:
    """Return the progress of a job that is over."""
    is_done = phase == "done"
    return Progress(phase, painted, total, float(is_done), None, f"Done: {painted} frames" if is_done else _ENDED[phase])


def stopping(phase: str, total: int, is_rendering: bool) -> Progress:
    """Return the progress of a job that is about to end."""
    text = "Stopping after the frame that is rendering; Esc stops it at once" if is_rendering else "Stopping…"
    return Progress(phase, 0, total, 0.0, None, text)


def preparing(phase: str, given: int, total: int, seconds: float, status: Mapping[str, Any], two_passes: bool) -> Progress:
    """Return the progress of a job whose frames are still rendered or read.

    Args:
        phase: ``prepare``, ``render`` or ``read``.
        given: frames that are.
        total: frames of the job.
        seconds: since the phase began.
        status: of the backend, which may be painting meanwhile; empty where it is not.
        two_passes: nothing is done before all frames have been painted once.
    """
    left = seconds / given * (total - given) if given else None
    text = f"{_PREPARING[phase]} frame {min(given + 1, total)}/{total}"
    painted, is_painting = int(status.get("frames_done") or 0), status.get("frame") is not None
    if two_passes and (painted or is_painting):
        text += f", painting {float(status.get('share_done') or 0.0):.0%}"
    elif is_painting:
        text += f", painting frame {painted + 1}"
    elif painted:
        text += f", {painted} painted"
    return Progress(phase, given, total, given / total, left, text, _iterations(status) if is_painting else "")


def painting(transfer_phase: str, sent: int, total: int, status: Mapping[str, Any], two_passes: bool) -> Progress:
    """Return the progress of a job whose frames are all there.

    Args:
        transfer_phase: ``connect``, ``upload`` or ``stylize``.
        sent: frames that the backend has.
        total: frames of the job.
        status: of the backend; empty before it has said anything.
        two_passes: nothing is done before all frames have been painted once.
    """
    if transfer_phase == "connect":
        return Progress("connect", 0, total, 0.0, None, "Waiting for the backend")
    if transfer_phase == "upload":
        return Progress("upload", sent, total, sent / total, None, f"Sending frame {min(sent + 1, total)}/{total}")
    done, fraction, left = int(status.get("frames_done") or 0), float(status.get("share_done") or 0.0), status.get("seconds_left")
    text = f"Painting in two passes, {fraction:.0%}" if two_passes else f"Painting frame {min(done + 1, total)}/{total}"
    return Progress("stylize", done, total, fraction, None if left is None else float(left), text, _iterations(status))


def _iterations(status: Mapping[str, Any]) -> str:
    iteration, iterations = (int(status.get(name) or 0) for name in ("iteration", "iterations"))
    return f"{iteration}/{iterations}" if iterations else ""
