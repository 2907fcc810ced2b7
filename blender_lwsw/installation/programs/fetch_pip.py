"""Fetches the newest wheel of pip into a folder and prints its path: ``fetch_pip.py FOLDER``.

For Pythons whose distribution took the means to install pip away (ensurepip). Another Python than Blender's runs this, by its path: it uses
the standard library only. The package index is the one that pip itself would ask: ``PIP_INDEX_URL``, pip's configuration files, PyPI.
"""

import configparser
import hashlib
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

JSON = "application/vnd.pypi.simple.v1+json"
SECONDS = 60


def configured(name: str, default: str) -> str:
    """Return an option as pip reads it: the environment, then the user's files, then the machine's."""
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    for path in configuration_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, configparser.Error, UnicodeError):  # pip will say so itself
            continue
        for section in ("install", "global"):
            if parser.has_option(section, name):
                return parser.get(section, name).strip()
    return default


def configuration_files() -> list[Path]:
    """Return where pip looks for its configuration, what counts most first."""
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path.home()
    if os.name == "nt":
        files = [Path(os.environ.get("APPDATA", home)) / "pip/pip.ini", home / "pip/pip.ini"]
        files.append(Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "pip/pip.ini")
    else:
        configuration = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        files = [home / "Library/Application Support/pip/pip.conf"] if sys.platform == "darwin" else []
        files += [configuration / "pip/pip.conf", home / ".pip/pip.conf", Path("/etc/pip.conf")]
        files += [Path(folder) / "pip/pip.conf" for folder in (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")]
    return ([Path(named)] if named else []) + files


def read(url: str, accept: str = "*/*") -> tuple[bytes, str, str]:
    """Return the bytes at an address, their media type, and the address they finally came from."""
    certificates = configured("cert", "") or None
    context = ssl.create_default_context(cafile=certificates) if url.startswith("https:") else None
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "lwsw"})
    with urllib.request.urlopen(request, timeout=SECONDS, context=context) as answer:
        return answer.read(), answer.headers.get_content_type(), answer.geturl()


def wheels(index: str) -> list[tuple[str, str, str]]:
    """Return (file name, address, SHA-256 or nothing) of every wheel of pip that the index offers and that can be used."""
    data, kind, base = read(index.rstrip("/") + "/pip/", f"{JSON}, text/html;q=0.1")
    found = []
    if kind == JSON:
        for file in json.loads(data)["files"]:
            if not file.get("yanked"):
                found.append((file["filename"], urllib.parse.urljoin(base, file["url"]), file.get("hashes", {}).get("sha256", "")))
    else:
        for link in re.finditer(r'<a\s[^>]*href="([^"]+)"[^>]*>', data.decode("utf-8", "replace")):
            if "data-yanked" not in link[0]:
                url, _, fragment = urllib.parse.urljoin(base, link[1]).partition("#")
                hashed = fragment.partition("sha256=")[2]
                found.append((urllib.parse.unquote(url.rsplit("/", 1)[-1]), url, hashed))
    return [file for file in found if re.fullmatch(r"pip-\d+(\.\d+)*-py3-none-any\.whl", file[0])]


def version(name: str) -> tuple[int, ...]:
    """Return the version in a wheel's file name."""
    return tuple(int(number) for number in name.split("-")[1].split("."))


def main() -> None:
    """Command line."""
    index = configured("index-url", "https://pypi.org/simple")
    try:
        offered = wheels(index)
        if not offered:
            sys.exit(f"ERROR: No matching distribution found for pip at {index}")
        name, url, expected = max(offered, key=lambda file: version(file[0]))
        data, _, _ = read(url)
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        sys.exit(f"ERROR: {index}: {getattr(error, 'reason', error)!r}")
    if expected and hashlib.sha256(data).hexdigest() != expected:
        sys.exit(f"ERROR: {name}: THESE PACKAGES DO NOT MATCH THE HASHES")
    path = Path(sys.argv[1]) / name
    path.write_bytes(data)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
