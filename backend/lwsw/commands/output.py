"""What commands write: a progress line, and JSON."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO


class ProgressLine:
    """One line that changes on a terminal; only finished parts and remarks where the output goes to a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = 0

    def update(self, text: str) -> None:
        """Show text until the next one."""
        if self._is_terminal:
            self._stream.write("\r" + text.ljust(self._shown))
            self._stream.flush()
            self._shown = len(text)

    def finish(self, text: str) -> None:
        """Show text and keep it on a terminal until the next update; elsewhere as a line."""
        if self._is_terminal:
            self.update(text)
        else:
            self.say(text)

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self.close()
        self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the changing line as it is and go on below it."""
        if self._shown:
            self._stream.write("\n")
            self._stream.flush()
            self._shown = 0


def print_json(data: Any) -> None:
    """Print data on standard output."""
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
