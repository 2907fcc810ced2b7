"""3×3 convolutions with fewer multiplications, for processors: F(4×4, 3×3) of Lavin & Gray 2016.

A tile of 4×4 outputs takes 36 multiplications per pair of channels instead of 144. The rest are small transforms and one
matrix product per position of the transformed tile, which the processor's matrix library runs at full speed. torch's own
convolutions on the CPU are direct ones; on a GPU cuDNN chooses Winograd by itself, so this is for the CPU only.

Rounding is that of float32 with numbers up to 25 times larger on the way: about 1e-6 of the result's norm.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

#: Below this many channels the transforms cost more than the multiplications they save.
FEWEST_CHANNELS = 128

# Interpolation points 0, ±1, ±2, ∞.
_INPUT = torch.tensor(
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
    dtype=torch.float32,
)
_KERNEL = torch.tensor(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
    dtype=torch.float64,
)
_OUTPUT = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float32)
# Tiles are worked on in bands of 16 MB, to stay near the cache; much smaller bands read the kernels too often.
_CACHED_NUMBERS = 2**22
_INPUT_2D, _OUTPUT_2D = torch.kron(_INPUT, _INPUT), torch.kron(_OUTPUT, _OUTPUT)
# The position whose products appear in every pixel of a tile with the factor one, which is where a bias is cheap to add.
_CONSTANT = 7


class WinogradConvolution:
    """A fixed 3×3 convolution with zero padding of one pixel and stride one, differentiable in its input.

    Args:
        weight: ``out×in×3×3`` float32 on the CPU.
        bias: ``out``.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._bias = bias
        self._kernel = _transform_kernel(weight)
        # the gradient of a convolution is the convolution with the kernel turned round and its channels exchanged
        self._gradient_kernel = _transform_kernel(weight.flip(2, 3).transpose(0, 1))

    def __call__(self, features: Tensor) -> Tensor:
        """Map ``1×in×H×W`` to ``1×out×H×W``, channels last in memory."""
        result: Tensor = _Convolve.apply(features, self._kernel, self._gradient_kernel, self._bias)  # type: ignore[no-untyped-call]
        return result


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, kernel: Tensor, gradient_kernel: Tensor, bias: Tensor) -> Tensor:
        ctx.gradient_kernel = gradient_kernel
        return _convolve(features, kernel, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return _convolve(gradients[0], ctx.gradient_kernel, None), None, None, None


def _transform_kernel(weight: Tensor) -> Tensor:
    """Return ``36×in×out``: the kernel at each position of a transformed tile."""
    transformed = torch.einsum("ai,ocij,bj->abco", _KERNEL, weight.double(), _KERNEL)
    return transformed.reshape(36, weight.shape[1], weight.shape[0]).float().contiguous()


def _convolve(features: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    height, width = features.shape[2:]
    rows, columns = -(-height // 4), -(-width // 4)
    channels, outputs = kernel.shape[1:]
    bands = -(-rows * columns * 36 * max(channels, outputs) // _CACHED_NUMBERS)
    band = -(-rows // bands)
    source = features[0].permute(1, 2, 0)
    padded = features.new_zeros(4 * band + 2, 4 * columns + 2, channels)
    stride = padded.stride(0)
    # overlapping 6×6 tiles, every 4 pixels
    tiles = padded.as_strided((band, columns, 6, 6, channels), (4 * stride, 4 * channels, stride, channels, 1))
    image = torch.empty(1, outputs, 4 * rows, 4 * columns, memory_format=torch.channels_last)
    result = image[0].permute(1, 2, 0).view(rows, 4, columns, 4, outputs).transpose(1, 2)
    for first in range(0, rows, band):
        count = min(band, rows - first)
        above, below = max(0, 4 * first - 1), min(height, 4 * (first + count) + 1)
        start = above + 1 - 4 * first
        padded[start : start + below - above, 1 : width + 1] = source[above:below]
        padded[start + below - above :] = 0  # below the picture; the line above it has never been written
        some = tiles[:count].reshape(-1, 36, channels)
        transformed = torch.bmm(_INPUT_2D.expand(len(some), -1, -1), some)
        products = torch.bmm(transformed.transpose(0, 1), kernel)
        if bias is not None:
            products[_CONSTANT] += bias
        pixels = torch.bmm(_OUTPUT_2D.expand(len(some), -1, -1), products.transpose(0, 1))
        result[first : first + count] = pixels.view(count, columns, 4, 4, outputs)
    if image.shape[2:] == features.shape[2:]:
        return image
    return image[..., :height, :width].clone(memory_format=torch.channels_last)
