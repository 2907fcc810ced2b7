"""Where the shots of a clip begin, decided frame by frame from files; and what a job and the measures do there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import BLENDER_ENVIRONMENTS, ROOT
from support_cuts import HEIGHT, WIDTH, scene, window
from support_jobs import error_code, picture, write_passes

from lwsw.cli import main
from lwsw.errors import Cancelled
from lwsw.evaluate import evaluate
from lwsw.jobs.clip import Clip
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.frame_reader import FrameReader
from lwsw.jobs.run import run_job
from lwsw.jobs.settings import StylizeSettings, parse_cuts
from lwsw.media.images import read_image, resize, write_png16
from lwsw.media.sequences import find_sequence

SMALL = (80, 45)  # of the frames on disk: four times smaller than the scenes
PAN = 4  # pixels of those per frame; one pixel on disk


def pan(seed: int, frames: int, start: int = 60) -> list[np.ndarray]:
    """Return the frames of a shot in which the camera goes to the right by a pixel on disk."""
    image = scene(seed)
    return [window(image, start + PAN * step) for step in range(frames)]


def make(path: Path, pictures: list[np.ndarray], vectors: float | None = PAN * SMALL[0] / WIDTH, **settings: Any) -> JobDirectory:
    """Make a job of these pictures, with vectors that say the camera pans, or without any."""
    data = {"layer_weights": {"relu1_1": 1.0}, "iterations": 2, "first_iterations": 3, "device": "cpu", **settings}
    data.setdefault("motion", "estimated" if vectors is None else "vector")
    width, height = SMALL
    made = StylizeSettings.from_dict(data)
    job = JobDirectory.create(path, frames=range(1, len(pictures) + 1), width=width, height=height, styles=["a.png"], settings=made)
    job.style_paths[0].write_bytes(picture(90, 40, 40))
    for frame, image in zip(job.frames, pictures, strict=True):
        write_png16(job.frame_path(frame), resize(np.ascontiguousarray(np.clip(image, 0, 1), np.float32), width, height))
        if job.needs_passes:
            write_passes(job.pass_path(frame), width, height, value=0.0)
            write_vectors(job.pass_path(frame), vectors or 0.0)
    return job


def write_vectors(path: Path, x: float) -> None:
    import OpenEXR

    image = OpenEXR.File(str(path), separate_channels=True)
    for axis in "XZ":
        image.channels()[f"ViewLayer.Vector.{axis}"].pixels[:] = x
    image.write(str(path))


def cuts(job: JobDirectory) -> list[int]:
    reader = FrameReader(job)
    return [number for index, number in enumerate(job.frames) if reader.begins_shot(index) and index]


BLACK, WHITE = np.zeros((HEIGHT, WIDTH, 3)), np.ones((HEIGHT, WIDTH, 3))

CLIPS: dict[str, tuple[list[np.ndarray], list[int]]] = {
    "a pan": (pan(1, 6), []),
    "two shots": ([*pan(1, 3), *pan(2, 3)], [4]),
    "the same scene from elsewhere": ([*pan(1, 3), *(image[:, ::-1] for image in pan(1, 3, 160))], [4]),
    "a cut on every frame": ([pan(seed, 1)[0] for seed in range(6)], [2, 3, 4, 5, 6]),
    "a flash of one frame": ([*pan(1, 2), pan(1, 3)[2] * 0.4 + 0.6, *pan(1, 6)[3:]], []),
    "a white frame": ([*pan(1, 2), WHITE, *pan(1, 6)[3:]], []),
    "two black frames": ([*pan(1, 2), BLACK, BLACK, *pan(1, 7)[4:]], []),
    "three black frames": ([*pan(1, 2), BLACK, BLACK, BLACK, *pan(1, 7)[5:]], [3, 6]),
    "two shots with two black frames between": ([*pan(1, 2), BLACK, BLACK, *pan(2, 3)], [3, 5]),
    "lightning": ([image * level for image, level in zip(pan(1, 6), (0.4, 1.6, 0.4, 0.4, 1.6, 0.4), strict=True)], []),
    "a fade": ([image * level for image, level in zip(pan(1, 6), (1, 0.8, 0.6, 0.4, 0.2, 0.1), strict=True)], []),
    "one frame of something else": ([*pan(1, 3), pan(2, 1)[0], *pan(1, 6)[4:]], []),
}


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("name", CLIPS)
def test_cuts_of_known_clips(tmp_path: Path, name: str, vectors: bool) -> None:
    pictures, expected = CLIPS[name]
    job = make(tmp_path / "job", pictures, **({} if vectors else {"vectors": None}))
    assert cuts(job) == expected


def test_answers_do_not_depend_on_where_one_begins_to_ask(tmp_path: Path) -> None:
    pictures = [*pan(1, 2), WHITE, *pan(1, 5)[3:], *pan(2, 3)]
    job = make(tmp_path / "job", pictures)
    for start in range(1, len(pictures)):
        (job.state_path / "shots.json").unlink(missing_ok=True)
        reader = FrameReader(job)
        assert [reader.begins_shot(index) for index in range(start, len(pictures))] == [index == 5 for index in range(start, len(pictures))]


def test_what_was_decided_is_kept_for_finished_frames_only(tmp_path: Path) -> None:
    job = make(tmp_path / "job", [*pan(1, 3), *pan(2, 3)])
    assert cuts(job) == [4]
    for frame in (1, 2, 3, 4):
        job.result_path(frame).touch()
    for frame, image in zip((2, 3, 4, 5, 6), pan(1, 6)[1:], strict=True):  # rendered again: now all of it is one shot
        write_png16(job.frame_path(frame), resize(np.ascontiguousarray(image, np.float32), *SMALL))
    reader = FrameReader(job)
    assert reader.begins_shot(3) and not reader.begins_shot(4), "frame 4 was painted as the beginning of a shot"
    assert [reader.shot_start(index) for index in range(6)] == [0, 0, 0, 3, 3, 3]
    job.result_path(4).unlink()
    assert not FrameReader(job).begins_shot(3)
    (job.state_path / "shots.json").write_text("{")
    assert cuts(job) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"cuts": [3]}, [3, 4]), ({"cuts": [3], "find_cuts": False}, [3]), ({"find_cuts": False}, []), ({"cuts": [1, 6, 3, 3]}, [3, 4, 6])],
)
def test_known_cuts(tmp_path: Path, settings: dict[str, Any], expected: list[int]) -> None:
    job = make(tmp_path / "job", [*pan(1, 3), *pan(2, 3)], **settings)
    assert cuts(job) == expected
    assert cuts(JobDirectory.open(job.path)) == expected


def test_frames_by_themselves_have_no_cuts_but_those_that_are_known(tmp_path: Path) -> None:
    job = make(tmp_path / "job", [*pan(1, 3), *pan(2, 3)], None, motion="none", cuts=[3])
    assert cuts(job) == [3]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cuts": [0]}, "no frame 0"),
        ({"cuts": [7]}, "no frame 7"),
        ({"cuts": [2.0]}, "A cut is 2.0"),
        ({"cuts": "auto"}, "A cut is auto"),
        ({"cuts": [True]}, "A cut is True"),
        ({"find_cuts": 1}, "find_cuts is 1"),
    ],
)
def test_cuts_that_make_no_sense(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(Exception, match=words) as caught:
        make(tmp_path / "job", pan(1, 6), **settings)
    assert getattr(caught.value, "code", "") == "bad_settings"


def test_the_option() -> None:
    assert parse_cuts("auto") == {"cuts": [], "find_cuts": True}
    assert parse_cuts("none") == {"cuts": [], "find_cuts": False}
    assert parse_cuts("24, 48") == {"cuts": [24, 48], "find_cuts": False}
    assert parse_cuts("auto,-3") == {"cuts": [-3], "find_cuts": True}
    for text in ("", "all", "24;48", "none,24", "2.5"):
        assert error_code(parse_cuts, text) == "bad_settings"


# --- real files of Blender ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=sorted(BLENDER_ENVIRONMENTS))
def blender_shots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders of six frames that Blender rendered with two cameras: see ``render_test_cuts.py``."""
    python = ROOT / BLENDER_ENVIRONMENTS[request.param] / "bin" / "python"
    if not python.is_file():
        pytest.skip(f"no environment with the bpy module {request.param}")
    folder = tmp_path_factory.mktemp(f"blender-{request.param}")
    script = Path(__file__).with_name("render_test_cuts.py")
    for place in ("opposite", "nearer", "none"):
        command = [str(python), str(script), str(folder / place), place]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {place: folder / place for place in ("opposite", "nearer", "none")}


