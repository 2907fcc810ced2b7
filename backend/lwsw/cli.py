"""The command line: ``lwsw stylize | job | sweep | evaluate | serve | doctor``. Thin: each command is a module of :mod:`lwsw.commands`.

Exit status: 0 done, 1 an error that was told, 2 wrong usage, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from . import __version__
from .commands import doctor, evaluate, job, serve, stylize, sweep
from .commands.output import print_json
from .errors import Cancelled, LwswError

EXIT_ERROR = 1
EXIT_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Args:
        arguments: the words after ``lwsw``; None takes those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show a character must not stop the work
    options = _parser(words).parse_args(words)
    try:
        status: int = options.command(options)
        return status
    except KeyboardInterrupt:
        return _tell(Cancelled(), options)
    except LwswError as error:
        return _tell(error, options)
    except Exception as error:  # noqa: BLE001  nobody should have to read a traceback
        from .jobs.failures import as_lwsw_error

        reported = as_lwsw_error(error)
        reported.__cause__ = error
        return _tell(reported, options)


def _tell(error: LwswError, options: argparse.Namespace) -> int:
    """Say what went wrong in one sentence and the way out, and return the exit status."""
    if error.code == "internal" and error.__cause__ is not None:
        traceback.print_exception(error.__cause__)  # for the bug report
    sys.stderr.write(f"lwsw: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"      {error.hint}\n")
    if getattr(options, "json", False):
        print_json({"error": error.to_dict()})
    return EXIT_STOPPED if error.code == "cancelled" else EXIT_ERROR


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lwsw", description="Turns rendered animations into paintings that move without flicker.")
    parser.add_argument("--version", action="version", version=f"lwsw {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (stylize, job, sweep, evaluate, serve, doctor):
        module.add(commands, words)
    return parser


if __name__ == "__main__":
    sys.exit(main())
