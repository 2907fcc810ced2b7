"""Paint the demo's default painting, "Evening over the bay": some forty thousand brush strokes by numpy and OpenCV.

    python scripts/make_painting.py                      writes scripts/assets/painting.jpg (about 20 seconds)
    python scripts/make_painting.py --out other.png --seed 3

How it is painted stands in `scripts/paintings/impasto.py`; `python scripts/paintings` paints the project's other paintings too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from paintings import MANNERS, path, save


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Paint the demo's default painting.")
    parser.add_argument("--out", type=Path, default=path("impasto"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quality", type=int, default=92, help="of the JPEG")
    options = parser.parse_args()
    picture = MANNERS["impasto"](options.seed)
    try:
        save(picture, options.out, options.quality)
    except (OSError, ValueError) as error:
        raise SystemExit(f"Could not write the painting: {error}") from error
    print(f"{options.out}: {picture.shape[1]}×{picture.shape[0]}, {options.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
