"""Bad input in the middle of a shot: named before the job begins, or survived and said; never a crash late, never a grey frame.

Real files, real runs, tiny frames.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from support_jobs import error_code, picture, write_passes

from lwsw.cli import main
from lwsw.errors import LwswError
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.frame_reader import FrameReader
from lwsw.jobs.input_check import check_files
from lwsw.jobs.run import run_job
from lwsw.jobs.settings import StylizeSettings
from lwsw.media.images import read_image, write_png16

WIDTH, HEIGHT, MOTION = 64, 36, 2
FRAMES = (1, 2, 3, 4, 5)


def texture(seed: int = 0) -> np.ndarray:
    """Return a wide picture of blocks, H,W,3."""
    blocks = np.random.default_rng(seed).random((9, 60, 3), np.float32)
    return np.kron(blocks, np.ones((4, 4, 1), np.float32)) * 0.8 + 0.1


def write_color(path: Path, step: int, seed: int = 0) -> None:
    write_png16(path, texture(seed)[:, MOTION * step : MOTION * step + WIDTH])


def write_vectors(path: Path, change: Callable[[dict[str, np.ndarray]], None] = lambda vectors: None, masks: Any = None) -> None:
    """Write what Blender would: the camera goes to the right, so surfaces move left, X and Z lead there and back."""
    write_passes(path, WIDTH, HEIGHT, value=0.0, masks=masks)
    image = OpenEXR.File(str(path), separate_channels=True)
    vectors = {axis: image.channels()[f"ViewLayer.Vector.{axis}"].pixels for axis in "XYZW"}
    vectors["X"][:], vectors["Z"][:] = MOTION, MOTION
    change(vectors)
    image.write(str(path))


def make(path: Path, frames: tuple[int, ...] = FRAMES, masks: Any = None, **settings: Any) -> JobDirectory:
    data = {"layer_weights": {"relu1_1": 1.0}, "iterations": 2, "first_iterations": 3, "device": "cpu", **settings}
    made = StylizeSettings.from_dict(data)
    job = JobDirectory.create(path, frames=frames, width=WIDTH, height=HEIGHT, styles=["a.png"], settings=made)
    job.style_paths[0].write_bytes(picture(90, 40, 40))
    for step, frame in enumerate(frames):
        write_color(job.frame_path(frame), step)
        if job.needs_passes:
            write_vectors(job.pass_path(frame), masks=masks)
    return job


def run(job: JobDirectory) -> list[str]:
    """Run a job to its end and return its notes."""
    said: list[dict[str, Any]] = []
    run_job(job, said.append)
    assert said[-1]["event"] == "job_finished" and job.first_unfinished() is None
    return [event["text"] for event in said if event["event"] == "note"]


def painted(job: JobDirectory, frame: int) -> np.ndarray:
    return read_image(job.result_path(frame))


def damage(path: Path) -> None:
    """Change bytes inside of the pixels, where no header tells."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])


