"""What is wrong with files and options of ``lwsw stylize`` is said before anything runs."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from support_cli import HEIGHT, WIDTH, command, settings_of, truncate, without_vectors
from support_jobs import picture, write_passes

from lwsw.cli import main
from lwsw.jobs.clip import Clip, ClipJob
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.settings import StylizeSettings

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
