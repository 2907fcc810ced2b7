"""Masks of objects from Blender's Cryptomatte pass (object).

Friedman & Jones, "Fully Automatic ID Mattes with Support for Motion Blur and Transparency", SIGGRAPH Posters 2015; Cryptomatte
specification 1.2 (Psyop). The pass ``CryptoObject00``, ``CryptoObject01``, … has four channels each: (r, g) and (b, a) are pairs of an
object's id and the part of the pixel that it covers, largest first. An id is a hash of the object's name; its 32 bits are stored as a
float. The header of one part lists the names: ``cryptomatte/<key>/manifest``.

What Blender 4.5 and 5.0 really write, measured:

- The manifest is not escaped: a name with a quotation mark or a backslash stands there as it is, so it is not always JSON.
- The manifest has the plain hash. In the pixels bit 23 is flipped where that hash would be a NaN, an infinity, zero or a denormal number
  (the specification's ``uint32_to_float32``): one object in 128.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import cv2
import numpy as np

from ..errors import LwswError
from .exr import ExrImage, read_exr

_CHANNEL = re.compile(r"(?:(?P<layer>.*)\.)?CryptoObject(?P<rank>[0-9]{2})\.(?P<axis>[rgba])", re.IGNORECASE | re.DOTALL)
_PASS_NAME = re.compile(r"(?:(?P<layer>.*)\.)?CryptoObject", re.IGNORECASE | re.DOTALL)
_MANIFEST_ENTRY = re.compile(r'\s*[{,]\s*"(?P<name>.*?)"\s*:\s*"(?P<id>[0-9a-f]{1,8})"\s*(?=[,}])', re.IGNORECASE | re.DOTALL)
_MOST_NAMES_IN_HINT = 12

_PASS_HINT = "Turn on View Layer properties › Passes › Cryptomatte › Object, and render again."
_CODEC_HINT = "Choose the codec ZIP and Float (Full) under Output properties › Output, and render the passes again."
_AGAIN_HINT = "Render the passes of this frame again."


@dataclass(frozen=True)
class Cryptomatte:
    """The objects of one frame, rows top-down.

    Attributes:
        names: object name → id as it stands in the pixels; empty where the file lists no names. Objects outside the picture are listed too,
            objects hidden from the render are not.
        pairs: (id, coverage) by rank: H,W uint32 and H,W float32, not negative. Id 0 is where nothing was hit.
    """

    names: Mapping[str, int]
    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        rows, columns = self.pairs[0][0].shape
        return rows, columns

    def object_id(self, name: str) -> int:
        """Return the id of an object: as listed, else the hash of its name."""
        return self.names[name] if name in self.names else cryptomatte_id(name)

    def coverage(self, objects: Collection[str]) -> np.ndarray:
        """Return H,W float32 in [0, 1]: the part of each pixel that these objects cover together.

        Args:
            objects: exact names. A name that is not in the picture covers nothing.
        """
        return self._coverages({self.object_id(name): 0 for name in objects}, 1)[0]

    def _coverages(self, owners: Mapping[int, int], count: int) -> list[np.ndarray]:
        """Return ``count`` masks; ``owners`` says by id which of them an object belongs to."""
        masks = [np.zeros(self.size, np.float32) for _ in range(count)]
        total = np.zeros(self.size, np.float32)
        ids = np.array(sorted(owners), np.uint32)
        owner_of = np.array([owners[int(number)] for number in ids], np.intp)
        for pixel_ids, coverage in self.pairs:
            total += coverage
            if not ids.size:
                continue
            covered = np.nonzero(coverage)  # few pixels have a second object, hardly any a sixth
            found = pixel_ids[covered]
            position = np.minimum(np.searchsorted(ids, found), ids.size - 1)
            owner = np.where(ids[position] == found, owner_of[position], -1)
            for index, mask in enumerate(masks):
                mine = owner == index
                rows, columns = covered[0][mine], covered[1][mine]
                mask[rows, columns] += coverage[rows, columns]
        # EEVEE's coverages add up to as much as 1.16 at outlines.
        scale = 1 / np.maximum(total, 1)
        return [np.minimum(mask * scale, 1) for mask in masks]


def read_cryptomatte(source: Path | ExrImage, name: str = "") -> Cryptomatte:
    """Read the Cryptomatte pass (object) of a multilayer EXR file.

    Of several view layers the first one in the file with a complete pass counts. Outside the data window nothing is covered.

    Args:
        source: the file, or what :func:`lwsw.media.exr.read_exr` made of it, where other passes are read from the same file.
        name: what errors call the file; empty takes its path.

    Raises:
        LwswError: ``missing_pass`` without a complete pass, ``corrupt_pass`` where the file rounds ids (half floats, codec Pxr24),
            ``bad_pass_values`` where a coverage is not a number, and the errors of :func:`lwsw.media.exr.read_exr`.
    """
    image = read_exr(source, name) if isinstance(source, Path) else source
    shown = name or image.name
    layers: dict[str, dict[tuple[int, str], str]] = {}
    for channel in image.channel_names:
        match = _CHANNEL.fullmatch(channel)
        if match:
            layers.setdefault(match["layer"] or "", {})[int(match["rank"]), match["axis"].casefold()] = channel
    layer = next((prefix for prefix, channels in layers.items() if _is_complete(channels, 0)), None)
    if layer is None:
        problem = "has no complete Cryptomatte pass" if layers else "has no Cryptomatte pass"
        raise LwswError("missing_pass", f"{shown} {problem} (object), which says where each object is.", _PASS_HINT)
    channels = layers[layer]
    ranks = 0
    while _is_complete(channels, ranks):
        ranks += 1
    wanted = {channels[rank, axis] for rank in range(ranks) for axis in "rgba"}
    if not all(image.is_exact(channel) for channel in wanted):
        raise LwswError("corrupt_pass", f"The Cryptomatte pass in {shown} was saved with rounded values, which destroys it.", _CODEC_HINT)
    pixels = image.channels(wanted.__contains__)  # all of one size: OpenEXR refuses parts whose display windows differ
    pairs = []
    for rank in range(ranks):
        for id_axis, coverage_axis in ("rg", "ba"):
            coverage = pixels[channels[rank, coverage_axis]]
            if not np.isfinite(coverage).all():
                message = f"The Cryptomatte pass in {shown} holds coverages that are not numbers."
                raise LwswError("bad_pass_values", message, _AGAIN_HINT)
            # Bits, not numbers: as a float an id may be anything.
            pairs.append((np.ascontiguousarray(pixels[channels[rank, id_axis]]).view(np.uint32), np.maximum(coverage, 0)))
    return Cryptomatte(_listed_names(image, layer), tuple(pairs))


def match_objects(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Return those of ``names`` that patterns mean, each one once, in the order of the patterns and then of the names.

    A pattern that is itself a name means that object only; otherwise ``*`` stands for any characters and ``?`` for one. Upper and lower
    case differ, as in Blender.
    """
    listed = list(dict.fromkeys(names))
    known = set(listed)
    matched: dict[str, None] = {}
    for pattern in patterns:
        expression = pattern.replace("[", "[[]")  # a bracket is a bracket
        found = [pattern] if pattern in known else [name for name in listed if fnmatchcase(name, expression)]
        matched.update(dict.fromkeys(found))
    return list(matched)


