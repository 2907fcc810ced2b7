"""The real optimization in the real backend, killed in the middle of a shot: nothing is lost and no byte differs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support_jobs import frame_picture, picture, wait_until, write_passes

FRAMES = (1, 2, 3)
WIDTH, HEIGHT = 64, 36
SETTINGS = {"profile": "custom", "layer_weights": {"relu1_1": 1, "relu2_1": 1}, "iterations": 12, "first_iterations": 12, "device": "cpu"}


def write_sources(folder: Path) -> None:
    for frame in FRAMES:
        (folder / f"rgb_{frame:04d}.png").write_bytes(frame_picture(frame, WIDTH, HEIGHT))
        write_passes(folder / f"pass_{frame:04d}.exr", WIDTH, HEIGHT)
    (folder / "painting.png").write_bytes(picture(99, 48, 48))


class Backend:
    """``lwsw serve`` and one job in it."""

    def __init__(self, jobs: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lwsw.cli", "serve", "--jobs", str(jobs), "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        ready = json.loads(self.process.stdout.readline())
        self.client = httpx.Client(base_url=ready["url"], headers={"Authorization": f"Bearer {ready['token']}"}, trust_env=False)

    def send(self, sources: Path) -> str:
        body = {"frames": list(FRAMES), "width": WIDTH, "height": HEIGHT, "styles": ["painting.png"], "settings": SETTINGS}
        job = self.client.post("/v1/jobs", json=body).raise_for_status().json()["id"]
        self.client.put(f"/v1/jobs/{job}/styles/painting.png", content=(sources / "painting.png").read_bytes()).raise_for_status()
        for frame in FRAMES:
            for kind, name in (("frames", f"rgb_{frame:04d}.png"), ("passes", f"pass_{frame:04d}.exr")):
                self.client.put(f"/v1/jobs/{job}/{kind}/{frame}", content=(sources / name).read_bytes()).raise_for_status()
        self.client.post(f"/v1/jobs/{job}/start").raise_for_status()
        return job

    def status(self, job: str) -> dict:
        return self.client.get(f"/v1/jobs/{job}").raise_for_status().json()

    def results(self, job: str) -> list[bytes]:
        done = wait_until(lambda: (status := self.status(job))["state"] in ("done", "failed") and status, 120)
        assert done["state"] == "done", done
        return [self.client.get(f"/v1/jobs/{job}/results/{frame}").raise_for_status().content for frame in FRAMES]

    def end(self) -> None:
        self.client.close()
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


def worker_of(job: Path) -> int:
    """Return the number of the process that holds the job's lock."""
    return int(json.loads((job / "lock").read_bytes())["pid"])


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_worker_killed_mid_shot_changes_no_byte(tmp_path):
    sources = tmp_path / "sources"
    sources.mkdir()
    write_sources(sources)
    backend = Backend(tmp_path / "jobs")
    try:
        undisturbed = backend.send(sources)
        expected = backend.results(undisturbed)

        disturbed = backend.send(sources)
        path = tmp_path / "jobs" / disturbed
        wait_until(lambda: (status := backend.status(disturbed))["frame"] == 2 and status["iteration"] >= 2, 120)
        os.kill(worker_of(path), signal.SIGKILL)
        # once more, in the next frame
        wait_until(lambda: (status := backend.status(disturbed))["frame"] == 3 and status["iteration"] >= 2, 120)
        os.kill(worker_of(path), signal.SIGKILL)
        assert backend.results(disturbed) == expected
        died = [event for event in map(json.loads, (path / "log.jsonl").read_text().splitlines()) if event["event"] == "worker_died"]
        assert [event["status"] for event in died] == [-signal.SIGKILL] * 2
        assert len(set(expected)) == len(FRAMES)
    finally:
        backend.end()

    # The command line runs the same engine on the same kind of directory.
    words = [sys.executable, "-m", "lwsw.cli", "stylize", "--color", str(sources / "rgb_*.png"), "--passes", str(sources / "pass_*.exr")]
    words += ["--style", str(sources / "painting.png"), "--out", str(tmp_path / "out"), "--weights", "relu1_1=1,relu2_1=1"]
    words += ["--iterations", "12", "--first-iterations", "12", "--device", "cpu"]
    subprocess.run(words, check=True, capture_output=True)
    assert [(tmp_path / "out" / f"{frame:04d}.png").read_bytes() for frame in FRAMES] == expected
