"""Stylizes several Blender files one after the other, overnight. What fails is said at the end, and keeps nobody else waiting.

    blender -b --python docs/examples/overnight.py -- painting.jpg shot_010.blend shot_020.blend

Each file is stylized with its own settings, but in this painting, into the folder ``lwsw`` beside it. The exit status is the number of
files that failed.
"""

import os
import sys
from pathlib import Path

import bpy

try:
    from bl_ext.user_default.lwsw import api
except ImportError:  # in a checkout
    import blender_lwsw
    from blender_lwsw import api

    blender_lwsw.register()


def main(painting: str, files: list[str]) -> int:
    """Stylize every file and return how many failed."""
    failures: list[str] = []
    for file in files:
        try:
            bpy.ops.wm.open_mainfile(filepath=str(Path(file).absolute()))
            result = api.stylize(bpy.context.scene, style=Path(painting).absolute(), output="//lwsw/")
            print(f"{file}: {len(result.results)} frames in {result.report['seconds']['total']:.0f} s", flush=True)
            bpy.ops.wm.save_mainfile()  # with the strip
        except (api.LwswError, RuntimeError) as error:  # RuntimeError: Blender cannot open it
            failures.append(f"{file}: {str(error).strip()}")
    print(*failures, sep="\n", flush=True)
    return len(failures)


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("--") + 1 :]
    if len(words) < 2:
        raise SystemExit(__doc__)
    status = main(words[0], words[1:])
    sys.stdout.flush()
    os._exit(status)  # Blender would end with 0
