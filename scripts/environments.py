"""Makes the project's Python environments, or brings them up to date. Standard library only; `scripts/setup` runs it.

    backend      .venv               the backend with torch, the metrics and the development tools, by constraints.txt
    blender      .venv-blender       Blender 5.0 as the Python module bpy, by constraints-blender.txt
    blender-4.5  .venv-blender-4.5   Blender 4.5 LTS as bpy; the tests use it, nothing else does

A second run takes a fraction of a second: each environment keeps a stamp of what it was made from. LWSW_TORCH_INDEX names the package index
that torch comes from; without it, Linux machines without an NVIDIA GPU get the CPU build, which is gigabytes smaller.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "lwsw-setup.json"
CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"

#: Debian's package of each shared library that bpy or OpenCV may miss on a machine without a desktop.
DEBIAN_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libuuid.so.1": "libuuid1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon.so.0": "libxkbcommon0",
}


class SetupError(Exception):
    """What cannot be set up, and the way out, in words for the person at the terminal."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment: where it lies, which Pythons may run it, what goes in, and how to see that it works."""

    name: str
    folder: str
    pythons: tuple[tuple[int, int], ...]  # the first one found is used
    constraints: str
    requirements: tuple[str, ...]
    check: str  # Python code that must run

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def python(self) -> Path:
        return self.path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def fingerprint(self) -> str:
        """Hash of everything the environment is made from."""
        parts = [str(self), str(ROOT), os.environ.get("LWSW_TORCH_INDEX", "") if self.name == "backend" else ""]
        parts += [(ROOT / name).read_text("utf-8") for name in (self.constraints, "pyproject.toml")[: 2 if self.name == "backend" else 1]]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _blender(name: str, folder: str, version: str) -> Environment:
    return Environment(name, folder, ((3, 11),), "constraints-blender.txt", (f"bpy=={version}", "pytest"), "import bpy, numpy, pytest")


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment(
            "backend",
            ".venv",
            ((3, 11), (3, 12), (3, 13), (3, 14)),
            "constraints.txt",
            ("-e", ".[metrics,development]"),
            "import torch, cv2, OpenEXR, fastapi, uvicorn, pytest, lwsw",
        ),
        _blender("blender", ".venv-blender", "5.0.1"),
        _blender("blender-4.5", ".venv-blender-4.5", "4.5.15"),
    )
}


def say(text: str) -> None:
    print(text, flush=True)


# -------------------------------------------------------------------------------------------------------------- pythons


def find_python(versions: Sequence[tuple[int, int]], needed_for: str) -> str:
    """Return a Python of one of these versions, earlier ones first; look on the search path and where pyenv and uv keep theirs."""
    for major, minor in versions:
        if sys.version_info[:2] == (major, minor):
            return _base_python()
        name = f"python{major}.{minor}"
        homes = [Path.home() / ".pyenv" / "versions", Path.home() / ".local" / "share" / "uv" / "python"]
        folders = [folder for home in homes if home.is_dir() for folder in sorted(home.iterdir(), reverse=True)]
        candidates = [name, "python3", "python", *(str(folder / "bin" / name) for folder in folders if f"{major}.{minor}." in folder.name)]
        for candidate in candidates:
            found = shutil.which(candidate)
            if found and _version_of(found) == (major, minor):
                return found
    wanted = " or ".join(f"{major}.{minor}" for major, minor in versions)
    message = f"Python {wanted} is needed for {needed_for} and was not found."
    way_out = "Install it (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python@3.11; or with pyenv or uv)"
    if "bpy" in needed_for:
        way_out += ", or use an installed Blender: scripts/demo --blender /path/to/blender"
    raise SetupError(f"{message} {way_out}.")


def _base_python() -> str:
    """The Python behind a virtual environment: an environment made from another one breaks when that one is removed."""
    base = getattr(sys, "_base_executable", "") or sys.executable
    return base if _version_of(base) == sys.version_info[:2] else sys.executable


def _version_of(python: str) -> tuple[int, int] | None:
    code = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=True)
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


# ------------------------------------------------------------------------------------------------------------------ pip


