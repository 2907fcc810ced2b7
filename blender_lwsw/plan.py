"""What one job will do, as plain values: read from the scene and checked once, before anything is rendered or sent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from . import compat, passes
from .animation import PerFrame, values_over
from .errors import LwswError
from .frames import check_no_gap, ensure_folder, file_name, find_sequence, picture_size
from .profiles import CUSTOM, MAIN_LAYERS, PROFILES
from .properties import profile_name
from .transfer import Order


@dataclass
class Request:
    """What a script asks for; None means: as the scene's settings say. :func:`.api.stylize` documents each."""

    style: str | Path | None = None
    profile: str | None = None
    layer_weights: Mapping[str, float | Sequence[float]] | None = None
    content_weight: float | Sequence[float] | None = None
    temporal_weight: float | Sequence[float] | None = None
    frequency_exponent: float | None = None
    iterations: int | None = None
    first_iterations: int | None = None
    seed: int | None = None
    width: int | None = None
    frame_start: int | None = None
    frame_end: int | None = None
    source: str | None = None
    color: str | Path | None = None
    passes: str | Path | None = None
    output: str | Path | None = None
    add_strip: bool = True
    add_source_strip: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A job, ready to run. Holds names and paths only: Blender's data may be freed while it runs."""

    scene_uid: int
    scene_name: str
    sequencer_uid: int  # of the scene whose sequencer gets the strip
    renders: bool
    frames: tuple[int, ...]
    pictures: Mapping[int, Path]  # already rendered colour, PNG or EXR
    passes: Mapping[int, Path]  # already rendered passes
    cameras: Path | None
    source_folder: Path
    source_size: tuple[int, int]
    order: Order
    add_strip: bool
    add_source_strip: bool
    notes: tuple[str, ...]

    def shown_pictures(self) -> dict[int, Path]:
        """Return the display-referred picture of each frame, whether it is there yet or will be made."""
        return {frame: self._shown(frame) for frame in self.frames}

    def from_rendered(self) -> Plan | None:
        """Return the same plan for the files that this one has rendered; None where some are missing."""
        if not self.renders:
            return self
        passes = {frame: self.source_folder / "passes" / file_name(frame, ".exr") for frame in self.frames}
        pictures = self.shown_pictures()
        if not all(path.is_file() for path in (*passes.values(), *pictures.values())):
            return None
        return replace(self, renders=False, pictures=pictures, passes=passes, cameras=self.source_folder / "cameras.json")

    def _shown(self, frame: int) -> Path:
        picture = self.pictures.get(frame)
        if picture is not None and picture.suffix.lower() == ".png":
            return picture
        return self.source_folder / "frames" / file_name(frame, ".png")


def make_plan(scene: bpy.types.Scene, request: Request, device: str = "auto") -> Plan:
    """Read everything a job needs from a scene.

    Args:
        scene: the scene to stylize.
        request: what differs from the scene's settings.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        LwswError: ``missing_style``, ``unreadable_style``, ``bad_weights``, ``bad_settings``, ``no_camera``, ``motion_blur``,
            ``missing_pass``, ``missing_frames``, ``frame_gap``, ``bad_frame_size``, ``unreadable_frame``, ``nothing_to_stylize``,
            ``output_not_writable``.
    """
    settings = scene.lwsw
    style = _style(_path(request.style if request.style is not None else settings.style))
    source = request.source or settings.source
    if source not in ("RENDER", "FILES"):
        raise LwswError("bad_settings", f"'{source}' is not a source.", "Use RENDER or FILES.")
    first = scene.frame_start if request.frame_start is None else request.frame_start
    last = scene.frame_end if request.frame_end is None else request.frame_end
    if last < first:
        raise LwswError("nothing_to_stylize", f"The frame range {first} to {last} is empty.", "Set a range that ends after it starts.")

    notes: list[str] = []
    pictures: dict[int, Path] = {}
    pass_files: dict[int, Path] = {}
    cameras = None
    if source == "RENDER":
        passes.check_scene(scene)
        frames, size = list(range(first, last + 1)), passes.render_size(scene)
        if scene.render.film_transparent:
            notes.append("The film is transparent: where nothing is rendered the painting is made on black.")
    else:
        pictures, pass_files, cameras = _files(scene, request)
        frames = _frames_of_files(pictures, pass_files, first, last, request.frame_start is not None or request.frame_end is not None)
        size = _common_size(pictures, frames)
        if not pass_files and len(frames) > 1:
            notes.append("There is no Vector pass: motion is estimated from the pictures, which is less steady.")

    width, height, note = _result_size(settings.width if request.width is None else request.width, size)
    if note:
        notes.append(note)
    job = {
        "frames": frames,
        "width": width,
        "height": height,
        "styles": [re.sub(r"[^A-Za-z0-9._-]", "_", style.name)],
        "settings": _settings(
            scene, request, frames, "vector" if source == "RENDER" or pass_files or len(frames) == 1 else "estimated", device
        ),
    }
    output = ensure_folder(_output(settings.output if request.output is None else request.output))
    return Plan(
        scene_uid=scene.session_uid,
        scene_name=scene.name,
        sequencer_uid=compat.sequencer_scene(scene).session_uid,
        renders=source == "RENDER",
        frames=tuple(frames),
        pictures=pictures,
        passes=pass_files,
        cameras=cameras,
        source_folder=ensure_folder(output / "source") if source == "RENDER" else output / "source",
        source_size=size,
        order=Order(job, style, output),
        add_strip=request.add_strip,
        add_source_strip=settings.add_source_strip if request.add_source_strip is None else request.add_source_strip,
        notes=tuple(notes),
    )


