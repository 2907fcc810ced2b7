"""Where a job stands and how long it still takes, from the events of ``run_job``. No clock of its own, so it can replay a log."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .directory import JobDirectory
from .visits import visits

_FRAMES_AVERAGED = 5


class Progress:
    """The state of one job for people.

    Attributes:
        frames_total: number of frames of the job.
        results: finished frames, ascending.
        frame: the frame being worked on, or None.
        iteration, iterations: inside that frame; 0 before the first iteration.
        waiting_for: the frame that is waited for, because it is still being rendered, or None.
        note: the latest remark, for example that motion is estimated; "" for none.
        timings: seconds by kind of work, summed over the frames, as far as the events say.
        first_frame_seconds: what the first frame of the job took, or None.
        peak_memory, peak_device_memory: the most that the job's process has needed so far, in bytes; None where that is not known.
    """

    def __init__(self, job: JobDirectory, clock: Callable[[], float] = time.monotonic) -> None:
        """Start from the results on disk and the frame times in the log."""
        self._job = job
        self._clock = clock
        self._frame_started = 0.0
        self._recent: deque[float] = deque(maxlen=_FRAMES_AVERAGED)
        self.frames_total = len(job.frames)
        self._visits = visits(self.frames_total, job.settings.second_pass)
        self.results = job.finished_frames()
        self._drafts = {number for number in job.frames if job.draft_path(number).is_file()}
        self.frame: int | None = None
        self.iteration = 0
        self.iterations = 0
        self.waiting_for: int | None = None
        self.note = ""
        self.timings: dict[str, float] = {}
        self.first_frame_seconds: float | None = None
        self.peak_memory: int | None = None
        self.peak_device_memory: int | None = None
        for event in job.events():
            if event.get("event") in ("frame_finished", "note"):
                self._take(event)

    def update(self, event: Mapping[str, Any]) -> None:
        """Take one event of ``run_job`` at the moment it happens; unknown events change nothing."""
        kind = event.get("event")
        if kind in ("waiting", "frame_started", "job_finished"):
            self.waiting_for = event.get("frame") if kind == "waiting" else None
        if kind == "frame_started":
            self.frame = event.get("frame")
            self.iteration = 0
            self.iterations = int(event.get("iterations", 0))
            self._frame_started = self._clock()
        elif kind == "iteration":
            self.frame = event.get("frame", self.frame)
            self.iteration = int(event.get("iteration", 0))
            self.iterations = int(event.get("iterations", self.iterations))
        elif kind == "frame_finished":
            self._take(event)
            self.frame, self.iteration = None, 0
            frame = event.get("frame")
            if isinstance(frame, int) and event.get("draft"):
                self._drafts.add(frame)
            elif isinstance(frame, int) and frame not in self.results:
                self.results = sorted([*self.results, frame])
        elif kind == "note":
            self._take(event)

    def stop(self) -> None:
        """Say that nobody works on the job any more, and look at the disk again."""
        self.frame, self.iteration, self.iterations, self.waiting_for = None, 0, 0, None
        self.results = self._job.finished_frames()

    @property
    def seconds_per_frame(self) -> float | None:
        """Median of the latest frames, without the first one of the job, which takes longer; None before there is one."""
        return statistics.median(self._recent) if self._recent else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated time until the job is done, second pass included, rendering not; None while nothing has been measured."""
        unfinished = self._unfinished()
        if unfinished == 0:
            return 0.0
        per_frame, current = self.seconds_per_frame, None
        if self.frame is not None and 0 < self.iteration <= self.iterations:
            elapsed = self._clock() - self._frame_started
            current = elapsed * (self.iterations - self.iteration) / self.iteration
            if per_frame is None:
                per_frame = elapsed / self.iteration * self._job.settings.iterations
        if per_frame is None:
            return None
        return (per_frame if current is None else current) + (unfinished - 1) * per_frame

    @property
    def share_done(self) -> float:
        """How much of the painting is done, from 0 to 1, second pass included."""
        within = min(1.0, self.iteration / self.iterations) if self.frame is not None and self.iterations else 0.0
        return min(1.0, (len(self._visits) - self._unfinished() + within) / len(self._visits))

    def to_dict(self) -> dict[str, Any]:
        """Return the part of the HTTP status that this class knows."""
        return {
            "frames_total": self.frames_total,
            "frames_done": len(self.results),
            "share_done": round(self.share_done, 4),
            "results": list(self.results),
            "frame": self.frame,
            "iteration": self.iteration,
            "iterations": self.iterations,
            "waiting_for": self.waiting_for,
            "seconds_per_frame": _rounded(self.seconds_per_frame),
            "seconds_left": _rounded(self.seconds_left),
            "first_frame_seconds": _rounded(self.first_frame_seconds),
            "peak_memory": self.peak_memory,
            "peak_device_memory": self.peak_device_memory,
            "note": self.note,
            "timings": {name: round(value, 4) for name, value in self.timings.items()},
        }

    def _unfinished(self) -> int:
        results = set(self.results)
        plan = ((visit, self._job.frames[visit.index]) for visit in self._visits)
        return sum(number not in results and (visit.is_final or number not in self._drafts) for visit, number in plan)

    def _take(self, event: Mapping[str, Any]) -> None:
        if event.get("event") == "note":
            self.note = str(event.get("text") or event.get("message") or event.get("note") or "")
            return
        seconds = event.get("seconds")
        if isinstance(seconds, (int, float)) and (event.get("frame") != self._job.frames[0] or self._job.settings.motion == "none"):
            self._recent.append(float(seconds))
        if isinstance(seconds, (int, float)) and event.get("frame") == self._job.frames[0] and self.first_frame_seconds is None:
            self.first_frame_seconds = float(seconds)
        self.peak_memory = _larger(self.peak_memory, event.get("peak_memory"))
        self.peak_device_memory = _larger(self.peak_device_memory, event.get("peak_device_memory"))
        timings = event.get("timings")
        if isinstance(timings, Mapping):
            for name, value in timings.items():
                if isinstance(value, (int, float)):
                    self.timings[name] = self.timings.get(name, 0.0) + float(value)


def format_duration(seconds: float) -> str:
    """Write a duration for people: ``48 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _larger(before: int | None, value: object) -> int | None:
    if not isinstance(value, int):
        return before
    return value if before is None else max(before, value)
