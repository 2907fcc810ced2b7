"""Finding, starting, watching and stopping the backend, with real processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_lwsw.connection.backend import Backend, BackendSettings
from blender_lwsw.connection.client import Client
from blender_lwsw.connection.process import BackendProcess, find_backend
from blender_lwsw.errors import LwswError


def _program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _is_running(pid: int) -> bool:
    try:
        return f"{pid} (" in Path(f"/proc/{pid}/stat").read_text() and ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _wait_until(condition: object, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_where_it_is_looked_for(tmp_path: Path) -> None:
    one = _program(tmp_path / "one" / "bin" / "lwsw", "")
    two = _program(tmp_path / "two" / "lwsw", "")
    python = _program(tmp_path / "three" / "python3.11", "")
    assert find_backend(str(two), {}) == [str(two)]
    assert find_backend(str(two), {"LWSW_BACKEND": str(tmp_path / "one")}) == [str(one)]
    command = find_backend(str(python), {})
    assert command[0] == str(python)
    assert "lwsw.cli" in command[-1]


def test_a_wrong_path_is_named(tmp_path: Path) -> None:
    for preferred, environment in ((str(tmp_path / "none"), {}), ("", {"LWSW_BACKEND": str(tmp_path / "none")}), (str(tmp_path), {})):
        with pytest.raises(LwswError) as caught:
            find_backend(preferred, environment)
        assert caught.value.code == "backend_not_found"
        assert str(tmp_path) in caught.value.message


def test_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blender_lwsw.connection.process.__file__", str(tmp_path / "extensions" / "lwsw" / "connection" / "process.py"))
    with pytest.raises(LwswError) as caught:
        find_backend("", {"PATH": str(tmp_path)})
    assert caught.value.code == "backend_not_found"
    found = _program(tmp_path / "lwsw", "")
    assert find_backend("", {"PATH": str(tmp_path)}) == [str(found)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit('the torch is out')", "the torch is out"),
        ("print('hello')", "hello"),
        ("print('{}')", "{}"),
        ("", "without a word"),
    ],
)
def test_a_program_that_does_not_start(tmp_path: Path, body: str, words: str) -> None:
    process = BackendProcess([str(_program(tmp_path / "lwsw", body))])
    with pytest.raises(LwswError) as caught:
        process.start(timeout=10)
    assert caught.value.code == "backend_start_failed"
    assert words in caught.value.message
    assert not process.is_alive()


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    for content, words in ((b"\x7fELF broken", ""), (b"#!/no/such/python\n", "Python it was installed with is gone")):
        (tmp_path / "lwsw").write_bytes(content)
        (tmp_path / "lwsw").chmod(0o755)
        with pytest.raises(LwswError) as caught:
            BackendProcess([str(tmp_path / "lwsw")]).start()
        assert caught.value.code == "backend_start_failed"
        assert words in caught.value.message


def test_a_program_that_is_never_ready(tmp_path: Path) -> None:
    process = BackendProcess([str(_program(tmp_path / "lwsw", "import time; time.sleep(60)"))])
    with pytest.raises(LwswError) as caught:
        process.start(timeout=0.5)
    assert caught.value.code == "backend_start_failed"
    assert process.pid is not None
    assert not _is_running(process.pid)


def test_waiting_for_it_can_be_given_up(tmp_path: Path) -> None:
    process = BackendProcess([str(_program(tmp_path / "lwsw", "import time; time.sleep(60)"))])
    began = time.monotonic()
    with pytest.raises(LwswError) as caught:
        process.start(timeout=60, give_up=lambda: time.monotonic() - began > 0.3)
    assert caught.value.code == "cancelled"
    assert not process.is_alive()


def test_its_python_is_its_own_and_its_log_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/blender")
    monkeypatch.setenv("PYTHONHOME", sys.base_prefix)
    body = (
        "import json, os, sys\n"
        "print(json.dumps({'url': 'http://127.0.0.1:1', 'token': os.environ.get('PYTHONPATH', 'clean')}), flush=True)\n"
        "for number in range(5000): print('line', number, file=sys.stderr)\n"
        "for number in range(5000): print('noise that must not fill the pipe', number)\n"
        "print('last', sys.argv[1:], file=sys.stderr, flush=True)\n"
        "sys.stdin.read()"
    )
    process = BackendProcess([str(_program(tmp_path / "lwsw", body))], tmp_path / "backend.log")
    process.start(timeout=10)
    assert process.token == "clean"
    expected = "last ['serve', '--exit-with-parent']"
    assert _wait_until(lambda: process.log_tail and process.log_tail[-1] == expected)
    assert len(process.log_tail) <= 200
    process.stop()
    assert not process.is_alive()
    assert (tmp_path / "backend.log").read_text().splitlines()[-1] == expected


def test_a_stubborn_program_is_made_to_end(tmp_path: Path) -> None:
    body = (
        "import json, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(json.dumps({'url': 'u', 'token': 't'}), flush=True)\n"
        "time.sleep(60)"
    )
    process = BackendProcess([str(_program(tmp_path / "lwsw", body))])
    process.start(timeout=10)
    process.stop(patience=0.3)
    assert not process.is_alive()


def test_the_real_one_starts_answers_and_stops(backend: str) -> None:
    session = Backend()
    assert session.state == "Not started"
    client = session.connect(BackendSettings())
    assert client.health()["api"] == 1
    assert session.state.startswith("Running")
    process = session.process
    assert process is not None
    assert session.connect(BackendSettings()).url == client.url  # the same one is kept
    with pytest.raises(LwswError) as caught:
        Client(client.url, "wrong").health()
    assert caught.value.code == "bad_token"
    session.stop()
    assert not process.is_alive()
    assert session.state == "Not started"
    with pytest.raises(LwswError) as caught:
        client.health()
    assert caught.value.code == "backend_gone"


def test_the_real_one_is_started_again_after_it_died(backend: str) -> None:
    session = Backend()
    try:
        session.connect(BackendSettings())
        process = session.process
        assert process is not None
        assert process.pid is not None
        os.kill(process.pid, 9)
        assert _wait_until(lambda: not process.is_alive())
        assert session.state == "Stopped unexpectedly"
        assert session.connect(BackendSettings()).health()["api"] == 1
        assert session.process is not process
    finally:
        session.stop()


def test_the_real_one_ends_with_its_parent(backend: str) -> None:
    script = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "from blender_lwsw.connection.process import BackendProcess\n"
        "process = BackendProcess([sys.argv[2]]); process.start(); print(process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    run = subprocess.run([sys.executable, "-c", script, root, backend], capture_output=True, text=True, timeout=120)
    pid = int(run.stdout)
    assert run.returncode == -9
    assert _wait_until(lambda: not _is_running(pid), 10)
