"""RAFT's way from a file of weights to a flow. The weights here are random, drawn from a fixed seed: shapes and errors, no accuracy."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from support_core import picture

from lwsw.compat_torchvision import import_torchvision
from lwsw.core.estimated_flow import DenseInverseSearch
from lwsw.errors import LwswError
from lwsw.flow_networks import load_flow_estimator


@pytest.fixture(scope="module")
def models() -> Any:
    try:
        return import_torchvision().models.optical_flow
    except ImportError:
        pytest.skip("torchvision is not installed")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as torch.hub's, and no way to the network."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("tried to reach the network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tmp_path / "hub" / "checkpoints"


def random_small(models: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return models.raft_small(weights=None).state_dict()


def failure(*arguments: Any) -> LwswError:
    with pytest.raises(LwswError) as caught:
        load_flow_estimator(*arguments)
    assert caught.value.message.endswith(".") and caught.value.hint.endswith(".")
    return caught.value


def test_dis_needs_nothing() -> None:
    assert isinstance(load_flow_estimator(), DenseInverseSearch)


def test_an_estimator_that_does_not_exist() -> None:
    error = failure("farneback")
    assert error.code == "bad_settings" and "raft" in error.hint


@pytest.mark.parametrize("name", ["raft", "raft-small"])
def test_nothing_is_downloaded(name: str, models: Any, hub: Path) -> None:
    error = failure(name)
    assert error.code == "missing_network" and str(hub) in error.message and "dis" in error.hint and "https://" in error.hint


def test_weights_in_the_hub_are_found(models: Any, hub: Path) -> None:
    hub.mkdir(parents=True)
    torch.save(random_small(models), hub / "raft_small_C_T_V2-01064c6d.pth")  # the name under which torchvision keeps them
    flow = load_flow_estimator("raft-small").flow(picture(37, 50), picture(37, 50, seed=1))
    assert flow.shape == (1, 37, 50, 2) and torch.isfinite(flow).all() and not flow.requires_grad


def test_a_file_gives_what_the_network_itself_gives(models: Any, tmp_path: Path) -> None:
    """At a size that needs no padding the flow is the network's own, called as torchvision's documentation does."""
    torch.save(random_small(models), tmp_path / "small.pth")
    image, other = picture(128, 128), picture(128, 128, seed=1)
    network = models.raft_small(weights=None)
    network.load_state_dict(random_small(models))
    inputs = models.Raft_Small_Weights.DEFAULT.transforms()(image, other)
    with torch.no_grad():
        expected = network.eval()(*inputs, num_flow_updates=32)[-1]
    flow = load_flow_estimator("raft-small", tmp_path / "small.pth").flow(image, other)
    assert torch.allclose(flow.permute(0, 3, 1, 2), expected, atol=1e-4) and expected.abs().max() > 0.01


def test_files_that_hold_something_else(models: Any, tmp_path: Path) -> None:
    torch.save(random_small(models), tmp_path / "small.pth")
    assert failure("raft", tmp_path / "small.pth").code == "missing_network"
    (tmp_path / "text.pth").write_text("not weights")
    assert failure("raft-small", tmp_path / "text.pth").code == "missing_network"
    assert failure("raft-small", tmp_path / "none.pth").code == "missing_network"


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_in_a_file_is_not_run(models: Any, tmp_path: Path) -> None:
    torch.save({"weight": _Trap(tmp_path / "trapped")}, tmp_path / "trap.pth")
    assert failure("raft-small", tmp_path / "trap.pth").code == "missing_network"
    assert not (tmp_path / "trapped").exists()
