"""Reads the render of a clip at the size of its results, and where its objects are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LwswError
from ..jobs.clip import Clip
from ..jobs.frame_reader import SourceReader
from ..media.cryptomatte import check_objects, match_objects, read_cryptomatte, region_masks, scale_mask


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

    def mask(self, number: int, pattern: str) -> Tensor:
        """Return the coverage of an object, ``1×1×H×W``."""
        cryptomatte = read_cryptomatte(self.passes(number))
        self._check_size(self._shot.pass_path(number), cryptomatte.size)
        mask = scale_mask(region_masks(cryptomatte, [[pattern]])[0], self._shot.width, self._shot.height)
        return torch.from_numpy(np.ascontiguousarray(mask))[None, None]

    def check_objects(self, objects: Sequence[str]) -> None:
        """Raise ``missing_pass`` or ``unknown_object`` where an object cannot be found in any frame."""
        if objects and not self._shot.clip.passes:
            hint = "Give the multilayer EXR files with --passes, rendered with Cryptomatte › Object."
            raise LwswError("missing_pass", "Objects can be measured only where the Cryptomatte pass is given.", hint)
        names: set[str] = set()
        for number in self._shot.frames:
            if all(match_objects(names, [pattern]) for pattern in objects):
                return
            names.update(read_cryptomatte(self.passes(number)).names)
        check_objects(names, objects)
