"""A backend for tests as the extension meets it: a real process, real sockets, real files. Only run_job is a stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
from support_jobs import HEIGHT, WIDTH, picture, wait_until, write_passes

SERVE = """
import sys
from pathlib import Path
from lwsw.server.serve import serve
sys.path.insert(0, sys.argv[2])
from support_jobs import stand_in
serve(Path(sys.argv[1]), exit_with_parent=True, command=stand_in(Path(sys.argv[3])))
"""


class Backend:
    """A running backend and a client that talks to it."""

    def __init__(self, jobs: Path, scratch: Path) -> None:
        self.jobs = jobs
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(jobs), str(Path(__file__).parent), str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LWSW_TOKEN": ""},
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.client = httpx.Client(
            base_url=self.ready["url"], headers={"Authorization": f"Bearer {self.ready['token']}"}, timeout=10.0, trust_env=False
        )

    def create(self, frames=(1, 2, 3), behave: str = "", **settings) -> str:
        body = {"frames": list(frames), "width": WIDTH, "height": HEIGHT, "styles": ["painting.png"], "settings": settings}
        response = self.client.post("/v1/jobs", json=body)
        assert response.status_code == 201, response.text
        job = response.json()["id"]
        (self.jobs / job / "behave").write_text(behave)
        return job

    def fill(self, job: str, frames=(1, 2, 3), scratch: Path | None = None) -> None:
        self.put(job, "styles/painting.png", picture(99))
        for frame in frames:
            self.put(job, f"frames/{frame}", picture(frame))
            self.put(job, f"passes/{frame}", passes())

    def put(self, job: str, what: str, content: bytes) -> None:
        response = self.client.put(f"/v1/jobs/{job}/{what}", content=content)
        assert response.status_code == 200, response.text

    def ready_job(self, frames=(1, 2, 3), behave: str = "") -> str:
        job = self.create(frames, behave)
        self.fill(job, frames)
        return job

    def start(self, job: str) -> dict:
        response = self.client.post(f"/v1/jobs/{job}/start")
        assert response.status_code == 202, response.text
        return response.json()

    def status(self, job: str) -> dict:
        return self.client.get(f"/v1/jobs/{job}").json()

    def wait(self, job: str, *states: str) -> dict:
        return wait_until(lambda: (status := self.status(job)) and status["state"] in states and status)

    def error(self, method: str, path: str, **options) -> tuple[int, str]:
        response = self.client.request(method, path, **options)
        error = response.json()["error"]
        assert set(error) == {"code", "message", "hint"} and error["message"].endswith("."), error
        assert not str(error["message"]).startswith("Traceback")
        return response.status_code, error["code"]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.client.close()
        self.process.send_signal(number)
        try:
            return self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.stdout.close()
            self.process.stdin.close()


_passes: dict[str, bytes] = {}


def passes(**options) -> bytes:
    key = repr(options)
    if key not in _passes:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            _passes[key] = write_passes(Path(folder) / "pass.exr", **options).read_bytes()
    return _passes[key]


@contextmanager
def running(jobs: Path, scratch: Path):
    backend = Backend(jobs, scratch)
    try:
        yield backend
    finally:
        if backend.process.poll() is None:
            backend.end()
