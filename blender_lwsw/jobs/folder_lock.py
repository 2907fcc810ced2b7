"""A lock file that the operating system drops when its holder dies, whatever the cause, so that it is never stale."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import IO

#: Seconds to try for; whoever only looks whether a file is locked holds the lock for a moment.
PATIENCE = 0.05

_NO_FILE_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


class FolderLock:
    """Holds a file for this process.

    Args:
        path: the lock file; made when it is needed, and it stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Hold the file; return False where somebody else does. Raises OSError where the file cannot be made."""
        stream = self._path.open("ab+")
        deadline = time.monotonic() + PATIENCE
        while not (held := _try_lock(stream)) and time.monotonic() < deadline:
            time.sleep(0.01)
        if held:
            self._stream = stream
        else:
            stream.close()
        return held

    def release(self) -> None:
        """Let the file go. Calling it again does nothing."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()  # which drops the lock


def is_held(path: Path) -> bool:
    """Return whether some process, this one included, holds a lock file right now."""
    try:
        with path.open("rb+") as stream:
            return not _try_lock(stream, shared=True)
    except OSError:  # not there, or not ours to write: then nobody who could hold it has been here
        return False


if os.name == "nt":
    import msvcrt

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        try:
            fcntl.flock(stream.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems have no locks; working without one there beats not working.
            return error.errno in _NO_FILE_LOCKS
        return True
