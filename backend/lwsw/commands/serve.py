"""``lwsw serve``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def add(commands: Any, words: Sequence[str]) -> None:
    """Declare the command."""
    parser = commands.add_parser("serve", help="run the local backend", description=serve.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--jobs", metavar="DIR", type=Path, help="folder for jobs (default: $LWSW_JOBS, else in the user's data folder)")
    parser.add_argument("--token", help="secret that requests carry; other users can see it here (default: $LWSW_TOKEN, else a new one)")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input closes")
    parser.set_defaults(command=serve)


def serve(options: argparse.Namespace) -> int:
    """Run the local backend on 127.0.0.1. Prints one JSON line with its address and token when it is ready."""
    from ..jobs.folders import default_jobs_folder
    from ..server.serve import serve as run_server

    folder = options.jobs if options.jobs is not None else default_jobs_folder()
    run_server(folder, port=options.port, token=options.token, exit_with_parent=options.exit_with_parent)
    return 0
