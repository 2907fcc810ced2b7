"""Steadiness: scenes rendered by Blender and painted frame by frame, Ruder-style and by ours; writes docs/temporal.md."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .shared import SCRIPTS
from .temporal_clips import COMPARED, LONG, LOOP, METHODS, OURS, PER_FRAME, RUDER, SCENES, Painted, Studio

if TYPE_CHECKING:
    from .clip import RenderedClip
    from .temporal_figures import Meter

DOCS = SCRIPTS.parent / "docs"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--painting", default="impasto", help="of scripts/paintings (default impasto)")
    command.add_argument("--scenes", default=",".join(SCENES), metavar="NAME,…", help=f"of {', '.join(SCENES)} (default: all)")
    command.add_argument("--methods", default=",".join(METHODS), metavar="NAME,…", help=f"of {', '.join(METHODS)} (default: all)")
    command.add_argument("--width", type=int, default=256, help="in pixels (default 256)")
    command.add_argument("--frames", type=int, default=24, help="of the scenes in which methods are compared, and of the loop (default 24)")
    command.add_argument("--long-frames", type=int, default=100, help="of the static and the long clip (default 100)")
    command.add_argument("--long-scene", default="light", choices=list(COMPARED), help="the scene of the long clip (default light)")
    command.add_argument("--iterations", type=int, default=20, help="of ours, for each frame after the first (default 20)")
    command.add_argument("--first-iterations", type=int, default=240, help="of ours, for the first frame (default 240)")
    command.add_argument("--peer-iterations", type=int, default=100, help="of Ruder-style, at most, after the first frame (default 100)")
    command.add_argument("--peer-first-iterations", type=int, default=300, help="of Ruder-style's first frame, at most (default 300)")
    command.add_argument("--peer-lags", type=int, nargs="+", default=[1, 2, 4], help="frames that Ruder-style looks back (default 1 2 4)")
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    folder = SCRIPTS.parent / "benchmark_output" / "temporal"
    command.add_argument("--folder", type=Path, default=folder, help="keeps what was painted and measured; the same command goes on there")
    command.add_argument("--renders", type=Path, help="keeps the renders (default: FOLDER/renders)")
    command.add_argument(
        "--docs", type=Path, help="for temporal.md and its pictures (default: docs, if all scenes and methods are asked for)"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Render, paint and measure what is not there yet; print the tables and write the document."""
    scenes, methods = _chosen(options.scenes, SCENES, "scene"), _chosen(options.methods, METHODS, "method")
    if options.frames < 2 or options.long_frames < 3:
        raise SystemExit("--frames must be at least 2 and --long-frames 3: a single frame cannot flicker.")
    from lwsw.jobs.threads import let_threads_sleep

    let_threads_sleep()  # before torch is loaded
    from lwsw.runtime import prepare_process

    from .temporal_figures import Meter
    from .temporal_tables import comparison, goals, plain

    prepare_process()
    studio, meter = Studio(options), Meter(options.painting, options.device)
    complete = set(scenes) == set(SCENES) and set(methods) == set(METHODS)
    docs = options.docs or (DOCS if complete else None)
    report: dict[str, Any] = {"settings": _settings(options), "machine": _machine(), "scenes": {}, "pictures": {}}
    for scene in scenes:
        clip = studio.clip(scene)
        report["settings"].setdefault("size", _size(clip))
        if scene in COMPARED:
            painted = {method: studio.paint(clip, method) for method in methods}
            results = {method: _result(meter, clip, made) for method, made in painted.items()}
            print(f"\n{scene}: {COMPARED[scene]}\n{plain(comparison(results))}\n", flush=True)
            if docs is not None:
                report["pictures"][scene] = _picture(docs / "images" / f"temporal-{scene}.jpg", clip, painted)
        else:
            results = _single(scene, studio, meter, clip)
        report["scenes"][scene] = results
    print(f"\n{plain(goals(report['scenes']))}\n")
    if docs is None:
        print("The document is written when all scenes and methods are asked for, or with --docs.")
    else:
        from . import temporal_report

        print(temporal_report.write(docs, report))
    return report


def _chosen(text: str, known: tuple[str, ...], what: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise SystemExit(f"There is no {what} '{name}'; there are {', '.join(known)}.")
    return [name for name in known if name in names]


def _single(scene: str, studio: Studio, meter: Meter, clip: RenderedClip) -> dict[str, Any]:
    """Return the results of a scene that asks one question of ours."""
    painted = studio.paint(clip, OURS, *(["--loop"] if scene == LOOP else []))
    results: dict[str, Any] = {OURS: _result(meter, clip, painted)}
    if scene == LONG:
        last = clip.frames[-1]
        ends = {OURS: meter.sharpness(painted), PER_FRAME: meter.sharpness(studio.paint_one_by_one(clip, [1, 2, last]))}
        results["sharpness"] = {method: {str(frame): values[frame] for frame in (2, last)} for method, values in ends.items()}
        kept = {method: values[last] / values[2] for method, values in ends.items()}
        results["kept_sharpness"] = kept[OURS] / kept[PER_FRAME]
    return results


def _result(meter: Meter, clip: RenderedClip, painted: Painted) -> dict[str, Any]:
    seconds = {"first": painted.first, "steady": painted.steady, "all": sum(painted.seconds)}
    result = {"seconds": seconds, "measures": meter.measure(clip, painted), "machine": painted.report["machine"]}
    frames = painted.report["frames"]
    if "settled" in frames[0]:  # Ruder-style: what ended its frames
        result["settled"] = sum(frame["settled"] for frame in frames) / len(frames)
        result["iterations"] = sum(frame["iterations"] for frame in frames[1:]) / max(1, len(frames) - 1)
    return result


def _picture(path: Path, clip: RenderedClip, painted: Mapping[str, Painted]) -> dict[str, str]:
    from lwsw.evaluation.reader import ClipReader, Shot

    from .temporal_pictures import picture

    labels = {PER_FRAME: "per-frame", RUDER: "Ruder-style", OURS: "ours"}
    sequences = {"render": [clip.color(frame) for frame in clip.frames]}
    sequences |= {labels[method]: [made.picture(frame) for frame in clip.frames] for method, made in painted.items()}
    width, height = _size(clip)
    reader = ClipReader(Shot(clip.files("impasto"), clip.cameras(), tuple(clip.frames), width, height))
    return picture(path, sequences, [reader.motion(frame).backward for frame in clip.frames[1:]])


def _size(clip: RenderedClip) -> list[int]:
    from lwsw.media.images import read_image

    height, width = read_image(clip.color(clip.frames[0])).shape[:2]
    return [width, height]


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    names = ("painting", "width", "frames", "long_frames", "long_scene", "iterations", "first_iterations")
    return {name: getattr(options, name) for name in (*names, "peer_iterations", "peer_first_iterations", "peer_lags")}


def _machine() -> dict[str, Any]:
    """Return the processor and what computes on it."""
    import cv2
    import torch

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0] if models else name
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
    return {"processor": name, "threads": torch.get_num_threads(), "torch": torch.__version__, "opencv": cv2.__version__}
