"""Estimated motion against known motion, and where it is trusted against the two inequalities written out pixel by pixel.

The pictures are sums of waves, known at every position: a motion is applied to positions, and no warp takes part.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from lwsw.core.estimated_flow import DenseInverseSearch, Raft, estimated_visibility

HEIGHT, WIDTH = 96, 144


def texture(positions: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the colours of an endless picture at positions ``H×W×2`` (x, y), ``H×W×3`` on [0, 1]: 60 waves of 5 to 60 pixels."""
    random = np.random.default_rng(seed)
    colours = np.zeros((*positions.shape[:2], 3))
    for _ in range(60):
        length, angle = math.exp(random.uniform(math.log(5), math.log(60))), random.uniform(0, 2 * math.pi)
        phase = positions @ np.array([math.cos(angle), math.sin(angle)]) * (2 * math.pi / length)
        colours += np.sin(phase[..., None] + random.uniform(0, 2 * math.pi, 3)) * length**0.5
    return np.clip(0.5 + 0.2 * colours / colours.std(), 0, 1)


def positions(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(float)
    return np.stack([x, y], -1)


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.float32(picture)).permute(2, 0, 1)[None].contiguous()


def moved(matrix: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a picture, the same one after the motion p → matrix·p + offset, and that motion as a flow."""
    here = positions()
    flow = here @ matrix.T + offset - here
    return texture(here), texture((here - offset) @ np.linalg.inv(matrix).T), flow


def around_the_middle(scale: float, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    angle = math.radians(degrees)
    matrix = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = np.array([WIDTH / 2, HEIGHT / 2])
    return matrix, middle - matrix @ middle


MOTIONS = {
    "part of a pixel": (np.eye(2), np.array([0.7, -0.4])),
    "some pixels": (np.eye(2), np.array([5.3, 3.1])),
    "zoom": around_the_middle(1.05, 0),
    "rotation": around_the_middle(1, 4),
}


@pytest.mark.parametrize("name", MOTIONS)
def test_known_motion_is_found(name: str) -> None:
    image, other, flow = moved(*MOTIONS[name])
    found = DenseInverseSearch().flow(tensor(image), tensor(other))
    assert found.shape == (1, HEIGHT, WIDTH, 2) and found.dtype == torch.float32
    there = positions() + flow
    inside = ((there >= 0) & (there <= [WIDTH - 1, HEIGHT - 1])).all(-1)
    error = np.linalg.norm(found[0].numpy() - flow, axis=-1)[inside]
    assert error.mean() < 0.15 and np.quantile(error, 0.95) < 0.5


def test_the_number_of_threads_changes_nothing() -> None:
    image, other, _ = moved(*MOTIONS["rotation"])
    before, flows = cv2.getNumThreads(), []
    try:
        for threads in (1, 2, 3, 8):
            cv2.setNumThreads(threads)
            flows.append(DenseInverseSearch().flow(tensor(image), tensor(other)))
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert all(torch.equal(flow, flows[0]) for flow in flows)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (9, 9), (12, 40), (40, 12), (16, 20), (17, 300)])
def test_pictures_of_any_size(height: int, width: int) -> None:
    image = tensor(texture(positions(height, width)))
    flow = DenseInverseSearch().flow(image, image)
    assert flow.shape == (1, height, width, 2) and flow.abs().max() < 0.2


def square_over_background(motion: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    """Return a frame, the one before, where the square was, and where it is now: it moved, the wall behind it did not."""
    here, (dx, dy) = positions(), motion
    before = (abs(here - [60, 44]) <= 20).all(-1)
    now = (abs(here - [60 + dx, 44 + dy]) <= 20).all(-1)
    wall, square, moved_square = texture(here), texture(here, seed=1), texture(here - [dx, dy], seed=1)
    previous, frame = np.where(before[..., None], square, wall), np.where(now[..., None], moved_square, wall)
    return tensor(frame), tensor(previous), before, now


def test_what_a_square_uncovers_is_not_trusted_and_everything_else_is() -> None:
    frame, previous, before, now = square_over_background((9, 5))
    search = DenseInverseSearch()
    trust = estimated_visibility(search.flow(frame, previous), search.flow(previous, frame))[0, 0].numpy()
    uncovered = before & ~now
    near = np.zeros_like(now)
    for mask in (before, now):  # within 5 pixels of an outline the smooth flow mixes two motions
        near |= cv2.dilate(np.uint8(mask), np.ones((11, 11))) != cv2.erode(np.uint8(mask), np.ones((11, 11)))
    assert trust[uncovered].mean() < 0.1
    assert trust[now & ~near].mean() > 0.98 and trust[~now & ~before & ~near].mean() > 0.98


def written_out(backward: np.ndarray, forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return left over right side of equations 3 and 4 of Ruder et al. 2016, pixel by pixel."""
    height, width = backward.shape[:2]
    uncovered, boundary = np.full((height, width), np.inf), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            u, v = backward[y, x]
            if -0.5 <= x + u <= width - 0.5 and -0.5 <= y + v <= height - 0.5:
                other = [map_coordinates(forward[..., axis], [[y + v], [x + u]], order=1, mode="nearest")[0] for axis in (0, 1)]
                left = (u + other[0]) ** 2 + (v + other[1]) ** 2
                uncovered[y, x] = left / (0.01 * (u * u + v * v + other[0] ** 2 + other[1] ** 2) + 0.5)
            gradient = 0.0
            for axis in (0, 1):
                row, column = backward[y, :, axis], backward[:, x, axis]
                gradient += ((row[min(x + 1, width - 1)] - row[max(x - 1, 0)]) / 2) ** 2
                gradient += ((column[min(y + 1, height - 1)] - column[max(y - 1, 0)]) / 2) ** 2
            boundary[y, x] = gradient / (0.01 * (u * u + v * v) + 0.002)
    return uncovered, boundary


def test_both_rules_hold_to_the_last_constant() -> None:
    random = np.random.default_rng(3)
    backward, forward = (cv2.GaussianBlur(random.normal(0, 20, (24, 30, 2)).astype(np.float32), (0, 0), 5) for _ in range(2))
    forward = forward * 0.3 - backward
    uncovered, boundary = written_out(backward, forward)
    for ratio in (uncovered, boundary):  # both rules decide somewhere, one way and the other
        assert 0.1 < (ratio > 1).mean() < 0.9
    trust = estimated_visibility(torch.from_numpy(backward)[None], torch.from_numpy(forward)[None])
    assert trust.shape == (1, 1, 24, 30)
    worst = np.maximum(uncovered, boundary)
    trusted = trust[0, 0].numpy()
    assert (trusted[worst <= 0.999] == 1).all() and (trusted[worst >= 4.001] == 0).all()
    between = (worst > 1.001) & (worst < 3.999)
    assert between.sum() > 20 and np.allclose(trusted[between], (4 - worst[between]) / 3, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(37, 50), (130, 201), (128, 136)])
