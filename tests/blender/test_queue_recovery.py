"""What waits outlives Blender, too: the queue is on disk, in its order, and jobs of strips are found below the output folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest
from layouts import draw

from blender_lwsw import api
from blender_lwsw.connection.backend import session_backend
from blender_lwsw.errors import LwswError
from blender_lwsw.file_lock import is_held
from blender_lwsw.interface.panels.run import Run
from blender_lwsw.jobs.finder import finder, promised
from blender_lwsw.jobs.found import find_stopped
from blender_lwsw.jobs.session import session
from blender_lwsw.settings.folders import output_folder

ROOT = Path(__file__).resolve().parents[2]

#: Slow enough to be stopped in the middle of the second frame.
SLOW = {"iterations": 40, "first_iterations": 2, "layer_weights": {"relu1_1": 1.0}}

#: What an artist's Blender does: open the file, press Stylize and Stylize Selected Strips, and say when the first frame is painted.
CHILD = """
import json, sys, time
sys.path[:0] = sys.argv[1:3]
import bpy, blender_lwsw
from blender_lwsw import api
from blender_lwsw.connection.backend import session_backend
from blender_lwsw.jobs.session import session
blender_lwsw.register()
bpy.ops.wm.open_mainfile(filepath=sys.argv[3])
session.add(api.start_job(None, api.Request(**json.loads(sys.argv[4])), interactive=False))
session.add_all(api.start_strip_jobs(None, api.Request(), ["one", "two"], interactive=False))
while (now := session.progress()) is None or now.phase != "stylize" or now.done < 1:
    session._timer()
    time.sleep(0.02)
