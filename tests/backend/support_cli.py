"""What the tests of the command line share: the commands they give, and files with something wrong in them."""

from __future__ import annotations

from pathlib import Path

from support_jobs import picture, write_passes

from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.settings import StylizeSettings

WIDTH, HEIGHT = 48, 28

FAST = ["--iterations", "2", "--first-iterations", "2", "--weights", "relu1_1=1", "--device", "cpu"]


def command(clip: Path, *more: str, passes: bool = True) -> list[str]:
    words = ["stylize", "--color", str(clip / "rgb_*.png"), "--style", str(clip / "painting.png"), "--out", str(clip.parent / "out")]
    return [*words, *(["--passes", str(clip / "pass_*.exr")] if passes else []), *FAST, *more]


def replace(words: list[str], option: str, value: str) -> list[str]:
    place = words.index(option)
    return [*words[: place + 1], value, *words[place + 2 :]]


def settings_of(clip: Path) -> StylizeSettings:
    return JobDirectory.open(clip.parent / "out" / "job").settings


def more_paintings(clip: Path) -> list[Path]:
    """Names with everything that an option could trip over."""
    paths = [clip / "wave; 1=2, night.png", clip / "größe.png"]
    for index, path in enumerate(paths):
        path.write_bytes(picture(200 + index, 24, 24))
    return paths


def without_vectors(clip: Path, **options) -> None:
    for frame in (7, 8, 9):
        (clip / f"pass_{frame:04d}.exr").unlink()
        write_passes(clip / f"pass_{frame:04d}.exr", WIDTH, HEIGHT, axes="", **options)


def truncate(path: Path, keep: float = 0.5) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: int(len(data) * keep)])
