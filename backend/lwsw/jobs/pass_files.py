"""Checks that a pass file holds what a job will take from it, before the job begins."""

from __future__ import annotations

from pathlib import Path

from ..media.cryptomatte import read_cryptomatte
from ..media.exr import read_exr
from ..media.passes import read_motion
from .settings import StylizeSettings


def check_pass_file(path: Path, settings: StylizeSettings, frames: int, name: str = "") -> None:
    """Read the passes that a job needs from one of its files.

    Args:
        path: multilayer EXR.
        settings: of the job.
        frames: how many frames the job has; a single one needs no motion.
        name: what errors call the file; empty takes its path.

    Raises:
        LwswError: ``missing_pass``, ``corrupt_pass`` or ``bad_pass_values``.
    """
    image = read_exr(path, name)
    if settings.needs_motion(frames):
        read_motion(image)
    if settings.regions:
        read_cryptomatte(image)
