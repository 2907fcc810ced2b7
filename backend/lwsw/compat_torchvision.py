"""Imports torchvision beside a torch that was built without CUDA.

The wheels of torchvision on PyPI are built for CUDA; beside a CPU build of torch their compiled operators do not load and
``import torchvision`` stops with "operator torchvision::nms does not exist". Nothing here needs those operators, so their
schemas are declared before the import. Where torchvision imports by itself this does nothing.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []  # a torch.library.Library is undone when it is collected


def import_torchvision() -> ModuleType:
    """Return the module ``torchvision``; raise ImportError when it is not installed."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error) or _declared:
            raise
    import torch

    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    return importlib.import_module("torchvision")
