"""Atomic writes: whole files or none, and a sentence for everything that can go wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lwsw.errors import LwswError
from lwsw.media import files
from lwsw.media.files import sweep_temporary_files, write_atomically


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "Gemälde 0001.png"
    write_atomically(target, b"first")
    write_atomically(target, b"second")
    assert target.read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_file_has_ordinary_permissions(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_name_of_greatest_length(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".png")
    write_atomically(target, b"data")
    assert target.read_bytes() == b"data"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_while_flushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    target = tmp_path / "0001.png"
    target.write_bytes(b"old")
    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(LwswError) as raised:
        write_atomically(target, b"new")
    assert raised.value.code == "disk_full"
    assert str(target) in raised.value.message
    assert raised.value.hint
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_really_full_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel itself says that there is no space: the temporary file is a link to the device that is always full."""
    original = Path.open

    def open_on_full_device(self: Path, mode: str = "r", **options: object):  # type: ignore[no-untyped-def]
        self.symlink_to("/dev/full")
        return original(self, mode.replace("x", "w"), **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", open_on_full_device)
    with pytest.raises(LwswError) as raised:
        write_atomically(tmp_path / "0001.png", b"x" * 100_000)
    assert raised.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["missing/0001.png", "file/0001.png", "folder"])
def test_place_that_cannot_be_written(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "occupied").write_bytes(b"")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LwswError) as raised:
        write_atomically(tmp_path / target, b"data")
    assert raised.value.code == "output_not_writable"
    assert str(tmp_path / target) in raised.value.message
    assert raised.value.hint
    assert sorted(tmp_path.rglob("*")) == before


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Root may write everywhere, so the refusal of the system is replaced by the same error.
        def refuse(self: Path, *_arguments: object, **_options: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(LwswError) as raised:
        write_atomically(tmp_path / "0001.png", b"data")
    assert raised.value.code == "output_not_writable"
    assert "permission denied" in raised.value.message


def test_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "0001.png", b"data")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_its_check_never_gets_the_name(tmp_path: Path) -> None:
    target = tmp_path / "0001.exr"
    seen = []

    def refuse(path: Path) -> None:
        seen.append((path.parent, path.read_bytes()))
        raise LwswError("corrupt_pass", "It is damaged.", "")

    write_atomically(target, b"old", lambda path: seen.append((path.parent, path.read_bytes())))
    with pytest.raises(LwswError) as raised:
        write_atomically(target, b"new", refuse)
    assert raised.value.code == "corrupt_pass"
    assert seen == [(tmp_path, b"old"), (tmp_path, b"new")]
    assert list(tmp_path.iterdir()) == [target] and target.read_bytes() == b"old"


def test_killed_writer_leaves_old_file_and_is_swept(tmp_path: Path) -> None:
    """A process that dies between writing and renaming leaves the old file, and a rest that the sweep finds."""
    target = tmp_path / "0001.png"
    target.write_bytes(b"old")
    keep = tmp_path / ".notes.tmp"
    keep.write_bytes(b"mine")
    code = (
        "import os, sys; from pathlib import Path; from lwsw.media import files\n"
        "files.os.fsync = lambda descriptor: os._exit(9)\n"
        "files.write_atomically(Path(sys.argv[1]), b'new')"
    )
    assert subprocess.run([sys.executable, "-c", code, str(target)], check=False).returncode == 9
    assert target.read_bytes() == b"old"
    rest = set(tmp_path.iterdir()) - {target, keep}
    assert len(rest) == 1
    assert set(sweep_temporary_files(tmp_path)) == rest
    assert set(tmp_path.iterdir()) == {target, keep}


def test_sweep_of_missing_folder(tmp_path: Path) -> None:
    assert sweep_temporary_files(tmp_path / "missing") == []