def check_objects(names: Collection[str], patterns: Sequence[str], region: str = "", where: str = "of the shot") -> None:
    """Raise ``unknown_object`` where a pattern means no object: call it once per shot.

    Args:
        names: the listed names of all frames of the shot together. Empty means that the files list none: then only patterns with wildcards
            are refused, because names are found by their hash.
        patterns: as for :func:`match_objects`.
        region: name of the region for the message; may be empty.
        where: what has these objects, for the message.
    """
    owner = f"The region '{region}' names" if region else "A region names"
    for pattern in patterns:
        if match_objects(names, [pattern]):
            continue
        if not names:
            if "*" in pattern or "?" in pattern:
                message = f"{owner} '{pattern}', but the passes hold no list of object names that it could be compared with."
                raise LwswError("unknown_object", message, "Give the full names of the objects.")
            continue
        hint = f"Use an object's name from the Outliner; the pass has: {', '.join(_nearest(pattern, names))}."
        raise LwswError("unknown_object", f"{owner} '{pattern}', and no rendered object {where} is called that.", hint)


def region_masks(cryptomatte: Cryptomatte, regions: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """Return one H,W float32 mask in [0, 1] per region; over all regions they add up to at most 1, within rounding.

    Args:
        cryptomatte: of this frame.
        regions: patterns of each region, as for :func:`match_objects`. An object that two regions name belongs to the first. A region
            without objects in the picture is empty; see :func:`check_objects`.
    """
    owners: dict[int, int] = {}
    for index, patterns in enumerate(regions):
        for pattern in patterns:
            # What is not listed may still be in the picture, where the file has no list or a damaged one.
            for name in match_objects(cryptomatte.names, [pattern]) or [pattern]:
                owners.setdefault(cryptomatte.object_id(name), index)
    return cryptomatte._coverages(owners, len(regions))


def scale_mask(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return H,W float32 ``mask`` in another size: averages of areas along an axis that shrinks, linear along one that grows."""
    rows, columns = mask.shape
    small = (min(width, columns), min(height, rows))
    scaled = mask if small == (columns, rows) else cv2.resize(mask, small, interpolation=cv2.INTER_AREA)
    scaled = scaled if small == (width, height) else cv2.resize(scaled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(scaled, 0, 1), np.float32)


def cryptomatte_id(name: str) -> int:
    """Return the id of an object in the pixels: the hash of its name in UTF-8, made a normal float."""
    return _to_pixel_id(murmur_hash(name.encode("utf-8", "surrogateescape")))


def murmur_hash(data: bytes, seed: int = 0) -> int:
    """Return MurmurHash3_x86_32 (Appleby 2011, public domain) as a number below 2³²."""
    mask = 0xFFFFFFFF

    def rotate(value: int, count: int) -> int:
        return (value << count | value >> (32 - count)) & mask

    def mix(block: bytes) -> int:
        return rotate(int.from_bytes(block, "little") * 0xCC9E2D51 & mask, 15) * 0x1B873593 & mask

    value = seed
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        value = (rotate(value ^ mix(data[start : start + 4]), 13) * 5 + 0xE6546B64) & mask
    value ^= mix(data[whole:]) ^ len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & mask
    value = (value ^ value >> 13) * 0xC2B2AE35 & mask
    return value ^ value >> 16


def _to_pixel_id(value: int) -> int:
    """Apply the specification's ``uint32_to_float32``: flip bit 23 where the exponent is all zeros or all ones. Twice changes no more."""
    return value ^ 1 << 23 if value >> 23 & 255 in (0, 255) else value


def _is_complete(channels: Collection[tuple[int, str]], rank: int) -> bool:
    return all((rank, axis) in channels for axis in "rgba")


def _listed_names(image: ExrImage, layer: str) -> dict[str, int]:
    """Return the names of a view layer; where it has no list of its own, those of every list of objects in the file."""
    own: dict[str, int] = {}
    others: dict[str, int] = {}
    for header in image.headers:
        for attribute, value in header.items():
            if not (attribute.startswith("cryptomatte/") and attribute.endswith("/name") and isinstance(value, str)):
                continue
            match = _PASS_NAME.fullmatch(value)
            manifest = header.get(f"{attribute.removesuffix('name')}manifest")
            if match and isinstance(manifest, str):
                target = own if (match["layer"] or "").casefold() == layer.casefold() else others
                target.update(_parse_manifest(manifest))
    return own or others


def _parse_manifest(text: str) -> dict[str, int]:
    """Return name → id in the pixels. What follows a damaged place is left out: those objects are found by the hash of their names."""
    names: dict[str, int] = {}
    position = 0
    while match := _MANIFEST_ENTRY.match(text, position):
        position = match.end()
        number = _to_pixel_id(int(match["id"], 16))
        names[_manifest_name(match["name"], number)] = number
    return names


def _manifest_name(written: str, number: int) -> str:
    """Return the name that was meant: as written (Blender), or with JSON's escapes undone, whichever the id is the hash of."""
    if "\\" not in written or cryptomatte_id(written) == number:
        return written
    try:
        return str(json.loads(f'"{written}"', strict=False))
    except ValueError:
        return written


def _nearest(pattern: str, names: Collection[str]) -> list[str]:
    """Return up to 12 names, those most like the pattern first; the case of letters does not matter here."""
    wanted = pattern.replace("*", "").replace("?", "").casefold()
    matcher = difflib.SequenceMatcher(b=wanted)

    def unlikeness(name: str) -> tuple[float, str]:
        matcher.set_seq1(name.casefold())
        return (-matcher.ratio(), name)

    return sorted(names, key=unlikeness)[:_MOST_NAMES_IN_HINT]
