"""Paintings, weights over time and regions on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support_cli import HEIGHT, WIDTH, command, more_paintings, replace, settings_of
from support_jobs import picture, write_passes

from lwsw.cli import main
from lwsw.commands.region import parse_region
from lwsw.jobs.directory import JobDirectory
from lwsw.profiles import get_profile


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
