"""Regions in the preview: what a job of that one frame paints, whatever the way there; and what is said where there is none."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support_jobs import frame_picture, picture, wait_until, write_passes

from lwsw.core.live_picture import LivePicture
from lwsw.core.look_painter import Method
from lwsw.core.sequence import Frame, Stylizer
from lwsw.core.still_constants import Goal, PaintingStatistics, PictureConstants
from lwsw.core.vgg import VGG19
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.frame_reader import image_to_tensor
from lwsw.jobs.job_network import job_network
from lwsw.jobs.run import run_job
from lwsw.jobs.settings import StylizeSettings
from lwsw.media.images import decode_image, read_image, resize
from lwsw.preview.easel import Easel
from lwsw.preview.order import Order
from lwsw.profiles import FrameValues, LayerWeights, Look
from lwsw.server.preview import Preview, preview_command

WIDTH, HEIGHT = 64, 36
STYLES = ["a.png", "b.png"]
SHALLOW = {"relu2_1": 1.0}  # in place of relu4_2: most of a pass through the network is the deep layers
SETTINGS = {
    "layer_weights": {"relu1_1": 1.0},
    "style_weights": {"a.png": 1, "b.png": 0},
    "content_layers": SHALLOW,
    "first_iterations": 4,
}
HERO = {"name": "Hero", "objects": ["Cube"], "style_weights": {"b.png": 1}, "layer_weights": {"relu1_1": 1, "relu2_1": 1}, "strength": 1.5}
ALONE = {"name": "Sign", "objects": ["Left *"], "strength": 0}


def box(left: int, right: int, scale: int = 1) -> np.ndarray:
    mask = np.zeros((HEIGHT * scale, WIDTH * scale), np.float32)
    mask[6 * scale : 30 * scale, left * scale : right * scale] = 1
    mask[6 * scale : 30 * scale, right * scale] = 0.4
    return mask


CUBE, SIGN = box(4, 26), box(40, 60)


def passes(path: Path, scale: int = 1) -> Path:
    masks = {"Cube": box(4, 26, scale), "Left Alone": box(40, 60, scale)}
    return write_passes(path, WIDTH * scale, HEIGHT * scale, masks=masks)


def source() -> np.ndarray:
    return decode_image(frame_picture(1, WIDTH, HEIGHT))


@pytest.fixture(autouse=True)
def one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the network once for all tests."""
    for module in ("lwsw.preview.easel", "lwsw.jobs.run"):
        monkeypatch.setattr(f"{module}.job_network", lambda settings: network(settings.normalization))


@lru_cache
def network(normalization: str) -> VGG19:
    return job_network(StylizeSettings(normalization=normalization))


@pytest.fixture
def easel(tmp_path: Path) -> Easel:
    easel = Easel()
    easel.put_source(source())
    easel.put_passes(passes(tmp_path / "passes.exr"))
    for index, name in enumerate(STYLES):
        easel.put_painting(name, decode_image(picture(90 + index, 40, 40)))
    return easel


def order(*regions: dict[str, Any], **settings: Any) -> Order:
    return Order.from_dict({"styles": STYLES, "settings": {**SETTINGS, "regions": list(regions), **settings}})


def paint(easel: Easel, steps: int = 10_000) -> np.ndarray:
    for _ in range(steps):
        if not easel.has_work:
            break
        easel.step()
    return easel.picture()


@pytest.mark.parametrize("scale", [1, 3])  # of the frame and its passes over what is painted
def test_regions_are_what_a_job_of_one_frame_gives(easel: Easel, tmp_path: Path, scale: int) -> None:
    regions = [HERO, ALONE]
    settings = StylizeSettings.from_dict({**SETTINGS, "device": "cpu", "regions": regions})
    job = JobDirectory.create(tmp_path / "job", frames=[1], width=WIDTH, height=HEIGHT, styles=STYLES, settings=settings)
    for index, style in enumerate(job.style_paths):
        style.write_bytes(picture(90 + index, 40, 40))
    job.frame_path(1).write_bytes(frame_picture(1, WIDTH * scale, HEIGHT * scale))
    passes(job.pass_path(1), scale)
    run_job(job, lambda event: None)
    expected = read_image(job.result_path(1))

    easel.put_source(resize(read_image(job.frame_path(1)), WIDTH, HEIGHT))
    easel.put_passes(job.pass_path(1))
    easel.put_order(order(*regions))
    painted = paint(easel)
    assert np.abs(painted - expected).max() < 2e-5 + 0.5 / 65535
    assert easel.notes == []
    assert easel.iteration == 4


