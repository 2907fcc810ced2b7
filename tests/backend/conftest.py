"""Fixtures shared by the tests of the backend."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support_cli import HEIGHT, WIDTH
from support_jobs import frame_picture, picture, write_passes

from lwsw.errors import LwswError

ROOT = Path(__file__).resolve().parents[2]
BLENDER_ENVIRONMENTS = {"4.5": ".venv-blender-4.5", "5.0": ".venv-blender"}


@pytest.fixture(scope="session", params=sorted(BLENDER_ENVIRONMENTS))
def blender_passes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of tiny EXR files that Blender itself rendered: see ``render_test_passes.py``."""
    environment = ROOT / BLENDER_ENVIRONMENTS[request.param]
    python = next((path for path in (environment / "bin/python", environment / "Scripts/python.exe") if path.is_file()), None)
    if python is None:
        pytest.skip(f"no environment {environment.name} with the bpy module {request.param}")
    folder = tmp_path_factory.mktemp(f"blender-{request.param}")
    script = Path(__file__).with_name("render_test_passes.py")
    done = subprocess.run([str(python), str(script), str(folder)], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three frames with passes and a painting."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for frame in (7, 8, 9):
        (folder / f"rgb_{frame:04d}.png").write_bytes(frame_picture(frame, WIDTH, HEIGHT))
        write_passes(folder / f"pass_{frame:04d}.exr", WIDTH, HEIGHT)
    (folder / "painting.png").write_bytes(picture(99, 40, 40))
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Replace the optimization by copying, for the tests of everything around it."""

    def run_job(job, on_event):
        with job.lock():
            job.check_complete()
            for frame in job.frames:
                if not job.result_path(frame).exists():
                    if quick.fail_at == frame:
                        raise quick.error
                    on_event({"event": "frame_started", "frame": frame, "iterations": 2})
                    job.result_path(frame).write_bytes(job.frame_path(frame).read_bytes())
                    event = {"event": "frame_finished", "frame": frame, "seconds": 0.5, "timings": {"optimize": 0.4, "read": 0.1}}
                    job.append_event(event)
                    on_event(event)
                    quick.ran.append(frame)

    class Quick:
        ran: list[int] = []  # noqa: RUF012
        fail_at: int | None = None
        error: BaseException = LwswError("bad_pass_values", "The Vector pass holds NaN.", "Render it again.")

    quick = Quick()
    quick.ran = []
    import lwsw.jobs.run

    monkeypatch.setattr(lwsw.jobs.run, "run_job", run_job)
    return quick
