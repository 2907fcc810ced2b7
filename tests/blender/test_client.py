"""Every failure of the network is one of our errors. A real server on a real socket answers as the tests say."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from blender_lwsw.connection.backend import Backend, BackendSettings
from blender_lwsw.connection.client import Client
from blender_lwsw.errors import LwswError


class _Server(ThreadingHTTPServer):
    answer: tuple[int, bytes] = (200, b"{}")
    requests: list[tuple[str, str, dict[str, str], bytes]]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        status, data = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server(("127.0.0.1", 0), _Handler)
    made.requests = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def _client(server: _Server) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}", "secret", timeout=5)


def test_requests_follow_the_contract(server: _Server, tmp_path: Path) -> None:
    client = _client(server)
    (tmp_path / "file").write_bytes(b"bytes")
    server.answer = (201, b'{"id": "abc"}')
    assert client.create_job({"frames": [1]}) == "abc"
    server.answer = (200, b"{}")
    client.put_style("abc", "the painting.png", tmp_path / "file")
    client.put_frame("abc", -1, tmp_path / "file")
    client.put_passes("abc", 7, tmp_path / "file")
    client.put_cameras("abc", {"frames": {}})
    client.put_camera("abc", 7, {"clip_end": 5})
    client.start("abc", early=True)
    client.start("abc")
    client.cancel("abc")
    client.resume("abc")
    client.delete("abc")
    assert [(method, path) for method, path, _, _ in server.requests] == [
        ("POST", "/v1/jobs"),
        ("PUT", "/v1/jobs/abc/styles/the%20painting.png"),
        ("PUT", "/v1/jobs/abc/frames/-1"),
        ("PUT", "/v1/jobs/abc/passes/7"),
        ("PUT", "/v1/jobs/abc/cameras"),
        ("PUT", "/v1/jobs/abc/cameras/7"),
        ("POST", "/v1/jobs/abc/start?early=true"),
        ("POST", "/v1/jobs/abc/start"),
        ("POST", "/v1/jobs/abc/cancel"),
        ("POST", "/v1/jobs/abc/resume"),
        ("DELETE", "/v1/jobs/abc"),
    ]
    assert all(headers["Authorization"] == "Bearer secret" for _, _, headers, _ in server.requests)
    assert json.loads(server.requests[0][3]) == {"frames": [1]}
    assert server.requests[1][3] == b"bytes"


def test_errors_of_the_backend_pass_through(server: _Server) -> None:
    error = {"code": "missing_pass", "message": "There is no Vector pass.", "hint": "Turn it on."}
    server.answer = (422, json.dumps({"error": error}).encode())
    with pytest.raises(LwswError) as caught:
        _client(server).start("abc")
    assert caught.value.to_dict() == error


@pytest.mark.parametrize(
    ("status", "body", "code"), [(401, b"no", "bad_token"), (500, b"<html>", "internal"), (200, b"<html>", "version_mismatch")]
)
def test_answers_that_are_not_ours(server: _Server, status: int, body: bytes, code: str) -> None:
    server.answer = (status, body)
    with pytest.raises(LwswError) as caught:
        _client(server).status("abc")
    assert caught.value.code == code


def test_another_version(server: _Server) -> None:
    server.answer = (200, b'{"version": "9.0", "api": 2}')
    with pytest.raises(LwswError) as caught:
        Backend().connect(BackendSettings(url=f"http://127.0.0.1:{server.server_port}", token="secret"))
    assert caught.value.code == "version_mismatch"
    assert "9.0" in caught.value.message


def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(LwswError) as caught:
        Client(f"http://127.0.0.1:{port}", "secret").health()
    assert caught.value.code == "backend_gone"


def test_somebody_who_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(LwswError) as caught:
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}", "secret", timeout=0.2).health()
    assert caught.value.code == "backend_gone"


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://127.0.0.1:port"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(LwswError) as caught:
        Client(url, "secret")
    assert caught.value.code == "backend_not_found"


def test_other_machines_only_with_online_access() -> None:
    with pytest.raises(LwswError) as caught:
        Backend().connect(BackendSettings(url="http://198.51.100.1:80", token="x", online_access=False))
    assert caught.value.code == "online_access"
    assert "Online Access" in caught.value.hint


def test_a_file_that_is_gone(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(LwswError) as caught:
        _client(server).put_frame("abc", 1, tmp_path / "none.png")
    assert caught.value.code == "missing_frames"
