"""The backend's HTTP interface, from creating a job to its results, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from pathlib import Path

import httpx
import pytest
from support_jobs import make_job, picture, wait_until
from support_server import passes, running


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
