"""Texture scale against gratings and noise whose spectra are known in closed form. Everything synthetic is made in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import iv
from torch import Tensor

from lwsw.core.texture_scale import TextureScale, texture_scale

_HUES = np.array([[0.6, 0.3, -0.4], [0.1, -0.5, 0.6], [0.5, 0.4, 0.5]])  # invertible; mixes three textures into colours


def tensor(picture: np.ndarray) -> Tensor:
    """``H×W`` or ``3×H×W`` → ``1×3×H×W`` float32."""
    picture = np.broadcast_to(picture, (3, *picture.shape[-2:]))
    return torch.from_numpy(np.ascontiguousarray(picture, dtype=np.float32))[None]


def grating(height: int, width: int, wavelength: float, direction: float) -> np.ndarray:
    """A sine wave on [-1, 1] whose crests run in ``direction`` degrees, counted upwards from the horizontal."""
    row, column = np.mgrid[:height, :width]
    across = math.radians(direction + 90.0)
    return np.sin(2 * np.pi * (column * math.cos(across) - row * math.sin(across)) / wavelength + 0.7)


def noise(
    height: int, width: int, wavelength: float, spread: float = 0.2, direction: float = 0.0, focus: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Gaussian noise of variance 1 and power exp(−ln²(f λ)/s²) · exp(κ cos 2(θ − θ₀)), marks running in ``direction``.

    Over the plane, the mean of ln f is −ln λ + s² (s² from the area element f df dθ), and |E e^{2iθ}| is I₁(κ)/I₀(κ).
    """
    vertical, horizontal = -np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    frequency = np.maximum(np.hypot(vertical, horizontal), 1e-9)
    angle = np.arctan2(vertical, horizontal) - math.radians(direction + 90.0)
    power = np.exp(-((np.log(frequency * wavelength) / spread) ** 2) + focus * (np.cos(2 * angle) - 1))
    white = np.random.default_rng(seed).standard_normal((height, width))
    result = np.fft.ifft2(np.fft.fft2(white) * np.sqrt(power)).real
    return (result - result.mean()) / result.std()