def _path(value: str | Path) -> Path:
    return Path(bpy.path.abspath(str(value)))


def _style(path: Path) -> Path:
    if str(path) in ("", "."):
        raise LwswError("missing_style", "No painting has been chosen.", "Choose an image file as the painting.")
    if not path.is_file():
        raise LwswError("missing_style", f"The painting {path} does not exist.", "Choose another image file as the painting.")
    image = None
    try:
        image = bpy.data.images.load(str(path))
        readable = min(image.size) > 0
    except RuntimeError:
        readable = False
    finally:
        if image is not None:
            bpy.data.images.remove(image)
    if not readable:
        raise LwswError("unreadable_style", f"The painting {path.name} is not a picture that can be read.", "Choose a JPEG or PNG file.")
    return path


def _output(value: str | Path) -> Path:
    text = str(value)
    if not text:
        raise LwswError("output_not_writable", "No output folder has been chosen.", "Choose a folder for the stylized frames.")
    if text.startswith("//") and not bpy.data.filepath:
        raise LwswError(
            "output_not_writable",
            "The output folder lies beside the Blender file, which has not been saved yet.",
            "Save the file first, or choose another output folder.",
        )
    return Path(bpy.path.abspath(text)).absolute()


def _files(scene: bpy.types.Scene, request: Request) -> tuple[dict[int, Path], dict[int, Path], Path | None]:
    color = scene.lwsw.color_pattern if request.color is None else str(request.color)
    vector = scene.lwsw.passes_pattern if request.passes is None else str(request.passes)
    if not color and not vector:
        raise LwswError(
            "nothing_to_stylize", "No rendered files have been chosen.", "Choose the colour and pass files, or set the source to Render."
        )
    pass_files = find_sequence(str(_path(vector))) if vector else {}
    pictures = find_sequence(str(_path(color))) if color else pass_files
    for pattern, found, code in ((color, pictures, "missing_frames"), (vector, pass_files, "missing_pass")):
        if pattern and not found:
            raise LwswError(code, f"There are no files like {_path(pattern)}.", "Choose one file of the sequence, or render first.")
    cameras = None
    if pass_files:
        folder = next(iter(pass_files.values())).parent
        cameras = next((path for path in (folder / "cameras.json", folder.parent / "cameras.json") if path.is_file()), None)
    return pictures, pass_files, cameras


def _frames_of_files(pictures: Mapping[int, Path], pass_files: Mapping[int, Path], first: int, last: int, exact: bool) -> list[int]:
    frames = [frame for frame in pictures if first <= frame <= last]
    if not frames:
        raise LwswError(
            "nothing_to_stylize",
            f"None of the files ({min(pictures)} to {max(pictures)}) lies in the frame range {first} to {last}.",
            "Set the scene's frame range to the files' numbers.",
        )
    check_no_gap([first - 1, *frames, last + 1] if exact else frames, "rendered pictures")
    if pass_files and (missing := [frame for frame in frames if frame not in pass_files]):
        raise LwswError("missing_pass", f"Frame {missing[0]} has a picture but no pass file.", "Render the passes of the same frames.")
    return frames


