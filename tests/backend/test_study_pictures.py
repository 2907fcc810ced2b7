"""The study's pictures: five paintings and four contents that are there offline, and differ enough to be worth a study."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import paintings  # noqa: E402
import study_contents  # noqa: E402
from paintings import cubist, pointillist, watercolour, woodcut  # noqa: E402


@pytest.fixture(scope="module")
def painted() -> dict[str, np.ndarray]:
    """Return the stored paintings."""
    return paintings.load()


def palette(picture: np.ndarray) -> np.ndarray:
    """Return how much of a picture falls into each of 4×4×4 bins of sRGB; sums to 1."""
    bins = (picture.reshape(-1, 3) * 3.999).astype(int) @ (16, 4, 1)
    return np.bincount(bins, minlength=64) / len(bins)


def texture(picture: np.ndarray) -> np.ndarray:
    """Return the shares of the light's variance in octaves of size (differences of Gaussians, sigma 0.7 to 90), and the coherence.

    Coherence is 1 where all gradients within some 10 pixels share a direction and 0 where none prevails (structure tensor); its mean over
    the picture, weighted by the gradients' energy.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    blurred = [grey, *(cv2.GaussianBlur(grey, (0, 0), 0.7 * 2**k) for k in range(8))]
    energy = np.array([((finer - coarser) ** 2).mean() for finer, coarser in itertools.pairwise(blurred)])
    right, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), 5) for product in (right * right, down * down, right * down))
    return np.append(energy / energy.sum(), np.hypot(xx - yy, 2 * xy).sum() / (xx + yy).sum())


def test_there_are_five_paintings_of_moderate_size(painted: dict[str, np.ndarray]) -> None:
    assert list(painted) == ["impasto", "pointillist", "woodcut", "cubist", "watercolour"]
    for name, picture in painted.items():
        assert picture.dtype == np.float32 and picture.shape[2] == 3, name
        assert max(picture.shape[:2]) == 768 and min(picture.shape[:2]) >= 512, name
        assert 0 <= picture.min() < 0.15 and 0.85 < picture.max() <= 1, name
        assert picture.std() > 0.1, name
        if name != "impasto":
            assert paintings.path(name).stat().st_size <= 250_000, name


def test_paintings_can_be_loaded_smaller() -> None:
    small = paintings.load(["cubist"], long_side=96)["cubist"]
    assert small.shape == (96, 78, 3)
    with pytest.raises(KeyError, match="fresco"):
        paintings.load(["fresco"])


def test_paintings_differ_in_palette_and_texture(painted: dict[str, np.ndarray]) -> None:
    palettes = {name: palette(picture) for name, picture in painted.items()}
    textures = {name: texture(picture) for name, picture in painted.items()}
    for one, other in itertools.combinations(painted, 2):
        common = np.minimum(palettes[one], palettes[other]).sum()
        assert common < 0.55, (one, other, common)
        apart = np.abs(textures[one] - textures[other]).sum()
        assert apart > 0.25, (one, other, apart)


def test_every_painting_speaks_at_several_scales(painted: dict[str, np.ndarray]) -> None:
    for name, picture in painted.items():
        share = texture(picture)[:8]
        fine, marks, large = share[:3].sum(), share[3:6].sum(), share[6:].sum()
        assert min(fine, marks, large) > 0.08, (name, fine, marks, large)


@pytest.mark.parametrize("manner", [pointillist, woodcut, cubist, watercolour])
def test_the_same_seed_gives_the_same_painting(manner: object) -> None:
    size = tuple(side // 4 for side in manner.SIZE)
    first = manner.paint(7, size)
    assert first.shape == (*size, 3) and first.dtype == np.uint8
    assert np.array_equal(first, manner.paint(7, size))
    assert np.abs(first.astype(int) - manner.paint(8, size)).mean() > 4


def test_the_stored_painting_is_the_one_that_the_code_paints(painted: dict[str, np.ndarray]) -> None:
    same, other = (np.abs(pointillist.paint(seed) / 255 - painted["pointillist"]).mean() for seed in (0, 1))
    assert same < 0.05 < 0.1 < other  # JPEG stores colour at half the size, which blurs dabs of unlike colours


def test_saving_keeps_to_the_limit_and_leaves_no_rest(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    paintings.save(noise, tmp_path / "full.jpg")
    whole = (tmp_path / "full.jpg").stat().st_size
    paintings.save(noise, tmp_path / "small.jpg", limit=whole * 3 // 4)
    assert (tmp_path / "small.jpg").stat().st_size <= whole * 3 // 4
    paintings.save(noise, tmp_path / "exact.png")
    assert np.array_equal(cv2.imread(str(tmp_path / "exact.png"))[..., ::-1], noise)
    with pytest.raises(ValueError, match=r"picture\.text"):
        paintings.save(noise, tmp_path / "picture.text")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["exact.png", "full.jpg", "small.jpg"]


def test_contents_are_there_offline_and_differ() -> None:
    pytest.importorskip("skimage")
    pictures = study_contents.contents()
    sizes = {"render": (288, 512), "portrait": (512, 512), "still-life": (400, 600), "animal": (300, 451)}
    assert {name: picture.shape[:2] for name, picture in pictures.items()} == sizes
    for name, picture in pictures.items():
        assert picture.dtype == np.float32 and picture.shape[2] == 3, name
        assert 0 <= picture.min() < 0.1 and 0.85 < picture.max() <= 1, name
        assert picture.std() > 0.1, name
    for one, other in itertools.combinations(pictures, 2):
        assert np.minimum(palette(pictures[one]), palette(pictures[other])).sum() < 0.7, (one, other)
    assert study_contents.STORED.stat().st_size <= 200_000


def test_photographs_are_those_of_scikit_image() -> None:
    data = pytest.importorskip("skimage.data")
    pictures = study_contents.contents(["portrait", "still-life", "animal"])
    for name, load in (("portrait", data.astronaut), ("still-life", data.coffee), ("animal", data.chelsea)):
        assert np.array_equal(np.round(pictures[name] * 255).astype(np.uint8), load()), name


def test_an_unknown_content_is_named() -> None:
    with pytest.raises(KeyError, match="landscape"):
        study_contents.contents(["landscape"])
