"""Jobs outlive Blender and the backend: whatever is killed, the file is opened again and the job goes on to the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import helpers
import pytest

from blender_lwsw import api
from blender_lwsw.connection.backend import session_backend
from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.finder import Finder
from blender_lwsw.jobs.found import find_stopped
from blender_lwsw.jobs.session import session
from blender_lwsw.source import passes

ROOT = Path(__file__).resolve().parents[2]

#: Slow enough to be stopped in the middle of a frame.
SLOW = {"iterations": 40, "first_iterations": 2, "layer_weights": {"relu1_1": 1.0}}

#: What an artist's Blender does: open the file, start the job, and say where it is.
CHILD = """
import json, sys
sys.path[:0] = sys.argv[1:3]
import bpy, blender_lwsw
from blender_lwsw import api
from blender_lwsw.connection.backend import session_backend
blender_lwsw.register()
bpy.ops.wm.open_mainfile(filepath=sys.argv[3])
def tell(progress):
    pid = session_backend.process.pid if session_backend.process else None
    print("PROGRESS", json.dumps([progress.phase, progress.done, pid]), flush=True)
api.stylize(progress=tell, **json.loads(sys.argv[4]))
"""


def _save(painting: Path, folder: Path, frames: int) -> None:
    """Make the file that the artist works on."""
    helpers.build_scene(frames)
    bpy.context.scene.lwsw.style = str(painting)
    folder.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))


def _kill_when(folder: Path, settings: dict, phase: str, done: int) -> None:
    """Let another Blender work on the file until it is that far, and kill it and its backend."""
    command = [sys.executable, "-c", CHILD, str(ROOT), str(Path(__file__).parent), str(folder / "shot.blend"), json.dumps(settings)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = []
    try:
        assert child.stdout is not None
        for line in child.stdout:
            said.append(line)
            if line.startswith("PROGRESS"):
                now, count, backend = json.loads(line.removeprefix("PROGRESS"))
                if now == phase and count >= done:
                    child.kill()
                    if backend is not None:
                        os.kill(backend, signal.SIGKILL)
                    break
        else:
            pytest.fail("the job was over too soon: " + "".join(said[-5:]))
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.fixture
def jobs_elsewhere(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that lets the next backend have its jobs in a folder of its own."""

    def move(name: str) -> None:
        session_backend.stop()
        monkeypatch.setenv("LWSW_JOBS", str(tmp_path / name))

    return move


def _bytes(folder: Path, frames: int) -> list[bytes]:
    return [(folder / f"{frame:04d}.png").read_bytes() for frame in range(1, frames + 1)]


def test_blender_and_the_backend_are_killed_while_it_paints(jobs_elsewhere: Callable[[str], None], painting: Path, tmp_path: Path) -> None:
    jobs_elsewhere("jobs")
    _save(painting, tmp_path / "work", 3)
    _kill_when(tmp_path / "work", SLOW, "stylize", 1)
    shutil.copytree(tmp_path / "work", tmp_path / "moved")
    stamp = (tmp_path / "work" / "lwsw" / "source" / "passes" / "0001.exr").stat().st_mtime_ns

    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "work" / "shot.blend"))
    scene = bpy.context.scene
    (found,) = session.found(scene)
    assert found.state == "running"
    assert found.sentence.endswith((" stopped at frame 1 of 3.", " stopped at frame 2 of 3."))
    assert bpy.ops.lwsw.resume.poll()
    assert bpy.ops.lwsw.resume() == {"FINISHED"}
    assert (tmp_path / "work" / "lwsw" / "source" / "passes" / "0001.exr").stat().st_mtime_ns == stamp
    assert len(scene.sequence_editor.strips["LWSW painting one"].elements) == 3
    assert not bpy.ops.lwsw.resume.poll()
    assert not (tmp_path / "work" / "lwsw" / "source" / "job.json").exists()
    calm = api.stylize(scene, output=tmp_path / "calm", add_strip=False, **SLOW)
    assert calm.report["settings"]["iterations"] == 40
    assert _bytes(tmp_path / "work" / "lwsw", 3) == _bytes(tmp_path / "calm", 3)

    # the same, where the backend has lost the job, and the file was moved
    jobs_elsewhere("other jobs")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved" / "shot.blend"))
    for path in (tmp_path / "moved" / "lwsw").glob("*.png"):
        path.unlink()
    (result,) = api.resume()
    assert len(result.results) == 3
    assert _bytes(tmp_path / "moved" / "lwsw", 3) == _bytes(tmp_path / "calm", 3)
    session_backend.stop()


