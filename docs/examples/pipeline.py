"""A stage of a studio's pipeline: takes a shot described in JSON, and says in JSON what came out.

    blender -b shot.blend --python docs/examples/pipeline.py -- shot.json report.json

``shot.json`` has any arguments of ``api.stylize``, for example

    {"style": "paintings/wave.jpg", "profile": "abstract", "frame_start": 1001, "frame_end": 1048, "width": 1920, "output": "out/shot_010"}

Paths are taken from where ``shot.json`` lies. ``report.json`` has ``{"results": […], "report": {…}}``, or, with exit status 1,
``{"error": {"code", "message", "hint"}}``.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy

try:
    from bl_ext.user_default.lwsw import api
except ImportError:  # in a checkout
    import blender_lwsw
    from blender_lwsw import api

    blender_lwsw.register()


def main(shot_file: Path, report_file: Path) -> int:
    """Stylize the shot of the open file and return the exit status."""
    report: dict[str, Any]
    try:
        shot = json.loads(shot_file.read_text(encoding="utf-8"))
        for name in ("style", "pictures", "passes", "output"):
            if isinstance(shot.get(name), str):
                shot[name] = shot_file.absolute().parent / shot[name]
        result = api.stylize(bpy.context.scene, **shot, add_strip=False)
        report = {"results": [str(path) for path in result.results], "report": result.report}
    except api.LwswError as error:
        report = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    except (OSError, ValueError, TypeError) as error:
        message = f"{shot_file} cannot be used: {error}."
        report = {"error": {"code": "bad_settings", "message": message, "hint": "See the head of this script."}}
    temporary = report_file.with_suffix(".part")
    temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    temporary.replace(report_file)
    return 1 if "error" in report else 0


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("--") + 1 :]
    if len(words) != 2:
        raise SystemExit(__doc__)
    status = main(Path(words[0]), Path(words[1]))
    sys.stdout.flush()
    os._exit(status)  # Blender would end with 0
