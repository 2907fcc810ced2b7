"""``lwsw stylize``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LwswError
from ..jobs.settings import MOTIONS
from ..jobs.visits import SECOND_PASSES
from ..profiles import COLORS, NORMALIZATIONS, PROFILES, LayerWeights, parse_layers, parse_shares
from .options import add_machine_arguments
from .region import EXAMPLE, Region, parse_region
from .running import run_clip_job

if TYPE_CHECKING:
    from ..jobs.clip import Clip

#: Settings whose option has the same name.
_SETTINGS = (
    "profile",
    "strength",
    "content_weight",
    "temporal_weight",
    "frequency_exponent",
    "normalization",
    "iterations",
    "first_iterations",
    "second_pass",
    "seed",
    "device",
    "precision",
    "network",
)

_EPILOG = f"""
paintings:
  Several paintings are blended: --style wave.jpg --style night.jpg --style-weights 0.7,0.3 (in the order of --style).

weights over time:
  --weights-file takes a CSV file with a header such as 'frame,relu1_1,relu5_1,strength' and one row per frame, or the same as JSON. After a
  line '# interpolate: linear' rows are keys, and 'profile' is a column too. A column 'style:wave.jpg' is the weight of that painting.

regions:
  --region "{EXAMPLE}"
  Semicolons separate the entries (a semicolon inside a name is written twice). 'object' is the name of an object in the Cryptomatte pass;
  * and ? stand for any letters, any letter. Other entries: name, style (FILE), style-weights, profile, weights, content-weight,
  frequency-exponent, palette; what is left out is that of the whole picture. "object=Logo; strength=0" leaves an object as rendered.
  An object that two regions name belongs to the first. A region may also be JSON with the keys of job.json:
  --region '{{"objects": ["Cube"], "style": "wave.jpg", "strength": [0, 0.5, 1]}}'
