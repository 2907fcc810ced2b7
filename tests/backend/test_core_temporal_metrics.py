"""Measures over time against closed forms, scipy, scikit-image and numpy's own least squares."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from support_core import picture
from torch import Tensor

from lwsw.core.flow import carry
from lwsw.core.metrics import METRIC_TOLERANCE, masked_square, squared_warping_error
from lwsw.core.temporal_metrics import ColorTrend, StaticPixels, counted_pixels, flicker_energy, gaussian_blur, lab
from lwsw.core.trajectories import Path
from lwsw.evaluation.temporal import Controls, TemporalMeter

HEIGHT, WIDTH = 24, 60


def constant(x: float, y: float = 0.0) -> Tensor:
    return torch.tensor([x, y]).expand(1, HEIGHT, WIDTH, 2).contiguous()


def measured(results: list[Tensor], renders: list[Tensor], motion: float = 0.0) -> TemporalMeter:
    """A meter after a pan: what is at x in a frame was at x + motion in the one before."""
    meter, flow = TemporalMeter(), (constant(motion), constant(-motion))
    for index, (result, render) in enumerate(zip(results, renders, strict=True)):
        meter.add({"result": result, "render": render}, flow if index else None)
    meter.finish([flow] * (len(results) - 1))
    return meter


def wave(shift: float, length: float = 12.0, amplitude: float = 0.3) -> Tensor:
    """A grating along x, exact at any shift."""
    values = 0.5 + amplitude * torch.sin(2 * math.pi * (torch.arange(WIDTH, dtype=torch.float64) + shift) / length)
    return values.float().expand(1, 3, HEIGHT, WIDTH).contiguous()


def bilinear_error(fraction: float, length: float = 12.0, amplitude: float = 0.3) -> float:
    """Root mean square by which linear interpolation misses a sine."""
    angle = 2 * math.pi / length
    exact = complex(math.cos(angle * fraction), math.sin(angle * fraction))
    return amplitude / math.sqrt(2) * abs((1 - fraction) + fraction * complex(math.cos(angle), math.sin(angle)) - exact)


def test_one_frame_apart_it_is_the_warping_error_as_it_was() -> None:
    generator = torch.Generator().manual_seed(1)
    image, previous = picture(HEIGHT, WIDTH, 1), picture(HEIGHT, WIDTH, 2)
    backward = torch.randn(1, HEIGHT, WIDTH, 2, generator=generator)
    forward = 0.5 * torch.randn(1, HEIGHT, WIDTH, 2, generator=generator)
    path = Path.begin(backward, forward, METRIC_TOLERANCE)
    again = masked_square(image - carry(previous, path.flow), counted_pixels(path, [forward]))
    assert again == squared_warping_error(image, previous, backward, forward) and 0 < again[1] < image.numel()


def test_a_pan_by_whole_pixels_has_no_error_and_the_share_that_is_left_in_the_picture() -> None:
    motion, count = 3, 12
    wide = picture(HEIGHT, WIDTH + motion * count, 3)
    frames = [wide[..., motion * (count - index) : motion * (count - index) + WIDTH].contiguous() for index in range(count)]
    found = measured(frames, frames, -motion).measures()  # the picture moves to the right
    for suffix, lag in {"": 1, "_5": 5, "_10": 10, "_first_to_last": count - 1}.items():
        assert found[f"warping_error{suffix}"] < 1e-4 and found[f"warping_error{suffix}_of_render"] < 1e-4
        assert found[f"warping_share{suffix}"] == pytest.approx((WIDTH - motion * lag) / WIDTH)
    assert found["flicker"] < 1e-4 and found["flicker_share"] == pytest.approx((WIDTH - 4 * motion) / WIDTH)
    assert found["static_share"] == 0.0 and found["color_drift"] is None


def test_a_pan_by_parts_of_pixels_has_the_error_of_linear_interpolation() -> None:
    """The flows add up before the picture is sampled, once: after five frames of 0.6 px it is 3 px, and nothing is interpolated."""
    frames = [wave(-0.6 * index) for index in range(12)]
    found = measured(frames, frames, -0.6).measures()
    assert found["warping_error"] == pytest.approx(bilinear_error(0.6), rel=0.02)
    assert found["warping_error_5"] < 1e-4 and found["warping_error_10"] < 1e-4
    assert found["warping_error_first_to_last"] == pytest.approx(bilinear_error(0.6), rel=0.02)
    assert found["warping_share_5"] == pytest.approx((WIDTH - 3) / WIDTH)


def test_brightness_that_rises_evenly_is_an_error_and_no_flicker() -> None:
    """0.01 per frame: 0.01 δ over δ frames; the render rises by a fifth of it, and so has a fifth of the error."""
    count = 14
    results = [0.2 + 0.01 * index + 0.5 * picture(HEIGHT, WIDTH, 4) for index in range(count)]
    renders = [0.2 + 0.002 * index + 0.5 * picture(HEIGHT, WIDTH, 5) for index in range(count)]
    found = measured(results, renders).measures()
    for suffix, lag in {"": 1, "_5": 5, "_10": 10, "_first_to_last": count - 1}.items():
        assert found[f"warping_error{suffix}"] == pytest.approx(0.01 * lag, rel=1e-4)
        assert found[f"warping_ratio{suffix}"] == pytest.approx(5.0, rel=1e-3) and found[f"warping_share{suffix}"] == 1.0
    assert found["flicker"] < 1e-6


def test_the_flicker_of_a_light_that_blinks() -> None:
    """± a in turn over five frames: Σ (c − ĉ)² = 5a² − a²/5, so the flicker is a √(4.8 / 3)."""
    base = picture(HEIGHT, WIDTH, 6)
    results = [base + 0.02 * (-1) ** index for index in range(9)]
    renders = [base + 0.005 * (-1) ** index for index in range(9)]
    found = measured(results, renders).measures()
    assert found["flicker"] == pytest.approx(0.02 * math.sqrt(1.6), rel=1e-4)
    assert found["flicker_of_render"] == pytest.approx(0.005 * math.sqrt(1.6), rel=1e-3)
    assert found["flicker_ratio"] == pytest.approx(4.0, rel=1e-3)


def test_the_flicker_of_noise_is_its_deviation_and_that_of_numpys_line() -> None:
    generator = torch.Generator().manual_seed(2)
    colors = [0.5 + 0.05 * torch.randn(1, 3, 60, 80, generator=generator) for _ in range(5)]
    mask = torch.rand(1, 1, 60, 80, generator=generator) > 0.4
    square, weight = flicker_energy(colors, mask)
    assert (square / weight) ** 0.5 == pytest.approx(0.05, rel=0.02)
    series = torch.stack(colors).double()[:, 0, :, mask[0, 0]].flatten(1).numpy()
    residuals = np.polyfit(np.arange(5), series, 1, full=True)[1]
    assert square == pytest.approx(float(residuals.sum()) / 3, rel=1e-4) and weight == 3 * int(mask.sum())


def test_the_blur_is_that_of_scipy() -> None:
    from scipy.ndimage import gaussian_filter

    image = picture(20, 30, 7)
    expected = np.stack([gaussian_filter(channel, 1.0, mode="nearest", truncate=4.0) for channel in image[0].double().numpy()])
    assert np.abs(gaussian_blur(image)[0].numpy() - expected).max() < 1e-6


def test_lab_is_that_of_scikit_image() -> None:
    color = pytest.importorskip("skimage.color")
    image = torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(3))
    image[..., :6] *= 0.02  # the linear parts of both curves
    expected = color.rgb2lab(image[0].permute(1, 2, 0).double().numpy())
    assert np.abs(lab(image)[0].permute(1, 2, 0).numpy() - expected).max() < 0.02
    grey = lab(torch.linspace(0, 1, 20).expand(1, 3, 1, 20))
    assert grey[0, 1:].abs().max() < 1e-9 and grey[0, 0, 0, [0, -1]].tolist() == pytest.approx([0, 100])


def grey_of_lightness(lightness: float) -> Tensor:
    """The sRGB grey of an L above 8, written out backwards."""
    linear = ((lightness + 16) / 116) ** 3
    return torch.full((1, 3, HEIGHT, WIDTH), 1.055 * linear ** (1 / 2.4) - 0.055)


def test_a_known_drift_of_colour() -> None:
    """L rises by 0.02 per frame, 2 ΔE in 100 frames, and wobbles; the render has noise of less than 2/255."""
    generator = torch.Generator().manual_seed(4)
    results = [grey_of_lightness(50 + 0.02 * index + 0.1 * math.sin(1 + 2 * index)) for index in range(20)]
    renders = [0.5 + 0.002 * torch.rand(1, 3, HEIGHT, WIDTH, generator=generator) for _ in results]
    found = measured(results, renders).measures()
    wanted = np.polyfit(np.arange(20), [50 + 0.02 * index + 0.1 * math.sin(1 + 2 * index) for index in range(20)], 1)[0] * 100
    assert found["color_drift"] == pytest.approx(wanted, rel=1e-3) and 1.5 < wanted < 2.5
    assert found["color_drift_of_render"] < 0.05 and found["static_share"] == 1.0


def test_the_drift_is_the_slope_of_the_mean_colour_of_the_static_pixels() -> None:
    generator = torch.Generator().manual_seed(5)
    images = [torch.rand(1, 3, HEIGHT, WIDTH, generator=generator) for _ in range(11)]
    mask = torch.rand(1, 1, HEIGHT, WIDTH, generator=generator) > 0.7
    trend = ColorTrend(images[0])
    for image in images[1:]:
        trend.add(image)
    means = np.stack([lab(image)[0][:, mask[0, 0]].mean(1).numpy() for image in images])
    slope = np.polyfit(np.arange(11), means - means[0], 1)[0]
    assert trend.per_hundred_frames(mask) == pytest.approx(100 * float(np.linalg.norm(slope)), rel=1e-4)
    few = torch.zeros_like(mask)
    few.view(-1)[:63] = True
    assert trend.per_hundred_frames(few) is None
    few.view(-1)[63] = True
    assert trend.per_hundred_frames(few) is not None


def test_nine_frames_are_too_few_for_a_drift() -> None:
    frames = [grey_of_lightness(50.0)] * 10
    assert measured(frames[:9], frames[:9]).measures()["color_drift"] is None
    assert measured(frames, frames).measures()["color_drift"] == pytest.approx(0.0, abs=1e-9)


def test_which_pixels_are_static() -> None:
    """Left a quarter changes by 3/255, the next one by 2/255, the third moves by 0.06 px a frame, the last by 0.04 and back."""
    quarter = WIDTH // 4
    render = torch.full((1, 3, HEIGHT, WIDTH), 0.5)
    static, path = StaticPixels(render), None
    for index in range(1, 5):
        later = render.clone()
        if index == 2:
            later[:, 1, :, :quarter] += 3 / 255
            later[:, 1, :, quarter : 2 * quarter] -= 2 / 255
        flow = torch.zeros(1, HEIGHT, WIDTH, 2)
        flow[:, :, 2 * quarter : 3 * quarter, 1] = 0.06
        flow[:, :, 3 * quarter :, 1] = 0.04 * (-1) ** index
        path = Path.begin(flow, -flow, METRIC_TOLERANCE) if path is None else path.step(flow, -flow)
        static.add(later, path)
        if index == 1:
            assert static.mask.all()
    expected = torch.zeros(WIDTH, dtype=torch.bool)
    expected[quarter : 2 * quarter] = expected[3 * quarter :] = True
    assert torch.equal(static.mask[0, 0], expected.expand(HEIGHT, WIDTH))


def test_the_first_result_is_carried_along_without_getting_softer() -> None:
    """Twelve frames of 0.25 px are 3 px: sampled once there, the picture is the first one again."""
    controls, first = Controls(), picture(HEIGHT, WIDTH, 8)
    flow = (constant(-0.25), constant(0.25))
    made = [controls.pictures(first if index == 0 else picture(HEIGHT, WIDTH, 9), flow if index else None) for index in range(13)]
    assert torch.equal(made[0]["propagate_only"], first)
    carried = made[-1]["propagate_only"]
    assert (carried[..., 3:] - first[..., :-3]).abs().max() < 1e-4
    assert (carried[..., :3] - first[..., :1]).abs().max() < 1e-4  # beyond the edge the nearest pixel
    half = 0.5 * (first[..., 1:] + first[..., :-1])
    assert (made[2]["propagate_only"][..., 1:] - half).abs().max() < 1e-4
    assert torch.equal(made[5]["blurred"], gaussian_blur(picture(HEIGHT, WIDTH, 9)))


def test_no_more_pictures_are_kept_than_the_longest_lag_needs() -> None:
    meter, flow = TemporalMeter(), (constant(0.0), constant(0.0))
    alive: list[Callable[[], Tensor | None]] = []
    most = 0
    for index in range(30):
        result = torch.zeros(1, 3, HEIGHT, WIDTH)
        alive.append(weakref.ref(result))
        meter.add({"result": result, "render": torch.zeros(1, 3, HEIGHT, WIDTH)}, flow if index else None)
        del result
        gc.collect()
        most = max(most, sum(kept() is not None for kept in alive))
    assert most == 12  # the last eleven and the first
