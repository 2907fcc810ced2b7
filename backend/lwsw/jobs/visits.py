"""In what order the frames of a job are painted, and which of them twice."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_PASSES = ("none", "backward", "loop")

#: How much of what the first pass painted stays, under what the frame behind says, in the backward pass.
_KEPT = 0.5


@dataclass(frozen=True)
class Visit:
    """One time that a frame is painted.

    Attributes:
        index: its position in the job.
        neighbour: position of the frame whose strokes it takes over; None for none.
        draft_share: how much of the picture that it has already stays (:class:`lwsw.core.look_painter.Draft`); None where it has none.
        is_final: whether what is painted is the result.
    """

    index: int
    neighbour: int | None
    draft_share: float | None = None
    is_final: bool = True


def visits(count: int, second_pass: str) -> list[Visit]:
    """Return the visits to the frames of a job in their order.

    ``none``: every frame once, each after the one before. ``backward``: then all but the last again, from the last to the first, each
    after the one behind it: what was just uncovered, and had few iterations, takes over what it became later. ``loop``: then from the
    first to the one before the last again, the first after the last; what the first pass painted comes back little by little, so that the
    jump from the last frame to the first is spread over all frames.

    Args:
        count: of frames.
        second_pass: one of :data:`SECOND_PASSES`.
    """
    last = count - 1
    again: list[Visit] = []
    if second_pass == "backward":
        again = [Visit(index, index + 1, _KEPT) for index in range(last - 1, -1, -1)]
    elif second_pass == "loop" and count > 2:
        again = [Visit(index, index - 1 if index else last, _smooth((index + 1) / count)) for index in range(last)]
    repeated = {visit.index for visit in again}
    return [Visit(index, index - 1 if index else None, is_final=index not in repeated) for index in range(count)] + again


def _smooth(share: float) -> float:
    """Return a number on [0, 1] with soft ends."""
    return share * share * (3.0 - 2.0 * share)
