"""One installation of the backend, step by step. Blocks: :mod:`.installer` runs it in a thread. Knows nothing of Blender.

A new environment is made beside whatever is installed (see :mod:`..connection.installed`); only when it has shown that it works does the
stamp name it. So an installation that fails or is cancelled leaves the backend that was there, or none.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..connection.client import API
from ..connection.installed import (
    DOWNLOADS,
    TEMPORARY,
    Installed,
    environment_python,
    read_installed,
    tree_size,
    write_installed,
)
from ..connection.process import clean_environment
from ..errors import LwswError
from ..release import Carried
from . import command, pip_errors
from .folder import free_name, link_packages, locked, not_writable, packages_folder, remove_leftovers
from .offer import Offer, Order, gigabytes, make_offer, make_room
from .pythons import Python, find_pythons
from .torch_build import PYTORCH, TorchBuild

#: Python compiles what is imported when it first is, in the check at the end; compiling all of it would take as long as unpacking it.
_INSTALL = ("install", "--no-input", "--no-user", "--no-compile")
#: The oldest pip that says how far a download is and goes on with one that broke.
_PIP = "pip>=25.1"
_CHECK_SECONDS = 300.0
_MEASURE_SECONDS = 1.0


@dataclass
class Report:
    """Where an installation is; written by its thread, read by others.

    Attributes:
        step: what it does, in words.
        fraction: 0 to 1.
        lines: the log's last lines.
    """

    step: str = ""
    fraction: float = 0.0
    lines: list[str] = field(default_factory=list)


class Installation:
    """Makes an environment with the backend in it.

    Args:
        order: what is to be installed where.
        report: told how far it is.
        give_up: asked several times a second; True ends the installation.
        before_replacing: called before the new backend takes the old one's place; stops the old one.
        fresh: fetch everything anew (a repair), instead of taking over what has not changed since the last one (an update).
    """

    def __init__(
        self,
        order: Order,
        report: Report,
        give_up: Callable[[], bool] = lambda: False,
        before_replacing: Callable[[], None] = lambda: None,
        fresh: bool = False,
    ) -> None:
        self._order = order
        self._report = report
        self._give_up = give_up
        self._before_replacing = before_replacing
        self._fresh = fresh
        self._folder = order.folder
        self._output: list[str] = []
        self._offer: Offer | None = None
        self._environment_folder: Path | None = None
        self._fetched = 0  # bytes of finished downloads
        self._fetching = 0  # bytes of the one under way
        self._measured = 0.0

    def run(self) -> Installed:
        """Do everything and return what is installed now.

        Raises:
            LwswError: ``online_access``, ``no_python``, ``no_package``, ``no_network``, ``disk_full``, ``output_not_writable``,
                ``install_running``, ``install_failed``, ``cancelled``.
        """
        if not self._order.online_access:
            raise LwswError(
                "online_access",
                "Blender is not allowed to go online, so the backend cannot be fetched.",
                "Turn on Allow Online Access in Preferences > System (in background: blender --online-mode), then press Install Backend.",
            )
        began = time.monotonic()
        self._start_log()
        with locked(self._folder):
            remove_leftovers(self._folder, keep_downloads=True)
            try:
                (self._folder / TEMPORARY).mkdir()
                installed = self._make(began)
            except OSError as error:
                remove_leftovers(self._folder)
                raise not_writable(self._folder, error) from None
            except BaseException as error:
                kept = isinstance(error, LwswError) and error.code not in ("cancelled", "disk_full")
                remove_leftovers(self._folder, keep_downloads=kept)
                raise
            remove_leftovers(self._folder)
        return installed

    def _start_log(self) -> None:
        if self._order.log_file is not None:
            with contextlib.suppress(OSError):  # the lines in memory remain
                self._order.log_file.write_text("", "utf-8")

    # ---------------------------------------------------------------------------------------------------- the steps

    def _make(self, began: float) -> Installed:
        self._step("Looking at this machine")
        offer = make_offer(self._order)
        make_room(self._folder, offer)
        carried = offer.carried
        self._say(f"Python {offer.python.name}: {offer.python.path}")
        self._say(f"PyTorch {offer.torch.label}; {offer.torch.index or 'from the usual package index'}")
        self._offer = offer
        environment = self._folder / free_name(self._folder)
        self._environment_folder = environment
        python = environment_python(environment)
        used = self._make_environment(offer.python, environment)
        self._take_over(environment, used)
        self._get_torch(python, used, offer.torch, carried)
        self._get_backend(python, used, carried)
        self._step("Checking that it works", 0.93)
        torch_version = self._check(python, carried)
        self._step("Finishing", 0.99)
        installed = Installed(
            environment.name, carried.version, torch_version, offer.torch.name, used.name, tree_size(environment),
            round(time.monotonic() - began, 1),
        )  # fmt: skip
        self._before_replacing()
        write_installed(self._folder, installed)
        return installed

    def _make_environment(self, first: Python, environment: Path) -> Python:
        """Make an environment with pip in it; return the Python that could. ``first`` is tried first, then the others of this machine."""
        self._step("Making an environment")
        for python in itertools.chain([first], find_pythons(self._order.blender_python)):
            if self._makes_environment(python, environment):
                break
            self._check_writable()
            self._say(f"Python {python.name} could not; trying another one.")
        else:
            raise pip_errors.explain(self._output, "making an environment", first.name)
        if (packages_folder(environment) / "pip").is_dir():
            self._upgrade_pip(environment)
        else:
            self._fetch_pip(python, environment)
        return python

    def _makes_environment(self, python: Python, environment: Path) -> bool:
        # A distribution's Python may lack what puts pip into an environment, or have it and fail.
        for options in ([], ["--without-pip"]) if python.has_ensurepip else (["--without-pip"],):
            if self._run(python.path, "-m", "venv", *options, str(environment)) == 0:
                return True
            shutil.rmtree(environment, ignore_errors=True)
        return False

    def _fetch_pip(self, python: Python, environment: Path) -> None:
        self._step("Fetching pip")
        own = environment_python(environment)
        self._must(python, "fetching pip", own, command.program("fetch_pip"), str(self._folder / TEMPORARY))
        wheel = self._output[-1].strip()
        self._must(python, "installing pip", own, f"{wheel}/pip", *_INSTALL, "--no-index", "--no-deps", wheel)

    def _upgrade_pip(self, environment: Path) -> None:
        self._step("Bringing pip up to date")
        arguments = [*_INSTALL, *self._order.pip_arguments, _PIP]
        if self._run(environment_python(environment), "-m", "pip", *arguments) != 0:
            self._say("That did not work; going on with the pip that Python brought along.")

    def _take_over(self, environment: Path, python: Python) -> None:
        """Let the new environment have what need not be fetched: packages of the old one, and of folders that the order names."""
        packages = packages_folder(environment)
        if self._order.shared_packages:
            lines = "".join(f"{folder}\n" for folder in self._order.shared_packages)
            # An old one that Python put there would hide the shared one, which torch asks for.
            self._run(environment_python(environment), "-m", "pip", "uninstall", "--yes", "--quiet", "setuptools")
            (packages / "lwsw-shared-packages.pth").write_text(lines, "utf-8")
        before = None if self._fresh else read_installed(self._folder)
        if before is not None and before.python == python.name and (self._folder / before.environment).is_dir():
            self._step("Taking over what has not changed")
            link_packages(packages_folder(self._folder / before.environment), packages)

    def _get_torch(self, python: Path, used: Python, build: TorchBuild, carried: Carried) -> None:
        self._step(f"Fetching PyTorch ({gigabytes(build.download)})")
        wanted, index, doing = carried.pin("torch"), build.index, "fetching PyTorch"
        constraints = ["--constraint", str(carried.constraints)] if carried.constraints is not None else []
        if index != PYTORCH + "cpu":
            self._pip(python, doing, used, *(["--index-url", index] if index else []), *constraints, wanted)
            return
        try:  # what it needs comes with the other packages, from where they come
            self._pip(python, doing, used, "--index-url", index, "--no-deps", "--retries", "2", *constraints, wanted)
        except LwswError as error:
            if error.code != "no_network" or not self._usual_index_has_cpu_build(python, wanted):
                raise
            self._say("The package index that pip is configured with has the build for the processor too.")
            self._pip(python, doing, used, *constraints, wanted)

    def _usual_index_has_cpu_build(self, python: Path, torch: str) -> bool:
        """Say whether the index that pip is configured with, a studio's mirror perhaps, has the CPU build where PyPI has the one for CUDA.

        pip is asked what torch would depend on there; the wheel itself is not fetched where the index can tell without.
        """
        report = self._folder / TEMPORARY / "torch.json"
        arguments = ["install", "--dry-run", "--no-deps", "--ignore-installed", "--no-input", "--quiet", "--report", str(report)]
        if self._run(python, "-m", "pip", *arguments, *self._order.pip_arguments, torch) != 0:
            return False
        try:
            needed = json.loads(report.read_text("utf-8"))["install"][0]["metadata"].get("requires_dist") or []
        except (OSError, ValueError, LookupError):
            return False
        return not any(re.match(r"nvidia-|cuda-|triton", name) for name in needed)

    def _get_backend(self, python: Path, used: Python, carried: Carried) -> None:
        self._step("Fetching the other packages")
        constraints = ["--constraint", str(carried.constraints)] if carried.constraints is not None else []
        # By itself first, so that this wheel comes whatever of the same version may be there already.
        requirement = str(self._source_copy(carried.requirement) if carried.requirement.is_dir() else carried.requirement)
        self._pip(python, "installing the backend", used, "--no-deps", "--force-reinstall", requirement)
        self._pip(python, "fetching the other packages", used, *constraints, requirement)

    def _source_copy(self, checkout: Path) -> Path:
        """Copy what the wheel is built from: building leaves files beside the source."""
        copy = self._folder / TEMPORARY / "source"
        shutil.copytree(checkout / "backend", copy / "backend", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for name in ("pyproject.toml", "README.md"):
            shutil.copy2(checkout / name, copy / name)
        return copy

    def _check(self, python: Path, carried: Carried) -> str:
        """Run ``lwsw doctor`` in the environment; return torch's version."""
        self._output.clear()
        jobs = self._folder / TEMPORARY / "jobs"
        doctor = command.supervised(python, "-m", "lwsw", "doctor", "--json", "--jobs", str(jobs))
        status = command.run(doctor, self._environment(), self._output.append, self._give_up, _CHECK_SECONDS)
        text = "\n".join(self._output)
        try:
            report: dict[str, Any] = json.loads(text[text.index("{") : text.rindex("}") + 1])
        except ValueError:
            self._say(*self._output)
            last = next((line.strip() for line in reversed(self._output) if line.strip()), "it said nothing")
            raise _does_not_work(last) from None
        devices = ", ".join(f"{device['device']} ({device['name']})" for device in report["devices"])
        self._say(f"LWSW {report['lwsw']} works on {devices or 'no device'}")
        for problem in report["problems"]:
            self._say(f"{problem['message']} {problem['hint']}")
            if problem["prevents"]:
                raise LwswError("install_failed", f"The backend was installed but does not work: {problem['message']}", problem["hint"])
        if status or report["lwsw"] != carried.version or report["api"] != API:
            raise _does_not_work(f"version {report['lwsw']} came instead of {carried.version}")
        return str(report["packages"]["torch"])

    # ---------------------------------------------------------------------------------------------------- their tools

    def _pip(self, python: Path, doing: str, base: Python, *arguments: str) -> None:
        options = [*_INSTALL, "--prefer-binary", "--no-warn-script-location", *self._progress_option(python)]
        self._must(base, doing, python, "-m", "pip", *options, *self._order.pip_arguments, *arguments)

    def _progress_option(self, python: Path) -> list[str]:
        places = packages_folder(python.parents[1]).glob("pip-*.dist-info")
        versions = [tuple(int(number) for number in re.findall(r"\d+", place.name)[:2]) for place in places]
        return ["--progress-bar", "raw", "--resume-retries", "5"] if max(versions, default=(0,)) >= (25, 1) else ["--progress-bar", "off"]

    def _must(self, base: Python, doing: str, python: str | Path, *arguments: str) -> None:
        if self._run(python, *arguments) != 0:
            self._check_writable()
            raise pip_errors.explain(self._output, doing, base.name)

    def _check_writable(self) -> None:
        probe = self._folder / TEMPORARY / "probe"
        try:
            probe.write_bytes(b"\0" * 4096)
            probe.unlink()
        except OSError as error:
            raise not_writable(self._folder, error) from None

    def _run(self, python: str | Path, *arguments: str) -> int:
        self._output.clear()
        line = command.supervised(python, *arguments)
        self._log("$ " + " ".join(line))
        return command.run(line, self._environment(), self._heard, self._tick)

    def _environment(self) -> dict[str, str]:
        """Keep everything that pip writes in our folder: nothing is left elsewhere, and the check of the disk's space holds."""
        temporary, downloads = str(self._folder / TEMPORARY), str(self._folder / DOWNLOADS)
        own = {"TMPDIR": temporary, "TMP": temporary, "TEMP": temporary, "PIP_CACHE_DIR": downloads, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        unwanted = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_NO_CACHE_DIR", "VIRTUAL_ENV")
        return {name: value for name, value in clean_environment().items() if name not in unwanted} | own | {"PYTHONUNBUFFERED": "1"}

    def _tick(self) -> bool:
        """Measure how far it is, now and then; return whether to give up."""
        if self._offer is not None and self._environment_folder is not None and time.monotonic() - self._measured > _MEASURE_SECONDS:
            self._measured = time.monotonic()
            fetched = min(1.0, (self._fetched + self._fetching) / self._offer.download)
            unpacked = min(1.0, tree_size(self._environment_folder) / self._offer.unpacked)
            self._report.fraction = max(self._report.fraction, 0.02 + 0.45 * fetched + 0.45 * unpacked)
        return self._give_up()

    def _heard(self, line: str) -> None:
        if progress := re.fullmatch(r"Progress (\d+) of (\d+)", line.strip()):
            done, total = int(progress[1]), int(progress[2])
            if total > 0:
                self._fetching = done
                if done >= total:
                    self._fetched, self._fetching = self._fetched + total, 0
            return
        self._output.append(line)
        self._say(line)

    def _step(self, step: str, fraction: float = 0.0) -> None:
        if self._give_up():
            raise command.installation_cancelled()
        self._report.step = step
        self._report.fraction = max(self._report.fraction, fraction)
        self._log(f"# {step}")

    def _say(self, *lines: str) -> None:
        for line in lines:
            if line.strip():
                self._report.lines = [*self._report.lines[-99:], line.strip()]
                self._log(line)

    def _log(self, line: str) -> None:
        if self._order.log_file is not None:
            with contextlib.suppress(OSError), self._order.log_file.open("a", encoding="utf-8") as log:  # the lines in memory remain
                log.write(line + "\n")


def _does_not_work(reason: str) -> LwswError:
    return LwswError(
        "install_failed", f"The backend was installed but does not work: {reason.rstrip('.')}.", "Press Install Backend to try again."
    )
