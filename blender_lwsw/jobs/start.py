"""Making jobs: a scene's, its strips', a strip's once more, and those that stopped. All is checked first; somebody else drives them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..connection.backend import session_backend
from ..connection.process import locate_backend
from ..errors import LwswError, about, joined
from ..results.versions import next_version
from ..settings import preferences
from ..settings.request import Request
from .again import plan_again
from .found import StoppedJob, find_stopped
from .job import Job
from .plan import Plan, make_plan
from .session import session
from .stopped import plan_of
from .strip_jobs import strip_jobs


def start_job(
    scene: bpy.types.Scene | None = None, request: Request | None = None, *, interactive: bool, after_render: bool = False
) -> Job:
    """Check everything and return a job whose ``step()`` the caller drives.

    Args:
        scene: the scene; the active one by default.
        request: what differs from its settings.
        interactive: do not block while Blender renders.
        after_render: a handler of ``bpy.app.handlers.render_complete`` drives it.

    Raises:
        LwswError: see :func:`.plan.make_plan`; ``backend_not_found`` at once, so that nothing is rendered in vain.
    """
    plan = make_plan(scene or bpy.context.scene, request or Request(), preferences.device())
    where = preferences.backend_settings()
    if not where.url:
        locate_backend(where.path, installed=where.installed)
    return Job(plan, session_backend.connector(where), interactive, after_render=after_render)


def start_strip_jobs(
    scene: bpy.types.Scene | None = None,
    request: Request | None = None,
    strips: Sequence[str] | None = None,
    *,
    interactive: bool,
    taken: Collection[Path] = (),
) -> list[Job]:
    """Check everything and return a job for each strip, to be driven one after the other.

    Args:
        scene: whose sequencer and settings count; the active one by default.
        request: what differs from its settings.
        strips: names of image, movie or scene strips; those that are selected by default.
        interactive: do not block while Blender renders.
        taken: output folders that other jobs fill.

    Raises:
        LwswError: see :func:`.strip_jobs.strip_jobs` and :func:`.plan.make_plan`.
    """
    scene = scene or bpy.context.scene
    connect, folders, jobs = session_backend.connector(preferences.backend_settings()), set(taken), []
    for asked in strip_jobs(scene, request or Request(), strips):
        plan = make_plan(asked.scene, asked.request, preferences.device(), scene, asked.offset)
        if plan.order.output in folders:
            free = replace(asked.request, output=next_version(plan.order.output, folders))
            plan = make_plan(asked.scene, free, preferences.device(), scene, asked.offset)
        folders.add(plan.order.output)
        jobs.append(Job(plan, connect, interactive))
    return jobs


def again(strip: Any, *, as_it_was: bool = True, new_version: bool = False, render_again: bool = False, interactive: bool = False) -> Job:
    """Return a job that makes the results of a strip once more; :func:`.runner.run_job` runs it.

    Args:
        strip: a strip of results in the sequencer.
        as_it_was: with the settings that the strip remembers; otherwise with those of its scene now.
        new_version: into a folder beside the strip's (``lwsw_v2``), with a strip of its own above; the old one stays.
        render_again: render the scene even where the rendered frames are still there.
        interactive: do not block while Blender renders.

    Raises:
        LwswError: ``bad_settings`` for a strip that remembers nothing, ``nothing_to_stylize`` if its scene is gone, and those of
            :func:`.plan.make_plan`.
    """
    plan = plan_again(
        strip, preferences.device(), as_it_was=as_it_was, new_version=new_version, render_again=render_again, taken=session.folders()
    )
    return Job(plan, session_backend.connector(preferences.backend_settings()), interactive)


def take_up(found: Sequence[StoppedJob], scene: bpy.types.Scene, *, interactive: bool) -> tuple[list[Job], list[LwswError]]:
    """Return jobs that go on with several that were found on disk, and why others cannot.

    Raises:
        LwswError: ``nothing_to_stylize`` if there is none that can.
    """
    jobs: list[Job] = []
    errors: list[LwswError] = []
    for stopped in found:
        try:
            jobs.append(resume_stopped(stopped, scene, interactive=interactive))
        except LwswError as error:
            errors.append(about(stopped.title, error) if len(found) > 1 else error)
    if not jobs:
        raise joined(errors) if errors else _nothing_to_resume()
    return jobs, errors


def resume_stopped(stopped: StoppedJob, scene: bpy.types.Scene | None = None, *, interactive: bool) -> Job:
    """Return a job that goes on with one that was found on disk, see :func:`stopped_jobs`.

    Raises:
        LwswError: ``nothing_to_stylize`` if its record is damaged, or if it has not begun and its scene is gone; ``job_running`` if
            another Blender has taken it up since it was found.
    """
    now = find_stopped(stopped.output)
    if now is None or now.began != stopped.began:
        message = "Another Blender works on this job, or has finished or discarded it."
        raise LwswError("job_running", message, f"Its frames are in {stopped.output}.")
    return _taken_up(plan_of(now, scene or bpy.context.scene), now, interactive)


def resume_job(stopped: Job, *, interactive: bool) -> Job:
    """Return a job that goes on where a paused, cancelled or failed one stopped; what is rendered is not rendered again.

    Raises:
        LwswError: ``nothing_to_stylize`` if it is not over, or if another one has begun in its folder.
    """
    found = find_stopped(stopped.plan.order.output) if stopped.can_resume() else None
    if found is None or found.began != stopped.record.began:
        raise _nothing_to_resume()
    return _taken_up(stopped.plan, found, interactive)


def _nothing_to_resume() -> LwswError:
    return LwswError("nothing_to_stylize", "There is no stopped job to resume.", "Press Stylize to start one.")


def _taken_up(plan: Plan, stopped: StoppedJob, interactive: bool) -> Job:
    connect, made = session_backend.connector(preferences.backend_settings()), None if stopped.waits else stopped.made
    return Job(plan, connect, interactive, stopped.job_id, made, stopped.began)
