"""scripts/package: what is in the zip, the same bytes from the same source, and that Blender installs it and finds the backend in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import run_package

ROOT = Path(__file__).resolve().parent.parent.parent
BLENDERS = [name for name in run_package.BLENDER_ENVIRONMENTS if (ROOT / name / "bin" / "python").exists()]

#: Installs the zip as Preferences > Get Extensions > Install from Disk does, and says what came of it.
INSTALL = """
import json, os, sys
import bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
from bl_ext.user_default import lwsw
from bl_ext.user_default.lwsw import api
from bl_ext.user_default.lwsw.release import carried_backend
from bl_ext.user_default.lwsw.interface.backend_state import backend_state, mends
from bl_ext.user_default.lwsw.settings import preferences
carried, state = carried_backend(), backend_state()
said = {
    "registered": hasattr(bpy.types.Scene, "lwsw") and "install_backend" in dir(bpy.ops.lwsw),
    "wheel": carried.requirement.name, "pin": carried.pin("torch"), "folder": str(preferences.backend_folder()),
    "there": state.is_there, "code": state.error.code, "mends": [mend.operator for mend in mends(state.error)],
}
try:
    api.install_backend()
except api.LwswError as error:
    said["offline"] = error.to_dict()
api.use_backend(sys.argv[2])
said["used"] = backend_state().words(), preferences.backend_settings().path
said["started"] = bpy.ops.lwsw.start_backend() == {"FINISHED"}
bpy.ops.lwsw.stop_backend()
api.use_backend(url="http://127.0.0.1:1", token="secret")
said["address"] = backend_state().address
lwsw.unregister()
said["gone"] = not hasattr(bpy.types.Scene, "lwsw")
print("@" + json.dumps(said), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the source, as it is at this moment, that the package is built from."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("backend", "blender_lwsw"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "constraints.txt"):
        shutil.copy2(ROOT / name, copy / name)
    for name in BLENDERS:
        (copy / name).symlink_to(ROOT / name)
    (copy / "blender_lwsw" / ".secret").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_package, "ROOT", copy)
        patch.setattr(run_package, "EXTENSION", copy / "blender_lwsw")
        yield copy


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip file."""
    return run_package.package(tmp_path_factory.mktemp("dist"))


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    os.utime(run_package.EXTENSION / "api.py")
    assert run_package.package(tmp_path).read_bytes() == built.read_bytes()


def test_what_is_in_it(built: Path, checkout: Path) -> None:
    version = tomllib.loads((ROOT / "blender_lwsw" / "blender_manifest.toml").read_text())["version"]
    assert built.name == f"lwsw-{version}.zip"
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        wheel = f"wheel/lwsw-{version}-py3-none-any.whl"
        assert archive.read("wheel/constraints.txt") == (checkout / "constraints.txt").read_bytes()
        with archive.open(wheel) as file, zipfile.ZipFile(file) as inner:
            in_wheel = inner.namelist()
            metadata = inner.read(f"lwsw-{version}.dist-info/METADATA").decode()
    extension = checkout / "blender_lwsw"
    own = {str(path.relative_to(extension)) for path in extension.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert set(names) == own - {".secret"} | {wheel, "wheel/constraints.txt"}
    assert "lwsw/server/worker.py" in in_wheel
    assert all(name.startswith(("lwsw/", f"lwsw-{version}.dist-info/")) for name in in_wheel)
    assert "Requires-Dist: torch" in metadata
    assert built.stat().st_size < 5_000_000


def test_versions_that_differ_are_refused(checkout: Path, tmp_path: Path) -> None:
    manifest = checkout / "blender_lwsw" / "blender_manifest.toml"
    before = manifest.read_text()
    manifest.write_text(before.replace('version = "', 'version = "9.', 2).replace('schema_version = "9.', 'schema_version = "'))
    try:
        with pytest.raises(run_package.Stop, match=r"says version 9\."):
            run_package.package(tmp_path)
    finally:
        manifest.write_text(before)
    assert not list(tmp_path.iterdir())


def test_a_package_that_blender_refuses_is_not_delivered(checkout: Path, tmp_path: Path) -> None:
    manifest = checkout / "blender_lwsw" / "blender_manifest.toml"
    before = manifest.read_text()
    manifest.write_text(before.replace('type = "add-on"', 'type = "song"'))
    try:
        with pytest.raises(run_package.Stop, match="failed"):
            run_package.package(tmp_path)
    finally:
        manifest.write_text(before)
    assert not list(tmp_path.iterdir())


def test_the_script_says_what_it_does() -> None:
    done = subprocess.run([str(ROOT / "scripts" / "package"), "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "dist/lwsw-VERSION.zip" in done.stdout
    assert "--blender" in done.stdout


def test_a_blender_that_is_none_is_said(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(run_package.Stop, match="no program /no/such/blender"):
        run_package.package(tmp_path, "/no/such/blender")


@pytest.mark.parametrize("environment", BLENDERS)
def test_blender_installs_it(built: Path, environment: str, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LWSW_") and name != "PATH"}
    backend = ROOT / ".venv" / "bin" / "lwsw"
    done = subprocess.run(
        [str(ROOT / environment / "bin" / "python"), "-c", INSTALL, str(built), str(backend)],
        capture_output=True, text=True, timeout=120,
        env=kept | {"BLENDER_USER_RESOURCES": str(tmp_path), "PATH": "/usr/bin:/bin", "LWSW_JOBS": str(tmp_path / "jobs")},
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("@")]
    assert lines, done.stdout + done.stderr
    said = json.loads(lines[0][1:])
    assert said["registered"]
    assert said["wheel"].startswith("lwsw-")
    assert said["pin"].startswith("torch==")
    assert Path(said["folder"]).is_relative_to(tmp_path)
    assert Path(said["folder"]).name == "backend"
    assert (said["there"], said["code"]) == (False, "backend_not_found")
    assert said["mends"] == ["lwsw.install_backend", "lwsw.use_existing_backend"]
    assert said["offline"]["code"] == "online_access"
    assert "Online Access" in said["offline"]["hint"]
    assert said["used"] == ["Named in the preferences", str(backend)]
    assert said["started"]
    assert said["address"] == "http://127.0.0.1:1"
    assert said["gone"]
