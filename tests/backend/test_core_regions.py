"""Regions with a look of their own, paintings blended, and whose colours the result has."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from support_core import network, picture
from torch import Tensor

from lwsw.core.colour import color_statistics, luma, recolor, recoloring, with_luma_of
from lwsw.core.flow import visibility
from lwsw.core.guidance import Guidance
from lwsw.core.look_painter import Method, fit_painting
from lwsw.core.metrics import relative_gram_errors, style_loss
from lwsw.core.objective import style_targets
from lwsw.core.sequence import Frame, ShotState, Stylizer
from lwsw.profiles import FrameValues, LayerWeights, Look

LAYERS = {"relu1_1": 1.0, "relu2_1": 1.0}
PAINTINGS = [picture(50, 60, 9), 0.25 + 0.5 * picture(40, 40, 10).flip(1)]
BACKGROUND = Look(LayerWeights(LAYERS), style_weights=(1.0, 0.0), frequency_exponent=0.5)
OBJECT = replace(BACKGROUND, style_weights=(0.0, 1.0))
HEIGHT, WIDTH = 48, 96


def disc(middle: float, radius: float = 14.0) -> Tensor:
    """An antialiased disc, ``1×1×H×W``."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return (radius - ((y - HEIGHT / 2) ** 2 + (x - middle) ** 2).sqrt() + 0.5).clamp(0, 1)[None, None]


def stylizer(looks: int, iterations: int = 8, first_iterations: int = 30) -> Stylizer:
    return Stylizer(network(), PAINTINGS, [LAYERS] * looks, Method(iterations, first_iterations))


def paint(frame: Frame, before: ShotState | None = None) -> ShotState:
    return stylizer(1 + len(frame.masks)).stylize(frame, before.looks if before else None)


def frame_with(*regions: tuple[Look, Tensor], look: Look = BACKGROUND, seed: int = 3) -> Frame:
    values = FrameValues(look, 1.0, tuple(some for some, _ in regions))
    return Frame(1, picture(HEIGHT, WIDTH, seed), values, masks=tuple(mask for _, mask in regions))


@pytest.fixture(scope="module")
def painted() -> ShotState:
    return paint(frame_with((OBJECT, disc(30))))


def test_what_an_object_is_given_changes_nothing_outside_of_it(painted: ShotState) -> None:
    outside = (disc(30) == 0).expand(-1, 3, -1, -1)
    for other in (BACKGROUND, replace(OBJECT, layer_weights=LayerWeights({"relu1_1": 5.0})), replace(OBJECT, strength=0.0)):
        changed = paint(frame_with((other, disc(30)))).image
        assert torch.equal(changed[outside], painted.image[outside])
        assert float((changed - painted.image)[~outside].abs().mean()) > 0.01


def test_a_region_leaves_the_rest_as_it_is_without_regions(painted: ShotState) -> None:
    outside = (disc(30) == 0).expand(-1, 3, -1, -1)
    assert torch.equal(painted.image[outside], paint(frame_with()).image[outside])


def test_an_object_has_no_rim_in_colours_that_answer_to_its_surroundings() -> None:
    """A grey painting on an object in a blue picture: its edge is as grey as its middle."""
    grey = replace(OBJECT, style_weights=(1.0, 0.0))
    blue = torch.tensor([0.2, 0.3, 0.9]).view(1, 3, 1, 1)
    mask = disc(40, 18.0)
    frame = frame_with((grey, mask), look=replace(BACKGROUND, strength=0.0))
    frame = replace(frame, color=torch.lerp(blue.expand_as(frame.color), luma(frame.color).expand_as(frame.color), mask))
    painter = Stylizer(network(), [luma(PAINTINGS[0]).expand(-1, 3, -1, -1)] * 2, [LAYERS] * 2, Method(8, 60))
    image = painter.stylize(frame, None).looks[1].image
    assert image is not None
    saturation = (image.amax(1) - image.amin(1))[0]
    edge, middle = (mask[0, 0] > 0.5) & (disc(40, 16.0)[0, 0] == 0), disc(40, 14.0)[0, 0] == 1
    assert float(saturation[edge].mean()) < 0.08 + float(saturation[middle].mean())


def test_objects_do_not_depend_on_each_other(painted: ShotState) -> None:
    both = paint(frame_with((OBJECT, disc(30)), (replace(OBJECT, style_weights=(0.5, 0.5)), disc(75, 12))))
    again = paint(frame_with((OBJECT, disc(30)), (BACKGROUND, disc(75, 12))))
    inside = (disc(30) == 1).expand(-1, 3, -1, -1)
    assert torch.equal(both.image[inside], again.image[inside])


