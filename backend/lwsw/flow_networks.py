"""Makes estimators of motion, and finds the weights of those that need some. Nothing is ever downloaded here."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from .core.estimated_flow import DenseInverseSearch, FlowEstimator, Raft
from .errors import LwswError

FLOW_ESTIMATORS = ("dis", "raft", "raft-small")


def load_flow_estimator(name: str = "dis", weights: Path | None = None, device: torch.device | str = "cpu") -> FlowEstimator:
    """Return an estimator of motion.

    Args:
        name: ``dis`` (needs nothing), ``raft`` or ``raft-small`` (torchvision's networks).
        weights: state dict of torchvision's ``raft_large`` or ``raft_small``; None takes torchvision's default weights where an earlier
            download left them, in ``torch.hub``'s folder.
        device: where a network runs.

    Raises:
        LwswError: ``bad_settings`` where there is no such estimator, ``missing_network`` where torchvision or the weights are missing or
            cannot be read.
    """
    if name not in FLOW_ESTIMATORS:
        raise LwswError("bad_settings", f"'{name}' is not a way to estimate motion.", f"Use one of: {', '.join(FLOW_ESTIMATORS)}.")
    if name == "dis":
        return DenseInverseSearch()
    models = _optical_flow()
    build, default = (models.raft_large, models.Raft_Large_Weights) if name == "raft" else (models.raft_small, models.Raft_Small_Weights)
    path = weights or Path(torch.hub.get_dir()) / "checkpoints" / Path(default.DEFAULT.url).name
    if not path.is_file():
        hint = f"Download {default.DEFAULT.url} into that folder, or estimate the motion with 'dis', which needs no file."
        raise LwswError("missing_network", f"The weights of RAFT are not at {path}.", hint)
    network = build(weights=None, progress=False)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(":.") or type(error).__name__
        hint = f"It must be the state dict of torchvision's {build.__name__}, such as {default.DEFAULT.url}."
        raise LwswError("missing_network", f"{path} does not hold weights of {name}: {reason}.", hint) from error
    return Raft(network, device)


def _optical_flow() -> Any:
    from .compat_torchvision import import_torchvision

    try:
        return import_torchvision().models.optical_flow
    except ImportError as error:
        hint = "Run: pip install torchvision. Or estimate the motion with 'dis', which needs nothing more."
        raise LwswError("missing_network", "RAFT is a network of the package torchvision, which is not installed.", hint) from error
