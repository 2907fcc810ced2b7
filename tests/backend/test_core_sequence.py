"""A shot, frame by frame: known motion, known light, and what must not happen."""

from __future__ import annotations

import pytest
import torch
from support_core import network, picture

from lwsw.core.flow import visibility
from lwsw.core.look_painter import Method, fit_painting
from lwsw.core.metrics import relative_gram_errors, sharpness, squared_warping_error, style_loss
from lwsw.core.objective import calibrate, style_targets
from lwsw.core.sequence import Frame, ShotState, Stylizer
from lwsw.errors import Cancelled, LwswError
from lwsw.profiles import FrameValues, LayerWeights, Look

LAYERS = {"relu1_1": 1.0, "relu2_1": 1.0}
VALUES = FrameValues(Look(LayerWeights(LAYERS), frequency_exponent=0.5))
MOTION = 3.0


def stylizer(iterations: int = 6, first_iterations: int = 12, seed: int = 0) -> Stylizer:
    return Stylizer(network(), [picture(50, 60, 9)], [LAYERS], Method(iterations, first_iterations, seed=seed))


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """A wide picture seen through a window that moves three pixels to the right per frame."""
    wide = picture(40, 80, 3)
    backward = torch.zeros(1, 40, 60, 2)
    backward[..., 0] = MOTION
    result = [Frame(10, wide[..., :60].contiguous(), VALUES)]
    for step in (1, 2):
        color = wide[..., 3 * step : 3 * step + 60].contiguous()
        result.append(Frame(10 + step, color, VALUES, backward, visibility(backward, -backward), result[-1].color))
    return result


@pytest.fixture(scope="module")
def states(frames: list[Frame]) -> list[ShotState]:
    work, state, done = stylizer(), None, []
    for frame in frames:
        state = work.stylize(frame, state.looks if state else None)
        done.append(state)
    return done


def warping_error(states: list[ShotState], frames: list[Frame]) -> float:
    error = weight = 0.0
    for index in (1, 2):
        flow = frames[index].flow
        assert flow is not None
        more = squared_warping_error(states[index].image, states[index - 1].image, flow, -flow)
        error, weight = error + more[0], weight + more[1]
    return (error / weight) ** 0.5


def test_paint_sticks_to_what_moves(states: list[ShotState], frames: list[Frame]) -> None:
    alone = [stylizer(first_iterations=12).stylize(Frame(frame.number, frame.color, VALUES), None) for frame in frames]
    assert warping_error(states, frames) < 0.5 * warping_error(alone, frames)


def test_style_loss_falls_and_later_frames_keep_it(states: list[ShotState], frames: list[Frame]) -> None:
    targets = style_targets(network(), fit_painting(picture(50, 60, 9), 40, 60), LAYERS)
    calibration = calibrate(network(), frames[0].color, targets)
    before = style_loss(network(), frames[0].color, targets, calibration)
    after = [style_loss(network(), state.image, targets, calibration) for state in states]
    assert after[0] < 0.3 * before
    assert max(after[1:]) < 1.2 * after[0]
    assert set(relative_gram_errors(network(), states[0].image, targets)) == set(LAYERS)


def test_the_same_seed_gives_the_same_bytes_and_a_state_continues_exactly(states: list[ShotState], frames: list[Frame]) -> None:
    again = stylizer().stylize(frames[0], None)
    assert torch.equal(again.image, states[0].image)
    resumed = stylizer().stylize(frames[2], states[1].looks)  # another process would start here
    assert torch.equal(resumed.image, states[2].image)
    assert not torch.equal(stylizer(seed=1).stylize(frames[0], None).image, states[0].image)


def test_constants_of_the_shot_are_frozen(states: list[ShotState]) -> None:
    assert states[0].looks[0].calibration == states[1].looks[0].calibration == states[2].looks[0].calibration


def test_cancelling_stops_between_two_iterations(frames: list[Frame]) -> None:
    seen: list[tuple[int, int]] = []

    def stop(iteration: int, iterations: int) -> None:
        seen.append((iteration, iterations))
        if iteration == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        stylizer().stylize(frames[0], None, stop)
    assert seen == [(0, 12), (1, 12), (2, 12)]


def test_a_large_frame_is_painted_coarse_to_fine() -> None:
    seen: list[tuple[int, int]] = []
    stylizer(first_iterations=2).stylize(
        Frame(1, picture(200, 210), VALUES), None, lambda iteration, iterations: seen.append((iteration, iterations))
    )
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]


@pytest.mark.parametrize("size", [(4, 40), (40, 7)])
def test_frames_too_small_for_the_deepest_layer_are_said(size: tuple[int, int]) -> None:
    with pytest.raises(LwswError) as caught:
        stylizer().stylize(Frame(1, picture(40, 40)[..., : size[0], : size[1]], VALUES), None)
    assert caught.value.code == "image_too_small" and "8 pixels" in caught.value.hint


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    checkers = ((torch.arange(12)[:, None] + torch.arange(12)[None]) % 2).float().expand(1, 3, 12, 12)
    assert sharpness(checkers) == pytest.approx((4 * 255.0) ** 2)  # ±4·255 in turn
    assert sharpness(torch.full((1, 3, 12, 12), 0.5)) == pytest.approx(0.0, abs=1e-6)


def test_warping_error_of_a_known_difference() -> None:
    still = torch.zeros(1, 10, 10, 2)
    error, weight = squared_warping_error(torch.full((1, 3, 10, 10), 0.75), torch.full((1, 3, 10, 10), 0.5), still, still)
    assert (error / weight) ** 0.5 == pytest.approx(0.25) and weight == 300
