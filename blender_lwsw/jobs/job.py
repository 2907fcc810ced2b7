"""One job as a state machine: prepare, source (render or read files, uploading meanwhile), stylize, done.

:meth:`Job.step` does a little and returns at once; a timer calls it in the window and a loop calls it elsewhere.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..connection.client import Connect
from ..connection.transfer import Transfer
from ..errors import LwswError, cancelled, internal, paused
from ..results import compositor, sequencer
from ..results.versions import version_of
from ..settings.snapshot import dump
from ..source.file_source import FileSource
from ..source.frames import Uploads, file_name
from ..source.renderer import Renderer
from ..source.sequencer_source import SequencerSource
from . import progress
from .found import Made, job_title
from .plan import Plan
from .progress import Progress
from .record import Record
from .stopped import data_of
from .workload import remember as remember_speed

#: How long a cancelled job waits for the backend's answer before it ends without.
CANCEL_SECONDS = 2.0

ENDED = ("done", "failed", "cancelled", "paused")


@dataclass
class Outcome:
    """What a job has left behind so far."""

    results: list[Path] = field(default_factory=list)
    strip_name: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Job:
    """Runs a plan.

    Args:
        plan: what to do.
        connect: returns a client of a running backend; called in a thread.
        interactive: do not block while Blender renders.
        job_id: a job of the backend to take up where it stopped; empty for a new one.
        made: what there is already of a job that is taken up; None for a new one.
        began: when the job that is taken up was started first, or began to wait, in seconds since 1970.
        after_render: it runs in the handler that Blender calls when a render is over, see ``on_copy`` of
            :class:`.source.renderer.Renderer`.
    """

    def __init__(
        self,
        plan: Plan,
        connect: Connect,
        interactive: bool,
        job_id: str = "",
        made: Made | None = None,
        began: float | None = None,
        after_render: bool = False,
    ) -> None:
        self.plan = plan
        self._after_render = after_render
        self.phase = "prepare"
        self.error: LwswError | None = None
        self.outcome = Outcome(notes=list(plan.notes))
        self._interactive = interactive
        self._is_taken_up = bool(job_id)
        self.record = Record(plan.order.output, data_of(plan), job_id, made, began)
        self._transfer = Transfer(plan.order, connect, job_id, self.record.set_job_id, plan.paint_while_rendering)
        self._source: Renderer | FileSource | SequencerSource | None = None
        self._stop: LwswError | None = None  # why the job is ending, while something still has to end first
        self._stop_began = 0.0
        self._given = 0
        self._results: set[int] = set()
        self._status: dict[str, Any] = {}
        self._began = self._phase_began = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the job is done, failed or cancelled."""
        return self.phase in ENDED

    @property
    def is_cancelling(self) -> bool:
        """Whether the job is ending and has not ended yet."""
        return self._stop is not None and not self.is_over

    @property
    def backend_timings(self) -> Mapping[str, Any]:
        """What the backend says about where its time went."""
        return self._transfer.timings

    @property
    def job_id(self) -> str:
        """The job's name at the backend; empty before there is one."""
        return self._transfer.job_id

    @property
    def title(self) -> str:
        """What to call the job in a list: its painting and its frames."""
        return job_title(self.plan.order.styles.values(), self.plan.frames)

    def can_resume(self) -> bool:
        """Whether the job has stopped and has left something that it can be taken up from."""
        return self.phase in ("failed", "cancelled", "paused") and self._is_worth_keeping()

    def _is_worth_keeping(self) -> bool:
        return self.job_id != "" or bool(self.record.made.uploads)

    @property
    def waits_for_backend(self) -> bool:
        """Whether nothing of Blender is rendering: waiting may then sleep, and may be interrupted."""
        return self.phase == "stylize"

    def cancel(self) -> None:
        """Stop within two seconds, or after the frame that Blender is rendering; finished frames stay."""
        self._begin_to_stop(cancelled())

    def pause(self) -> None:
        """Stop as :meth:`cancel` does, and give the backend's memory back; the job means to go on."""
        self._begin_to_stop(paused())

    def abandon(self) -> None:
        """Stop at once, because Blender's data is about to go: another file is loaded, or the extension is turned off."""
        is_wanted = self._stop is None
        self.cancel()
        if self._source is not None:
            self._source.end(wait=True)
        if not self.is_over:
            self._end(cancelled(), is_wanted)
        self._transfer.join(CANCEL_SECONDS)

    def step(self) -> bool:
        """Go on a little; return whether there is more to do. Errors end the job and are kept in :attr:`error`."""
        if self.is_over:
            return False
        try:
            if self._stop is not None:
                self._go_on_stopping(self._stop)
            else:
                self._advance()
        except LwswError as error:
            self._begin_to_stop(error)
        except Exception as error:  # noqa: BLE001 - whatever happens, the scene must be put back and the artist told
            self._begin_to_stop(internal(error))
        return not self.is_over

    def progress(self) -> Progress:
        """Return where the job is."""
        total = len(self.plan.frames)
        if self.is_over:
            return progress.ended(self.phase, len(self._results), total)
        if self.is_cancelling:
            return progress.stopping(self.phase, total, self._source is not None and self._source.is_rendering)
        two_passes = self.plan.order.job["settings"].get("second_pass", "none") != "none"
        if self.phase == "stylize":
            return progress.painting(self._transfer.phase, self._transfer.uploaded, total, self._status, two_passes)
        return progress.preparing(self.phase, self._given, total, time.monotonic() - self._phase_began, self._status, two_passes)

    # ------------------------------------------------------------------ phases

    def _advance(self) -> None:
        self._hear()
        if self.phase == "prepare":
            self._prepare()
        elif self.phase in ("render", "read"):
            self._feed()
        elif self.phase == "stylize" and not self._transfer.is_alive():
            self._hear()
            self._finish()

    def _prepare(self) -> None:
        plan = self.plan
        self._began = time.monotonic()  # it may have waited for others
        scene = self._scene()
        if self.record.has_waited and not self._is_worth_keeping():
            plan.check_input()
        if older := self.record.begin():
            self._transfer.discard(older)
        made = self.record.made
        missing = tuple(frame for frame in plan.frames if frame not in made.uploads)
        # The backend is looked for first: that it is missing should not be said after a night of rendering.
        self._transfer.begin()
        if plan.renders:
            self._source = Renderer(
                scene,
                missing,
                plan.source_folder,
                self._interactive,
                plan.object_masks,
                pictures=plan.pictures,
                vectors_apart=plan.vectors_apart,
                on_copy=self._after_render,
            )
            self._source.know_cameras(made.cameras)
        elif not plan.pictures:
            editor_scene = compat.find_scene(plan.sequencer_uid) or scene
            self._source = SequencerSource(editor_scene, missing, plan.source_folder, plan.strips, self._interactive)
        else:
            self._source = FileSource(scene, missing, plan.pictures, plan.passes, plan.cameras, plan.source_folder, self._interactive)
        self._enter("render" if plan.renders else "read")
        for frame in plan.frames:
            if frame in made.uploads:
                self._given += 1
                self._transfer.add(made.uploads[frame], made.cameras.get(str(frame)))
        if missing:
            self._source.begin()

    def _feed(self) -> None:
        source = self._source
        assert source is not None
        self._take(source.step())
        if source.is_finished:
            self._transfer.finish_input(source.cameras())
            source.end()
            self._enter("stylize")

    def _take(self, uploads: Uploads | None) -> None:
        """Hand over a frame that is rendered or read."""
        if uploads is not None:
            self._given += 1
            camera = self._source.camera(uploads.frame) if isinstance(self._source, Renderer) else None
            self.record.add_rendered(uploads, camera)  # first: what the backend has is never rendered anew
            self._transfer.add(uploads, camera)

    def _hear(self) -> None:
        """Take in what the transfer has to say: results become visible at once, an error ends the job."""
        events = self._transfer.events()
        for note in events.notes:
            self._note(note)
        if events.statuses:
            self._status = events.statuses[-1]
        if events.results:
            self._results.update(events.results)
            self.record.add_results(events.results)
            self._show()
        if problem := self.record.take_problem():
            self._note(problem)
        if self._transfer.error is not None:
            raise self._transfer.error

    def _show(self) -> None:
        plan = self.plan
        self.outcome.results = [plan.order.output / file_name(frame, ".png") for frame in sorted(self._results)]
        ready = self._leading_results()
        if not plan.add_strip or not ready:
            return
        order = plan.order
        size = (int(order.job["width"]), int(order.job["height"]))
        label, version = next(iter(order.styles.values())).stem, version_of(order.output)
        show = sequencer.Show(
            label if version == 1 else f"{label} v{version}",
            order.output, plan.frames, plan.shown_pictures(), plan.add_source_strip, size, plan.from_sequencer, plan.strips,
            dump(plan.remembered), plan.pictures,
        )  # fmt: skip
        scene = self._scene()
        editor_scene = compat.find_scene(plan.sequencer_uid) or scene
        self.outcome.strip_name, note = sequencer.update_strip(scene, editor_scene, show, ready)
        if note:
            self._note(note)
        compositor.reload_results(order.output, ready)
        sequencer.redraw()

    def _leading_results(self) -> list[int]:
        """Return the finished frames up to the first that is missing: a strip has no holes."""
        ready: list[int] = []
        for frame in self.plan.frames:
            if frame not in self._results:
                break
            ready.append(frame)
        return ready

    def _finish(self) -> None:
        missing = [frame for frame in self.plan.frames if frame not in self._results]
        if missing:
            raise LwswError("missing_frames", f"The backend finished without frame {missing[0]}.", "Press Stylize again.")
        self._remember_files()
        self._remember_speed()
        self._end(None)

    def _remember_speed(self) -> None:
        """Keep how long this took, for the estimates of later jobs; one that was taken up in the middle says nothing about that.

        Nor does one that shared the machine with the render, and waited for it.
        """
        if self._is_taken_up or self.plan.paint_while_rendering:
            return
        if problem := remember_speed(self.plan.order.job, self._status, self._transfer.seconds["stylize"]):
            self._note(problem)

    def _remember_files(self) -> None:
        """Point the file patterns at what was rendered, so that another painting needs no new render; the artist's own stay."""
        plan = self.plan
        if not plan.renders or plan.strips:
            return
        settings = self._scene().lwsw
        pictures = plan.pictures.get(plan.frames[0], plan.source_folder / "frames" / "####.png")
        for name, file in (("color_pattern", pictures), ("passes_pattern", plan.source_folder / "passes" / "####.exr")):
            if not getattr(settings, name):
                path = str(file)
                setattr(settings, name, bpy.path.relpath(path) if bpy.data.filepath else path)

    def _begin_to_stop(self, error: LwswError) -> None:
        if self._stop is None and not self.is_over:
            self._stop, self._stop_began = error, time.monotonic()
            self._transfer.cancel()
            if self._source is not None:
                self._source.skip_rest()

    def _go_on_stopping(self, error: LwswError) -> None:
        source, now = self._source, time.monotonic()
        if source is not None and source.is_rendering:
            self._stop_began = now  # putting the scene back under a running render would write its file somewhere else
        is_patient = now - self._stop_began <= CANCEL_SECONDS
        if source is not None and source.is_busy and is_patient:
            with contextlib.suppress(LwswError):
                self._take(source.step())  # a frame that is rendered is not thrown away
        elif not self._transfer.is_alive() or not is_patient:
            self._end(error)

    def _end(self, error: LwswError | None, abandoned: bool = False) -> None:
        self.error = error
        self._enter("done" if error is None else error.code if error.code in ("cancelled", "paused") else "failed")
        if self._source is not None:
            self._source.end()
        self.record.end(self.phase, error is not None and self._is_worth_keeping(), abandoned)
        seconds = self.outcome.seconds
        seconds.update(self._transfer.seconds)
        seconds["stylize"] = max(0.0, seconds.get("stylize", 0.0) - seconds.get("download", 0.0))
        seconds["total"] = time.monotonic() - self._began

    def _enter(self, phase: str) -> None:
        now = time.monotonic()
        if self.phase in ("render", "read"):
            self.outcome.seconds[self.phase] = now - self._phase_began
        self.phase, self._phase_began = phase, now

    def _note(self, text: str) -> None:
        if text not in self.outcome.notes:
            self.outcome.notes.append(text)

    def _scene(self) -> bpy.types.Scene:
        scene = compat.find_scene(self.plan.scene_uid)
        if scene is None:
            raise LwswError("nothing_to_stylize", f"The scene {self.plan.scene_name} is gone.", "Press Stylize in a scene that exists.")
        return scene
