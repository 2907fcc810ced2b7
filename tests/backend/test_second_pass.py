"""Frames that are painted twice: the order, stopping and going on, the seam of a loop, cuts; and surfaces that come back into view."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
import torch
from support_jobs import HEIGHT, WIDTH, error_code, make_job, picture, write_passes

from lwsw.core.flow import carry
from lwsw.jobs.frame_reader import FrameReader, image_to_tensor
from lwsw.jobs.progress import Progress
from lwsw.jobs.recall import Recall
from lwsw.jobs.run import run_job
from lwsw.jobs.settings import StylizeSettings
from lwsw.jobs.visits import visits
from lwsw.media.images import encode_png16, read_image

FAST = {"iterations": 3, "first_iterations": 4, "find_cuts": False}


def order(count: int, second_pass: str) -> list[tuple[int, int | None]]:
    return [(visit.index, visit.neighbour) for visit in visits(count, second_pass)]


def test_the_order_of_the_visits() -> None:
    once = [(0, None), (1, 0), (2, 1)]
    assert order(3, "none") == once
    assert order(3, "backward") == [*once, (1, 2), (0, 1)]
    assert order(3, "loop") == [*once, (0, 2), (1, 0)]
    assert order(1, "backward") == order(1, "loop") == [(0, None)]


@pytest.mark.parametrize("second_pass", ["none", "backward", "loop"])
@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_every_frame_becomes_final_once_and_at_its_last_visit(count: int, second_pass: str) -> None:
    plan = visits(count, second_pass)
    final = [visit.index for visit in plan if visit.is_final]
    assert sorted(final) == list(range(count))
    for index in range(count):
        own = [visit for visit in plan if visit.index == index]
        assert own[-1].is_final and own[0].draft_share is None and all(visit.draft_share is not None for visit in own[1:])


def test_what_a_loop_painted_first_comes_back_little_by_little() -> None:
    shares = [visit.draft_share for visit in visits(24, "loop") if visit.draft_share is not None]
    assert shares == sorted(shares) and shares[0] < 0.01 and shares[-1] > 0.99
    assert max(np.diff(shares)) < 0.07


def looping_job(path, **settings):
    """A picture that moves round, one pixel to the right and one up per frame."""
    job = make_job(path, frames=(1, 2, 3, 4), **{**FAST, **settings})
    base = read_image(job.frame_path(1))
    for frame in job.frames:
        job.frame_path(frame).write_bytes(encode_png16(np.roll(base, (1 - frame, frame - 1), axis=(0, 1))))
        write_passes(job.pass_path(frame), value=-1.0)
    return job


@pytest.mark.parametrize("second_pass", ["backward", "loop"])
def test_a_job_stopped_anywhere_gives_the_same_bytes(tmp_path, second_pass: str) -> None:
    whole = looping_job(tmp_path / "whole", second_pass=second_pass)
    run_job(whole)
    expected = [whole.result_path(frame).read_bytes() for frame in whole.frames]

    class Stop(Exception):
        pass

    job = looping_job(tmp_path / "stopped", second_pass=second_pass)
    finished: list[tuple[int, bool]] = []

    def stop(event) -> None:
        if event["event"] == "frame_finished":
            finished.append((event["frame"], bool(event.get("draft"))))
            raise Stop

    for _ in range(20):
        try:
            run_job(job, stop)
            break
        except Stop:
            pass
    assert [job.result_path(frame).read_bytes() for frame in job.frames] == expected
    order_of_frames = [(1, True), (2, True), (3, True), (4, False)]
    order_of_frames += [(3, False), (2, False), (1, False)] if second_pass == "backward" else [(1, False), (2, False), (3, False)]
    assert finished == order_of_frames
    assert job.first_unfinished() is None


def test_results_appear_only_when_they_are_final(tmp_path) -> None:
    job = looping_job(tmp_path / "job", second_pass="backward")
    seen: dict[int, list[int]] = {}

    def look(event) -> None:
        if event["event"] == "frame_finished":
            seen[len(seen)] = job.finished_frames()

    run_job(job, look)
    assert list(seen.values()) == [[], [], [], [4], [3, 4], [2, 3, 4], [1, 2, 3, 4]]


@pytest.mark.parametrize("second_pass", ["none", "backward"])
def test_the_time_left_counts_both_passes(tmp_path, second_pass: str) -> None:
    """Told by a clock that goes on by 10 seconds with every frame."""
    job = looping_job(tmp_path / "job", second_pass=second_pass)
    now = 0.0
    progress = Progress(job, lambda: now)
    left: list[float | None] = []
    shares: list[float] = [progress.share_done]

    def look(event) -> None:
        nonlocal now
        if event["event"] == "frame_finished":
            now += 10.0
            progress.update({**event, "seconds": 10.0})
            left.append(progress.seconds_left)
            shares.append(progress.share_done)
            again = Progress(job)
            assert again.results == progress.results and again.share_done == progress.share_done

    run_job(job, look)
    assert left == [None, *([20, 10, 0] if second_pass == "none" else [50, 40, 30, 20, 10, 0])]
    assert shares == [done / len(left) for done in range(len(left) + 1)]


def jump(job, first: int, last: int) -> float:
    """Return how far apart two results are on average."""
    images = [image_to_tensor(read_image(job.result_path(frame))) for frame in (first, last)]
    return float((images[0] - images[1]).square().mean().sqrt())


def test_a_loop_of_a_still_picture_has_no_seam(tmp_path) -> None:
    """Nothing moves, so the last frame, further optimized, differs from the first: the second pass takes that away."""
    jumps = {}
    for second_pass in ("none", "loop"):
        job = make_job(tmp_path / second_pass, frames=tuple(range(1, 9)), second_pass=second_pass, temporal_weight=0.0, **FAST)
        base = job.frame_path(1).read_bytes()
        for frame in job.frames:
            job.frame_path(frame).write_bytes(base)
            write_passes(job.pass_path(frame), value=0.0)
        run_job(job)
        jumps[second_pass] = jump(job, 8, 1), jump(job, 1, 2)
    assert jumps["none"][0] > 0.03
    assert jumps["loop"][0] < 0.4 * jumps["none"][0]


def test_a_second_pass_stops_at_a_cut(tmp_path) -> None:
    """The last frame before a cut has no frame behind it: its first version is the result."""
    job = looping_job(tmp_path / "job", second_pass="backward", cuts=[3])
    run_job(job)
    assert job.result_path(2).read_bytes() == job.draft_path(2).read_bytes()
    assert job.result_path(1).read_bytes() != job.draft_path(1).read_bytes()
    assert job.result_path(3).read_bytes() != job.draft_path(3).read_bytes()


def test_a_second_pass_needs_motion() -> None:
    assert error_code(StylizeSettings.from_dict, {"motion": "none", "second_pass": "loop"}) == "bad_settings"
    assert error_code(StylizeSettings.from_dict, {"second_pass": "sideways"}) == "bad_settings"


# --- what comes back into view ------------------------------------------------------------------------------------------------------------


def camera(yaw: float) -> dict[str, list[list[float]]]:
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    view = [[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, 0], [0, 0, 0, 1]]
    return {"view": view, "projection": [[1, 0, 0, 0], [0, WIDTH / HEIGHT, 0, 0], [0, 0, -1.002, -0.2], [0, 0, -1, 0]]}


def panning_job(path, turns: list[float], **settings):
    """A camera inside a far sky that turns; vectors are zero, as Cycles writes them there, and come from the cameras."""
    import OpenEXR

    job = make_job(path, frames=tuple(range(1, len(turns) + 1)), **{**FAST, **settings})
    for frame in job.frames:
        channels = {f"ViewLayer.Vector.{axis}": np.zeros((HEIGHT, WIDTH), np.float32) for axis in "XYZW"}
        channels["ViewLayer.Depth.Z"] = np.full((HEIGHT, WIDTH), 1e10, np.float32)
        OpenEXR.File({"type": OpenEXR.scanlineimage}, channels).write(str(job.pass_path(frame)))
    job.cameras_path.write_text(json.dumps({"frames": {str(frame): camera(turn) for frame, turn in zip(job.frames, turns, strict=True)}}))
    return job


def test_what_leaves_the_picture_and_comes_back_is_remembered(tmp_path) -> None:
    job = panning_job(tmp_path / "job", [0.0, 12.0, 24.0, 12.0, 0.0])
    for frame in job.frames:
        job.result_path(frame).write_bytes(picture(frame))
    reader = FrameReader(job)
    frame = reader.frame(4)
    assert frame.visibility is not None and 0.2 < float(1 - frame.visibility.mean()) < 0.6
    memories = Recall(job, reader).memories(4, 0, frame.visibility)
    missing = 1 - frame.visibility
    for memory in memories:
        missing = missing * (1 - memory.visibility)
    assert float(missing.mean()) < 0.02, "all of it was seen in the first frame"
    last = memories[-1]  # the first frame has the same camera: its result, pixel by pixel
    assert torch.allclose(last.flow * last.visibility.permute(0, 2, 3, 1), torch.zeros(()), atol=1e-2)
    assert torch.allclose(carry(last.image, last.flow), image_to_tensor(read_image(job.result_path(1))), atol=1e-2)


def test_nothing_is_remembered_across_a_cut_or_without_cameras(tmp_path) -> None:
    job = panning_job(tmp_path / "job", [0.0, 12.0, 24.0, 12.0, 0.0])
    for frame in job.frames:
        job.result_path(frame).write_bytes(picture(frame))
    reader = FrameReader(job)
    frame = reader.frame(4)
    assert frame.visibility is not None
    assert len(Recall(job, reader).memories(4, 3, frame.visibility)) == 0
    assert Recall(job, reader).memories(4, 0, torch.ones_like(frame.visibility)) == ()
    job.cameras_path.unlink()
    assert Recall(job, FrameReader(job)).memories(4, 0, frame.visibility) == ()


def test_memories_are_used_and_resumed_to_the_byte(tmp_path) -> None:
    whole = panning_job(tmp_path / "whole", [0.0, 12.0, 24.0, 12.0, 0.0])
    run_job(whole)
    stopped = panning_job(tmp_path / "stopped", [0.0, 12.0, 24.0, 12.0, 0.0])
    shutil.copytree(whole.path / "state", stopped.path / "state", dirs_exist_ok=True)
    for frame in (1, 2, 3, 4):
        shutil.copy(whole.result_path(frame), stopped.result_path(frame))
    run_job(stopped)
    assert stopped.result_path(5).read_bytes() == whole.result_path(5).read_bytes()
    damaged = panning_job(tmp_path / "damaged", [0.0, 12.0, 24.0, 12.0, 0.0])
    shutil.copytree(whole.path / "state", damaged.path / "state", dirs_exist_ok=True)
    for frame in (1, 2, 3, 4):
        damaged.result_path(frame).write_bytes(picture(7))
    run_job(damaged)
    assert damaged.result_path(5).read_bytes() != whole.result_path(5).read_bytes()