def resize(job: JobDirectory, frame: int) -> None:
    write_passes(job.pass_path(frame), WIDTH // 2, HEIGHT // 2, value=0.0)


# --- before the job begins ----------------------------------------------------------------------------------------------------------------

FOUND_BEFORE: dict[str, tuple[str, Callable[[JobDirectory], object], str]] = {
    "a pass is missing": ("missing_pass", lambda job: job.pass_path(4).unlink(), "frame 4"),
    "a pass was cut off": ("corrupt_pass", lambda job: truncate(job.pass_path(4)), "0004.exr"),
    "a pass is something else": ("corrupt_pass", lambda job: job.pass_path(4).write_text("exr"), "0004.exr"),
    "a pass has no vectors": ("missing_pass", lambda job: write_passes(job.pass_path(4), WIDTH, HEIGHT, axes=""), "0004.exr"),
    "a pass lacks W": ("missing_pass", lambda job: write_passes(job.pass_path(4), WIDTH, HEIGHT, axes="XYZ"), "W is missing"),
    "a pass changes its size": ("bad_frame_size", lambda job: resize(job, 4), "0004.exr is 32×18 pixels"),
    "a picture is missing": ("missing_frames", lambda job: job.frame_path(4).unlink(), "frame 4"),
    "a picture was cut off": ("unreadable_frame", lambda job: truncate(job.frame_path(4)), "0004.png"),
    "a picture changes its size": ("bad_frame_size", lambda job: job.frame_path(4).write_bytes(picture(1, 20, 20)), "0004.png is 20×20"),
}


@pytest.mark.parametrize("case", FOUND_BEFORE)
def test_what_a_look_at_the_files_tells_is_told_before_the_first_iteration(tmp_path: Path, case: str) -> None:
    code, spoil, words = FOUND_BEFORE[case]
    job = make(tmp_path / "job")
    check_files(job)
    spoil(job)
    said: list[dict[str, Any]] = []
    with pytest.raises(LwswError) as caught:
        run_job(job, said.append)
    assert caught.value.code == code and words in caught.value.message and caught.value.hint
    assert said == [] and job.finished_frames() == []


def test_all_files_at_fault_are_named(tmp_path: Path) -> None:
    job = make(tmp_path / "job")
    for frame in (2, 4, 5):
        truncate(job.pass_path(frame))
    with pytest.raises(LwswError) as caught:
        run_job(job)
    assert "0002.exr" in caught.value.message and "frames 4–5" in caught.value.message


def test_files_of_finished_frames_are_not_asked_again(tmp_path: Path) -> None:
    job = make(tmp_path / "job")
    run(job)
    for frame in (4, 5):
        job.result_path(frame).unlink()
    truncate(job.pass_path(1))
    check_files(job)
    truncate(job.pass_path(3))  # the next frame needs its vectors
    assert error_code(check_files, job) == "corrupt_pass"


# --- while it runs ------------------------------------------------------------------------------------------------------------------------

SURVIVED: dict[str, tuple[Callable[[Path], object], str]] = {
    "vanishes": (lambda path: path.unlink(), "does not exist"),
    "is cut off": (truncate, "damaged"),
    "is empty": (lambda path: path.write_bytes(b""), "damaged"),
    "changes its size": (lambda path: write_passes(path, WIDTH // 2, HEIGHT // 2, value=0.0), "32×18"),
    "is not numbers": (lambda path: write_vectors(path, lambda vectors: vectors["X"].fill(np.nan)), "not numbers"),
}


@pytest.mark.parametrize("case", SURVIVED)
def test_a_pass_that_goes_bad_while_the_job_runs_does_not_end_it(tmp_path: Path, case: str) -> None:
    spoil, words = SURVIVED[case]
    good, job = make(tmp_path / "good"), make(tmp_path / "job")
    run(good)
    notes: list[str] = []

    def listen(event: dict[str, Any]) -> None:
        if event["event"] == "frame_finished" and event["frame"] == 1:
            spoil(job.pass_path(3))
        if event["event"] == "note":
            notes.append(event["text"])

    run_job(job, listen)
    assert job.first_unfinished() is None
    about = [note for note in notes if "0003.exr" in note]
    assert len(about) == 2 and all(words in note for note in about)
    assert "between the frames 2 and 3 is estimated" in about[0] and "between the frames 3 and 4 is estimated" in about[1]
    assert len(notes) == 2, "and no cut was seen where there is none"
    for frame in FRAMES:  # painted, not grey: about as far from the render as it would have been
        far, usual = (np.abs(painted(some, frame) - read_image(job.frame_path(frame))).mean() for some in (job, good))
        assert 0.5 * usual < far < 2 * usual
    for frame in (1, 2):
        assert job.result_path(frame).read_bytes() == good.result_path(frame).read_bytes()


def test_damage_that_only_decoding_shows_does_not_end_a_job(tmp_path: Path) -> None:
    job = make(tmp_path / "job")
    damage(job.pass_path(3))
    check_files(job)
    notes = run(job)
    assert [note for note in notes if "0003.exr is damaged" in note] == notes and len(notes) == 2


def test_a_look_back_at_bad_files_does_not_end_a_job(tmp_path: Path) -> None:
    """With cameras, what a frame uncovers is looked for in earlier frames, whose files may have gone bad since, like its own."""
    job = make(tmp_path / "job")
    projection = [[1, 0, 0, 0], [0, WIDTH / HEIGHT, 0, 0], [0, 0, -1.002, -0.2], [0, 0, -1, 0]]
    camera = {"view": np.eye(4).tolist(), "projection": projection}
    job.write_cameras({"frames": {str(frame): camera for frame in FRAMES}})
    notes: list[str] = []

    def listen(event: dict[str, Any]) -> None:
        if event["event"] == "frame_finished" and event["frame"] == 3:
            damage(job.pass_path(1))
            job.pass_path(2).unlink()
            truncate(job.pass_path(5))
        if event["event"] == "note":
            notes.append(event["text"])

    run_job(job, listen)
    assert job.first_unfinished() is None
    assert len(notes) == 1 and "0005.exr is damaged" in notes[0]


def test_masks_of_a_bad_pass_are_those_of_the_frame_before(tmp_path: Path) -> None:
    left = np.zeros((HEIGHT, WIDTH), np.float32)
    left[:, :30] = 1
    job = make(tmp_path / "job", masks={"Cube": left}, regions=[{"name": "Cube", "objects": ["Cube"], "strength": 0}])
    damage(job.pass_path(3))
    damage(job.pass_path(4))
    notes = run(job)
    assert sum("The regions of frame" in note for note in notes) == 2
    reader = FrameReader(job)
    for index in (2, 3):
        (mask,) = reader.frame(index).masks
        moved = np.zeros_like(left)
        moved[:, : 30 - MOTION * (index - 1)] = 1  # carried along by the motion of the picture
        assert np.abs(mask[0, 0].numpy() - moved).mean() < 0.05
    for frame in FRAMES:
        difference = np.abs(painted(job, frame) - read_image(job.frame_path(frame)))
        assert difference[:, :20].max() < 1 / 255, "the object is left as it was rendered"


def test_a_bad_first_pass_has_no_frame_before(tmp_path: Path) -> None:
    mask = {"Cube": np.ones((HEIGHT, WIDTH), np.float32)}
    job = make(tmp_path / "job", masks=mask, regions=[{"objects": ["Cube"], "strength": 0}])
    damage(job.pass_path(1))
    assert error_code(run_job, job) == "corrupt_pass" and job.finished_frames() == []


# --- odd values and odd clips -------------------------------------------------------------------------------------------------------------


def test_vectors_outside_of_a_render_border_are_unknown(tmp_path: Path) -> None:
    job = make(tmp_path / "job")
    for frame in FRAMES:
        write_vectors(job.pass_path(frame), lambda vectors: [values[:, 40:].fill(10000) for values in vectors.values()])
    frame = FrameReader(job).frame(2)
    assert frame.flow is not None and frame.visibility is not None
    assert (frame.visibility[..., 40:] == 0).all() and (frame.flow[:, :, 40:] == 0).all()
    assert (frame.visibility[..., 38:40] == 0).all(), "what comes from beyond the border was not rendered before"
    assert (frame.visibility[..., :38] == 1).all() and (frame.flow[:, :, :38, 0] == MOTION).all()
    assert run(job) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_a_few_vectors_that_are_not_numbers_are_unknown_and_said(tmp_path: Path, value: float) -> None:
    job = make(tmp_path / "job")

    def spoil(vectors: dict[str, np.ndarray]) -> None:
        vectors["X"][10:14, 20:24] = value
        vectors["W"][20:24, 40:44] = value

    write_vectors(job.pass_path(3), spoil)
    reader = FrameReader(job)
    before, bad, after = (reader.frame(index) for index in (1, 2, 3))
    assert before.visibility is not None and bad.visibility is not None and after.visibility is not None
    assert (bad.visibility[..., 10:14, 20:24] == 0).all() and (bad.visibility[..., 20:24, 40:44] == 0).all()
    assert bad.visibility[..., :62].mean() > 0.95 and (before.visibility[..., :62] == 1).all()
    # the next frame cannot check its vectors there, and is cautious, too
    assert (after.visibility[..., 20:24, 40 - MOTION : 44 - MOTION] == 0).all() and after.visibility[..., :62].mean() > 0.9
    assert all(np.isfinite(frame.flow.numpy()).all() for frame in (bad, after) if frame.flow is not None)
    notes = run(job)
    if np.isfinite(value):
        assert notes == [], "Blender's own way to say that it does not know"
    else:
        assert len(notes) == 1 and "frame 3" in notes[0] and "32 pixels" in notes[0]
    assert all(np.isfinite(painted(job, frame)).all() for frame in FRAMES)


def test_frame_numbers_may_be_negative_and_must_not_have_gaps(tmp_path: Path) -> None:
    job = make(tmp_path / "job", frames=(-2, -1, 0, 1), cuts=[-1])
    assert run(job) == []
    assert [path.name for path in sorted((job.path / "results").iterdir())] == ["-001.png", "-002.png", "0000.png", "0001.png"]
    again = make(tmp_path / "again", frames=(-2, -1, 0, 1), cuts=[-1])
    said: list[int] = []

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "frame_finished":
            said.append(event["frame"])
            if event["frame"] == 0:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(again, stop)
    run(again)
    assert said == [-2, -1, 0]
    assert all(again.result_path(frame).read_bytes() == job.result_path(frame).read_bytes() for frame in job.frames)
    with pytest.raises(LwswError, match="2–3") as caught:
        make(tmp_path / "gap", frames=(0, 1, 4))
    assert caught.value.code == "frame_gap"


@pytest.mark.parametrize("motion", ["vector", "estimated", "none"])
def test_one_frame_only(tmp_path: Path, motion: str) -> None:
    job = make(tmp_path / motion, frames=(7,), motion=motion, cuts=[7])
    assert run(job) == []
    assert np.abs(painted(job, 7) - read_image(job.frame_path(7))).mean() > 0.01


@pytest.mark.parametrize("option", ["--loop", "--second-pass=backward"])
def test_a_single_picture_has_no_second_pass(tmp_path: Path, option: str) -> None:
    for name, seed in (("frame.png", 1), ("painting.png", 2)):
        (tmp_path / name).write_bytes(picture(seed, 40, 40))
    words = ["stylize", "--color", str(tmp_path / "frame.png"), "--style", str(tmp_path / "painting.png"), "--out", str(tmp_path / "out")]
    assert main([*words, "--first-iterations", "2", "--weights", "relu1_1=1", "--device", "cpu", option]) == 0
    assert (tmp_path / "out" / "frame.png").is_file()


@pytest.mark.parametrize("motion", ["vector", "estimated"])
def test_a_cut_on_every_frame(tmp_path: Path, motion: str) -> None:
    job = make(tmp_path / "job", motion=motion)
    for frame in FRAMES:
        write_color(job.frame_path(frame), 0, seed=frame)
    notes = [note for note in run(job) if "begins a new shot" in note]
    assert [note.split()[1] for note in notes] == ["2", "3", "4", "5"]
    alone = make(tmp_path / "alone", frames=(1,))
    for frame in FRAMES:  # each is painted as if it were the only one
        write_color(alone.frame_path(1), 0, seed=frame)
        alone.result_path(1).unlink(missing_ok=True)
        run(alone)
        assert alone.result_path(1).read_bytes() == job.result_path(frame).read_bytes()


def test_flow_to_any_neighbour_of_the_shot(tmp_path: Path) -> None:
    """A second pass goes the other way; the frame behind the last of a loop is its first."""
    job = make(tmp_path / "job", cuts=[4], find_cuts=False)
    write_vectors(job.pass_path(2), lambda vectors: vectors["Z"].fill(3 * MOTION))
    reader = FrameReader(job)
    onward = reader.frame(1, 2)
    assert onward.flow is not None and onward.visibility is not None and onward.before is not None
    assert (onward.flow[..., 0] == -3 * MOTION).all(), "Z and W lead to the next frame, with the opposite sign"
    assert (onward.visibility == 0).all(), "and the next frame does not agree"
    assert np.array_equal(onward.before[0].permute(1, 2, 0).numpy(), read_image(job.frame_path(3)))
    back = reader.frame(0, 2)
    assert back.flow is not None and (back.flow[..., 0] == MOTION).all(), "where a loop begins, what leads to the previous frame"
    assert reader.frame(2, 3).flow is None and reader.frame(3, 2).flow is None and reader.frame(0, 4).flow is None, "across a cut"
    assert [note for note in reader.take_notes() if "loop" in note] == ["The loop is not closed, because a shot begins inside of it."]
    assert reader.frame(3).flow is None and reader.frame(0).flow is None and reader.frame(4).flow is not None
