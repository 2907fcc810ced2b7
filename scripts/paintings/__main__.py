"""The command line of the paintings; see `__init__.py` for how to call it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

LIMIT = 250_000  # bytes of a stored painting; the demo's default painting is larger, and stored in full quality


def main() -> None:
    """Paint the chosen manners and store them."""
    scripts = str(Path(__file__).resolve().parent.parent)
    if scripts not in sys.path:  # run by its path, this file does not know the package it is in
        sys.path.insert(0, scripts)
    import paintings

    parser = argparse.ArgumentParser(prog="paintings", description="Paint the project's own paintings.")
    parser.add_argument("names", nargs="*", metavar="MANNER", help=f"of {', '.join(paintings.MANNERS)}; all when left out")
    parser.add_argument("--out", type=Path, help="write MANNER.jpg into this folder; scripts/assets when left out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.names:
        if name not in paintings.MANNERS:
            parser.error(f"There is no manner {name!r}; choose from {', '.join(paintings.MANNERS)}.")
    for name in options.names or paintings.MANNERS:
        picture = paintings.MANNERS[name](options.seed)
        file = options.out / f"{name}.jpg" if options.out else paintings.path(name)
        paintings.save(picture, file, limit=None if name == "impasto" else LIMIT)
        print(f"{file}: {picture.shape[1]}×{picture.shape[0]}, {file.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
