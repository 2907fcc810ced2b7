"""Every state of the backend shows one sentence and the button that mends it; the operators do what the functions do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import helpers
import layouts
import pytest

import blender_lwsw
from blender_lwsw import api
from blender_lwsw.connection import process
from blender_lwsw.connection.backend import session_backend
from blender_lwsw.connection.installed import Installed, environment_python, read_installed, write_installed
from blender_lwsw.errors import LwswError, cancelled
from blender_lwsw.installation import installer, offer, steps
from blender_lwsw.installation.installer import session_installer
from blender_lwsw.installation.torch_build import Machine
from blender_lwsw.interface import backend_operators, backend_state
from blender_lwsw.interface.panels.backend import draw_backend, draw_missing_backend
from blender_lwsw.interface.panels.run import Run
from blender_lwsw.jobs.session import session
from blender_lwsw.release import extension_version
from blender_lwsw.settings import preferences


class Layout(layouts.Layout):
    """Takes down what a panel draws."""

    def _container(self, **_options: Any) -> Layout:
        return Layout(self.drawn)

    def progress(self, text: str = "", factor: float = 0.0, **_options: Any) -> None:
        assert 0 <= factor <= 1
        self.drawn.append(("label", f"{text}…"))

    @property
    def buttons(self) -> list[str]:
        return self.names("operator")

    @property
    def text(self) -> str:
        return " ".join(self.names("label"))


def _context() -> Any:
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))  # Blender has none in background
    return SimpleNamespace(preferences=preferences, region=SimpleNamespace(width=400), scene=bpy.context.scene)


def _draw() -> Layout:
    backend_state.forget_state()
    layout = Layout()
    draw_backend(layout, _context())
    return layout


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No backend anywhere, offline, nothing left of earlier tests."""
    monkeypatch.setattr(preferences, "user_folder", lambda: tmp_path / "user")
    monkeypatch.setattr(process, "__file__", str(tmp_path / "extensions" / "lwsw" / "connection" / "process.py"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("LWSW_BACKEND", raising=False)
    session_backend.stop()
    session_installer.close()
    yield
    bpy.context.preferences.system.use_online_access = False
    session_backend.stop()
    session_installer.close()
    backend_state.forget_state()


@pytest.fixture
def online() -> None:
    """Blender may go online."""
    bpy.context.preferences.system.use_online_access = True
    assert bpy.app.online_access


def _install_stamp(version: str, tmp_path: Path) -> Path:
    folder = preferences.backend_folder()
    python = environment_python(folder / "venv-1")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    write_installed(folder, Installed("venv-1", version, "2.13.0+cpu", "cpu", "3.11.7", 1_218_000_000, 60.0))
    return folder


# ------------------------------------------------------------------------------------------------ what the section shows


def test_no_backend_offers_to_install_and_says_what_is_fetched(online: None) -> None:
    shown = _draw()
    assert "not installed yet" in shown.text
    assert shown.buttons == ["lwsw.install_backend", "lwsw.use_existing_backend"]
    session_installer.look(preferences.install_order())
    session_installer._survey.join(20)  # type: ignore[union-attr]
    shown = _draw()
    assert "PyTorch" in shown.text
    assert "GB" in shown.text
    assert "Blender itself is not changed" in shown.text


def test_it_is_said_where_jobs_are_started(online: None, painting: Path, scene: bpy.types.Scene) -> None:
    layout = Layout()
    assert draw_missing_backend(layout, _context())
    assert "not installed yet" in layout.text
    assert layout.buttons == ["lwsw.install_backend", "lwsw.use_existing_backend"]
    scene.lwsw.style, scene.lwsw.output = str(painting), str(painting.parent / "results")
    with pytest.raises(LwswError) as caught:  # and nothing is rendered in vain
        api.start_job(scene, interactive=False)
    assert caught.value.code == "backend_not_found"


def test_offline_one_button_allows_going_online_and_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _draw()
    assert "not allowed to go online" in shown.text
    assert shown.buttons[0] == "lwsw.install_backend"
    assert "Allow Online Access and Install" in shown.names("button"), "what the button changes stands on it"
    with pytest.raises(LwswError) as caught:
        api.install_backend()
    assert caught.value.code == "online_access"
    shown = _draw()
    assert "Online Access" in shown.text
    assert shown.buttons[0] == "lwsw.install_backend"
    with pytest.raises(RuntimeError, match="not allowed to go online"):  # the operator says the same
        bpy.ops.lwsw.install_backend()
    assert not bpy.app.online_access, "nothing but that button changes Blender's preferences"
    online: list[bool] = []
    monkeypatch.setattr(api, "install_backend", lambda **_: online.append(bpy.app.online_access))
    assert bpy.ops.lwsw.install_backend(allow_online=True) == {"FINISHED"}
    assert online == [True]


def test_a_failure_is_said_where_jobs_are_started(scene: bpy.types.Scene) -> None:
    """The section of the backend may lie outside of the window."""
    with pytest.raises(LwswError):
        api.install_backend()
    layout = Layout()
    assert draw_missing_backend(layout, _context())
    assert "not allowed to go online" in layout.text
    assert layout.buttons == ["lwsw.install_backend"]


def test_the_backend_can_be_installed_before_a_painting_is_chosen(online: None, scene: bpy.types.Scene) -> None:
    layout = Layout()
    backend_state.forget_state()
    Run.draw(SimpleNamespace(layout=layout), _context())
    assert layout.buttons[:4] == ["lwsw.install_backend", "lwsw.use_existing_backend", "lwsw.pick_style", "lwsw.stylize"]


def test_a_failed_installation_shows_why_and_lets_try_again(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer, "free_space", lambda _: 1_000_000)
    with pytest.raises(LwswError) as caught:
        api.install_backend()
    assert caught.value.code == "disk_full"
    shown = _draw()
    assert "Installing the backend needs" in shown.text
    assert shown.buttons == ["lwsw.install_backend"]
    assert not preferences.backend_folder().exists()


def test_an_old_installed_backend_is_updated(online: None, tmp_path: Path) -> None:
    _install_stamp("0.0.9", tmp_path)
    shown = _draw()
    assert "Installed: version 0.0.9" in shown.text
    assert "carries version" in shown.text
    assert shown.buttons == [
        "lwsw.install_backend",
        "lwsw.start_backend",
        "lwsw.use_existing_backend",
        "lwsw.repair_backend",
        "lwsw.uninstall_backend",
    ]
    error = LwswError("version_mismatch", "The backend (version 0.0.9) is older than the extension.", "")
    assert [mend.label for mend in backend_state.mends(error)] == ["Update Backend"]


#: A backend of another version: it starts as ours does, and answers.
_OTHER = """
import http.server, json, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = json.dumps({"version": VERSION, "api": API}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", "token": "t"}), flush=True)
sys.stdin.read()
"""


def _other_version(path: Path, version: str, interface: int) -> Path:
    path.write_text(f"#!{sys.executable}\n{_OTHER.replace('VERSION', repr(version)).replace('API', str(interface))}")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("version", "interface", "words"), [("0.0.1", 0, "older than the extension"), ("9.0.0", 9, "newer than the extension")]
)
@pytest.mark.parametrize("is_installed", [True, False])
def test_a_backend_of_another_version_ends_the_job_with_the_button_that_mends_it(
    online: None,
    scene: bpy.types.Scene,
    painting: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_installed: bool,
    version: str,
    interface: int,
    words: str,
) -> None:
    """The installed one, and one that somebody named; said where jobs are started and in the section, each button once."""
    program = _other_version(tmp_path / "lwsw", version, interface)
    if is_installed:
        python = environment_python(_install_stamp(version, tmp_path) / "venv-1")
        python.unlink()
        program.rename(python)
    else:
        monkeypatch.setenv("LWSW_BACKEND", str(program))
    before = helpers.snapshot(scene)
    request = api.Request(style=painting, output=tmp_path / "out", **helpers.QUICK)
    job = api.start_job(scene, request, interactive=False)
    session.run(job)
    deadline = time.monotonic() + 60
    while session.is_running:
        session._timer()
        assert time.monotonic() < deadline
    assert job.error is not None
    assert job.error.code == "version_mismatch"
    assert helpers.snapshot(scene) == before
    first = ["lwsw.install_backend"] if is_installed else ["lwsw.install_backend", "lwsw.use_existing_backend"]
    scene.lwsw.style, scene.lwsw.output = str(painting), str(tmp_path / "out")
    run = Layout()
    Run.draw(SimpleNamespace(layout=run), _context())
    assert words in run.text
    assert [name for name in run.buttons if "backend" in name] == first
    shown = _draw()
    assert words in shown.text
    assert shown.buttons[: len(first)] == first
    assert shown.buttons.count("lwsw.install_backend") == 1


def test_an_installed_backend_that_is_broken_is_repaired(online: None, tmp_path: Path) -> None:
    folder = _install_stamp("0.1.0", tmp_path)
    python = environment_python(folder / "venv-1")
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    shown = _draw()
    assert "Python it was made with is gone" in shown.text
    assert "lwsw.repair_backend" in shown.buttons
    python.unlink()
    python.symlink_to(sys.executable)  # it runs, and has no backend in it
    backend_state.forget_state()
    with pytest.raises(RuntimeError, match="did not start"):
        bpy.ops.lwsw.start_backend()
    shown = _draw()
    assert "No module named" in shown.text
    assert shown.buttons[0] == "lwsw.repair_backend"


class _Elsewhere(BaseHTTPRequestHandler):
    answer: tuple[int, bytes] = (200, b"<html>")

    def do_GET(self) -> None:
        status, data = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Elsewhere]]:
    """A server at the address where the backend should be."""
    handler = type("Elsewhere", (_Elsewhere,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("LWSW_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("LWSW_TOKEN", "secret")
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(sys.platform == "win32", reason="there 0.0.0.0 is no address")
def test_offline_one_button_allows_going_online_and_connects(elsewhere: type[_Elsewhere], monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend on another machine: an address that is not this machine's own, and leads here all the same."""
    elsewhere.answer = (200, json.dumps({"version": extension_version(), "api": 1}).encode())
    monkeypatch.setenv("LWSW_URL", os.environ["LWSW_URL"].replace("127.0.0.1", "0.0.0.0"))
    with pytest.raises(RuntimeError, match="not allowed to go online"):
        bpy.ops.lwsw.start_backend()
    shown = _draw()
    assert "not allowed to go online" in shown.text
    assert shown.buttons == ["lwsw.start_backend", "lwsw.use_existing_backend"]
    assert "Allow Online Access and Connect" in shown.names("button"), "what the button changes stands on it"
    assert session_backend.error is not None
    button = backend_state.mends(session_backend.error)[0]
    bpy.context.preferences.system.use_online_access = True  # by hand, in the preferences
    assert _draw().names("button")[0] == "Try Again"
    bpy.context.preferences.system.use_online_access = False
    assert bpy.ops.lwsw.start_backend(**button.values) == {"FINISHED"}
    assert bpy.app.online_access
    assert "Running" in _draw().text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"<html>It works!</html>"), "another program has taken its port"),
        ((404, b"not found"), "another program has taken its port"),
        ((200, b'{"status": "ok"}'), "another program has taken its port"),
        ((401, b"no"), "does not accept the token"),
        ((200, json.dumps({"version": "0.0.1", "api": 0}).encode()), "(version 0.0.1) is older than the extension"),
        ((200, json.dumps({"version": "9.0", "api": 9}).encode()), "(version 9.0) is newer than the extension"),
    ],
)
def test_an_address_that_answers_with_something_else(elsewhere: type[_Elsewhere], answer: tuple[int, bytes], words: str) -> None:
    elsewhere.answer = answer
    with pytest.raises(RuntimeError, match=r"\.") as caught:
        bpy.ops.lwsw.start_backend()
    assert words in str(caught.value)
    shown = _draw()
    assert words in shown.text
    assert shown.buttons[:2] == ["lwsw.use_existing_backend", "lwsw.start_backend"]


