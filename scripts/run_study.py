"""Measures what layer weights do to a painting and writes docs/study.md with its pictures; `scripts/study` sets up the environment.

    scripts/study                  five paintings × three contents at 160×107 (the Pareto curves at 256×171), about 40 minutes on two cores
    scripts/study --full           the same at 768×512 with 200 iterations, for a GPU
    scripts/study --only profiles  one experiment; nothing is written but its figures on the screen

What has been painted is kept in study_output/, so a study that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwsw.jobs.threads import let_threads_sleep

if TYPE_CHECKING:
    from layer_study.bench import Bench

ROOT = Path(__file__).resolve().parent.parent
#: The high-contrast painting and one that is not, where all would take too long.
FEW = ("impasto", "watercolour")
BASELINE = ("impasto", "watercolour", "woodcut")
NAMES = ("baseline", "calibration", "profiles", "single_layers", "scale", "pareto", "flicker")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="scripts/study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="768×512 and 200 iterations: for a GPU")
    parser.add_argument("--only", choices=NAMES, help="one experiment; its figures are printed and nothing is written")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--output", type=Path, default=ROOT / "study_output", help="where painted pictures are kept")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where study.md and its pictures go")
    options = parser.parse_args()
    let_threads_sleep()  # before torch is loaded
    from layer_study import report
    from layer_study.bench import Bench

    from lwsw.runtime import prepare_process, resolve_device

    prepare_process()
    began = time.monotonic()
    device = resolve_device(options.device)
    bench = Bench(options.output, 768, device, 200) if options.full else Bench(options.output, 160, device, 24)
    larger = bench if options.full else Bench(options.output, 256, device, 40)
    results: dict[str, Any] = {}
    for name, experiment in experiments_of(options.full).items():
        if options.only in (None, name):
            print(f"{time.monotonic() - began:6.0f} s  {name}", flush=True)
            results[name] = experiment(larger if name == "pareto" else bench)
    if options.only:
        print(json.dumps(results, indent=1))
        return 0
    benches = {id(some): some for some in (bench, larger)}.values()
    results |= {"minutes": (time.monotonic() - began) / 60, "painted": sum(some.painted for some in benches)}
    results["pareto_size"] = {"width": larger.width, "iterations": larger.iterations}
    (options.output / "results.json").write_text(json.dumps(results, indent=1))
    report.write(bench, results, options.docs)
    print(f"{time.monotonic() - began:6.0f} s  {options.docs / 'study.md'}")
    return 0


def experiments_of(full: bool) -> dict[str, Callable[[Bench], Any]]:
    """Return the experiments by name, in the order of the report."""
    from layer_study import baseline, experiments

    steps, first = (200, 200) if full else (100, 80)
    ways: tuple[Callable[[Bench], Any], ...] = (
        lambda bench: {painting: baseline.reproduce(bench, painting, "still-life", steps) for painting in BASELINE},
        experiments.calibration,
        experiments.profiles,
        lambda bench: experiments.single_layers(bench, list(bench.paintings)),
        experiments.scale_against_centroid,
        lambda bench: experiments.pareto(bench, FEW),
        lambda bench: experiments.flicker(bench, FEW, "render", 8, 20, first),
    )
    return dict(zip(NAMES, ways, strict=True))


if __name__ == "__main__":
    sys.exit(main())
