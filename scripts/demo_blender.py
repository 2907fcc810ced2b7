"""The part of the demo that happens inside Blender: build the scene, stylize it through the extension, cut the film, save the file.

`scripts/run_demo.py` starts it, with the bpy module or with an installed Blender:

    python scripts/demo_blender.py -- --out DIR …
    blender -b --factory-startup --python scripts/demo_blender.py -- --out DIR …

It tells how far it is by lines on standard output that begin with EVENT, each followed by one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import bpy

ROOT = Path(__file__).resolve().parent.parent
EVENT = "@lwsw-demo "


def tell(kind: str, **data: Any) -> None:
    print(EVENT + json.dumps({"event": kind, **data}), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo_blender.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    for name in ("frames", "width", "samples", "iterations", "first-iterations", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args(sys.argv[sys.argv.index("--") + 1 :])


class Telling:
    """Passes the progress of a job on, a few times a second at most."""

    def __init__(self) -> None:
        self._last: tuple[Any, ...] = ()
        self._time = 0.0

    def __call__(self, progress: Any) -> None:
        state = (progress.phase, progress.done, round(progress.fraction, 3))
        now = time.monotonic()
        if state == self._last or (now - self._time < 0.3 and state[:2] == self._last[:2]):
            return
        self._last, self._time = state, now
        tell(
            "progress",
            phase=progress.phase,
            done=progress.done,
            total=progress.total,
            fraction=progress.fraction,
            seconds_left=progress.seconds_left,
        )


def show_panel() -> None:
    """Let the saved file open with the sidebar of the sequencer, where the extension's panel is."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "SEQUENCE_EDITOR" and area.spaces.active.view_type == "SEQUENCER":
                area.spaces.active.show_region_ui = True


def render_film(scene: Any, path: Path) -> None:
    """Render the sequencer's picture as an H.264 film, and put the output settings back.

    The view transform is applied as always: the strips' colour space makes them come out as they are on disk.
    """
    render, image = scene.render, scene.render.image_settings
    names = ("media_type", "file_format", "color_mode", "color_depth", "compression")
    before = {name: getattr(image, name) for name in names if hasattr(image, name)}
    kept = {name: getattr(render, name) for name in ("filepath", "use_sequencer", "use_file_extension", "use_overwrite")}
    try:
        if hasattr(image, "media_type"):
            image.media_type = "VIDEO"
        image.file_format = "FFMPEG"
        image.color_mode = "RGB"
        ffmpeg = render.ffmpeg
        ffmpeg.format, ffmpeg.codec, ffmpeg.audio_codec = "MPEG4", "H264", "NONE"
        ffmpeg.constant_rate_factor, ffmpeg.ffmpeg_preset, ffmpeg.gopsize = "PERC_LOSSLESS", "GOOD", 12
        render.use_sequencer, render.use_file_extension, render.use_overwrite = True, False, True
        render.filepath = str(path)
        bpy.ops.render.render(animation=True, scene=scene.name)
    finally:
        for name, value in kept.items():
            setattr(render, name, value)
        for name, value in before.items():  # depths and compressions that the format does not have are refused
            with contextlib.suppress(TypeError):
                setattr(image, name, value)


def save(path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
    path.with_name(path.name + "1").unlink(missing_ok=True)  # the backup of the save before


def run(options: argparse.Namespace) -> None:
    for folder in (str(ROOT), str(ROOT / "scripts")):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    import demo_scene

    seconds: dict[str, float] = {}
    began = time.perf_counter()
    tell("progress", phase="scene", done=0, total=1, fraction=0.0, seconds_left=None)
    scene = demo_scene.build(options.frames, options.width, options.samples, options.seed)

    import blender_lwsw
    from blender_lwsw import api

    # After the scene: building it loads Blender's factory settings, which turn add-ons off.
    blender_lwsw.register()
    try:
        blend = options.out / "stylized.blend"
        save(blend)
        settings = scene.lwsw  # what the panel shows: the saved file can be stylized again with one click
        settings.style = bpy.path.relpath(str(options.style))
        settings.profile = options.profile.upper().replace("-", "_")
        settings.iterations, settings.first_iterations, settings.seed = options.iterations, options.first_iterations, options.seed
        settings.output = "//results/"
        settings.add_source_strip = True
        seconds["scene"] = time.perf_counter() - began

        result = api.stylize(scene, progress=Telling())

        began = time.perf_counter()
        show_panel()
        scene.frame_set(scene.frame_start)
        save(blend)
        seconds["save"] = time.perf_counter() - began

        began = time.perf_counter()
        tell("progress", phase="film", done=0, total=options.frames, fraction=0.0, seconds_left=None)
        render_film(scene, options.out / "stylized.mp4")
        seconds["film"] = time.perf_counter() - began
        strips = [strip.name for strip in sorted(scene.sequence_editor.strips, key=lambda strip: strip.channel)]
        tell(
            "done",
            blender=bpy.app.version_string,
            seconds=seconds,
            report=result.report,
            strip=result.strip_name,
            strips=strips,
            view_transform=scene.view_settings.view_transform,
        )
    finally:
        blender_lwsw.unregister()  # stops the backend


def main() -> int:
    """Run the demo; errors for the artist are told as an event."""
    try:
        run(arguments())
    except KeyboardInterrupt:
        tell("error", code="cancelled", message="The demo was stopped.", hint="")
        return 130
    except Exception as error:
        if not hasattr(error, "hint"):
            raise
        tell("error", **{name: getattr(error, name) for name in ("code", "message", "hint")})
        return 1
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except BaseException:  # noqa: BLE001 - told in the log, and told by the status
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # bpy 4.5 may hang when the interpreter ends by itself
