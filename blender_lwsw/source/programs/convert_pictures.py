"""Makes display-referred PNGs in a Blender of its own: ``convert_pictures.py [--] FOLDER PACKAGE``, the folder that the package lies in.

A line of JSON on standard input for each picture: ``{"colour": {…}, "picture": path, "png": path}``; an answer on standard output, as
:data:`ANSWER` and JSON: ``{}``, or ``{"error": {…}}``. Blender prints other lines in between. It ends when its input does.
"""

import importlib
import json
import os
import sys
from pathlib import Path

import bpy

ANSWER = "lwsw-picture "


def main() -> None:
    """Command line."""
    folder, package = sys.argv[-2:]
    sys.path.insert(0, folder)
    colour_management, errors, pictures = (
        importlib.import_module(f"{package}.{name}") for name in ("source.colour_management", "errors", "source.pictures")
    )
    scene = bpy.context.scene
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {}
        try:
            colour_management.apply_colour_management(scene, asked["colour"])
            pictures.convert(scene, Path(asked["picture"]), Path(asked["png"]))
        except errors.LwswError as error:
            answer = {"error": error.to_dict()}
        sys.stdout.write(f"\n{ANSWER}{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    finally:
        os._exit(0)  # nothing of this Blender is worth the time it takes to close