def test_inside_the_style_is_as_close_as_when_the_whole_frame_has_that_painting() -> None:
    mask = disc(40, 22.0)  # wide beside what relu2_1 sees; at its rim any object is seen together with what is behind it
    frame = frame_with((OBJECT, mask))
    inside = paint(frame)
    targets = style_targets(network(), fit_painting(PAINTINGS[1], HEIGHT, WIDTH), LAYERS)
    calibration = inside.looks[1].calibration
    assert calibration is not None
    ours, whole, wrong = (
        style_loss(network(), image, targets, calibration, Guidance(mask))
        for image in (inside.image, paint(frame_with(look=OBJECT)).image, paint(frame_with()).image)
    )
    assert ours <= 1.1 * whole and ours < 0.5 * wrong


def test_an_object_left_alone_is_as_rendered() -> None:
    frame = frame_with((replace(OBJECT, strength=0.0), disc(30)))
    result = paint(frame).image
    inside = (disc(30) == 1).expand(-1, 3, -1, -1)
    assert torch.allclose(result[inside], frame.color[inside], atol=1e-6)
    assert float((result - frame.color)[~inside].abs().mean()) > 0.02


def test_with_strength_zero_the_picture_is_as_rendered() -> None:
    frame = frame_with(look=replace(BACKGROUND, strength=0.0, color="luminance"))
    assert torch.equal(paint(frame).image, frame.color)


@pytest.mark.parametrize("mask", [torch.zeros(1, 1, HEIGHT, WIDTH), disc(30, 3.0)])
def test_an_empty_or_tiny_region_is_painted_with_the_rest(mask: Tensor) -> None:
    result = paint(frame_with((OBJECT, mask)))
    assert result.looks[1].image is None
    assert torch.equal(result.image, paint(frame_with()).image)


def test_a_region_that_covers_everything_leaves_no_rest() -> None:
    result = paint(frame_with((OBJECT, torch.ones(1, 1, HEIGHT, WIDTH))))
    assert result.looks[0].image is None
    assert torch.isfinite(result.image).all()
    assert float((result.image - paint(frame_with(look=OBJECT)).image).abs().mean()) < 0.02


def test_a_region_goes_on_from_all_that_its_look_has_painted() -> None:
    """Deep layers see far beyond the region's edge. In a still shot its next frame must not begin with other surroundings."""
    deep = replace(OBJECT, layer_weights=LayerWeights({"relu3_1": 1.0}))
    frame, layers = frame_with((deep, disc(30))), [LAYERS, deep.layer_weights]
    painter = Stylizer(network(), PAINTINGS, layers, Method(4, 30))
    still = torch.zeros(1, HEIGHT, WIDTH, 2)
    later = replace(frame, number=2, flow=still, visibility=torch.ones(1, 1, HEIGHT, WIDTH), before=frame.color)
    first = painter.stylize(frame, None)
    second = painter.stylize(later, first.looks)
    one, two = (state.looks[1].image for state in (first, second))
    assert one is not None and two is not None
    around = (disc(30) == 0) & (disc(30, 24.0) == 1)
    assert float((two - one).mul(around).square().sum() / (3 * around.sum())) ** 0.5 < 0.02
    targets = {"relu3_1": style_targets(network(), fit_painting(PAINTINGS[1], HEIGHT, WIDTH), ["relu3_1"])["relu3_1"]}
    calibration = first.looks[1].calibration
    assert calibration is not None
    losses = [style_loss(network(), image, targets, calibration, Guidance(disc(30))) for image in (one, two)]
    assert losses[1] < 1.02 * losses[0]


def test_an_object_that_comes_into_view_later_continues_exactly_after_a_stop() -> None:
    """The state after each frame is all that the next one needs, whichever look was to be seen when."""
    still = torch.zeros(1, HEIGHT, WIDTH, 2)
    sees = visibility(still, still)
    nothing = torch.zeros(1, 1, HEIGHT, WIDTH)
    frames = [replace(frame_with((OBJECT, mask)), number=number) for number, mask in enumerate((nothing, disc(30), nothing, disc(32)), 1)]
    frames = [frames[0], *(replace(frame, flow=still, visibility=sees, before=before.color) for before, frame in pairwise(frames))]
    states: list[ShotState] = []
    for frame in frames:
        states.append(paint(frame, states[-1] if states else None))
    assert [state.looks[1].image is None for state in states] == [True, False, True, False]
    assert states[0].looks[1].calibration is None
    assert states[1].looks[1].calibration == states[3].looks[1].calibration is not None
    assert torch.equal(paint(frames[3], states[2]).image, states[3].image)


