"""What a script calls.

from bl_ext.user_default.lwsw import api            # installed as an extension; ``blender_lwsw`` in a checkout

result = api.stylize(style="//starry_night.jpg", profile="abstract", width=960)
print(result.results, result.strip_name, result.report["seconds"])

# frames that are already rendered, three frames, no strip
api.stylize(scene, style="//wave.png", source="FILES", pictures="//frames/####.png", passes="//passes/####.exr",
            frame_start=1, frame_end=3, add_strip=False)

# footage: what the sequencer shows, a movie strip for instance
api.stylize(style="//wave.png", source="SEQUENCER")

# let the painting grow from grain to large shapes over four frames
api.stylize(style="//wave.png", frame_start=1, frame_end=4,
            layer_weights={"relu1_1": [1, 0.7, 0.3, 0], "relu5_1": [0, 0.3, 0.7, 1]})

# two paintings, one fading into the other, in the colours of the render
api.stylize(style={"//wave.png": [1, 0.7, 0.3, 0], "//starry_night.jpg": [0, 0.3, 0.7, 1]}, frame_start=1, frame_end=4,
            color="luminance")

# the hero in large strokes of another painting, everything whose name starts with "Text" as rendered
api.stylize(style="//wave.png", regions=[
    {"name": "Hero", "collection": "Hero", "profile": "abstract", "style_weights": {"//starry_night.jpg": 1}, "strength": 0.8},
    {"name": "Titles", "objects": ["Text*"], "strength": 0},
])

try:
    api.stylize()
except api.LwswError as error:
    print(error.code, error.message, error.hint)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .connection.backend import session_backend
from .errors import LwswError
from .jobs.console import interruptible
from .jobs.job import Job, Progress
from .jobs.plan import make_plan
from .settings import preferences
from .settings.request import Request, Weight

__all__ = ["Job", "LwswError", "Progress", "Request", "Result", "result_of", "resume_job", "run_job", "start_job", "stylize"]


@dataclass(frozen=True)
class Result:
    """What :func:`stylize` made.

    Attributes:
        results: the stylized frames, 16-bit PNG, in order.
        strip_name: name of the strip in the sequencer; empty if none was asked for.
        report: ``frames``, ``width``, ``height``, ``settings``, ``notes`` and ``seconds`` by phase (render, connect, upload, stylize,
            download, total; phases overlap, so they can add up to more than the total), and ``backend`` with its own timings.
    """

    results: list[Path]
    strip_name: str
    report: dict[str, Any]


def stylize(
    scene: bpy.types.Scene | None = None,
    *,
    style: str | Path | Mapping[str | Path, Weight] | None = None,
    profile: str | None = None,
    layer_weights: Mapping[str, Weight] | None = None,
    content_weight: Weight | None = None,
    temporal_weight: Weight | None = None,
    strength: Weight | None = None,
    frequency_exponent: Weight | str | None = None,
    color: str | None = None,
    content_layers: str | Sequence[str] | Mapping[str, float] | None = None,
    normalization: str | None = None,
    regions: Sequence[Mapping[str, Any]] | None = None,
    cuts: str | Sequence[int] | None = None,
    second_pass: str | None = None,
    iterations: int | None = None,
    first_iterations: int | None = None,
    seed: int | None = None,
    width: int | None = None,
    frame_start: int | None = None,
    frame_end: int | None = None,
    source: str | None = None,
    pictures: str | Path | None = None,
    passes: str | Path | None = None,
    output: str | Path | None = None,
    add_strip: bool = True,
    add_source_strip: bool | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Stylize a scene and wait until it is done. What is left out is taken from ``scene.lwsw``.

    Args:
        scene: the scene; the active one by default.
        style: the painting, or several by path with their shares: ``{"//wave.jpg": 1, "//night.jpg": [0, 0.5, 1]}``.
        profile: ``fine-grain``, ``balanced`` or ``abstract``.
        layer_weights: weight per layer (``relu1_1`` … ``relu5_4``), from 0; a number, or one per frame. Goes before ``profile``.
        content_weight: how strongly the rendered content is kept, from 0; a number, or one per frame.
        temporal_weight: how strongly the strokes of the frame before are kept, from 0; a number, or one per frame.
        strength: how far the picture is taken; 0 leaves it as rendered, 1 is usual, more is possible; a number, or one per frame.
        frequency_exponent: 0 (single pixels) to 1 and more (large strokes), a number, or one per frame; ``"auto"`` follows the weights.
        color: ``painting``, ``luminance`` (the source's colours, the painting's light and dark) or ``histogram`` (the painting
            recoloured to the source).
        content_layers: the layers that compare with the render: a name, several, or several with their weights.
        normalization: ``calibrated`` or ``gatys``.
        regions: objects with a look of their own, the most important first; ``[]`` for none. Each is a mapping with ``objects`` (names of
            objects; ``*`` and ``?`` are wildcards) or ``collection`` (a name) or both, and any of ``name``, ``profile``,
            ``layer_weights``, ``style_weights`` (shares by path), ``strength`` (0 leaves them alone), ``content_weight``,
            ``frequency_exponent`` and ``color``. What is left out is as in the rest of the picture. Rendered files need the Cryptomatte
            object pass.
        cuts: where shots begin, each painted anew: ``auto`` (where markers change the camera or a strip follows another, and where the
            pictures show it), ``markers`` (the first two only), ``none``, or the numbers of the frames that begin one.
        second_pass: ``none``, ``backward`` (what has just come into view looks as it will later) or ``loop`` (the last frame flows into
            the first).
        iterations: optimization steps of each frame after the first.
        first_iterations: optimization steps of the first frame.
        seed: same seed, same picture.
        width: width of the stylized frames in pixels; 0 for the render's.
        frame_start, frame_end: frame range, both included; the scene's by default.
        source: ``RENDER`` (render now), ``FILES`` (``pictures`` and ``passes`` are already there) or ``SEQUENCER`` (what the sequencer
            shows, such as a movie, in the frame range of its timeline; its motion is estimated).
        pictures: pattern of display-referred PNGs, or of EXR.
        passes: pattern of multilayer EXRs with a Vector pass.
        output: folder for the results ``0001.png``…; the render goes into its subfolder ``source``.
        add_strip: show the results in the sequencer.
        add_source_strip: also show the source there if nothing does.
        settings: further settings of ``job.json``, for example ``{"precision": "bfloat16"}``.
        progress: called several times a second.

    Returns:
        The results. Values of the scene that rendering had to change are as before.

    Raises:
        LwswError: with a code, one sentence, and the way out. ``cancelled`` after Ctrl-C.
    """
    request = Request(
        style=style, profile=profile, layer_weights=layer_weights, content_weight=content_weight, temporal_weight=temporal_weight,
        strength=strength, frequency_exponent=frequency_exponent, color=color, content_layers=content_layers,
        normalization=normalization, regions=regions, cuts=cuts, second_pass=second_pass, iterations=iterations,
        first_iterations=first_iterations, seed=seed, width=width, frame_start=frame_start, frame_end=frame_end, source=source,
        pictures=pictures, passes=passes, output=output, add_strip=add_strip, add_source_strip=add_source_strip, settings=settings or {},
    )  # fmt: skip
    return run_job(start_job(scene, request, interactive=False), progress)


