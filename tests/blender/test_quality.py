"""Draft, Preview and Final, and what a job will take: from what jobs took, never from nothing."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import helpers
import pytest

from blender_lwsw import api
from blender_lwsw.jobs import workload
from blender_lwsw.jobs.plan import Request, make_plan
from blender_lwsw.jobs.speed import Measurement, SpeedBook, Work, estimate, measure
from blender_lwsw.settings import preferences
from blender_lwsw.settings.overlay import lay_over
from blender_lwsw.settings.quality import QUALITIES


@pytest.fixture(autouse=True)
def _nothing_measured() -> None:
    (preferences.user_folder() / "speed.json").unlink(missing_ok=True)
    workload.unregister()


def test_final_is_what_a_new_file_has(scene: bpy.types.Scene) -> None:
    settings = scene.lwsw
    assert (settings.quality, settings.width, settings.iterations, settings.first_iterations) == ("FINAL", 0, 20, 240)
    settings.quality = "DRAFT"
    settings.quality = "FINAL"
    assert (settings.width, settings.iterations, settings.first_iterations) == (0, 20, 240)


def test_a_quality_is_a_share_of_the_width_whatever_the_render_becomes(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    settings = scene.lwsw
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    settings.quality = "PREVIEW"
    assert (settings.width, settings.iterations, settings.first_iterations) == (640, *QUALITIES["PREVIEW"][2:4])
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    job = make_plan(scene, Request(style=painting, output=tmp_path)).order.job
    assert (job["width"], job["height"]) == (960, 540)
    assert workload.sizes(scene) == ((1920, 1080), (960, 540))
    scene.render.resolution_percentage = 20
    job = make_plan(scene, Request(style=painting, output=tmp_path)).order.job
    assert (job["width"], job["height"]) == (256, 144), "not smaller: the deep layers would see more than the picture"
    scene.render.resolution_percentage = 10
    assert workload.sizes(scene) == ((192, 108), (192, 108))


@pytest.mark.parametrize("name", ["width", "iterations", "first_iterations"])
def test_changing_a_number_makes_it_custom(scene: bpy.types.Scene, name: str, painting: Path, tmp_path: Path) -> None:
    settings = scene.lwsw
    settings.quality = "DRAFT"
    setattr(settings, name, 48)
    assert settings.quality == "CUSTOM"
    assert getattr(settings, name) == 48
    settings.width = 32
    assert make_plan(scene, Request(style=painting, output=tmp_path)).order.job["width"] == 32


def test_a_script_may_ask_for_another_width(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    scene.lwsw.quality = "DRAFT"
    assert make_plan(scene, Request(style=painting, output=tmp_path, width=50, iterations=3)).order.job["width"] == 50
    assert scene.lwsw.quality == "DRAFT"
    values, _ = lay_over({"quality": "DRAFT", "width": 256, "iterations": 8}, Request(iterations=3))
    assert values == {"quality": "CUSTOM", "width": 256, "iterations": 3}, "what a strip remembers of it"


# ------------------------------------------------------------------ estimates


def _measured(**changes: object) -> Measurement:
    values = {"where": "auto", "looks": 1, "megapixels": 1.0, "first_pace": 0.5, "later_pace": 1.0, "overhead": 10.0, "memory": 2**30}
    values["depth"] = 16
    return Measurement(**{**values, **changes})  # type: ignore[arg-type]


WORK = Work(frames=11, megapixels=1.0, looks=1, iterations=20, first_iterations=200)


def test_nothing_is_said_before_anything_was_measured(scene: bpy.types.Scene) -> None:
    assert api.estimate(scene) is None
    assert estimate(WORK, [_measured(where="cuda")]) is None
    assert estimate(WORK, [_measured(later_pace=None)]) is None, "one frame says nothing about those after it"


def test_what_a_job_took_is_what_the_same_job_will_take() -> None:
    status = {"first_frame_seconds": 50.0, "seconds_per_frame": 8.0, "peak_memory": 3 * 2**30, "peak_device_memory": None}
    measurement = measure(WORK, status, 50 + 10 * 8 + 7)
    assert measurement is not None
    assert measurement.overhead == pytest.approx(7)
    expected = estimate(WORK, [measurement])
    assert expected is not None
    assert (expected.seconds, expected.memory, expected.is_rough) == (pytest.approx(137), 3 * 2**30, False)
    assert measure(WORK, {"seconds_per_frame": 8.0}, 100) is None
    assert measure(WORK, {"first_frame_seconds": 8.0, "seconds_per_frame": None}, 100) is None


def test_more_work_takes_longer() -> None:
    known = [_measured()]  # first frame 0.5 · 200 s, ten others 20 s each, 10 s on top

    def seconds(**changes: object) -> float:
        expected = estimate(Work(**{**WORK.__dict__, **changes}), known)  # type: ignore[arg-type]
        assert expected is not None
        return expected.seconds

    assert seconds() == pytest.approx(310)
    assert seconds(frames=1) == pytest.approx(110)
    assert seconds(megapixels=0.25) == pytest.approx(85)
    assert seconds(passes=2) == pytest.approx(510)
    assert seconds(iterations=10) == pytest.approx(210)
    assert seconds(looks=2) == pytest.approx(610)


def test_the_newest_of_the_most_similar_jobs_count() -> None:
    far = _measured(megapixels=0.01, later_pace=9.0, first_pace=9.0)
    old = [_measured(later_pace=50.0) for _ in range(9)]
    new = [_measured(later_pace=pace) for pace in (1.0, 2.0, 30.0)]
    expected = estimate(WORK, [*old, *new, far])
    assert expected is not None
    assert expected.seconds == pytest.approx(100 + 10 * 20 * 2.0 + 10)
    rough = estimate(WORK, [far])
    assert rough is not None
    assert rough.is_rough
    assert rough.memory is None, "nothing is known of that size"


def test_jobs_that_went_as_deep_count() -> None:
    """Shallow layers alone take half the time: what they took says little about a job with all of them."""
    shallow, deep = _measured(depth=5, later_pace=0.5, first_pace=0.25, memory=2**29), _measured(depth=13)

    def expect(depth: int, *known: Measurement) -> tuple[float, bool, int | None]:
        found = estimate(Work(**{**WORK.__dict__, "depth": depth}), known)
        assert found is not None
        return found.seconds, found.is_rough, found.memory

    assert expect(13, deep, shallow) == (pytest.approx(310), False, 2**30)
    assert expect(5, deep, shallow) == (pytest.approx(160), False, 2**30)
    assert expect(10, deep, shallow) == (pytest.approx(310), True, 2**30), "the nearest, which is said to be rough"
    assert expect(13, shallow) == (pytest.approx(160), True, None), "and deeper layers need more memory"


def test_how_deep_a_job_goes(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    settings = scene.lwsw
    settings.style, settings.output = str(painting), str(tmp_path / "out")

    def depth() -> int:
        work, job = workload.work_of_scene(scene), workload.work_of_job(make_plan(scene, Request()).order.job, workload.place())
        assert work is not None
        assert work == job
        return work.depth

    assert depth() == 13  # relu5_1
    settings.profile = "FINE_GRAIN"
    assert depth() == 10, "the content is compared at relu4_2"
    settings.content_layers = {"relu2_2"}
    assert depth() == 5
    settings.content_weight = 0
    settings.relu3_1 = 0
    assert depth() == 3
    settings.relu4_4 = 0.1
    assert depth() == 12
    settings.relu4_4 = 0
    settings.keyframe_insert("relu4_1", frame=1)
    settings.relu4_1 = 1
    settings.keyframe_insert("relu4_1", frame=2)
    scene.frame_set(1)
    assert depth() == 9, "at another frame"
    region = settings.regions.add()
    region.object, region.profile = bpy.data.objects["Cube"], "ABSTRACT"
    assert depth() == 13
    region.strength = 0
    assert depth() == 9


@pytest.mark.parametrize(("megapixels", "looks", "expected"), [(1.0, 1, 2.0), (1.2, 1, 2.0), (3.0, 1, 3.0), (9.0, 1, None), (1.0, 2, None)])
def test_memory_is_said_where_it_was_measured(megapixels: float, looks: int, expected: float | None) -> None:
    known = [_measured(memory=2 * 2**30), _measured(), _measured(megapixels=5.0, memory=4 * 2**30), _measured(memory=None)]
    found = estimate(Work(11, megapixels, looks, 20, 200), known)
    assert found is not None
    assert found.memory == (None if expected is None else round(expected * 2**30))


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "speed.json"
    for number in range(70):
        SpeedBook(path).add(_measured(overhead=number))
    assert [item.overhead for item in SpeedBook(path).measured] == list(range(10, 70))
    good = json.loads(path.read_text())["measured"][0]
    bad = [
        {**good, "first_pace": "fast"},
        {**good, "megapixels": 0},
        {**good, "depth": 0},
        {"where": "auto"},
        3,
        {**good, "later_pace": float("nan")},
        good,
    ]
    path.write_text(json.dumps({"schema": 1, "measured": bad}))
    assert len(SpeedBook(path).measured) == 1
    for text in ("", "{", "[]", '{"measured": null}', '{"measured": 5}'):
        path.write_text(text)
        assert list(SpeedBook(path).measured) == []


def test_the_work_of_a_scene_is_that_of_its_job(scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    settings = scene.lwsw
    settings.style, settings.output, settings.second_pass, settings.quality = str(painting), str(tmp_path / "out"), "BACKWARD", "DRAFT"
    for name, look, strength in (("Cube", "OWN", 1.0), ("Cube", "ALONE", 1.0), ("Cube", "OWN", 0.0)):
        region = settings.regions.add()
        region.object, region.look, region.strength = bpy.data.objects[name], look, strength
    work = workload.work_of_scene(scene)
    assert work == workload.work_of_job(make_plan(scene, Request()).order.job, workload.place())
    assert work is not None
    assert (work.frames, work.looks, work.passes, work.megapixels) == (2, 2, 2, pytest.approx(64 * 36 / 1e6))


def test_the_frames_of_files_and_of_the_sequencer(scene: bpy.types.Scene, tmp_path: Path) -> None:
    settings = scene.lwsw
    settings.source = "SEQUENCER"
    assert workload.work_of_scene(scene) is None
    for frame in range(1, 5):
        helpers.write_painting(tmp_path / f"{frame:04d}.png", 40)
    settings.source = "FILES"
    assert workload.work_of_scene(scene) is None
    settings.color_pattern = str(tmp_path / "####.png")
    scene.frame_start, scene.frame_end = 3, 9
    work = workload.work_of_scene(scene)
    assert work is not None
    assert (work.frames, work.megapixels) == (2, pytest.approx(0.0016))
    settings.source = "SEQUENCER"
    bpy.ops.lwsw.add_footage(filepath=str(tmp_path / "0001.png"))
    assert workload.work_of_scene(scene).frames == 4


def test_a_job_tells_how_long_the_next_one_takes(backend: str, scene: bpy.types.Scene, painting: Path, tmp_path: Path) -> None:
    settings = scene.lwsw
    settings.style, settings.output = str(painting), str(tmp_path / "first")
    settings.relu3_1 = settings.relu4_1 = settings.relu5_1 = 0
    settings.iterations, settings.first_iterations = 6, 12
    api.stylize(scene)
    settings.output = str(tmp_path / "second")
    settings.iterations, settings.first_iterations, scene.frame_end = 12, 12, 3
    expected = api.estimate(scene)
    assert expected is not None
    result = api.stylize(scene)
    took = result.report["seconds"]["stylize"]
    assert took / 2 < expected.seconds < took * 2
    assert expected.memory is None or 50e6 < expected.memory < 20e9
    book = json.loads((preferences.user_folder() / "speed.json").read_text())
    assert len(book["measured"]) == 2
