"""Image sequences: which files belong together, and which frame each one is.

The frame number of a file is the last run of digits in its stem (``rgb_0012.png`` is 12, ``v2_0012.png`` is 12). A hyphen directly before
the digits is a minus sign where the stem or a word starts with it (``-001``, ``rgb_-001``, ``rgb.-001``); after a letter or a digit it
separates (``shot-001`` is 1). A printf or hash pattern states the position, so there a hyphen in the place of the number is always a minus.
"""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import LwswError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr"})

_NUMBER_IN_STEM = re.compile(r"(?:(?:^|(?<=[^0-9A-Za-z]))-)?[0-9]+(?=[^0-9]*$)")
_NUMBER_FIELD = re.compile(r"%0?(?P<width>[0-9]*)d|(?P<hashes>#+)")
_MOST_RANGES = 8


def find_sequence(pattern: str, *, allow_gaps: bool = False) -> dict[int, Path]:
    """Return the files of a sequence by frame number, ascending.

    Args:
        pattern: a glob (``clip/rgb_*.png``), a printf or hash pattern (``clip/rgb_%04d.png``, ``clip/rgb_####.png``), a folder
            that holds one sequence, or one file. Hidden files never match. A single picture without digits is frame 1.
        allow_gaps: accept missing numbers, for example for the results of an unfinished job.

    Raises:
        LwswError: ``missing_frames`` where nothing is found, ``frame_gap`` naming the missing numbers, ``bad_settings`` where two
            files have the same number or a file of several has none.
    """
    numbered = _candidates(pattern)
    if not numbered:
        raise LwswError(
            "missing_frames",
            f"No picture matches '{pattern}'.",
            "Give a file, a folder, a pattern such as 'clip/rgb_*.png', or 'clip/rgb_####.png'.",
        )
    sequence: dict[int, Path] = {}
    for path, number in numbered:
        if number is None:
            if len(numbered) > 1:
                raise LwswError(
                    "bad_settings",
                    f"'{path.name}' has no frame number, but '{pattern}' names {len(numbered)} files.",
                    "Number the files (rgb_0001.png, …) or name the sequence more precisely, such as 'rgb_####.png'.",
                )
            number = 1
        if number in sequence:
            raise LwswError(
                "bad_settings",
                f"'{sequence[number].name}' and '{path.name}' both have the frame number {number}.",
                "Name one sequence precisely, such as 'rgb_####.png', where #### is the frame number.",
            )
        sequence[number] = path
    if not allow_gaps:
        check_gaps(sequence)
    return {number: sequence[number] for number in sorted(sequence)}


def frame_number(path: Path) -> int | None:
    """Return the frame number in the name of ``path`` by the rule of this module, or None where the stem has no digits."""
    match = _NUMBER_IN_STEM.search(path.stem)
    return int(match.group()) if match else None


def check_gaps(numbers: Iterable[int]) -> None:
    """Raise ``frame_gap`` naming the numbers that are missing between the first and the last one."""
    present = set(numbers)
    if not present:
        return
    missing = missing_numbers(present, range(min(present), max(present) + 1))
    if missing:
        noun, verb = ("frame", "is") if len(missing) == 1 else ("frames", "are")
        raise LwswError(
            "frame_gap",
            f"The sequence {min(present)}–{max(present)} is not complete: {noun} {format_numbers(missing)} {verb} missing.",
            "Render the missing frames, or stylize each unbroken part by itself.",
        )


def missing_numbers(numbers: Iterable[int], wanted: Iterable[int]) -> list[int]:
    """Return those of ``wanted`` that are not among ``numbers``, ascending."""
    return sorted(set(wanted) - set(numbers))


def format_numbers(numbers: Iterable[int]) -> str:
    """Return numbers as ranges for a sentence: ``7–9, 12``; long lists are cut and counted."""
    ordered = sorted(set(numbers))
    ranges: list[list[int]] = []
    for number in ordered:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = [str(first) if first == last else f"{first}–{last}" for first, last in ranges[:_MOST_RANGES]]
    text = ", ".join(parts)
    return f"{text}, … ({len(ordered)} in all)" if len(ranges) > _MOST_RANGES else text


def _candidates(pattern: str) -> list[tuple[Path, int | None]]:
    """Return the files that ``pattern`` names with their numbers, sorted by name."""
    if not pattern:  # Path("") would be the current folder
        return []
    path = Path(pattern)
    if path.is_dir():
        files = [file for file in _visible_files(path) if file.suffix.lower() in PICTURE_SUFFIXES]
        return [(file, frame_number(file)) for file in files]
    # A file may be called 'shot[1]#2.png': what exists literally is meant literally.
    if path.is_file():
        return [(path, frame_number(path))]
    fields = list(_NUMBER_FIELD.finditer(path.name))
    if fields and path.parent.is_dir():
        return _match_number_field(path, fields[-1])
    if path.parent.is_dir():
        files = [file for file in _visible_files(path.parent) if fnmatch.fnmatch(file.name, path.name)]
    else:
        files = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207 (Path.glob refuses absolute patterns)
        files = [file for file in files if file.is_file()]
    return [(file, frame_number(file)) for file in files]


def _match_number_field(path: Path, field: re.Match[str]) -> list[tuple[Path, int | None]]:
    """Match a name with one ``%04d`` or ``####``; the rest of the name may still hold glob characters."""
    width = len(field["hashes"]) if field["hashes"] else int(field["width"] or 1)
    before, after = path.name[: field.start()], path.name[field.end() :]
    expression = re.compile(_glob_expression(before) + r"(-?[0-9]+)" + _glob_expression(after))
    found: list[tuple[Path, int | None]] = []
    for file in _visible_files(path.parent):
        match = expression.fullmatch(file.name)
        if match and len(match[1]) >= width:
            found.append((file, int(match[1])))
    return found


def _glob_expression(text: str) -> str:
    """Return the regular expression of a glob, without an anchor at its end."""
    parts = {"*": ".*?", "?": "."}
    return "".join(parts.get(character, re.escape(character)) for character in text)


def _visible_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
