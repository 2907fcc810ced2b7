"""What is noted while the checks run: failures, how long Blender stood still, what was drawn and how long that took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from blender_lwsw.source import passes

failures = 0


def check(what: str, good: bool, detail: object = "") -> None:
    """Print one result."""
    global failures
    failures += not good
    print(f"{'PASS' if good else 'FAIL'}  {what}  {detail}", flush=True)


class Pauses:
    """Notes the longest time in which Blender ran no timer: that long the window was frozen."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the body runs."""
        self.longest, self._last = 0.0, time.monotonic()
        tick = self._tick  # one object: Blender tells timers apart by identity
        bpy.app.timers.register(tick, persistent=True)
        try:
            yield
        finally:
            bpy.app.timers.unregister(tick)

    def _tick(self) -> float:
        now = time.monotonic()
        self.longest, self._last = max(self.longest, now - self._last), now
        return 0.02


class Steps:
    """Notes the longest time that a step of a job takes, with all that the session does around it.

    Attributes:
        longest: in seconds, without what Blender takes to start a render, which it takes at F12, too.
        longest_start: that.
    """

    def __init__(self, session: Any) -> None:
        self.longest = self.longest_start = 0.0
        self._starting = 0.0
        tick, render_still = session._timer, passes.render_still

        def timed_start(*arguments: Any) -> None:
            began = time.monotonic()
            try:
                render_still(*arguments)
            finally:
                self._starting += time.monotonic() - began

        def timed() -> float | None:
            began, self._starting = time.monotonic(), 0.0
            pause: float | None = tick()
            self.longest = max(self.longest, time.monotonic() - began - self._starting)
            self.longest_start = max(self.longest_start, self._starting)
            return pause

        passes.render_still, session._timer = timed_start, timed

    def forget(self) -> None:
        """Begin anew."""
        self.longest = self.longest_start = 0.0

    def __str__(self) -> str:
        return f"longest step {self.longest * 1000:.0f} ms, Blender's start of a render {self.longest_start * 1000:.0f} ms"


class Drawing:
    """Opens every panel, and notes what gets drawn from now on, in which scene's window, how long it takes, and the errors on the way."""

    def __init__(self) -> None:
        self.drawn: set[str] = set()
        self.in_scene: set[tuple[str, str]] = set()  # the scene of the window, and the class that was drawn
        self.times: dict[str, list[float]] = {}  # seconds of the processor, by the class's name
        self.errors: list[str] = []
        panels = lwsw_classes(bpy.types.Panel)
        for panel in reversed(panels):
            bpy.utils.unregister_class(panel)
        for panel in panels:
            panel.bl_options = set()
            bpy.utils.register_class(panel)
            panel.draw = self._panel(panel, panel.draw)
        for cls in lwsw_classes(bpy.types.UIList):
            cls.draw_item = self._list(cls, cls.draw_item)

    # Blender counts a method's named parameters and gives it that many, so *arguments would get none
    def _panel(self, cls: Any, draw: Any) -> Any:
        return lambda panel, context: self._watched(cls, draw, panel, context)

    def _list(self, cls: Any, draw: Any) -> Any:
        return lambda panel, a, b, c, d, e, f, g: self._watched(cls, draw, panel, a, b, c, d, e, f, g)

    def _watched(self, cls: Any, draw: Any, *arguments: Any) -> None:
        self.drawn.add(cls.__name__)
        self.in_scene.add((bpy.context.scene.name, cls.__name__))
        began = time.thread_time()
        try:
            draw(*arguments)
            self.times.setdefault(cls.__name__, []).append(time.thread_time() - began)
        except Exception as error:
            self.errors.append(f"{cls.__name__}: {error!r}")
            raise


def lwsw_classes(base: Any) -> list[Any]:
    """Return the extension's classes of a kind, in their order."""
    return [cls for cls in base.__subclasses__() if cls.__name__.startswith("LWSW_")]
