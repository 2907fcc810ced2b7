"""Perceptual distances between a render and its painting: SSIM, ST-LPIPS and LPIPS, each reported under its own name.

They come from the packages of their authors, which the extra ``metrics`` installs; what is not installed is not reported. None of them
is a judge of style: they say how much of the render can still be seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from .compat_torchvision import import_torchvision
from .errors import LwswError

DOWNLOAD = "download"

#: The distances that can be measured, in the order of a report.
PERCEPTUAL_NAMES = ("ssim", "st_lpips", "lpips")

_MEAN = "mean over the frames without the first"


class PerceptualMetrics:
    """The distances that this installation can measure.

    Args:
        lpips_backbone: ``None`` leaves LPIPS out; ``"download"`` lets torchvision fetch AlexNet's weights (233 MB, once); or the path of
            torchvision's ``alexnet`` state dict. LPIPS is never reported from random weights.
        device: where the networks run.

    Raises:
        LwswError: ``missing_network`` where LPIPS is asked for and cannot be had.
    """

    def __init__(self, lpips_backbone: str | None = None, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._networks: dict[str, Any] = {}
        if _installed("stlpips_pytorch", "torchvision"):
            self._networks["st_lpips"] = _shift_tolerant().to(self._device)
        if lpips_backbone is not None:
            self._networks["lpips"] = _lpips(lpips_backbone).to(self._device)
        self._has_ssim = _installed("skimage")
        self._backbone = lpips_backbone

    @property
    def definitions(self) -> dict[str, str]:
        """One sentence for each distance that is measured, with version and weights."""
        sentences: dict[str, str] = {}
        if self._has_ssim:
            sentences["ssim"] = (
                "Structural similarity of result and render (Wang et al. 2004): Gaussian window of σ = 1.5 px, K₁ = 0.01, K₂ = 0.03, "
                f"mean over pixels, red, green and blue on [0, 1], by scikit-image {version('scikit-image')}; {_MEAN}."
            )
        if "st_lpips" in self._networks:
            sentences["st_lpips"] = (
                "Shift-tolerant perceptual similarity of result and render (Ghildyal & Liu 2022), AlexNet, variant shift_tolerant, with "
                f"the weights in the package stlpips-pytorch {version('stlpips-pytorch')}; {_MEAN}. Its numbers are not those of LPIPS."
            )
        if self._backbone is not None:
            sentences["lpips"] = (
                "Learned perceptual image patch similarity of result and render (Zhang et al. 2018), version 0.1, AlexNet, by the package "
                f"lpips {version('lpips')}, AlexNet's weights {_origin(self._backbone)}; {_MEAN}."
            )
        return sentences

    def measure(self, image: Tensor, render: Tensor) -> dict[str, float]:
        """Return the distances of two pictures, ``1×3×H×W`` on [0, 1], by name.

        ``ssim`` (1 for equal pictures; Wang et al. 2004: Gaussian window, σ = 1.5, mean over RGB), ``st_lpips`` (0 for equal pictures;
        Ghildyal & Liu 2022, AlexNet) and ``lpips`` (Zhang et al. 2018, version 0.1, AlexNet). Pictures smaller than the networks need
        are left out.
        """
        measured: dict[str, float] = {}
        if self._has_ssim and min(image.shape[2:]) >= 11:
            measured["ssim"] = _ssim(image, render)
        if min(image.shape[2:]) >= 64:
            with torch.no_grad():
                for name, network in self._networks.items():
                    distance = network(image.to(self._device), render.to(self._device), normalize=True)
                    measured[name] = float(distance)
        return measured


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)


def _origin(backbone: str) -> str:
    """Say where AlexNet's weights come from, so that two reports can be compared."""
    if backbone == DOWNLOAD:
        return "IMAGENET1K_V1 of torchvision, downloaded"
    return f"from the file {Path(backbone).name}, whose SHA-256 begins with {hashlib.sha256(Path(backbone).read_bytes()).hexdigest()[:8]}"


def _ssim(image: Tensor, render: Tensor) -> float:
    from skimage.metrics import structural_similarity

    first, second = (picture[0].permute(1, 2, 0).numpy() for picture in (image, render))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(first, second, channel_axis=2, data_range=1.0, **options))  # type: ignore[no-untyped-call]


def _shift_tolerant() -> Any:
    with _quiet(), _without_debugging_aids():
        import_torchvision()
        from stlpips_pytorch import stlpips

        return stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False)


def _lpips(backbone: str) -> Any:
    if not _installed("lpips", "torchvision"):
        raise LwswError("missing_network", "LPIPS is not installed.", "Run: pip install 'lwsw[metrics]'")
    if backbone != DOWNLOAD and not Path(backbone).is_file():
        raise LwswError("missing_network", f"There is no file {backbone}.", "Give torchvision's AlexNet weights, or 'download'.")
    try:
        with _quiet():
            import_torchvision()
            import lpips

            if backbone == DOWNLOAD:
                return lpips.LPIPS(net="alex", version="0.1", verbose=False)
            network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)  # filled with the file's weights below
        state = torch.load(backbone, map_location="cpu", weights_only=True)
        for part in (network.net.slice1, network.net.slice2, network.net.slice3, network.net.slice4, network.net.slice5):
            # the slices keep the numbering of torchvision's `features`
            wanted = {name: state[f"features.{name}"] for name in part.state_dict()}
            part.load_state_dict(wanted, strict=True)
    except Exception as error:  # no network, a damaged file, other weights: one sentence for all
        raise LwswError(
            "missing_network", f"AlexNet's weights for LPIPS cannot be had: {error}.", "Give torchvision's file with --lpips FILE."
        ) from error
    return network


@contextlib.contextmanager
def _without_debugging_aids() -> Iterator[None]:
    """Let stlpips-pytorch be imported where IPython and torchsummary are not installed.

    It imports ``IPython.embed`` and ``torchsummary.summary``, declares neither, and calls neither: leftovers of debugging.
    """
    placeholders = []
    for name, attribute in (("IPython", "embed"), ("torchsummary", "summary")):
        if name not in sys.modules and not _installed(name):
            module = ModuleType(name)
            setattr(module, attribute, None)
            sys.modules[name] = module
            placeholders.append(name)
    try:
        yield
    finally:
        for name in placeholders:
            del sys.modules[name]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """These packages print, and warn of torchvision's older arguments."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
