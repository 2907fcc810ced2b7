"""Measures the optimizer; `scripts/benchmark` sets up the environment and calls it.

    scripts/benchmark still                seconds per iteration against the package pastiche, taking turns in one run
    scripts/benchmark style                seconds until the style loss that pastiche reaches in 200 steps, over three paintings
    scripts/benchmark layers               what unused deep layers cost, in seconds per iteration
    scripts/benchmark shot                 seconds per steady frame, memory, and float32 against bfloat16 on this machine's device
    scripts/benchmark demo                 the finished demo clip against its frames painted one by one with three times the iterations
    scripts/benchmark looks                an object with a look of its own, and weights that change over a shot, on the rendered demo scene
    scripts/benchmark temporal             steadiness over time against other methods, on rendered scenes; writes docs/temporal.md (hours)

Rivals run in processes of their own, as they would for their users. Whatever is compared takes turns in one run, so that a noisy machine is
noisy for all.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import demo, layers, looks, shot, still, style, temporal

COMMANDS = {"still": still, "style": style, "layers": layers, "shot": shot, "demo": demo, "looks": looks, "temporal": temporal}

#: The processes that `still` and `style` start.
CONTENDERS = {
    "still-lwsw": still.contend_lwsw,
    "still-pastiche": still.contend_pastiche,
    "style-lwsw": style.contend_lwsw,
    "style-pastiche": style.contend_pastiche,
}


def main() -> None:
    """Command line."""
    if sys.argv[1:2] == ["contend"]:
        CONTENDERS[sys.argv[2]](sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=(module.__doc__ or "").strip()))
    options = parser.parse_args()
    report = COMMANDS[options.command].run(options)
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
