"""A lock file that the operating system drops when its holder dies, whatever the cause, so that it is never stale."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import LwswError
from ..media.files import output_error

_PATIENCE = 0.5  # seconds; whoever only looks whether a file is locked holds the lock for a moment
_NO_FILE_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextmanager
def hold(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file for this process. The number of the process is in it for the message only.

    Args:
        path: the file; made if it does not exist.
        what: what the message says is running, as the beginning of a sentence.

    Raises:
        LwswError: ``job_running`` when somebody else holds it, ``output_not_writable`` or ``disk_full``.
    """
    try:
        stream = path.open("ab+")
    except OSError as error:
        raise output_error(path, error) from error
    with stream:
        deadline = time.monotonic() + _PATIENCE
        while not (held := _try_lock(stream)) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not held:
            hint = "Wait until it ends or cancel it, then try again."
            raise LwswError("job_running", f"{what} is already running{_holder(stream)}.", hint)
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        stream.flush()
        try:
            yield
        finally:
            _unlock(stream)


def is_held(path: Path) -> bool:
    """Return whether some process holds a lock file right now."""
    try:
        with path.open("rb+") as stream:
            if not _try_lock(stream, shared=True):
                return True
            _unlock(stream)
    except OSError:
        pass
    return False


def _holder(stream: IO[bytes]) -> str:
    try:
        stream.seek(0)
        holder = json.loads(stream.read())
        return f" (process {int(holder['pid'])} on {holder['host']})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30  # Windows locks are mandatory: lock far behind the text so that others can read it

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        stream.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(stream: IO[bytes]) -> None:
        stream.seek(_LOCKED_BYTE)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        try:
            fcntl.flock(stream.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems have no locks; working without one there beats not working.
            return error.errno in _NO_FILE_LOCKS
        return True

    def _unlock(stream: IO[bytes]) -> None:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_UN)
        except OSError as error:
            if error.errno not in _NO_FILE_LOCKS:
                raise
