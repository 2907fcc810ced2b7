"""Footage in the sequencer: the pictures that are taken are those one sees there, and they become a job whose motion is estimated."""

from __future__ import annotations

from pathlib import Path

import bpy
import helpers
import numpy as np
import pytest

from blender_lwsw import api, compat
from blender_lwsw.errors import LwswError
from blender_lwsw.jobs.plan import Request, make_plan
from blender_lwsw.results import sequencer
from blender_lwsw.source import passes
from blender_lwsw.source.frames import file_name
from blender_lwsw.source.sequencer_source import SequencerSource

WIDTH, HEIGHT = 64, 36


def _picture(number: int) -> np.ndarray:
    """Smooth colours; the number is in the blue."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / np.array([HEIGHT, WIDTH]).reshape(2, 1, 1)
    return np.stack([0.2 + 0.6 * x, 0.2 + 0.6 * y, np.full_like(x, 0.15 + 0.1 * number)], -1)


def _canvas(scene: bpy.types.Scene) -> bpy.types.Scene:
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = WIDTH, HEIGHT, 100
    scene.view_settings.view_transform = "Standard"
    return scene


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """A movie of six pictures, written by Blender without loss but for its halved colour resolution."""
    scene = _canvas(bpy.data.scenes.new("movie maker"))
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))  # 4.5 does not render without
    files = [helpers.write_png(tmp_path / "stored" / f"{number}.png", _picture(number)) for number in range(1, 7)]
    strip = scene.sequence_editor_create().strips.new_image(name="in", filepath=str(files[0]), channel=1, frame_start=1)
    for file in files[1:]:
        strip.elements.append(file.name)
    scene.frame_start, scene.frame_end = 1, 6
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.render.ffmpeg.constant_rate_factor = "PERC_LOSSLESS"
    scene.render.filepath = str(tmp_path / "movie.mp4")
    scene.render.use_file_extension = False
    bpy.ops.render.render(animation=True, scene=scene.name)
    bpy.data.scenes.remove(scene)
    assert (tmp_path / "movie.mp4").is_file()
    return tmp_path / "movie.mp4"


@pytest.fixture
def edit(movie: Path) -> bpy.types.Scene:
    """A scene without a camera whose sequencer shows the movie from frame 11 on."""
    scene = _canvas(bpy.context.scene)
    scene.frame_start, scene.frame_end = 1, 100
    scene.sequence_editor_create().strips.new_movie(name="footage", filepath=str(movie), channel=2, frame_start=11)
    return scene


def _take(scene: bpy.types.Scene, frames: tuple[int, ...], folder: Path) -> dict[int, np.ndarray]:
    source = SequencerSource(scene, frames, folder)
    source.begin()
    taken = {}
    try:
        while not source.is_finished:
            uploads = source.step()
            assert uploads is not None and uploads.passes is None
            taken[uploads.frame] = helpers.read_picture(uploads.picture)
    finally:
        source.end()
    assert source.cameras() is None
    return taken


def _see(scene: bpy.types.Scene, frame: int, path: Path) -> np.ndarray:
    """Return what the timeline shows."""
    passes.use_png(scene.render.image_settings)
    scene.render.filepath = str(path)
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    return helpers.read_picture(path)


def test_a_movie_strip_gives_the_pictures_of_the_movie(edit: bpy.types.Scene, tmp_path: Path) -> None:
    before = helpers.snapshot(edit)
    taken = _take(edit, (11, 13, 16), tmp_path / "source")
    assert helpers.snapshot(edit) == before
    assert len(bpy.data.objects) == 0 or edit.camera is None
    for frame, picture in taken.items():
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(picture - _picture(frame - 10)).max() < 0.04  # halved colour resolution, eight bits, H.264: 0.034 measured
    assert sorted(path.name for path in (tmp_path / "source" / "frames").iterdir()) == ["0011.png", "0013.png", "0016.png"]


@pytest.mark.parametrize("transform", ["Standard", "Filmic"])
def test_the_view_transform_acts_once(edit: bpy.types.Scene, tmp_path: Path, transform: str) -> None:
    """A result that equals its source looks like the source: in the timeline, to the view transform, nothing has changed."""
    edit.view_settings.view_transform = transform
    seen = _see(edit, 12, tmp_path / "seen.png")
    taken = _take(edit, (12,), tmp_path / "source")[12]
    assert np.abs(taken - seen).max() < 1 / 255
    helpers.write_png(tmp_path / "results" / file_name(12, ".png"), taken)
    show = sequencer.Show("test", tmp_path / "results", [12], {}, True, (WIDTH, HEIGHT), in_timeline=True)
    sequencer.update_strip(edit, edit, show, [12])
    assert np.abs(_see(edit, 12, tmp_path / "with result.png") - seen).max() < 2 / 255


def test_paintings_of_an_earlier_run_are_not_painted_again(edit: bpy.types.Scene, tmp_path: Path) -> None:
    first = _take(edit, (11, 12), tmp_path / "first")
    for frame in (11, 12):
        helpers.write_png(tmp_path / "results" / file_name(frame, ".png"), np.ones((HEIGHT, WIDTH, 3)))
    show = sequencer.Show("test", tmp_path / "results", [11, 12], {}, True, (WIDTH, HEIGHT), in_timeline=True)
    name, _ = sequencer.update_strip(edit, edit, show, [11, 12])
    painted = edit.sequence_editor.strips[name]
    assert len(edit.sequence_editor.strips) == 2  # no strip of the source is added: the movie is there
    assert compat.strip_range(painted) == (11, 13) and painted.channel == 3
    assert _see(edit, 11, tmp_path / "seen.png").min() > 0.99
    second = _take(edit, (11, 12), tmp_path / "second")
    assert not painted.mute
    for frame in (11, 12):
        assert np.array_equal(first[frame], second[frame])


def test_the_timeline_becomes_a_job(edit: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    plan = make_plan(edit, Request(style=painting, source="SEQUENCER", output=tmp_path / "out"))
    assert plan.frames == tuple(range(11, 17)) and plan.source_size == (WIDTH, HEIGHT) and not plan.renders
    assert plan.order.job["settings"]["motion"] == "estimated"
    assert any("estimated" in note for note in plan.notes) and not any("view transform" in note for note in plan.notes)
    assert plan.from_rendered() is None
    for frame in plan.frames:
        helpers.write_png(plan.shown_pictures()[frame], _picture(1))
    resumed = plan.from_rendered()
    assert resumed is not None and resumed.pictures == plan.shown_pictures() and resumed.from_sequencer
    edit.view_settings.view_transform = "AgX"
    part = make_plan(edit, Request(style=painting, source="SEQUENCER", output=tmp_path / "out", frame_start=12, frame_end=13))
    assert part.frames == (12, 13) and any("AgX" in note for note in part.notes)


def test_nothing_to_be_seen(edit: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    request = Request(style=painting, source="SEQUENCER", output=tmp_path / "out")

    def message() -> str:
        with pytest.raises(LwswError) as caught:
            make_plan(edit, request)
        assert caught.value.code == "nothing_to_stylize" and caught.value.hint.endswith(".")
        return caught.value.message

    request.frame_start, request.frame_end = 30, 40
    assert "11 to 16" in message()
    request.frame_start = request.frame_end = None
    edit.sequence_editor.strips["footage"].mute = True
    assert "nothing" in message()
    edit.sequence_editor.strips["footage"].mute = False
    edit.sequence_editor.channels[2].mute = True
    assert "nothing" in message()
    edit.sequence_editor_clear()
    assert "nothing" in message()


def test_a_movie_becomes_a_painting(backend: str, edit: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    edit.frame_end = 13
    result = api.stylize(edit, style=painting, source="SEQUENCER", output=tmp_path / "out", **helpers.QUICK)
    assert [path.name for path in result.results] == ["0011.png", "0012.png", "0013.png"]
    assert result.report["settings"]["motion"] == "estimated"
    strips = edit.sequence_editor.strips
    painted = strips[result.strip_name]
    assert len(strips) == 2 and compat.strip_range(painted) == (11, 14) and painted.channel == 3
    for path in result.results:
        change = np.abs(helpers.read_picture(path) - helpers.read_picture(tmp_path / "out" / "source" / "frames" / path.name))
        assert change.mean() > 0.001
    before = [path.read_bytes() for path in result.results]
    again = api.stylize(edit, style=painting, source="SEQUENCER", output=tmp_path / "out", **helpers.QUICK)
    assert again.strip_name == result.strip_name and len(strips) == 2
    assert [path.read_bytes() for path in again.results] == before  # what was painted first was not the source of the second
