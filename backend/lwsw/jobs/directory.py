"""The job directory (schema 2): the one interface between whoever asks for a job and whoever runs it.

The layout is in ``docs/architecture.md``. Nothing here decodes a picture or imports torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import LwswError
from ..media.files import output_error, sweep_temporary_files, write_atomically
from ..media.sequences import check_gaps, format_numbers
from .cameras import bad_cameras, check_cameras
from .lock import hold, is_held
from .settings import StylizeSettings

SCHEMA = 2
MAXIMUM_SIDE = 65_536  # pixels; beyond it no image format here works
MAXIMUM_FRAMES = 1_000_000

_OUTPUT_FOLDERS = ("results", "state")
_FOLDERS = ("styles", "frames", "passes", *_OUTPUT_FOLDERS)
_FORBIDDEN_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class JobDirectory:
    """One job on disk. Build it with :meth:`create` or :meth:`open`; the settings never change afterwards.

    Attributes:
        path: the folder.
        frames: frame numbers of the source, ascending, without gaps.
        width, height: size of the results in pixels.
        styles: names of the paintings inside ``styles/``.
        settings: what to do, with everything filled in and checked.
        hash: SHA-256 of ``job.json`` without the hash itself; two jobs with the same hash ask for the same thing.
    """

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        """Read checked data; :meth:`create` and :meth:`open` are the ways in."""
        self.path = path
        self.frames, self.width, self.height, self.styles, self.settings = _checked(data)
        self.hash: str = data["hash"]

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        frames: Iterable[int],
        width: int,
        height: int,
        styles: Iterable[str],
        settings: StylizeSettings,
    ) -> JobDirectory:
        """Make the folder with ``job.json`` and empty subfolders.

        Args:
            path: folder to make; it may exist but must not hold a job.
            frames: ascending frame numbers without gaps.
            width: width of the results in pixels.
            height: height of the results in pixels.
            styles: plain file names of the paintings.
            settings: checked settings.

        Raises:
            LwswError: ``missing_frames``, ``frame_gap``, ``missing_style``, ``bad_settings``, ``bad_weights``,
                ``output_not_writable`` or ``disk_full``.
        """
        path = Path(path)
        data = job_data(frames=frames, width=width, height=height, styles=styles, settings=settings)
        if (path / "job.json").exists():
            raise LwswError("bad_settings", f"There is already a job in {path}.", "Resume that job, or choose another folder.")
        try:
            for name in _FOLDERS:
                (path / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(path, error) from error
        job = cls(path, data)
        write_atomically(path / "job.json", json.dumps(data, indent=1, ensure_ascii=False).encode())
        return job

    @classmethod
    def open(cls, path: Path) -> JobDirectory:
        """Open a job that exists.

        Raises:
            LwswError: ``job_not_found`` when there is none, ``version_mismatch`` for a newer schema, ``bad_settings`` when
                ``job.json`` is damaged or was edited by hand.
        """
        path = Path(path)
        try:
            text = (path / "job.json").read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise LwswError("job_not_found", f"There is no job in {path}.", "Give the folder that holds job.json.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise LwswError("bad_settings", f"The job in {path} cannot be read: {error}.", "Start the job again.") from error
        try:
            data = json.loads(text)
            schema = data["schema"]
        except (ValueError, TypeError, KeyError):
            raise LwswError("bad_settings", f"The file job.json in {path} is damaged.", "Start the job again.") from None
        if schema != SCHEMA:
            raise LwswError(
                "version_mismatch",
                f"The job in {path} has format {schema}, and this version of LWSW reads format {SCHEMA}.",
                "Continue it with the version of LWSW that made it, or start the job again.",
            )
        if data.get("hash") != _hash(data):
            raise LwswError(
                "bad_settings",
                f"The settings of the job in {path} were changed after it was made.",
                "Undo the change in job.json, or start a new job with the new settings.",
            )
        return cls(path, data)

    @property
    def state_path(self) -> Path:
        """Folder for the float state between two frames."""
        return self.path / "state"

    @property
    def log_path(self) -> Path:
        """The event log."""
        return self.path / "log.jsonl"

    @property
    def cameras_path(self) -> Path:
        """The optional camera matrices."""
        return self.path / "cameras.json"

    @property
    def receiving_path(self) -> Path:
        """An empty file that says that frames are still coming."""
        return self.path / "receiving"

    @property
    def style_paths(self) -> list[Path]:
        """Paths of the paintings, in the order of ``styles``."""
        return [self.path / "styles" / name for name in self.styles]

    @property
    def needs_passes(self) -> bool:
        """Whether every frame needs an EXR, with the Vector pass or the objects' masks."""
        return self.settings.needs_passes(len(self.frames))

    def frame_path(self, frame: int) -> Path:
        """Path of the source colour of a frame."""
        return self.path / "frames" / f"{frame:04d}.png"

    def pass_path(self, frame: int) -> Path:
        """Path of the passes of a frame."""
        return self.path / "passes" / f"{frame:04d}.exr"

    def result_path(self, frame: int) -> Path:
        """Path of the stylized frame."""
        return self.path / "results" / f"{frame:04d}.png"

    def draft_path(self, frame: int) -> Path:
        """Path of the stylized frame as the first of two passes left it."""
        return self.path / "state" / f"{frame:04d}.png"

    def finished_frames(self) -> list[int]:
        """Return the frames whose result exists, ascending."""
        try:
            names = {entry.name for entry in os.scandir(self.path / "results")}
        except OSError:
            return []
        return [frame for frame in self.frames if self.result_path(frame).name in names]

    def first_unfinished(self) -> int | None:
        """Return the first frame without a result, or None when the job is done."""
        finished = set(self.finished_frames())
        return next((frame for frame in self.frames if frame not in finished), None)

    def cameras(self) -> dict[str, Any] | None:
        """Return ``cameras.json``, or None where the job has none; while frames are still coming it need not have all of them.

        Raises:
            LwswError: ``bad_settings`` when the file cannot be read or misses a frame.
        """
        try:
            data = json.loads(self.cameras_path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise bad_cameras(f"cannot be read ({error})") from error
        return check_cameras(data, self.frames, partial=self.is_receiving)

    def write_cameras(self, data: Any) -> None:
        """Check and store the camera matrices; raises like :meth:`cameras` and :func:`write_atomically`."""
        write_atomically(self.cameras_path, json.dumps(check_cameras(data, self.frames)).encode())

    @property
    def is_receiving(self) -> bool:
        """Whether frames are still coming: the job may be painted as far as they are there, see :mod:`.arrivals`."""
        return self.receiving_path.exists()

    def has_frame(self, frame: int) -> bool:
        """Return whether the files of a frame are there; its camera, if it has one, came before them."""
        return self.frame_path(frame).is_file() and (not self.needs_passes or self.pass_path(frame).is_file())

    def check_styles(self) -> None:
        """Check that every painting is there; raise ``missing_style``."""
        missing = [path.name for path in self.style_paths if not path.is_file()]
        if missing:
            raise LwswError("missing_style", f"The painting {', '.join(missing)} is missing.", "Choose a style image and start again.")

    def check_complete(self) -> None:
        """Check that every file the job needs is there.

        Raises:
            LwswError: ``missing_style``, ``missing_frames`` or ``missing_pass``, naming what is missing.
        """
        self.check_styles()
        frames = [frame for frame in self.frames if not self.frame_path(frame).is_file()]
        if frames:
            raise LwswError("missing_frames", f"The source has no picture of {name_frames(frames)}.", "Render them and start again.")
        if self.needs_passes:
            frames = [frame for frame in self.frames if not self.pass_path(frame).is_file()]
            if frames:
                raise LwswError("missing_pass", f"The pass file is missing for {name_frames(frames)}.", _missing_pass_hint(self.settings))

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Add one line to ``log.jsonl``, with the time if the event has none.

        Raises:
            LwswError: ``disk_full`` or ``output_not_writable``.
        """
        line = json.dumps({"time": round(time.time(), 3), **event}, ensure_ascii=False).encode() + b"\n"
        try:
            with self.log_path.open("ab+") as stream:
                if stream.tell() > 0:  # a writer that was killed may have left half a line
                    stream.seek(-1, os.SEEK_END)
                    if stream.read(1) != b"\n":
                        line = b"\n" + line
                stream.write(line)
        except OSError as error:
            raise output_error(self.log_path, error) from error

    def events(self) -> list[dict[str, Any]]:
        """Return the events of ``log.jsonl``, oldest first; half-written lines are left out."""
        try:
            lines = self.log_path.read_bytes().splitlines()
        except OSError:
            return []
        events = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                events.append(event)
        return events

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the job for this process: ``with job.lock(): ...``.

        The operating system drops the lock when its holder dies, whatever the cause, so a lock is never stale. The number
        of the process is in the file for the message only.

        Raises:
            LwswError: ``job_running`` when somebody else holds it, ``output_not_writable`` or ``disk_full``.
        """
        with hold(self.path / "lock", f"The job in {self.path}"):
            yield

    def is_locked(self) -> bool:
        """Return whether some process holds the job right now."""
        return is_held(self.path / "lock")

    def sweep(self) -> None:
        """Remove temporary files that a killed writer left in the folders of the job, unless somebody works on it or files are coming."""
        if not self.is_locked():
            for name in _OUTPUT_FOLDERS if self.is_receiving else _FOLDERS:
                sweep_temporary_files(self.path / name)


def job_data(*, frames: Iterable[int], width: int, height: int, styles: Iterable[str], settings: StylizeSettings) -> dict[str, Any]:
    """Return the checked contents of ``job.json``, hash included; raises like :meth:`JobDirectory.create`."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "lwsw_version": __version__,
        "frames": list(frames),
        "width": width,
        "height": height,
        "styles": list(styles),
        "settings": settings.to_dict(),
    }
    _checked(data)
    data["hash"] = _hash(data)
    return data


def name_frames(frames: Sequence[int]) -> str:
    """Write frame numbers for people: ``frame 7`` or ``frames 3–5, 9``."""
    return f"{'frame' if len(frames) == 1 else 'frames'} {format_numbers(frames)}"


def check_file_name(name: str) -> str:
    """Return ``name`` if it is a plain file name on every system; raise ``bad_settings`` otherwise.

    No folder part, nothing that climbs out of the folder, nothing hidden, nothing that Windows cannot store.
    """
    if (
        not isinstance(name, str)
        or not name
        or len(name.encode("utf-8", "surrogatepass")) > 200
        or name != name.strip()
        or name.startswith(".")
        or name.endswith(".")
        or _FORBIDDEN_IN_NAMES.search(name)
        or _RESERVED_ON_WINDOWS.fullmatch(name)
    ):
        raise LwswError("bad_settings", f"{name!r} cannot be used as a file name.", "Rename it with letters, digits, spaces and dots.")
    return name


def _checked(data: Mapping[str, Any]) -> tuple[tuple[int, ...], int, int, tuple[str, ...], StylizeSettings]:
    frames, width, height, styles = (data.get(name) for name in ("frames", "width", "height", "styles"))
    if not isinstance(frames, list) or not all(isinstance(frame, int) and not isinstance(frame, bool) for frame in frames):
        raise LwswError("bad_settings", "The frames of a job must be a list of whole numbers.", "")
    if not frames:
        raise LwswError("missing_frames", "There are no frames to stylize.", "Choose a frame range that has frames.")
    if any(second <= first for first, second in pairwise(frames)):
        raise LwswError("bad_settings", "The frames of a job must ascend, each one once.", "Sort the frames.")
    if frames[-1] - frames[0] >= MAXIMUM_FRAMES:
        raise LwswError("bad_settings", f"Frames {frames[0]}–{frames[-1]} are too many for one job.", "Stylize a part of them.")
    check_gaps(frames)
    for name, value in (("width", width), ("height", height)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAXIMUM_SIDE:
            raise LwswError("bad_settings", f"The {name} is {value}.", f"It must be a whole number of pixels from 1 to {MAXIMUM_SIDE}.")
    if not isinstance(styles, list) or not styles:
        raise LwswError("missing_style", "There is no painting to take the style from.", "Choose a style image.")
    for style in styles:
        check_file_name(style)
    if len({style.casefold() for style in styles}) != len(styles):
        raise LwswError("bad_settings", "Two paintings have the same file name.", "Rename one of them.")
    if not isinstance(data.get("settings"), Mapping):
        raise LwswError("bad_settings", "The job has no settings.", "")
    settings = StylizeSettings.from_dict(data["settings"])
    settings.check_frames(len(frames), styles)
    settings.check_cuts(frames)
    assert isinstance(width, int) and isinstance(height, int)
    return tuple(frames), width, height, tuple(styles), settings


def _missing_pass_hint(settings: StylizeSettings) -> str:
    if settings.regions:
        return "Render again with the passes Vector and Cryptomatte (object) on, or remove the regions."
    return "Turn on the Vector pass and render again, or let the motion be estimated."


def _hash(data: Mapping[str, Any]) -> str:
    content = {name: value for name, value in data.items() if name != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
