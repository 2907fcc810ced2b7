"""Installing the backend: real environments, the real wheel, real processes. What is large is borrowed from this checkout's environment."""

from __future__ import annotations

import ensurepip
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blender_lwsw import release
from blender_lwsw.connection.backend import Backend, BackendSettings
from blender_lwsw.connection.installed import STAMP, TEMPORARY, Installed, read_installed, write_installed
from blender_lwsw.connection.process import locate_backend
from blender_lwsw.errors import LwswError
from blender_lwsw.installation import command, offer, pip_errors, pythons, steps, torch_build
from blender_lwsw.installation.folder import locked, remove_leftovers
from blender_lwsw.installation.installer import Installer, remove_backend
from blender_lwsw.installation.offer import Offer, Order, gigabytes, make_offer
from blender_lwsw.installation.removal import sweep
from blender_lwsw.installation.steps import Installation, Report
from blender_lwsw.installation.torch_build import Machine, choose_build
from blender_lwsw.release import Carried

ROOT = Path(__file__).resolve().parents[2]
SHARED = next((ROOT / ".venv").glob("lib/python3*/site-packages"), ROOT / "none")
PYTHON = ROOT / ".venv" / "bin" / "python"
BUILD = (
    "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import run_package; "
    "print(run_package.build_wheel(pathlib.Path(sys.argv[2]), 1000000000))"
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the packaged extension carries."""
    if not PYTHON.exists():
        pytest.skip("the wheel is built with .venv")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run([str(PYTHON), "-c", BUILD, str(ROOT / "scripts"), str(folder)], capture_output=True, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture
def order(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """An order that fetches nothing: the wheel is here, everything else is borrowed."""
    carried = Carried(wheel, ROOT / "constraints.txt", wheel.name.split("-")[1])
    monkeypatch.setattr(offer, "carried_backend", lambda: carried)
    monkeypatch.setenv("LWSW_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setenv("LWSW_TORCH_INDEX", "https://torch.invalid/whl")
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    log = tmp_path / "install.log"
    return Order(tmp_path / "user folder" / "backend", True, str(PYTHON), log, ("--no-index",), (SHARED,))


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _wait(condition: object, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def _without_pip(_self: Installation, python: pythons.Python, path: Path) -> pythons.Python:
    """Stands in for the step that makes an environment: one that is made quickly, and in which pip is broken."""
    subprocess.run([str(PYTHON), "-m", "venv", "--without-pip", str(path)], check=True)
    return python


# ------------------------------------------------------------------------------------------------ a whole installation


def test_a_real_installation_is_found_starts_and_leaves_nothing(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer()
    stopped = []
    installer.install(order, lambda: stopped.append(read_installed(order.folder)))
    assert installer.is_running  # nobody waits
    with pytest.raises(LwswError) as caught:
        installer.install(order)
    assert caught.value.code == "install_running"
    fractions = []
    while not installer.wait(0.1):
        fractions.append(installer.progress().fraction)
    assert installer.error is None, installer.progress().lines
    assert fractions == sorted(fractions)
    made = installer.installed
    assert made is not None
    assert made == read_installed(order.folder)
    assert (made.version, made.environment) == (release.extension_version(), "venv-1")
    assert made.torch.startswith("2.13.0")
    assert sorted(item.name for item in order.folder.iterdir()) == [STAMP, "venv-1"]
    assert stopped == [None]  # asked to stop what was there before the stamp was written
    assert "Checking that it works" in order.log_file.read_text()  # type: ignore[union-attr]

    found = locate_backend("", {}, order.folder)
    assert found.where == "installed"
    session = Backend()
    try:
        client = session.connect(BackendSettings(installed=order.folder))
        assert client.health()["version"] == made.version
        code = "import lwsw; print(lwsw.__file__)"
        said = subprocess.run([found.command[0], "-c", code], capture_output=True, text=True, check=True).stdout
        assert Path(said.strip()).is_relative_to(order.folder)  # its own, not the borrowed folder's
    finally:
        session.stop()

    # A repair that fails leaves the one that works.
    monkeypatch.setattr(Installation, "_make_environment", _without_pip)
    monkeypatch.setattr(offer, "free_space", lambda _: 10**12)
    with pytest.raises(LwswError) as caught:
        Installation(replace(order, shared_packages=()), Report(), fresh=True).run()
    assert caught.value.code == "install_failed"
    assert "No module named pip" in caught.value.message
    assert read_installed(order.folder) == made
    assert locate_backend("", {}, order.folder) == found

    installer.uninstall(order.folder)
    assert installer.wait(5)
    assert not order.folder.exists()
    assert installer.wait_until_swept(60)
    assert not any(order.folder.parent.iterdir())
    with pytest.raises(LwswError) as caught:
        remove_backend(order.folder / "nothing") or locate_backend(str(order.folder), {})
    assert caught.value.code == "backend_not_found"


def _environment(path: Path) -> Path:
    """Make an environment without pip and return the folder of its packages."""
    subprocess.run([str(PYTHON), "-m", "venv", "--without-pip", str(path)], check=True)
    return next(path.glob("lib/python3*/site-packages"))


def test_an_update_takes_over_what_has_not_changed_and_a_repair_nothing(order: Order) -> None:
    python = pythons.examine(str(PYTHON))
    assert python is not None
    old = _environment(order.folder / "venv-1")
    for name in ("torch/lib/large.bin", "lwsw/old.py", "numpy.py", "pip/pip.py", "__pycache__/numpy.pyc", "lwsw-shared-packages.pth"):
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_text(name)
    write_installed(order.folder, Installed("venv-1", "0.0.9", "2.13.0", "cpu", python.name, 1, 1.0))
    for number, (fresh, version) in enumerate(((False, python.version), (True, python.version), (False, (3, 11, 0)))):
        new = _environment(order.folder / f"venv-{number + 2}")
        plain = Order(order.folder, True)
        Installation(plain, Report(), fresh=fresh)._take_over(order.folder / f"venv-{number + 2}", pythons.Python("", version, True))
        taken = {str(path.relative_to(new)) for path in new.rglob("*") if path.is_file()}
        assert taken == ({"torch/lib/large.bin", "numpy.py"} if number == 0 else set())
    assert (old / "numpy.py").stat().st_nlink == 2  # linked, not copied: an update takes no second time the gigabytes
    remove_backend(order.folder)
    assert not order.folder.exists()


@pytest.mark.parametrize("patience", [0.5, 2.5])
def test_cancelling_leaves_nothing_and_nobody(order: Order, patience: float) -> None:
    installer = Installer()
    installer.install(order)
    assert _wait(lambda: (order.folder / "venv-1").exists())
    time.sleep(patience)
    assert installer.is_running
    began = time.monotonic()
    installer.cancel()
    assert installer.wait(5.0)
    assert time.monotonic() - began < 2.0
    assert installer.error is not None
    assert installer.error.code == "cancelled"
    assert not order.folder.exists()
    assert installer.wait_until_swept(30)
    assert not any(order.folder.parent.iterdir())
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(order.folder) not in processes


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_offline_is_said_before_anything_is_made(order: Order) -> None:
    with pytest.raises(LwswError) as caught:
        Installation(Order(order.folder, False), Report()).run()
    assert caught.value.code == "online_access"
    assert "Allow Online Access" in caught.value.hint
    assert not order.folder.parent.exists()


def test_too_little_space_is_said_before_anything_is_fetched(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer, "free_space", lambda _folder: 31_000_000)
    installer = Installer()
    installer.install(order)
    assert installer.wait(20.0)
    assert installer.error is not None
    assert installer.error.code == "disk_full"
    assert "needs 50 MB; 30 MB are free" in installer.error.message
    assert not order.folder.exists()


def test_a_folder_that_cannot_be_made(order: Order, tmp_path: Path) -> None:
    (tmp_path / "user folder").write_text("a file is in the way")
    with pytest.raises(LwswError) as caught:
        Installation(order, Report()).run()
    assert caught.value.code == "output_not_writable"
    assert str(order.folder) in caught.value.message


def test_a_backend_that_does_not_work_is_not_installed(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Installation, "_get_torch", lambda *_: None)
    monkeypatch.setattr(Installation, "_get_backend", lambda *_: None)
    monkeypatch.setattr(Installation, "_make_environment", _without_pip)
    empty = Order(order.folder, True, order.blender_python, None, order.pip_arguments)
    monkeypatch.setattr(steps, "make_offer", lambda _: _offer())
    with pytest.raises(LwswError) as caught:
        Installation(empty, Report()).run()
    assert caught.value.code == "install_failed"
    assert "No module named lwsw" in caught.value.message
    assert not order.folder.exists()


def _offer() -> Offer:
    python = pythons.examine(str(PYTHON))
    assert python is not None
    return Offer(python, choose_build(Machine("Linux", "x86_64"), {}), release.carried_backend(), 1, 1, 0, 1)


def test_two_blenders_do_not_install_at_once(order: Order) -> None:
    order.folder.mkdir(parents=True)
    with locked(order.folder), pytest.raises(LwswError) as caught:
        Installation(order, Report()).run()
    assert caught.value.code == "install_running"
    with locked(order.folder):  # it can be held again
        pass


def test_leftovers_of_a_crash_are_removed_and_what_counts_stays(tmp_path: Path) -> None:
    folder = tmp_path / "backend"
    for name in ("venv-1", "venv-2", "venv-3", "temporary", "downloads"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("")
    write_installed(folder, Installed("venv-2", "0.1.0", "2.13.0", "cpu", "3.11.7", 1, 1.0))
    remove_leftovers(folder, keep_downloads=True)
    assert sorted(item.name for item in folder.iterdir()) == ["downloads", STAMP, "venv-2"]
    remove_leftovers(folder)
    assert sorted(item.name for item in folder.iterdir()) == [STAMP, "venv-2"]
    assert len(list(tmp_path.iterdir())) == 5  # out of the way, not yet off the disk, as after a Blender that was closed meanwhile
    sweep(folder)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"environment": "venv-1"}'])
def test_a_damaged_stamp_means_not_installed(tmp_path: Path, text: str) -> None:
    (tmp_path / STAMP).write_text(text)
    assert read_installed(tmp_path) is None


def test_an_installed_backend_whose_python_is_gone_says_so(tmp_path: Path) -> None:
    write_installed(tmp_path, Installed("venv-1", "0.1.0", "2.13.0", "cpu", "3.11.7", 1, 1.0))
    (tmp_path / "venv-1" / "bin").mkdir(parents=True)
    (tmp_path / "venv-1" / "bin" / "python").symlink_to(tmp_path / "blender that was removed" / "python3.11")
    with pytest.raises(LwswError) as caught:
        locate_backend("", {}, tmp_path)
    assert caught.value.code == "backend_start_failed"
    assert "Repair" in caught.value.hint


def test_a_python_that_cannot_make_environments_is_passed_over(order: Order, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = pythons.examine(str(PYTHON))
    assert good is not None
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\necho 'Error: no venv launcher' >&2\nexit 1\n")
    broken.chmod(0o755)
    first = pythons.Python(str(broken), (3, 12, 0), False)
    quick = pythons.Python(good.path, good.version, False)
    fetched: list[Path] = []
    monkeypatch.setattr(steps, "find_pythons", lambda _: iter([first, quick]))
    monkeypatch.setattr(Installation, "_fetch_pip", lambda _self, _python, path: fetched.append(path))
    (order.folder / TEMPORARY).mkdir(parents=True)
    report = Report()
    assert Installation(order, report)._make_environment(first, order.folder / "venv-1") == quick
    assert fetched == [order.folder / "venv-1"]
    assert any("Python 3.12.0 could not" in line for line in report.lines)
    monkeypatch.setattr(steps, "find_pythons", lambda _: iter([first]))
    with pytest.raises(LwswError) as caught:
        Installation(order, Report())._make_environment(first, order.folder / "venv-2")
    assert "no venv launcher" in caught.value.message


# What pip says, as it said it: (lines, code, words of the sentence).
PIP_SAID = [
    (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\"HTTPSConnection(host='pypi.org', port=443): "
        "Failed to establish a new connection: [Errno -2] Name or service not known\")': /simple/torch/\n"
        "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)\n"
        "ERROR: No matching distribution found for torch==2.13.0",
        "no_network",
        "pypi.org",
    ),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk_full", "disk is full"),
    (
        "WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate "
        "verify failed: self-signed certificate in certificate chain (_ssl.c:1006)'))': /simple/torch/",
        "no_network",
        "certificate",
    ),
    (
        "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
        "no_network",
        "proxy",
    ),
    (
        "ERROR: Could not find a version that satisfies the requirement OpenEXR>=3.3 (from versions: none)\n"
        "ERROR: No matching distribution found for OpenEXR>=3.3",
        "no_package",
        "OpenEXR for Python 3.14.1",
    ),
    ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x/torch'", "output_not_writable", "written to"),
    (
        "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\x\\\\numpy.pyd'",
        "output_not_writable",
        "virus scanner",
    ),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory\n"
        "HINT: This error might have occurred since this system does not have Windows Long Path support enabled.",
        "output_not_writable",
        "too long",
    ),
    (
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        "no_network",
        "damaged",
    ),
    ("something\nERROR: Failed to build 'x'.\nWARNING: y", "install_failed", "while fetching: Failed to build 'x'."),
    ("", "install_failed", "without a word"),
]


@pytest.mark.parametrize(("said", "code", "words"), PIP_SAID)
def test_what_pip_says_is_translated(said: str, code: str, words: str) -> None:
    error = pip_errors.explain(said.splitlines(), "fetching", "3.14.1")
    assert error.code == code
    assert words in error.message
    assert error.hint
    assert "{" not in error.message


def test_a_real_failure_of_the_network_is_recognized(order: Order) -> None:
    with_index = Order(
        order.folder, True, order.blender_python, None, ("--retries", "1", "--timeout", "2", "--index-url", "http://127.0.0.1:9/")
    )
    runner = Installation(with_index, Report())
    python = pythons.examine(str(PYTHON))
    assert python is not None
    (order.folder / TEMPORARY).mkdir(parents=True)
    with pytest.raises(LwswError) as caught:
        runner._pip(PYTHON, "fetching", python, "--dry-run", "--ignore-installed", "--no-deps", "lwsw-none==1")
    assert caught.value.code == "no_network"


# ------------------------------------------------------------------------------------------------ pythons and torch


def test_blenders_own_python_comes_first_and_never_an_environments() -> None:
    python = pythons.find_python(str(PYTHON), {"PATH": ""})
    assert python.version[:2] == (3, 11)
    assert not Path(python.path).is_relative_to(ROOT)
    assert python.has_ensurepip


def test_other_pythons_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_usual_folders", lambda _: [])
    with pytest.raises(LwswError) as caught:
        pythons.find_python("/usr/bin/blender", {"PATH": str(tmp_path)})
    assert caught.value.code == "no_python"
    for name, answer in (("python3.12", '{"version": [3, 10, 1]'), ("python3.13", "nonsense")):  # too old, and none at all
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho \'{answer}, "base": "{program}", "usable": true, "ensurepip": true}}\'\n')
        program.chmod(0o755)
    with pytest.raises(LwswError):
        pythons.find_python("/usr/bin/blender", {"PATH": str(tmp_path)})
    good = tmp_path / "python3.14"
    good.write_text(f'#!/bin/sh\necho \'{{"version": [3, 14, 2], "base": "{good}", "usable": true, "ensurepip": false}}\'\n')
    good.chmod(0o755)
    found = pythons.find_python("/usr/bin/blender", {"PATH": str(tmp_path)})
    assert (found.path, found.name, found.has_ensurepip) == (str(good), "3.14.2", False)


@pytest.mark.parametrize(
    ("machine", "name", "index"),
    [
        (Machine("Linux", "x86_64"), "cpu", "https://download.pytorch.org/whl/cpu"),
        (Machine("Windows", "AMD64"), "cpu", ""),
        (Machine("Darwin", "arm64"), "mps", ""),
        (Machine("Linux", "x86_64", "NVIDIA RTX A6000", 580, 8.6), "cuda13", ""),
        (Machine("Windows", "AMD64", "NVIDIA RTX A6000", 581, 8.6), "cuda13", "https://download.pytorch.org/whl/cu130"),
        (Machine("Linux", "x86_64", "NVIDIA RTX A6000", 550, 8.6), "cuda12", "https://download.pytorch.org/whl/cu126"),
        (Machine("Linux", "x86_64", "GTX 1080", 580, 6.1), "cuda12", "https://download.pytorch.org/whl/cu126"),
        (Machine("Linux", "x86_64", "GTX 680", 470, 3.0), "cpu", "https://download.pytorch.org/whl/cpu"),
        (Machine("Linux", "x86_64", has_amd_card=True), "rocm", "https://download.pytorch.org/whl/rocm7.2"),
    ],
)
def test_the_build_of_torch_fits_the_machine(machine: Machine, name: str, index: str) -> None:
    build = choose_build(machine, {})
    assert (build.name, build.index) == (name, index)
    assert 100e6 < build.download < build.unpacked
    assert choose_build(machine, {"LWSW_TORCH_INDEX": "file:///mirror"}).index == "file:///mirror"


def test_an_old_driver_and_an_old_mac_are_said() -> None:
    assert "too old" in choose_build(Machine("Linux", "x86_64", "GTX 680", 470, 3.0), {}).note
    with pytest.raises(LwswError) as caught:
        choose_build(Machine("Darwin", "x86_64"), {})
    assert caught.value.code == "no_package"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("NVIDIA H100 80GB HBM3, 580.65.06, 9.0\nNVIDIA H100 80GB HBM3, 580.65.06, 9.0\n", ("NVIDIA H100 80GB HBM3", 580, 9.0)),
        ("Tesla, K80, 470.223, [N/A]", ("Tesla, K80", 470, None)),
        ("No devices were found", ("", None, None)),
        ("", ("", None, None)),
    ],
)
def test_what_the_nvidia_driver_says_is_read(line: str, expected: tuple[str, int | None, float | None]) -> None:
    assert torch_build.read_nvidia_answer(line) == expected


def test_what_will_be_fetched_is_said(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LWSW_TORCH_INDEX")
    monkeypatch.setattr(offer, "look_at_machine", lambda: Machine("Linux", "x86_64", "NVIDIA RTX A6000", 580, 8.6))
    offered = make_offer(Order(order.folder, True, str(PYTHON)))
    text = " ".join(offered.sentences())
    assert "PyTorch for NVIDIA RTX A6000 (CUDA 13.0)" in text
    assert "about 2.9 GB" in text
    assert offered.needed > offered.download + offered.torch.unpacked
    assert offered.free > 0


def test_sizes_in_words() -> None:
    assert [gigabytes(size) for size in (31_000_000, 949_000_000, 951_000_000, 2_730_000_000)] == ["30 MB", "950 MB", "1.0 GB", "2.7 GB"]


def test_an_extension_without_the_wheel_says_so(tmp_path: Path) -> None:
    with pytest.raises(LwswError) as caught:
        release.carried_backend(tmp_path / "lwsw")
    assert caught.value.code == "backend_not_found"
    (tmp_path / "lwsw" / "wheel").mkdir(parents=True)
    for name in ("lwsw-1.2.3-py3-none-any.whl", "constraints.txt"):
        (tmp_path / "lwsw" / "wheel" / name).write_text("# pins\ntorch==2.13.0\nnumpy==2\n")
    carried = release.carried_backend(tmp_path / "lwsw")
    assert (carried.version, carried.pin("Torch"), carried.pin("scipy")) == ("1.2.3", "torch==2.13.0", "scipy")
    assert release.carried_backend(ROOT / "blender_lwsw").requirement == ROOT


# ------------------------------------------------------------------------------------------------ processes


GRANDCHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(child.pid, flush=True); time.sleep(60)"
)


def test_giving_up_ends_the_whole_tree() -> None:
    said: list[str] = []
    began = time.monotonic()
    with pytest.raises(LwswError) as caught:
        command.run([sys.executable, "-c", GRANDCHILD], os.environ, said.append, lambda: bool(said))
    assert caught.value.code == "cancelled"
    assert time.monotonic() - began < 5
    assert _wait(lambda: not _is_running(int(said[0])))
    assert not any(thread.name == "lwsw-install-output" for thread in threading.enumerate())


def test_a_step_that_hangs_ends() -> None:
    with pytest.raises(LwswError) as caught:
        command.run([sys.executable, "-c", "import time; time.sleep(60)"], os.environ, print, lambda: False, limit=0.3)
    assert caught.value.code == "install_failed"


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(LwswError) as caught:
        command.run(["/no/such/program"], os.environ, print, lambda: False)
    assert caught.value.code == "install_failed"


def test_everything_ends_when_blender_is_killed(tmp_path: Path) -> None:
    (tmp_path / "grandchild.py").write_text(GRANDCHILD)
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from blender_lwsw.installation import command\n"
        "def said(line): print(line, flush=True); os.kill(os.getpid(), 9)\n"
        "command.run(command.supervised(sys.executable, sys.argv[2]), os.environ, said, lambda: False)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), str(tmp_path / "grandchild.py")], capture_output=True, text=True, timeout=30
    )
    assert run.returncode == -9, run.stderr
    assert _wait(lambda: not _is_running(int(run.stdout)))


# ------------------------------------------------------------------------------------------------ a Python without ensurepip


class _Index(BaseHTTPRequestHandler):
    """A package index with the pip that this Python brings along, and worse ones."""

    wheel = next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
    html = False
    damaged = False

    def do_GET(self) -> None:
        data, kind = self.wheel.read_bytes(), "application/octet-stream"
        name, hashed = self.wheel.name, hashlib.sha256(data).hexdigest()
        if self.path == "/simple/pip/" and self.html:
            links = (
                f'<a href="../../files/{name}#sha256={hashed}">{name}</a><a data-yanked="" href="/files/pip-99.0-py3-none-any.whl">x</a>'
            )
            data, kind = links.encode(), "text/html"
        elif self.path == "/simple/pip/":
            files = [{"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": hashed}}]
            files += [{"filename": "pip-99.0-py3-none-any.whl", "url": "/none", "hashes": {}, "yanked": "bad"}]
            files += [
                {"filename": other, "url": "/none", "hashes": {}} for other in ("pip-1.0-py3-none-any.whl", "pip-99.0b1-py3-none-any.whl")
            ]
            data, kind = json.dumps({"files": files}).encode(), "application/vnd.pypi.simple.v1+json"
        elif not self.path.endswith(name):
            self.send_error(404)
            return
        elif self.damaged:
            data = data[:-1]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[_Index]]:
    handler = type("Index", (_Index,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = http://127.0.0.1:{server.server_port}/simple\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def _fetch_pip(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", command.program("fetch_pip"), str(folder)], capture_output=True, text=True, timeout=60)


def test_pip_comes_from_the_configured_index_where_python_has_none(index: type[_Index], order: Order) -> None:
    python = pythons.examine(str(PYTHON))
    assert python is not None
    runner = Installation(order, Report())
    (order.folder / TEMPORARY).mkdir(parents=True)
    environment = order.folder / "venv-1"
    runner._make_environment(pythons.Python(python.path, python.version, False), environment)
    said = subprocess.run(
        [str(environment / "bin" / "python"), "-m", "pip", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert f"pip {index.wheel.name.split('-')[1]}" in said
    assert str(environment) in said


def test_an_index_of_the_old_kind_and_a_damaged_file(index: type[_Index], tmp_path: Path) -> None:
    index.html = True
    done = _fetch_pip(tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).read_bytes() == index.wheel.read_bytes()
    index.damaged = True
    done = _fetch_pip(tmp_path)
    assert done.returncode == 1
    assert pip_errors.explain(done.stderr.splitlines(), "fetching pip").code == "no_network"


def test_no_index_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    done = _fetch_pip(tmp_path)
    assert done.returncode == 1
    assert pip_errors.explain(done.stderr.splitlines(), "fetching pip").code == "no_network"
