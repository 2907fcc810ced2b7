"""The pictures that the study paints over: one rendered, three photographed. Free, and there without a network or Blender.

render     frame 1 of the demo's scene, 512×288: a windmill, a village and a bay under a sky with clouds. The project's own; stored in
           scripts/assets/contents. Made with

               python scripts/demo_scene -- --width 512 --samples 32 --only 1 --preview DIR       (Python with the bpy module 5.0)
               python scripts/study_contents.py --store DIR/0001.png

portrait   Eileen Collins, astronaut, 512×512: a face, cloth, a flag. NASA's Great Images database; no known copyright restrictions,
           released into the public domain. `skimage.data.astronaut`.
still-life A cup of coffee with a spoon on a wooden table, 600×400: smooth round forms, few colours. By Rachel Michetti,
           courtesy of Pikolo Espresso Bar; CC0. `skimage.data.coffee`.
animal     The cat Chelsea, 451×300: fur, eyes, out-of-focus background. By Stefan van der Walt; CC0. `skimage.data.chelsea`.

The photographs lie inside the package scikit-image itself (the extra `metrics`), which names these licences; nothing is downloaded.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

__all__ = ["NAMES", "contents"]

STORED = Path(__file__).resolve().parent / "assets" / "contents" / "render.jpg"

PHOTOGRAPHS = {"portrait": "astronaut.png", "still-life": "coffee.png", "animal": "chelsea.png"}
NAMES = ("render", *PHOTOGRAPHS)


def contents(names: Iterable[str] = NAMES) -> dict[str, np.ndarray]:
    """Return pictures by name: H×W×3 float32 in [0, 1], sRGB, in their own sizes (see the head of this file).

    Raises:
        ModuleNotFoundError: scikit-image, which holds the photographs, is not installed.
        FileNotFoundError: a picture is not there or not a picture.
        KeyError: there is no such name.
    """
    pictures = {}
    for name in names:
        if name not in NAMES:
            raise KeyError(f"There is no content {name!r}; there are {', '.join(NAMES)}.")
        file = STORED if name == "render" else photograph(PHOTOGRAPHS[name])
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is None:
            raise FileNotFoundError(f"The picture {file} is missing or damaged. Install the project and scikit-image again.")
        pictures[name] = picture[..., ::-1].astype(np.float32) / 255
    return pictures


def photograph(file: str) -> Path:
    """Return where a photograph lies inside scikit-image. Its own functions would download it if it were missing; this does not."""
    try:
        import skimage
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("The photographs come with scikit-image. Install it with pip install 'lwsw[metrics]'.") from error
    return Path(skimage.__file__).parent / "data" / file


def main() -> None:
    """Store a rendered frame as the study's rendered picture."""
    from paintings import save

    parser = argparse.ArgumentParser(description="Store a rendered frame as the study's rendered picture.")
    parser.add_argument(
        "--store", type=Path, required=True, metavar="FRAME", help="the frame as PNG, rendered as said at the head of this file"
    )
    options = parser.parse_args()
    picture = cv2.imread(str(options.store), cv2.IMREAD_COLOR)
    if picture is None:
        parser.error(f"{options.store} is not a picture.")
    save(np.ascontiguousarray(picture[..., ::-1]), STORED, quality=98, limit=200_000)
    print(f"{STORED}: {picture.shape[1]}×{picture.shape[0]}, {STORED.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