"""


def add(commands: Any, words: Sequence[str]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "stylize",
        help="stylize a picture or an image sequence",
        description=stylize.__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_arguments(parser)
    parser.set_defaults(command=stylize)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("files")
    files.add_argument(
        "--color", required=True, metavar="FILES", help="picture, movie, folder or pattern: 'clip/rgb_*.png', 'clip/rgb_####.png'"
    )
    files.add_argument(
        "--passes",
        metavar="FILES",
        help="multilayer EXR files with the Vector pass, for the motion, and Cryptomatte, for --region",
    )
    files.add_argument(
        "--style", required=True, action="append", type=Path, metavar="PICTURE", help="the painting; repeat it to blend several"
    )
    files.add_argument("--out", required=True, type=Path, metavar="DIR", help="output folder: frames, and the job directory 'job'")
    files.add_argument("--cameras", type=Path, metavar="FILE", help="camera matrices (cameras.json), for the motion of the sky")
    files.add_argument("--overwrite", action="store_true", help="throw away what another command left in the output folder")
    files.add_argument(
        "--report", type=Path, metavar="FILE", help="write times, settings and each layer's share of the style gradient as JSON"
    )
    files.add_argument("--json", action="store_true", help="print the result as JSON")
    look = parser.add_argument_group("look")
    look.add_argument("--profile", choices=[*PROFILES, "custom"], help="which scale of the painting speaks (default: balanced)")
    look.add_argument("--weights", metavar="LAYER=X,…", help="own layer weights, such as relu1_1=1,relu3_1=0.5; any of the 16 layers")
    look.add_argument("--weights-file", type=Path, metavar="FILE", help="weights over time, CSV or JSON by frame: see below")
    look.add_argument("--style-weights", metavar="X,X,…", help="weight of each painting, in the order of --style (default: all alike)")
    look.add_argument("--strength", type=float, metavar="X", help="how strongly the painting acts: 0 not at all, 1 is the default")
    look.add_argument(
        "--palette",
        choices=COLORS,
        help="whose colours: the painting's; the source's, with the painting's light and dark (luminance); or those of the painting after "
        "it was recoloured to the source (histogram)",
    )
    look.add_argument("--content-weight", type=float, metavar="X", help="how firmly the picture's own shapes stay")
    look.add_argument("--content-layers", metavar="LAYER=X,…", help="layers that keep the shapes (default: relu4_2=1)")
    look.add_argument("--temporal-weight", type=float, metavar="X", help="how firmly strokes stick to surfaces")
    look.add_argument(
        "--frequency-exponent", type=float, metavar="P", help="0 optimizes pixels, 1 favours large strokes (default: by weights)"
    )
    look.add_argument(
        "--normalization", choices=NORMALIZATIONS, help="calibrated: equal weights, equal influence (default); gatys: the paper's"
    )
    look.add_argument("--region", action="append", metavar="REGION", help="objects with a look of their own, repeatable: see below")
    motion = look.add_mutually_exclusive_group()
    motion.add_argument(
        "--motion",
        choices=MOTIONS,
        help="how frames follow the one before: the Vector pass of --passes (default where they are given), estimated from the pictures "
        "(default without; less steady), or none: each frame by itself",
    )
    motion.add_argument(
        "--independent", dest="motion", action="store_const", const="none", help="the same as --motion none: the baseline, which flickers"
    )
    look.add_argument(
        "--cuts",
        default="auto",
        metavar="WHERE",
        help="where shots begin, each painted anew: auto (found in the pictures, the default), none, frame numbers such as 24,48, or both "
        "(auto,24,48)",
    )
    second = look.add_mutually_exclusive_group()
    second.add_argument(
        "--second-pass",
        choices=SECOND_PASSES,
        help="paint frames twice: backward evens out what was uncovered late; loop lets the last frame flow into the first",
    )
    second.add_argument("--loop", dest="second_pass", action="store_const", const="loop", help="the same as --second-pass loop")
    look.add_argument("--width", type=int, metavar="PIXELS", help="width of the result (default: that of the source)")
    work = parser.add_argument_group("work")
    work.add_argument("--iterations", type=int, metavar="N", help="for every frame after the first")
    work.add_argument("--first-iterations", type=int, metavar="N", help="for the first frame")
    add_machine_arguments(work)


def stylize(options: argparse.Namespace) -> int:
    """Stylize a picture or an image sequence. The same command again goes on where it stopped."""
    from ..jobs.clip import Clip, ClipJob
    from ..jobs.settings import StylizeSettings, parse_cuts
    from ..media.files import output_error

    regions = [parse_region(text) for text in options.region or []]
    paintings = list(options.style)
    for region in regions:
        paintings += [style for style in region.styles if not any(_is_same(style, other) for other in paintings)]
    if options.motion == "vector" and options.passes is None:
        hint = "Add --passes with the EXR files of the frames, or choose --motion estimated."
        raise LwswError("missing_pass", "The option --motion vector needs the Vector pass, and --passes is not given.", hint)
    clip = Clip.find(options.color, options.passes, paintings)
    if regions:
        clip = _with_masks(clip, options.passes)
    data = {name: getattr(options, name) for name in _SETTINGS}
    data["motion"] = options.motion or ("estimated" if options.passes is None else "vector")
    if len(clip.color) == 1:
        data |= {"motion": "none", "second_pass": None}
    data |= {"color": options.palette, **parse_cuts(options.cuts)}
    data["layer_weights"] = None if options.weights is None else dict(LayerWeights.parse(options.weights))
    data["content_layers"] = None if options.content_layers is None else parse_layers(options.content_layers)
    data["style_weights"] = _style_weights(options, clip)
    if options.weights_file is not None:
        data |= _weights_over_time(options, clip)
    data["regions"] = [_region_data(region, clip) for region in regions]
    settings = StylizeSettings.from_dict(data)
    if options.report is not None:
        try:
            options.report.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(options.report, error) from error
    clip_job = ClipJob.prepare(
        options.out, clip, width=options.width, settings=settings, cameras=options.cameras, overwrite=options.overwrite
    )
    return run_clip_job(clip_job, options, options.report)


def _with_masks(clip: Clip, passes: str | None) -> Clip:
    """Check that every frame has its passes; those of a single picture need not carry its number."""
    from ..jobs.directory import name_frames

    if clip.passes is None or passes is None:
        hint = "Add --passes with the EXR files of the frames, rendered with the pass Cryptomatte › Object."
        raise LwswError("missing_pass", "Regions need the Cryptomatte pass, and --passes is not given.", hint)
    if len(clip.color) == 1 and Path(passes).is_file():
        return replace(clip, passes=dict.fromkeys(clip.color, Path(passes)))
    missing = [frame for frame in clip.color if frame not in clip.passes]
    if missing:
        raise LwswError("missing_pass", f"There is no pass file for {name_frames(missing)}.", "Regions need the passes of every frame.")
    return clip


def _style_weights(options: argparse.Namespace, clip: Clip) -> dict[str, float] | None:
    """Return the weights of the paintings of the whole picture; None where those are all paintings, all alike."""
    from ..jobs.clip import style_names

    names = style_names(clip.styles)
    count = len(options.style)
    if options.style_weights is not None:
        return dict(zip(names, parse_shares(options.style_weights, count, "--style-weights"), strict=False))
    return None if count == len(names) else dict.fromkeys(names[:count], 1.0)


def _weights_over_time(options: argparse.Namespace, clip: Clip) -> Mapping[str, Any]:
    """Return the settings of ``--weights-file``; only ``--profile``, on which it builds, may set the same."""
    from ..jobs.clip import style_names
    from ..jobs.weights_file import read_weights_file

    settings = read_weights_file(options.weights_file, list(clip.color), style_names(clip.styles))
    for name in settings:
        option = {"layer_weights": "weights"}.get(name, name)
        if getattr(options, option) is not None:
            what = {"layer_weights": "the weights of layers", "style_weights": "the weights of paintings"}.get(name, name)
            message = f"Both --{option.replace('_', '-')} and {options.weights_file.name} set {what}."
            hint = "Leave out the option, or take it out of the file; a profile in the file sets weights and content weight."
            raise LwswError("bad_settings", message, hint)
    return settings


def _region_data(region: Region, clip: Clip) -> dict[str, Any]:
    """Return a region as ``job.json`` has it, with the names of its paintings."""
    from ..jobs.clip import style_names

    if not region.styles:
        return region.data
    names = style_names(clip.styles)
    shares: dict[str, float] = {}
    for style, share in zip(region.styles, region.shares or [1.0] * len(region.styles), strict=True):
        name = next(name for name, path in zip(names, clip.styles, strict=True) if _is_same(style, path))
        shares[name] = shares.get(name, 0.0) + share
    return {"style_weights": shares, **region.data}


def _is_same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()