def test_raft_gets_pictures_of_a_size_it_takes(height: int, width: int) -> None:
    """A network that answers with the colours it was given stands in: what counts is the way there and back."""
    seen: list[torch.Tensor] = []

    class Network(torch.nn.Module):
        def forward(self, image: torch.Tensor, other: torch.Tensor, num_flow_updates: int) -> list[torch.Tensor]:
            seen.extend((image, other))
            return [torch.full_like(image[:, :2], 99.0), image[:, :2]]  # one entry per update; the last one counts

    image, other = tensor(texture(positions(height, width))), tensor(texture(positions(height, width), seed=1))
    flow = Raft(Network()).flow(image, other)
    rows, columns = seen[0].shape[2:]
    assert rows % 8 == 0 and columns % 8 == 0 and min(rows, columns) >= 128
    assert rows < max(128, height + 8) + 1 and columns < max(128, width + 8) + 1
    assert torch.allclose(flow, (2 * image[:, :2] - 1).permute(0, 2, 3, 1), atol=1e-6)
    top, left = (rows - height) // 2, (columns - width) // 2
    padding = ((0, 0), (0, 0), (top, rows - height - top), (left, columns - width - left))
    for padded, original in zip(seen, (image, other), strict=True):
        assert np.array_equal(padded.numpy(), np.pad((2 * original - 1).numpy(), padding, mode="edge"))