def test_something_that_speaks_no_http(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("LWSW_URL", f"http://127.0.0.1:{server.getsockname()[1]}")

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(RuntimeError, match="another program has taken its port"):
            bpy.ops.lwsw.start_backend()
        thread.join()


def test_the_real_backend_with_a_wrong_token(backend_program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [backend_program, "serve", "--exit-with-parent", "--jobs", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        ready = json.loads(running.stdout.readline())  # type: ignore[union-attr]
        monkeypatch.setenv("LWSW_URL", ready["url"])
        monkeypatch.setenv("LWSW_TOKEN", "wrong")
        with pytest.raises(RuntimeError, match="token"):
            bpy.ops.lwsw.start_backend()
        shown = _draw()
        assert shown.buttons[0] == "lwsw.use_existing_backend"
        monkeypatch.setenv("LWSW_TOKEN", ready["token"])
        assert bpy.ops.lwsw.start_backend() == {"FINISHED"}
        assert f"At the address {ready['url']}" in _draw().text
    finally:
        running.stdin.close()  # type: ignore[union-attr]
        running.wait(20)
        running.stdout.close()  # type: ignore[union-attr]


def test_errors_of_other_things_have_no_button_of_the_backends() -> None:
    for error in (cancelled(), LwswError("disk_full", "The disk is full."), LwswError("missing_style", "No painting.")):
        assert backend_state.mends(error) == []


def test_drawing_takes_no_time(tmp_path: Path) -> None:
    for prepare in (lambda: None, lambda: _install_stamp("0.0.9", tmp_path)):
        prepare()
        backend_state.forget_state()
        began = time.thread_time()  # whatever else the machine does
        for _ in range(100):
            draw_backend(Layout(), _context())
        assert (time.thread_time() - began) / 100 < 0.002


# ------------------------------------------------------------------------------------------------ while it is installed


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, online: None) -> None:
    """An installation that takes its time."""
    monkeypatch.setattr(offer, "look_at_machine", lambda: Machine("Linux", "x86_64"))

    def wait(self: Any, python: Any, path: Path) -> None:
        path.mkdir()
        (path / "large.bin").write_bytes(b"0" * 1000)
        program = path / "slow.py"
        program.write_text(
            "import time\nfor number in range(600):\n    print('Collecting package', number, flush=True)\n    time.sleep(0.1)\n"
        )
        self._must(python, "waiting", python.path, str(program))

    monkeypatch.setattr(steps.Installation, "_make_environment", wait)


def test_progress_is_shown_and_cancel_ends_it(slow: None) -> None:
    api.start_installation()
    deadline = time.monotonic() + 20
    while not session_installer.progress().lines or "Collecting" not in session_installer.progress().lines[-1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shown = _draw()
    assert shown.names("label")[0].endswith("…")
    assert "Collecting package" in shown.text
    assert shown.buttons == ["lwsw.cancel_installation"]
    assert not bpy.ops.lwsw.install_backend.poll()
    assert not bpy.ops.lwsw.use_existing_backend.poll()
    began = time.monotonic()
    assert bpy.ops.lwsw.cancel_installation() == {"FINISHED"}
    assert session_installer.wait(5)
    assert time.monotonic() - began < 2
    shown = _draw()
    assert "cancelled" in shown.text
    assert "lwsw.install_backend" in shown.buttons
    assert not preferences.backend_folder().exists()


def test_turning_the_extension_off_ends_an_installation(slow: None) -> None:
    folder = preferences.backend_folder()
    api.start_installation()
    deadline = time.monotonic() + 20
    while not (folder / "venv-1").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    blender_lwsw.unregister()
    try:
        assert time.monotonic() - began < 3
        assert not folder.exists()
        assert not any(thread.name.startswith("lwsw") for thread in threading.enumerate())
    finally:
        blender_lwsw.register()


def test_a_callback_that_fails_leaves_nothing(slow: None) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        api.install_backend(progress=fail)
    assert not session_installer.is_running
    assert not preferences.backend_folder().exists()


def test_what_was_installed_is_used_and_started(online: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    used: list[str] = []

    def run(_self: Any) -> Installed | None:
        return read_installed(_install_stamp("0.1.0", tmp_path))

    monkeypatch.setattr(steps.Installation, "run", run)
    monkeypatch.setattr(api, "finish_installation", lambda: used.append("installed"))
    monkeypatch.setattr(backend_operators, "redraw", lambda: used.append("drawn"))
    api.start_installation()
    assert session_installer.wait(10)
    session_installer.wait_until_swept()
    assert backend_operators._watch_installer() is None  # the timer of the window, which never ticks in background
    assert used == ["drawn", "installed"]
    thread = backend_operators._thread
    assert thread is not None
    thread.join(20)
    assert session_backend.error is not None  # it was started: this environment has no backend in it
    assert "No module named" in session_backend.error.message
    assert bpy.app.timers.is_registered(backend_operators._redraw_while_starting)
    blender_lwsw.unregister()
    try:
        assert not bpy.app.timers.is_registered(backend_operators._redraw_while_starting)
    finally:
        blender_lwsw.register()


# ------------------------------------------------------------------------------------------------ uninstalling, use existing


def test_uninstalling_leaves_no_file(tmp_path: Path) -> None:
    folder = _install_stamp("0.1.0", tmp_path)
    (folder / "downloads").mkdir()
    assert bpy.ops.lwsw.uninstall_backend() == {"FINISHED"}
    assert not any(folder.parent.iterdir())
    assert not bpy.ops.lwsw.uninstall_backend.poll()
    api.uninstall_backend()  # there is nothing to do, which is no error


def test_a_file_that_cannot_be_removed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _install_stamp("0.1.0", tmp_path)
    monkeypatch.setattr(installer, "set_aside", lambda *_: None)
    with pytest.raises(LwswError) as caught:
        api.uninstall_backend()
    assert caught.value.code == "output_not_writable"
    assert str(folder) in caught.value.message


def test_use_existing_checks_what_it_is_given(tmp_path: Path) -> None:
    for arguments in ({"kind": "PATH", "path": str(tmp_path / "none")}, {"kind": "ADDRESS", "url": "render-box"}):
        with pytest.raises(RuntimeError, match=r"no backend at|not the address"):
            bpy.ops.lwsw.use_existing_backend(**arguments)
    if not os.environ.get("LWSW_URL"):
        with pytest.raises(RuntimeError, match="not enabled"):  # a plain package has no preferences
            bpy.ops.lwsw.use_existing_backend(kind="ADDRESS", url="http://127.0.0.1:1")
