"""The job directory (schema 2): the one interface between whoever asks for a job and whoever runs it.

The layout is in ``docs/architecture.md``. Nothing here decodes a picture or imports torch.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from .. import __version__
from ..errors import LwswError
from ..media.files import output_error, sweep_temporary_files, write_atomically
from ..media.sequences import check_gaps, format_numbers
from .settings import StylizeSettings

SCHEMA = 2
MAXIMUM_SIDE = 65_536  # pixels; beyond it no image format here works
MAXIMUM_FRAMES = 1_000_000

_LOCK_PATIENCE = 0.5  # seconds; whoever only looks whether a job is locked holds the lock for a moment
_FOLDERS = ("styles", "frames", "passes", "results", "state")
_FORBIDDEN_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_NO_FILE_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


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
        """Return ``cameras.json``, or None where the job has none.

        Raises:
            LwswError: ``bad_settings`` when the file cannot be read or misses a frame.
        """
        try:
            data = json.loads(self.cameras_path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _bad_cameras(f"cannot be read ({error})") from error
        return check_cameras(data, self.frames)

    def write_cameras(self, data: Any) -> None:
        """Check and store the camera matrices; raises like :meth:`cameras` and :func:`write_atomically`."""
        write_atomically(self.cameras_path, json.dumps(check_cameras(data, self.frames)).encode())

    def check_complete(self) -> None:
        """Check that every file the job needs is there.

        Raises:
            LwswError: ``missing_style``, ``missing_frames`` or ``missing_pass``, naming what is missing.
        """
        missing = [path.name for path in self.style_paths if not path.is_file()]
        if missing:
            raise LwswError("missing_style", f"The painting {', '.join(missing)} is missing.", "Choose a style image and start again.")
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
        try:
            stream = (self.path / "lock").open("ab+")
        except OSError as error:
            raise output_error(self.path / "lock", error) from error
        with stream:
            deadline = time.monotonic() + _LOCK_PATIENCE
            while not (held := _try_lock(stream)) and time.monotonic() < deadline:
                time.sleep(0.02)
            if not held:
                raise LwswError(
                    "job_running",
                    f"The job in {self.path} is already running{_holder(stream)}.",
                    "Wait until it ends or cancel it, then try again.",
                )
            stream.truncate(0)
            stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            stream.flush()
            try:
                yield
            finally:
                _unlock(stream)

    def is_locked(self) -> bool:
        """Return whether some process holds the job right now."""
        try:
            with (self.path / "lock").open("rb+") as stream:
                if not _try_lock(stream, shared=True):
                    return True
                _unlock(stream)
        except OSError:
            pass
        return False

    def sweep(self) -> None:
        """Remove temporary files that a killed writer left in the folders of the job, unless somebody works on it."""
        if not self.is_locked():
            for name in _FOLDERS:
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


def check_cameras(data: Any, frames: Sequence[int]) -> dict[str, Any]:
    """Check the contents of ``cameras.json`` for these frames and return them; raise ``bad_settings`` with what is wrong."""
    if not isinstance(data, dict) or not isinstance(data.get("frames"), dict):
        raise _bad_cameras("has no frames")
    clip_end = data.get("clip_end")
    if clip_end is not None and not (_is_number(clip_end) and clip_end > 0):
        raise _bad_cameras(f"has a clip end of {clip_end}")
    missing = [frame for frame in frames if str(frame) not in data["frames"]]
    if missing:
        raise _bad_cameras(f"misses {name_frames(missing)}")
    for frame in frames:
        camera = data["frames"][str(frame)]
        for name in ("view", "projection"):
            if not isinstance(camera, dict) or not _is_matrix(camera.get(name)):
                raise _bad_cameras(f"has no 4×4 {name} matrix of finite numbers for frame {frame}")
    return data


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
    assert isinstance(width, int) and isinstance(height, int)
    return tuple(frames), width, height, tuple(styles), settings


def _missing_pass_hint(settings: StylizeSettings) -> str:
    if settings.regions:
        return "Render again with the passes Vector and Cryptomatte (object) on, or remove the regions."
    return "Turn on the Vector pass and render again, or let the motion be estimated."


def _hash(data: Mapping[str, Any]) -> str:
    content = {name: value for name, value in data.items() if name != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_matrix(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 4
        and all(isinstance(row, list) and len(row) == 4 and all(_is_number(item) for item in row) for row in value)
    )


def _bad_cameras(problem: str) -> LwswError:
    return LwswError("bad_settings", f"The camera file {problem}.", "Export the cameras again, or leave them out.")


def _holder(stream: IO[bytes]) -> str:
    try:
        stream.seek(0)
        holder = json.loads(stream.read())
        return f" (process {int(holder['pid'])} on {holder['host']})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""


if os.name == "nt":
    import msvcrt

    _LOCKED_BYTE = 1 << 30  # Windows locks are mandatory: lock far behind the text so that others can read it

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        stream.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

    def _unlock(stream: IO[bytes]) -> None:
        stream.seek(_LOCKED_BYTE)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:
    import fcntl

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        try:
            fcntl.flock(stream.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems have no locks; working without one there beats not working.
            return error.errno in _NO_FILE_LOCKS
        return True

    def _unlock(stream: IO[bytes]) -> None:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_UN)
        except OSError as error:
            if error.errno not in _NO_FILE_LOCKS:
                raise
