"""The float state of a shot on disk, in ``state/``: what makes a resumed job continue exactly where it stopped."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..core.look_painter import LookState
from ..core.objective import Calibration
from ..core.sequence import ShotState
from ..media.files import write_atomically
from .directory import JobDirectory
from .frame_reader import image_to_tensor, tensor_to_image

_NUMBERS = "numbers"


def save_state(job: JobDirectory, state: ShotState, again: bool = False) -> None:
    """Write what the next frame needs; the state of a frame is on disk before its result is. Raises as ``write_atomically`` does.

    Args:
        job: the directory.
        state: of a frame.
        again: whether it is that of a second pass, beside which the first one's is kept.
    """
    text = json.dumps([_numbers(look) for look in state.looks]).encode()  # repr of a float gives the same float back
    stream = io.BytesIO()
    images = {str(index): tensor_to_image(look.image) for index, look in enumerate(state.looks) if look.image is not None}
    np.savez(stream, **images, **{_NUMBERS: np.frombuffer(text, np.uint8)})  # type: ignore[arg-type]
    write_atomically(_file(job, state.frame, again), stream.getvalue())


def load_state(job: JobDirectory, number: int, again: bool = False) -> tuple[LookState, ...] | None:
    """Read the state after a frame, or None where it is missing or damaged; ``again`` as for :func:`save_state`."""
    looks: list[LookState] = []
    try:
        with np.load(_file(job, number, again), allow_pickle=False) as images:
            numbers = json.loads(images[_NUMBERS].tobytes())
            if len(numbers) != len(job.settings.looks):
                return None
            for index, entry in enumerate(numbers):
                image = images.get(str(index))
                if image is not None and (image.shape != (job.height, job.width, 3) or image.dtype != np.float32):
                    return None
                look = LookState(None if image is None else image_to_tensor(image))
                if entry is not None:
                    calibration = Calibration(entry["style"], entry["content"], entry["normalization"])
                    look = LookState(look.image, calibration, entry["recoloring"])
                looks.append(look)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return tuple(looks)


def forget_state(job: JobDirectory, before: int) -> None:
    """Remove states that no resume needs any more."""
    for path in job.state_path.glob("*.npz"):
        if path.stem.lstrip("-").isdigit() and int(path.stem) < before:
            path.unlink(missing_ok=True)


def _file(job: JobDirectory, number: int, again: bool) -> Path:
    return job.state_path / f"{'again-' if again else ''}{number:04d}.npz"


def _numbers(look: LookState) -> dict[str, Any] | None:
    calibration = look.calibration
    if calibration is None:
        return None
    return {
        "style": dict(calibration.style),
        "content": dict(calibration.content),
        "normalization": calibration.normalization,
        "recoloring": look.recoloring,
    }