def test_blender_is_killed_while_it_renders(jobs_elsewhere: Callable[[str], None], painting: Path, tmp_path: Path) -> None:
    """Only the frames that are missing are rendered, and the cameras of the others are still known."""
    jobs_elsewhere("jobs")
    _save(painting, tmp_path / "work", 4)
    _kill_when(tmp_path / "work", helpers.QUICK, "render", 2)
    source = tmp_path / "work" / "lwsw" / "source"
    stamp = (source / "passes" / "0001.exr").stat().st_mtime_ns
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "work" / "shot.blend"))
    (found,) = session.found(bpy.context.scene)
    assert " stopped while rendering, after frame " in found.sentence
    assert found.sentence.endswith(" of 4.")
    jobs_elsewhere("other jobs")
    assert [len(result.results) for result in api.resume()] == [4]
    assert (source / "passes" / "0001.exr").stat().st_mtime_ns == stamp
    cameras = json.loads((source / "cameras.json").read_text())["frames"]
    assert sorted(cameras) == ["1", "2", "3", "4"]
    for frame, camera in cameras.items():
        bpy.context.scene.frame_set(int(frame))
        assert camera["view"] == (passes.camera_of(bpy.context.scene) or {})["view"]
    session_backend.stop()


def _until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the session work as its timer would."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        session._timer()
        time.sleep(0.02)


def _is_painting(done: int) -> bool:
    progress = session.progress()
    assert progress is not None, session.error
    return progress.phase == "stylize" and progress.done >= done


def _request(painting: Path, output: Path, **other: object) -> api.Request:
    return api.Request(style=painting, output=output, **{**helpers.QUICK, **other})  # type: ignore[arg-type]


