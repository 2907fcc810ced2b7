"""Jobs whose objects have looks of their own, run as the worker runs them: files in, files out, stopped and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support_jobs import error_code, frame_picture, picture, write_passes

from lwsw.errors import Cancelled
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.run import run_job
from lwsw.jobs.settings import StylizeSettings
from lwsw.media.images import read_image

WIDTH, HEIGHT, FRAMES = 64, 36, (1, 2, 3)
LAYERS = {"relu1_1": 1.0, "relu2_1": 0.5}
HERO = {"name": "Hero", "objects": ["Cube"], "style_weights": {"b.png": 1}, "layer_weights": {"relu1_1": [1, 1, 2]}}
ALONE = {"objects": ["Left Alone"], "strength": 0}


def box(left: int, right: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[6:30, left:right] = 1
    return mask


def make(path: Path, regions: list[dict], frames: tuple[int, ...] = FRAMES, masks: Any = None, **settings: Any) -> JobDirectory:
    data = {"layer_weights": LAYERS, "iterations": 4, "first_iterations": 6, "device": "cpu", "regions": regions, **settings}
    data.setdefault("style_weights", {"a.png": 1, "b.png": 0})
    made = StylizeSettings.from_dict(data)
    job = JobDirectory.create(path, frames=frames, width=WIDTH, height=HEIGHT, styles=["a.png", "b.png"], settings=made)
    for index, style in enumerate(job.style_paths):
        style.write_bytes(picture(90 + index, 40, 40))
    for index, frame in enumerate(frames):
        job.frame_path(frame).write_bytes(frame_picture(frame, WIDTH, HEIGHT))
        # the cube comes into view in the second frame
        some = masks or {"Cube": box(4, 26) if index else box(0, 0), "Left Alone": box(40, 60)}
        write_passes(job.pass_path(frame), WIDTH, HEIGHT, value=0.001, masks=some)
    return job


def run(job: JobDirectory, stop_after: int = 0) -> list[dict]:
    said: list[dict] = []

    def listen(event: dict) -> None:
        said.append(event)
        if stop_after and [item["event"] for item in said].count("frame_finished") == stop_after:
            raise Cancelled

    run_job(job, listen)
    return said


def results(job: JobDirectory) -> list[bytes]:
    return [job.result_path(frame).read_bytes() for frame in job.frames]


def test_regions_are_painted_left_alone_and_resumed_to_the_byte(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", [HERO, ALONE])
    said = run(whole)
    notes = [event["text"] for event in said if event["event"] == "note"]
    assert len(notes) == 1 and "'Hero' is not to be seen in frame 1" in notes[0]
    shares = [event for event in said if event["event"] == "gradient_shares"]
    assert shares[0]["reference"]["picture"] == pytest.approx({"relu1_1": 2 / 3, "relu2_1": 1 / 3}, abs=0.01)
    assert set(shares[0]["result"]) == {"picture"} and set(shares[1]["result"]) == {"picture", "Hero"}

    for stop in (1, 2):
        stopped = make(tmp_path / f"stopped-{stop}", [HERO, ALONE])
        with pytest.raises(Cancelled):
            run(stopped, stop_after=stop)
        run(JobDirectory.open(stopped.path))
        assert results(stopped) == results(whole)

    for frame in FRAMES:
        source, painted = read_image(whole.frame_path(frame)), read_image(whole.result_path(frame))
        difference = np.abs(painted - source)
        assert difference[box(40, 60) == 1].max() < 1 / 255
        assert difference[box(0, 38) == 1].mean() > 0.02

    other = make(tmp_path / "other", [{**HERO, "style_weights": {"a.png": 1}, "strength": 0.5}, ALONE])
    run(other)
    changed = np.abs(read_image(other.result_path(3)) - read_image(whole.result_path(3)))
    assert changed[box(4, 26) == 0].max() == 0 and changed[box(4, 26) == 1].mean() > 0.01


def test_one_picture_with_regions_needs_its_masks_but_no_motion(tmp_path: Path) -> None:
    job = make(tmp_path / "job", [HERO | {"layer_weights": LAYERS}], frames=(7,), masks={"Cube": box(4, 40)})
    run(job)
    assert job.result_path(7).is_file()
    job = make(tmp_path / "missing", [HERO | {"layer_weights": LAYERS}], frames=(7,))
    job.pass_path(7).unlink()
    assert error_code(run_job, job) == "missing_pass"
    write_passes(job.pass_path(7), WIDTH, HEIGHT)
    assert error_code(run_job, job) == "missing_pass"


def test_an_object_that_is_in_no_frame_is_said_before_anything_is_painted(tmp_path: Path) -> None:
    job = make(tmp_path / "job", [{"objects": ["Cubes"], "strength": 0}])
    assert error_code(run_job, job) == "unknown_object"
    assert job.first_unfinished() == 1


def test_an_object_of_two_regions_belongs_to_the_first(tmp_path: Path) -> None:
    job = make(tmp_path / "job", [ALONE, {"name": "All", "objects": ["*"], "style_weights": {"b.png": 1}}])
    said = run(job)
    assert any("'Left Alone' is named by two regions" in event["text"] for event in said if event["event"] == "note")
    difference = np.abs(read_image(job.result_path(3)) - read_image(job.frame_path(3)))
    assert difference[box(40, 60) == 1].max() < 1 / 255


def test_weights_and_blends_over_time_reach_the_frames(tmp_path: Path) -> None:
    fading = make(
        tmp_path / "fading",
        [],
        strength=[0, 0.5, 1],
        iterations=12,
        motion="none",
        style_weights={"a.png": [1, 0.5, 0], "b.png": [0, 0.5, 1]},
    )
    run(fading)
    difference = [np.abs(read_image(fading.result_path(f)) - read_image(fading.frame_path(f))).mean() for f in FRAMES]
    assert difference[0] < 1e-4 < 0.005 < difference[1] < difference[2]
