"""``lwsw doctor``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .output import print_json


def add(commands: Any, words: Sequence[str]) -> None:
    """Declare the command."""
    parser = commands.add_parser("doctor", help="say what this machine has and what is wrong with it", description=doctor.__doc__)
    parser.add_argument("--jobs", metavar="DIR", type=Path, help="the folder for jobs that is examined")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(command=doctor)


def doctor(options: argparse.Namespace) -> int:
    """Say what this machine has and what is wrong with it. Ends with status 1 when something prevents stylizing."""
    from ..doctor import examine, format_report, prevents_stylizing

    report = examine(options.jobs)
    if options.json:
        print_json(report)
    else:
        sys.stdout.write(format_report(report) + "\n")
    return 1 if prevents_stylizing(report) else 0
