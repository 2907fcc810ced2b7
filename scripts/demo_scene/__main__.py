"""The command line of the demo scene; see `__init__.py` for how to call it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import bpy


def main(arguments: Sequence[str]) -> None:
    """Build the scene, save it, and render some frames as PNG to look at, or all of them with their passes."""
    parser = argparse.ArgumentParser(prog="demo_scene", description="Build the demo scene; optionally save it and render single frames.")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="write the scene to this .blend file")
    parser.add_argument("--preview", type=Path, help="render frames as PNG into this folder")
    parser.add_argument("--only", default="", help="frames of the preview, as 1,12,24; all when left out")
    parser.add_argument("--clip", type=Path, help="render every frame with motion and object masks into this folder, as files to stylize")
    options = parser.parse_args(arguments)
    scripts = str(Path(__file__).resolve().parent.parent)
    if scripts not in sys.path:  # run by its path, this file does not know the package it is in
        sys.path.insert(0, scripts)
    import demo_scene

    scene = demo_scene.build(options.frames, options.width, options.samples, options.seed)
    if options.save:
        bpy.ops.wm.save_as_mainfile(filepath=str(options.save.resolve()))
    if options.preview:
        from demo_scene.clip import render_preview

        render_preview(scene, options.preview.resolve(), options.only)
    if options.clip:
        from demo_scene.clip import render_clip

        render_clip(scene, options.clip.resolve())


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
