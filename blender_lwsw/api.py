"""What a script calls.

from bl_ext.user_default.lwsw import api            # installed as an extension; ``blender_lwsw`` in a checkout

result = api.stylize(style="//starry_night.jpg", profile="abstract", width=960)
print(result.results, result.strip_name, result.report["seconds"])

# frames that are already rendered, three frames, no strip
api.stylize(scene, style="//wave.png", source="FILES", pictures="//frames/####.png", passes="//passes/####.exr",
            frame_start=1, frame_end=3, add_strip=False)

# pictures of Render Animation: their motion is rendered now, with one sample
api.stylize(style="//wave.png", source="FILES", pictures="//render/", render_passes=True)

# every selected strip of the sequencer, each into a strip above it
api.stylize_strips(style="//wave.png")

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

# a look by name: those that come with the extension, and those that you saved
print(list(api.presets()))
api.apply_preset(bpy.context.scene, "Oil Impasto")

# what is in the way of the scene's job, and what painting will take (None before the first job on this machine)
print(api.obstacle(bpy.context.scene), api.estimate(bpy.context.scene))

# the backend: install it once (blender -b --online-mode), or name one that is there
api.install_backend(progress=lambda progress: print(progress.text))
api.use_backend(url="http://render-box:8000", token="…")

# whatever stopped last night, and what waited behind it: paused, cancelled, or Blender is gone; goes on to the same bytes
api.resume()

# a strip of results remembers how it was made: once more with the scene's settings of now, beside the old one
api.run_job(api.again(strip, as_it_was=False, new_version=True))

# try looks on one frame: small, in seconds; and a sheet of variations, of which one is taken
still = api.preview(frame=12, width=256, output="//look.png")
sheet, variations = api.explore(output="//sheet.png")
api.take_variation(bpy.context.scene, variations[4])

try:
    api.stylize()
except api.LwswError as error:
    print(error.code, error.message, error.hint)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from .connection.backend import session_backend
from .connection.client import Client
from .connection.installed import Installed
from .connection.process import locate_backend
from .errors import LwswError
from .installation.installer import InstallProgress, session_installer
from .jobs.again import remembered, settings_scene
from .jobs.console import interruptible
from .jobs.finder import in_order, jobs_in
from .jobs.found import StoppedJob, forget_stopped
from .jobs.job import Job
from .jobs.progress import Progress
from .jobs.readiness import obstacle
from .jobs.runner import Result, result_of, run_job, run_queue
from .jobs.start import again, resume_job, resume_stopped, start_job, start_strip_jobs, take_up
from .jobs.workload import estimate_scene as estimate
from .look.still import Still, paint_still
from .look.variations import Variation, take_variation, variations_of
from .results.versions import versions
from .settings import preferences
from .settings.folders import output_folder
from .settings.presets import apply_preset, presets
from .settings.request import Request, Weight
from .settings.snapshot import restore_snapshot
from .source.frames import write_file
from .source.overrides import Overrides

__all__ = [
    "InstallProgress",
    "Installed",
    "Job",
    "LwswError",
    "Progress",
    "Request",
    "Result",
    "Still",
    "StoppedJob",
    "again",
    "apply_preset",
    "discard",
    "estimate",
    "explore",
    "install_backend",
    "obstacle",
    "presets",
    "preview",
    "restore_settings",
    "result_of",
    "resume",
    "resume_job",
    "resume_stopped",
    "run_job",
    "start_job",
    "start_strip_jobs",
    "stopped_jobs",
    "stylize",
    "stylize_strips",
    "take_variation",
    "uninstall_backend",
    "use_backend",
]


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
    motion_blur: str | None = None,
    paint_while_rendering: bool | None = None,
    iterations: int | None = None,
    first_iterations: int | None = None,
    seed: int | None = None,
    width: int | None = None,
    frame_start: int | None = None,
    frame_end: int | None = None,
    source: str | None = None,
    pictures: str | Path | Mapping[int, Path] | None = None,
    passes: str | Path | None = None,
    render_passes: bool | None = None,
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
        motion_blur: ``refuse`` or ``apart``: where the render has motion blur, render its motion a second time without it.
        paint_while_rendering: with the source ``RENDER``, paint each frame as soon as it is rendered; the pictures are the same.
        iterations: optimization steps of each frame after the first.
        first_iterations: optimization steps of the first frame.
        seed: same seed, same picture.
        width: width of the stylized frames in pixels; 0 for the render's.
        frame_start, frame_end: frame range, both included; the scene's by default.
        source: ``RENDER`` (render now), ``FILES`` (``pictures`` and ``passes`` are already there) or ``SEQUENCER`` (what the sequencer
            shows, such as a movie, in the frame range of its timeline; its motion is estimated).
        pictures: pattern of display-referred PNGs or JPEGs, or of EXR; any one file of them; a folder with one sequence; or the files
            by frame number.
        passes: pattern of multilayer EXRs with a Vector pass; any one file, or a folder.
        render_passes: render Vector and Depth for ``pictures`` now, apart from them and with one sample.
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
        normalization=normalization, regions=regions, cuts=cuts, second_pass=second_pass, motion_blur=motion_blur,
        paint_while_rendering=paint_while_rendering, iterations=iterations, first_iterations=first_iterations, seed=seed,
        width=width, frame_start=frame_start, frame_end=frame_end, source=source,
        pictures=pictures, passes=passes, render_passes=render_passes, output=output, add_strip=add_strip,
        add_source_strip=add_source_strip, settings=settings or {},
    )  # fmt: skip
    return run_job(start_job(scene, request, interactive=False), progress)


def stylize_strips(
    scene: bpy.types.Scene | None = None,
    strips: Sequence[str] | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    **arguments: Any,
) -> list[Result]:
    """Stylize strips of the sequencer, each into a strip above it, and wait until all are done.

    Image strips of rendered files use the vectors that lie beside them (multilayer EXR, or a folder ``passes``), scene strips render their
    scene, and the motion of everything else is estimated. Each strip is a shot of its own; one that was cut in two and not moved goes on.

    Args:
        scene: whose sequencer and settings count; the active one by default.
        strips: names of image, movie or scene strips; those that are selected by default.
        progress: called several times a second.
        arguments: as for :func:`stylize`, without ``source``, ``pictures``, ``passes`` and the frame range. Each strip gets a folder in
            ``output``.

    Raises:
        LwswError: as for :func:`stylize`. A strip that fails lets the others go on, Ctrl-C does not; :func:`resume` finds what is left.
    """
    return run_queue(start_strip_jobs(scene, Request(**arguments), strips, interactive=False), progress)


def stopped_jobs(scene: bpy.types.Scene | None = None, *, output: str | Path | None = None) -> list[StoppedJob]:
    """Return the newest job that stopped before it was done, and behind it those that waited, in their order; empty if there is none.

    It does not matter how long ago that was. What somebody works on, or has in the queue of another Blender, does not count.

    Args:
        scene: the scene whose jobs are meant; the active one by default. Its output folder, versions of it, and the folders of strips in
            these are looked through.
        output: another folder, which is looked through without its versions, for jobs of any scene.
    """
    if output is not None:
        return in_order(jobs_in([Path(bpy.path.abspath(str(output))).absolute()]), None)
    scene = scene or bpy.context.scene
    folder = output_folder(scene)
    return [] if folder is None else in_order(jobs_in(versions(folder)), scene)


def resume(
    scene: bpy.types.Scene | None = None, *, output: str | Path | None = None, progress: Callable[[Progress], None] | None = None
) -> list[Result]:
    """Go on with a job that was paused, cancelled, or whose Blender or backend is gone, then with those that waited behind it, and wait
    until all are done.

    Frames that are rendered are not rendered again, and painting goes on where it stopped: the pictures are the same to the byte as if
    nothing had happened. Where the backend has lost the job, what is rendered is sent anew.

    Args:
        scene: as for :func:`stopped_jobs`.
        output: as for :func:`stopped_jobs`.
        progress: called several times a second.

    Returns:
        What each job made, in the order of :func:`stopped_jobs`.

    Raises:
        LwswError: ``nothing_to_stylize`` where there is no such job, ``job_running`` where somebody works on it, and those of
            :func:`stylize`. A job that fails lets the others go on; Ctrl-C does not.
    """
    scene = scene or bpy.context.scene
    jobs, errors = take_up(stopped_jobs(scene, output=output), scene, interactive=False)
    return run_queue(jobs, progress, errors)


def discard(stopped: StoppedJob) -> None:
    """Give up a stopped job: it will not be found again. Its frames and results stay where they are."""
    forget_stopped(stopped.output, stopped.waits)


def restore_settings(strip: Any) -> list[str]:
    """Give the scene that a strip of results was made from the settings that the strip remembers, keyframes included.

    Returns:
        Sentences about what could not be brought back, for example an object that is gone.

    Raises:
        LwswError: ``bad_settings`` for a strip that remembers nothing, ``nothing_to_stylize`` if the scene is gone.
    """
    return restore_snapshot(settings_scene(strip), remembered(strip))


def install_backend(
    *,
    repair: bool = False,
    pip_arguments: Sequence[str] = (),
    shared_packages: Sequence[str | Path] = (),
    progress: Callable[[InstallProgress], None] | None = None,
) -> Installed:
    """Install the backend into the extension's user folder, or bring it up to date, and wait until it works. Blender must be online.

    A backend that is installed already is replaced only when the new one has shown that it works. The environment variable
    ``LWSW_TORCH_INDEX`` names another package index for torch; pip's own configuration is honoured.

    Args:
        repair: fetch everything anew, instead of only what has changed.
        pip_arguments: further arguments of every ``pip install``, for example ``["--no-index", "--find-links", "/studio/wheels"]``.
        shared_packages: folders with packages that are used as they are instead of being fetched, for farms that have torch on a share.
        progress: called several times a second.

    Raises:
        LwswError: ``online_access``, ``no_python``, ``no_package``, ``no_network``, ``disk_full``, ``output_not_writable``,
            ``install_running``, ``install_failed``; ``cancelled`` after Ctrl-C.
    """
    start_installation(repair=repair, pip_arguments=pip_arguments, shared_packages=shared_packages)
    try:
        while not session_installer.wait(0.0):
            if progress is not None:
                progress(session_installer.progress())
            try:
                with interruptible():
                    time.sleep(0.1)
            except KeyboardInterrupt:
                session_installer.cancel()
    except BaseException:  # the caller's own callback failed: nothing half-made may stay
        session_installer.close()
        raise
    session_installer.wait_until_swept()
    if session_installer.error is not None:
        raise session_installer.error
    finish_installation()
    assert session_installer.installed is not None
    return session_installer.installed


def start_installation(*, repair: bool = False, pip_arguments: Sequence[str] = (), shared_packages: Sequence[str | Path] = ()) -> None:
    """Begin what :func:`install_backend` does, in a thread, and return; call :func:`finish_installation` when it is done.

    Raises:
        LwswError: ``install_running``.
    """
    order = replace(
        preferences.install_order(), pip_arguments=tuple(pip_arguments), shared_packages=tuple(Path(item) for item in shared_packages)
    )
    session_installer.install(order, session_backend.stop, fresh=repair)


def finish_installation() -> None:
    """Let the backend that has been installed be the one that is used."""
    preferences.use_backend()


def uninstall_backend() -> None:
    """Stop the backend that the extension has installed and remove its folder with everything in it; wait until that is done.

    Raises:
        LwswError: ``output_not_writable``, ``install_running``.
    """
    session_installer.uninstall(preferences.backend_folder(), session_backend.stop)
    while not session_installer.wait(0.1):
        pass
    session_installer.wait_until_swept()
    if session_installer.error is not None:
        raise session_installer.error


def use_backend(path: str | Path = "", *, url: str = "", token: str = "") -> None:
    """Use a backend that is there already, from now on; with neither path nor address, the one that the extension has installed.

    Args:
        path: the ``lwsw`` program, a Python that has it, or its virtual environment.
        url: the address of a backend that somebody started with ``lwsw serve``.
        token: its token.

    Raises:
        LwswError: ``backend_not_found`` where nothing of that kind is there, or the address is none.
    """
    if url:
        Client(url, token)
    elif path:
        locate_backend(str(path), {})
    preferences.use_backend(str(path), url, token)


def preview(
    scene: bpy.types.Scene | None = None,
    *,
    frame: int | None = None,
    width: int | None = None,
    iterations: int | None = None,
    output: str | Path | None = None,
) -> Still:
    """Paint one frame small, as the Preview button does, and wait until it is settled.

    Args:
        scene: its settings count, sliders that were moved without a keyframe included; the active one by default.
        frame: the current one by default; afterwards the scene is where it was.
        width: in pixels; ``scene.lwsw.preview_width`` by default.
        iterations: the most that are done; those of a first frame by default.
        output: where the picture is written as 16-bit PNG, if anywhere.

    Returns:
        The picture: ``pixels`` (height × width × 3, 0 to 1, as it is seen), ``png`` (bytes), ``iterations``, ``loss``, ``notes``.

    Raises:
        LwswError: with a code, one sentence, and the way out.
    """
    scene = scene or bpy.context.scene
    with Overrides(scene) as overrides:
        if frame is not None and frame != scene.frame_current:
            overrides.keep_frame()
            scene.frame_set(frame)
        still = paint(scene, width=width, iterations=iterations)
    if output is not None:
        write_file(Path(bpy.path.abspath(str(output))).absolute(), still.png)
    return still


def explore(scene: bpy.types.Scene | None = None, *, output: str | Path | None = None) -> tuple[Still, list[Variation]]:
    """Paint a sheet of variations of the current frame, as the Explore button does, and wait until it is settled.

    Args:
        scene: ``scene.lwsw.explore`` and the properties beside it say which variations; the active scene by default.
        output: where the sheet is written as 16-bit PNG, if anywhere.

    Returns:
        The sheet, and what each cell stands for, row by row: ``take_variation(scene, variations[4])`` gives a scene that look.
    """
    scene = scene or bpy.context.scene
    variations = variations_of(scene.lwsw)
    still = paint(scene, variations=variations)
    if output is not None:
        write_file(Path(bpy.path.abspath(str(output))).absolute(), still.png)
    return still, variations


def paint(
    scene: bpy.types.Scene, *, width: int | None = None, iterations: int | None = None, variations: Sequence[Variation] = ()
) -> Still:
    """Paint the scene's current frame, or a sheet of variations of it, small, and wait until it is settled."""
    size = scene.lwsw.preview_width if width is None else width
    return paint_still(scene, session_backend.connector(preferences.backend_settings()), size, iterations, variations)
