"""Jobs that begin while their frames are still coming: the same bytes as those of jobs that had everything, and nothing waits in vain."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support_jobs import error_code, frame_picture, make_job, picture, wait_until, write_passes
from test_run_regions import ALONE, HERO
from test_run_regions import make as make_with_regions
from test_second_pass import panning_job
from test_shots import WHITE, pan
from test_shots import make as make_shots
from test_worker_resume import FRAMES, HEIGHT, WIDTH, Backend, worker_of, write_sources

from lwsw.cli import main
from lwsw.errors import Cancelled
from lwsw.jobs.arrivals import Arrivals, add_camera, begin_receiving, end_receiving
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.run import run_job
from lwsw.server import jobs as server_jobs
from lwsw.server.jobs import Jobs

#: The network's first layers only.
QUICK: dict[str, Any] = {
    "layer_weights": {"relu1_1": 1.0},
    "content_layers": {"relu1_1": 1.0},
    "iterations": 2,
    "first_iterations": 2,
    "device": "cpu",
}


class Coming:
    """A job whose frames come one by one, each when the job waits for it and has painted what it could.

    Args:
        path: of the new job.
        whole: one that has everything.
        first: so many frames are there from the beginning.
    """

    def __init__(self, path: Path, whole: JobDirectory, first: int = 1) -> None:
        self.whole = whole
        shutil.copytree(whole.path, path, ignore=lambda folder, names: [] if Path(folder) == whole.path else names)
        self.job = JobDirectory.open(path)
        for name in ("cameras.json", "log.jsonl", "lock"):
            (path / name).unlink(missing_ok=True)
        for source, target in zip(whole.style_paths, self.job.style_paths, strict=True):
            shutil.copyfile(source, target)
        self.finished_at: dict[int, list[int]] = {}  # by the frame that was waited for
        self.said: list[dict[str, Any]] = []
        for frame in whole.frames[:first]:
            self.bring(frame)
        begin_receiving(self.job)

    def bring(self, frame: int) -> None:
        cameras = self.whole.cameras()
        if cameras is not None:
            add_camera(self.job, frame, cameras["frames"][str(frame)])
        for path in (self.whole.frame_path(frame), self.whole.pass_path(frame)):
            if path.is_file():
                shutil.copyfile(path, self.job.path / path.relative_to(self.whole.path))

    def run(self, stop_at: int | None = None) -> None:
        def listen(event: dict[str, Any]) -> None:
            self.said.append(event)
            if event["event"] == "waiting":
                frame = event["frame"]
                if frame == stop_at:
                    raise Cancelled
                self.finished_at[frame] = [said["frame"] for said in self.said if said["event"] == "frame_finished"]
                self.bring(frame)

        run_job(self.job, listen)

    def check(self) -> None:
        for frame in self.whole.frames:
            assert self.job.result_path(frame).read_bytes() == self.whole.result_path(frame).read_bytes(), frame


def turned(frame: int) -> dict[str, Any]:
    """Return a camera that turns by a degree per frame; all that is further away than its clip end is the world."""
    angle = math.radians(frame)
    view = [[math.cos(angle), 0, math.sin(angle), 0], [0, 1, 0, 0], [-math.sin(angle), 0, math.cos(angle), 0], [0, 0, 0, 1]]
    return {"view": view, "projection": [[2, 0, 0, 0], [0, 3.5, 0, 0], [0, 0, -1, -0.2], [0, 0, -1, 0]], "clip_end": 4.5 + frame % 2}


def with_cameras(path: Path, **settings: Any) -> JobDirectory:
    """Make a job of a turning camera that sees nothing but the world in some frames: Depth is 5 everywhere."""
    job = make_job(path, frames=(-1, 0, 1), **QUICK, find_cuts=False, **settings)
    job.write_cameras({"frames": {str(frame): turned(frame) for frame in job.frames}})
    return job


CLIPS: dict[str, tuple[Callable[[Path], JobDirectory], dict[int, list[int]]]] = {
    # a cut is known when the two frames after it are there, and everything else with the frame itself
    "a cut and a flash": (
        lambda path: make_shots(path, [*pan(1, 2), WHITE, *pan(1, 4)[3:], *pan(2, 3)], **QUICK),
        {2: [1], 3: [1, 2], 4: [1, 2], 5: [1, 2, 3, 4], 6: [1, 2, 3, 4], 7: [1, 2, 3, 4]},
    ),
    "regions": (lambda path: make_with_regions(path, [HERO, ALONE], **QUICK), {2: [1], 3: [1, 2]}),
    "what comes back into view": (
        lambda path: panning_job(path, [0.0, 12.0, 24.0, 12.0, 0.0], **QUICK),
        {2: [1], 3: [1, 2], 4: [1, 2, 3], 5: [1, 2, 3, 4]},
    ),
    "a loop": (lambda path: with_cameras(path, second_pass="loop"), {0: [-1], 1: [-1, 0]}),
    "vectors that are zero at first": (lambda path: still_then_moving(path), {2: [1], 3: [1, 2], 4: [1, 2]}),
}


def still_then_moving(path: Path) -> JobDirectory:
    """Make a job in which nothing moves in two frames, light changes in the third, and things move in the fourth."""
    first, other = pan(1, 1)[0], pan(1, 3)[2]
    job = make_shots(path, [first, first, other, other], vectors=0.0, find_cuts=False, **QUICK)
    write_passes(job.pass_path(4), 80, 45, value=0.5)
    return job


@pytest.mark.parametrize("name", CLIPS)
def test_frames_that_come_one_by_one_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    make, finished_at = CLIPS[name]
    whole = make(tmp_path / "whole")
    run_job(whole)
    coming = Coming(tmp_path / "coming", whole)
    coming.run()
    coming.check()
    assert coming.finished_at == finished_at, "each frame is painted as soon as it can be"
    if cameras := whole.cameras():
        assert coming.job.cameras() == cameras


def test_waiting_is_no_part_of_a_frames_time_and_a_stopped_wait_goes_on(tmp_path: Path) -> None:
    whole = make_shots(tmp_path / "whole", pan(1, 3), vectors=None, **QUICK)
    run_job(whole)
    coming = Coming(tmp_path / "coming", whole)
    with pytest.raises(Cancelled):
        coming.run(stop_at=2)
    assert coming.job.finished_frames() == [1]
    bring, asked = coming.bring, set[int]()

    def bring_later(frame: int) -> None:
        if frame not in asked:
            asked.add(frame)
            threading.Timer(1.0, bring, [frame]).start()

    coming.bring = bring_later  # type: ignore[method-assign]
    coming.run()
    coming.check()
    waits = [event["frame"] for event in coming.said if event["event"] == "waiting"]
    assert 3 <= waits.count(3) <= 6, "a look every quarter of a second, no more"
    for event in coming.said:
        if event["event"] == "frame_finished":
            assert event["seconds"] < sum(event["timings"].values()) + 0.5 and event["timings"]["read"] < 1.0


def test_what_only_the_whole_clip_shows_is_said_at_its_end(tmp_path: Path) -> None:
    unknown = make_with_regions(tmp_path / "unknown", [{"objects": ["Cubes"], "strength": 0}], **QUICK)
    coming = Coming(tmp_path / "coming", unknown)
    assert error_code(coming.run) == "unknown_object"
    assert coming.job.finished_frames() == [1, 2]
    blurred = make_shots(tmp_path / "blurred", pan(1, 4), vectors=0.0, **QUICK)
    coming = Coming(tmp_path / "coming-blurred", blurred)
    assert error_code(coming.run) == "motion_blur"
    assert coming.job.finished_frames() == [1], "from where zero vectors contradict the pictures nothing is painted in vain"


def test_frames_that_do_not_fit_are_named(tmp_path: Path) -> None:
    whole = make_job(tmp_path / "whole", **QUICK)
    write_passes(whole.pass_path(2), 40, 20)
    assert error_code(Coming(tmp_path / "coming", whole).run) == "bad_frame_size"


def test_what_a_directory_that_receives_lets_pass(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", fill=False)
    assert error_code(begin_receiving, job) == "missing_style"
    job.style_paths[0].write_bytes(picture())
    begin_receiving(job)
    add_camera(job, 2, turned(2))
    assert list((job.cameras() or {})["frames"]) == ["2"]
    assert error_code(add_camera, job, 1, {**turned(1), "clip_end": -1}) == "bad_settings"
    assert error_code(end_receiving, job) == "missing_frames"
    assert main(["job", "resume", str(job.path)]) == 1 and not job.events(), "a command does not wait"
    for frame in job.frames:
        job.frame_path(frame).write_bytes(frame_picture(frame))
        write_passes(job.pass_path(frame))
    assert error_code(end_receiving, job) == "bad_settings", "some cameras are missing"
    assert job.is_receiving
    add_camera(job, 1, turned(1))
    add_camera(job, 3, turned(3))
    end_receiving(job)
    assert not job.is_receiving
    job.frame_path(3).unlink()
    assert error_code(Arrivals(job, lambda event: None).wait_for, 3) == "missing_frames", "nobody will bring it"


# --- in the backend -----------------------------------------------------------------------------------------------------------------------


def send(backend: Backend, job: str, sources: Path, *frames: int) -> None:
    for frame in frames:
        for kind, name in (("frames", f"rgb_{frame:04d}.png"), ("passes", f"pass_{frame:04d}.exr")):
            backend.client.put(f"/v1/jobs/{job}/{kind}/{frame}", content=(sources / name).read_bytes()).raise_for_status()


def code_of(response: Any) -> str:
    return str(response.json()["error"]["code"])


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_job_that_waits_is_killed_cancelled_and_resumed(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    write_sources(sources)
    backend = Backend(tmp_path / "jobs")
    client = backend.client
    try:
        body = {"frames": list(FRAMES), "width": WIDTH, "height": HEIGHT, "styles": ["painting.png"], "settings": QUICK}
        job = client.post("/v1/jobs", json=body).raise_for_status().json()["id"]
        path = tmp_path / "jobs" / job

        def waits_for(frame: int) -> bool:
            return bool(backend.status(job)["waiting_for"] == frame)

        assert code_of(client.post(f"/v1/jobs/{job}/start?early=true")) == "missing_style"
        client.put(f"/v1/jobs/{job}/styles/painting.png", content=(sources / "painting.png").read_bytes()).raise_for_status()
        send(backend, job, sources, 1)
        started = client.post(f"/v1/jobs/{job}/start?early=true").raise_for_status().json()
        assert started["receiving"] and started["state"] in ("queued", "running")
        wait_until(lambda: waits_for(2), 60)
        assert backend.status(job)["results"] == [1] and backend.status(job)["frame"] is None
        assert client.get(f"/v1/jobs/{job}/results/1").status_code == 200

        # killed while it waits, and then again with one more frame
        killed = worker_of(path)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: worker_of(path) != killed and waits_for(2), 60)

        # what comes twice is taken, what would change is not
        assert code_of(client.post(f"/v1/jobs/{job}/start")) == "missing_frames", "not everything has come"
        assert code_of(client.put(f"/v1/jobs/{job}/frames/1", content=picture(5, WIDTH, HEIGHT))) == "job_running"
        (path / "frames" / "0003.png").write_bytes((sources / "rgb_0003.png").read_bytes())
        assert code_of(client.put(f"/v1/jobs/{job}/frames/3", content=picture(5, WIDTH, HEIGHT))) == "job_running"
        assert client.put(f"/v1/jobs/{job}/frames/3", content=(sources / "rgb_0003.png").read_bytes()).status_code == 200
        assert code_of(client.put(f"/v1/jobs/{job}/styles/painting.png", content=picture())) == "job_running"
        assert code_of(client.put(f"/v1/jobs/{job}/cameras/9", content=b"{}")) == "missing_frames"
        (path / "frames" / "0003.png").unlink()

        began = time.monotonic()
        cancelled = client.post(f"/v1/jobs/{job}/cancel").json()
        assert time.monotonic() - began < 2.0
        assert cancelled["state"] == "cancelled" and cancelled["receiving"] and cancelled["waiting_for"] is None
        assert not JobDirectory.open(path).is_locked()
        assert code_of(client.post(f"/v1/jobs/{job}/resume")) == "missing_frames"

        client.post(f"/v1/jobs/{job}/start?early=true").raise_for_status()
        send(backend, job, sources, 2, 3)
        assert not client.post(f"/v1/jobs/{job}/start").raise_for_status().json()["receiving"]
        results = backend.results(job)
        assert backend.status(job)["receiving"] is False

        calm = Coming(tmp_path / "calm", JobDirectory.open(path), first=len(FRAMES)).job
        end_receiving(calm)
        run_job(calm)
        assert [calm.result_path(frame).read_bytes() for frame in FRAMES] == results
    finally:
        backend.end()


def test_a_job_that_nobody_asks_for_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sent its frames may be gone for good: neither the queue nor the memory waits with it."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import sys, time\nfrom lwsw.jobs.arrivals import Arrivals\nfrom lwsw.server.worker import main\n"
        "def run(job, on_event):\n    with job.lock():\n        Arrivals(job, on_event).wait_for(job.frames[0])\n"
        "sys.exit(main(run=run))\n"
    )
    jobs = Jobs(tmp_path / "jobs", lambda path: [sys.executable, str(script), str(path), "--exit-with-parent"])
    try:
        made = [jobs.create({"frames": [1], "width": 32, "height": 18, "styles": ["a.png"]}) for _ in range(2)]
        for name in made:
            jobs.put_style(name, "a.png", picture())
            jobs.start(name, early=True)
        wait_until(lambda: jobs.status(made[0])["waiting_for"] == 1)
        assert jobs.status(made[1])["state"] == "queued"
        monkeypatch.setattr(server_jobs, "_ABANDONED_SECONDS", 0.5)
        wait_until(lambda: jobs.status(made[1])["state"] == "running")  # asks for the other one only
        failed = jobs.status(made[0])
        assert failed["state"] == "failed" and failed["error"]["code"] == "missing_frames" and "Resume" in failed["error"]["hint"]
        assert failed["receiving"]
        monkeypatch.setattr(server_jobs, "_ABANDONED_SECONDS", 60.0)
        jobs.cancel(made[1])
    finally:
        jobs.close()
