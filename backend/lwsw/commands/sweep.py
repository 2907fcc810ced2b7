"""``lwsw sweep``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..profiles import COLORS
from .options import add_machine_arguments
from .output import ProgressLine, print_json

_EPILOG = """
Columns are the weights; rows are the paintings. Several values of --frequency-exponent multiply the columns, several values of --strength
and --content-weight the rows. DIR/sweep.png shows all of it, DIR/sweep.csv has the measures, DIR/cells/ the pictures at 16 bits.

example:
  lwsw sweep --color render.png --style wave.jpg --style night.jpg --weights layers --weights relu2_1=1,relu4_1=1 --out sweep/
"""


def add(commands: Any, words: Sequence[str]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "sweep",
        help="compare weights and paintings on one sheet",
        description=sweep.__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files = parser.add_argument_group("files")
    files.add_argument("--color", required=True, metavar="FILES", help="the source picture; of a sequence its first frame, or --frame")
    files.add_argument("--frame", type=int, metavar="N", help="which frame of a sequence")
    files.add_argument("--style", required=True, action="append", type=Path, metavar="PICTURE", help="a painting: one row; repeatable")
    files.add_argument("--out", required=True, type=Path, metavar="DIR", help="output folder: sweep.png, sweep.csv, cells/")
    files.add_argument("--json", action="store_true", help="print the result as JSON")
    look = parser.add_argument_group("look")
    look.add_argument(
        "--weights",
        action="append",
        metavar="WEIGHTS",
        help="one column: a profile, or LAYER=X,… such as relu1_1=1,relu5_1=2; or 'layers', eight columns: each of the five main layers "
        "alone, and the three profiles (default: layers); repeatable",
    )
    look.add_argument("--strength", type=float, nargs="+", default=[1.0], metavar="X", help="one or several (default: 1)")
    look.add_argument(
        "--content-weight", type=float, nargs="+", default=[None], metavar="X", help="one or several (default: the profile's)"
    )
    look.add_argument(
        "--frequency-exponent", type=float, nargs="+", default=[None], metavar="P", help="one or several (default: by weights)"
    )
    look.add_argument("--palette", choices=COLORS, help="whose colours, as in 'lwsw stylize'")
    look.add_argument("--width", type=int, default=384, metavar="PIXELS", help="of each picture (default: 384)")
    work = parser.add_argument_group("work")
    work.add_argument("--iterations", type=int, default=100, metavar="N", help="for each picture at each of its sizes (default: 100)")
    add_machine_arguments(work)
    parser.set_defaults(command=sweep)


def sweep(options: argparse.Namespace) -> int:
    """Paint one picture with several weights and paintings on one labelled sheet. The same command again paints only what is missing."""
    from ..jobs.progress import format_duration
    from ..jobs.settings import StylizeSettings
    from ..jobs.threads import let_threads_sleep
    from ..sweep.grid import Grid

    settings = StylizeSettings.from_dict(
        {
            "color": options.palette,
            "iterations": options.iterations,
            "first_iterations": options.iterations,
            "seed": options.seed,
            "device": options.device,
            "precision": options.precision,
            "network": options.network,
            "motion": "none",
        }
    )
    grid = Grid.make(
        options.style,
        options.weights or ["layers"],
        strengths=options.strength,
        content_weights=options.content_weight,
        exponents=options.frequency_exponent,
        color=settings.look.color,
    )
    let_threads_sleep()
    from ..sweep.run import run_sweep  # loads torch, which takes seconds

    line = ProgressLine(sys.stderr)

    def on_event(event: dict[str, Any]) -> None:
        left = event.get("seconds_left")
        tail = f"  {format_duration(left)} left" if left else ""
        head = f"{event['done']}/{event['total']}  {event['name']}"
        if event["event"] == "cell_finished":
            line.finish(f"{head}  {event['seconds']:.1f} s{tail}")
        else:
            line.update(f"{head}  iteration {event['iteration']} of {event['iterations']}{tail}")

    try:
        result = run_sweep(grid, options.color, options.out, frame=options.frame, width=options.width, settings=settings, on_event=on_event)
    finally:
        line.close()
    if options.json:
        print_json(result)
    else:
        again = f", {result['kept']} of them painted before" if result["kept"] else ""
        line.say(f"{result['cells']} pictures{again}: {result['sheet']}, {result['csv']}.")
    return 0
