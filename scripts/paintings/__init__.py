"""Paintings of the project's own, free to use, made by numpy and OpenCV: five manners that differ in palette and scale of marks.

    python scripts/paintings                             paints all five anew (about 40 seconds)
    python scripts/paintings woodcut cubist              only these
    python scripts/paintings --seed 3 --out DIR          other versions, somewhere else

impasto      night blue and gold; swirling strokes of thick paint, 3 to 300 pixels (the demo's default painting)
pointillist  bright, all colours; dabs of 4 to 13 pixels, no lines
woodcut      black on warm paper; engraved lines of 2 to 6 pixels
cubist       ochre, grey, teal; flat facets of 60 to 180 pixels, thick contours, dry strokes
watercolour  light, red and green on white; transparent washes with dark edges and granulation

The same seed gives the same painting. The stored files are JPEG in scripts/assets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from . import cubist, impasto, pointillist, watercolour, woodcut

__all__ = ["MANNERS", "load", "path", "save"]

ASSETS = Path(__file__).resolve().parent.parent / "assets"

#: What paints each manner: from a seed to H×W×3 uint8, sRGB.
MANNERS: dict[str, Callable[[int], np.ndarray]] = {
    "impasto": impasto.paint,
    "pointillist": pointillist.paint,
    "woodcut": woodcut.paint,
    "cubist": cubist.paint,
    "watercolour": watercolour.paint,
}


def path(name: str) -> Path:
    """Return where the stored painting of a manner is."""
    return ASSETS / "painting.jpg" if name == "impasto" else ASSETS / "paintings" / f"{name}.jpg"


def load(names: Iterable[str] = tuple(MANNERS), long_side: int = 768) -> dict[str, np.ndarray]:
    """Return stored paintings by manner: H×W×3 float32 in [0, 1], sRGB, reduced to at most `long_side` pixels.

    Raises:
        FileNotFoundError: a painting is not there or not a picture.
        KeyError: there is no such manner.
    """
    pictures = {}
    for name in names:
        if name not in MANNERS:
            raise KeyError(f"There is no painting {name!r}; there are {', '.join(MANNERS)}.")
        stored = cv2.imread(str(path(name)), cv2.IMREAD_COLOR)
        if stored is None:
            raise FileNotFoundError(f"{path(name)} is not there. Run python scripts/paintings {name} to paint it.")
        factor = long_side / max(stored.shape[:2])
        if factor < 1:
            size = (round(stored.shape[1] * factor), round(stored.shape[0] * factor))
            stored = cv2.resize(stored, size, interpolation=cv2.INTER_AREA)
        pictures[name] = stored[..., ::-1].astype(np.float32) / 255
    return pictures


def save(picture: np.ndarray, file: Path, quality: int = 92, limit: int | None = None) -> None:
    """Write H×W×3 uint8 sRGB, whole or not at all; a JPEG in the given quality, or the best below it that keeps to `limit` bytes.

    Raises:
        OSError: the file cannot be written.
        ValueError: its name does not end like a picture's.
    """
    suffix = file.suffix.lower()
    if not cv2.haveImageWriter(suffix):
        raise ValueError(f"{file} is no name of a picture. End it in .jpg or .png.")
    file.parent.mkdir(parents=True, exist_ok=True)
    jpeg = suffix in (".jpg", ".jpeg")
    while True:
        _, data = cv2.imencode(suffix, picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality] if jpeg else [])
        if limit is None or not jpeg or len(data) <= limit or quality <= 60:
            break
        quality -= 1
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_bytes(data.tobytes())
    unfinished.replace(file)
