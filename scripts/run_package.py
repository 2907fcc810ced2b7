"""Builds the extension as people install it; scripts/package sets up the environments and calls this.

    scripts/package                     dist/lwsw-VERSION.zip, validated by the tools of Blender 4.5 and 5.0
    scripts/package --blender PATH      built and validated by this Blender instead

In the zip are the extension, the backend's wheel and the versions it was tested with; the button Install Backend takes them from there.
The same source gives the same bytes: files are sorted and carry the date of SOURCE_DATE_EPOCH, else that of the last commit.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "blender_lwsw"
BLENDER_ENVIRONMENTS = (".venv-blender", ".venv-blender-4.5")
#: Where the bpy module keeps Blender's own tool for extensions.
TOOL = "lib/python3*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
#: What a working tree has besides the source.
NOT_SOURCE = ("__pycache__", "*.pyc", "*.egg-info", ".*", "wheel")
#: Zip files know no earlier date.
EARLIEST = 315532800


class Stop(Exception):
    """Ends the program with a sentence for the terminal."""


def versions() -> str:
    """Return the version, which the manifest and the backend must agree about."""
    extension = str(tomllib.loads((EXTENSION / "blender_manifest.toml").read_text("utf-8"))["version"])
    found = re.search(r'^__version__ = "([^"]+)"', (ROOT / "backend" / "lwsw" / "__init__.py").read_text("utf-8"), re.MULTILINE)
    backend = found[1] if found else "none"
    if extension != backend:
        raise Stop(f"blender_manifest.toml says version {extension}, backend/lwsw/__init__.py says {backend}. They are released together.")
    return extension


def source_date() -> int:
    """Return the date that all files get, in seconds since 1970."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return max(EARLIEST, int(given))
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return max(EARLIEST, int(done.stdout)) if done.returncode == 0 and done.stdout.strip().isdigit() else EARLIEST


def run(command: Sequence[str | Path], doing: str, **environment: str) -> str:
    """Run a program and return its output; raise Stop with that if it fails."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment,
        )  # fmt: skip
    except OSError as error:
        raise Stop(f"{command[0]} cannot be run: {error.strerror}.") from None
    if done.returncode:
        raise Stop(f"{doing} failed:\n{done.stdout.strip()}")
    return done.stdout


def copy_source(source: Path, target: Path) -> None:
    """Copy a folder without what does not belong into a release."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NOT_SOURCE))


def build_wheel(folder: Path, date: int) -> Path:
    """Build the backend's wheel into a folder."""
    source = folder / "source"
    copy_source(ROOT / "backend", source / "backend")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy2(ROOT / name, source / name)
    out = folder / "wheel"
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-input", "--disable-pip-version-check"]
    run([*command, "--wheel-dir", out, source], "Building the backend's wheel", SOURCE_DATE_EPOCH=str(date))
    (wheel,) = out.glob("lwsw-*.whl")
    normalize(wheel, date)
    return wheel


def normalize(archive: Path, date: int) -> None:
    """Write a zip file anew with sorted names, one date and one mode, so that its bytes depend on its contents alone."""
    partial = archive.with_name(f".{archive.name}.partial")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(partial, "w") as new:
        for name in sorted(item.filename for item in old.infolist() if not item.is_dir()):
            info = zipfile.ZipInfo(name, time.gmtime(date)[:6])
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            kind = zipfile.ZIP_STORED if name.endswith((".whl", ".png", ".jpg")) else zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name), kind, 9)
    partial.replace(archive)


def tools(blender: str | None) -> list[tuple[str, list[str]]]:
    """Return (name, command) of Blender's own tool for extensions, of each Blender that is to be asked."""
    if blender:
        if not shutil.which(blender):
            raise Stop(f"There is no program {blender}. --blender takes the path of Blender itself, such as /usr/bin/blender.")
        return [(blender, [blender, "--command", "extension"])]
    found = []
    for environment in BLENDER_ENVIRONMENTS:
        for tool in sorted((ROOT / environment).glob(TOOL)):
            python = ROOT / environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
            found.append((f"Blender {tool.parents[4].name}", [str(python), str(tool)]))
    if not found:
        raise Stop("No Blender was found to build with: run scripts/setup, or name one with --blender PATH.")
    return found


def package(out: Path, blender: str | None = None) -> Path:
    """Build the zip file into a folder, validate it, and return its path."""
    version, date, found = versions(), source_date(), tools(blender)
    with tempfile.TemporaryDirectory(prefix="lwsw-package-") as name:
        folder = Path(name)
        wheel = build_wheel(folder, date)
        staged = folder / "lwsw"
        copy_source(EXTENSION, staged)
        (staged / "wheel").mkdir()
        shutil.copy2(wheel, staged / "wheel" / wheel.name)
        shutil.copy2(ROOT / "constraints.txt", staged / "wheel" / "constraints.txt")
        built = folder / f"lwsw-{version}.zip"
        run([*found[0][1], "build", "--source-dir", staged, "--output-filepath", built], f"Building with {found[0][0]}")
        normalize(built, date)
        for name, command in found:
            run([*command, "validate", built], f"Validating with {name}")
            print(f"{name}: valid")
        out.mkdir(parents=True, exist_ok=True)
        result = out / built.name
        partial = result.with_name(f".{result.name}.partial")
        shutil.copyfile(built, partial)
        partial.replace(result)
    print(f"{result}: {result.stat().st_size / 1000:.0f} kB")
    return result


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="scripts/package", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", metavar="PATH", help="use this Blender (4.5 to 5.2) instead of the bpy modules")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="default: dist")
    options = parser.parse_args()
    try:
        package(options.out, options.blender)
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
