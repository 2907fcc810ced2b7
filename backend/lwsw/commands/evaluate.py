"""``lwsw evaluate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from .output import print_json


def add(commands: Any, words: Sequence[str]) -> None:
    """Declare the command."""
    parser = commands.add_parser("evaluate", help="measure warping error, sharpness and style of a result")
    if "evaluate" in words[:1]:  # its arguments come with torch
        from ..evaluate import add_arguments

        add_arguments(parser)
    if not any("--json" in action.option_strings for action in parser._actions):
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=evaluate)


def evaluate(options: argparse.Namespace) -> int:
    """Measure a result."""
    from ..evaluate import run

    result = run(options)
    if options.json:
        print_json(result)
    else:
        from ..evaluation.report import format_report

        sys.stdout.write(format_report(result, options.definitions))
    return 0
