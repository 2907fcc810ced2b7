"""One preview from its beginning to its end, for scripts: waits until the picture is settled."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..connection.client import Connect
from ..connection.preview_link import Pixels, PreviewLink
from ..errors import LwswError
from ..jobs.console import interruptible
from .frame_input import FrameInput
from .picture_source import Found
from .variations import Variation
from .wish import CELL_WIDTH, make_wish, notes_for

_LOOK_SECONDS = 0.02  # between two looks at whether it is settled


@dataclass(frozen=True)
class Still:
    """A finished preview.

    Attributes:
        image: as an image of Blender takes it.
        png: the same with 16 bits a value.
        iterations: how many it took.
        loss: at the end; NaN of a sheet.
        notes: what an artist should know.
    """

    image: Pixels
    png: bytes
    iterations: int
    loss: float
    notes: tuple[str, ...]

    @property
    def pixels(self) -> np.ndarray:
        """The picture, height × width × 3 on [0, 1], display-referred, rows from the top."""
        values: np.ndarray = self.image.values.reshape(self.image.height, self.image.width, 4)[::-1, :, :3]
        return values


def paint_still(
    scene: bpy.types.Scene, connect: Connect, width: int, iterations: int | None = None, variations: Sequence[Variation] = ()
) -> Still:
    """Paint the scene's current frame and wait until it is settled.

    Args:
        scene: its current frame and its sliders count.
        connect: returns a client of a backend that answers.
        width: in pixels, of the picture; of a sheet, of each cell but at most 192.
        iterations: limit; None takes the scene's for first frames.
        variations: for a sheet; empty for one picture.

    Raises:
        LwswError: what is wrong with the settings, the source or the backend; ``cancelled`` never.
        KeyboardInterrupt: Ctrl-C.
    """
    make_wish(scene, Path(), width, variations=variations)  # what is wrong is said before anything is rendered
    link = PreviewLink(connect)
    with tempfile.TemporaryDirectory(prefix="lwsw-preview-") as folder:
        try:
            link.begin()  # the backend starts while Blender renders
            found = _find(scene, Path(folder), width)
            cell_width = min(CELL_WIDTH, width) if variations else width
            link.want(make_wish(scene, found.path, cell_width, passes=found.passes, iterations=iterations, variations=variations))
            while not (link.is_settled and link.picture is not None):
                if link.error is not None:
                    raise link.error
                with interruptible():
                    time.sleep(_LOOK_SECONDS)
            state, image = link.state, link.picture
            loss = state.get("loss")
            notes = [*notes_for(scene), *filter(None, [str(state.get("note") or "")])]
            return Still(image, link.png(), int(state["iteration"]), math.nan if loss is None else float(loss), tuple(notes))
        finally:
            link.stop(patience=5.0)


def _find(scene: bpy.types.Scene, folder: Path, width: int) -> Found:
    source = FrameInput(folder, interactive=False)
    try:
        found = source.find(scene, width)
    finally:
        source.end()
    if found is None:
        raise LwswError("nothing_to_stylize", "Blender is rendering this scene at the moment.", "Wait until the render is over.")
    return found
