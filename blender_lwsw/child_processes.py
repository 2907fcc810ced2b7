"""How other programs are started, on every system: arguments of :mod:`subprocess`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def hidden_window() -> dict[str, Any]:
    """Return what keeps a console window from popping up."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def own_session() -> dict[str, Any]:
    """Return what keeps Ctrl-C in Blender's terminal from a program, and a console window from popping up."""
    return hidden_window() or {"start_new_session": True}
