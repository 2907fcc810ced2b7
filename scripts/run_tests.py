"""Runs everything that can be checked and prints one summary; `scripts/test` sets up the environments and calls it.

    scripts/test                                 linter, type checker, all tests; at most 15 minutes
    scripts/test --together 1                    one run after the other, each test's words as they come
    scripts/test --fast                          without Blender 4.5, the end-to-end tests, and tests marked slow
    scripts/test tests/backend -k flow           some tests only; whatever pytest understands is passed on to it

Tests of tests/blender run in every Blender environment; the others in the backend's. The last line is 'N passed, N failed', where the
linter and each run of the type checker (the programs as on Linux and on Windows, then scripts/) count as one. Two runs go side by
side, because most of a test's time is one processor starting another program; what they say comes when each is over. Each run has a time
limit, and one that has written its result but does not end (the bpy module of Blender 4.5 can hang when Python exits) is ended and said
so.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: How many runs go side by side.
TOGETHER = 2

#: How long a run that has written its result may take to end, in seconds.
GRACE = 20.0

NO_TESTS_COLLECTED = 5  # pytest's exit status


@dataclass
class Run:
    """One command and what came of it."""

    name: str
    command: list[str]
    limit: float
    is_pytest: bool = True
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def environment_python(folder: str) -> str:
    return str(ROOT / folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def plan(options: argparse.Namespace, arguments: list[str]) -> list[Run]:
    """Return what is to be run. Paths among the arguments choose test folders; all other arguments go to every pytest."""
    backend = environment_python(".venv")
    paths = [argument for argument in arguments if not argument.startswith("-") and (ROOT / argument.split("::")[0]).exists()]
    others = [argument for argument in arguments if argument not in paths]
    if options.fast:
        others = ["-m", "not slow", *others]
    runs = []
    if not arguments:
        runs.append(Run("ruff", [backend, "-m", "ruff", "check", "."], 120, is_pytest=False))
        for platform in ("linux", "win32"):  # Windows is checked this far at least
            words = ["--platform", platform, "--cache-dir", str(ROOT / ".mypy_cache" / platform)]
            runs.append(Run(f"mypy {platform}", [backend, "-m", "mypy", *words], 600, is_pytest=False))
        runs.append(
            Run("mypy scripts", [backend, "-m", "mypy", "scripts", "--no-warn-return-any", "--allow-untyped-calls"], 600, is_pytest=False)
        )
    suites = [("backend", "tests/backend", ".venv", 1200.0), ("Blender 5.0", "tests/blender", ".venv-blender", 1200.0)]
    if not options.fast:
        suites.append(("Blender 4.5", "tests/blender", ".venv-blender-4.5", 1200.0))
        suites.append(("end to end", "tests/end_to_end", ".venv", 1200.0))
    elif any(path.startswith("tests/end_to_end") for path in paths):
        suites.append(("end to end", "tests/end_to_end", ".venv", 1200.0))
    for name, folder, environment, limit in suites:
        chosen = [path for path in paths if (ROOT / path.split("::")[0]).resolve().is_relative_to(ROOT / folder)]
        chosen = chosen or ([folder] if not paths or any((ROOT / folder).is_relative_to((ROOT / path).resolve()) for path in paths) else [])
        if not chosen:
            continue
        run = Run(name, [environment_python(environment), "-m", "pytest", *chosen, *others], options.limit or limit)
        if not any((ROOT / folder).rglob("test_*.py")):
            run.notes.append("no tests yet")
            run.command = []
        runs.append(run)
    return runs


def execute_all(runs: Sequence[Run], folder: Path, together: int) -> None:
    """Execute all runs, so many side by side; ends them when it is interrupted."""
    stop, words = threading.Event(), threading.Lock()

    def work(numbered: tuple[int, Run]) -> None:
        index, run = numbered
        if together == 1 or len(runs) == 1:
            say(f"━━ {run.name}: {' '.join(run.command[2:])}")
            execute(run, folder / f"{index}.xml", None, stop)
            return
        say(f"━━ {run.name} has begun: {' '.join(run.command[2:])}")
        output = folder / f"{index}.txt"
        execute(run, folder / f"{index}.xml", output, stop)
        with words:
            say(f"━━ {run.name}")
            print(output.read_text(errors="replace"), flush=True)

    with ThreadPoolExecutor(together) as pool:
        try:
            list(pool.map(work, enumerate(runs)))
        finally:
            stop.set()


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def execute(run: Run, report: Path, output: Path | None = None, stop: threading.Event | None = None) -> None:
    """Run a command, let its output through or keep it in a file, and count what passed and failed; ``stop`` ends it."""
    stop = stop or threading.Event()
    if stop.is_set():
        return
    command = [*run.command, f"--junitxml={report}"] if run.is_pytest else run.command
    # Threads that wait must not spin: the other run needs the processor.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    began = time.monotonic()
    with output.open("wb") if output else contextlib.nullcontext() as stream:
        # A session of its own, so that a hanging run can be ended together with everything it started.
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT if stream else None, env=environment,
            start_new_session=True,
        )  # fmt: skip
    try:
        code = wait(run, process, report, began, stop)
    except BaseException:
        end(process)
        raise
    run.seconds = time.monotonic() - began
    if not run.is_pytest:
        run.passed, run.failed = (1, 0) if code == 0 else (0, 1)
        return
    count(run, report)
    if code not in (0, 1, NO_TESTS_COLLECTED, None) and not run.failed:
        run.failed = 1
        run.notes.append(f"exit status {code}")


def wait(run: Run, process: subprocess.Popen[bytes], report: Path, began: float, stop: threading.Event) -> int | None:
    """Return the exit status, or None for a run that had to be ended although its result was complete."""
    written = 0.0
    while True:
        if stop.is_set():
            end(process)
            return None
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if not written and run.is_pytest and is_complete(report):
            written = now
        if written and now - written > GRACE:
            end(process)
            run.notes.append("did not end after its last test and was ended")
            return None
        if now - began > run.limit:
            end(process)
            run.notes.append(f"ran past its limit of {run.limit:.0f} s and was ended")
            run.failed += 1
            return None


def end(process: subprocess.Popen[bytes]) -> None:
    for name in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, name)
            process.wait(timeout=5)
            return
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def is_complete(report: Path) -> bool:
    try:
        ElementTree.parse(report)
    except (OSError, ElementTree.ParseError):
        return False
    return True


def count(run: Run, report: Path) -> None:
    """Read the numbers from pytest's report; a run without one counts as one failure."""
    if not is_complete(report):
        if not run.failed:
            run.failed = 1
            run.notes.append("ended before its result was written")
        return
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        run.skipped += skipped
        run.failed += failed
        run.passed += max(0, total - failed - skipped)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="leave out Blender 4.5, the end-to-end tests, and tests marked slow")
    parser.add_argument("--limit", type=float, default=0.0, help="seconds that each run of pytest may take, instead of its own limit")
    parser.add_argument("--together", type=int, default=TOGETHER, metavar="N", help=f"how many runs go side by side; default: {TOGETHER}")
    options, arguments = parser.parse_known_args()
    runs = plan(options, arguments)
    if not runs:
        print("There are no tests at these paths.", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="lwsw-test-") as folder:
            execute_all([run for run in runs if run.command], Path(folder), max(1, options.together))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    print("\n━━ summary")
    for run in runs:
        numbers = (
            f"{run.passed:4d} passed {run.failed:4d} failed {run.skipped:4d} skipped"
            if run.is_pytest
            else ("ok" if run.passed else "FAILED")
        )
        print(f"{run.name:12s} {numbers:38s} {run.seconds:6.1f} s  {'; '.join(run.notes)}")
    passed, failed = sum(run.passed for run in runs), sum(run.failed for run in runs)
    print(f"in {time.monotonic() - began:.0f} s\n{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
