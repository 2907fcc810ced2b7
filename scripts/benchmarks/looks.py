"""An object with a look of its own, and weights that change over a shot, on clips of the demo scene that Blender renders."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .clip import PaintedClip
from .shared import SCRIPTS, read

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from lwsw.core.guidance import Guidance

#: What the picture is painted with, and what an object in it is given: both profiles in turn.
PICTURE = ("impasto", "balanced")
OBJECT_PAINTING, OBJECT_PROFILES = "woodcut", ("fine-grain", "abstract")
#: The weights of the shot: these all the way, and from the first to the last of them.
SHOT_PROFILES = ("fine-grain", "balanced", "abstract")
OUTSIDE_GOAL, INSIDE_GOAL, SWEEP_GOAL = 1 / 255, 1.1, 1.5
_FRAMES_WITH_OBJECTS = 2  # the first one, and one that has the frame before to hold on to
_FAR, _NEAR = "far", "near"  # from an object


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--width", type=int, default=256, help="of the shot whose weights change, in pixels (default 256)")
    command.add_argument("--frames", type=int, default=24, help="of that shot (default 24)")
    command.add_argument("--object-width", type=int, default=384, help="of the two frames in which objects have looks (default 384)")
    command.add_argument(
        "--objects", nargs="+", default=["Land", "Balloon"], metavar="NAME", help="objects of the scene (default: the ground, the balloon)"
    )
    command.add_argument("--iterations", type=int, default=20, help="of each frame after the first (default 20)")
    command.add_argument("--first-iterations", type=int, default=240, help="of the first frame (default 240)")
    folder = SCRIPTS.parent / "benchmark_output" / "looks"
    command.add_argument("--folder", type=Path, default=folder, help="keeps all pictures; the same command goes on there")
    command.add_argument("--renders", type=Path, help="keeps the renders, for other measurements too (default: FOLDER/renders)")
    command.add_argument("--again", action="store_true", help="paint anew, from the same renders: for a backend that has changed")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Render the clips, paint them, and measure."""
    if options.frames < 2:
        raise SystemExit("--frames must be at least 2: a single frame cannot flicker.")
    with_objects = PaintedClip(options, options.object_width, _FRAMES_WITH_OBJECTS)
    shot = PaintedClip(options, options.width, options.frames)
    return {"objects": measure_objects(with_objects, options.objects), "sweep": measure_sweep(shot)}


def measure_objects(clip: PaintedClip, objects: Sequence[str]) -> dict[str, Any]:
    """Paint objects in a painting and profiles of their own, and measure what that changes outside, and how well they are painted.

    *Outside* is where an object covers nothing; *far* is further away from what it covers than half the receptive field of the deepest
    layer in use, *near* is up to there. The differences are root mean squares over pixels, red, green and blue on [0, 1]: between both
    profiles of the object, and between the picture whose object has a look of its own (in the first profile) and the picture without.

    *Style error*: Σ w_l E_l/g_l / Σ w_l with the weights of the profile, E_l and g_l as in :func:`lwsw.core.metrics.style_loss`, guided by
    the object's coverage, against the painting at the frame's area. *Inside*, a layer counts only the positions that see nothing but the
    object (all of what they see is covered), and is left out where fewer than 64 pixels have such positions. *To the edge*, all positions
    count by coverage: at the edge they see the object in front of its surroundings, which have another painting.
    """
    import paintings

    meter = _Meter(clip)
    meter.check(objects)
    painting, profile = PICTURE
    object_style = str(paintings.path(OBJECT_PAINTING))
    clip.stylize("picture", painting, "--profile", profile)
    for own in OBJECT_PROFILES:
        clip.stylize(f"whole-{own}", OBJECT_PAINTING, "--profile", own)
        for name in objects:
            region = f"object={name.replace(';', ';;')}; style={object_style}; profile={own}"
            clip.stylize(_folder(name, own), painting, "--profile", profile, "--region", region)
    measured = meter.measure(objects)
    columns = ["render", "picture", *(f"{where}, {own}" for own in OBJECT_PROFILES for where in ("whole", "object"))]
    for frame in clip.frames:
        rows = {}
        for name in objects:
            folders = ["picture", *itertools.chain.from_iterable((f"whole-{own}", _folder(name, own)) for own in OBJECT_PROFILES)]
            rows[name] = [clip.color(frame), *(clip.result(folder, frame) for folder in folders)]
        clip.sheet(f"objects-{frame:04d}.png", rows, columns)
    _print_objects(measured)
    return measured


