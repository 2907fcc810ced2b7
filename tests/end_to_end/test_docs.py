"""The documentation: it builds as a site without a warning, fetches nothing, and knows every error that the programs can end with."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def error_codes() -> set[str]:
    """Return the first argument of every ``LwswError(…)`` and ``Obstacle(…)`` in both programs."""
    codes = set()
    for folder in ("backend/lwsw", "blender_lwsw"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                    continue
                first = node.args[0]
                if node.func.id in ("LwswError", "Obstacle") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    codes.add(first.value)
    return codes


def test_every_error_is_documented() -> None:
    codes = error_codes()
    assert len(codes) > 30
    said = set(re.findall(r"[a-z_]+", (ROOT / "docs" / "architecture.md").read_text("utf-8").split("## Errors")[-1]))
    assert codes <= said, sorted(codes - said)
    explained = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")))
    needs_no_explanation = {"cancelled", "paused", "preview_not_found"}
    assert codes - needs_no_explanation <= explained, sorted(codes - needs_no_explanation - explained)


def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    pages = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.html")}
    assert {"index.html", "panel.html", "troubleshooting.html", "temporal.html"} <= pages.keys()
    for name, page in pages.items():
        fetched = re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"(?:https?:)?//[^\"]+", page)
        assert not fetched, (name, fetched)
        for picture in re.findall(r"<img[^>]+src=\"([^\"]+)", page):
            assert (tmp_path / picture).is_file(), (name, picture)
