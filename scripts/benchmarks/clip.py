"""Clips that Blender renders with all their passes, and painting them by the command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .shared import SCRIPTS

if TYPE_CHECKING:
    import numpy as np


class RenderedClip:
    """A clip that Blender rendered: ``frames/0001.png``, ``passes/0001.exr`` with motion, ``cameras.json``.

    Args:
        source: the folder.
        frames: how many.
    """

    def __init__(self, source: Path, frames: int) -> None:
        self.source, self.frames = source, range(1, frames + 1)

    def color(self, frame: int) -> Path:
        """Return the render of a frame."""
        path: Path = self.source / "frames" / f"{frame:04d}.png"
        return path

    def files(self, painting: str) -> Any:
        """Return the render, its passes and a painting as a :class:`lwsw.jobs.clip.Clip`."""
        import paintings

        from lwsw.jobs.clip import Clip

        return Clip.find(str(self.source / "frames" / "*.png"), str(self.source / "passes" / "*.exr"), [paintings.path(painting)])

    def cameras(self) -> dict[str, Any]:
        """Return the camera matrices."""
        cameras: dict[str, Any] = json.loads((self.source / "cameras.json").read_text(encoding="utf-8"))
        return cameras

    def paint(self, out: Path, painting: str, *words: str) -> None:
        """Run `lwsw stylize` with the clip's motion into a folder, or go on where it stopped."""
        motion = ["--passes", str(self.source / "passes" / "*.exr"), "--cameras", str(self.source / "cameras.json")]
        stylize(str(self.source / "frames" / "*.png"), out, painting, *motion, *words)


class PaintedClip(RenderedClip):
    """A clip of the demo scene, rendered, and what is painted over it: everything lies in a folder and is made once.

    Args:
        options: ``folder``, ``renders``, ``iterations``, ``first_iterations`` and ``again``, as ``looks`` declares them.
        width: in pixels.
        frames: how many.
    """

    def __init__(self, options: argparse.Namespace, width: int, frames: int) -> None:
        super().__init__((options.renders or options.folder / "renders").absolute() / f"{width}px-{frames}frames", frames)
        self._options = options
        pace = f"{options.iterations}-{options.first_iterations}iterations"
        self.folder = options.folder.absolute() / f"{self.source.name}-{pace}"
        self.folder.mkdir(parents=True, exist_ok=True)
        render_clip("demo_scene", self.source, width, frames)

    def result(self, name: str, frame: int) -> Path:
        """Return a painted frame."""
        path: Path = self.folder / name / f"{frame:04d}.png"
        return path

    def stylize(self, name: str, painting: str, *words: str) -> None:
        """Run `lwsw stylize` into a subfolder, or go on where it stopped."""
        options = self._options
        words = (*words, "--iterations", str(options.iterations), "--first-iterations", str(options.first_iterations))
        self.paint(self.folder / name, painting, *words, *(["--overwrite"] if options.again else []))

    def sheet(self, file: str, rows: Mapping[str, Iterable[Path]], columns: Sequence[str]) -> None:
        """Write pictures in a labelled grid, pixel by pixel."""
        import paintings

        from lwsw.media.images import read_image
        from lwsw.sweep.contact_sheet import Label, contact_sheet

        cells: list[list[np.ndarray | None]] = [[read_image(path) for path in paths] for paths in rows.values()]
        height, width = read_image(self.color(1)).shape[:2]
        captions, headings = [[""] * len(columns)] * len(cells), [Label(column) for column in columns]
        grid = contact_sheet(cells, captions, (width, height), rows=[Label(row) for row in rows], columns=headings, corner=Label(""))
        paintings.save(grid, self.folder / file)
        print(f"pictures: {self.folder / file}", flush=True)


def stylize(color: str, out: Path, painting: str, *words: str) -> None:
    """Run `lwsw stylize` into a folder, or go on where it stopped; end the program where it fails.

    Args:
        color: pattern of the pictures.
        out: the folder.
        painting: of scripts/paintings.
        words: further options.
    """
    import paintings

    print(f"painting {out.parent.name}/{out.name}", flush=True)
    command = [sys.executable, "-m", "lwsw.cli", "stylize", "--color", color, "--style", str(paintings.path(painting)), "--out", str(out)]
    if subprocess.run([*command, *words]).returncode:
        raise SystemExit(f"{out} was not painted; the reason stands above.")


def render_clip(program: str, folder: Path, width: int, frames: int, *words: str) -> None:
    """Render a clip with its passes by the extension, in Blender's Python module, unless it is there already.

    Args:
        program: a folder of scripts that builds a scene and renders it: ``demo_scene`` or ``temporal_scenes``.
        folder: of the clip.
        width: in pixels.
        frames: how many.
        words: further options of the program.
    """
    import environments

    if (folder / "cameras.json").is_file():  # written when all frames are
        return
    try:
        environments.set_up(environments.ENVIRONMENTS["blender"])
    except environments.SetupError as error:
        raise SystemExit(str(error)) from None
    folder.mkdir(parents=True, exist_ok=True)
    print(f"rendering {frames} frames, {width} pixels wide: {folder.name}", flush=True)
    python = str(environments.ENVIRONMENTS["blender"].python)
    command = [python, str(SCRIPTS / program), "--", *words, "--width", str(width), "--frames", str(frames), "--clip", str(folder)]
    log = folder / "blender.log"
    with log.open("w", encoding="utf-8") as stream:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
    if not (folder / "cameras.json").is_file():
        raise SystemExit(f"Blender did not render the clip. What it said is in {log}")
