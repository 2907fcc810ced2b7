"""The backend as the extension meets it: a real process, real sockets, real files. Only run_job is a stand-in."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support_jobs import HEIGHT, WIDTH, make_job, picture, wait_until, write_passes

from lwsw.jobs.directory import JobDirectory

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


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    with running(tmp_path_factory.mktemp("jobs"), scratch) as backend:
        yield backend


def test_ready_line(backend):
    assert set(backend.ready) == {"url", "token", "version", "api", "pid"}
    assert backend.ready["url"].startswith("http://127.0.0.1:") and backend.ready["pid"] == backend.process.pid
    assert len(backend.ready["token"]) >= 32


def test_health_learns_the_device(backend):
    health = backend.client.get("/v1/health").json()
    assert health["api"] == 1 and health["active_job"] is None
    health = wait_until(lambda: (answer := backend.client.get("/v1/health").json())["device"] and answer)
    assert health["device"] and health["device_name"]


@pytest.mark.parametrize("header", [None, "", "Bearer wrong", "Bearer", "Basic eDp5", "bearer ümläut"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/health"), ("GET", "/nowhere"), ("POST", "/v1/shutdown"), ("GET", "/v1/openapi.json")]
)
def test_nothing_without_the_token(backend, header, method, path):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    response = httpx.request(method, backend.ready["url"] + path, headers=headers, trust_env=False)
    assert response.status_code == 401 and response.json()["error"]["code"] == "bad_token"
    assert backend.process.poll() is None


def test_only_on_the_loopback_interface(backend):
    port = int(backend.ready["url"].rpartition(":")[2])
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"}:
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=0.5):
            pass
    with pytest.raises(OSError), socket.create_connection(("::1", port), timeout=0.5):
        pass


def test_a_job_from_upload_to_result(backend):
    job = backend.create()
    assert backend.status(job)["state"] == "created"
    backend.fill(job)
    started = backend.start(job)
    assert started["state"] in ("queued", "running") and started["frames_total"] == 3
    done = backend.wait(job, "done", "failed")
    assert done["state"] == "done" and done["error"] is None and done["results"] == [1, 2, 3] and done["frames_done"] == 3
    assert done["seconds_left"] == 0 and done["seconds_per_frame"] == 0.2
    assert done["timings"] == {"optimization": 0.45, "reading": 0.15}
    for frame in (1, 2, 3):
        response = backend.client.get(f"/v1/jobs/{job}/results/{frame}")
        assert response.content == picture(frame) and response.headers["content-type"] == "image/png"
    assert job in [status["id"] for status in backend.client.get("/v1/jobs").json()["jobs"]]
    assert backend.start(job)["state"] == "done", "starting again changes nothing"
    assert backend.client.delete(f"/v1/jobs/{job}").status_code == 200
    assert not (backend.jobs / job).exists()
    assert backend.error("GET", f"/v1/jobs/{job}") == (404, "job_not_found")


def test_events_tell_the_whole_story(backend):
    job = backend.ready_job(behave="slow")
    backend.start(job)
    seen = []
    with backend.client.stream("GET", f"/v1/jobs/{job}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        kind = None
        for line in response.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                assert kind == "status"
                seen.append(json.loads(line.removeprefix("data: ")))
    assert seen[-1]["state"] == "done" and seen[-1]["results"] == [1, 2, 3], "the stream ends with the job"
    working = [status for status in seen if status["frame"] is not None]
    assert {status["frame"] for status in working} == {1, 2, 3}
    assert max(status["iteration"] for status in working) >= 3 and working[-1]["iterations"] == 4
    assert any(status["seconds_left"] for status in working)
    for name in ("frames_done", "share_done"):
        assert [status[name] for status in seen] == sorted(status[name] for status in seen)
    assert any(0 < status["share_done"] < 1 / 3 for status in working) and seen[-1]["share_done"] == 1


def test_events_of_a_job_that_is_over(backend):
    job = backend.ready_job()
    backend.start(job)
    backend.wait(job, "done")
    body = backend.client.get(f"/v1/jobs/{job}/events").text
    assert body.count("event: status") == 1 and '"done"' in body
    assert backend.error("GET", "/v1/jobs/nothing/events") == (404, "job_not_found")


BAD_JOBS = [
    ({"frames": []}, "missing_frames"),
    ({"frames": [1, 3]}, "frame_gap"),
    ({"frames": "1"}, "bad_settings"),
    ({"frames": [1, 10**12]}, "bad_settings"),
    ({"styles": []}, "missing_style"),
    ({"styles": ["../../evil.png"]}, "bad_settings"),
    ({"styles": [5]}, "bad_settings"),
    ({"width": 0}, "bad_settings"),
    ({"width": None}, "bad_settings"),
    ({"width": "32"}, "bad_settings"),
    ({"settings": 5}, "bad_settings"),
    ({"settings": {"profil": "abstract"}}, "bad_settings"),
    ({"settings": {"profile": "cubist"}}, "bad_settings"),
    ({"settings": {"layer_weights": {"relu9_1": 1}}}, "unknown_layer"),
    ({"settings": {"layer_weights": {"relu1_1": 0}}}, "bad_weights"),
    ({"settings": {"layer_weights": {"relu1_1": [1, 1]}}}, "bad_settings"),
    ({"colour": 1}, "bad_settings"),
    ({"schema": 9}, "version_mismatch"),
]


@pytest.mark.parametrize(("change", "code"), BAD_JOBS)
def test_bad_jobs_are_refused(backend, change, code):
    before = sorted(backend.jobs.iterdir())
    body = {"frames": [1, 2, 3], "width": 32, "height": 18, "styles": ["a.png"], "settings": {}} | change
    status, given = backend.error("POST", "/v1/jobs", json=body)
    assert given == code and 400 <= status < 500
    assert sorted(backend.jobs.iterdir()) == before, "nothing is left behind"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_jobs_that_are_no_json_object(backend, content):
    assert backend.error("POST", "/v1/jobs", content=content) == (422, "bad_settings")


def test_routes_that_do_not_exist(backend):
    assert backend.error("GET", "/v1/nothing") == (404, "version_mismatch")
    assert backend.error("GET", "/v2/health") == (404, "version_mismatch")
    assert backend.error("DELETE", "/v1/health") == (405, "version_mismatch")
    assert backend.error("GET", "/v1/jobs/x/results/one") == (422, "bad_settings")
    for path in ("/v1/jobs/nothing", "/v1/jobs/..%2f..%2fetc", "/v1/jobs/%2e%2e", "/v1/jobs/a%00b"):
        assert backend.error("GET", path)[0] == 404


@pytest.fixture
def open_job(backend):
    return backend.create()


@pytest.mark.parametrize(
    ("what", "content", "code"),
    [
        ("styles/painting.png", b"", "unreadable_style"),
        ("styles/painting.png", b"not a picture", "unreadable_style"),
        ("styles/painting.png", picture()[:-40], "unreadable_style"),
        ("styles/other.png", picture(), "missing_style"),
        ("styles/..%2f..%2fevil.png", picture(), None),
        ("styles/%2e%2e", picture(), None),
        ("frames/1", b"", "unreadable_frame"),
        ("frames/1", b"GIF89a", "unreadable_frame"),
        ("frames/1", picture()[:-1], "unreadable_frame"),
        ("frames/1", picture()[:60] + b"\x00\x00\x00\x00" + picture()[64:], "unreadable_frame"),
        ("frames/9", picture(), "missing_frames"),
        ("frames/-1", picture(), "missing_frames"),
        ("frames/x", picture(), "bad_settings"),
        ("passes/1", b"", "corrupt_pass"),
        ("passes/1", picture(), "corrupt_pass"),
        ("passes/1", passes()[:-1], "corrupt_pass"),
        ("passes/1", passes()[:100], "corrupt_pass"),
        ("passes/1", passes()[: len(passes()) // 2], "corrupt_pass"),
        ("passes/1", passes(axes=""), "missing_pass"),
        ("passes/1", passes(axes="XYZ"), "missing_pass"),
        ("passes/1", passes(value=float("nan")), "bad_pass_values"),
        ("passes/9", passes(), "missing_frames"),
        ("cameras", b"{", "bad_settings"),
        ("cameras", b'{"frames": {}}', "bad_settings"),
    ],
)
def test_bad_uploads_are_refused_at_once(backend, open_job, what, content, code):
    before = sorted(path for path in backend.jobs.rglob("*"))
    status, given = backend.error("PUT", f"/v1/jobs/{open_job}/{what}", content=content)
    assert 400 <= status < 500 and given == (code or given)
    assert sorted(path for path in backend.jobs.rglob("*")) == before, "nothing was written"


def test_a_refused_pass_leaves_the_old_one_and_is_called_by_its_name(backend, open_job):
    backend.put(open_job, "passes/1", passes())
    refused = [(passes(value=float("nan")), "bad_pass_values", "Render"), (passes(axes="XYZ"), "missing_pass", "4 dimensions")]
    for content, code, hint in refused:
        error = backend.client.put(f"/v1/jobs/{open_job}/passes/1", content=content).json()["error"]
        assert error["code"] == code and hint in error["hint"]
        assert " 0001.exr " in error["message"], "the artist never saw the temporary name"
    folder = backend.jobs / open_job / "passes"
    assert [path.name for path in folder.iterdir()] == ["0001.exr"] and (folder / "0001.exr").read_bytes() == passes()


def test_frames_of_different_sizes_are_refused(backend, open_job):
    backend.put(open_job, "frames/2", picture(2, 64, 36))
    assert backend.error("PUT", f"/v1/jobs/{open_job}/frames/1", content=picture(1)) == (422, "bad_frame_size")
    backend.put(open_job, "frames/1", picture(1, 64, 36))


def test_large_bodies_are_refused_before_they_are_read(backend, open_job):
    host, port = backend.ready["url"].removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.putrequest("PUT", f"/v1/jobs/{open_job}/frames/1")
    connection.putheader("Authorization", f"Bearer {backend.ready['token']}")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413 and json.loads(response.read())["error"]["code"] == "bad_settings"
    connection.close()


def test_start_says_what_is_missing(backend):
    job = backend.create()
    assert backend.error("POST", f"/v1/jobs/{job}/start") == (422, "missing_style")
    backend.put(job, "styles/painting.png", picture())
    assert backend.error("POST", f"/v1/jobs/{job}/start") == (422, "missing_frames")
    for frame in (1, 2, 3):
        backend.put(job, f"frames/{frame}", picture(frame))
    assert backend.error("POST", f"/v1/jobs/{job}/start") == (422, "missing_pass")
    assert backend.status(job)["state"] == "created"


def test_results_come_only_when_finished(backend, open_job):
    assert backend.error("GET", f"/v1/jobs/{open_job}/results/1") == (404, "missing_frames")
    assert backend.error("GET", f"/v1/jobs/{open_job}/results/99") == (404, "missing_frames")


def test_one_job_at_a_time_and_no_changes_while_it_runs(backend):
    first = backend.ready_job(behave="hang")
    second = backend.ready_job()
    third = backend.ready_job()
    try:
        backend.start(first)
        wait_until(lambda: backend.status(first)["iteration"] == 4)
        assert backend.start(second)["state"] == "queued" and backend.start(third)["state"] == "queued"
        assert backend.client.get("/v1/health").json()["active_job"] == first
        for job in (first, second):
            assert backend.error("PUT", f"/v1/jobs/{job}/frames/1", content=picture()) == (409, "job_running")
            assert backend.error("PUT", f"/v1/jobs/{job}/styles/painting.png", content=picture()) == (409, "job_running")
            assert backend.error("DELETE", f"/v1/jobs/{job}") == (409, "job_running")
        assert backend.client.post(f"/v1/jobs/{second}/cancel").json()["state"] == "cancelled"
    finally:
        began = time.monotonic()
        assert backend.client.post(f"/v1/jobs/{first}/cancel").json()["state"] == "cancelled"
        assert time.monotonic() - began < 2.0
    assert backend.wait(third, "done", "failed")["state"] == "done"
    assert backend.status(second)["state"] == "cancelled"
    assert backend.client.post(f"/v1/jobs/{first}/cancel").json()["state"] == "cancelled", "cancelling twice is harmless"


def test_cancelled_job_keeps_its_frames_and_resumes(backend):
    job = backend.ready_job(frames=range(1, 21), behave="slow")
    backend.start(job)
    wait_until(lambda: backend.status(job)["frames_done"] >= 2)
    cancelled = backend.client.post(f"/v1/jobs/{job}/cancel").json()
    assert cancelled["state"] == "cancelled" and 2 <= cancelled["frames_done"] < 20 and cancelled["frame"] is None
    (backend.jobs / job / "behave").write_text("")
    assert backend.client.post(f"/v1/jobs/{job}/resume").status_code == 202
    assert backend.wait(job, "done", "failed")["results"] == list(range(1, 21))


def test_failure_is_told_and_the_frame_can_be_replaced(backend):
    job = backend.ready_job()
    (backend.jobs / job / "behave").write_text("error")
    backend.start(job)
    failed = backend.wait(job, "failed", "done")
    assert failed["error"] == {"code": "bad_pass_values", "message": "The Vector pass holds NaN.", "hint": "Render it again."}
    (backend.jobs / job / "behave").write_text("")
    backend.put(job, "passes/1", passes(value=0.25))
    backend.client.post(f"/v1/jobs/{job}/resume")
    assert backend.wait(job, "failed", "done")["state"] == "done"


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_worker_costs_nothing(backend):
    job = backend.ready_job(behave="die-once-at-2")
    backend.start(job)
    assert backend.wait(job, "done", "failed")["state"] == "done"


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_worker_that_keeps_dying_fails_the_job(backend):
    job = backend.ready_job(behave="die-at-3")
    backend.start(job)
    failed = backend.wait(job, "failed", "done")
    assert failed["error"]["code"] == "worker_died" and failed["results"] == [1, 2]


def test_openapi_describes_every_route(backend):
    description = backend.client.get("/v1/openapi.json").json()
    routes = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    documented = Path(__file__).parents[2] / "docs" / "architecture.md"
    expected = set()
    for line in documented.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ("GET", "PUT", "POST", "DELETE") and words[1].startswith("/v1/"):
            expected.add((words[0], words[1].replace("{id}", "{job}")))
    assert routes == expected and len(expected) >= 15


def test_a_new_server_finds_the_jobs_of_one_that_was_killed(tmp_path):
    jobs, scratch = tmp_path / "jobs", tmp_path / "scratch"
    scratch.mkdir()
    with running(jobs, scratch) as backend:
        created, done, hanging = backend.create(), backend.ready_job(), backend.ready_job(behave="hang")
        backend.start(done)
        backend.wait(done, "done")
        backend.start(hanging)
        wait_until(lambda: backend.status(hanging)["iteration"] == 4)
        backend.process.kill()
        backend.process.wait()
        killed = time.monotonic()
        job = JobDirectory.open(jobs / hanging)
        wait_until(lambda: not job.is_locked(), 3.0)
        assert time.monotonic() - killed < 2.0, "the worker must not outlive the server"
    with running(jobs, scratch) as backend:
        assert backend.status(created)["state"] == "created"
        assert backend.status(done)["state"] == "done" and backend.status(done)["seconds_per_frame"] is None
        status = backend.status(hanging)
        assert status["state"] == "failed" and status["error"]["code"] == "backend_gone"
        (jobs / hanging / "behave").write_text("")
        backend.client.post(f"/v1/jobs/{hanging}/resume")
        assert backend.wait(hanging, "done", "failed")["state"] == "done"


def test_jobs_that_ended_long_ago_are_removed_at_the_start(tmp_path):
    jobs = tmp_path / "jobs"

    def old(name: str, event: str = "", days: float = 31, finished: bool = False) -> JobDirectory:
        job = make_job(jobs / name, frames=(1,))
        with job.lock():  # leaves the file
            pass
        if event:
            job.append_event({"event": event, "error": {"code": "internal", "message": "It broke.", "hint": ""}})
        if finished:
            job.result_path(1).write_bytes(picture())
        then = time.time() - days * 86_400
        for path in (*job.path.rglob("*"), job.path):
            os.utime(path, (then, then))
        return job

    old("done", finished=True)
    old("cancelled", "job_cancelled")
    old("created")
    old("failed", "job_failed")
    old("stopped", "job_started")
    old("recent", finished=True, days=29)
    os.utime(old("touched", finished=True).path / "results")
    held = old("held", finished=True)
    damaged = old("damaged", finished=True)
    (damaged.path / "job.json").write_text("{")
    os.utime(damaged.path / "job.json", (0, 0))
    (jobs / "no job").mkdir()
    os.utime(jobs / "no job", (0, 0))
    expected = {"created", "failed", "stopped", "recent", "touched", "held", "damaged", "no job"}
    with held.lock():
        os.utime(held.path / "lock", (0, 0))
        with running(jobs, tmp_path):
            wait_until(lambda: {path.name for path in jobs.iterdir()} == expected)
            assert held.result_path(1).exists()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "shutdown", "stdin"])
def test_a_clean_end_takes_the_worker_with_it(tmp_path, how):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with running(tmp_path / "jobs", scratch) as backend:
        job = backend.ready_job(behave="hang")
        backend.start(job)
        wait_until(lambda: backend.status(job)["iteration"] == 4)
        with backend.client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            next(stream.iter_lines())
            began = time.monotonic()
            if how == "shutdown":
                other = httpx.post(
                    backend.ready["url"] + "/v1/shutdown", headers={"Authorization": f"Bearer {backend.ready['token']}"}, trust_env=False
                )
                assert other.status_code == 202
            elif how == "stdin":
                backend.process.stdin.close()
            else:
                backend.process.send_signal(getattr(signal, how))
            assert backend.process.wait(5) == 0
            assert time.monotonic() - began < 4.0
        assert not JobDirectory.open(tmp_path / "jobs" / job).is_locked()
        assert backend.process.stdout.read() == b"", "one line on standard output, no more"


def test_a_second_server_does_not_touch_what_the_first_one_runs(tmp_path, backend):
    job = backend.ready_job(behave="hang")
    backend.start(job)
    wait_until(lambda: backend.status(job)["iteration"] == 4)
    try:
        with running(backend.jobs, tmp_path) as other:
            assert other.status(job)["state"] == "running"
            assert other.error("POST", f"/v1/jobs/{job}/resume") == (409, "job_running")
            assert other.error("POST", f"/v1/jobs/{job}/cancel") == (409, "job_running")
            assert other.error("DELETE", f"/v1/jobs/{job}") == (409, "job_running")
    finally:
        backend.client.post(f"/v1/jobs/{job}/cancel")


def test_a_job_that_cannot_be_stored(tmp_path, backend):
    job = backend.create()
    frames = backend.jobs / job / "frames"
    frames.rmdir()
    frames.write_text("a file where a folder was")
    assert backend.error("PUT", f"/v1/jobs/{job}/frames/1", content=picture()) == (500, "output_not_writable")
    make_job(backend.jobs / "by-hand")
    (backend.jobs / "by-hand" / "job.json").write_text("{}")
    assert backend.error("GET", "/v1/jobs/by-hand") == (422, "bad_settings")
    assert backend.client.get("/v1/jobs").status_code == 200, "one damaged job does not hide the others"
