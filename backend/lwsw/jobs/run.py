"""Runs a job directory: from the first frame without a result to the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import Tensor

from ..core.look_painter import Draft, LookState, Method
from ..core.sequence import SMALLEST_REGION, Frame, ShotState, Stylizer
from ..errors import LwswError
from ..media.images import write_png16
from ..runtime import prepare_process
from .arrivals import Arrivals
from .directory import JobDirectory
from .frame_reader import FrameReader, tensor_to_image
from .job_network import job_network
from .recall import Recall
from .shot_files import forget_state, load_state, save_state
from .usage import peak_device_memory, peak_memory
from .visits import Visit, visits

OnEvent = Callable[[dict[str, Any]], None]


def run_job(job: JobDirectory, on_event: OnEvent = lambda event: None) -> None:
    """Stylize every frame that has no result yet; those that are still coming (:mod:`.arrivals`) are waited for.

    Writes ``results/`` and ``state/`` and appends to ``log.jsonl``. A job that was stopped at any moment continues at its first
    unfinished frame and gives the same bytes as one that ran through.

    Args:
        job: the directory; locked while this runs.
        on_event: called with ``frame_started``, ``iteration``, ``frame_finished``, ``gradient_shares``, ``note``,
            ``job_finished``, and ``waiting`` while a frame has not come yet; whatever it raises stops the work between two iterations.

    Raises:
        LwswError: see ``docs/architecture.md`` for the codes.
    """
    with job.lock():
        arrivals = Arrivals(job, on_event) if job.is_receiving else None
        if arrivals is None:
            job.check_complete()
        else:
            job.check_styles()
        prepare_process()
        settings = job.settings
        if job.first_unfinished() is None:
            on_event({"event": "job_finished", "seconds": 0.0})
            return
        started = time.perf_counter()
        network = job_network(settings)
        reader = FrameReader(job, arrivals=arrivals)
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
        for note in [*reader.notes(), *reader.take_notes()]:
            _say(job, on_event, {"event": "note", "text": note})
        painter = _Painter(job, reader, stylizer, on_event)
        for visit in painter.to_do():
            painter.paint(visit)
        _say(job, on_event, {"event": "job_finished", "seconds": round(time.perf_counter() - started, 3)})


class _Painter:
    """Paints frames of a job, each after its neighbour, and keeps on disk what it takes to go on after any of them."""

    def __init__(self, job: JobDirectory, reader: FrameReader, stylizer: Stylizer, on_event: OnEvent) -> None:
        self._job, self._reader, self._stylizer, self._on_event = job, reader, stylizer, on_event
        self._recall = Recall(job, reader)
        self._latest: tuple[int, tuple[LookState, ...]] | None = None

    def to_do(self) -> list[Visit]:
        """Return the visits that are left; all of them where there are results without the state to go on from: redo rather than jump."""
        plan = visits(len(self._job.frames), self._job.settings.second_pass)
        first = next(position for position, visit in enumerate(plan) if not self._is_done(visit))
        neighbour = plan[first].neighbour
        if neighbour is not None and self._looks_of(neighbour) is None:
            first = 0
        return plan[first:]

    def paint(self, visit: Visit) -> None:
        """Paint one frame; its state is on disk before its result is."""
        job, number = self._job, self._job.frames[visit.index]
        self._reader.await_frame(visit.index)  # before the clock starts: the time is the renderer's
        timings: dict[str, float] = {}
        started = time.perf_counter()
        with _timed(timings, "read"):
            frame = self._reader.frame(visit.index, visit.neighbour)
            looks = self._looks_before(visit)
            draft = self._draft(visit)
            if draft is not None and frame.flow is None:  # beside a cut: it stays as it is, with the constants of its own shot
                looks = tuple(draft.looks)
            if draft is None and frame.visibility is not None and job.settings.motion == "vector":
                memories = self._recall.memories(visit.index, self._reader.shot_start(visit.index), frame.visibility)
                frame = replace(frame, memories=memories)
        for note in self._reader.take_notes():
            _say(job, self._on_event, {"event": "note", "frame": number, "text": note})
        _say_what_is_small(job, frame, self._on_event)

        def progress(iteration: int, iterations: int) -> None:
            if iteration == 0:
                self._on_event({"event": "frame_started", "frame": number, "iterations": iterations})
            self._on_event({"event": "iteration", "frame": number, "iteration": iteration, "iterations": iterations})

        with _timed(timings, "optimize"):
            state = self._stylizer.stylize(frame, looks, progress, draft)
        with _timed(timings, "write"):
            save_state(job, state, again=draft is not None)
            write_png16(job.result_path(number) if visit.is_final else job.draft_path(number), tensor_to_image(state.image))
            if job.settings.second_pass == "none":
                forget_state(job, before=job.frames[max(visit.index - 1, 0)])
        self._latest = visit.index, state.looks
        begun = [look.calibration is not None and (looks is None or looks[i].calibration is None) for i, look in enumerate(state.looks)]
        if draft is None and (any(begun) or visit.index == len(job.frames) - 1):
            with _timed(timings, "shares"):
                _report_shares(job, self._stylizer, frame, state, begun, self._on_event)
        seconds = round(time.perf_counter() - started, 4)
        event = {"event": "frame_finished", "frame": number, "seconds": seconds, "iterations": state.iterations, "timings": timings}
        event |= {"peak_memory": peak_memory(), "peak_device_memory": peak_device_memory(job.settings.device)}
        _say(job, self._on_event, event if visit.is_final else {**event, "draft": True})

    def _is_done(self, visit: Visit) -> bool:
        number = self._job.frames[visit.index]
        return self._job.result_path(number).is_file() or (not visit.is_final and self._job.draft_path(number).is_file())

    def _looks_before(self, visit: Visit) -> tuple[LookState, ...] | None:
        """Return the newest state of the neighbour; None across a cut, where constants are measured anew."""
        neighbour = visit.neighbour
        if neighbour is None or (visit.draft_share is None and self._reader.begins_shot(visit.index)):
            return None
        if self._latest is not None and self._latest[0] == neighbour:
            return self._latest[1]
        return self._looks_of(neighbour)

    def _looks_of(self, index: int) -> tuple[LookState, ...] | None:
        number = self._job.frames[index]
        return load_state(self._job, number, again=True) or load_state(self._job, number)

    def _draft(self, visit: Visit) -> Draft | None:
        if visit.draft_share is None:
            return None
        number = self._job.frames[visit.index]
        looks = load_state(self._job, number)
        if looks is None:
            hint = "Empty the folder 'results' of the job and start it again."
            raise LwswError("internal", f"The first version of frame {number}, which a second pass paints over, is damaged.", hint)
        return Draft(looks, visit.draft_share)


def _say_what_is_small(job: JobDirectory, frame: Frame, on_event: OnEvent) -> None:
    """Say, once in a shot, that there is nothing or too little of a region."""
    areas = [(region, float(mask.sum())) for region, mask in zip(job.settings.regions, frame.masks, strict=True)]
    small = [(region, area) for region, area in areas if area < SMALLEST_REGION]
    said = {event.get("region") for event in job.events() if event.get("event") == "note"} if small else set()
    for region, area in small:
        if region.name not in said:
            _say(job, on_event, {"event": "note", "region": region.name, "text": region.too_small(area, f"frame {frame.number}")})


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
