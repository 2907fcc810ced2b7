"""Installing, repairing and removing the backend without making anybody wait: a thread does it. Knows nothing of Blender."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..connection.installed import LOCK, STAMP, Installed
from ..errors import LwswError, internal
from .folder import locked
from .offer import Offer, Order, make_offer
from .removal import set_aside, sweep
from .steps import Installation, Report

#: Seconds that the end of a cancelled installation is waited for when the extension is turned off.
_PATIENCE = 5.0


@dataclass(frozen=True)
class InstallProgress:
    """Where an installation is.

    Attributes:
        text: what is being done.
        fraction: 0 to 1.
        lines: the last lines of the log.
        seconds_left: never known, like the next one there so that it is shown as the progress of a job is.
        detail: nothing.
    """

    text: str
    fraction: float
    lines: tuple[str, ...]
    seconds_left: float | None = None
    detail: str = ""


class Installer:
    """Does one thing at a time. All methods return at once, but those that wait and :meth:`close`."""

    def __init__(self) -> None:
        self.error: LwswError | None = None
        self.installed: Installed | None = None  # what the last run installed
        self.offer: Offer | None = None
        self.offer_error: LwswError | None = None
        self._report = Report()
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
        self._survey: threading.Thread | None = None
        self._sweeper: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether something is being installed or removed."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_looking(self) -> bool:
        """Whether :meth:`look` is on its way."""
        return self._survey is not None and self._survey.is_alive()

    def progress(self) -> InstallProgress:
        """Return where it is."""
        return InstallProgress(self._report.step, self._report.fraction, tuple(self._report.lines))

    def look(self, order: Order) -> None:
        """Find out what an installation would fetch; :attr:`offer` or :attr:`offer_error` has the answer later."""
        if not self.is_looking:
            self._survey = threading.Thread(target=self._look, args=(order,), name="lwsw-look", daemon=True)
            self._survey.start()

    def install(self, order: Order, before: Callable[[], None] = lambda: None, fresh: bool = False) -> None:
        """Install the backend, or bring it up to date; with ``fresh`` everything is fetched anew, which repairs it.

        Args:
            order: what is to be installed where.
            before: called in the thread before the new backend takes the old one's place; stops the old one.
            fresh: take nothing over from the one that is installed.
        """

        def work() -> None:
            self.installed = Installation(order, self._report, self._cancel.is_set, before, fresh).run()

        self._begin(work, order.folder)

    def uninstall(self, folder: Path, before: Callable[[], None] = lambda: None) -> None:
        """Remove the backend's folder with everything in it. ``before`` is called in the thread first; it stops the backend."""

        def work() -> None:
            self._report.step = "Removing the backend"
            before()
            remove_backend(folder)

        self._begin(work, folder)

    def cancel(self) -> None:
        """Ask it to stop; within two seconds it has, and nothing of it is left."""
        self._cancel.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long; return whether it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.is_running

    def sweep(self, folder: Path) -> None:
        """Free the space of what was removed before, in a thread of its own; see :meth:`wait_until_swept`."""
        if self._sweeper is None or not self._sweeper.is_alive():
            self._sweeper = threading.Thread(target=sweep, args=(folder,), name="lwsw-sweep", daemon=True)
            self._sweeper.start()

    def wait_until_swept(self, seconds: float | None = None) -> bool:
        """Wait until what was removed is off the disk; return whether it is."""
        if self._sweeper is not None:
            self._sweeper.join(seconds)
        return self._sweeper is None or not self._sweeper.is_alive()

    def forget(self) -> None:
        """Clear what became of the last run."""
        self.error, self.offer_error = None, None

    def close(self) -> None:
        """Stop whatever runs and wait for it."""
        self.cancel()
        self.wait(_PATIENCE)
        if self._survey is not None:
            self._survey.join(_PATIENCE)
        self.wait_until_swept(_PATIENCE)
        self.offer, self._thread, self._survey, self._sweeper = None, None, None, None
        self.forget()

    def _begin(self, work: Callable[[], None], folder: Path) -> None:
        if self.is_running:
            raise LwswError("install_running", "The backend is being installed already.", "Wait until it is done, or cancel it.")
        self.forget()
        self.installed = None
        self._report = Report("Starting")
        self._cancel.clear()
        self._thread = threading.Thread(target=self._work, args=(work, folder), name="lwsw-install", daemon=True)
        self._thread.start()

    def _work(self, work: Callable[[], None], folder: Path) -> None:
        try:
            work()
        except LwswError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: the artist must hear of it
            self.error = internal(error)
        self.sweep(folder)

    def _look(self, order: Order) -> None:
        try:
            self.offer, self.offer_error = make_offer(order), None
        except LwswError as error:
            self.offer, self.offer_error = None, error
        except Exception as error:  # noqa: BLE001 - as above
            self.offer, self.offer_error = None, internal(error)


def remove_backend(folder: Path) -> None:
    """Take an installed backend away: the stamp first, so that nobody starts what is half gone. :func:`.removal.sweep` frees the space.

    Raises:
        LwswError: ``output_not_writable`` if something cannot be removed; ``install_running`` if another Blender installs it.
    """
    if not folder.is_dir():
        return
    with locked(folder):
        (folder / STAMP).unlink(missing_ok=True)
        set_aside(folder, {LOCK})
    if folder.exists():
        raise LwswError(
            "output_not_writable",
            f"Something in {folder} cannot be removed; another program uses it.",
            "Close other Blenders and programs that use the backend, then press Uninstall again.",
        )


#: The installer of this Blender session.
session_installer = Installer()