@pytest.mark.parametrize("motion", ["vector", "estimated"])
def test_a_camera_marker_of_blender_is_found_in_what_it_renders(blender_shots: dict[str, Path], tmp_path: Path, motion: str) -> None:
    for place, folder in blender_shots.items():
        settings = StylizeSettings.from_dict({"motion": motion})
        job = JobDirectory.create(tmp_path / place, frames=range(1, 7), width=128, height=72, styles=["a.png"], settings=settings)
        for frame in job.frames:
            shutil.copyfile(folder / "frames" / f"{frame:04d}.png", job.frame_path(frame))
            shutil.copyfile(folder / "passes" / f"{frame:04d}.exr", job.pass_path(frame))
        job.write_cameras(json.loads((folder / "cameras.json").read_text()))
        assert cuts(job) == ([] if place == "none" else [4])
        if motion == "vector" and place != "none":  # vectors as short as ever: each is of its own camera
            onward, back, known = FrameReader(job).motion_between(4, 3)
            assert all(float(flow.norm(dim=-1).median()) < 3 for flow in (onward, back)) and bool(known.all())


# --- what is done at a cut ----------------------------------------------------------------------------------------------------------------


def run(job: JobDirectory, stop_after: int = 0) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []

    def listen(event: dict[str, Any]) -> None:
        said.append(event)
        if stop_after and [item["event"] for item in said].count("frame_finished") == stop_after:
            raise Cancelled

    run_job(job, listen)
    return said


