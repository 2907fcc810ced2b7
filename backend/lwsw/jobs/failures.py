"""Turns any exception into the error an artist sees. Shared by the worker process and the command line."""

from __future__ import annotations

import errno

from ..errors import Cancelled, LwswError

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "failed to allocate")


def as_lwsw_error(error: BaseException) -> LwswError:
    """Return the :class:`LwswError` for an exception: itself, or the nearest code (``internal`` when there is none).

    torch reports missing memory as ``torch.OutOfMemoryError`` on a GPU and as a plain RuntimeError on the CPU, so the text decides.
    """
    if isinstance(error, LwswError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Cancelled()
    text = str(error)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(phrase in text.lower() for phrase in _OUT_OF_MEMORY)):
        return LwswError(
            "out_of_memory",
            "There is not enough memory for frames of this size.",
            "Choose a smaller width, set the precision to bfloat16, or close other programs; then start again.",
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return LwswError("disk_full", "There is no space left on the disk.", "Free some space and resume; finished frames are kept.")
    first_line = text.strip().splitlines()[0][:300] if text.strip() else "no description"
    return LwswError(
        "internal",
        f"Something went wrong inside LWSW: {type(error).__name__}: {first_line}.",
        "Please report this with the log and the output of 'lwsw doctor'.",
    )
