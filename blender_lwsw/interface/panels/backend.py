"""The backend: which one is used, what it lacks, and the buttons that mend it."""

from __future__ import annotations

from typing import Any

import bpy

from ...connection.backend import session_backend
from ...errors import LwswError
from ...installation.installer import session_installer
from ...installation.offer import gigabytes
from ...settings.preferences import LwswPreferences
from ..backend_state import BackendState, backend_state, install_mend, installer_mends, mends
from .base import Section
from .obstacle import draw_buttons, draw_error
from .text import draw_paragraph

#: Lines of the log that are shown.
LOG_LINES = 4


class Backend(Section):
    bl_label = "Backend"

    def draw(self, context: bpy.types.Context) -> None:
        draw_backend(self.layout, context)


def draw_backend(layout: Any, context: bpy.types.Context) -> None:
    """Draw the whole section; the preferences show it too."""
    if session_installer.is_running:
        _draw_progress(layout)
        return
    state = backend_state()
    failed = session_installer.error
    if failed is not None:
        draw_error(layout, context, failed, installer_mends(failed))
        _draw_log(layout)
    if not state.is_there:
        _draw_missing(layout, context, state, failed)
    else:
        _draw_there(layout, context, state)
    _draw_installed(layout, context, state)


def draw_missing_backend(layout: Any, context: bpy.types.Context) -> bool:
    """Where there is no backend yet, say so where jobs are started, with the button; return whether there is none."""
    if session_installer.is_running:
        progress = session_installer.progress()
        row = layout.row(align=True)
        row.progress(factor=progress.fraction, type="BAR", text=f"Backend: {progress.text}")
        row.operator("lwsw.cancel_installation", text="", icon="X")
        return True
    error = backend_state().error
    if error is None:
        return False
    failed = session_installer.error
    if failed is not None and failed.code != "cancelled":
        draw_error(layout, context, failed, installer_mends(failed))
        return True
    box = layout.box()
    draw_paragraph(box, error.message, context, "ERROR")
    if session_installer.offer is not None:
        draw_paragraph(box, session_installer.offer.sentences()[0], context, "BLANK1")
    draw_buttons(box, mends(error))
    return True


def _draw_progress(layout: Any) -> None:
    progress = session_installer.progress()
    layout.progress(factor=progress.fraction, type="BAR", text=progress.text)
    _draw_log(layout)
    layout.operator("lwsw.cancel_installation", icon="CANCEL")


def _draw_log(layout: Any) -> None:
    lines = session_installer.progress().lines[-LOG_LINES:]
    if lines:
        column = layout.box().column(align=True)
        column.scale_y = 0.7
        for line in lines:
            column.label(text=line)


def _draw_missing(layout: Any, context: bpy.types.Context, state: BackendState, failed: LwswError | None) -> None:
    if state.error is not None and failed is None:
        draw_paragraph(layout, state.error.message, context, "ERROR")
    for sentence in session_installer.offer.sentences() if session_installer.offer is not None else ():
        draw_paragraph(layout, sentence, context, "BLANK1")
    if session_installer.offer is None and session_installer.offer_error is not None:
        draw_error(layout, context, session_installer.offer_error, [])
    elif session_installer.is_looking:
        layout.label(text="Looking at this machine…", icon="TIME")
    if failed is not None and failed.code != "cancelled":
        return  # its own buttons are there
    if not bpy.app.online_access:
        draw_paragraph(layout, "Blender is not allowed to go online, and the backend has to be fetched.", context, "INTERNET_OFFLINE")
    row = layout.row()
    row.scale_y = 1.4
    draw_buttons(row, [install_mend()])
    broken = state.error is not None and state.error.code == "backend_start_failed"
    layout.operator("lwsw.repair_backend" if broken else "lwsw.use_existing_backend", icon="FILE_REFRESH" if broken else "LINKED")


def _draw_there(layout: Any, context: bpy.types.Context, state: BackendState) -> None:
    error, words = session_backend.error, session_backend.state
    if error is not None:
        draw_error(layout, context, error, mends(error))
    else:
        icon = "CHECKMARK" if words.startswith("Running") else "ERROR" if words.startswith("Stopped") else "DOT"
        draw_paragraph(layout, words, context, icon)
    draw_paragraph(layout, state.words(), context, "BLANK1")
    if state.uses_installed and state.update and (error is None or error.code != "version_mismatch"):
        sentence = f"This extension carries version {state.update} of the backend."
        draw_paragraph(layout, sentence, context, "INFO")
        layout.operator("lwsw.install_backend", text="Update Backend", icon="IMPORT")
    row = layout.row(align=True)
    if session_backend.owns_process():
        row.operator("lwsw.stop_backend", icon="PAUSE")
    elif error is None and not words.startswith("Running"):
        row.operator("lwsw.start_backend", icon="PLAY")
    if error is None:
        row.operator("lwsw.use_existing_backend", text="Use Another…", icon="LINKED")


def _draw_installed(layout: Any, context: bpy.types.Context, state: BackendState) -> None:
    if state.installed is None:
        return
    if not state.uses_installed and state.is_there:
        sentence = f"The backend that was installed here ({gigabytes(state.installed.size)}) is not used."
        draw_paragraph(layout, sentence, context, "INFO")
        layout.operator("lwsw.use_existing_backend", text="Use the Installed One…", icon="LINKED")
    row = layout.row(align=True)
    row.operator("lwsw.repair_backend", icon="FILE_REFRESH")
    row.operator("lwsw.uninstall_backend", text=f"Uninstall ({gigabytes(state.installed.size)})", icon="TRASH")


def show_in_preferences(show: bool) -> None:
    """Let the extension's preferences show the section too, or no longer."""
    LwswPreferences.draw_backend = draw_backend if show else None