def run_job(job: Job, progress: Callable[[Progress], None] | None = None) -> Result:
    """Drive a job until it is over and return what it made; raise its error."""
    _run(job, progress)
    if job.error is not None:
        raise job.error
    return result_of(job)


def start_job(scene: bpy.types.Scene | None = None, request: Request | None = None, *, interactive: bool) -> Job:
    """Check everything and return a job whose ``step()`` the caller drives.

    Raises:
        LwswError: see :func:`.plan.make_plan`.
    """
    plan = make_plan(scene or bpy.context.scene, request or Request(), preferences.device())
    where = preferences.backend_settings()
    return Job(plan, lambda give_up: session_backend.connect(where, give_up), interactive)


def resume_job(stopped: Job, *, interactive: bool) -> Job:
    """Return a job that goes on where a cancelled or failed one stopped; nothing is rendered again.

    Raises:
        LwswError: ``nothing_to_stylize`` if it had not rendered all frames yet, or is not over.
    """
    plan = stopped.plan.from_rendered() if stopped.can_resume() else None
    if plan is None:
        raise LwswError("nothing_to_stylize", "There is no stopped job to resume.", "Press Stylize to start one.")
    where = preferences.backend_settings()
    return Job(plan, lambda give_up: session_backend.connect(where, give_up), interactive, stopped.job_id)


def result_of(job: Job) -> Result:
    """Return what a finished job made."""
    order, outcome = job.plan.order, job.outcome
    report = {
        "frames": list(job.plan.frames),
        "width": order.job["width"],
        "height": order.job["height"],
        "settings": order.job["settings"],
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
        "backend": dict(job.backend_timings),
        "notes": list(outcome.notes),
    }
    return Result(list(outcome.results), outcome.strip_name, report)


def _run(job: Job, progress: Callable[[Progress], None] | None) -> None:
    try:
        while True:
            more = job.step()
            if progress is not None:
                progress(job.progress())
            if not more:
                return
            if job.waits_for_backend or job.is_cancelling:
                _wait(job)
    except BaseException:  # the caller's own callback failed: the scene must be put back all the same
        job.abandon()
        raise


def _wait(job: Job) -> None:
    try:
        with interruptible():
            time.sleep(0.05)
    except KeyboardInterrupt:
        job.cancel()