def test_blend_lies_between_its_paintings() -> None:
    looks = [replace(BACKGROUND, style_weights=shares) for shares in ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))]
    images = [paint(frame_with(look=look)).image for look in looks]
    targets = style_targets(network(), fit_painting(PAINTINGS[1], HEIGHT, WIDTH), LAYERS)
    errors = [sum(relative_gram_errors(network(), image, targets).values()) for image in images]
    assert errors[0] > errors[1] > errors[2]


# ------------------------------------------------------------------------------------------------------------------ colour


def yiq(image: Tensor) -> np.ndarray:
    matrix = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])  # NTSC
    return np.asarray(np.einsum("ij,jhw->ihw", matrix, image[0].double().numpy()))


def test_luminance_transfer_keeps_the_chroma_of_the_render() -> None:
    painted, render = picture(20, 30, 1), picture(20, 30, 2)
    result = yiq(with_luma_of(painted, render))
    assert np.allclose(result[0], yiq(painted)[0], atol=1e-6)
    assert np.allclose(result[1:], yiq(render)[1:], atol=2e-3)  # the textbook's matrix has three digits


def test_histogram_matching_gives_the_painting_the_statistics_of_the_source() -> None:
    painting, reference = picture(30, 40, 1), (picture(20, 30, 2) * torch.tensor([0.5, 0.9, 0.3]).view(1, 3, 1, 1) + 0.1)
    matched = recolor(painting, recoloring("histogram", painting, reference))
    pixels, wanted = (image[0].flatten(1).double().numpy() for image in (matched, reference))
    assert np.allclose(pixels.mean(1), wanted.mean(1), atol=1e-4)
    assert np.allclose(np.cov(pixels, bias=True), np.cov(wanted, bias=True), atol=1e-4)
    # of all maps that do so it moves colours least: its matrix is symmetric and positive (Brenier)
    matrix = recoloring("histogram", painting, reference)[:, :3].numpy()
    assert np.allclose(matrix, matrix.T, atol=1e-8) and (np.linalg.eigvalsh(matrix) > 0).all()


def test_recoloring_looks_only_at_its_region_and_survives_a_flat_picture() -> None:
    painting, reference = picture(30, 40, 1), picture(20, 30, 2)
    mask = torch.zeros(20, 30)
    mask[:, :10] = 1
    part = recoloring("histogram", painting, reference, mask)
    assert torch.allclose(part, recoloring("histogram", painting, reference[..., :10]), atol=1e-6)
    for mode in ("luminance", "histogram"):
        for pair in ((painting, torch.full_like(reference, 0.5)), (torch.full_like(painting, 0.5), reference)):
            assert torch.isfinite(recoloring(mode, *pair)).all()
    grey = recolor(painting, recoloring("luminance", painting, reference))
    assert torch.allclose(grey[:, :1].expand(-1, 3, -1, -1), grey, atol=1e-6)
    assert float(luma(grey).mean()) == pytest.approx(float(luma(reference).mean()), abs=1e-4)
    assert float(luma(grey).std()) == pytest.approx(float(luma(reference).std()), rel=1e-2)
    assert torch.equal(recoloring("painting", painting, reference)[:, :3], torch.eye(3, dtype=torch.float64))


def test_colour_modes_reach_the_result() -> None:
    frame = frame_with()
    results = {mode: paint(frame_with(look=replace(BACKGROUND, color=mode))).image for mode in ("painting", "luminance", "histogram")}
    assert np.allclose(yiq(results["luminance"])[1:], yiq(frame.color)[1:], atol=2e-3)
    wanted = color_statistics(frame.color)[0]
    far, near = (float((color_statistics(results[mode])[0] - wanted).norm()) for mode in ("painting", "histogram"))
    assert near < 0.5 * far or near < 0.02


@pytest.mark.parametrize("mode", ["painting", "luminance", "histogram"])
def test_shares_are_the_weights_at_the_reference_in_every_colour_mode(mode: str) -> None:
    frame = frame_with(look=replace(BACKGROUND, color=mode))
    painter = stylizer(1, first_iterations=2)
    (shares,) = painter.shares(frame, frame.color, painter.stylize(frame, None))
    assert shares == pytest.approx({"relu1_1": 0.5, "relu2_1": 0.5}, abs=0.002)
