"""Jobs made from picture files on disk, with their results beside them: what ``lwsw stylize --out OUT`` works in.

OUT/0001.png      finished frames
OUT/job/          the job directory
OUT/job/clip.json which files the job was made from, and under which names its results appear
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..media.files import output_error, write_atomically
from ..media.images import check_png, decode_image, read_image, write_png16
from ..media.movies import Movie, find_movie, is_movie, write_movie_frames
from ..media.sequences import find_sequence
from .directory import JobDirectory, check_file_name, job_data, name_frames
from .pass_files import check_pass_file
from .settings import StylizeSettings


@dataclass(frozen=True)
class Clip:
    """The files of a job by frame number.

    Attributes:
        color: display-referred pictures.
        passes: multilayer EXR files, or None where there are none.
        styles: the paintings.
        single_name: stem of the picture where one picture was named, whose result keeps that name.
        movie: the movie whose pictures these are; ``color`` then has its path at every frame.
    """

    color: Mapping[int, Path]
    passes: Mapping[int, Path] | None
    styles: Sequence[Path]
    single_name: str | None = None
    movie: Movie | None = None

    @classmethod
    def find(cls, color: str, passes: str | None, styles: Sequence[Path]) -> Clip:
        """Find the files of patterns as :func:`lwsw.media.sequences.find_sequence` reads them; ``color`` may also be a movie.

        Raises:
            LwswError: its errors, and those of :func:`lwsw.media.movies.find_movie`; ``missing_style``; ``missing_pass`` naming frames
                without passes.
        """
        movie = find_movie(Path(color)) if is_movie(Path(color)) else None
        frames = find_sequence(color) if movie is None else dict.fromkeys(range(1, movie.frames + 1), movie.path)
        found: dict[int, Path] | None = None
        if passes is not None:
            try:
                found = find_sequence(passes, allow_gaps=True)
            except LwswError as error:
                if error.code != "missing_frames":
                    raise
                raise LwswError("missing_pass", f"No pass file matches '{passes}'.", error.hint) from None
            missing = [frame for frame in frames if frame not in found]
            if missing and len(frames) > 1:
                raise LwswError(
                    "missing_pass", f"There is no pass file for {name_frames(missing)}.", "Render their passes, or leave out --passes."
                )
            found = {frame: found[frame] for frame in frames if frame in found}
        for style in styles:
            if not style.is_file():
                raise LwswError("missing_style", f"The painting {style} does not exist.", "Choose another picture as style.")
        single = Path(color).stem if movie is None and Path(color).is_file() else None
        return cls(frames, found, styles, single, movie)

    @property
    def sources(self) -> list[Path]:
        """Every file, each once."""
        return list(dict.fromkeys([*self.color.values(), *(self.passes or {}).values(), *self.styles]))

    @property
    def notes(self) -> tuple[str, ...]:
        """What an artist should know of these files."""
        return self.movie.notes if self.movie else ()

    def size(self) -> tuple[int, int]:
        """Return width and height of the first picture; raise ``unreadable_frame``."""
        if self.movie is not None:
            return self.movie.width, self.movie.height
        path = next(iter(self.color.values()))
        if path.suffix.lower() == ".png":
            return check_png(_read(path), str(path))
        rows, columns = read_image(path, "frame").shape[:2]
        return columns, rows


class ClipJob:
    """A job directory inside an output folder.

    Attributes:
        out: the output folder.
        job: the job directory, ``out/job``.
        is_new: whether it was made just now.
        notes: what an artist should know of the files that it is made from.
    """

    def __init__(self, out: Path, job: JobDirectory, outputs: Mapping[int, str], is_new: bool = False, notes: Sequence[str] = ()) -> None:
        self.out = out
        self.job = job
        self.is_new = is_new
        self.notes = notes
        self._outputs = outputs

    @classmethod
    def prepare(
        cls,
        out: Path,
        clip: Clip,
        *,
        width: int | None,
        settings: StylizeSettings,
        cameras: Path | None = None,
        overwrite: bool = False,
    ) -> ClipJob:
        """Make the job of this clip in ``out``, or find it there if the same one was begun before.

        Args:
            out: output folder; made if it does not exist.
            clip: the files.
            width: width of the results in pixels, the height follows; None takes the size of the pictures.
            settings: checked settings.
            cameras: a ``cameras.json``, or None.
            overwrite: throw away what another command left in ``out``.

        Raises:
            LwswError: ``bad_settings`` where ``out`` holds something else, ``bad_frame_size``, and the errors of reading the files.
        """
        source_width, source_height = clip.size()
        width = source_width if width is None else width
        height = max(1, round(source_height * width / source_width))
        names = style_names(clip.styles)
        data = job_data(frames=clip.color, width=width, height=height, styles=names, settings=settings)
        sources = _fingerprints(clip, names, cameras)
        outputs = _output_names(clip)

        path = out / "job"
        if (path / "job.json").exists():
            job = JobDirectory.open(path)
            different = _different_settings(job, data)
            changed = _changed_sources(job, sources)
            if not different and _may_change(job, changed) and not overwrite:
                clip_job = cls(out, job, outputs, notes=clip.notes)
                if changed:
                    clip_job._replace(changed, sources)
                _check_passes(clip, settings, path)
                clip_job._fill(clip, cameras)
                return clip_job
            if job.finished_frames() and not overwrite:
                raise LwswError(
                    "bad_settings",
                    f"The folder {out} holds frames of a job that differs in {', '.join(different or ['its source files'])}.",
                    "Choose another --out, or add --overwrite to throw that job and its frames away.",
                )
            _remove(out, job)
        _check_outputs(out, outputs.values(), clip.sources, overwrite)
        _check_passes(clip, settings, path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(path, error) from error
        _write_clip(path, sources, outputs)  # before job.json, so that a job that exists always knows its files
        job = JobDirectory.create(path, frames=clip.color, width=width, height=height, styles=names, settings=settings)
        clip_job = cls(out, job, outputs, is_new=True, notes=clip.notes)
        for note in clip.notes:
            job.append_event({"event": "note", "text": note})
        clip_job._fill(clip, cameras)
        return clip_job

    @classmethod
    def open(cls, path: Path) -> ClipJob:
        """Open ``OUT`` or ``OUT/job``; also a job directory of the backend, whose results have no second place.

        Raises:
            LwswError: those of :meth:`JobDirectory.open`.
        """
        if (path / "job" / "job.json").exists() and not (path / "job.json").exists():
            path = path / "job"
        job = JobDirectory.open(path)
        try:
            names = json.loads((path / "clip.json").read_bytes())["outputs"]
            outputs = {frame: check_file_name(names[str(frame)]) for frame in job.frames}
        except (OSError, ValueError, KeyError, TypeError, LwswError):
            outputs = {}
        return cls(path.absolute().parent if outputs else path / "results", job, outputs)

    def publish(self, frame: int) -> None:
        """Put the result of a frame into the output folder: a hard link where the file system can, a copy elsewhere.

        Raises:
            LwswError: ``disk_full`` or ``output_not_writable``.
        """
        if frame in self._outputs:
            _link_or_copy(self.job.result_path(frame), self.out / self._outputs[frame], replace=True)

    def publish_finished(self) -> None:
        """Put every finished frame into the output folder; raises like :meth:`publish`."""
        for frame in self.job.finished_frames():
            self.publish(frame)

    def _replace(self, changed: Sequence[str], sources: Mapping[str, Any]) -> None:
        """Drop the copies of files that changed, so that they are brought in again; raise ``job_running`` while somebody works."""
        with self.job.lock():
            for name in changed:
                try:
                    (self.job.path / name).unlink(missing_ok=True)
                except OSError as error:
                    raise output_error(self.job.path / name, error) from error
            _write_clip(self.job.path, sources, self._outputs)

    def _fill(self, clip: Clip, cameras: Path | None) -> None:
        """Bring the files into the job directory, pictures checked (:func:`_check_passes` did the passes); those that are there stay."""
        for source, target in zip(clip.styles, self.job.style_paths, strict=True):
            if not target.exists():
                decode_image(_read(source), "style", str(source))
                _link_or_copy(source, target)
        waiting = [frame for frame in clip.color if not self.job.frame_path(frame).exists()]
        if clip.movie is not None:
            write_movie_frames(clip.movie, {frame: self.job.frame_path(frame) for frame in waiting})
        else:
            self._fill_pictures(clip, waiting)
        if self.job.needs_passes:
            for frame, source in (clip.passes or {}).items():
                target = self.job.pass_path(frame)
                if not target.exists():
                    _link_or_copy(source, target)
        if cameras is not None and not self.job.cameras_path.exists():
            try:
                content = json.loads(_read(cameras))
            except (ValueError, RecursionError):
                raise LwswError("bad_settings", f"The camera file {cameras} is not JSON.", "Export the cameras again.") from None
            self.job.write_cameras(content)

    def _fill_pictures(self, clip: Clip, frames: Iterable[int]) -> None:
        expected = clip.size()
        for frame in frames:
            source, target = clip.color[frame], self.job.frame_path(frame)
            if source.suffix.lower() == ".png":
                size = check_png(_read(source), str(source))
                _check_size(source, size, expected)
                _link_or_copy(source, target)
            else:
                pixels = read_image(source, "frame")
                _check_size(source, (pixels.shape[1], pixels.shape[0]), expected)
                write_png16(target, pixels)


def _output_names(clip: Clip) -> dict[int, str]:
    if clip.single_name is not None:
        return dict.fromkeys(clip.color, f"{clip.single_name}.png")
    return {frame: f"{frame:04d}.png" for frame in clip.color}


def style_names(styles: Sequence[Path]) -> list[str]:
    """Return names for ``styles/``: those of the files where every system can store them, and no two alike."""
    names: list[str] = []
    for index, style in enumerate(styles, 1):
        try:
            name = check_file_name(style.name)
        except LwswError:
            name = f"style_{index}{style.suffix.lower() if style.suffix[1:].isalnum() else ''}"
        if name.casefold() in (other.casefold() for other in names):
            name = f"{index}_{name}"
        names.append(name)
    return names


def _fingerprints(clip: Clip, style_names: Sequence[str], cameras: Path | None) -> dict[str, dict[str, Any]]:
    """Return, by its name in the job directory, what tells whether a file is still the one that the job was made from."""
    sources = {f"styles/{name}": path for name, path in zip(style_names, clip.styles, strict=True)}
    sources |= {f"frames/{frame:04d}.png": path for frame, path in clip.color.items()}
    sources |= {f"passes/{frame:04d}.exr": path for frame, path in (clip.passes or {}).items()}
    if cameras is not None:
        sources["cameras.json"] = cameras
    result = {}
    for name, path in sources.items():
        try:
            stat = path.stat()
        except OSError as error:
            raise _not_readable(path, error) from error
        result[name] = {"path": str(path.absolute()), "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}
    return result


def _write_clip(path: Path, sources: Mapping[str, Any], outputs: Mapping[int, str]) -> None:
    content = {"sources": sources, "outputs": {str(frame): name for frame, name in outputs.items()}}
    write_atomically(path / "clip.json", json.dumps(content, indent=1).encode())


def _different_settings(job: JobDirectory, data: Mapping[str, Any]) -> list[str]:
    """Return in what a job differs from what is asked for, in words; empty where it is the same."""
    old: dict[str, Any] = {"frames": list(job.frames), "width": job.width, "height": job.height, "paintings": list(job.styles)}
    new: dict[str, Any] = {"frames": data["frames"], "width": data["width"], "height": data["height"], "paintings": data["styles"]}
    old |= job.settings.to_dict()
    new |= data["settings"]
    return [name.replace("_", " ") for name, value in new.items() if value != old.get(name)]


def _changed_sources(job: JobDirectory, sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names (in the job directory) of files that changed, came or went since the job was made."""
    try:
        known = json.loads((job.path / "clip.json").read_bytes())["sources"]
        before = {name: (entry["bytes"], entry["modified_ns"]) for name, entry in known.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        before = {}
    now = {name: (entry["bytes"], entry["modified_ns"]) for name, entry in sources.items()}
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _may_change(job: JobDirectory, changed: Sequence[str]) -> bool:
    """Say whether a job can go on with files that changed: those of unfinished frames, say one that was rendered again."""
    first = job.first_unfinished()
    open_frames = [] if first is None else [frame for frame in job.frames if frame >= first]
    allowed = {f"frames/{frame:04d}.png" for frame in open_frames} | {f"passes/{frame:04d}.exr" for frame in open_frames}
    return set(changed) <= allowed or not job.finished_frames()


def _remove(out: Path, job: JobDirectory) -> None:
    """Remove a job and the frames that it published; raise ``job_running`` while somebody works on it."""
    published = ClipJob.open(job.path)._outputs
    with job.lock():
        pass  # Windows renames no folder with open files, so the lock is only tried
    grave = out / f".removed-{secrets.token_hex(4)}"
    try:
        job.path.rename(grave)
        for name in published.values():
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise output_error(out, error) from error
    shutil.rmtree(grave, ignore_errors=True)


def _check_outputs(out: Path, names: Iterable[str], sources: Sequence[Path], overwrite: bool) -> None:
    """Check that no picture of somebody else's is replaced, least of all a source."""
    inputs = {path.resolve() for path in sources}
    for name in names:
        target = out / name
        if not target.exists():
            continue
        if target.resolve() in inputs:
            raise LwswError("bad_settings", f"The result would replace its own source {target}.", "Choose another --out folder.")
        if not overwrite:
            raise LwswError(
                "bad_settings", f"There is already a picture {target}.", "Choose another --out folder, or add --overwrite to replace it."
            )


def _check_size(path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    if size != expected:
        raise LwswError(
            "bad_frame_size",
            f"{path} is {size[0]}×{size[1]} pixels, but the first frame is {expected[0]}×{expected[1]}.",
            "Render all frames in one size.",
        )


def _check_passes(clip: Clip, settings: StylizeSettings, path: Path) -> None:
    """Read the passes that the job in ``path`` needs and does not hold yet; raise what :func:`check_pass_file` raises."""
    count = len(clip.color)
    if settings.needs_passes(count):
        for frame, source in (clip.passes or {}).items():
            if not (path / "passes" / f"{frame:04d}.exr").exists():
                try:
                    check_pass_file(source, settings, count)
                except LwswError as error:
                    if settings.needs_motion(count) and error.code in ("missing_pass", "bad_pass_values"):
                        check_pass_file(source, replace(settings, motion="estimated"), count)  # else estimating would not help
                        hint = f"{error.hint} Or add --motion estimated, which takes the motion from the pictures and is less steady."
                        raise LwswError(error.code, error.message, hint) from error
                    raise


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _not_readable(path, error) from error


def _not_readable(path: Path, error: OSError) -> LwswError:
    return LwswError("missing_frames", f"{path} cannot be read: {error.strerror}.", "Check that the file is still there.")


def _link_or_copy(source: Path, target: Path, replace: bool = False) -> None:
    """Make ``target`` the same file as ``source``, or a copy on another disk; complete or not there at all."""
    if replace:
        with suppress(OSError):
            if target.samefile(source):
                return
    temporary = target.with_name(f".{secrets.token_hex(8)}.lwsw-tmp")
    try:
        try:
            os.link(source.resolve(), temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        try:
            temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(target, error) from error