def test_pause_gives_the_memory_back_and_the_queue_waits(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    session.add(api.start_job(scene, _request(painting, tmp_path / "out", **SLOW), interactive=False))
    assert session.add(api.start_job(scene, _request(painting, tmp_path / "next", add_strip=False), interactive=False))
    assert session.folders() == {tmp_path / "out", tmp_path / "next"}
    _until(lambda: _is_painting(1))
    seen: list[str] = []
    _until(lambda: bool(seen.append(session.progress().detail) or "/40" in seen[-1]))  # type: ignore[union-attr]
    began = time.monotonic()
    assert bpy.ops.lwsw.pause() == {"FINISHED"}
    _until(lambda: not session.is_running)
    assert time.monotonic() - began < 2.0
    assert session.is_paused
    assert len(session.waiting) == 1
    client = session_backend.connect(api.preferences.backend_settings())
    assert client.health()["active_job"] is None
    session._timer()
    assert not session.is_running  # and so it stays
    found = find_stopped(tmp_path / "out")
    assert found is not None
    assert (found.state, found.made.results) == ("paused", {1})

    assert session.stopped is not None
    session.remove_waiting(0)
    session.run(api.resume_job(session.stopped, interactive=False))
    _until(lambda: not session.is_running)
    calm = api.stylize(scene, style=painting, output=tmp_path / "calm", add_strip=False, **SLOW)
    assert _bytes(tmp_path / "out", 2) == [path.read_bytes() for path in calm.results]


def test_cancel_and_discard_let_the_queue_go_on(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    scene.lwsw.output = str(tmp_path / "out")
    first = api.start_job(scene, _request(painting, tmp_path / "out", **SLOW), interactive=False)
    session.add(first)
    assert session.free_output(scene) == tmp_path / "out_v2"
    second, third = (api.start_job(scene, _request(painting, tmp_path / name), interactive=False) for name in ("out_v2", "out_v3"))
    session.add(second)
    session.add(third)
    assert session.free_output(scene) == tmp_path / "out_v4"
    session.remove_waiting(1)
    assert session.waiting == [second]
    _until(lambda: _is_painting(1))
    session.pause()
    _until(lambda: session.is_paused)
    job_id = first.job_id
    assert bpy.ops.lwsw.discard() == {"FINISHED"}
    assert session.job is second
    assert find_stopped(tmp_path / "out") is None
    _until(lambda: _is_painting(0))
    session.join()
    with pytest.raises(LwswError) as caught:
        session_backend.connect(api.preferences.backend_settings()).status(job_id)
    assert caught.value.code == "job_not_found"
    session.cancel()
    _until(lambda: not session.is_running)
    assert session.can_resume and not session.is_paused


@pytest.mark.parametrize("phase", ["render", "connect"])
def test_cancel_is_quick_before_anything_is_painted(
    backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path, phase: str
) -> None:
    """While frames are rendered, and while the backend, which takes seconds for that, has not started yet."""
    session_backend.stop()
    session.add(api.start_job(scene, _request(painting, tmp_path / "out"), interactive=False))
    _until(lambda: (now := session.progress()) is not None and now.phase == phase and (phase != "render" or now.done == 1))
    began = time.monotonic()
    session.cancel()
    _until(lambda: not session.is_running)
    assert time.monotonic() - began < 2.5
    assert session.error is not None and session.error.code == "cancelled"
    assert session.can_resume  # what is rendered is worth keeping
    assert len(session.stopped.record.made.uploads) == {"render": 1, "connect": 2}[phase]  # type: ignore[union-attr]


def test_a_paused_job_of_an_earlier_blender_keeps_its_folder(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    scene.lwsw.output = str(tmp_path / "out")
    job = api.start_job(scene, _request(painting, tmp_path / "out"), interactive=False)
    for state, free in (("cancelled", None), ("paused", tmp_path / "out_v2")):
        job.record.begin()
        job.record.set_job_id("one")
        job.record.end(state, True)
        assert session.free_output(scene) == free
    assert bpy.ops.lwsw.discard() == {"FINISHED"}
    assert session.free_output(scene) is None
    assert session.found(scene) == []


def test_a_failed_job_does_not_stop_the_queue(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    other = helpers.write_painting(tmp_path / "gone.png", 32)
    jobs = [
        api.start_job(scene, _request(style, tmp_path / name, frame_end=1, add_strip=False), interactive=False)
        for style, name in ((other, "a"), (painting, "b"))
    ]
    other.unlink()
    order: list[api.Job | None] = []
    for job in jobs:
        session.add(job)
    _until(lambda: bool(order.append(session.job) or not (session.is_running or session.waiting)))
    assert [job for index, job in enumerate(order[:-1]) if job is not order[index - 1]] == jobs
    assert [job.phase for job in jobs] == ["failed", "done"]
    assert len(session.past) == 1 and session.past[0].startswith("gone, frame 1: ")
    assert session.summary == "Done: 1 frames"


def test_two_blenders_do_not_share_a_folder(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    lock = tmp_path / "out" / "source" / ".job-lock"
    lock.parent.mkdir(parents=True)
    with helpers.holding(lock), pytest.raises(LwswError) as caught:
        api.stylize(style=painting, output=tmp_path / "out", **helpers.QUICK)
    assert caught.value.code == "job_running"
    job = api.start_job(scene, _request(painting, tmp_path / "out"), interactive=False)
    assert job.record.begin() == ""  # the lock of a dead program holds nobody
    assert find_stopped(tmp_path / "out") is None  # somebody works on it
    job.record.end("cancelled", True)


def test_records_that_are_damaged(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    job = api.start_job(scene, _request(painting, tmp_path / "out"), interactive=False)
    source = tmp_path / "out" / "source"
    assert job.record.begin() == ""
    job.record.set_job_id("one")
    job.record.add_results([1])
    job.record.end("failed", True)
    with (source / "job-log.jsonl").open("a") as log:
        log.write('{"result": 2}\n{"rendered": 1, "picture": "frames/gone.png"}\n{"resu')
    (found,) = api.stopped_jobs(output=tmp_path / "out")
    assert (found.made.results, found.made.uploads) == ({1, 2}, {})
    again = api.resume_stopped(found, interactive=False)
    assert again.plan == job.plan
    assert again.record.begin() == ""
    again.record.add_results([1, 2, 3])
    again.record.end("cancelled", True)
    (found,) = api.stopped_jobs(output=tmp_path / "out")
    assert found.made.results == {1, 2, 3}
    new = api.start_job(scene, _request(painting, tmp_path / "out"), interactive=False)
    assert new.record.begin() == "one"  # whose files at the backend nobody needs any more
    new.record.end("cancelled", False)
    assert not (source / "job.json").exists() and not (source / "job-log.jsonl").exists()
    for damage in ("{", "[]", '{"schema": 1}', '{"schema": 99}'):
        (source / "job.json").write_text(damage)
        assert api.stopped_jobs(output=tmp_path / "out") == []
    with pytest.raises(LwswError) as caught:
        api.resume(output=tmp_path / "out")
    assert caught.value.code == "nothing_to_stylize"


def test_the_window_never_waits_for_the_disk(
    scene: bpy.types.Scene, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that answers slowly is looked at in a thread, and turning the extension off waits for it only a little."""
    scene.lwsw.output = str(tmp_path / "out")
    job = api.start_job(scene, _request(painting, tmp_path / "out"), interactive=False)
    job.record.begin()
    job.record.set_job_id("one")
    job.record.end("cancelled", True)
    asked, answer = threading.Event(), threading.Event()

    def slowly(folder: Path) -> object:
        asked.set()
        answer.wait(10)
        return find_stopped(folder)

    monkeypatch.setattr("blender_lwsw.jobs.finder.find_stopped", slowly)
    looking = Finder()
    monkeypatch.setattr("blender_lwsw.jobs.finder._in_window", lambda: True)
    began = time.monotonic()
    assert looking.jobs(scene) == []
    assert looking.jobs(scene) == []
    assert time.monotonic() - began < 0.05
    assert asked.wait(5)
    answer.set()
    deadline = time.monotonic() + 5
    while looking.jobs(scene) == [] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [found.job_id for found in looking.jobs(scene)] == ["one"]
    looking.stop()
    assert not any(thread.name == "lwsw-find" for thread in threading.enumerate())
    assert not bpy.app.timers.is_registered(looking._timer)
