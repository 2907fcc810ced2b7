"""The job directory: what it accepts, what it refuses and in which words, and that two processes never share one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lwsw.errors import LwswError
from lwsw.jobs.directory import MAXIMUM_FRAMES, JobDirectory, check_file_name, name_frames
from lwsw.jobs.settings import StylizeSettings

IDENTITY = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]]


def make(path: Path, frames=(1, 2, 3), styles=("painting.png",), width=32, height=18, **settings) -> JobDirectory:
    return JobDirectory.create(path, frames=frames, width=width, height=height, styles=styles, settings=StylizeSettings.from_dict(settings))


def code(function, *arguments, **options) -> str:
    with pytest.raises(LwswError) as caught:
        function(*arguments, **options)
    assert caught.value.message.endswith("."), "a sentence"
    return caught.value.code


def test_open_gives_what_create_was_given(tmp_path):
    made = make(tmp_path / "job", frames=[-1, 0, 1], layer_weights={"relu1_1": [1, 0.5, 0], "relu3_1": 2}, seed=7)
    job = JobDirectory.open(tmp_path / "job")
    assert (job.frames, job.width, job.height, job.styles) == ((-1, 0, 1), 32, 18, ("painting.png",))
    assert job.settings == made.settings and job.settings.at(1).look.layer_weights["relu1_1"] == 0.5
    assert job.hash == made.hash
    assert job.frame_path(-1).name == "-001.png" and job.pass_path(1).name == "0001.exr"


def test_job_json_has_the_documented_form(tmp_path):
    make(tmp_path / "job")
    data = json.loads((tmp_path / "job" / "job.json").read_text())
    assert data["schema"] == 2 and data["frames"] == [1, 2, 3] and data["styles"] == ["painting.png"]
    assert data["settings"]["layer_weights"]["relu5_1"] == 1.0, "the profile is written out"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"frames": []}, "missing_frames"),
        ({"frames": [1, 3]}, "frame_gap"),
        ({"frames": [2, 1]}, "bad_settings"),
        ({"frames": [1, 1]}, "bad_settings"),
        ({"frames": [1.0]}, "bad_settings"),
        ({"frames": [True]}, "bad_settings"),
        ({"frames": [0, MAXIMUM_FRAMES]}, "bad_settings"),
        ({"styles": []}, "missing_style"),
        ({"styles": ["../x.png"]}, "bad_settings"),
        ({"styles": ["A.png", "a.png"]}, "bad_settings"),
        ({"width": 0}, "bad_settings"),
        ({"height": True}, "bad_settings"),
        ({"height": 1.5}, "bad_settings"),
        ({"content_weight": [1, 2]}, "bad_settings"),
        ({"layer_weights": {"relu1_1": [1, 0, 1]}}, "bad_weights"),
    ],
)
def test_create_refuses(tmp_path, options, expected):
    assert code(make, tmp_path / "job", **options) == expected
    assert not (tmp_path / "job" / "job.json").exists()


def test_a_gap_is_named(tmp_path):
    with pytest.raises(LwswError, match="3–4, 6"):
        make(tmp_path / "job", frames=[1, 2, 5, 7])


def test_create_does_not_replace_a_job(tmp_path):
    make(tmp_path / "job")
    assert code(make, tmp_path / "job", seed=1) == "bad_settings"


def test_create_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    assert code(make, tmp_path / "file" / "job") == "output_not_writable"


def test_open_without_a_job(tmp_path):
    assert code(JobDirectory.open, tmp_path) == "job_not_found"
    assert code(JobDirectory.open, tmp_path / "nowhere") == "job_not_found"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema"', "\udcff"])
def test_open_a_damaged_job(tmp_path, text):
    (tmp_path / "job.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert code(JobDirectory.open, tmp_path) == "bad_settings"


def test_open_refuses_edits_and_newer_formats(tmp_path):
    job = make(tmp_path / "job")
    file = job.path / "job.json"
    data = json.loads(file.read_text())
    data["settings"]["seed"] = 5
    file.write_text(json.dumps(data))
    assert code(JobDirectory.open, job.path) == "bad_settings"
    data["schema"] = 3
    file.write_text(json.dumps(data))
    assert code(JobDirectory.open, job.path) == "version_mismatch"


def test_finished_frames(tmp_path):
    job = make(tmp_path / "job", frames=range(-1, 3))
    assert job.finished_frames() == [] and job.first_unfinished() == -1
    for frame in (-1, 0, 2):
        job.result_path(frame).touch()
    (job.path / "results" / "0099.png").touch()
    assert job.finished_frames() == [-1, 0, 2] and job.first_unfinished() == 1
    job.result_path(1).touch()
    assert job.first_unfinished() is None


def test_check_complete_says_what_is_missing(tmp_path):
    job = make(tmp_path / "job")
    assert code(job.check_complete) == "missing_style"
    job.style_paths[0].touch()
    job.frame_path(2).touch()
    with pytest.raises(LwswError, match="1, 3") as caught:
        job.check_complete()
    assert caught.value.code == "missing_frames"
    for frame in job.frames:
        job.frame_path(frame).touch()
        job.pass_path(frame).touch()
    job.pass_path(3).unlink()
    with pytest.raises(LwswError, match="frame 3") as caught:
        job.check_complete()
    assert caught.value.code == "missing_pass"
    job.pass_path(3).touch()
    job.check_complete()


@pytest.mark.parametrize(("frames", "motion"), [([1, 2], "estimated"), ([1, 2], "none"), ([1], "vector")])
def test_passes_are_needed_only_for_exact_motion(tmp_path, frames, motion):
    job = make(tmp_path / "job", frames=frames, motion=motion)
    job.style_paths[0].touch()
    for frame in frames:
        job.frame_path(frame).touch()
    job.check_complete()


def test_events_survive_a_torn_line(tmp_path):
    job = make(tmp_path / "job")
    assert job.events() == []
    job.append_event({"event": "frame_started", "frame": 1})
    with job.log_path.open("a") as stream:
        stream.write('{"event": "frame_fin')
    job.append_event({"event": "note", "text": "größer", "time": 5})
    assert [event["event"] for event in job.events()] == ["frame_started", "note"]
    assert job.events()[0]["time"] > 1e9 and job.events()[1]["time"] == 5


def test_cameras(tmp_path):
    job = make(tmp_path / "job", frames=[1, 2])
    assert job.cameras() is None
    camera = {"view": IDENTITY, "projection": IDENTITY}
    job.write_cameras({"clip_end": 100.0, "frames": {"1": camera, "2": camera, "3": camera}})
    assert job.cameras()["frames"]["2"]["view"] == IDENTITY
    for bad in (
        [],
        {"frames": {"1": camera}},
        {"frames": {"1": camera, "2": {"view": IDENTITY}}},
        {"frames": {"1": camera, "2": {"view": IDENTITY, "projection": [[float("nan")] * 4] * 4}}},
        {"frames": {"1": camera, "2": camera}, "clip_end": -1},
    ):
        assert code(job.write_cameras, bad) == "bad_settings"
    job.cameras_path.write_text("{")
    assert code(job.cameras) == "bad_settings"


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "NUL.png", "a\0b", "a\n", "x" * 201, "x.", " a", 5])
def test_bad_file_names(name):
    assert code(check_file_name, name) == "bad_settings"


@pytest.mark.parametrize("name", ["Starry Night.jpg", "été.png", "nulla.png", "a.b.c", "日本.webp"])
def test_good_file_names(name):
    assert check_file_name(name) == name


def test_frames_in_words():
    assert name_frames([7]) == "frame 7"
    assert name_frames([1, 2, 3, 9]) == "frames 1–3, 9"


HOLD = """
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from lwsw.jobs.directory import JobDirectory
with JobDirectory.open(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_one_process_holds_a_job_and_a_killed_one_lets_go(tmp_path):
    job = make(tmp_path / "job")
    assert not job.is_locked()
    with subprocess.Popen([sys.executable, "-c", HOLD, job.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            assert job.is_locked()
            with pytest.raises(LwswError, match=str(other.pid)) as caught, job.lock():
                pass
            assert caught.value.code == "job_running"
        finally:
            other.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            other.wait()
    assert not job.is_locked()
    with job.lock():
        assert job.is_locked()
        with pytest.raises(LwswError), JobDirectory.open(job.path).lock():
            pass
    with job.lock():
        pass


def test_looking_at_the_lock_is_not_holding_it(tmp_path):
    job = make(tmp_path / "job")
    with job.lock():
        pass
    looking = threading.Event()

    def look():
        while not looking.is_set():
            assert not JobDirectory.open(job.path).is_locked(), "another one that looks is nobody who works"

    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(look), pool.submit(look)]
        time.sleep(0.3)
        looking.set()
        for future in looks:
            future.result()


def test_sweep_removes_only_what_a_killed_writer_left(tmp_path):
    job = make(tmp_path / "job")
    left = [job.path / "results" / f".{'0' * 16}.lwsw-tmp", job.state_path / f".{'a' * 16}.lwsw-tmp"]
    left.append(job.path / "passes" / f".{'b' * 16}.lwsw-tmp")
    for path in [*left, job.result_path(1)]:
        path.touch()
    with job.lock():
        job.sweep()
        assert left[0].exists(), "somebody works"
    job.sweep()
    assert not any(path.exists() for path in left) and job.result_path(1).exists()
