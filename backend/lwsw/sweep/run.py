"""Paints what a sweep lacks."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from .. import __version__
from ..core.colour import recolor
from ..core.look_painter import LookState, Method, fit_painting
from ..core.metrics import relative_gram_errors
from ..core.objective import style_targets
from ..core.sequence import Frame, Stylizer
from ..core.texture_scale import texture_scale
from ..core.vgg import VGG19
from ..errors import LwswError
from ..jobs.directory import MAXIMUM_SIDE
from ..jobs.frame_reader import image_to_tensor, tensor_to_image
from ..jobs.job_network import job_network
from ..jobs.settings import StylizeSettings
from ..media.files import output_error, sweep_temporary_files
from ..media.images import read_image, resize
from ..media.sequences import find_sequence, format_numbers
from ..perceptual import PerceptualMetrics
from ..profiles import MAIN_LAYERS, FrameValues, Look
from ..runtime import prepare_process, resolve_device
from .board import DISTANCES, Board
from .cells import FinishedCell, finished_cells, hash_of, plain_look, save_cell
from .grid import Grid

_THUMBNAIL = 440  # pixels of the longer side at which paintings are kept for the sheet

OnEvent = Callable[[dict[str, Any]], None]


def run_sweep(
    grid: Grid,
    color: str,
    out: Path,
    *,
    frame: int | None = None,
    width: int = 384,
    settings: StylizeSettings,
    on_event: OnEvent = lambda event: None,
) -> dict[str, Any]:
    """Paint every cell of a grid that is not in ``out`` yet, and write the sheet and the table, anew after each cell.

    A cell is what ``lwsw stylize`` makes of the picture as a single frame with the same settings. Constants are calibrated once for each
    painting.

    Args:
        grid: what is compared.
        color: picture, or pattern of a sequence.
        out: folder; made if it does not exist.
        frame: which of a sequence; None takes the first.
        width: of the cells, in pixels; the height follows.
        settings: ``first_iterations``, ``seed``, ``device``, ``precision``, ``network`` and ``content_layers`` are taken from here.
        on_event: called with ``iteration`` before each iteration and with ``cell_finished``; both have ``done``, ``total``, ``name`` and
            ``seconds_left``. May raise to stop.

    Returns:
        ``out``, ``sheet``, ``csv``, ``cells`` (how many), ``kept`` (how many of them were there already), ``seconds``.

    Raises:
        LwswError: what reading, writing and painting raise; ``cancelled`` for Ctrl-C, with everything finished on disk.
    """
    started = time.monotonic()
    source = _find_source(color, frame)
    _check_targets(out, [source, *(row.painting for row in grid.rows)])
    if not 1 <= width <= MAXIMUM_SIDE:
        raise LwswError("bad_settings", f"The width is {width}.", f"It must be a number from 1 to {MAXIMUM_SIDE}.")
    paintings = {row.painting: read_image(row.painting, "style") for row in grid.rows}
    pixels = read_image(source)
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    folder = out / "cells"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    for path in (out, folder):
        sweep_temporary_files(path)
    picture = resize(pixels, width, height)
    board = Board(grid, out, source, picture, {path: _thumbnail(painting) for path, painting in paintings.items()})
    common = {"source": _digest(source), "size": [width, height], "version": __version__} | {
        name: getattr(settings, name) for name in ("first_iterations", "seed", "precision", "network", "content_layers")
    }
    digests = {path: _digest(path) for path in paintings}
    hashes = [
        [hash_of({**common, "painting": digests[row.painting], "look": plain_look(look)}) for look in looks]
        for row, looks in zip(grid.rows, grid.looks, strict=True)
    ]
    known = finished_cells(folder)
    kept = board.take(hashes, known)
    if kept < board.total:
        try:
            _paint(grid, hashes, known, board, picture, paintings, settings, on_event)
        except KeyboardInterrupt:
            hint = "The same command again paints the rest."
            raise LwswError("cancelled", "The sweep was stopped; finished pictures are kept.", hint) from None
    board.write()
    return {
        "out": str(out),
        "sheet": str(board.sheet_path),
        "csv": str(board.csv_path),
        "cells": board.total,
        "kept": kept,
        "seconds": round(time.monotonic() - started, 3),
    }


def _paint(
    grid: Grid,
    hashes: Sequence[Sequence[str]],
    known: dict[str, FinishedCell],
    board: Board,
    picture: np.ndarray,
    paintings: Mapping[Path, np.ndarray],
    settings: StylizeSettings,
    on_event: OnEvent,
) -> None:
    """Paint what is missing, row by row."""
    prepare_process()
    device = resolve_device(settings.device)
    network = job_network(settings)
    perceptual = PerceptualMetrics(device=device)
    method = Method(settings.iterations, settings.first_iterations, settings.content_layers, seed=settings.seed)
    layers = {layer for looks in grid.looks for look in looks for layer in look.layer_weights}
    easels = {path: _Easel(network, image_to_tensor(painting), layers, method) for path, painting in paintings.items()}
    clock = _Clock(len({text for line in hashes for text in line if text not in known}))
    for row, column in ((row, column) for row in range(len(grid.rows)) for column in range(len(grid.columns))):
        hash_ = hashes[row][column]
        if hash_ not in known:
            place, look, easel = grid.rows[row], grid.looks[row][column], easels[grid.rows[row].painting]
            name = ", ".join(words := [place.painting.name, *grid.cell_words(row, column)])
            began = time.monotonic()

            def report(iteration: int, iterations: int, name: str = name, began: float = began) -> None:
                left = clock.left(time.monotonic() - began)
                event = {"event": "iteration", "iteration": iteration, "iterations": iterations}
                on_event({**event, "done": board.done, "total": board.total, "name": name, "seconds_left": left})

            image, painted = easel.paint(image_to_tensor(picture), look, report)
            seconds = time.monotonic() - began
            record: dict[str, Any] = {"seconds": round(seconds, 3), **easel.measure(image, painted, image_to_tensor(picture), perceptual)}
            known[hash_] = save_cell(
                board.out / "cells", "_".join([place.painting.stem, *words[1:]]), hash_, tensor_to_image(image), record
            )
            clock.took(seconds)
            board.put(row, column, known[hash_])
            board.write()
            event = {"event": "cell_finished", "name": name, "seconds": seconds, "done": board.done, "total": board.total}
            on_event({**event, "seconds_left": clock.left(0.0)})
        else:
            board.put(row, column, known[hash_])


class _Easel:
    """One painting, and what is measured of it once: the constants of the shot, and its Gram matrices."""

    def __init__(self, network: VGG19, painting: Tensor, layers: set[str], method: Method) -> None:
        self._network = network
        self._painting = painting
        self._stylizer = Stylizer(network, [painting], [layers], method)
        self._before: tuple[LookState, ...] | None = None
        self._targets: dict[str, Tensor] | None = None

    def paint(self, picture: Tensor, look: Look, progress: Callable[[int, int], None]) -> tuple[Tensor, Tensor]:
        """Return the result, and what was painted before the picture's own colours were put back; ``1×3×H×W`` each."""
        state = self._stylizer.stylize(Frame(1, picture, FrameValues(look)), self._before, progress)
        self._before = tuple(replace(some, image=None) for some in state.looks)
        painted = state.looks[0].image
        assert painted is not None
        return state.image.clamp(0.0, 1.0), painted.clamp(0.0, 1.0)

    def measure(self, image: Tensor, painted: Tensor, picture: Tensor, perceptual: PerceptualMetrics) -> dict[str, Any]:
        """Return the measures of the table; Gram errors compare with the painting as it was recoloured for ``--palette``."""
        device = self._network.get_buffer("mean").device
        if self._targets is None:
            assert self._before is not None
            height, width = picture.shape[2:]
            painting = fit_painting(self._painting.to(device), height, width)
            recolored = recolor(painting, self._before[0].recoloring[0]).clamp(0.0, 1.0)
            self._targets = style_targets(self._network, recolored, MAIN_LAYERS)
        wavelength = texture_scale(image, picture).wavelength
        distances = perceptual.measure(image, picture)
        return {
            "texture_wavelength_px": None if math.isnan(wavelength) else wavelength,
            **{name: distances.get(name) for name in DISTANCES},
            "gram_errors": relative_gram_errors(self._network, painted.to(device), self._targets),
        }