def photograph(height: int, width: int, seed: int) -> np.ndarray:
    """Coloured noise with the power of natural pictures, 1/f², ``3×H×W`` on [0, 1]."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    white = np.random.default_rng(seed).standard_normal((3, height, width))
    channels = np.tensordot(np.abs(_HUES), np.fft.ifft2(np.fft.fft2(white) / frequency).real, 1)
    low, high = channels.min(axis=(1, 2), keepdims=True), channels.max(axis=(1, 2), keepdims=True)
    return (channels - low) / (high - low)


def painted(height: int = 128, width: int = 160, wavelength: float = 9.0) -> np.ndarray:
    """Marks of three colours and sizes on [0, 1]."""
    layers = [noise(height, width, wavelength * factor, 0.3, 20.0, 1.0, seed) for seed, factor in enumerate((1.0, 0.8, 1.3))]
    return np.clip(0.5 + 0.12 * np.tensordot(_HUES, np.stack(layers), 1), 0.02, 0.98)


def same(result: TextureScale, reference: TextureScale, relative: float, degrees: float) -> bool:
    turned = abs(result.orientation - reference.orientation) % 180.0
    return result.wavelength == pytest.approx(reference.wavelength, rel=relative) and min(turned, 180.0 - turned) <= degrees


# ------------------------------------------------------------------------------------------------ known wavelength, known direction


@pytest.mark.parametrize("size", [(128, 128), (96, 160), (201, 120)])
@pytest.mark.parametrize("wavelength", [2.5, 3.0, 7.3, 12.0, 23.0])
@pytest.mark.parametrize("direction", [0.0, 30.0, 90.0, 117.0])
def test_grating(size: tuple[int, int], wavelength: float, direction: float) -> None:
    measured = texture_scale(tensor(0.5 + 0.3 * grating(*size, wavelength, direction)))
    assert same(measured, TextureScale(wavelength, direction, 1.0), 0.01, 0.5), measured
    assert 0.95 < measured.coherence <= 1.0
    assert 0.0 <= measured.orientation < 180.0


@pytest.mark.parametrize(("size", "tolerance"), [((200, 240), 0.01), ((128, 192), 0.06)])
def test_grating_of_48_pixels(size: tuple[int, int], tolerance: float) -> None:
    for direction in (0.0, 45.0, 90.0):
        measured = texture_scale(tensor(0.5 + 0.3 * grating(*size, 48.0, direction)))
        assert same(measured, TextureScale(48.0, direction, 1.0), tolerance, 1.5), measured


@pytest.mark.parametrize("wavelength", [4.0, 8.0, 16.0, 30.0])
def test_isotropic_noise(wavelength: float) -> None:
    spread = 0.2
    measured = [texture_scale(tensor(0.5 + 0.1 * noise(180, 240, wavelength, spread, seed=seed))) for seed in range(4)]
    assert np.exp(np.mean([np.log(one.wavelength) for one in measured])) == pytest.approx(wavelength * math.exp(-(spread**2)), rel=0.03)
    assert all(one.coherence < (0.1 if wavelength < 10 else 0.35) for one in measured)  # fewer marks, more chance


@pytest.mark.parametrize(("direction", "focus"), [(15.0, 1.0), (100.0, 4.0), (170.0, 2.0)])
def test_oriented_noise(direction: float, focus: float) -> None:
    measured = texture_scale(tensor(0.5 + 0.1 * noise(200, 160, 6.0, 0.2, direction, focus)))
    assert same(measured, TextureScale(6.0 * math.exp(-0.04), direction, 0.0), 0.03, 4.0), measured
    assert measured.coherence == pytest.approx(iv(1, focus) / iv(0, focus), abs=0.05)


def test_white_noise_and_checkerboard() -> None:
    # the mean of ln|f| over the square |fx|, |fy| ≤ ½ is ½ ln 2 + π/4 − 3/2 − ln 2
    expected = math.exp(0.5 * math.log(2) - math.pi / 4 + 1.5)
    measured = texture_scale(tensor(np.random.default_rng(0).random((3, 200, 160))))
    assert measured.wavelength == pytest.approx(expected, rel=0.015)
    assert measured.coherence < 0.03
    checkerboard = texture_scale(tensor(0.3 + 0.4 * (np.indices((64, 80)).sum(0) % 2)))
    assert checkerboard.wavelength == pytest.approx(math.sqrt(2), rel=0.02)
    assert checkerboard.coherence < 0.01  # both diagonals alike


def test_twice_as_large_is_twice_the_wavelength() -> None:
    height, width = 96, 120
    small = noise(height, width, 6.0, 0.5, 70.0, 1.0)
    spectrum = np.zeros((2 * height, 2 * width), complex)
    rows, columns = np.fft.fftfreq(height, 1 / height).astype(int), np.fft.fftfreq(width, 1 / width).astype(int)
    spectrum[np.ix_(rows, columns)] = np.fft.fft2(small)  # sinc interpolation
    large = np.fft.ifft2(spectrum).real * 4
    first, second = texture_scale(tensor(0.5 + 0.1 * small)), texture_scale(tensor(0.5 + 0.1 * large))
    assert same(second, TextureScale(2 * first.wavelength, first.orientation, 0.0), 0.01, 1.0), (first, second)


def test_a_mixture_is_the_geometric_mean_weighted_by_variance() -> None:
    fine, coarse = noise(192, 192, 4.0, seed=1), noise(192, 192, 16.0, seed=2)
    alone = [math.log(texture_scale(tensor(0.5 + 0.1 * texture)).wavelength) for texture in (fine, coarse)]
    results = []
    for share in (0.2, 0.5, 0.8):
        mixed = math.sqrt(1 - share) * fine + math.sqrt(share) * coarse
        results.append(texture_scale(tensor(0.5 + 0.1 * mixed)).wavelength)
        assert results[-1] == pytest.approx(math.exp((1 - share) * alone[0] + share * alone[1]), rel=0.05)
    assert results == sorted(results)


@pytest.mark.parametrize("wavelength", [5.0, 40.0])
def test_a_transposed_picture_has_the_same_scale(wavelength: float) -> None:
    picture = 0.5 + 0.1 * noise(90, 120, wavelength, 0.3, 5.0, 1.0)
    first, second = texture_scale(tensor(picture)), texture_scale(tensor(picture.T))
    assert same(second, TextureScale(first.wavelength, 270.0 - first.orientation, 0.0), 1e-6, 1e-3)
    assert second.coherence == pytest.approx(first.coherence, abs=1e-6)


def test_a_gradient_across_the_picture_is_no_texture() -> None:
    marks, ramp = 0.1 * grating(96, 128, 6.0, 30.0), np.linspace(-0.4, 0.4, 128)[None, :]
    assert texture_scale(tensor(0.5 + marks + ramp)).wavelength == pytest.approx(6.0, rel=0.03)


def test_composition_hardly_counts() -> None:
    """One wave over the picture with 16 times the power of the marks: with a sine for a window it would read 7.7 px."""
    marks, wave = 0.1 * grating(96, 128, 6.0, 30.0), 0.4 * np.sin(2 * np.pi * np.arange(128) / 160 + 1)[None, :]
    assert texture_scale(tensor(0.5 + marks + wave)).wavelength == pytest.approx(6.0, rel=0.16)


# ------------------------------------------------------------------------------------------------------------- tone and palette


def _turned_hue(degrees: float) -> np.ndarray:
    """Rotation about the grey axis (Rodrigues)."""
    angle = math.radians(degrees)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    return math.cos(angle) * np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * np.full((3, 3), 1 / 3)


_SATURATION = 0.5 * np.eye(3) + 0.5 * np.tile([0.299, 0.587, 0.114], (3, 1))


@pytest.mark.parametrize("with_render", [False, True])
@pytest.mark.parametrize(
    ("matrix", "offset"),
    [
        (0.5 * np.eye(3), 0.25),  # contrast
        (np.eye(3), 0.1),  # brightness
        (-np.eye(3), 1.0),  # inversion
        (np.eye(3)[[2, 0, 1]], 0.0),  # channels exchanged
        (_turned_hue(75.0), 0.0),
        (_SATURATION, 0.0),
        (np.diag([1.0, 0.7, 0.4]), 0.0),  # warmer
    ],
    ids=["contrast", "brightness", "inversion", "permutation", "hue", "saturation", "balance"],
)
def test_affine_changes_of_colour_change_nothing(matrix: np.ndarray, offset: float, with_render: bool) -> None:
    picture = painted()
    render = tensor(photograph(*picture.shape[1:], seed=5)) if with_render else None
    before = texture_scale(tensor(picture), render)
    after = texture_scale(tensor(np.tensordot(matrix, picture, 1) + offset), render)
    assert same(after, before, 1e-4, 0.01), (before, after)
    assert after.coherence == pytest.approx(before.coherence, abs=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 0.7, 1.4, 2.0])
def test_tone_curves_change_little(gamma: float) -> None:
    before, after = (texture_scale(tensor(picture)) for picture in (painted(), painted() ** gamma))
    assert same(after, before, 0.03, 2.0), (before, after)


@pytest.mark.parametrize("wavelength", [4.0, 10.0, 20.0])
def test_marks_are_found_on_a_photograph_with_other_tones_and_palette(wavelength: float) -> None:
    render = photograph(144, 192, seed=3)
    marks = 0.06 * np.tensordot(_HUES, np.stack([noise(144, 192, wavelength, 0.2, 60.0, 2.0, seed) for seed in range(3)]), 1)
    alone = texture_scale(tensor(0.5 + marks))
    recoloured = np.tensordot(np.array([[0.2, 0.1, 0.5], [0.4, 0.4, 0.0], [-0.5, 0.1, 0.2]]), render**1.6, 1) + 0.2
    for base in (render, recoloured):
        measured = texture_scale(tensor(base + marks), tensor(render))
        assert same(measured, alone, 0.05, 4.0)
        assert measured.coherence == pytest.approx(alone.coherence, abs=0.08)
    without = texture_scale(tensor(recoloured + marks))  # so the render does matter
    assert without.coherence < alone.coherence - 0.15


def test_a_gamma_over_everything_keeps_the_marks() -> None:
    render = photograph(144, 192, seed=3)
    marks = 0.06 * np.stack([noise(144, 192, 8.0, 0.3, seed=seed) for seed in range(3)])
    alone = texture_scale(tensor(0.5 + marks))
    for gamma in (0.5, 2.0):
        measured = texture_scale(tensor(np.clip(0.15 + 0.7 * render + marks, 0, 1) ** gamma), tensor(render))
        assert measured.wavelength == pytest.approx(alone.wavelength, rel=0.05)


def test_a_grey_render_explains_as_much_as_a_grey_can() -> None:
    grey = photograph(96, 128, seed=1)[:1]
    marks = 0.1 * noise(96, 128, 7.0)
    measured = texture_scale(tensor(0.2 + 0.5 * grey**2 + marks), tensor(grey))
    assert measured.wavelength == pytest.approx(texture_scale(tensor(0.5 + marks)).wavelength, rel=0.03)


def test_faint_coloured_grain_counts_little() -> None:
    strokes = 0.5 + 0.2 * grating(128, 128, 16.0, 45.0)
    grain = 0.004 * np.random.default_rng(0).standard_normal((3, 128, 128))
    assert texture_scale(tensor(strokes + grain)).wavelength == pytest.approx(16.0, rel=0.2)
    # with the strength of the strokes, each of the two components of grain counts like them
    strong = np.stack([strokes, *(0.5 + 50 * grain[1:])])
    assert 4.0 < texture_scale(tensor(strong)).wavelength < 6.0


# ----------------------------------------------------------------------------------------------------- nothing to measure; masks


def _nothing(measured: TextureScale) -> bool:
    return math.isnan(measured.wavelength) and math.isnan(measured.orientation) and measured.coherence == 0.0


def test_nothing_painted_is_nothing_measured() -> None:
    render = photograph(64, 80, seed=2)
    assert _nothing(texture_scale(torch.full((1, 3, 64, 80), 0.4)))
    assert _nothing(texture_scale(torch.full((1, 3, 64, 80), 0.4), tensor(render)))
    assert _nothing(texture_scale(tensor(render), tensor(render)))
    assert _nothing(texture_scale(tensor(np.round(render * 255) / 255), tensor(render)))  # as an 8-bit file
    cubic = 0.1 + 0.5 * render[[1, 2, 0]] ** 3 + 0.3 * render * render[::-1] - 0.1 * render
    assert _nothing(texture_scale(tensor(cubic), tensor(render)))
    assert not _nothing(texture_scale(tensor(render)))
    flat = texture_scale(tensor(0.5 + 0.1 * grating(64, 80, 6.0, 90.0)), torch.full((1, 3, 64, 80), 0.4))
    assert flat.wavelength == pytest.approx(6.0, rel=0.01)


@pytest.mark.parametrize("height", [1, 2, 3, 5, 8, 9, 12])
@pytest.mark.parametrize("width", [1, 4, 9, 40])
def test_tiny_pictures(height: int, width: int) -> None:
    picture = tensor(np.random.default_rng(0).random((3, height, width)))
    for render in (None, tensor(photograph(height, width, 1)) if min(height, width) > 1 else picture):
        measured = texture_scale(picture, render)
        if min(height, width) < 9:
            assert _nothing(measured)
        elif render is None:
            assert 1.4 < measured.wavelength < 4.5


def test_a_mask_says_where() -> None:
    picture = np.concatenate([0.5 + 0.2 * grating(96, 80, 4.0, 20.0), 0.5 + 0.2 * grating(96, 80, 14.0, 120.0)], axis=1)
    left = torch.zeros(1, 1, 96, 160)
    left[..., :80] = 1.0
    row, column = np.mgrid[:96, :160]
    disc = torch.from_numpy(((row - 50) ** 2 + (column - 118) ** 2 < 35**2).astype(np.float32))[None, None]
    assert same(texture_scale(tensor(picture), None, left), TextureScale(4.0, 20.0, 1.0), 0.01, 0.5)
    assert same(texture_scale(tensor(picture), None, 1 - left), TextureScale(14.0, 120.0, 1.0), 0.01, 1.0)
    assert same(texture_scale(tensor(picture), None, disc), TextureScale(14.0, 120.0, 1.0), 0.01, 1.0)
    whole = texture_scale(tensor(picture))
    assert 5.0 < whole.wavelength < 11.0
    assert texture_scale(tensor(picture), None, torch.ones(1, 1, 96, 160)) == whole
    # nothing outside has any influence, and neither has a render there
    render = tensor(photograph(96, 160, 4))
    other, other_render = tensor(picture), render.clone()
    other[..., 80:], other_render[..., 80:] = 0.9, 0.1
    assert texture_scale(other, other_render, left) == texture_scale(tensor(picture), render, left)


def test_empty_and_thin_masks() -> None:
    picture = tensor(painted(64, 64))
    mask = torch.zeros(1, 1, 64, 64)
    assert _nothing(texture_scale(picture, None, mask))
    mask[..., 30:35, :] = 1.0
    assert _nothing(texture_scale(picture, None, mask))
