"""The clips of the temporal benchmark: which scenes there are, how each method paints them, and where that is kept."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .clip import RenderedClip, render_clip, stylize
from .kept import program_hash, short_hash
from .shared import SCRIPTS

#: The methods that paint; the controls are made of what they painted.
PER_FRAME, RUDER, OURS = "per-frame", "ruder", "ours"
METHODS = (PER_FRAME, RUDER, OURS)

#: Scenes in which the methods are compared, and what happens in them.
COMPARED = {
    "occlusion": "fast motion, and objects that pass in front of each other",
    "sky": "the camera turns under a sky full of clouds",
    "light": "nearly nothing moves but hard shadows",
    "reflections": "mirrors, glass, a polished floor",
}
#: Scenes for one question each.
STATIC, LOOP, LONG = "static", "loop", "long"
SCENES = (*COMPARED, STATIC, LOOP, LONG)

_BACKEND = SCRIPTS.parent / "backend" / "lwsw"
_PAINTERS = (*(_BACKEND / name for name in ("core", "jobs", "media", "profiles.py", "networks.py")),)
#: Programs in those folders that change no picture: measures, messages, what finds and checks files.
_LEFT_OUT = (
    *("metrics.py", "temporal_metrics.py", "texture_scale.py"),
    *("clip.py", "failures.py", "folders.py", "input_check.py", "lock.py", "pass_files.py", "progress.py", "report.py", "weights_file.py"),
    *("cryptomatte.py", "files.py", "headers.py", "movies.py", "sequences.py"),
)


@dataclass(frozen=True)
class Painted:
    """What a method made of a clip.

    Attributes:
        folder: of its pictures.
        frames: numbers in the clip, in order; the pictures may be numbered otherwise.
        key: differs where anything differs that the pictures depend on.
        seconds: of each frame, in order.
        report: what the method says of itself.
    """

    folder: Path
    frames: Sequence[int]
    key: str
    seconds: Sequence[float]
    report: dict[str, Any]

    @property
    def first(self) -> float:
        """Seconds of the first frame."""
        return self.seconds[0]

    @property
    def steady(self) -> float | None:
        """Seconds of the other frames, their median; None where there are none."""
        return statistics.median(self.seconds[1:]) if len(self.seconds) > 1 else None

    def picture(self, frame: int) -> Path:
        """Return a painted frame."""
        return self.folder / f"{list(self.frames).index(frame) + 1:04d}.png"


class Studio:
    """Renders the scenes and paints them, once.

    Args:
        options: as ``temporal`` declares them.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._renders = (options.renders or options.folder / "renders").absolute()
        self._of_scenes = program_hash([SCRIPTS / "temporal_scenes", SCRIPTS / "demo_scene"])
        self._of_painters, self._of_peer = program_hash(_PAINTERS, _LEFT_OUT), program_hash([SCRIPTS / "ruder_peer.py"])

    def clip(self, scene: str) -> RenderedClip:
        """Return a rendered scene."""
        options = self._options
        frames = options.long_frames if scene in (STATIC, LONG) else options.frames
        source = options.long_scene if scene == LONG else scene
        folder = self._renders / f"{source}-{options.width}px-{frames}frames-{self._of_scenes[:8]}"
        render_clip("temporal_scenes", folder, options.width, frames, "--scene", source)
        return RenderedClip(folder, frames)

    def paint(self, clip: RenderedClip, method: str, *words: str) -> Painted:
        """Return a clip painted by a method.

        Args:
            clip: rendered.
            method: one of ``METHODS``.
            words: further options of `lwsw stylize`.
        """
        if method == RUDER:
            return self._paint_as_ruder(clip)
        if method == PER_FRAME:
            return self.paint_one_by_one(clip, clip.frames)
        words = (*words, *self._pace(self._options.iterations, self._options.first_iterations))
        out, key = self._place(clip, method, words, self._of_painters)
        if not _is_finished(out, len(clip.frames)):
            clip.paint(out, self._options.painting, *words, "--report", str(out / "report.json"))
        return _painted(out, clip.frames, key)

    def paint_one_by_one(self, clip: RenderedClip, frames: Sequence[int]) -> Painted:
        """Return frames of a clip painted each by itself with three times the iterations of a steady one; the first must be among them.

        Their layers are calibrated at the first frame, as those of the whole clip.
        """
        three = 3 * self._options.iterations
        words = ("--motion", "none", "--cuts", "none", *self._pace(three, three))
        chosen = list(frames)
        out, key = self._place(clip, PER_FRAME, (*words, *map(str, chosen)), self._of_painters)
        if not _is_finished(out, len(chosen)):
            source = out.with_name(f"{out.name}-frames")
            source.mkdir(parents=True, exist_ok=True)
            for number, frame in enumerate(chosen, 1):  # a job's frames have no gaps
                _link(clip.color(frame), source / f"{number:04d}.png")
            stylize(str(source / "*.png"), out, self._options.painting, *words, "--report", str(out / "report.json"))
        return _painted(out, chosen, key)

    def _paint_as_ruder(self, clip: RenderedClip) -> Painted:
        import paintings

        options = self._options
        words = ["--style", str(paintings.path(options.painting)), "--device", options.device]
        words += ["--iterations", str(options.peer_iterations), "--first-iterations", str(options.peer_first_iterations)]
        words += ["--lags", *(str(lag) for lag in options.peer_lags)]
        out, key = self._place(clip, RUDER, words, self._of_peer)
        if not _is_finished(out, len(clip.frames)):
            print(f"painting {out.parent.name}/{out.name}", flush=True)
            command = [sys.executable, str(SCRIPTS / "ruder_peer.py"), "--color", str(clip.source / "frames" / "*.png"), "--out", str(out)]
            if subprocess.run([*command, *words]).returncode:
                raise SystemExit(f"{out} was not painted; the reason stands above.")
        return _painted(out, clip.frames, key)

    def _pace(self, iterations: int, first: int) -> tuple[str, ...]:
        return "--iterations", str(iterations), "--first-iterations", str(first), "--device", self._options.device

    def _place(self, clip: RenderedClip, method: str, words: Sequence[str], program: str) -> tuple[Path, str]:
        """Return the folder for pictures, and what it is known by."""
        key = short_hash(clip.source.name, self._options.painting, method, list(words), program)
        return self._options.folder.absolute() / clip.source.name / f"{self._options.painting}-{method}-{key}", key


def _is_finished(out: Path, frames: int) -> bool:
    report = out / "report.json"
    return report.is_file() and len(json.loads(report.read_text(encoding="utf-8"))["frames"]) == frames


def _painted(out: Path, frames: Sequence[int], key: str) -> Painted:
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return Painted(out, frames, key, [entry["seconds"] for entry in report["frames"]], report)


def _link(source: Path, target: Path) -> None:
    if not target.exists():
        try:
            os.link(source, target)
        except OSError:  # another file system
            target.write_bytes(source.read_bytes())
