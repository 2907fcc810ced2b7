"""HTTP to the backend (docs/architecture.md, version 1). Every failure is an LwswError. Blocks: call it from worker threads only."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LwswError, backend_gone
from ..release import extension_version

#: The version of the HTTP interface that this extension speaks.
API = 1


class Client:
    """One backend at one address.

    Args:
        url: ``http://127.0.0.1:PORT``.
        token: the secret the backend printed when it started.
        timeout: seconds one request may wait for the network.
    """

    def __init__(self, url: str, token: str, timeout: float = 30.0) -> None:
        parts = urllib.parse.urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            parts, port = urllib.parse.urlsplit(""), None  # no number where the port should be
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LwswError("backend_not_found", f"'{url}' is not the address of a backend.", "Write it as http://127.0.0.1:8000.")
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._base = parts.hostname, port, parts.path.rstrip("/")
        self._token = token
        self._timeout = timeout

    def health(self, timeout: float | None = None) -> dict[str, Any]:
        """Return version, api, device, device_name and active_job."""
        return self._json("GET", "/v1/health", timeout=timeout)

    def check_version(self, timeout: float | None = None) -> dict[str, Any]:
        """Return :meth:`health`; raise ``version_mismatch`` if the backend speaks another version of the interface."""
        health = self.health(timeout)
        version, api = health.get("version"), health.get("api")
        if not isinstance(version, str) or not isinstance(api, int):
            raise _something_else()
        if api != API:
            newer = api > API
            raise LwswError(
                "version_mismatch",
                f"The backend (version {version}) is {'newer' if newer else 'older'} than the extension (version {extension_version()}): "
                "they do not understand each other.",
                "Update the extension." if newer else "Press Update Backend; a backend that somebody else runs is updated where it runs.",
            )
        return health

    def create_job(self, job: Mapping[str, Any]) -> str:
        """Create a job from the contents of ``job.json``; return its id."""
        return str(self._json("POST", "/v1/jobs", json.dumps(job).encode(), "application/json")["id"])

    def put_style(self, job: str, name: str, path: Path) -> None:
        """Upload a painting."""
        self._json("PUT", f"/v1/jobs/{job}/styles/{urllib.parse.quote(name)}", _read(path, "missing_style"))

    def put_frame(self, job: str, frame: int, path: Path) -> None:
        """Upload the display-referred PNG of a frame."""
        self._json("PUT", f"/v1/jobs/{job}/frames/{frame}", _read(path, "missing_frames"))

    def put_passes(self, job: str, frame: int, path: Path) -> None:
        """Upload the multilayer EXR of a frame."""
        self._json("PUT", f"/v1/jobs/{job}/passes/{frame}", _read(path, "missing_pass"))

    def put_cameras(self, job: str, cameras: Mapping[str, Any]) -> None:
        """Upload the cameras of all frames."""
        self._json("PUT", f"/v1/jobs/{job}/cameras", json.dumps(cameras).encode(), "application/json")

    def put_camera(self, job: str, frame: int, camera: Mapping[str, Any]) -> None:
        """Upload the camera of one frame, before its files."""
        self._json("PUT", f"/v1/jobs/{job}/cameras/{frame}", json.dumps(camera).encode(), "application/json")

    def start(self, job: str, early: bool = False) -> dict[str, Any]:
        """Check that everything has come and queue the job; return its status.

        Args:
            job: its id.
            early: begin although frames are still coming; call it again without this when all have come.
        """
        return self._json("POST", f"/v1/jobs/{job}/start{'?early=true' if early else ''}", b"")

    def status(self, job: str) -> dict[str, Any]:
        """Return the status of a job."""
        return self._json("GET", f"/v1/jobs/{job}", timeout=10)

    def result(self, job: str, frame: int) -> bytes:
        """Return the bytes of a finished frame's PNG."""
        return self._send("GET", f"/v1/jobs/{job}/results/{frame}")

    def cancel(self, job: str, timeout: float = 5.0) -> None:
        """End the job's worker; finished frames stay."""
        self._json("POST", f"/v1/jobs/{job}/cancel", b"", timeout=timeout)

    def resume(self, job: str) -> dict[str, Any]:
        """Queue a stopped job again where it stopped; return its status."""
        return self._json("POST", f"/v1/jobs/{job}/resume", b"")

    def delete(self, job: str) -> None:
        """Remove a job's directory at the backend."""
        self._send("DELETE", f"/v1/jobs/{job}")

    def begin_preview(self) -> str:
        """Begin a preview and return its name; one that somebody else began ends."""
        return str(self._json("POST", "/v1/preview", b"")["id"])

    def put_preview_source(self, preview: str, path: Path, width: int) -> None:
        """Upload the frame, which is painted at a width in pixels."""
        self._json("PUT", f"/v1/preview/{preview}/source?width={width}", _read(path, "missing_frames"))

    def put_preview_passes(self, preview: str, path: Path) -> None:
        """Upload the multilayer EXR of that frame, which says where regions are."""
        self._json("PUT", f"/v1/preview/{preview}/passes", _read(path, "missing_pass"))

    def put_preview_painting(self, preview: str, name: str, path: Path) -> None:
        """Upload a painting."""
        self._json("PUT", f"/v1/preview/{preview}/paintings/{urllib.parse.quote(name)}", _read(path, "missing_style"))

    def put_preview_settings(self, preview: str, order: Mapping[str, Any], restart: bool = False) -> int:
        """Send settings, and with ``restart`` paint from the beginning; return their number."""
        path = f"/v1/preview/{preview}/settings" + ("?restart=true" if restart else "")
        return int(self._json("PUT", path, json.dumps(order).encode(), "application/json")["settings"])

    def preview_state(self, preview: str, after: int = -1, wait: float = 0.0) -> dict[str, Any]:
        """Return the state of a preview; wait at most so many seconds for another one than the revision ``after``."""
        return self._json("GET", f"/v1/preview/{preview}?after={after}&wait={wait:g}", timeout=wait + 10.0)

    def preview_picture(self, preview: str, of: str = "result", form: str = "raw") -> bytes:
        """Return the picture as it is, or with ``of="source"`` the frame: 8-bit RGB from the top, or with ``form="png"`` a 16-bit PNG."""
        return self._send("GET", f"/v1/preview/{preview}/picture?of={of}&form={form}")

    def end_preview(self, preview: str, timeout: float = 3.0) -> None:
        """End a preview and its process."""
        self._send("DELETE", f"/v1/preview/{preview}", timeout=timeout)

    def shutdown(self, timeout: float = 2.0) -> None:
        """Ask the backend to end."""
        self._send("POST", "/v1/shutdown", b"", timeout=timeout)

    def _json(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/octet-stream", timeout: float | None = None
    ) -> dict[str, Any]:
        data = self._send(method, path, body, kind, timeout)
        try:
            value = json.loads(data) if data else {}
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise _something_else()
        return value

    def _send(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/octet-stream", timeout: float | None = None
    ) -> bytes:
        # A connection per request: on this machine it costs nothing, and no stale connection ever looks like a dead backend.
        make = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = make(self._host, self._port, timeout=timeout or self._timeout)
        headers = {"Authorization": f"Bearer {self._token}", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            connection.request(method, self._base + path, body, headers)
            response = connection.getresponse()
            data = response.read()
        except TimeoutError:
            raise backend_gone("no answer in time") from None
        except http.client.RemoteDisconnected:
            raise backend_gone("it hung up") from None
        except http.client.BadStatusLine:
            raise _something_else() from None
        except (OSError, http.client.HTTPException) as error:
            raise backend_gone(getattr(error, "strerror", None) or type(error).__name__) from None
        finally:
            connection.close()
        if response.status >= 400:
            raise _error_of(response.status, data)
        return data


#: Returns a client of a backend that answers; may be called in a thread, and is given what asks whether to give up.
Connect = Callable[[Callable[[], bool]], Client]


def _error_of(status: int, data: bytes) -> LwswError:
    try:
        return LwswError.from_dict(json.loads(data)["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        if status in (401, 403):
            return LwswError(
                "bad_token", "The backend does not accept the token.", "Copy the token that the backend printed when it started."
            )
        if status < 500:
            return _something_else()
        return LwswError("internal", f"The backend answered with HTTP status {status}.", "Look at the backend's log.")


def _something_else() -> LwswError:
    return LwswError(
        "version_mismatch",
        "Something else than the LWSW backend answers at this address: another program has taken its port.",
        "Correct the address with Use Existing, or let the extension start a backend of its own.",
    )


def _read(path: Path, code: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LwswError(code, f"{path} cannot be read ({error.strerror or error}).", "Check that the file is still there.") from None