def _folder(name: str, profile: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{profile}"


class _Meter:
    """Measures the pictures that :func:`measure_objects` paints."""

    def __init__(self, clip: PaintedClip) -> None:
        import paintings

        from lwsw.core.look_painter import fit_painting
        from lwsw.core.objective import style_targets
        from lwsw.core.vgg import VGG19
        from lwsw.evaluation.reader import ClipReader, Shot
        from lwsw.networks import load_network
        from lwsw.profiles import CONTENT_LAYER, MAIN_LAYERS, PROFILES, receptive_field
        from lwsw.runtime import prepare_process

        prepare_process()
        self._clip = clip
        self.height, self.width = read(clip.color(1)).shape[2:]
        self._reader = ClipReader(Shot(clip.files(OBJECT_PAINTING), clip.cameras(), tuple(clip.frames), self.width, self.height))
        self._network = VGG19(load_network())
        painting = fit_painting(read(paintings.path(OBJECT_PAINTING)), self.height, self.width).clamp(0, 1)
        self._targets = style_targets(self._network, painting, MAIN_LAYERS)
        self._weights = {own: PROFILES[own].layer_weights().normalized() for own in OBJECT_PROFILES}
        layers = {CONTENT_LAYER, *PROFILES[PICTURE[1]].layer_weights(), *itertools.chain.from_iterable(self._weights.values())}
        self.deepest = max(layers, key=receptive_field)
        self.margin = receptive_field(self.deepest) // 2

    def check(self, objects: Sequence[str]) -> None:
        """End with a sentence where an object cannot be painted by itself."""
        from lwsw.core.sequence import SMALLEST_REGION
        from lwsw.errors import LwswError

        try:
            self._reader.check_objects(objects)
        except LwswError as error:
            raise SystemExit(f"{error.message} {error.hint}") from None
        for name, frame in itertools.product(objects, self._clip.frames):
            if float(self._reader.mask(frame, name).sum()) < SMALLEST_REGION:
                raise SystemExit(f"{name} covers too little of frame {frame}. Choose larger objects, or a larger --object-width.")

    def measure(self, objects: Sequence[str]) -> dict[str, Any]:
        """Return everything as JSON data."""
        result: dict[str, Any] = {"size": [self.width, self.height], "deepest_layer": self.deepest, "margin": self.margin, "outside": []}
        result["inside"] = []
        for name in objects:
            for frame in self._clip.frames:
                mask = self._reader.mask(frame, name)
                result["outside"].append({"object": name, "frame": frame, **self._outside(name, frame, mask)})
                result["inside"] += [{"object": name, "frame": frame, **values} for values in self._inside(name, frame, mask)]
        return result

    def _outside(self, name: str, frame: int, mask: Tensor) -> dict[str, Any]:
        """Return how many pixels are outside, and differences there, None where there are no such pixels."""
        import cv2
        import numpy as np

        distance = cv2.distanceTransform((mask[0, 0].numpy() == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        places = {_FAR: distance > self.margin, _NEAR: (distance > 0) & (distance <= self.margin)}
        own = [self._image(_folder(name, profile), frame) for profile in OBJECT_PROFILES]
        without = self._image("picture", frame)
        values: dict[str, Any] = {"area": round(float(mask.sum()), 1)}
        for place, chosen in places.items():
            values[place] = {
                "pixels": int(chosen.sum()),
                "between_profiles": _difference(own[0], own[1], chosen),
                "with_and_without": _difference(own[0], without, chosen),
            }
        return values

    def _inside(self, name: str, frame: int, mask: Tensor) -> list[dict[str, Any]]:
        """Return the style errors of an object, for each of its profiles."""
        from lwsw.core.guidance import Guidance
        from lwsw.core.metrics import relative_gram_errors, style_loss
        from lwsw.core.objective import calibrate

        first = Guidance(self._reader.mask(self._clip.frames[0], name))
        calibration = calibrate(self._network, self._reader.color(self._clip.frames[0]), self._targets, guidance=first)
        guidance, inner, rows = Guidance(mask), self._inner(mask), []
        for profile, weights in self._weights.items():

            def error(folder: str, guidances: Mapping[str, Guidance], weights: Mapping[str, float] = weights) -> float | None:
                image = read(self._clip.result(folder, frame))
                used = {layer: weight for layer, weight in weights.items() if layer in guidances}
                energies = {
                    layer: style_loss(self._network, image, {layer: self._targets[layer]}, calibration, guidances[layer]) for layer in used
                }
                return sum(used[layer] * energy for layer, energy in energies.items()) / sum(used.values()) if used else None

            whole, region = f"whole-{profile}", _folder(name, profile)
            values: dict[str, Any] = {"profile": profile, "layers_inside": [layer for layer in weights if layer in inner]}
            for place, guidances in (("inside", inner), ("to_the_edge", dict.fromkeys(weights, guidance))):
                errors = {key: error(folder, guidances) for key, folder in (("region", region), ("whole", whole), ("without", "picture"))}
                ratio = errors["region"] / errors["whole"] if errors["region"] is not None and errors["whole"] else None
                values[place] = {**errors, "ratio": ratio}
            images = {"region": region, "whole": whole}
            values["gram_errors"] = {
                key: relative_gram_errors(self._network, read(self._clip.result(folder, frame)), self._targets, guidance)
                for key, folder in images.items()
            }
            rows.append(values)
        return rows

    def _inner(self, mask: Tensor) -> dict[str, Guidance]:
        """Return for each layer the positions that see nothing but an object, where there are 64 pixels of them."""
        import cv2
        import numpy as np
        import torch

        from lwsw.core.guidance import Guidance
        from lwsw.core.sequence import SMALLEST_REGION
        from lwsw.profiles import MAIN_LAYERS, receptive_field

        # what lies beyond the picture's edge hides nothing: only pixels of the picture that are not covered count as outside
        distance = cv2.distanceTransform((mask[0, 0].numpy() > 0.99).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        inside = {layer: distance > receptive_field(layer) / 2 for layer in MAIN_LAYERS}
        return {
            layer: Guidance(torch.from_numpy(chosen.astype(np.float32))[None, None])
            for layer, chosen in inside.items()
            if chosen.sum() >= SMALLEST_REGION
        }

    def _image(self, folder: str, frame: int) -> np.ndarray:
        pixels: np.ndarray = read(self._clip.result(folder, frame))[0].permute(1, 2, 0).numpy()
        return pixels


def _difference(image: np.ndarray, other: np.ndarray, chosen: np.ndarray) -> float | None:
    """Return the root mean square difference of the chosen pixels."""
    return float(((image - other)[chosen] ** 2).mean() ** 0.5) if chosen.any() else None


def _print_objects(measured: Mapping[str, Any]) -> None:
    width, height = measured["size"]
    margin = measured["margin"]
    print(f"\n{width}×{height}, the picture in {' '.join(PICTURE)}, objects in {OBJECT_PAINTING}")
    print(f"far: more than {margin} pixels from the object, half of what a unit of {measured['deepest_layer']} sees; near: up to there")
    print(f"\nRMS change outside in units of 1/255 (goal: below {OUTSIDE_GOAL * 255:.0f})")
    print(f"{'object':16s} {'frame':>5s} {'area':>7s}  {'place':5s} {'pixels':>7s} {'other profile':>14s} {'no look of its own':>19s}")
    for row in measured["outside"]:
        for place in (_FAR, _NEAR):
            pixels, *changes = row[place].values()
            shown = ["none" if change is None else f"{change * 255:.3f}" for change in changes]
            about = f"{row['object']:16s} {row['frame']:5d} {row['area']:7.0f}  {place:5s}"
            print(f"{about} {pixels:7d} {shown[0]:>14s} {shown[1]:>19s}")
    print(f"\nstyle error against {OBJECT_PAINTING} (ratio: object / whole picture; goal: at most {INSIDE_GOAL} inside)")
    print(f"{'object':16s} {'profile':11s} {'frame':>5s}  {'place':11s} {'object':>9s} {'whole':>9s} {'neither':>9s} {'ratio':>7s}  layers")
    for row in measured["inside"]:
        for place, layers in (("inside", " ".join(row["layers_inside"])), ("to_the_edge", "all")):
            numbers = [row[place][key] for key in ("region", "whole", "without", "ratio")]
            shown = [f"{'none':>9s}" if number is None else f"{number:9.4f}" for number in numbers]
            print(f"{row['object']:16s} {row['profile']:11s} {row['frame']:5d}  {place.replace('_', ' '):11s} {' '.join(shown)}  {layers}")


def measure_sweep(clip: PaintedClip) -> dict[str, Any]:
    """Paint the shot with constant weights and with weights that go from the first profile to the last, and measure its steadiness."""
    from lwsw.evaluate import evaluate
    from lwsw.media.sequences import find_sequence

    painting = PICTURE[0]
    for profile in SHOT_PROFILES:
        clip.stylize(profile, painting, "--profile", profile)
    weights = clip.folder / "sweep.csv"
    keys = f"{clip.frames[0]},{SHOT_PROFILES[0]}\n{clip.frames[-1]},{SHOT_PROFILES[-1]}\n"
    weights.write_text(f"# interpolate: linear\nframe,profile\n{keys}", encoding="utf-8")
    clip.stylize("sweep", painting, "--weights-file", str(weights))

    measured: dict[str, Any] = {}
    for name in (*SHOT_PROFILES, "sweep"):
        results = find_sequence(str(clip.folder / name / "*.png"))
        measured[name] = evaluate(clip.files(painting), results, cameras=clip.cameras())
    constant = {name: measured[name]["warping_error"] for name in SHOT_PROFILES}
    ratios = {name: measured["sweep"]["warping_error"] / error for name, error in constant.items()}
    shown = [clip.frames[round(step * (len(clip.frames) - 1) / 4)] for step in range(5)]
    rows = {name: [clip.result(name, frame) for frame in shown] for name in measured}
    clip.sheet("sweep.png", rows, [f"frame {frame}" for frame in shown])

    size = measured["sweep"]["width"], measured["sweep"]["height"]
    print(f"\n{len(clip.frames)} frames of {size[0]}×{size[1]}, {painting}; goal: the sweep at most {SWEEP_GOAL} × balanced")
    print(
        f"{'weights':12s} {'warping error':>14s} {'worst pair':>11s} {'/ render':>9s} {'sweep / this':>13s} {'texture in frame 2':>19s} ",
        end="",
    )
    print(f"{'in the last':>12s}")
    for name, values in measured.items():
        scales = [_pixels(values["per_frame"][index].get("texture_scale")) for index in (1, -1)]
        worst = max(frame["warping_error"] for frame in values["per_frame"][1:])
        ratio = f"{ratios[name]:13.3f}" if name in ratios else f"{'':13s}"
        print(f"{name:12s} {values['warping_error']:14.4f} {worst:11.4f} {values['warping_ratio']:9.3f} {ratio} ", end="")
        print(f"{scales[0]:>19s} {scales[1]:>12s}")
    least_steady = max(constant, key=constant.__getitem__)
    print(f"the least steady constant weights are {least_steady}: the sweep is {ratios[least_steady]:.3f} × theirs")
    return {"size": size, "frames": len(clip.frames), "ratios": ratios, "least_steady": least_steady, "measured": measured}


def _pixels(length: float | None) -> str:
    return "none" if length is None else f"{length:.1f} px"
