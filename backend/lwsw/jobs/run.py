"""Runs a job directory: from the first frame without a result to the last."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..core.objective import Calibration
from ..core.sequence import ShotState, Stylizer
from ..core.vgg import VGG19
from ..media.files import write_atomically
from ..media.images import write_png16
from ..networks import load_network
from ..runtime import prepare_process, resolve_device
from .directory import JobDirectory
from .frame_reader import FrameReader, image_to_tensor, tensor_to_image

OnEvent = Callable[[dict[str, Any]], None]


def run_job(job: JobDirectory, on_event: OnEvent = lambda event: None) -> None:
    """Stylize every frame that has no result yet.

    Writes ``results/`` and ``state/`` and appends to ``log.jsonl``. A job that was stopped at any moment continues at its first
    unfinished frame and gives the same bytes as one that ran through.

    Args:
        job: the directory; locked while this runs.
        on_event: called with ``frame_started``, ``iteration``, ``frame_finished``, ``note``, ``job_finished``; whatever it raises stops
            the work between two iterations.

    Raises:
        LwswError: see ``docs/architecture.md`` for the codes.
    """
    with job.lock():
        job.check_complete()
        prepare_process()
        settings = job.settings
        first = job.first_unfinished()
        if first is None:
            on_event({"event": "job_finished", "seconds": 0.0})
            return
        started = time.perf_counter()
        device = resolve_device(settings.device)
        reader = FrameReader(job)
        reader.check()
        if settings.motion == "estimated" and len(job.frames) > 1:
            _say(job, on_event, {"event": "note", "text": "No Vector pass: motion is estimated from the pictures, which is less steady."})

        network = VGG19(load_network(settings.network), _precision(settings.precision)).to(device)
        independent = settings.motion == "none" and len(job.frames) > 1
        stylizer = Stylizer(
            network,
            reader.paintings(),
            {layer for index in range(len(job.frames)) for layer in settings.at(index).layer_weights},
            frequency_exponent=settings.frequency_exponent,
            iterations=settings.iterations,
            first_iterations=settings.iterations if independent else settings.first_iterations,
            seed=settings.seed,
        )
        index = job.frames.index(first)
        state = _load_state(job, job.frames[index - 1]) if index else None
        if index and state is None:  # results without the state to go on from: redo from the start rather than jump
            index = 0
        for position in range(index, len(job.frames)):
            state = _run_frame(job, reader, stylizer, position, state, on_event)
        _say(job, on_event, {"event": "job_finished", "seconds": round(time.perf_counter() - started, 3)})


def _run_frame(
    job: JobDirectory, reader: FrameReader, stylizer: Stylizer, position: int, state: ShotState | None, on_event: OnEvent
) -> ShotState:
    number = job.frames[position]
    timings: dict[str, float] = {}
    started = time.perf_counter()
    with _timed(timings, "read"):
        frame = reader.frame(position)

    def progress(iteration: int, iterations: int) -> None:
        if iteration == 0:
            on_event({"event": "frame_started", "frame": number, "iterations": iterations})
        on_event({"event": "iteration", "frame": number, "iteration": iteration, "iterations": iterations})

    with _timed(timings, "optimize"):
        state = stylizer.stylize(frame, state, progress)
    with _timed(timings, "write"):
        _save_state(job, state)
        write_png16(job.result_path(number), tensor_to_image(state.image))
        _forget_state(job, before=job.frames[max(position - 1, 0)])
    seconds = round(time.perf_counter() - started, 4)
    _say(job, on_event, {"event": "frame_finished", "frame": number, "seconds": seconds, "timings": timings})
    return state


def _say(job: JobDirectory, on_event: OnEvent, event: dict[str, Any]) -> None:
    job.append_event(event)
    on_event(event)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[name] = round(time.perf_counter() - started, 4)


def _precision(name: str) -> torch.dtype:
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _save_state(job: JobDirectory, state: ShotState) -> None:
    """Write what the next frame needs; the state of a frame is on disk before its result is."""
    calibration = {"style": dict(state.calibration.style), "content": state.calibration.content}
    calibration_path = job.state_path / "calibration.json"
    text = json.dumps(calibration).encode()  # repr of a float gives the same float back
    if not calibration_path.is_file() or calibration_path.read_bytes() != text:
        write_atomically(calibration_path, text)
    stream = io.BytesIO()
    np.save(stream, tensor_to_image(state.image), allow_pickle=False)
    write_atomically(job.state_path / f"{state.frame:04d}.npy", stream.getvalue())


def _load_state(job: JobDirectory, number: int) -> ShotState | None:
    """Read the state after a frame, or None where it is missing or damaged."""
    try:
        calibration = json.loads((job.state_path / "calibration.json").read_bytes())
        image = np.load(job.state_path / f"{number:04d}.npy", allow_pickle=False)
        if image.shape != (job.height, job.width, 3) or image.dtype != np.float32:
            return None
        return ShotState(number, image_to_tensor(image), Calibration(calibration["style"], calibration["content"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget_state(job: JobDirectory, before: int) -> None:
    """Remove states that no resume needs any more."""
    for path in job.state_path.glob("*.npy"):
        if path.stem.lstrip("-").isdigit() and int(path.stem) < before:
            path.unlink(missing_ok=True)