def results(job: JobDirectory, frames: list[int]) -> list[bytes]:
    return [job.result_path(frame).read_bytes() for frame in frames]


@pytest.mark.parametrize("vectors", [True, False])
def test_a_shot_is_painted_as_if_it_were_the_only_one_and_resumed_to_the_byte(tmp_path: Path, vectors: bool) -> None:
    more: dict[str, Any] = {} if vectors else {"vectors": None}
    job = make(tmp_path / "job", [*pan(1, 3), *pan(2, 3)], **more)
    said = run(job)
    notes = [event["text"] for event in said if event["event"] == "note" and "shot" in event["text"]]
    assert notes == ["Frame 4 begins a new shot: its picture does not go on from frame 3."]
    begun = [event["iterations"] for event in said if event["event"] == "frame_started"]
    assert [iterations > 2 for iterations in begun] == [True, False, False, True, False, False]
    alone = make(tmp_path / "alone", pan(2, 3), **more)
    run(alone)
    assert results(alone, [1, 2, 3]) == results(job, [4, 5, 6])
    for stop in (2, 3, 4) if vectors else (3,):
        stopped = make(tmp_path / f"stopped-{stop}", [*pan(1, 3), *pan(2, 3)], **more)
        with pytest.raises(Cancelled):
            run(stopped, stop_after=stop)
        run(JobDirectory.open(stopped.path))
        assert results(stopped, [1, 2, 3, 4, 5, 6]) == results(job, [1, 2, 3, 4, 5, 6])


def test_two_still_shots_are_not_taken_for_motion_blur(tmp_path: Path) -> None:
    first, second = pan(1, 1)[0], pan(2, 1)[0]
    run(make(tmp_path / "cut", [first, first, second, second], vectors=0.0))
    assert error_code(run_job, make(tmp_path / "blurred", pan(1, 4), vectors=0.0)) == "motion_blur"


def test_the_command_line_takes_cuts(tmp_path: Path) -> None:
    source = make(tmp_path / "source", [*pan(1, 2), *pan(2, 2)])
    words = ["stylize", "--color", str(source.path / "frames"), "--passes", str(source.path / "passes"), "--device", "cpu"]
    words += ["--style", str(source.style_paths[0]), "--iterations", "2", "--first-iterations", "2", "--weights", "relu1_1=1"]
    for option, expected in {"auto": [3], "none": [], "2": [2], "auto,2": [2, 3]}.items():
        out = tmp_path / option
        assert main([*words, "--out", str(out), "--cuts", option]) == 0
        assert cuts(JobDirectory.open(out / "job")) == expected
    assert main([*words, "--out", str(tmp_path / "bad"), "--cuts", "9"]) == 1


def test_nothing_is_measured_across_a_cut(tmp_path: Path) -> None:
    """The result follows the surfaces exactly in each shot, and the second is the inverse of the render: only a cut can add error."""
    job = make(tmp_path / "job", [*pan(1, 4), *pan(2, 4)])
    for frame in job.frames:
        image = read_image(job.frame_path(frame))
        write_png16(job.result_path(frame), image if frame < 5 else 1 - image)
    clip = Clip.find(str(job.path / "frames"), str(job.path / "passes"), job.style_paths)
    found = evaluate(clip, find_sequence(str(job.path / "results")), device="cpu", controls=True)
    assert found["cuts"] == [5]
    assert found["warping_error"] < 1e-5, "vectors of whole pixels, pictures of 16 bits"
    assert "warping_error" not in found["per_frame"][4] and "warping_error_5" not in found
    assert found["controls"]["propagate_only"]["warping_error"] < 1e-5
    assert found["warping_error_first_to_last"] < 1e-5, "of each shot"
    assert found["definitions"]["cuts"].endswith(".")
    json.dumps(found, allow_nan=False)
    across = evaluate(clip, find_sequence(str(job.path / "results")), device="cpu", find_cuts=False)
    assert "cuts" not in across and across["warping_error"] > 0.05
    known = evaluate(clip, find_sequence(str(job.path / "results")), device="cpu", cuts=[5], find_cuts=False)
    assert known["warping_error"] == found["warping_error"]
