"""Composed flows and paths against motion that is known in closed form, and against surfaces that are known by name."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from lwsw.core.flow import disagreement, pixel_grid
from lwsw.core.metrics import METRIC_TOLERANCE
from lwsw.core.temporal_metrics import counted_pixels
from lwsw.core.trajectories import Path, compose

HEIGHT, WIDTH = 32, 48


def constant(x: float, y: float = 0.0) -> Tensor:
    return torch.tensor([x, y]).expand(1, HEIGHT, WIDTH, 2).contiguous()


def linear(matrix: Tensor) -> Tensor:
    """The flow that moves every pixel by a linear map around the picture's centre; bilinear sampling of it is exact."""
    centred = pixel_grid(HEIGHT, WIDTH) - torch.tensor([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    return centred @ matrix.mT - centred


def rotation(degrees: float, scale: float = 1.0) -> Tensor:
    angle = math.radians(degrees)
    return scale * torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def test_eight_turns_of_three_degrees_are_one_of_24() -> None:
    composed = compose([linear(rotation(3))] * 8)
    inner = (0, slice(10, 22), slice(12, 36))  # whose way stays inside the picture
    assert torch.allclose(composed[inner], linear(rotation(24))[inner], atol=2e-3)


def test_the_order_is_that_of_the_way() -> None:
    """First to the right, then away from the centre: the shift grows with it. The other way round it does not."""
    shift, growth = constant(4.0), linear(1.25 * torch.eye(2))
    centre = (0, 16, 24)
    moved_first, grown_first = compose([shift, growth])[centre], compose([growth, shift])[centre]
    offset = torch.tensor([0.5, 0.5])  # of that pixel from the centre
    assert torch.allclose(moved_first, 1.25 * (offset + torch.tensor([4.0, 0.0])) - offset, atol=1e-4)
    assert torch.allclose(grown_first, 0.25 * offset + torch.tensor([4.0, 0.0]), atol=1e-4)


def test_a_flow_prolonged_by_a_frame_is_that_of_all_frames() -> None:
    steps = [linear(rotation(2, 0.99)), constant(-1.5, 0.5), linear(rotation(-1, 1.01))]
    inner = (0, slice(8, 24), slice(8, 40))
    assert torch.allclose(compose([steps[0], compose(steps[1:])])[inner], compose(steps)[inner], atol=1e-3)


def test_the_first_step_is_the_check_of_neighbouring_frames() -> None:
    generator = torch.Generator().manual_seed(0)
    onward, back = (torch.randn(1, HEIGHT, WIDTH, 2, generator=generator) for _ in range(2))
    followed = Path.begin(onward, back, METRIC_TOLERANCE).followed
    assert torch.equal(followed, disagreement(onward, back, METRIC_TOLERANCE) <= 1.0) and 0.02 < followed.float().mean() < 0.98
    # and a later step is the same check where the path is
    still = torch.zeros(1, HEIGHT, WIDTH, 2)
    assert torch.equal(Path.begin(still, still, METRIC_TOLERANCE).step(onward, back).followed, followed)


def test_what_left_the_picture_does_not_count_when_it_comes_back() -> None:
    away = Path.begin(constant(5.0), constant(-5.0), METRIC_TOLERANCE)
    back = away.step(constant(-5.0), constant(5.0))
    assert (back.flow[0, :, : WIDTH - 5] == 0).all()
    assert back.followed[..., : WIDTH - 5].all() and not back.followed[..., WIDTH - 5 :].any()


def occluded(positions: list[float], top: int = 8, size: int = 14) -> tuple[list[tuple[Tensor, Tensor]], Tensor, Tensor]:
    """A square whose left edge is at the positions, before a wall at rest: flows of each pair of neighbours (back, forth), the square's
    pixels in the last frame, and which pixels of the last frame show what could be seen in every frame."""
    columns = torch.arange(WIDTH, dtype=torch.float32)
    rows = torch.zeros(HEIGHT, 1, dtype=torch.bool)
    rows[top : top + size] = True

    def mask(left: float) -> Tensor:
        return rows & ((columns >= left) & (columns < left + size))[None]

    flows = []
    for before, after in itertools.pairwise(positions):
        backward, forward = torch.zeros(1, HEIGHT, WIDTH, 2), torch.zeros(1, HEIGHT, WIDTH, 2)
        backward[0, ..., 0][mask(after)] = before - after
        forward[0, ..., 0][mask(before)] = after - before
        flows.append((backward, forward))
    square = mask(positions[-1])
    hidden = torch.stack([mask(left) for left in positions]).any(0) & ~square
    return flows, square, ~hidden


def look_back(flows: list[tuple[Tensor, Tensor]]) -> Path:
    path = Path.begin(*flows[-1], METRIC_TOLERANCE)
    for flow in flows[-2::-1]:
        path = path.step(*flow)
    return path


@pytest.mark.parametrize("positions", [[4, 8, 12, 16, 20, 24], [4, 12, 20, 12, 4]])
def test_what_a_square_hid_on_the_way_does_not_count(positions: list[float]) -> None:
    """In the second case the square is where it was at first: first and last frame are equal, and still what it hid is lost."""
    flows, square, expected = occluded(positions)
    path = look_back(flows)
    counted = counted_pixels(path, [forward for _, forward in flows])[0, 0]
    assert torch.equal(counted, expected)
    assert (path.flow[0, ..., 0][square] - (positions[0] - positions[-1])).abs().max() < 1e-3
    assert path.flow[0, ..., 0][~square & expected].abs().max() < 1e-3


def test_the_slow_outline_is_found_by_the_way_back() -> None:
    """At 0.4 px per frame every step passes its check (0.16 < 0.5 px²), also from one surface to the other."""
    flows, _, expected = occluded([10 + 0.4 * frame for frame in range(11)])
    path = look_back(flows)
    counted = counted_pixels(path, [forward for _, forward in flows])[0, 0]
    hidden = ~expected
    assert hidden.sum() == 14 * 4 and path.followed[0, 0][hidden].all()
    assert counted[hidden].float().mean() < 0.3
    assert counted[expected].float().mean() > 0.97
