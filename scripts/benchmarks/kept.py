"""What has been made once is kept, together with a hash of the programs that made it: another version of them makes it again."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def program_hash(places: Iterable[Path], leave_out: Iterable[str] = ()) -> str:
    """Return a hash of Python programs that comments, docstrings and the way of writing do not change.

    Args:
        places: files, and folders whose ``*.py`` count.
        leave_out: names of files that do not count.
    """
    ignored = set(leave_out)
    files = [file for place in places for file in (sorted(place.glob("*.py")) if place.is_dir() else [place]) if file.name not in ignored]
    digest = hashlib.sha256()
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                del body[0]
        digest.update(f"{file.name}\n{ast.dump(tree)}\n".encode())
    return digest.hexdigest()


def short_hash(*parts: Any) -> str:
    """Return twelve hexadecimal digits that differ where the parts, as JSON, differ."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return the JSON data in a file; make and write it first where there is none."""
    from lwsw.media.files import write_atomically

    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(make(), indent=1) + "\n").encode())
    return json.loads(path.read_text(encoding="utf-8"))
