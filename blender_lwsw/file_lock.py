"""A lock file that the operating system drops when its holder dies, whatever the cause, so that it is never stale."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from pathlib import Path
from typing import IO

#: Seconds to try for; whoever only looks whether a file is locked holds the lock for a moment.
PATIENCE = 0.05

_NO_FILE_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


class FileLock:
    """Holds a file for this process.

    Args:
        path: the lock file; made when it is needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Hold the file; return False where somebody else does. Raises OSError where the file cannot be made."""
        deadline = time.monotonic() + PATIENCE
        while True:
            stream = self._path.open("ab+")
            if _try_lock(stream) and self._is_at_its_path(stream):
                self._stream = stream
                return True
            stream.close()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)

    def release(self, remove: bool = False) -> None:
        """Let the file go, and ``remove`` it or leave it there. Calling it again does nothing."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        if remove and sys.platform != "win32":  # while it is still held: afterwards it may be somebody else's
            self._remove()
        stream.close()  # which drops the lock
        if remove and sys.platform == "win32":  # where only a file that nobody has open can be removed
            self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):  # then it stays
            self._path.unlink(missing_ok=True)

    def _is_at_its_path(self, stream: IO[bytes]) -> bool:
        """Say whether the file that was opened has not been removed since by who held it; Windows does not remove what is open."""
        if sys.platform == "win32":
            return True
        try:
            return os.path.samestat(os.fstat(stream.fileno()), self._path.stat())
        except OSError:
            return False


def is_held(path: Path) -> bool:
    """Return whether some process, this one included, holds a lock file right now."""
    try:
        with path.open("rb+") as stream:
            return not _try_lock(stream, shared=True)
    except OSError:  # not there, or not ours to write: then nobody who could hold it has been here
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
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