@pytest.mark.parametrize(
    ("color", "normalization", "coarsest"), [("luminance", "calibrated", 100), ("histogram", "gatys", 100), ("painting", "calibrated", 12)]
)
def test_every_kind_of_region_is_what_a_shot_paints(color: str, normalization: str, coarsest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours and constants of the region itself, and a part of the picture that is large enough to begin coarse."""
    monkeypatch.setattr("lwsw.core.look_painter._COARSEST", coarsest)
    frame, mask = source(), torch.zeros(1, 1, HEIGHT, WIDTH)
    mask[..., 7 : HEIGHT - 2, 3 : WIDTH - 20] = 1
    painting = image_to_tensor(decode_image(picture(90, 40, 40)))
    whole, region = Look(LayerWeights({"relu1_1": 1.0}), strength=0.0), Look(LayerWeights({"relu1_1": 1.0, "relu2_1": 0.5}), color=color)
    method = Method(2, 3, SHALLOW, normalization=normalization, seed=3)
    stylizer = Stylizer(network(normalization), [painting], [whole.layer_weights, region.layer_weights], method)
    values = FrameValues(whole, 1.0, (region,))
    expected = stylizer.stylize(Frame(1, image_to_tensor(frame), values, masks=(mask,)), None).image.clamp(0, 1)

    live = LivePicture(PictureConstants(network(normalization), image_to_tensor(frame)))
    live.aim([Goal.of(look, method, [PaintingStatistics(network(normalization), painting)]) for look in (whole, region)], [mask])
    assert live.is_coarse == (coarsest < 100)
    while not live.settled:
        live.step()
    assert torch.allclose(live.picture(), expected, atol=2e-5)


def test_a_region_goes_on_from_where_it_is_and_nothing_else_moves(easel: Easel) -> None:
    easel.put_order(order(HERO, ALONE))
    before = paint(easel)
    for changed in ({"strength": 2.5}, {"layer_weights": {"relu1_1": 1, "relu4_1": 0.3}}):  # which the network sees more of the frame for
        easel.put_order(order({**HERO, **changed}, ALONE))
        assert np.abs(easel.picture() - before).max() < 1e-6  # nothing jumps
        assert easel.has_work
        easel.step(), easel.step(), easel.step()
        moved = easel.picture()
        assert np.array_equal(moved[CUBE == 0], before[CUBE == 0])
        assert np.abs(moved - before)[CUBE == 1].max() > 1e-4
        before = paint(easel)


def test_another_painting_of_a_region_leaves_the_picture_alone(easel: Easel) -> None:
    alike = {**HERO, "style_weights": {"a.png": 1}}
    alone = Order.from_dict(
        {"styles": ["a.png"], "settings": {**SETTINGS, "style_weights": {}, "regions": [{**alike, "style_weights": {}}]}}
    )
    easel.put_order(alone)
    before = paint(easel)
    easel.put_order(order(HERO))  # there are more paintings now, and the picture's is the same
    started = easel.picture()
    assert np.array_equal(started[CUBE == 0], before[CUBE == 0])
    assert np.array_equal(started[CUBE == 1], source()[CUBE == 1])  # nothing of the other painting stays
    other = paint(easel)
    assert np.array_equal(other[CUBE == 0], before[CUBE == 0])
    assert np.abs(other - before)[CUBE == 1].mean() > 0.01


def test_regions_come_and_go_and_come_back(easel: Easel) -> None:
    easel.put_order(order())
    whole = paint(easel)
    easel.put_order(order(HERO))
    assert easel.has_work
    hero = paint(easel)
    assert np.array_equal(hero[CUBE == 0], whole[CUBE == 0])
    easel.put_order(order(ALONE, HERO))  # its place in the list does not matter
    both = paint(easel)
    assert np.array_equal(both[SIGN == 0], hero[SIGN == 0])
    assert np.abs(both - source())[SIGN == 1].max() < 1e-6
    easel.put_order(order())
    assert not easel.has_work
    assert np.array_equal(easel.picture(), whole)
    easel.put_order(order(HERO))
    assert not easel.has_work
    assert np.array_equal(easel.picture(), hero)
    easel.put_order(order({**HERO, "objects": ["Left Alone"]}))  # other objects: painted as a new region is
    elsewhere = paint(easel)
    assert np.array_equal(elsewhere[CUBE == 1], whole[CUBE == 1])
    assert np.abs(elsewhere - whole)[SIGN == 1].mean() > 0.01


def test_what_cannot_be_painted_is_said(easel: Easel, tmp_path: Path) -> None:
    easel.put_order(order())
    whole = paint(easel)
    easel.put_order(order({**HERO, "objects": ["Cubes"]}, ALONE))
    (note,) = easel.notes
    assert note.startswith("The region 'Hero' names 'Cubes', and no rendered object of this frame is called that. Use an object's name")
    assert np.array_equal(paint(easel)[CUBE == 1], whole[CUBE == 1])

    write_passes(tmp_path / "small.exr", WIDTH, HEIGHT, masks={"Cube": box(0, 1), "Left Alone": np.zeros((HEIGHT, WIDTH), np.float32)})
    easel.put_passes(tmp_path / "small.exr")
    easel.put_order(order(HERO, ALONE))
    assert [note.partition(";")[0] for note in easel.notes] == [
        "The region 'Hero' covers only 34 pixels in this frame",
        "The region 'Sign' is not to be seen in this frame",
    ]
    assert np.array_equal(paint(easel), whole)

    data = (tmp_path / "passes.exr").read_bytes()
    (tmp_path / "broken.exr").write_bytes(data[: len(data) // 2])
    unusable = [None, tmp_path / "gone.exr", write_passes(tmp_path / "vectors.exr", WIDTH, HEIGHT), tmp_path / "broken.exr"]
    said = ["", " The pass file The frame", " The frame has no Cryptomatte pass", " The pass file The frame"]
    for path, words in zip(unusable, said, strict=True):
        easel.put_passes(path)
        easel.put_order(order(HERO))
        (note,) = easel.notes
        assert note.startswith("Regions are not painted in the preview." + words)
        assert np.array_equal(paint(easel), whole)
    easel.put_order(order())
    assert easel.notes == []


def test_a_sheet_shows_regions_in_every_cell(easel: Easel) -> None:
    settings = {**SETTINGS, "first_iterations": 3, "regions": [HERO, ALONE]}
    cells = [{"label": "", "settings": {**settings, "strength": strength}} for strength in (0.0, 2.0)]
    easel.put_order(Order.from_dict({"styles": STYLES, "cells": cells, "columns": 2}))
    assert easel._pictures[0]._shown[1] is easel._pictures[1]._shown[1]  # the same look of the same objects is painted once
    sheet = paint(easel)
    first, second = sheet[6 : 6 + HEIGHT, 6 : 6 + WIDTH], sheet[6 : 6 + HEIGHT, 12 + WIDTH : 12 + 2 * WIDTH]
    for cell in (first, second):
        assert np.abs(cell - source())[SIGN == 1].max() < 1e-6
    assert np.array_equal(first[CUBE == 1], second[CUBE == 1])
    rest = (CUBE == 0) & (SIGN == 0)
    assert np.abs(first - source())[rest].max() < 1e-6
    assert np.abs(second - source())[rest].mean() > 0.01


def test_the_process_gets_passes_and_a_new_one_gets_them_again(tmp_path: Path) -> None:
    preview = Preview(preview_command)
    try:
        identifier = preview.begin()
        preview.put_source(identifier, frame_picture(1, WIDTH, HEIGHT), WIDTH)
        for index, name in enumerate(STYLES):
            preview.put_painting(identifier, name, picture(90 + index, 40, 40))

        def settle(*regions: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], np.ndarray]:
            number = preview.put_order(identifier, {"styles": STYLES, "settings": {**SETTINGS, "regions": list(regions), **settings}})
            state = wait_until(lambda: (state := preview.state(identifier)) and state["settled"] and state, 180)
            assert state["painted"] == number and state["error"] is None
            return state, decode_image(preview.picture(identifier)[0].png())

        state, whole = settle(HERO, ALONE)
        assert state["note"] == "Regions are not painted in the preview."
        preview.put_passes(identifier, passes(tmp_path / "passes.exr").read_bytes())
        (kept,) = Path(preview._files._folder.name).iterdir()
        state, both = settle(HERO, ALONE)
        assert state["note"] == ""
        assert np.abs(both - source())[SIGN == 1].max() < 1e-4
        assert np.array_equal(both[(CUBE == 0) & (SIGN == 0)], whole[(CUBE == 0) & (SIGN == 0)])
        settled = preview.state(identifier)["revision"]
        assert np.array_equal(settle(HERO, ALONE)[1], both)  # nothing is asked for that is not there, and yet it is answered
        assert preview.state(identifier)["revision"] > settled

        preview._process.kill()
        wait_until(lambda: preview.state(identifier)["error"])
        state, again = settle({**HERO, "strength": 1.4}, ALONE, first_iterations=2)
        assert state["note"] == ""
        assert np.abs(again - source())[SIGN == 1].max() < 1e-4
        assert np.abs(again - both)[CUBE == 1].mean() < 0.05  # it has gone on from the picture that was there

        preview.put_source(identifier, frame_picture(2, WIDTH, HEIGHT), WIDTH)  # another frame, without passes
        assert not kept.exists()
        assert settle(HERO, ALONE)[0]["note"] == "Regions are not painted in the preview."
    finally:
        preview.close()
