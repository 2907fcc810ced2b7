"""Warps and visibility against known motion, OpenCV and hand-made occlusion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from support_core import picture

from lwsw.core.estimated_flow import DenseInverseSearch
from lwsw.core.flow import disagreement, visibility, warp


def constant_flow(height: int, width: int, x: float, y: float) -> torch.Tensor:
    return torch.tensor([float(x), float(y)]).expand(1, height, width, 2).contiguous()


def waves(height: int, width: int, shift_x: float = 0.0, shift_y: float = 0.0) -> torch.Tensor:
    """A picture known at every position, so that its exact shift is known too."""
    y, x = torch.meshgrid(torch.arange(height) + shift_y, torch.arange(width) + shift_x, indexing="ij")
    return torch.stack([0.5 + 0.4 * torch.sin(x / 3 + y / 7 + k) * torch.cos(y / 4 - k) for k in range(3)])[None]


def test_zero_flow_changes_nothing() -> None:
    image = picture(20, 30)
    assert torch.allclose(warp(image, constant_flow(20, 30, 0, 0)), image, atol=1e-6)


def test_whole_pixels_are_copied_exactly() -> None:
    image = picture(20, 30)
    warped = warp(image, constant_flow(20, 30, 3, -2))
    assert torch.allclose(warped[..., 2:, :-3], image[..., :-2, 3:], atol=1e-6)


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.25, -0.75), (-1.4, 2.6)])
def test_parts_of_pixels_are_close_to_the_exact_picture_and_closer_than_bilinear(shift: tuple[float, float]) -> None:
    image, exact = waves(40, 50), waves(40, 50, *shift)
    flow = constant_flow(40, 50, *shift)
    inner = (..., slice(6, -6), slice(6, -6))
    error = (warp(image, flow) - exact)[inner].square().mean().sqrt()
    y, x = np.mgrid[:40, :50].astype(np.float32)
    bilinear = cv2.remap(image[0].permute(1, 2, 0).numpy(), x + shift[0], y + shift[1], cv2.INTER_LINEAR)
    bilinear_error = np.sqrt(np.square(bilinear - exact[0].permute(1, 2, 0).numpy())[6:-6, 6:-6].mean())
    assert error < 0.002 and error < 0.5 * bilinear_error


def test_fifty_warps_lose_less_than_one_bilinear_warp() -> None:
    image = picture(64, 64)
    once = cv2.remap(
        image[0].permute(1, 2, 0).numpy(), *(np.mgrid[:64, :64].astype(np.float32)[::-1] + np.float32(0.5)), interpolation=cv2.INTER_LINEAR
    )
    warped = image
    for step in range(50):  # there and back
        warped = warp(warped, constant_flow(64, 64, 0.3 if step % 2 else -0.3, 0.0))
    contrast = float(warped[..., 16:-16, 16:-16].diff(dim=-1).std() / image[..., 16:-16, 16:-16].diff(dim=-1).std())
    bilinear = float(np.diff(once[16:-16, 16:-16], axis=1).std() / image[..., 16:-16, 16:-16].diff(dim=-1).std())
    assert contrast > bilinear and 0.7 < contrast < 1.15


def test_outside_the_edge_pixel_counts_and_nothing_is_visible() -> None:
    image = picture(16, 16)
    backward, forward = constant_flow(16, 16, -5, 0), constant_flow(16, 16, 5, 0)
    assert torch.isfinite(warp(image, backward)).all()
    seen = visibility(backward, forward)
    assert (seen[..., :5] == 0).all() and (seen[..., 5:] == 1).all()


def test_a_square_in_front_of_a_still_wall() -> None:
    """A square moves 4 pixels to the right: what it uncovers was not visible, everything else was."""
    height, width, left, right, motion = 32, 48, 16, 28, 4
    backward, forward = torch.zeros(1, height, width, 2), torch.zeros(1, height, width, 2)
    forward[:, 8:24, left:right, 0] = motion
    backward[:, 8:24, left + motion : right + motion, 0] = -motion
    seen = visibility(backward, forward)[0, 0]
    expected = torch.ones(height, width)
    expected[8:24, left : left + motion] = 0
    assert torch.equal(seen.round(), expected)
    assert (disagreement(backward, forward, 0.5)[0, 0, 8:24, left : left + motion] > 1).all()


def test_estimated_flow_finds_a_known_shift() -> None:
    big = picture(96, 120)
    image, other = big[..., 10:74, 10:90], big[..., 8:72, 7:87]  # what is at (x, y) in image is at (x + 3, y + 2) in other
    flow = DenseInverseSearch().flow(image.contiguous(), other.contiguous())[0, 16:-16, 16:-16]
    assert flow.median(0).values.median(0).values.tolist() == pytest.approx([3, 2], abs=0.2)
