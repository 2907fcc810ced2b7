"""Where jobs live when nobody says where."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def default_jobs_folder() -> Path:
    """Return the folder for jobs: ``$LWSW_JOBS``, else ``lwsw/jobs`` in the user's data folder. It is not created here."""
    chosen = os.environ.get("LWSW_JOBS")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "lwsw" / "jobs"
