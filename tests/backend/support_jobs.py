"""What the tests of jobs, worker, server and command line share: tiny inputs, and a worker that needs no torch.

The stand-in replaces only ``run_job``; the process, its pipes, its exit status and its files are real.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from lwsw.errors import LwswError
from lwsw.jobs.directory import JobDirectory
from lwsw.jobs.settings import StylizeSettings
from lwsw.media.cryptomatte import cryptomatte_id, murmur_hash
from lwsw.media.images import encode_png16

WIDTH, HEIGHT = 32, 18


def picture(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return a PNG."""
    return encode_png16(np.random.default_rng(seed).random((height, width, 3), np.float32))


def frame_picture(frame: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return the PNG of a frame of a shot: frames differ, and yet all go on from each other."""
    noise = np.random.default_rng([1, frame % 1000]).random((height, width, 3), np.float32)
    return encode_png16(0.8 * np.random.default_rng(1000).random((height, width, 3), np.float32) + 0.2 * noise)


def write_passes(
    path: Path, width: int = WIDTH, height: int = HEIGHT, axes: str = "XYZW", value: float = 0.5, masks: dict[str, np.ndarray] | None = None
) -> Path:
    """Write a multilayer EXR with Vector and Depth, and a Cryptomatte pass of objects where masks are given (they must not overlap)."""
    channels = {f"ViewLayer.Vector.{axis}": np.full((height, width), value, np.float32) for axis in axes}
    channels["ViewLayer.Depth.Z"] = np.full((height, width), 5, np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    if masks is not None:
        ids, coverage = np.zeros((height, width), np.uint32), np.zeros((height, width), np.float32)
        for name, mask in masks.items():
            ids[mask > 0], coverage[mask > 0] = cryptomatte_id(name), mask[mask > 0]
        zero = np.zeros((height, width), np.float32)
        for axis, values in zip("rgba", (ids.view(np.float32), coverage, zero, zero), strict=True):
            channels[f"ViewLayer.CryptoObject00.{axis}"] = values
        manifest = {name: f"{murmur_hash(name.encode()):08x}" for name in masks}
        header |= {"cryptomatte/1/name": "ViewLayer.CryptoObject", "cryptomatte/1/manifest": json.dumps(manifest)}
    OpenEXR.File(header, channels).write(str(path))
    return path


def make_job(path: Path, frames=(1, 2, 3), fill: bool = True, **settings) -> JobDirectory:
    """Make a job with every file it needs."""
    job = JobDirectory.create(
        path, frames=frames, width=WIDTH, height=HEIGHT, styles=["painting.png"], settings=StylizeSettings.from_dict(settings)
    )
    if fill:
        job.style_paths[0].write_bytes(picture(99))
        for frame in job.frames:
            job.frame_path(frame).write_bytes(frame_picture(frame))
            if job.needs_passes:
                write_passes(job.pass_path(frame))
    return job


def error_code(function, *arguments, **options) -> str:
    """Return the code of the LwswError that the call must raise, with a sentence for the artist."""
    with pytest.raises(LwswError) as caught:
        function(*arguments, **options)
    assert caught.value.message.endswith("."), caught.value.message
    return caught.value.code


def wait_until(condition, seconds: float = 20.0):
    """Return the first true value of ``condition()``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited in vain")


STAND_IN = '''
import os, signal, sys, time
from lwsw.errors import LwswError
from lwsw.server.worker import main

ITERATIONS = 4

def run(job, on_event):
    """Copies frames; what else it does stands in the file "behave" of the job directory."""
    behave = job.path / "behave"
    words = behave.read_text().split() if behave.exists() else []
    print("noise on standard output", flush=True)
    with job.lock():
        for frame in job.frames:
            if job.result_path(frame).exists():
                continue
            on_event({"event": "frame_started", "frame": frame, "iterations": ITERATIONS})
            for iteration in range(1, ITERATIONS + 1):
                on_event({"event": "iteration", "frame": frame, "iteration": iteration, "iterations": ITERATIONS})
                if "slow" in words:
                    time.sleep(0.05)
            if "hang" in words:
                time.sleep(3600)
            if f"die-at-{frame}" in words:
                os.kill(os.getpid(), signal.SIGKILL)
            if f"die-once-at-{frame}" in words and not (job.path / f"died-{frame}").exists():
                (job.path / f"died-{frame}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if "crash" in words:
                os._exit(77)
            if "error" in words:
                raise LwswError("bad_pass_values", "The Vector pass holds NaN.", "Render it again.")
            if "memory" in words:
                raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory.")
            if "bug" in words:
                raise KeyError("relu9_9")
            job.result_path(frame).write_bytes(job.frame_path(frame).read_bytes())
            on_event({"event": "frame_finished", "frame": frame, "seconds": 0.2, "timings": {"optimization": 0.15, "reading": 0.05}})
        on_event({"event": "job_finished", "seconds": 1.0})

if __name__ == "__main__":
    sys.exit(main(run=run))
'''


def stand_in(folder: Path):
    """Return a worker command whose ``run_job`` is STAND_IN's."""
    script = folder / "stand_in_worker.py"
    script.write_text(STAND_IN)
    return lambda job: [sys.executable, str(script), str(job), "--exit-with-parent"]
