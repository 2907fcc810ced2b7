"""The package pastiche, an independent implementation, as the study and the benchmarks compare with it: its pictures, constants and units.

Two things must be right before its numbers can stand beside ours. Both programs must read the same picture: pastiche reads 8 bits, and its
pooling drops what a size that 16 does not divide leaves over, where ours keeps it. And its picture is BGR in levels from 0 to 255, less the
mean of VGG-19's training pictures, where ours is RGB on [0, 1].
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

# torch is loaded where it is needed: the benchmarks first say how its threads shall wait
if TYPE_CHECKING:
    import numpy as np
    from pastiche.pastiche import PasticheArtist
    from torch import Tensor

    from lwsw.core.vgg import VGG19

#: What the sides of a picture must be multiples of, in pixels: the four poolings before relu5_1 halve it exactly then.
MULTIPLE = 16

#: pastiche's default constants: Σ_l 10/C² mse(G_l) + 0.01 mse(F), G_l and F of levels from 0 to 255.
STYLE_CONSTANT, CONTENT_CONSTANT = 10.0, 0.01


def nearest_multiple(length: float) -> int:
    """Return the multiple of 16 that is nearest to a length in pixels, at least 16."""
    return max(MULTIPLE, MULTIPLE * round(length / MULTIPLE))


def crop_to_multiple(image: Tensor) -> Tensor:
    """Return the part of a picture, ``1×3×H×W``, whose sides are multiples of 16: the rows and columns from the upper left."""
    height, width = image.shape[2:]
    return image[..., : height // MULTIPLE * MULTIPLE, : width // MULTIPLE * MULTIPLE]


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write a picture that both programs read alike: an 8-bit PNG.

    Args:
        path: of the PNG.
        pixels: H,W,3 RGB on [0, 1], rounded to levels of 255; sides are multiples of 16.
    """
    import cv2
    import numpy as np

    if pixels.shape[0] % MULTIPLE or pixels.shape[1] % MULTIPLE:
        raise ValueError(f"{path.name} is {pixels.shape[1]}×{pixels.shape[0]} pixels: both sides must be multiples of {MULTIPLE}.")
    cv2.imwrite(str(path), (pixels[..., ::-1] * 255).round().clip(0, 255).astype(np.uint8))


def make_artist(content: Path, painting: Path, **constants: Any) -> PasticheArtist:
    """Return pastiche on the processor, with both pictures in their own sizes; without ``constants`` it takes its defaults."""
    from pastiche.pastiche import PasticheArtist

    from lwsw.media.images import read_image

    size, style_size = (list(read_image(path).shape[:2]) for path in (content, painting))
    return PasticheArtist(str(content), [str(painting)], device="cpu", size=size, style_size=style_size, **constants)


def gatys_constants(height: int, width: int) -> dict[str, list[float]]:
    """Return the constants with which pastiche's loss is that of our normalization ``gatys``, for a content of this size.

    That is Σ w_l E_l + (α/β) ½‖F − F_c‖² with w_l = 1/5: E_l = ‖G − A‖²/4C² is a quarter of its mean square, and its content term is a
    mean over 512 channels and all positions of relu4_2, where the paper's is half a sum.
    """
    from lwsw.core.objective import GATYS_CONTENT_RATIO

    positions = (height // 8) * (width // 8)
    return {"style_layer_weights": [0.25 / 5] * 5, "content_layer_weights": [GATYS_CONTENT_RATIO * 0.5 * 512 * positions]}


def network_padded_alike(plain: bool = False) -> VGG19:
    """Return our network with pastiche's padding: zeros, where we repeat the border.

    Args:
        plain: with torch's plain convolutions too, as in our normalization ``gatys``; else with our faster ones, whose loss is the same.
    """
    from lwsw.core.vgg import VGG19
    from lwsw.networks import load_network

    return VGG19(load_network(), zero_padding=True, plain=plain)


def to_pastiche(image: Tensor) -> Tensor:
    """Return an image of ours, ``1×3×H×W`` RGB on [0, 1], as pastiche's: BGR levels less the mean."""
    return image.flip(1) * 255 - _mean()


def gradient_from_pastiche(gradient: Tensor) -> Tensor:
    """Return a gradient by pastiche's image as one by ours."""
    return gradient.flip(1) * 255


def as_picture_file(image: Tensor) -> Tensor:
    """Return pastiche's image as it would be after it was written to a picture file: in whole levels from 0 to 255."""
    return (image + _mean()).round().clamp(0, 255) - _mean()


def _mean() -> Tensor:
    import torch
    from pastiche.pastiche import VGG_MEAN

    return torch.tensor(VGG_MEAN).view(1, 3, 1, 1)
