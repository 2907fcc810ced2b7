"""Reads the render of a clip at the size of its results, and where its objects are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import LwswError
from ..jobs.clip import Clip
from ..jobs.frame_reader import SourceReader
from ..media.cryptomatte import check_objects
from ..media.passes import Motion

_OUTSIDE = 1e5  # pixels: a vector that leads out of every picture


@dataclass(frozen=True)
class Shot:
    """The render of a clip as a source for :class:`SourceReader`; what it has is described there."""

    clip: Clip
    camera_data: dict[str, Any] | None
    frames: tuple[int, ...]
    width: int
    height: int

    def frame_path(self, frame: int) -> Path:
        return self.clip.color[frame]

    def pass_path(self, frame: int) -> Path:
        return (self.clip.passes or {})[frame]

    def cameras(self) -> dict[str, Any] | None:
        return self.camera_data


class ClipReader(SourceReader):
    """Reads a clip at the size of its results, and the masks of objects."""

    def __init__(self, shot: Shot) -> None:
        super().__init__(shot)
        self._shot = shot

    def flow(self, number: int, previous: int) -> tuple[Tensor, Tensor]:
        """Return the renderer's flow from a frame to the previous one, and back, ``1×H×W×2`` pixels each.

        It leads out of the picture where the renderer wrote no vectors (outside a render border), so that nothing is measured there.
        """
        backward, forward = super().flow(number, previous)
        return _only_known(backward, self.motion(number)), _only_known(forward, self.motion(previous))

    def mask(self, number: int, pattern: str) -> Tensor:
        """Return the coverage of an object, ``1×1×H×W``."""
        return self.masks(number, [[pattern]])[0]

    def check_objects(self, objects: Sequence[str]) -> None:
        """Raise ``missing_pass`` or ``unknown_object`` where an object cannot be found in any frame."""
        if objects and not self._shot.clip.passes:
            hint = "Give the multilayer EXR files with --passes, rendered with Cryptomatte › Object."
            raise LwswError("missing_pass", "Objects can be measured only where the Cryptomatte pass is given.", hint)
        check_objects(self.object_names(objects), objects)


def _only_known(flow: Tensor, motion: Motion) -> Tensor:
    return torch.where(torch.from_numpy(motion.known)[None, ..., None], flow, _OUTSIDE)
