"""Where the regions of the frame that is previewed are, read from its passes as a job reads them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..core.sequence import SMALLEST_REGION
from ..errors import LwswError
from ..jobs.settings import RegionSettings
from ..media.cryptomatte import check_objects, read_cryptomatte, region_masks, scale_mask

_NOT_PAINTED = "Regions are not painted in the preview."

Objects = tuple[tuple[str, ...], ...]


class FrameMasks:
    """The masks of one frame. Nothing that is wrong with them ends the preview: the picture is painted without, and a note says so.

    Masks are kept, the decoded file is not: a frame of 3840×2160 would hold 400 MB.

    Args:
        passes: a multilayer EXR with the Cryptomatte pass of objects, in any size; None where there is none.
        width, height: in pixels, of what is painted.
    """

    def __init__(self, passes: Path | None, width: int, height: int) -> None:
        self._passes, self._width, self._height = passes, width, height
        self._problem = _NOT_PAINTED if passes is None else ""
        self._known: dict[Objects, tuple[tuple[Tensor, ...], Collection[str]]] = {}

    def masks(self, regions: Sequence[RegionSettings]) -> tuple[Tensor, ...] | None:
        """Return the coverage of each region, ``1×1×H×W``; None where nothing says where they are."""
        found = self._find(regions)
        return None if found is None else found[0]

    def notes(self, regions: Sequence[RegionSettings]) -> list[str]:
        """Return what an artist should know of the regions: sentences."""
        found = self._find(regions)
        if found is None:
            return [self._problem]
        notes = []
        for region, mask in zip(regions, found[0], strict=True):
            try:
                check_objects(found[1], region.objects, region.name, "of this frame")
            except LwswError as error:
                notes.append(f"{error.message} {error.hint}")
                continue
            area = float(mask.sum())
            if area < SMALLEST_REGION:
                notes.append(region.too_small(area, "this frame"))
        return notes

    def _find(self, regions: Sequence[RegionSettings]) -> tuple[tuple[Tensor, ...], Collection[str]] | None:
        if not regions:
            return (), ()
        objects = tuple(region.objects for region in regions)
        if objects not in self._known and not self._problem:
            try:
                self._known[objects] = self._read(objects)
            except LwswError as error:
                self._problem = f"{_NOT_PAINTED} {error.message}"
        return self._known.get(objects)

    def _read(self, objects: Objects) -> tuple[tuple[Tensor, ...], Collection[str]]:
        assert self._passes is not None
        cryptomatte = read_cryptomatte(self._passes, "The frame")
        scaled = (scale_mask(mask, self._width, self._height) for mask in region_masks(cryptomatte, objects))
        return tuple(torch.from_numpy(np.ascontiguousarray(mask))[None, None] for mask in scaled), cryptomatte.names
