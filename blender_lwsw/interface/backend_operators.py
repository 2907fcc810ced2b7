"""The operators of the backend: thin, everything they do is in api.py and below connection/."""

# No "from __future__ import annotations" here: Blender needs the properties themselves, not their source text.
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .. import api
from ..connection.backend import BackendSettings, session_backend
from ..errors import LwswError
from ..installation.installer import session_installer
from ..jobs import exit_status
from ..jobs.console import ProgressLine
from ..jobs.session import redraw, session
from ..settings import preferences
from .backend_state import backend_state, forget_state

#: Seconds between two looks at what a thread does.
_TICK = 0.25

_AllowOnline = BoolProperty(
    name="Allow Online Access",
    description="Turn on Allow Online Access in Blender's preferences first",
    default=False,
    options={"HIDDEN", "SKIP_SAVE"},
)


class LWSW_OT_start_backend(bpy.types.Operator):
    """Start the backend now, so that the first job need not wait for it"""

    bl_idname = "lwsw.start_backend"
    bl_label = "Start Backend"

    allow_online: _AllowOnline

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Connect; in the window in a thread, because starting takes seconds."""
        if self.allow_online:
            context.preferences.system.use_online_access = True
        if bpy.app.background:
            try:
                session_backend.connect(preferences.backend_settings())
            except LwswError as error:
                return _failed(self, error)
            return {"FINISHED"}
        _start_in_thread(session_backend.connect)
        return {"FINISHED"}


class LWSW_OT_stop_backend(bpy.types.Operator):
    """Stop the backend and give its memory back"""

    bl_idname = "lwsw.stop_backend"
    bl_label = "Stop Backend"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if session.is_running:
            cls.poll_message_set("A job is running; cancel it first")
            return False
        if not session_backend.owns_process():
            cls.poll_message_set("This Blender has not started a backend")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Stop it; in the window in a thread, because it may take seconds to end."""
        if bpy.app.background:
            session_backend.stop()
        else:
            _in_thread(session_backend.stop)
        return {"FINISHED"}


class _Install:
    """Installs in a thread while the window stays usable, and until it is done elsewhere."""

    repair = False

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _may_change(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Begin; in background wait for the end."""
        if not bpy.app.background:
            try:
                api.start_installation(repair=self.repair)
            except LwswError as error:
                return _failed(self, error)
            _watch()
            return {"FINISHED"}
        line = ProgressLine()
        try:
            api.install_backend(repair=self.repair, progress=line.show)
        except LwswError as error:
            exit_status.remember(str(error))
            return _failed(self, error)
        finally:
            line.end()
            forget_state()
        return {"FINISHED"}


class LWSW_OT_install_backend(_Install, bpy.types.Operator):
    """Fetch the program that paints and set it up in a folder of its own, or bring it up to date; Blender itself is not changed"""

    bl_idname = "lwsw.install_backend"
    bl_label = "Install Backend"

    allow_online: _AllowOnline

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin; in background wait for the end."""
        if self.allow_online:
            context.preferences.system.use_online_access = True
        return super().execute(context)


class LWSW_OT_repair_backend(_Install, bpy.types.Operator):
    """Fetch everything anew and put it in the place of the backend that does not work, or that does not know a new graphics card yet"""

    bl_idname = "lwsw.repair_backend"
    bl_label = "Repair"
    repair = True

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _is_installed(cls) and _may_change(cls)


class LWSW_OT_cancel_installation(bpy.types.Operator):
    """Stop the installation; nothing of it is left, and a backend that was there before stays"""

    bl_idname = "lwsw.cancel_installation"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if not session_installer.is_running:
            cls.poll_message_set("Nothing is being installed")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask it to stop."""
        session_installer.cancel()
        return {"FINISHED"}


class LWSW_OT_uninstall_backend(bpy.types.Operator):
    """Remove the backend that was installed here, with everything it fetched; your paintings and results stay"""

    bl_idname = "lwsw.uninstall_backend"
    bl_label = "Uninstall"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _is_installed(cls) and _may_change(cls)

    def invoke(self, context: bpy.types.Context, event: Any) -> set[str]:
        """Ask first."""
        asked: set[str] = context.window_manager.invoke_confirm(self, event)
        return asked

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Remove it; in a thread in the window, because it is gigabytes."""
        try:
            if bpy.app.background:
                api.uninstall_backend()
                forget_state()
            else:
                session_installer.uninstall(preferences.backend_folder(), session_backend.stop)
                _watch()
        except LwswError as error:
            return _failed(self, error)
        return {"FINISHED"}


class LWSW_OT_use_existing_backend(bpy.types.Operator):
    """Use a backend that is there already: a program on this machine, or one that runs somewhere with an address and a token"""

    bl_idname = "lwsw.use_existing_backend"
    bl_label = "Use Existing Backend"

    kind: EnumProperty(
        name="Kind",
        items=[
            ("PATH", "On This Machine", "The lwsw program, a Python that has it, or its virtual environment"),
            ("ADDRESS", "At an Address", "A backend that somebody started with 'lwsw serve'"),
            ("INSTALLED", "The Installed One", "The backend that this extension installed"),
        ],
        default="PATH",
    )
    path: StringProperty(name="Path", description="The lwsw program, a Python that has it, or its virtual environment", subtype="FILE_PATH")
    url: StringProperty(name="Address", description="For example http://127.0.0.1:8000")
    token: StringProperty(name="Token", description="The token that the backend printed when it started", subtype="PASSWORD")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return _may_change(cls)

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[str]:
        """Ask which one."""
        settings = preferences.backend_settings()
        self.path, self.url, self.token = settings.path, settings.url or "http://127.0.0.1:8000", settings.token
        self.kind = "ADDRESS" if settings.url else "PATH"
        asked: set[str] = context.window_manager.invoke_props_dialog(self, width=420)
        return asked

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what belongs to the kind."""
        layout = self.layout
        layout.row().prop(self, "kind", expand=True)
        layout.use_property_split = True
        if self.kind == "PATH":
            layout.prop(self, "path")
        elif self.kind == "ADDRESS":
            layout.prop(self, "url")
            layout.prop(self, "token")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Set the preferences and connect."""
        try:
            if self.kind == "ADDRESS":
                api.use_backend(url=self.url, token=self.token)
            else:
                api.use_backend(bpy.path.abspath(self.path) if self.kind == "PATH" else "")
            if bpy.app.background:
                session_backend.connect(preferences.backend_settings())
        except LwswError as error:
            return _failed(self, error)
        finally:
            forget_state()
        if not bpy.app.background:
            _start_in_thread(_reconnect)
        return {"FINISHED"}


def _failed(operator: Any, error: LwswError) -> set[str]:
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}