def run_quietly(command: Sequence[str], log: Path, doing: str) -> str:
    """Run a command with its output in a log; raise SetupError with the last lines if it fails. Returns its output."""
    with log.open("a+", encoding="utf-8") as stream:
        stream.write(f"\n$ {' '.join(command)}\n")
        stream.flush()
        began = stream.tell()
        code = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, cwd=ROOT).returncode
        stream.seek(began)
        output = stream.read()
    if code:
        lines = [line for line in output.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise SetupError(f"{doing} failed:\n    " + "\n    ".join(lines[-6:]) + f"\nThe whole story is in {log}.")
    return output


def pip_install(environment: Environment, what: Sequence[str], log: Path, *options: str) -> None:
    command = [str(environment.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["-c", str(ROOT / environment.constraints), *options, *what]
    run_quietly(command, log, f"Installing {' '.join(what)} into {environment.folder}")


def pinned(constraints: str, package: str) -> str:
    """Return `package==version` as the constraints say."""
    match = re.search(rf"^{re.escape(package)}==.*$", (ROOT / constraints).read_text("utf-8"), re.MULTILINE)
    return match.group(0).strip() if match else package


def torch_index(environment: Environment, log: Path) -> str | None:
    """Return the index that torch is to come from, or None for the one that pip is configured with."""
    if os.environ.get("LWSW_TORCH_INDEX"):
        return os.environ["LWSW_TORCH_INDEX"]
    if not sys.platform.startswith("linux") or has_nvidia_gpu() or not _needs_cuda_packages(environment, None, log):
        return None
    say("  torch on the configured package index is the CUDA build and this machine has no NVIDIA GPU; looking for the CPU build")
    if _needs_cuda_packages(environment, CPU_TORCH_INDEX, log) is False:
        return CPU_TORCH_INDEX
    say("  the CPU build cannot be reached: the CUDA build it is (several gigabytes); LWSW_TORCH_INDEX=URL names another index")
    return None


def has_nvidia_gpu() -> bool:
    program = shutil.which("nvidia-smi")
    return bool(program) and subprocess.run([str(program), "-L"], capture_output=True).returncode == 0


def _needs_cuda_packages(environment: Environment, index: str | None, log: Path) -> bool | None:
    """Ask an index, without downloading the wheel where it can tell otherwise: does its torch depend on CUDA packages? None: no answer."""
    report = environment.path / "torch-report.json"
    report.unlink(missing_ok=True)
    command = [str(environment.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--dry-run", "--no-deps"]
    command += ["--ignore-installed", "--report", str(report), pinned(environment.constraints, "torch")]
    command += ["--index-url", index, "--timeout", "15", "--retries", "1"] if index else []
    try:
        run_quietly(command, log, "Asking for torch")
        metadata = json.loads(report.read_text("utf-8"))["install"][0]["metadata"]
    except (SetupError, OSError, ValueError, LookupError):
        return None
    finally:
        report.unlink(missing_ok=True)
    return any(re.match(r"(nvidia-|cuda-|triton)", requirement) for requirement in metadata.get("requires_dist", []))


def torch_version(environment: Environment) -> str:
    """Return the installed torch's version with its build (2.13.0+cpu), or an empty string."""
    code = "import importlib.metadata as m; print(m.version('torch'))"
    done = subprocess.run([str(environment.python), "-c", code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def install_backend(environment: Environment, log: Path) -> None:
    """torch first and by itself, so that nothing else decides which build of it comes."""
    wanted = pinned(environment.constraints, "torch")
    if torch_version(environment).split("+")[0] != wanted.partition("==")[2]:
        index = torch_index(environment, log)
        say(f"  torch from {index or 'the configured package index'} (the largest part)")
        packages = [wanted, pinned(environment.constraints, "torchvision")] if index else [wanted]
        pip_install(environment, packages, log, *(["--index-url", index] if index else []))
    before = torch_version(environment)
    say(f"  torch {before}; everything else by {environment.constraints}")
    pip_install(environment, environment.requirements, log)
    after = torch_version(environment)
    if after != before:  # torchvision asks for a torch of its own build
        raise SetupError(
            f"Installing the other packages replaced torch {before} by {after}. Remove {environment.folder} and run scripts/setup again."
        )


def install_blender(environment: Environment, log: Path) -> None:
    say(f"  {environment.requirements[0]} (about 350 MB)")
    pip_install(environment, environment.requirements, log)


# ----------------------------------------------------------------------------------------------------- system libraries


def missing_libraries(environment: Environment) -> list[str]:
    """Return the shared libraries that the environment's binary modules need and the system does not have (Linux)."""
    if not sys.platform.startswith("linux") or not shutil.which("ldd"):
        return []
    modules = [
        path for pattern in ("bpy/__init__*.so", "cv2/cv2*.so") for path in environment.path.glob(f"lib/python*/site-packages/{pattern}")
    ]
    missing = set()
    for module in modules:
        output = subprocess.run(["ldd", str(module)], capture_output=True, text=True).stdout
        missing.update(re.findall(r"^\s*(\S+) => not found", output, re.MULTILINE))
    return sorted(missing)


def check_imports(environment: Environment, log: Path) -> None:
    """Import what the environment is for; get missing system libraries where that is allowed, else say how.

    Where installing is not possible and the imports work all the same, nothing is wrong.
    """
    missing = missing_libraries(environment)
    if missing:
        packages = sorted({DEBIAN_PACKAGES.get(name, "") for name in missing} - {""})
        command = f"apt-get install -y {' '.join(packages)}"
        hint = f"{environment.folder} needs system libraries that are not installed: {', '.join(missing)}."
        if not packages:
            raise SetupError(hint + " Install them with the system's package manager, then run scripts/setup again.")
        if not shutil.which("apt-get"):
            raise SetupError(
                f"{hint} On Debian and Ubuntu they are in the packages {', '.join(packages)}; install them, then run scripts/setup again."
            )
        if os.geteuid() != 0:
            raise SetupError(f"{hint} Install them with\n    sudo {command}\nand run scripts/setup again.")
        say(f"  installing system libraries as root: {command}")
        run_quietly(["apt-get", "update", "-q"], log, "apt-get update")
        run_quietly(["env", "DEBIAN_FRONTEND=noninteractive", *command.split(), "--no-install-recommends", "-q"], log, command)
    # bpy may hang when the interpreter ends, so the process is ended without that.
    code = f"{environment.check}; import os, sys; print('works'); sys.stdout.flush(); os._exit(0)"
    try:
        done = subprocess.run([str(environment.python), "-c", code], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        raise SetupError(
            f"'{environment.check}' did not end in {environment.folder}. Remove the folder and run scripts/setup again."
        ) from None
    if "works" not in done.stdout:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit status {done.returncode}"]
        raise SetupError(f"{environment.folder} is installed but does not work: {last[0]}\nRemove the folder and run scripts/setup again.")


# -------------------------------------------------------------------------------------------------------- environments


INSTALLERS: dict[str, Callable[[Environment, Path], None]] = {"backend": install_backend}


def is_up_to_date(environment: Environment) -> bool:
    try:
        stamp = json.loads((environment.path / STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and stamp.get("fingerprint") == environment.fingerprint() and environment.python.exists()


def is_usable(environment: Environment) -> bool:
    """Say whether there is a virtual environment to go on with: of the right Python, and not one whose making was interrupted."""
    places = ("lib/python*/site-packages", "Lib/site-packages")
    has_pip = any(path.is_file() for place in places for path in environment.path.glob(f"{place}/pip/__main__.py"))
    return environment.python.exists() and has_pip and _version_of(str(environment.python)) in environment.pythons


def set_up(environment: Environment) -> None:
    """Make an environment, or bring it up to date.

    Raises:
        SetupError: with the sentence to show.
    """
    if is_up_to_date(environment):
        return
    began = time.monotonic()
    log = environment.path / "setup.log"
    stamp = environment.path / STAMP
    if is_usable(environment):
        say(f"{environment.folder}: bringing it up to date")
    else:
        python = find_python(environment.pythons, "the bpy module" if environment.name.startswith("blender") else "the backend")
        say(f"{environment.folder}: making it with {python}; this takes some minutes once")
        if environment.path.exists():
            shutil.rmtree(environment.path)
        made = subprocess.run([python, "-m", "venv", str(environment.path)], capture_output=True, text=True)
        if made.returncode:
            shutil.rmtree(environment.path, ignore_errors=True)
            reason = (made.stdout + made.stderr).strip().splitlines()[-1:] or ["no reason given"]
            raise SetupError(
                f"{python} could not make a virtual environment: {reason[0]}\nOn Debian and Ubuntu: apt install python3.11-venv"
            )
    stamp.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    INSTALLERS.get(environment.name, install_blender)(environment, log)
    check_imports(environment, log)
    unfinished = stamp.with_suffix(".part")
    unfinished.write_text(json.dumps({"fingerprint": environment.fingerprint(), "made": time.strftime("%Y-%m-%dT%H:%M:%S")}), "utf-8")
    unfinished.replace(stamp)
    say(f"{environment.folder}: ready after {time.monotonic() - began:.0f} s")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="scripts/setup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=f"any of {', '.join(ENVIRONMENTS)}; all when left out")
    parser.add_argument("--check", action="store_true", help="only say which are up to date; exit status 1 if one is not")
    options = parser.parse_args()
    names = options.environments or list(ENVIRONMENTS)
    for name in names:
        if name not in ENVIRONMENTS:
            parser.error(f"there is no environment '{name}'; use any of {', '.join(ENVIRONMENTS)}")
    if options.check:
        states = {name: is_up_to_date(ENVIRONMENTS[name]) for name in names}
        for name, good in states.items():
            say(f"{ENVIRONMENTS[name].folder}: {'up to date' if good else 'to be set up'}")
        return 0 if all(states.values()) else 1
    try:
        for name in names:
            set_up(ENVIRONMENTS[name])
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
