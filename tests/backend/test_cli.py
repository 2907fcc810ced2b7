"""The command line: what it accepts, what it says, where it puts things. The commands run in this process or in one of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support_jobs import frame_picture, make_job, picture, wait_until, write_passes

from lwsw import __version__
from lwsw.cli import main
from lwsw.commands.region import parse_region
from lwsw.errors import LwswError
from lwsw.jobs.clip import Clip, ClipJob
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.progress import Progress
from lwsw.jobs.report import make_report
from lwsw.jobs.settings import StylizeSettings
from lwsw.profiles import MAIN_LAYERS, get_profile

WIDTH, HEIGHT = 48, 28
FAST = ["--iterations", "2", "--first-iterations", "2", "--weights", "relu1_1=1", "--device", "cpu"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three frames with passes and a painting."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for frame in (7, 8, 9):
        (folder / f"rgb_{frame:04d}.png").write_bytes(frame_picture(frame, WIDTH, HEIGHT))
        write_passes(folder / f"pass_{frame:04d}.exr", WIDTH, HEIGHT)
    (folder / "painting.png").write_bytes(picture(99, 40, 40))
    return folder


def command(clip: Path, *more: str, passes: bool = True) -> list[str]:
    words = ["stylize", "--color", str(clip / "rgb_*.png"), "--style", str(clip / "painting.png"), "--out", str(clip.parent / "out")]
    return [*words, *(["--passes", str(clip / "pass_*.exr")] if passes else []), *FAST, *more]


def replace(words: list[str], option: str, value: str) -> list[str]:
    place = words.index(option)
    return [*words[: place + 1], value, *words[place + 2 :]]


@pytest.fixture
def quick(monkeypatch):
    """Replace the optimization by copying, for the tests of everything around it."""

    def run_job(job, on_event):
        with job.lock():
            job.check_complete()
            for frame in job.frames:
                if not job.result_path(frame).exists():
                    if quick.fail_at == frame:
                        raise quick.error
                    on_event({"event": "frame_started", "frame": frame, "iterations": 2})
                    job.result_path(frame).write_bytes(job.frame_path(frame).read_bytes())
                    event = {"event": "frame_finished", "frame": frame, "seconds": 0.5, "timings": {"optimize": 0.4, "read": 0.1}}
                    job.append_event(event)
                    on_event(event)
                    quick.ran.append(frame)

    class Quick:
        ran: list[int] = []  # noqa: RUF012
        fail_at: int | None = None
        error: BaseException = LwswError("bad_pass_values", "The Vector pass holds NaN.", "Render it again.")

    quick = Quick()
    quick.ran = []
    import lwsw.jobs.run

    monkeypatch.setattr(lwsw.jobs.run, "run_job", run_job)
    return quick


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


def truncate(path: Path, keep: float = 0.5) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: int(len(data) * keep)])


BAD_INPUT = {
    "missing_style": lambda clip: (clip / "painting.png").unlink(),
    "unreadable_style": lambda clip: (clip / "painting.png").write_text("no picture"),
    "missing_frames": lambda clip: [path.unlink() for path in clip.glob("rgb_*.png")],
    "frame_gap": lambda clip: (clip / "rgb_0008.png").unlink(),
    "unreadable_frame": lambda clip: truncate(clip / "rgb_0009.png"),
    "bad_frame_size": lambda clip: (clip / "rgb_0009.png").write_bytes(picture(0, 20, 20)),
    "missing_pass": lambda clip: (clip / "pass_0008.exr").unlink(),
    "corrupt_pass": lambda clip: truncate(clip / "pass_0008.exr", 0.9),
    "bad_pass_values": lambda clip: write_passes(clip / "pass_0008.exr", WIDTH, HEIGHT, value=float("nan")),
}


@pytest.mark.parametrize("code", BAD_INPUT)
def test_bad_input_is_told_before_anything_runs(clip, quick, capsys, code):
    BAD_INPUT[code](clip)
    assert main(command(clip, "--json")) == 1
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert error["code"] == code and error["hint"]
    assert error["message"] in shown.err and error["hint"] in shown.err and "Traceback" not in shown.err
    assert quick.ran == []
    if "pass" in code:
        assert "pass_" in error["message"] or "frame 8" in error["message"]
        assert not (clip.parent / "out" / "job").exists(), "found before the job is made"


def test_a_pass_that_became_bad_is_found_when_the_job_goes_on(clip, quick, capsys):
    quick.fail_at = 9
    assert main(command(clip)) == 1
    (clip / "pass_0009.exr").unlink()
    write_passes(clip / "pass_0009.exr", WIDTH, HEIGHT, value=float("nan"))
    quick.fail_at = None
    capsys.readouterr()
    assert main(command(clip, "--json")) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_pass_values" and quick.ran == [7, 8]
    assert not (clip.parent / "out" / "job" / "passes" / "0009.exr").exists()


def test_passes_without_vectors(clip, quick, capsys):
    (clip / "pass_0008.exr").unlink()
    write_passes(clip / "pass_0008.exr", WIDTH, HEIGHT, axes="")
    assert main(command(clip, "--json")) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "missing_pass"


def without_vectors(clip: Path, **options) -> None:
    for frame in (7, 8, 9):
        (clip / f"pass_{frame:04d}.exr").unlink()
        write_passes(clip / f"pass_{frame:04d}.exr", WIDTH, HEIGHT, axes="", **options)


@pytest.mark.parametrize(
    ("words", "passes", "motion"),
    [
        ([], True, "vector"),
        ([], False, "estimated"),
        (["--motion", "vector"], True, "vector"),
        (["--motion", "estimated"], True, "estimated"),
        (["--motion", "estimated"], False, "estimated"),
        (["--motion", "none"], True, "none"),
        (["--motion", "none"], False, "none"),
        (["--independent"], True, "none"),
    ],
)
def test_the_motion_of_a_job(clip, quick, words, passes, motion):
    assert main(command(clip, *words, passes=passes)) == 0
    assert settings_of(clip).motion == motion


def test_vectors_cannot_come_from_nowhere(clip, quick, capsys):
    assert main(command(clip, "--json", "--motion", "vector", passes=False)) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "missing_pass" and "--passes" in error["message"] and "--motion estimated" in error["hint"]
    with pytest.raises(SystemExit) as caught:
        main(command(clip, "--motion", "vector", "--independent"))
    assert caught.value.code == 2 and "--independent" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["missing", "nan"])
def test_the_way_out_of_vectors_that_are_of_no_use(clip, quick, capsys, broken):
    """It is offered where it works: for a Vector pass that is not there or holds nonsense, but not in place of the masks."""
    region = ["--region", "object=Cube; strength=0"]
    masks = {"Cube": np.ones((HEIGHT, WIDTH), np.float32)}
    if broken == "missing":
        without_vectors(clip, masks=masks)
    else:
        for frame in (7, 8, 9):
            (clip / f"pass_{frame:04d}.exr").unlink()
            write_passes(clip / f"pass_{frame:04d}.exr", WIDTH, HEIGHT, value=float("nan"), masks=masks)
    for more in ([], ["--motion", "vector"], region):
        assert main(command(clip, "--json", *more)) == 1
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["code"] == ("missing_pass" if broken == "missing" else "bad_pass_values")
        assert "Vector pass" in error["message"] and "--motion estimated" in error["hint"]
    assert main(command(clip, "--motion", "estimated", *region)) == 0
    assert JobDirectory.open(clip.parent / "out" / "job").needs_passes
    without_vectors(clip)
    capsys.readouterr()
    assert main(command(clip, "--json", "--overwrite", *region)) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "missing_pass" and "Cryptomatte" in error["message"] and "--motion" not in error["hint"]


def test_regions_with_estimated_motion_for_real(clip, capsys):
    left = np.zeros((HEIGHT, WIDTH), np.float32)
    left[:, :24] = 1
    without_vectors(clip, masks={"Logo": left})
    assert main(command(clip, "--motion", "estimated", "--region", "object=Logo; strength=0")) == 0
    assert "estimated" in capsys.readouterr().err
    for frame in (7, 8, 9):
        before, after = (
            cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(float) / 65535
            for path in (clip / f"rgb_{frame:04d}.png", clip.parent / "out" / f"{frame:04d}.png")
        )
        changed = np.abs(after - before).mean(2)
        assert changed[:, :24].max() < 1 / 255 and changed[:, 26:].mean() > 0.003


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--weights", "relu9_9=1"], "unknown_layer"),
        (["--weights", "relu1_1=0"], "bad_weights"),
        (["--weights", "relu1_1=much"], "bad_weights"),
        (["--weights", "relu1_1=-1"], "bad_weights"),
        (["--iterations", "0"], "bad_settings"),
        (["--width", "0"], "bad_settings"),
        (["--content-weight", "nan"], "bad_weights"),
        (["--frequency-exponent", "9"], "bad_settings"),
        (["--strength", "-1"], "bad_weights"),
        (["--content-layers", "relu9_9=1"], "unknown_layer"),
        (["--content-layers", "relu4_2=0"], "bad_weights"),
        (["--content-layers", "relu4_2=-1"], "bad_weights"),
        (["--content-layers", "relu4_2=1,relu4_2=2"], "bad_weights"),
        (["--weights", "relu1_1=1,relu1_1=2"], "bad_weights"),
        (["--weights", "relu1_1=nan"], "bad_weights"),
        (["--weights", "relu1_1=0,5"], "bad_weights"),
        (["--frequency-exponent", "nan"], "bad_settings"),
        (["--region", "object=Cube; weights=relu1_1=-1"], "bad_weights"),
        (["--region", "object=Cube; weights=relu1_1=nan"], "bad_weights"),
        (["--style-weights", "0.7,0.3"], "bad_weights"),
        (["--style-weights", "much"], "bad_weights"),
        (["--style-weights", "0"], "bad_weights"),
        (["--style-weights", "-1"], "bad_weights"),
        (["--weights-file", "nowhere.csv"], "bad_settings"),
        (["--region", "object=Cube; style=nowhere.jpg"], "missing_style"),
        (["--region", "strength=0"], "bad_settings"),
        (["--region", "{}"], "bad_settings"),
        (["--region", '{"objects": "Cube"}'], "bad_settings"),
        (["--region", '{"objects": ["Cube"], "stile": "a.jpg"}'], "bad_settings"),
        (["--region", '{"objects": ["Cube"], "style": 5}'], "bad_settings"),
        (["--region", '{"objects": ["Cube"]'], "bad_settings"),
        (["--region", "Cube"], "bad_settings"),
        (["--region", ""], "bad_settings"),
        (["--region", "objects=Cube"], "bad_settings"),
        (["--region", "object="], "bad_settings"),
        (["--region", "object=Cube; strength=0; strength=1"], "bad_settings"),
        (["--region", "object=Cube; strength=much"], "bad_settings"),
        (["--region", "object=Cube; strength=nan"], "bad_weights"),
        (["--region", "object=Cube; strength=0,5"], "bad_settings"),
        (["--region", "object=Cube; profile=cubist"], "bad_settings"),
        (["--region", "object=Cube; palette=mine"], "bad_settings"),
        (["--region", "object=Cube; weights=relu9_9=1"], "unknown_layer"),
        (["--region", "object=Cube; weights=relu1_1=0"], "bad_weights"),
        (["--region", "object=Cube; style-weights=1"], "bad_settings"),
        (["--region", "object=Cube"], "missing_pass"),
        (["--cameras", "nowhere.json"], "missing_frames"),
        (["--device", "abacus"], "no_device"),
        (["--network", "nowhere.pth"], "missing_network"),
    ],
)
def test_bad_settings(clip, capsys, words, code):
    assert main(command(clip, "--json", *words)) == 1
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert error["code"] == code and error["message"].endswith(".") and error["hint"], error
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("content", ["{", "[]", '{"frames": {"7": {}}}'])
def test_bad_cameras(clip, quick, capsys, content):
    (clip / "cameras.json").write_text(content)
    assert main(command(clip, "--json", "--cameras", str(clip / "cameras.json"))) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_settings"


def test_cameras_reach_the_job(clip, quick):
    identity = np.eye(4).tolist()
    cameras = {"clip_end": 50.0, "frames": {str(frame): {"view": identity, "projection": identity} for frame in (7, 8, 9)}}
    (clip / "cameras.json").write_text(json.dumps(cameras))
    assert main(command(clip, "--cameras", str(clip / "cameras.json"))) == 0
    assert JobDirectory.open(clip.parent / "out" / "job").cameras() == cameras


def test_an_output_folder_that_cannot_be_written(clip, quick, capsys):
    (clip.parent / "out").write_text("a file")
    assert main(command(clip, "--json")) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "output_not_writable"


@pytest.mark.parametrize(
    "words",
    [[], ["paint"], ["stylize"], ["job"], ["job", "status"], ["stylize", "--profile", "cubist"], ["sweep"], ["serve", "--port", "x"]],
)
def test_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def settings_of(clip: Path) -> StylizeSettings:
    return JobDirectory.open(clip.parent / "out" / "job").settings


def more_paintings(clip: Path) -> list[Path]:
    """Names with everything that an option could trip over."""
    paths = [clip / "wave; 1=2, night.png", clip / "größe.png"]
    for index, path in enumerate(paths):
        path.write_bytes(picture(200 + index, 24, 24))
    return paths


def test_paintings_are_blended_in_the_order_of_the_options(clip, quick):
    first, second = more_paintings(clip)
    assert main(command(clip, "--style", str(first), "--style", str(second), "--style-weights", "1, 0, 3")) == 0
    job = JobDirectory.open(clip.parent / "out" / "job")
    assert job.styles == ("painting.png", first.name, second.name)
    assert job.settings.at(0, job.styles).look.style_weights == (0.25, 0, 0.75)


def test_weights_over_time_come_from_a_file(clip, quick):
    (second, _) = more_paintings(clip)
    rows = [
        "# interpolate: linear",
        f'frame,profile,strength,"style:{second.name}",style:painting.png',
        "7,fine-grain,0,1,0",
        "9,abstract,1,0,1",
    ]
    (clip / "weights.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    words = [word for word in command(clip) if word not in ("--weights", "relu1_1=1")]
    assert main([*words, "--style", str(second), "--profile", "balanced", "--weights-file", str(clip / "weights.csv")]) == 0
    settings = settings_of(clip)
    first, middle, last = (settings.at(index, ("painting.png", second.name)).look for index in range(3))
    assert (
        first.layer_weights == get_profile("fine-grain").layer_weights() and last.layer_weights == get_profile("abstract").layer_weights()
    )
    halfway = {layer: (first.layer_weights.get(layer, 0) + last.layer_weights.get(layer, 0)) / 2 for layer in middle.layer_weights}
    assert dict(middle.layer_weights) == pytest.approx(halfway)
    assert [look.strength for look in (first, middle, last)] == [0, 0.5, 1]
    assert [look.style_weights for look in (first, middle, last)] == [(0, 1), (0.5, 0.5), (1, 0)]
    assert first.content_weight == get_profile("fine-grain").content_weight


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("relu1_1", ["--weights", "relu2_1=1"]),
        ("profile", ["--weights", "relu2_1=1"]),
        ("profile", ["--content-weight", "2"]),
        ("strength", ["--strength", "1"]),
        ("temporal_weight", ["--temporal-weight", "1"]),
        ("frequency_exponent", ["--frequency-exponent", "1"]),
        ("style:painting.png", ["--style-weights", "1"]),
    ],
)
def test_an_option_and_a_file_that_set_the_same_are_told(clip, quick, capsys, column, words):
    (clip / "weights.csv").write_text(f"# interpolate: linear\nframe,{column}\n7,{'abstract' if column == 'profile' else 1}\n")
    plain = [word for word in command(clip) if word not in ("--weights", "relu1_1=1")]
    assert main([*plain, "--json", "--weights-file", str(clip / "weights.csv"), *words]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "bad_settings" and words[0] in error["message"] and "weights.csv" in error["message"]
    assert main([*plain, "--weights-file", str(clip / "weights.csv")]) == 0


def test_a_painting_that_the_file_names_and_nobody_gave(clip, quick, capsys):
    (clip / "weights.csv").write_text("# interpolate: linear\nframe,style:other.png\n7,1\n")
    assert main(command(clip, "--json", "--weights-file", str(clip / "weights.csv"))) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "other.png" in error["message"] and "line 2 of weights.csv" in error["message"] and "painting.png" in error["hint"]


def test_a_painting_smaller_than_a_deep_layer_sees_works_with_a_note(clip, capsys):
    (clip / "painting.png").unlink()
    (clip / "painting.png").write_bytes(picture(99, 1, 3))
    words = replace(command(clip), "--weights", "relu1_1=1,relu5_4=1")
    assert main(words) == 0
    assert "painting.png is only 1×3 pixels and relu5_4 sees 252" in capsys.readouterr().err
    result = cv2.imread(str(clip.parent / "out" / "0009.png"), cv2.IMREAD_UNCHANGED)
    assert result.shape == (HEIGHT, WIDTH, 3) and result.std() > 0
    assert main(words) == 0
    assert "painting.png" not in capsys.readouterr().err, "there is nothing left to paint"


@pytest.mark.parametrize(
    "name", ["Cube", "a, b", "C:\\new", "x=y=z", "Wall [old]", 'a "quoted" name', "{brace}", "Größe 字", "Tree.*", "*"]
)
def test_regions_name_objects_as_they_are(name):
    assert parse_region(f"object={name}; object = B ;").data == {"objects": [name, "B"]}
    assert parse_region(json.dumps({"objects": [name]})).data == {"objects": [name]}


def test_a_semicolon_inside_a_name_is_written_twice():
    region = parse_region("object=a;;b;style=c;;; d;;e=1".replace(" d;;e=1", " name=d;;e=1"))
    assert region.data == {"objects": ["a;b"], "name": "d;e=1"} and region.styles == [Path("c;")]


def test_regions_reach_the_settings(clip, quick):
    for frame in (7, 8, 9):
        write_passes(clip / f"pass_{frame:04d}.exr", WIDTH, HEIGHT, masks={"Cube": np.ones((HEIGHT, WIDTH), np.float32)})
    wave, night = more_paintings(clip)
    same = clip / ".." / "clip" / "painting.png"  # another way to the main painting
    escaped = str(wave).replace(";", ";;")
    words = [
        "--region",
        f"name=Hero; object=Cube; object=Tree.*; style={escaped}; style={night}; style-weights=1,3; profile=abstract; strength=0.8",
    ]
    words += ["--region", f"object=A; style={same}; weights=relu2_1=1,relu1_1=2; content_weight=3; frequency-exponent=1; palette=histogram"]
    words += ["--region", "object=Logo; strength=0"]
    words += ["--region", json.dumps({"objects": ["B"], "style": str(night), "strength": [0, 0.5, 1], "color": "luminance"})]
    assert main(command(clip, *words)) == 0
    job = JobDirectory.open(clip.parent / "out" / "job")
    assert job.styles == ("painting.png", wave.name, night.name), "each file once"
    hero, other, alone, fading = job.settings.regions
    assert (hero.name, hero.objects, alone.name) == ("Hero", ("Cube", "Tree.*"), "Logo")
    whole = job.settings.at(1, job.styles)
    assert whole.look.style_weights == (1, 0, 0), "paintings of regions are not those of the picture"
    assert [look.style_weights for look in whole.regions] == [(0, 0.25, 0.75), (1, 0, 0), (1, 0, 0), (0, 0, 1)]
    assert [look.strength for look in whole.regions] == [0.8, 1, 0, 0.5]
    assert [look.color for look in whole.regions] == ["painting", "histogram", "painting", "luminance"]
    assert whole.regions[0].layer_weights == get_profile("abstract").layer_weights()
    assert dict(whole.regions[1].layer_weights) == {"relu1_1": 2, "relu2_1": 1}
    assert (whole.regions[1].content_weight, whole.regions[1].frequency_exponent) == (3, 1)
    assert dict(whole.regions[2].layer_weights) == {"relu1_1": 1}, "what is left out is that of the picture"
    assert fading.look.strength == (0, 0.5, 1) and other.look.layer_weights


@pytest.mark.parametrize(("masks", "passes"), [(None, True), ({"Cube": 1}, False)])
def test_regions_need_the_masks_of_every_frame(clip, quick, capsys, masks, passes):
    mask = np.ones((HEIGHT, WIDTH), np.float32)
    for frame in (7, 8, 9):
        write_passes(clip / f"pass_{frame:04d}.exr", WIDTH, HEIGHT, masks=masks and {"Cube": mask})
    assert main(command(clip, "--json", "--region", "object=Cube; strength=0", passes=passes)) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "missing_pass" and "Cryptomatte" in error["message"] + error["hint"]
    assert not (clip.parent / "out" / "job").exists()


def test_regions_for_real(clip, capsys):
    """Of one picture, whose masks need not carry its number; one object is left alone, the other has a painting of its own."""
    left, right = np.zeros((2, HEIGHT, WIDTH), np.float32)
    left[:, :16], right[:, 32:] = 1, 1
    name = "a; b=c, d"
    write_passes(clip / "pass_0008.exr", WIDTH, HEIGHT, masks={name: left, "Hero": right})
    (clip / "photo.png").write_bytes(picture(5, WIDTH, HEIGHT))
    words = replace(replace(command(clip), "--color", str(clip / "photo.png")), "--passes", str(clip / "pass_0008.exr"))
    words += ["--region", "object=a;; b=c, d; strength=0"]
    assert main([*words, "--region", f"object=Hero; style={more_paintings(clip)[1]}"]) == 0
    before, after = (
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(float) for path in (clip / "photo.png", clip.parent / "out" / "photo.png")
    )
    changed = np.abs(after - before).mean(2) / 65535
    assert changed[:, :16].max() < 1 / 255 and changed[:, 18:30].mean() > 0.01 and changed[:, 34:].mean() > 0.01
    capsys.readouterr()
    assert main([*words, "--overwrite", "--json", "--region", "object=Villain; strength=0"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "unknown_object" and "Villain" in error["message"] and "Hero" in error["hint"]


def test_a_weights_file_for_real(clip):
    (clip / "weights.csv").write_text("frame;relu1_1;strength\n7;1;0\n8;1;0,5\n9;1;1\n")
    words = [word for word in command(clip, "--independent") if word not in ("--weights", "relu1_1=1")]
    assert main([*words, "--weights-file", str(clip / "weights.csv")]) == 0
    first, _, last = (
        np.abs(
            cv2.imread(str(clip.parent / "out" / f"{frame:04d}.png"), -1) / 65535
            - cv2.imread(str(clip / f"rgb_{frame:04d}.png"), -1) / 65535
        )
        for frame in (7, 8, 9)
    )
    assert first.max() < 1e-4 < last.mean()


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out == f"lwsw {__version__}\n"


def test_job_status(clip, quick, capsys):
    quick.fail_at = 9
    main(command(clip))
    capsys.readouterr()
    out = clip.parent / "out"
    assert main(["job", "status", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "failed, 2 of 3" in shown and "frame 9" in shown and "The Vector pass holds NaN." in shown
    assert main(["job", "status", str(out / "job"), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["state"] == "failed" and status["results"] == [7, 8] and status["error"]["code"] == "bad_pass_values"
    assert main(["job", "status", str(clip)]) == 1
    assert "no job" in capsys.readouterr().err


def test_job_resume_puts_frames_beside_the_job(clip, quick, capsys):
    quick.fail_at = 9
    main(command(clip))
    quick.fail_at = None
    out = clip.parent / "out"
    assert main(["job", "resume", str(out / "job"), "--json"]) == 0
    assert (out / "0009.png").exists()
    assert json.loads(capsys.readouterr().out)["out"] == str(out)
    main(["job", "status", str(out), "--json"])
    assert json.loads(capsys.readouterr().out)["state"] == "done"


def test_job_resume_of_a_job_of_the_backend(tmp_path, quick):
    job = make_job(tmp_path / "job")
    assert main(["job", "resume", str(job.path)]) == 0
    assert job.first_unfinished() is None


def test_a_job_that_somebody_else_works_on(clip, quick, capsys):
    quick.fail_at = 9
    main(command(clip))
    job = JobDirectory.open(clip.parent / "out" / "job")
    with job.lock():
        main(["job", "status", str(job.path)])
        assert "running" in capsys.readouterr().out
        before = job.events()
        for words in (["job", "resume", str(job.path)], command(clip), command(clip, "--overwrite")):
            assert main(words) == 1
            assert "already running" in capsys.readouterr().err
        assert job.events() == before, "its log is left alone"


def test_what_nobody_expected_is_told_too(clip, quick, capsys):
    quick.fail_at, quick.error = 8, RuntimeError("shape mismatch")
    assert main(command(clip, "--json")) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == "internal"
    assert "shape mismatch" in shown.err and "Traceback" in shown.err, "the traceback goes into the bug report"


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down that Ctrl-C is ignored
from lwsw.cli import main
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_control_c_keeps_finished_frames(clip):
    words = command(clip, "--iterations", "300", "--json")
    words = [sys.executable, "-c", INTERRUPTIBLE, *words]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = clip.parent / "out" / "0007.png"
        wait_until(lambda: first.exists() or process.poll() is not None, 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert json.loads(out)["error"]["code"] == "cancelled" and "Traceback" not in err
    assert first.exists()
    assert main(["job", "status", str(clip.parent / "out")]) == 0
    assert JobDirectory.open(clip.parent / "out" / "job").events()[-1]["event"] == "job_cancelled"


LIMITED = """
import resource, sys
from lwsw.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of the file size, which looks to a program like a full disk")
def test_a_full_disk(clip):
    words = command(clip, "--json")
    done = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and json.loads(done.stdout)["error"]["code"] == "disk_full", done.stderr
    assert "Traceback" not in done.stderr and "resume" in done.stderr
    left = [path.name for path in (clip.parent / "out").rglob("*") if "tmp" in path.name]
    assert left == []
    assert main(words) == 0, "with space again the same command goes on"


def test_nothing_heavy_is_loaded_before_it_is_needed():
    heavy = "('torch', 'numpy', 'cv2', 'fastapi')"
    code = f"import sys, lwsw.cli; lwsw.cli._parser(['stylize']).format_help(); sys.exit(sum(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_styles_with_difficult_names_are_stored_all_the_same(clip):
    paintings = []
    for folder, name in (("a", "sky.png"), ("b", "Sky.png"), ("c", "nul.png")):
        (clip / folder).mkdir()
        (clip / folder / name).write_bytes(picture(3, 16, 16))
        paintings.append(clip / folder / name)
    found = Clip.find(str(clip / "rgb_*.png"), None, paintings)
    made = ClipJob.prepare(clip.parent / "out", found, width=None, settings=StylizeSettings.from_dict({"motion": "none"}))
    assert made.job.styles == ("sky.png", "2_Sky.png", "style_3.png")
    made.job.check_complete()


def test_serve_says_when_a_port_is_taken(tmp_path, capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        assert main(["serve", "--port", str(taken.getsockname()[1]), "--jobs", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "port" in shown.err and shown.out == ""