def _may_change(operator: Any) -> bool:
    if session_installer.is_running:
        operator.poll_message_set("The backend is being installed or removed")
        return False
    if session.is_running:
        operator.poll_message_set("A job is running; cancel it first")
        return False
    return True


def _is_installed(operator: Any) -> bool:
    if backend_state().installed is None:
        operator.poll_message_set("No backend was installed here")
        return False
    return True


# ---------------------------------------------------------------------------------------------------- threads and timers


_thread: threading.Thread | None = None


def _start_in_thread(connect: Callable[[BackendSettings], object]) -> None:
    _in_thread(connect, preferences.backend_settings())


def _reconnect(where: BackendSettings) -> None:
    session_backend.stop()  # the one that was used before
    session_backend.connect(where)


def _in_thread(work: Callable[..., object], *arguments: object) -> None:
    global _thread
    _thread = threading.Thread(target=_quietly, args=(work, *arguments), name="lwsw-connect", daemon=True)
    _thread.start()
    if not bpy.app.timers.is_registered(_redraw_while_starting):
        bpy.app.timers.register(_redraw_while_starting, first_interval=_TICK, persistent=True)


def _quietly(work: Callable[..., object], *arguments: object) -> None:
    with contextlib.suppress(LwswError):  # the backend's state, which the panel shows, says what went wrong
        work(*arguments)


def _redraw_while_starting() -> float | None:
    redraw_all()
    return _TICK if _thread is not None and _thread.is_alive() else None


def _watch() -> None:
    if not bpy.app.timers.is_registered(_watch_installer):
        bpy.app.timers.register(_watch_installer, first_interval=_TICK, persistent=True)


def _watch_installer() -> float | None:
    """Draw while the installer works; use what it has installed."""
    redraw_all()
    if session_installer.is_running or session_installer.is_looking:
        return _TICK
    forget_state()
    if session_installer.installed is not None and session_installer.error is None:
        api.finish_installation()
        _start_in_thread(session_backend.connect)
    elif not backend_state().is_there and session_installer.offer is None and session_installer.offer_error is None:
        session_installer.look(preferences.install_order())
        return _TICK
    return None


def _look_once() -> None:
    """Find out what Install Backend would fetch, where there is no backend yet, so that the panel can say it."""
    session_installer.sweep(preferences.backend_folder())  # what was being removed when Blender was closed
    if not backend_state().is_there:
        session_installer.look(preferences.install_order())
        _watch()


def redraw_all() -> None:
    """Have the panels drawn again, and the preferences."""
    redraw()
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type == "PREFERENCES":
                    area.tag_redraw()


_CLASSES = (
    LWSW_OT_start_backend,
    LWSW_OT_stop_backend,
    LWSW_OT_install_backend,
    LWSW_OT_repair_backend,
    LWSW_OT_cancel_installation,
    LWSW_OT_uninstall_backend,
    LWSW_OT_use_existing_backend,
)
_TIMERS = (_redraw_while_starting, _watch_installer, _look_once)


def register() -> None:
    """Add the operators; look at this machine soon if there is no backend."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    if not bpy.app.background:
        bpy.app.timers.register(_look_once, first_interval=0.5)


def unregister() -> None:
    """Remove the operators and their timers; an installation that runs is stopped and leaves nothing."""
    session_installer.close()
    for timer in _TIMERS:
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    forget_state()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
