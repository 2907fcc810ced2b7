"""The command line of the scenes; see `__init__.py` for how to call it."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import bpy


def main(arguments: Sequence[str]) -> None:
    """Build a scene, save it, and render some frames as PNG to look at, or all of them with their passes."""
    scripts = str(Path(__file__).resolve().parent.parent)
    if scripts not in sys.path:  # run by its path, this file does not know the package it is in
        sys.path.insert(0, scripts)
    from demo_scene.clip import render_clip, render_preview

    import temporal_scenes

    parser = argparse.ArgumentParser(prog="temporal_scenes", description="Build a scene; optionally save it and render it.")
    parser.add_argument("--scene", required=True, choices=temporal_scenes.SCENES)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--samples", type=int, help="of Cycles per pixel, instead of the scene's own")
    parser.add_argument("--save", type=Path, help="write the scene to this .blend file")
    parser.add_argument("--preview", type=Path, help="render frames as PNG into this folder")
    parser.add_argument("--only", default="", help="frames of the preview, as 1,12,24; all when left out")
    parser.add_argument("--clip", type=Path, help="render every frame with motion and object masks into this folder, as files to stylize")
    options = parser.parse_args(arguments)
    scene = temporal_scenes.build(options.scene, options.frames, options.width)
    if options.samples:
        scene.cycles.samples = options.samples
    if options.save:
        bpy.ops.wm.save_as_mainfile(filepath=str(options.save.resolve()))
    if options.preview:
        render_preview(scene, options.preview.resolve(), options.only)
    if options.clip:
        render_clip(scene, options.clip.resolve())


if __name__ == "__main__":
    status = 0
    try:
        main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else [])
    except SystemExit as stop:  # of the parser, which has said why
        status = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001 - told in the log, and told by the status
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # bpy 4.5 may hang when the interpreter ends by itself
