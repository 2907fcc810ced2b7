"""LWSW for Blender: turns rendered animations into paintings that move without flicker."""


def register() -> None:
    """Add everything the extension has."""
    from . import backend, operators, panels, preferences, properties, session, thumbnails

    for module in (properties, preferences, thumbnails, backend, session, operators, panels):
        module.register()


def unregister() -> None:
    """Leave no property, handler, timer, thread or process behind."""
    from . import backend, operators, panels, preferences, properties, session, thumbnails

    for module in (panels, operators, session, backend, thumbnails, preferences, properties):
        module.unregister()