def _common_size(pictures: Mapping[int, Path], frames: Sequence[int]) -> tuple[int, int]:
    size = picture_size(pictures[frames[0]])
    for frame in frames[1:]:
        if (other := picture_size(pictures[frame])) != size:
            message = f"Frame {frame} is {other[0]}×{other[1]} pixels, frame {frames[0]} is {size[0]}×{size[1]}."
            raise LwswError("bad_frame_size", message, "Render all frames at the same size.")
    return size


def _result_size(width: int, source: tuple[int, int]) -> tuple[int, int, str]:
    if width <= 0 or width == source[0]:
        return (*source, "")
    if width > source[0]:
        return (*source, f"The frames are {source[0]} pixels wide and are stylized at that width, not at {width}.")
    # even sizes: a strip of odd height lies half a pixel too low, and movies cannot have it
    width = max(2, width - width % 2)
    return width, max(2, 2 * round(width * source[1] / source[0] / 2)), ""


def _settings(scene: bpy.types.Scene, request: Request, frames: Sequence[int], motion: str, device: str) -> dict[str, Any]:
    settings = scene.lwsw
    animated = values_over(scene, [f"lwsw.{name}" for name in (*MAIN_LAYERS, "content_weight", "temporal_weight")], frames)
    name = profile_name(settings.profile)
    weights: dict[str, Any] = {layer: animated[f"lwsw.{layer}"] for layer in MAIN_LAYERS}
    content: Any = animated["lwsw.content_weight"]
    exponent = float(f"{settings.frequency_exponent:.6g}")
    if request.profile is not None:
        name = profile_name(request.profile)
        if name not in (*PROFILES, CUSTOM):
            raise LwswError("bad_settings", f"There is no profile '{request.profile}'.", f"Use one of: {', '.join(PROFILES)}, {CUSTOM}.")
        if profile := PROFILES.get(name):
            weights = dict(zip(MAIN_LAYERS, profile.weights, strict=True))
            content, exponent = profile.content_weight, profile.frequency_exponent
    if request.layer_weights is not None:
        name, weights = CUSTOM, dict(request.layer_weights)
    values: dict[str, Any] = {
        "profile": name if _is_profile(name, weights, content, exponent) else CUSTOM,
        "layer_weights": {layer: _plain(value) for layer, value in weights.items()},
        "content_weight": _plain(content if request.content_weight is None else request.content_weight),
        "temporal_weight": _plain(animated["lwsw.temporal_weight"] if request.temporal_weight is None else request.temporal_weight),
        "frequency_exponent": exponent if request.frequency_exponent is None else request.frequency_exponent,
        "iterations": settings.iterations if request.iterations is None else request.iterations,
        "first_iterations": settings.first_iterations if request.first_iterations is None else request.first_iterations,
        "motion": motion,
        "seed": settings.seed if request.seed is None else request.seed,
        "device": device,
        **request.settings,
    }
    _check_weights(values["layer_weights"], frames)
    return values


def _is_profile(name: str, weights: Mapping[str, Any], content: PerFrame, exponent: float) -> bool:
    profile = PROFILES.get(name)
    return profile is not None and (tuple(weights.values()), content, exponent) == (
        profile.weights,
        profile.content_weight,
        profile.frequency_exponent,
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else [float(item) for item in value]


def _check_weights(weights: Mapping[str, Any], frames: Sequence[int]) -> None:
    for layer, value in weights.items():
        items = value if isinstance(value, list) else [value]
        if isinstance(value, list) and len(value) != len(frames):
            raise LwswError(
                "bad_weights",
                f"The weight of {layer} has {len(value)} values for {len(frames)} frames.",
                "Give one value per frame, or a single one.",
            )
        if not all(math.isfinite(item) and item >= 0 for item in items):
            raise LwswError(
                "bad_weights", f"The weight of {layer} is negative or not a number.", "Layer weights are numbers from 0 upwards."
            )
    for index, frame in enumerate(frames):
        if not any((value[index] if isinstance(value, list) else value) > 0 for value in weights.values()):
            raise LwswError(
                "bad_weights",
                f"All layer weights are zero at frame {frame}, so there is no style to apply.",
                "Raise at least one layer slider.",
            )