@dataclass
class _Clock:
    """Says how long the rest takes, from the cells painted so far."""

    open: int
    times: list[float] = field(default_factory=list)

    def took(self, seconds: float) -> None:
        """Count a finished cell."""
        self.open -= 1
        self.times.append(seconds)

    def left(self, elapsed: float) -> float | None:
        """Return the seconds left; None before the first cell is finished."""
        return max(0.0, self.open * sum(self.times) / len(self.times) - elapsed) if self.times else None


def _find_source(color: str, frame: int | None) -> Path:
    files = find_sequence(color, allow_gaps=True)
    if frame is None:
        return next(iter(files.values()))
    if frame not in files:
        message = f"There is no frame {frame} in '{color}'."
        raise LwswError("missing_frames", message, f"Use one of: {format_numbers(files)}.")
    return files[frame]


def _check_targets(out: Path, sources: Sequence[Path]) -> None:
    for target in (out / "sweep.png", out / "sweep.csv"):
        if target.resolve() in {path.resolve() for path in sources}:
            raise LwswError("bad_settings", f"The sheet would replace its own source {target}.", "Choose another --out folder.")


def _thumbnail(painting: np.ndarray) -> np.ndarray:
    height, width = painting.shape[:2]
    scale = min(1.0, _THUMBNAIL / max(height, width))
    return resize(painting, max(1, round(width * scale)), max(1, round(height * scale)))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise LwswError("missing_frames", f"{path} cannot be read: {error.strerror}.", "Check that the file is still there.") from error
