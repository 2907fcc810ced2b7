"""Cuts on clips whose shots are known: what moves, flashes and fades is one shot, what is another picture is not."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from support_cuts import HEIGHT, WIDTH, scene, window
from torch import Tensor

from lwsw.core.cuts import SIDE, agreement, agreement_along, goes_on, goes_on_along, shrink, shrink_flow
from lwsw.core.flow import pixel_grid


def small(image: np.ndarray) -> Tensor:
    return shrink(torch.from_numpy(np.clip(image, 0, 1).astype(np.float32)).permute(2, 0, 1)[None])


def flows(x: float, y: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Return motion back and forth of a camera that goes x to the right, and that all of it is known."""
    backward = torch.zeros(1, HEIGHT, WIDTH, 2) + torch.tensor([x, y])
    return backward, -backward, torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.bool)


def spot(x: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (0.2 + np.exp(-((columns - x) ** 2 + (rows - 90) ** 2) / 2 / 60**2))[..., None]


SEEDS = range(6)
noise = np.random.default_rng(99)

#: What the second picture is, from a scene whose first picture is ``window(image, 100)``; what it shows is the same shot.
SAME_SHOT = {
    "nothing moves": lambda image: window(image, 100),
    "a slow pan": lambda image: window(image, 103),
    "a fast pan": lambda image: window(image, 130),
    "a pan across a quarter of the picture": lambda image: window(image, 180),
    "a tilt": lambda image: window(image, 100, 40),
    "exposure, two stops down": lambda image: window(image, 104) * 0.25,
    "exposure, one stop up, clipped": lambda image: window(image, 104) * 2,
    "a flash": lambda image: window(image, 104) * 0.5 + 0.5,
    "noise": lambda image: window(image, 104) + 0.1 * noise.standard_normal((HEIGHT, WIDTH, 3)),
    "a light that moves": lambda image: window(image, 104) * spot(180),
    "a light that goes out": lambda image: window(image, 104) * spot(40) * 0.5,
    "an object of a quarter of the picture": lambda image: np.where(spot(250) > 0.9, window(scene(77), 50), window(image, 104)),
}


@pytest.mark.parametrize("change", SAME_SHOT)
def test_a_shot_goes_on(change: str) -> None:
    for seed in SEEDS:
        image = scene(seed)
        assert goes_on(small(SAME_SHOT[change](image)), small(window(image, 100)))


@pytest.mark.parametrize("change", SAME_SHOT)
def test_a_shot_goes_on_along_the_motion_of_the_renderer(change: str) -> None:
    motion = {"nothing moves": (0, 0), "a slow pan": (3, 0), "a fast pan": (30, 0), "a tilt": (0, -20)}
    motion["a pan across a quarter of the picture"] = (80, 0)
    for seed in SEEDS:
        image = scene(seed)
        x, y = motion.get(change, (4, 0))
        assert goes_on_along(small(SAME_SHOT[change](image)), small(window(image, 100)), *flows(x, y))


def test_a_whip_pan_goes_on_along_the_motion_of_the_renderer() -> None:
    for seed in SEEDS:
        image = scene(seed)
        assert goes_on_along(small(window(image, 290)), small(window(image, 0)), *flows(290))


def test_another_picture_is_a_cut() -> None:
    pictures = [small(window(scene(seed), 100)) for seed in range(14)]
    for index, image in enumerate(pictures):
        for other in pictures[:index]:
            assert not goes_on(image, other)
            for motion in ((0.0, 0.0), (4.0, 0.0), (120.0, -30.0)):
                assert not goes_on_along(image, other, *flows(*motion)), "whatever the vectors say"


def test_the_same_place_from_the_other_side_is_a_cut() -> None:
    """The same colours and shapes: mirrored, and from nearer."""
    for seed in SEEDS:
        image = scene(seed)
        nearer = cv2.resize(window(image, 180, 80)[60:150, 40:200], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)[:, ::-1]
        assert not goes_on(small(nearer), small(window(image, 100)))
        assert not goes_on_along(small(nearer), small(window(image, 100)), *flows(0))


@pytest.mark.parametrize("frames", [8, 12, 24])
def test_a_dissolve_is_no_cut_at_any_of_its_frames(frames: int) -> None:
    for seed in SEEDS:
        first, second = window(scene(seed), 100), window(scene(seed + 50), 100)
        steps = [small(first + (second - first) * step / frames) for step in range(frames + 1)]
        assert all(goes_on(after, before) for before, after in pairwise(steps))


def test_pictures_without_structure_differ_by_their_colour() -> None:
    def flat(level: float) -> Tensor:
        return small(np.full((HEIGHT, WIDTH, 3), level))

    assert goes_on(flat(0.5), flat(0.5)) and goes_on(flat(0.0), flat(0.02)) and not goes_on(flat(0.0), flat(0.9))
    structure = small(window(scene(0)))
    assert not goes_on(structure, flat(0.0)) and not goes_on(flat(1.0), structure)
    assert goes_on_along(flat(0.5), flat(0.5), *flows(3))


def test_nothing_to_be_seen_of_the_picture_before_is_a_cut() -> None:
    image = small(window(scene(0), 100))
    assert not goes_on_along(image, image, *flows(1e5)), "every vector leads out of the picture"
    backward, forward, known = flows(0)
    assert not goes_on_along(image, image, backward, forward, torch.zeros_like(known))
    assert not goes_on_along(image, image, backward, forward + 50, known), "the vectors contradict each other"


def test_agreement_is_a_correlation() -> None:
    random = torch.Generator().manual_seed(0)
    image, other = torch.rand(1, 3, 60, 80, generator=random), torch.rand(1, 3, 60, 80, generator=random)
    everywhere = torch.ones(1, 1, 60, 80)
    assert agreement(image, image, everywhere) == pytest.approx(1.0, abs=0.1)
    assert agreement(image, 1 - image, everywhere) == pytest.approx(-1.0, abs=0.1)
    assert agreement(image, other, everywhere) == pytest.approx(0.0, abs=0.05)
    assert agreement(image, 0.2 + 0.3 * image, everywhere) == pytest.approx(agreement(image, image, everywhere), abs=0.02)
    half = everywhere.clone()
    half[..., 40:] = 0
    mixed = torch.where(half > 0, image, other)
    assert agreement(image, mixed, half) == pytest.approx(agreement(image, image, half), abs=1e-6)
    assert 0.3 < agreement(image, mixed, everywhere) < 0.7


def test_small_pictures_and_flows() -> None:
    picture = torch.rand(1, 3, 90, 2 * SIDE)
    assert torch.allclose(shrink(picture), torch.nn.functional.avg_pool2d(picture, 2), atol=1e-6)
    assert shrink(picture[..., :SIDE]).shape == (1, 3, 90, SIDE)
    flow = pixel_grid(90, 160)  # its own position
    halved = shrink_flow(flow, 45, 80)
    assert torch.equal(halved[0, 10, 20], torch.tensor([41.0, 21.0]) / 2)
    share, value = agreement_along(shrink(picture), shrink(picture), *flows(0))[::-1]
    assert share == 1.0 and value > 0.9


@pytest.mark.parametrize("rows", [12, 20])
def test_a_strip_of_a_picture_is_compared_too(rows: int) -> None:
    """A panorama of 16:1 is 128×8 pixels small, less than the search for motion takes."""
    image, other = scene(1), scene(2)
    assert goes_on(small(window(image, 104)[:rows]), small(window(image, 100)[:rows]))
    assert not goes_on(small(window(image, 104)[:rows]), small(window(other, 100)[:rows]))
