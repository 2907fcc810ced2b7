"""Small scenes for measuring how steady stylized animation is. Runs inside Blender.

    python scripts/temporal_scenes -- --scene occlusion --frames 24 --clip DIR      (with the bpy module)
    blender -b --factory-startup --python scripts/temporal_scenes/__main__.py -- --scene sky --preview DIR

Each scene is a module of its own that shows one difficulty, named in `SCENES`, and nothing else that is hard: textures are not finer
than about three pixels of a 256 pixels wide picture and the render is quiet, so what moves in a painting over it is the painting's own.
Motion goes on for one frame before the first and after the last, so motion vectors are valid at both ends, and a longer shot has the
same motion per frame (except `loop`, whose period is its length). Works in Blender 4.5 and 5.0.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["SCENES", "build"]

#: The scenes, and what is difficult about each.
SCENES = {
    "occlusion": "fast motion with occlusion: a train behind a colonnade, balls hopping in front of it, a camera that travels",
    "sky": "a camera that turns under a sky full of clouds, over the silhouettes of hills, trees and a castle",
    "light": "a still life on which nearly nothing moves but the hard shadows of a window",
    "reflections": "a mirror, a mirror ball, a polished floor, glass and half transparent panes, and things that pass behind them",
    "static": "a still life on which nothing moves but the noise of the render",
    "loop": "a fair at the sea whose last frame leads to its first: a wheel, flags, a boat, a balloon, a camera on a small orbit",
}


def build(scene: str, frames: int = 24, width: int = 256) -> Any:
    """Replace everything in Blender by a scene and return it.

    Args:
        scene: one of `SCENES`.
        frames: length of the shot; it begins at frame 1.
        width: of the render in pixels; the height is 9/16 of it.
    """
    if scene not in SCENES:
        raise ValueError(f"There is no scene {scene}; the scenes are {', '.join(SCENES)}.")
    return importlib.import_module(f".{scene}", __name__).build(frames, width)
