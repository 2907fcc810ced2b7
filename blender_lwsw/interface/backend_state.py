"""What the backend's section shows: which backend is used, whether it fits, what mends an error. Cheap enough for every drawing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy

from ..connection.backend import BackendSettings, session_backend
from ..connection.installed import Installed, read_installed
from ..connection.process import Found, locate_backend
from ..errors import LwswError
from ..jobs.readiness import Mend
from ..release import carried_backend, extension_version
from ..settings import preferences

#: Seconds for which what was found on the disk is believed.
_FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class BackendState:
    """Which backend is used.

    Attributes:
        address: address of a backend that somebody else runs; empty where this Blender starts its own.
        found: the backend that would be started; None if there is none, or one at an address.
        error: why there is none.
        installed: what the extension has installed.
        update: the version that the extension carries, if the installed one is another.
    """

    address: str
    found: Found | None
    error: LwswError | None
    installed: Installed | None
    update: str

    @property
    def is_there(self) -> bool:
        """Whether there is a backend to connect to."""
        return bool(self.address) or self.found is not None

    @property
    def uses_installed(self) -> bool:
        """Whether the backend that the extension has installed is the one that is used."""
        return self.found is not None and self.found.where == "installed"

    def words(self) -> str:
        """Say which backend is used."""
        if self.address:
            return f"At the address {self.address}"
        if self.uses_installed and self.installed is not None:
            return f"Installed: version {self.installed.version}, PyTorch {self.installed.torch}"
        if self.found is None:
            return "Not installed"
        where = {
            "LWSW_BACKEND": "Named by the environment variable LWSW_BACKEND",
            "preferences": "Named in the preferences",
            "checkout": "Of the development checkout",
            "search path": "Found on the search path",
        }
        return where[self.found.where]


_known: tuple[float, BackendSettings, BackendState] | None = None


def backend_state() -> BackendState:
    """Return the state; what lies on the disk is looked at once a second."""
    global _known
    settings = preferences.backend_settings()
    if _known is not None and _known[1] == settings and time.monotonic() - _known[0] < _FRESH_SECONDS:
        return _known[2]
    installed = read_installed(settings.installed)
    found, error = None, None
    if not settings.url:
        try:
            found = locate_backend(settings.path, installed=settings.installed)
        except LwswError as caught:
            error = caught
    state = BackendState(settings.url, found, error, installed, _update(installed))
    _known = (time.monotonic(), settings, state)
    return state


def forget_state() -> None:
    """Look again at the next drawing."""
    global _known
    _known = None


def install_mend() -> Mend:
    """Return the button that installs the backend; where Blender is offline it says that it changes that too."""
    if bpy.app.online_access:
        return Mend("lwsw.install_backend", "Install Backend", "IMPORT")
    return Mend("lwsw.install_backend", "Allow Online Access and Install", "IMPORT", {"allow_online": True})


def mends(error: LwswError) -> list[Mend]:
    """Return what mends an error of the backend, the best first; empty if it is not one."""
    state = backend_state()
    install = install_mend()
    use_existing = Mend("lwsw.use_existing_backend", "Use Existing…", "LINKED")
    repair = Mend("lwsw.repair_backend", "Repair", "FILE_REFRESH")
    start = Mend("lwsw.start_backend", "Try Again", "PLAY")
    if error.code == "version_mismatch" and state.uses_installed:
        return [Mend("lwsw.install_backend", "Update Backend", "IMPORT")]
    if error.code in ("version_mismatch", "bad_token") or (error.code == "backend_gone" and state.address):
        return [use_existing, start] if state.address else [install, use_existing]
    if error.code == "backend_start_failed":
        return [repair if state.uses_installed or state.installed else install, start, use_existing]
    if error.code == "online_access" and state.address:
        allow = Mend("lwsw.start_backend", "Allow Online Access and Connect", "INTERNET", {"allow_online": True})
        return [start if bpy.app.online_access else allow, use_existing]
    if error.code == "backend_not_found":
        return [use_existing] if state.address else [install, use_existing]
    if error.code == "backend_gone":
        return [start]
    if error.code == "missing_network":
        return [repair] if state.uses_installed else []
    return []


def installer_mends(error: LwswError) -> list[Mend]:
    """Return what mends a failed installation."""
    if error.code == "cancelled":
        return []
    again = Mend("lwsw.install_backend", "Try Again", "FILE_REFRESH")
    if error.code == "online_access" and not bpy.app.online_access:
        return [install_mend()]
    use_existing = Mend("lwsw.use_existing_backend", "Use Existing…", "LINKED")
    return [again, use_existing] if error.code in ("no_python", "no_package", "no_network") else [again]


def is_running() -> bool:
    """Return whether this session's backend runs."""
    return session_backend.state.startswith("Running")


def _update(installed: Installed | None) -> str:
    if installed is None:
        return ""
    try:
        version = carried_backend().version
    except LwswError:  # nothing to update from
        version = extension_version()
    return version if version != installed.version else ""
