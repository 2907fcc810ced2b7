"""A lock that cannot be stale, and that only one program holds."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import helpers
import pytest

from blender_lwsw import file_lock
from blender_lwsw.errors import LwswError
from blender_lwsw.file_lock import FileLock, is_held
from blender_lwsw.installation.folder import locked

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other locks, and does not remove what is open")


def test_one_holds_it_and_the_next_one_after(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = FileLock(path), FileLock(path)
    assert not is_held(path)
    assert first.acquire()
    assert is_held(path)
    assert not second.acquire()
    first.release()
    assert path.exists() and not is_held(path)
    assert second.acquire()
    first.release()  # says nothing about the second's
    assert is_held(path)
    second.release(remove=True)
    assert not path.exists()


def test_the_system_drops_it_when_its_holder_is_killed(tmp_path: Path) -> None:
    with helpers.holding(tmp_path / "lock"):
        assert is_held(tmp_path / "lock") and not FileLock(tmp_path / "lock").acquire()
    assert FileLock(tmp_path / "lock").acquire()


@posix
def test_what_was_removed_meanwhile_is_not_what_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has opened the file just before its holder removed it must not think to hold what a third one makes anew."""
    path = tmp_path / "lock"
    first, second, try_lock, tries = FileLock(path), FileLock(path), file_lock._try_lock, []
    assert first.acquire()

    def try_late(stream: Any, shared: bool = False) -> bool:
        tries.append(stream)
        first.release(remove=True)
        return try_lock(stream, shared)

    monkeypatch.setattr(file_lock, "_try_lock", try_late)
    assert second.acquire()
    monkeypatch.undo()
    assert len(tries) == 2  # the first file was gone
    assert is_held(path) and not FileLock(path).acquire()


@posix
def test_who_removes_it_removes_nobody_elses(tmp_path: Path) -> None:
    """Whoever waits may make the file anew as soon as it is let go."""
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    held = first._stream
    assert held is not None

    class Closing:
        def close(self) -> None:
            held.close()
            assert second.acquire()

    first._stream = Closing()
    first.release(remove=True)
    assert is_held(tmp_path / "lock")


@posix
def test_a_disk_without_locks_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert FileLock(tmp_path / "lock").acquire()
    with locked(tmp_path / "backend"):  # installing works there, too
        assert (tmp_path / "backend" / "lock").exists()
    assert not (tmp_path / "backend").exists()


def test_a_lock_that_cannot_be_made_is_said_by_the_installer(tmp_path: Path) -> None:
    (tmp_path / "backend" / "lock").mkdir(parents=True)
    with pytest.raises(LwswError) as caught, locked(tmp_path / "backend"):
        pass
    assert caught.value.code == "output_not_writable"
