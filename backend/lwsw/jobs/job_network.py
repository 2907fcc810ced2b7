"""The network that a job's settings ask for."""

from __future__ import annotations

import torch

from ..core.vgg import VGG19
from ..networks import load_network
from ..runtime import resolve_device
from .settings import StylizeSettings


def job_network(settings: StylizeSettings) -> VGG19:
    """Return VGG-19 on the device of the settings, in their precision; with the normalization ``gatys`` as published.

    Raises:
        LwswError: ``missing_network`` or what resolving the device raises.
    """
    precision = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    as_published = settings.normalization == "gatys"
    network = VGG19(load_network(settings.network), precision, zero_padding=as_published, plain=as_published)
    return network.to(resolve_device(settings.device))
