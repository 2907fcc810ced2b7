"""A clip of the demo scene: rendered in Blender with all its passes, and painted by the command line."""

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


class PaintedClip:
    """A clip of the demo scene, rendered, and what is painted over it: everything lies in a folder and is made once.

    Args:
        options: ``folder``, ``renders``, ``iterations``, ``first_iterations`` and ``again``, as ``looks`` declares them.
        width: in pixels.
        frames: how many.
    """

    def __init__(self, options: argparse.Namespace, width: int, frames: int) -> None:
        self.frames = range(1, frames + 1)
        self._options = options
        self.source = (options.renders or options.folder / "renders").absolute() / f"{width}px-{frames}frames"
        pace = f"{options.iterations}-{options.first_iterations}iterations"
        self.folder = options.folder.absolute() / f"{self.source.name}-{pace}"
        self.folder.mkdir(parents=True, exist_ok=True)
        _render(self.source, width, frames)

    def color(self, frame: int) -> Path:
        """Return the render of a frame."""
        path: Path = self.source / "frames" / f"{frame:04d}.png"
        return path

    def result(self, name: str, frame: int) -> Path:
        """Return a painted frame."""
        path: Path = self.folder / name / f"{frame:04d}.png"
        return path

    def stylize(self, name: str, painting: str, *words: str) -> None:
        """Run `lwsw stylize` into a subfolder, or go on where it stopped."""
        import paintings

        print(f"painting {self.folder.name}/{name}", flush=True)
        source, options = self.source, self._options
        command = [sys.executable, "-m", "lwsw.cli", "stylize", "--color", str(source / "frames" / "*.png")]
        command += ["--passes", str(source / "passes" / "*.exr"), "--cameras", str(source / "cameras.json")]
        command += ["--style", str(paintings.path(painting)), "--out", str(self.folder / name), *words]
        command += ["--iterations", str(options.iterations), "--first-iterations", str(options.first_iterations)]
        command += ["--overwrite"] if options.again else []
        if subprocess.run(command).returncode:
            raise SystemExit(f"{self.folder / name} was not painted; the reason stands above.")

    def files(self, painting: str) -> Any:
        """Return the render, its passes and a painting as a :class:`lwsw.jobs.clip.Clip`."""
        import paintings

        from lwsw.jobs.clip import Clip

        return Clip.find(str(self.source / "frames" / "*.png"), str(self.source / "passes" / "*.exr"), [paintings.path(painting)])

    def cameras(self) -> dict[str, Any]:
        """Return the camera matrices."""
        cameras: dict[str, Any] = json.loads((self.source / "cameras.json").read_text(encoding="utf-8"))
        return cameras

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


def _render(folder: Path, width: int, frames: int) -> None:
    """Render a clip of the demo scene with its passes by the extension, in Blender's Python module, unless it is there already."""
    import environments

    if (folder / "cameras.json").is_file():  # written when all frames are
        return
    try:
        environments.set_up(environments.ENVIRONMENTS["blender"])
    except environments.SetupError as error:
        raise SystemExit(str(error)) from None
    folder.mkdir(parents=True, exist_ok=True)
    print(f"rendering {frames} frames, {width} pixels wide", flush=True)
    words = ["--", "--width", str(width), "--frames", str(frames), "--clip", str(folder)]
    command = [str(environments.ENVIRONMENTS["blender"].python), str(SCRIPTS / "demo_scene"), *words]
    log = folder / "blender.log"
    with log.open("w", encoding="utf-8") as stream:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
    if not (folder / "cameras.json").is_file():
        raise SystemExit(f"Blender did not render the clip. What it said is in {log}")
