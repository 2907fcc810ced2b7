"""LWSW for Blender: turns rendered animations into paintings that move without flicker."""

from typing import Any


def register() -> None:
    """Add everything the extension has."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Leave no property, handler, timer, thread or process behind."""
    for module in reversed(_modules()):
        module.unregister()


def _modules() -> tuple[Any, ...]:
    """Return what has something to register, in that order: imported only now, for other programs read parts of the extension."""
    from .connection import backend
    from .interface import (
        after_render,
        backend_operators,
        balance_picture,
        list_operators,
        look_operators,
        mending_operators,
        operators,
        panels,
        preset_operators,
        queue_operators,
        result_operators,
        strip_mends,
        strip_operators,
        thumbnails,
    )
    from .jobs import after_undo, session, workload
    from .look import picture_source
    from .look import session as look_session
    from .settings import preferences, presets, properties

    return (
        properties,
        preferences,
        presets,
        workload,
        thumbnails,
        balance_picture,
        backend,
        session,
        after_undo,
        picture_source,
        look_session,
        operators,
        backend_operators,
        list_operators,
        look_operators,
        queue_operators,
        result_operators,
        strip_operators,
        mending_operators,
        strip_mends,
        preset_operators,
        panels,
        after_render,
    )
