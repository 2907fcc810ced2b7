"""LWSW for Blender: turns rendered animations into paintings that move without flicker."""


def register() -> None:
    """Add everything the extension has."""
    from .connection import backend
    from .interface import list_operators, operators, panels, thumbnails
    from .jobs import session
    from .settings import preferences, properties

    for module in (properties, preferences, thumbnails, backend, session, operators, list_operators, panels):
        module.register()


def unregister() -> None:
    """Leave no property, handler, timer, thread or process behind."""
    from .connection import backend
    from .interface import list_operators, operators, panels, thumbnails
    from .jobs import session
    from .settings import preferences, properties

    for module in (panels, list_operators, operators, session, backend, thumbnails, preferences, properties):
        module.unregister()
