"""Where the backend is: the add-on's preferences, or the environment where there are none (scripts, farms)."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .. import __package__ as package
from ..connection.backend import BackendSettings
from ..errors import LwswError
from ..installation.offer import Order


class LwswPreferences(bpy.types.AddonPreferences):
    """Settings of the extension, the same for all files."""

    bl_idname = package
    #: Draws the state of the backend and its buttons; set by the interface.
    draw_backend: ClassVar[Callable[[Any, bpy.types.Context], None] | None] = None

    backend_path: StringProperty(
        name="Backend",
        description="The 'lwsw' program, a Python that has it, or its virtual environment; empty to look for it",
        subtype="FILE_PATH",
    )
    use_existing: BoolProperty(
        name="Use a Running Backend", description="Talk to a backend that somebody else started, instead of starting one", default=False
    )
    url: StringProperty(name="Address", description="For example http://127.0.0.1:8000", default="http://127.0.0.1:8000")
    token: StringProperty(name="Token", description="The token that the backend printed when it started", subtype="PASSWORD")
    device: EnumProperty(
        name="Device",
        description="What the backend computes on",
        items=[
            ("auto", "Automatic", "The fastest one that works"),
            ("cuda", "NVIDIA GPU", "CUDA"),
            ("mps", "Apple GPU", "Metal"),
            ("cpu", "Processor", "Slow, but always there"),
        ],
        default="auto",
    )

    def draw(self, context: Any) -> None:
        """Draw the preferences; what the environment overrides is said."""
        layout = self.layout
        if LwswPreferences.draw_backend is not None:
            LwswPreferences.draw_backend(layout.box(), context)
        layout.use_property_split = True
        layout.prop(self, "device")
        layout.prop(self, "use_existing")
        if self.use_existing:
            layout.prop(self, "url")
            layout.prop(self, "token")
        else:
            layout.prop(self, "backend_path")
        for name in ("LWSW_URL", "LWSW_BACKEND"):
            if os.environ.get(name):
                layout.label(text=f"The environment variable {name} takes precedence: {os.environ[name]}", icon="INFO")
                break


def backend_settings() -> BackendSettings:
    """Return where the backend is. ``LWSW_URL`` with ``LWSW_TOKEN``, and ``LWSW_BACKEND``, take precedence. Main thread only."""
    own = _preferences()
    url, token = os.environ.get("LWSW_URL", ""), os.environ.get("LWSW_TOKEN", "")
    if not url and not os.environ.get("LWSW_BACKEND") and own is not None and own.use_existing:
        url, token = own.url, own.token
    path = own.backend_path if own is not None else ""
    return BackendSettings(bpy.path.abspath(path) if path else "", url, token, bpy.app.online_access, _log_file(), backend_folder())


def backend_folder() -> Path:
    """Return the folder that the extension installs a backend in; it need not be there yet."""
    return user_folder() / "backend"


def install_order() -> Order:
    """Return what an installation needs to know about this Blender. Main thread only."""
    log = _log_file()
    return Order(backend_folder(), bpy.app.online_access, sys.executable, log.with_name("install.log") if log is not None else None)


def use_backend(path: str = "", url: str = "", token: str = "") -> None:
    """Use a backend that is there already: at an address, or at a path; with neither, the one that the extension has installed.

    Raises:
        LwswError: ``bad_settings`` where the extension is not enabled, so that it has no preferences.
    """
    own = _preferences()
    if own is None:
        if not path and not url:
            return  # nothing says otherwise
        raise LwswError(
            "bad_settings",
            "The extension has no preferences here, because it is not enabled.",
            "Name the backend in the environment variable LWSW_BACKEND, or its address in LWSW_URL and LWSW_TOKEN.",
        )
    own.use_existing = bool(url)
    if url:
        own.url, own.token = url, token
    else:
        own.backend_path = path
    bpy.context.preferences.is_dirty = True


def device() -> str:
    """Return the device that jobs ask for."""
    own = _preferences()
    return str(own.device) if own is not None else "auto"


def backend_address() -> str:
    """Return the address of a backend that somebody else runs; empty where this Blender starts its own."""
    own = _preferences()
    if url := os.environ.get("LWSW_URL", ""):
        return url
    return str(own.url) if own is not None and own.use_existing and not os.environ.get("LWSW_BACKEND") else ""


def user_folder() -> Path:
    """Return the folder for what the extension remembers about this machine; it need not be there yet."""
    try:
        return Path(bpy.utils.extension_path_user(package))
    except ValueError:  # imported as a plain package
        return Path(bpy.utils.user_resource("CONFIG", path="lwsw"))


def _preferences() -> LwswPreferences | None:
    addon = bpy.context.preferences.addons.get(package)
    return addon.preferences if addon is not None else None


def _log_file() -> Path | None:
    try:
        return Path(bpy.utils.extension_path_user(package, path="logs", create=True)) / "backend.log"
    except (ValueError, OSError):  # imported as a plain package: then the log stays in memory
        return None


def register() -> None:
    """Add the preferences."""
    bpy.utils.register_class(LwswPreferences)


def unregister() -> None:
    """Remove the preferences."""
    bpy.utils.unregister_class(LwswPreferences)
