"""Runs a module (``-m NAME``) or a program in this Python, and ends with whoever started it.

Another Python than Blender's runs this, by its path: it uses the standard library only. Standard input is a pipe that the starter holds.
When that closes, because Blender was closed, killed or has crashed, this process ends together with everything it has started.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_starter() -> None:
    while os.read(0, 4096):
        pass
    if sys.platform != "win32" and os.getpgrp() == os.getpid():  # the starter made a group of us: everybody in it is ours
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Command line."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    arguments = sys.argv[1:]
    if arguments[:1] == ["-m"]:
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
