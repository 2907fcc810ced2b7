"""``lwsw stylize``: where it puts frames, how it goes on, and what it never replaces. It runs in this process."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from support_cli import HEIGHT, WIDTH, command, replace
from support_jobs import frame_picture, make_job, picture, write_passes

from lwsw.cli import main
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.progress import Progress
from lwsw.jobs.report import make_report
from lwsw.jobs.settings import StylizeSettings
from lwsw.profiles import MAIN_LAYERS, get_profile


def test_stylize_for_real(clip, capsys):
    out = clip.parent / "out"
    assert main(command(clip, "--report", str(out / "report.json"))) == 0
    shown = capsys.readouterr()
    assert "3/3" in shown.err and shown.out == ""
    for frame in (7, 8, 9):
        result = cv2.imread(str(out / f"{frame:04d}.png"), cv2.IMREAD_UNCHANGED)
        assert result.shape == (HEIGHT, WIDTH, 3) and result.dtype == np.uint16
    report = json.loads((out / "report.json").read_text())
    assert [entry["frame"] for entry in report["frames"]] == [7, 8, 9]
    assert 0 <= report["outside_optimization"] < 1 and report["machine"]["device"] == "cpu" and report["seconds"] > 0
    assert JobDirectory.open(out / "job").settings.motion == "vector"
    status = Progress(JobDirectory.open(out / "job")).to_dict()
    assert status["first_frame_seconds"] == round(report["frames"][0]["seconds"], 2)
    assert 50e6 < status["peak_memory"] <= report["machine"]["peak_memory"] and status["peak_device_memory"] is None


def test_the_report_has_the_gradient_shares_of_the_shot(clip):
    cube, logo = np.zeros((2, HEIGHT, WIDTH), np.float32)
    cube[:, 24:], logo[:, :8] = 1, 1
    for frame in (7, 8, 9):
        write_passes(clip / f"pass_{frame:04d}.exr", WIDTH, HEIGHT, value=0.001, masks={"Cube": cube, "Logo": logo})
    report = clip.parent / "report.json"
    words = [word for word in command(clip, "--report", str(report)) if word not in ("--weights", "relu1_1=1")]
    assert main([*words, "--region", "name=Hero; object=Cube; profile=abstract", "--region", "object=Logo; strength=0"]) == 0
    told = json.loads(report.read_text())["gradient_shares"]
    (reference,), (first, last) = told["reference"], told["result"]
    assert (reference["frame"], first["frame"], last["frame"]) == (7, 7, 9), "of three frames the first and the last"
    assert reference["shares"]["picture"] == pytest.approx(dict.fromkeys(MAIN_LAYERS, 0.2), abs=0.02), "Balanced"
    abstract = get_profile("abstract").layer_weights().normalized()
    assert reference["shares"]["Hero"] == pytest.approx(dict(abstract), abs=0.02)
    for entry in (reference, first, last):
        assert set(entry["shares"]) == {"picture", "Hero"}, "what is left alone has no style"
        for shares in entry["shares"].values():
            assert sum(shares.values()) == pytest.approx(1, abs=1e-3) and min(shares.values()) >= 0
    assert first["shares"] != reference["shares"], "where the optimization ended they are others"


def test_gradient_shares_of_a_resumed_job(tmp_path):
    """A frame may be in the log twice: as it was painted last counts."""
    job = make_job(tmp_path / "job")
    empty = make_report(job, 1.0)["gradient_shares"]
    assert empty == {"reference": [], "result": []}

    def say(frame: int, share: float, **more: float) -> None:
        shares = {name: {"picture": {"relu1_1": value, "relu2_1": 1 - value}} for name, value in {"result": share, **more}.items()}
        job.append_event({"event": "gradient_shares", "frame": frame, **shares})

    say(1, 0.1, reference=0.5)
    say(3, 0.2)
    say(1, 0.3, reference=0.6)
    say(3, 0.4)
    say(99, 0.9, reference=0.9)  # no frame of this job
    told = make_report(job, 1.0)["gradient_shares"]
    assert told["reference"] == [{"frame": 1, "shares": {"picture": {"relu1_1": 0.6, "relu2_1": 0.4}}}]
    assert [(entry["frame"], entry["shares"]["picture"]["relu1_1"]) for entry in told["result"]] == [(1, 0.3), (3, 0.4)]


def test_without_passes_motion_is_estimated_and_that_is_said(clip, capsys):
    assert main(command(clip, passes=False)) == 0
    assert "estimated" in capsys.readouterr().err
    assert JobDirectory.open(clip.parent / "out" / "job").settings.motion == "estimated"


def test_options_reach_the_settings(clip, quick):
    words = ["--independent", "--width", "24", "--precision", "bfloat16", "--content-weight", "3", "--temporal-weight", "2"]
    words += ["--frequency-exponent", "0.75", "--seed", "5", "--profile", "abstract", "--network", "torchvision"]
    words += ["--strength", "0.5", "--palette", "luminance", "--normalization", "gatys", "--content-layers", "relu4_2=1,relu3_1=0.5"]
    assert main(command(clip, *words)) == 0
    job = JobDirectory.open(clip.parent / "out" / "job")
    expected = StylizeSettings.from_dict(
        {
            "profile": "abstract",
            "layer_weights": {"relu1_1": 1},
            "motion": "none",
            "precision": "bfloat16",
            "content_weight": 3,
            "temporal_weight": 2,
            "frequency_exponent": 0.75,
            "seed": 5,
            "iterations": 2,
            "first_iterations": 2,
            "device": "cpu",
            "network": "torchvision",
            "strength": 0.5,
            "color": "luminance",
            "normalization": "gatys",
            "content_layers": {"relu4_2": 1, "relu3_1": 0.5},
        }
    )
    assert job.settings == expected and (job.width, job.height) == (24, 14)


def test_a_single_picture_keeps_its_name(clip, quick):
    photo = clip / "my photo 12.png"
    photo.write_bytes(picture(5, 20, 10))
    assert main(replace(command(clip, passes=False), "--color", str(photo))) == 0
    out = clip.parent / "out"
    assert [path.name for path in sorted(out.glob("*.png"))] == ["my photo 12.png"]
    job = JobDirectory.open(out / "job")
    assert job.settings.motion == "none" and (job.width, job.height) == (20, 10)


def test_other_picture_formats_become_png(clip, quick):
    for frame in (1, 2):
        cv2.imwrite(str(clip / f"photo_{frame}.jpg"), np.full((10, 20, 3), 60 * frame, np.uint8))
    assert main(replace(command(clip, passes=False), "--color", str(clip / "photo_*.jpg"))) == 0
    pixels = cv2.imread(str(clip.parent / "out" / "0002.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint16 and abs(int(pixels[0, 0, 0]) - 120 * 257) <= 257


def test_the_same_command_goes_on_where_it_stopped(clip, quick, capsys):
    quick.fail_at = 9
    assert main(command(clip)) == 1
    assert "The Vector pass holds NaN." in capsys.readouterr().err
    out = clip.parent / "out"
    assert sorted(path.name for path in out.glob("*.png")) == ["0007.png", "0008.png"], "finished frames stay"
    quick.fail_at = None
    (out / "0008.png").unlink()
    assert main(command(clip)) == 0
    assert quick.ran == [7, 8, 9] and "2 of 3" in capsys.readouterr().err
    assert sorted(path.name for path in out.glob("*.png")) == ["0007.png", "0008.png", "0009.png"], "a lost copy is put back"
    assert main(command(clip)) == 0
    assert quick.ran == [7, 8, 9] and "finished already" in capsys.readouterr().err


def test_a_frame_that_was_rendered_again_is_taken_where_it_can_be(clip, quick, capsys):
    quick.fail_at = 9
    assert main(command(clip)) == 1
    (clip / "rgb_0009.png").unlink()
    (clip / "rgb_0009.png").write_bytes(picture(1234, WIDTH, HEIGHT))
    quick.fail_at = None
    assert main(command(clip)) == 0
    assert (clip.parent / "out" / "0009.png").read_bytes() == picture(1234, WIDTH, HEIGHT)
    (clip / "rgb_0007.png").unlink()
    (clip / "rgb_0007.png").write_bytes(picture(77, WIDTH, HEIGHT))
    capsys.readouterr()
    assert main(command(clip)) == 1, "a finished frame was made from another picture"
    assert "source files" in (shown := capsys.readouterr().err) and "--overwrite" in shown
    assert main(command(clip, "--overwrite")) == 0
    assert (clip.parent / "out" / "0007.png").read_bytes() == picture(77, WIDTH, HEIGHT)


def test_another_command_in_the_same_folder_is_refused(clip, quick, capsys):
    assert main(command(clip)) == 0
    before = {path: path.stat().st_mtime_ns for path in (clip.parent / "out").rglob("*.png")}
    assert main(command(clip, "--seed", "3", "--width", "24")) == 1
    shown = capsys.readouterr().err
    assert "width" in shown and "seed" in shown and "--overwrite" in shown
    assert before == {path: path.stat().st_mtime_ns for path in (clip.parent / "out").rglob("*.png")}
    assert main(command(clip, "--seed", "3", "--width", "24", "--overwrite")) == 0
    assert JobDirectory.open(clip.parent / "out" / "job").settings.seed == 3


def test_a_job_without_frames_gives_way(clip, quick):
    quick.fail_at = 7
    assert main(command(clip)) == 1
    quick.fail_at = None
    assert main(command(clip, "--seed", "3")) == 0


def test_strangers_pictures_are_not_replaced(clip, quick, capsys):
    out = clip.parent / "out"
    out.mkdir()
    (out / "0008.png").write_bytes(b"a picture of somebody")
    assert main(command(clip)) == 1
    assert "0008.png" in capsys.readouterr().err and (out / "0008.png").read_bytes() == b"a picture of somebody"
    assert main(command(clip, "--overwrite")) == 0
    assert (out / "0008.png").read_bytes() == frame_picture(8, WIDTH, HEIGHT)


def test_a_source_is_never_replaced(clip, quick, capsys):
    for path in clip.glob("rgb_*.png"):
        path.rename(clip / path.name.removeprefix("rgb_"))
    words = replace(replace(command(clip), "--color", str(clip / "000*.png")), "--out", str(clip))
    assert main([*words, "--overwrite"]) == 1
    assert "its own source" in capsys.readouterr().err
    assert (clip / "0008.png").read_bytes() == frame_picture(8, WIDTH, HEIGHT) and not (clip / "job").exists()
