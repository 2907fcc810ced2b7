"""Stylizes what Render Animation (Ctrl F12) has rendered, where the scene asks for it.

In a window Blender calls its render handlers in other threads, where nothing of Blender may be touched: they leave a message, and a timer
does the rest. Without a window there are no timers, the handlers run in the main thread, and Blender ends soon after the last of them:
there the job is done before the handler returns.
"""

from __future__ import annotations

import queue
import sys
import time
from dataclasses import dataclass
from typing import Any

import bpy

from .. import api, compat
from ..errors import LwswError
from ..jobs import exit_status
from ..jobs.console import ProgressLine
from ..jobs.session import session
from ..source.animation_output import AnimationOutput
from ..source.overrides import is_overridden

#: Seconds between two looks whether a render has ended.
TICK_SECONDS = 0.5


@dataclass(frozen=True)
class _Message:
    what: str  # init, complete or cancel
    scene_uid: int
    time: float  # seconds since 1970


class AfterRender:
    """Follows the renders of the artist, of which nothing is known but what Blender's handlers say.

    Args:
        blocks: do the job inside of the handler, because nothing comes after it.
    """

    def __init__(self, blocks: bool) -> None:
        self._blocks = blocks
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._began: dict[int, float] = {}
        self._is_busy = False
        self.timer = self._tick  # one object: Blender tells timers apart by identity

    def hear(self, what: str, scene: bpy.types.Scene | None) -> None:
        """Take a message; any thread. Renders of a job are not the artist's."""
        if scene is not None and not self._is_busy and not is_overridden(scene):
            self._messages.put(_Message(what, scene.session_uid, time.time()))
            if self._blocks:
                self._go_on()

    def _tick(self) -> float:
        if not bpy.app.is_job_running("RENDER"):  # its last message may come before Blender has put it away
            self._go_on()
        return TICK_SECONDS

    def _go_on(self) -> None:
        while not self._messages.empty():
            message = self._messages.get()
            if message.what == "init":
                self._began[message.scene_uid] = message.time
            elif began := self._began.pop(message.scene_uid, 0.0):
                self._end(message, began)

    def _end(self, message: _Message, began: float) -> None:
        scene = compat.find_scene(message.scene_uid)
        if scene is None or not scene.lwsw.stylize_after_render:
            return
        output = AnimationOutput(scene, began)
        if not output.is_animation:
            return
        if message.what == "cancel":
            session.fail(
                LwswError(
                    "cancelled",
                    "The render was cancelled, so nothing is stylized.",
                    "Render the animation to its end, or choose what there is as Files.",
                )
            )
            return
        self._is_busy = self._blocks
        try:
            self._stylize(scene, output)
        except LwswError as error:
            session.fail(error)
            if self._blocks:
                exit_status.fail(str(error))
        finally:
            self._is_busy = False

    def _stylize(self, scene: bpy.types.Scene, output: AnimationOutput) -> None:
        output.check_no_painting()
        pictures, apart = output.pictures(), not output.shows_sequencer
        request = api.Request(
            source="FILES",
            pictures=pictures,
            render_passes=apart,
            passes=None if apart else "",
            frame_start=min(pictures),
            frame_end=max(pictures),
        )
        if not self._blocks:
            request.output = session.free_output(scene)
            job = api.start_job(scene, request, interactive=True)
            _warn(job, scene)
            session.add(job)
            return
        job = api.start_job(scene, request, interactive=False, after_render=True)
        line = ProgressLine()
        try:
            api.run_job(job, line.show)
        finally:
            line.end()
        for note in job.outcome.notes:
            sys.stdout.write(f"LWSW  {note}\n")
        sys.stdout.flush()


def _warn(job: api.Job, scene: bpy.types.Scene) -> None:
    """Say what the next Render Animation would render, once the painting is a strip of the same scene."""
    if job.plan.add_strip and job.plan.sequencer_uid == scene.session_uid and scene.render.use_sequencer:
        job.outcome.notes.append(
            "Render Animation will now render the sequencer, which shows the painting; to render the scene again, turn off Sequencer in "
            "Output properties › Post Processing."
        )


#: The one of this Blender.
after_render = AfterRender(blocks=bpy.app.background)


@bpy.app.handlers.persistent
def _on_init(scene: Any = None, *_: Any) -> None:
    after_render.hear("init", scene)


@bpy.app.handlers.persistent
def _on_complete(scene: Any = None, *_: Any) -> None:
    after_render.hear("complete", scene)


@bpy.app.handlers.persistent
def _on_cancel(scene: Any = None, *_: Any) -> None:
    after_render.hear("cancel", scene)


def _handlers() -> tuple[tuple[list[Any], Any], ...]:
    handlers = bpy.app.handlers
    return (handlers.render_init, _on_init), (handlers.render_complete, _on_complete), (handlers.render_cancel, _on_cancel)


def register() -> None:
    """Listen to renders."""
    for handlers, handler in _handlers():
        if handler not in handlers:
            handlers.append(handler)
    if not bpy.app.background and not bpy.app.timers.is_registered(after_render.timer):
        bpy.app.timers.register(after_render.timer, first_interval=TICK_SECONDS, persistent=True)


def unregister() -> None:
    """Leave no handler and no timer behind."""
    for handlers, handler in _handlers():
        while handler in handlers:
            handlers.remove(handler)
    if bpy.app.timers.is_registered(after_render.timer):
        bpy.app.timers.unregister(after_render.timer)
