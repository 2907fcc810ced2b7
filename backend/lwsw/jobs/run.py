"""Runs a job directory: from the first frame without a result to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from ..core.look_painter import LookState, Method
from ..core.sequence import SMALLEST_REGION, Frame, ShotState, Stylizer
from ..media.images import write_png16
from ..runtime import prepare_process
from .directory import JobDirectory
from .frame_reader import FrameReader, tensor_to_image
from .job_network import job_network
from .shot_files import forget_state, load_state, save_state

OnEvent = Callable[[dict[str, Any]], None]


def run_job(job: JobDirectory, on_event: OnEvent = lambda event: None) -> None:
    """Stylize every frame that has no result yet.

    Writes ``results/`` and ``state/`` and appends to ``log.jsonl``. A job that was stopped at any moment continues at its first
    unfinished frame and gives the same bytes as one that ran through.

    Args:
        job: the directory; locked while this runs.
        on_event: called with ``frame_started``, ``iteration``, ``frame_finished``, ``gradient_shares``, ``note``,
            ``job_finished``; whatever it raises stops the work between two iterations.

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
        network = job_network(settings)
        reader = FrameReader(job)
        reader.check()
        if settings.motion == "estimated" and len(job.frames) > 1:
            text = "Motion is estimated from the pictures, which is less steady than the renderer's Vector pass."
            _say(job, on_event, {"event": "note", "text": text})

        independent = settings.motion == "none" and len(job.frames) > 1
        method = Method(
            iterations=settings.iterations,
            first_iterations=settings.iterations if independent else settings.first_iterations,
            content_layers=settings.content_layers,
            normalization=settings.normalization,
            seed=settings.seed,
        )
        stylizer = Stylizer(network, reader.paintings, settings.layers_in_use(len(job.frames)), method)
        index = job.frames.index(first)
        looks = load_state(job, job.frames[index - 1]) if index else None
        if index and looks is None:  # results without the state to go on from: redo from the start rather than jump
            index = 0
        for note in reader.notes():
            _say(job, on_event, {"event": "note", "text": note})
        for position in range(index, len(job.frames)):
            looks = _run_frame(job, reader, stylizer, position, looks, on_event)
        _say(job, on_event, {"event": "job_finished", "seconds": round(time.perf_counter() - started, 3)})


def _run_frame(
    job: JobDirectory, reader: FrameReader, stylizer: Stylizer, position: int, looks: tuple[LookState, ...] | None, on_event: OnEvent
) -> tuple[LookState, ...]:
    number = job.frames[position]
    timings: dict[str, float] = {}
    started = time.perf_counter()
    with _timed(timings, "read"):
        frame = reader.frame(position)

    def progress(iteration: int, iterations: int) -> None:
        if iteration == 0:
            on_event({"event": "frame_started", "frame": number, "iterations": iterations})
        on_event({"event": "iteration", "frame": number, "iteration": iteration, "iterations": iterations})

    _say_what_is_small(job, frame, on_event)
    with _timed(timings, "optimize"):
        state = stylizer.stylize(frame, looks, progress)
    with _timed(timings, "write"):
        save_state(job, state)
        write_png16(job.result_path(number), tensor_to_image(state.image))
        forget_state(job, before=job.frames[max(position - 1, 0)])
    begun = [look.calibration is not None and (looks is None or looks[i].calibration is None) for i, look in enumerate(state.looks)]
    if any(begun) or position == len(job.frames) - 1:
        with _timed(timings, "shares"):
            _report_shares(job, stylizer, frame, state, begun, on_event)
    seconds = round(time.perf_counter() - started, 4)
    _say(job, on_event, {"event": "frame_finished", "frame": number, "seconds": seconds, "timings": timings})
    return state.looks


def _say_what_is_small(job: JobDirectory, frame: Frame, on_event: OnEvent) -> None:
    """Say, once in a shot, that there is nothing or too little of a region."""
    areas = [(region.name, float(mask.sum())) for region, mask in zip(job.settings.regions, frame.masks, strict=True)]
    small = [(name, area) for name, area in areas if area < SMALLEST_REGION]
    said = {event.get("region") for event in job.events() if event.get("event") == "note"} if small else set()
    for name, area in small:
        if name not in said:
            problem = "is not to be seen" if area == 0 else f"covers only {area:.0f} pixels"
            text = f"The region '{name}' {problem} in frame {frame.number}; where that is so, it is painted with the rest."
            _say(job, on_event, {"event": "note", "region": name, "text": text})


def _report_shares(job: JobDirectory, stylizer: Stylizer, frame: Frame, state: ShotState, begun: Sequence[bool], on_event: OnEvent) -> None:
    """Say how the style gradient is shared: where the optimization has ended, and at the reference of looks that begin here."""
    names = ["picture"]
    for region in job.settings.regions:
        same = sum(name == region.name or name.startswith(f"{region.name} (") for name in names)
        names.append(f"{region.name} ({same + 1})" if same else region.name)

    def by_look(image: Tensor, wanted: Sequence[bool]) -> dict[str, dict[str, float]]:
        shares = stylizer.shares(frame, image, state)
        return {
            name: {layer: round(share, 4) for layer, share in some.items()}
            for name, some, is_wanted in zip(names, shares, wanted, strict=True)
            if some and is_wanted
        }

    event: dict[str, Any] = {"event": "gradient_shares", "frame": frame.number, "result": by_look(state.image, [True] * len(names))}
    if any(begun):
        event["reference"] = by_look(frame.color, begun)
    _say(job, on_event, event)


def _say(job: JobDirectory, on_event: OnEvent, event: dict[str, Any]) -> None:
    job.append_event(event)
    on_event(event)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[name] = round(time.perf_counter() - started, 4)