print("BACKEND", session_backend.process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def edit(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> bpy.types.Scene:
    """A scene with quick settings and two strips of two pictures each, saved as a file."""
    settings = scene.lwsw
    settings.style, settings.output, settings.add_source_strip = str(painting), str(tmp_path / "out"), False
    settings.iterations = settings.first_iterations = 2
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0
    strips = scene.sequence_editor_create().strips
    across = np.linspace(0, 1, 64)[None, :, None] * np.ones((36, 1, 3))
    for name, start in (("one", 1), ("two", 3)):
        files = [helpers.write_png(tmp_path / name / f"{number:04d}.png", (across + 0.3 * number) % 1) for number in (1, 2)]
        strip = strips.new_image(name=name, filepath=str(files[0]), channel=1, frame_start=start)
        strip.elements.append(files[1].name)
    session.forget()
    return scene


def _until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the session work as its timer would."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        session._timer()
        time.sleep(0.01)


def _queue(scene: bpy.types.Scene, *others: api.Request) -> list[api.Job]:
    """Let a job run, the two strips wait, and others behind them."""
    assert not session.add(api.start_job(scene, interactive=False))
    strips = api.start_strip_jobs(scene, strips=["one", "two"], interactive=False, taken=session.taken(scene))
    assert session.add_all([*strips, *(api.start_job(scene, request, interactive=False) for request in others)]) == []
    return list(session.waiting)


def _names(jobs: list[api.StoppedJob]) -> list[str]:
    return [job.output.name for job in jobs]


def _record(folder: Path) -> Path:
    return folder / "source" / "waiting.json"


def test_blender_is_killed_with_a_queue(backend: str, edit: bpy.types.Scene, tmp_path: Path) -> None:
    """The job that was painted and that of a strip behind it go on to what they would have been; one can be given up before."""
    session_backend.stop()
    out, file = tmp_path / "out", tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    command = [sys.executable, "-c", CHILD, str(ROOT), str(Path(__file__).parent), str(file), json.dumps(SLOW)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            told = next(line for line in child.stdout if line.startswith("BACKEND"))
            assert api.stopped_jobs(edit) == [] and promised(out) == set()  # its Blender lives
            for folder in ("one", "two"):
                assert _record(out / folder).is_file() and is_held(out / folder / "source" / ".job-lock")
            child.kill()
            os.kill(int(told.split()[1]), signal.SIGKILL)
        finally:
            child.kill()

    bpy.ops.wm.open_mainfile(filepath=str(file))
    scene = bpy.context.scene
    found = session.found(scene)
    assert [(job.output.name, job.state) for job in found] == [("out", "running"), ("one", "waiting"), ("two", "waiting")]
    assert found[0].sentence.endswith(" stopped at frame 1 of 2.")
    drawn = draw(Run, scene, width=2000)
    said = drawn.texts()
    place = said.index(found[0].sentence)
    assert said[place : place + 2] == [found[0].sentence, "2 more were waiting"]
    assert {"painting one, frames 1–2 › one", "painting one, frames 3–4 › two", "Resume All", "Discard First"} <= set(said)
    assert session.taken(scene) == {out / "one", out / "two"}

    assert bpy.ops.lwsw.discard(index=2) == {"FINISHED"}
    jobs, refused = api.take_up(session.found(scene), scene, interactive=False)
    assert session.add_all(jobs, refused) == []
    assert session.folders() == {out, out / "one"}
    _until(lambda: not session.is_running)
    assert session.error is None and session.past == ["painting one, frames 1–2: done: 2 frames"]
    assert session.found(scene) == [] and [path.name for path in out.rglob("*.json*")] == ["cameras.json"]
    assert sorted(path.name for path in (out / "one").glob("000?.png")) == ["0001.png", "0002.png"]
    calm = api.stylize(scene, output=tmp_path / "calm", add_strip=False, **SLOW)
    assert [path.read_bytes() for path in calm.results] == [(out / path.name).read_bytes() for path in calm.results]


def test_strips_that_a_script_left(backend: str, edit: bpy.types.Scene, tmp_path: Path) -> None:
    """Without a window: what ran had nothing yet, what waited stays, and one that fails lets the others go on."""

    def stop(progress: api.Progress) -> None:
        assert [is_held(tmp_path / "out" / name / "source" / ".job-lock") for name in ("one", "two")] == [True, True]
        raise SystemExit

    with pytest.raises(SystemExit):
        api.stylize_strips(edit, ["one", "two"], progress=stop)
    found = api.stopped_jobs(edit)
    assert [(job.output.name, job.state) for job in found] == [("one", "waiting"), ("two", "waiting")]
    assert found[0].sentence.endswith(" was waiting.")
    edit.sequence_editor.strips.remove(edit.sequence_editor.strips["one"])
    with pytest.raises(RuntimeError, match=r"painting one, frames 1–2: The strip one is gone\. Give a strip that name"):
        bpy.ops.lwsw.resume()
    assert sorted(path.name for path in (tmp_path / "out").glob("*/000?.png")) == ["0003.png", "0004.png"]
    assert _names(api.stopped_jobs(edit)) == ["one"]  # it may come back
    api.discard(api.stopped_jobs(edit)[0])
    with pytest.raises(LwswError, match="no stopped job"):
        api.resume(edit)


def test_a_blender_that_is_closed_leaves_its_queue(edit: bpy.types.Scene, tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    _queue(edit)
    session._timer()  # the first job begins, and has nothing yet
    assert find_stopped(out) is None and is_held(out / "source" / ".job-lock")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not session.waiting and not session.is_running
    bpy.ops.wm.open_mainfile(filepath=str(file))
    found = session.found(bpy.context.scene)
    assert _names(found) == ["out", "one", "two"] and all(job.waits for job in found)
    assert "2 more were waiting" in draw(Run, bpy.context.scene, width=2000).texts()

    # taken up and closed once more, they are the same
    jobs, _ = api.take_up(found, bpy.context.scene, interactive=False)
    session.add_all(jobs)
    assert session.found(bpy.context.scene) == []
    session.abandon()
    assert [(job.began, dict(job.data)) for job in api.stopped_jobs()] == [(job.began, dict(job.data)) for job in found]

    # one by one they can be given up, the middle one first
    assert bpy.ops.lwsw.discard(index=1) == {"FINISHED"}
    assert _names(session.found(bpy.context.scene)) == ["out", "two"]
    assert bpy.ops.lwsw.discard() == bpy.ops.lwsw.discard() == {"FINISHED"}
    assert not bpy.ops.lwsw.discard.poll() and not list(out.rglob("*.json"))


def test_a_cancelled_job_is_given_up_and_what_it_replaced_is_not(edit: bpy.types.Scene, tmp_path: Path) -> None:
    """Taken out of the queue nothing is left of a job, and what an earlier one has left in the folder is there as before."""
    earlier = api.start_strip_jobs(edit, strips=["one"], interactive=False)[0]
    earlier.record.begin()
    earlier.record.set_job_id("earlier")
    earlier.record.end("cancelled", True)
    first, second = _queue(edit)
    assert find_stopped(tmp_path / "out" / "one") is None
    assert bpy.ops.lwsw.remove_waiting(index=0) == {"FINISHED"}
    assert session.waiting == [second] and not _record(first.plan.order.output).exists()
    found = find_stopped(tmp_path / "out" / "one")
    assert found is not None and (found.job_id, found.state) == ("earlier", "cancelled")
    assert _record(second.plan.order.output).exists()
    session.cancel()
    _until(lambda: session.job is second)
    session.cancel()
    _until(lambda: not session.is_running)
    assert find_stopped(tmp_path / "out") is None and find_stopped(tmp_path / "out" / "two") is None


@pytest.mark.parametrize(
    ("has_waited", "state", "is_found"), [(True, "failed", True), (True, "cancelled", False), (False, "failed", False)]
)
def test_a_night_without_a_backend_loses_no_job(
    edit: bpy.types.Scene, tmp_path: Path, has_waited: bool, state: str, is_found: bool
) -> None:
    """What fails after it has waited, perhaps with nobody there, and has nothing yet waits again."""
    job = api.start_job(edit, interactive=False)
    if has_waited:
        job.record.wait()
    job.record.begin()
    assert not _record(tmp_path / "out").exists()
    job.record.end(state, worth_keeping=False)
    assert [(found.began, found.state) for found in api.stopped_jobs(edit)] == [(job.record.began, "waiting")] * is_found
    assert len(list((tmp_path / "out" / "source").glob("*job*"))) == 0


def test_two_jobs_never_fill_a_folder(edit: bpy.types.Scene, tmp_path: Path) -> None:
    out = tmp_path / "out"
    waiting = _queue(edit)
    again = api.start_strip_jobs(edit, strips=["two"], interactive=False)
    assert [error.code for error in session.add_all(again)] == ["job_running"]
    assert session.past[-1].startswith("painting one, frames 3–4: A job of the queue fills the folder ")
    assert session.waiting == waiting
    session.abandon()  # now nobody holds them, and still they mean to go on
    assert session.free_output(edit) is None  # nothing of this one was on record
    jobs = api.start_strip_jobs(edit, strips=["one", "two"], interactive=False, taken=session.taken(edit))
    assert [job.plan.order.output.name for job in jobs] == ["one_v2", "two_v2"]
    third, fourth = (job.plan.order.output for job in _queue(edit))
    assert {path.parent.parent for path in out.rglob("waiting.json")} == {out / "one", out / "two", third, fourth}
    assert _names(api.stopped_jobs(edit)) == ["one", "two"]  # of the others this Blender takes care
    session.abandon()
    assert _names(api.stopped_jobs(edit)) == ["one", "two", third.name, fourth.name]


@pytest.mark.parametrize("loss", ["scene", "strip", "painting", "pictures", "other size", "record", "taken"])
def test_what_waited_and_no_longer_fits_is_named(edit: bpy.types.Scene, tmp_path: Path, loss: str) -> None:
    """A sentence for each, the next one goes on, and the record stays: what is missing may come back."""
    out = tmp_path / "out"
    other = helpers.write_painting(tmp_path / "other.png", 32)
    pictures = tmp_path / "pictures"
    shutil.copytree(tmp_path / "one", pictures)
    if loss in ("pictures", "other size"):
        request = api.Request(source="FILES", pictures=pictures, frame_start=1, frame_end=2, output=out / "first")
        first = api.start_job(edit, request, interactive=False)
    else:
        first = api.start_strip_jobs(edit, api.Request(style=other if loss == "painting" else None), ["one"], interactive=False)[0]
    second = api.start_job(edit, api.Request(output=out / "second"), interactive=False)
    for job in (first, second):
        job.record.wait()
        job.record.leave()
    holder = None
    found = session.found(edit)
    assert [job.output for job in found] == [first.plan.order.output, out / "second"]
    if loss == "scene":
        edit.name = "renamed"
        bpy.data.scenes.new("another")
        record = json.loads(_record(out / "second").read_text())
        _record(out / "second").write_text(json.dumps({**record, "scene": "renamed", "sequencer_scene": "renamed"}))
        finder.forget()
        found = session.found(edit)
        assert len(found) == 2
    elif loss == "strip":
        edit.sequence_editor.strips.remove(edit.sequence_editor.strips["one"])
    elif loss == "painting":
        other.unlink()
    elif loss == "pictures":
        (pictures / "0002.png").unlink()
    elif loss == "other size":
        helpers.write_png(pictures / "0001.png", np.zeros((20, 40, 3)))
    elif loss == "record":
        record = json.loads(_record(first.plan.order.output).read_text())
        _record(first.plan.order.output).write_text(json.dumps({**record, "source_size": []}))
        found = session.found(edit)
    else:
        holder = api.start_strip_jobs(edit, strips=["one"], interactive=False)[0]
        holder.record.wait()
    jobs, refused = api.take_up(found, edit, interactive=False)
    session.add_all(jobs, refused)
    _until(lambda: session.job is not None and session.job.plan.order.output == out / "second")
    expected = {
        "scene": "The scene Scene is not in this file.",
        "strip": "The strip one is gone.",
        "painting": f"The painting {other} is gone.",
        "pictures": f"The picture {pictures / '0002.png'} is gone.",
        "other size": "The pictures are 40×20 pixels by now, and were 64×36 when the job was started.",
        "record": "The record of the stopped job is damaged.",
        "taken": "Another Blender works on this job, or has finished or discarded it.",
    }
    frames = "frames 1–2"
    assert session.past == [f"{'other' if loss == 'painting' else 'painting one'}, {frames}: {expected[loss]}"]
    session.abandon()
    if holder is not None:
        holder.record.leave()
    assert _record(first.plan.order.output).is_file()


def test_records_of_jobs_that_wait_and_are_damaged(edit: bpy.types.Scene, tmp_path: Path) -> None:
    job = api.start_job(edit, interactive=False)
    record = _record(tmp_path / "out")
    job.record.wait()
    job.record.leave()
    good = json.loads(record.read_text())
    assert (good["schema"], good["state"], good["job_id"]) == (1, "waiting", "")
    job.record.begin()
    job.record.set_job_id("one")
    job.record.end("paused", True)
    assert not record.exists()
    for damage in ("{", "[]", '{"schema": 1}', json.dumps({**good, "schema": 99}), json.dumps({**good, "styles": {}})):
        record.write_text(damage)
        (found,) = api.stopped_jobs(edit)
        assert (found.job_id, found.state) == ("one", "paused")  # what it would have replaced
    record.write_text(json.dumps(good))
    assert api.stopped_jobs(edit)[0].state == "paused"  # the same job: it was killed in the moment in which it began
    record.write_text(json.dumps({**good, "began": good["began"] + 1}))
    (found,) = api.stopped_jobs(edit)
    assert found.waits
    api.discard(found)
    assert api.stopped_jobs(edit)[0].state == "paused"
    # records of earlier versions know neither strips nor what a strip remembers
    older = {
        name: value for name, value in json.loads((record.parent / "job.json").read_text()).items() if name not in ("strips", "remembered")
    }
    (record.parent / "job.json").write_text(json.dumps({**older, "remembered": {}}))
    (found,) = api.stopped_jobs(edit)
    assert api.resume_stopped(found, edit, interactive=False).plan.frames == (1, 2)


def test_the_scene_whose_settings_they_are_finds_its_strips(edit: bpy.types.Scene, tmp_path: Path) -> None:
    """A scene strip renders another scene; two scenes with the same folder each find their own."""
    shown = bpy.data.scenes.new("shown")
    job = api.start_strip_jobs(edit, strips=["one"], interactive=False)[0]
    job.record.wait()
    job.record.leave()
    record = json.loads(_record(tmp_path / "out" / "one").read_text())
    _record(tmp_path / "out" / "one").write_text(json.dumps({**record, "scene": "shown", "sequencer_scene": "shown"}))
    assert _names(api.stopped_jobs(edit)) == ["one"]  # remembered
    other = bpy.data.scenes.new("other")
    other.lwsw.output = edit.lwsw.output
    assert output_folder(other) == output_folder(edit)
    assert api.stopped_jobs(other) == [] and session.taken(other) == {tmp_path / "out" / "one"}
    shown.lwsw.output = edit.lwsw.output
    assert _names(api.stopped_jobs(shown)) == _names(api.stopped_jobs(other, output=tmp_path / "out")) == ["one"]
