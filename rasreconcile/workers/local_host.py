"""This machine as a host: run directories in a folder of its own, and processes."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from rasreconcile.account import expanded
from rasreconcile.errors import Damaged, Refused, Trouble, Unreachable
from rasreconcile.hashed_copy import hashed_copy
from rasreconcile.held_files import when_let_go
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.cache_gc import trim
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.host import LEAST_FREE
from rasreconcile.workers.input_cache import cached, open_private, stage
from rasreconcile.workers.inspect import boot_id, look_here
from rasreconcile.workers.listing import listed_here
from rasreconcile.workers.local_processes import LocalProcesses, processes_here
from rasreconcile.workers.run_files import RunFiles

_BOOT = "boot"
"""Control file: since which start of this machine the directory is whole."""


class LocalHost:
    """This machine: files and processes without a detour. Any number of threads and processes may use one folder."""

    def __init__(
        self,
        folder: Path,
        filled: Callable[[Path], None] = lambda _: None,
        processes: LocalProcesses | None = None,
    ) -> None:
        """`filled` is called with each run directory that is made, whole and not yet under its name."""
        self._processes = processes or processes_here()
        self._folder = folder
        self._filled = filled
        self._cache = folder / rundir.CACHE

    @property
    def platform(self) -> Literal["posix", "windows"]:
        return self._processes.platform

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        with self.answering():
            return look_here(self._folder, runs)

    def stage(self, inputs: Collection[Staged]) -> None:
        with self.answering():
            for staged in inputs:
                if staged.writable == "read only":
                    cached(staged, self._cache)

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        place = self._folder / run
        with self.answering():
            if place.is_dir():
                if self._is_whole(place):
                    self._remove_half_made(run)
                    return
                # Made before the machine lost its power: files that were not flushed may hold zeros.
                self._set_aside(run)
            aside = self._folder / f".{run}.{secrets.token_hex(4)}.new"
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside.mkdir(mode=0o700)
            try:
                self._fill(aside, inputs, controls)
                _rename_unless_there(aside, place)
            except FileNotFoundError:
                # Another starter was quicker, and has cleared away what it took for the rest of one that died.
                if not place.is_dir():
                    raise
            finally:
                _remove_tree(aside)
            self._remove_half_made(run)

    def launch(self, run: RunId) -> None:
        with self.answering():
            # Of an earlier start; the job may have put anything in its place.
            _remove_tree(self._folder / run / rundir.UNCLAIMED)
        self._processes.launch(self._folder / run)
        # After it: without the mark a run that is not claimed yet is started once more, which does no harm, and with a
        # mark and no runner it would be waited for.
        with suppress(Refused):
            self.mark(run, rundir.LAUNCHED)

    def mark(self, run: RunId, name: str) -> None:
        place = self._folder / run
        with self.answering(), suppress(FileNotFoundError):
            if controls.kind_of(place) == "a directory":
                if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
                    # The job took the rights from its own run directory.
                    place.chmod(stat.S_IRWXU)
                kind = controls.kind_of(place / name)
                if kind is not None and (kind != "a file" or not os.access(place / name, os.W_OK)):
                    # The job's own: a pipe would be waited for, a link would lead into another file.
                    _remove_tree(place / name)
                file = os.open(place / name, controls.MARKING, 0o600)
                os.utime(file if os.utime in os.supports_fd else place / name)
                os.close(file)

    def sweep(self, run: RunId) -> None:
        self._processes.sweep(self._folder / run)

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        with _left_by(run), controls.opened(self._folder / run, f"{rundir.WORK}/{name}") as read:
            if read is None:
                raise FileNotFoundError(errno.ENOENT, f"{run} has no output of this name", name)
            promised = self._recorded(run, name)
            found = os.fstat(read.fileno()).st_size
            if found != promised:
                # Before it fills a disk here.
                raise Unfit(f"{name} has {found} bytes now, the run recorded {promised}")
            controls.require_room(into, found)
            with into.open("wb") as write:
                # No more than it had when it was opened: the job may write to it faster than it is read.
                size, digest = hashed_copy(controls.parts_of(read, found), write)
                write.flush()
                os.fsync(write.fileno())
        return Fetched(size, digest)

    def _recorded(self, run: RunId, name: str) -> int:
        """The size of an output as its run recorded it. Raises FileNotFoundError where it recorded none, Unfit."""
        done = controls.text(self._folder / run, rundir.DONE)
        ended = run_files.ended_of(done) if done is not None else None
        if ended is None or name not in ended.outputs:
            raise FileNotFoundError(errno.ENOENT, f"{run} recorded no output of this name", name)
        return ended.outputs[name].size

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        with self.answering(), _left_by(run), controls.opened(self._folder / run, name) as file:
            if file is None:
                return b""
            file.seek(offset)
            return controls.read_at_most(file, limit)

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        with self.answering():
            return listed_here(self._folder / run)

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        return tuple(path for path in paths if _is_there(path))

    def ask(self, script: str, words: Sequence[str]) -> str:
        return self._processes.ask(script, words)

    def remove(self, run: RunId) -> None:
        with self.answering():
            self._set_aside(run)
            self._remove_half_made(run)

    def runs(self) -> Mapping[RunId, datetime]:
        found: dict[RunId, datetime] = {}
        with self.answering(), suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                run = rundir.run_named(entry.name)
                if run is not None and entry.is_dir(follow_symlinks=False):
                    # A job can set the time of its folder to what is none: then it is as old as can be.
                    found_at = controls.moment_or_none(entry.stat(follow_symlinks=False).st_mtime)
                    changed = found_at or datetime.fromtimestamp(0, UTC)
                    found[run] = max(changed, found.get(run, changed))
        return found

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        with self.answering():
            return trim(self._cache, unused_for=unused_for, at_most=at_most, how=how)

    def problems(self) -> list[Trouble]:
        found = self._processes.problems()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._try_writing()
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                return [
                    *found,
                    Trouble(f"{self._folder}: {error.strerror}", "free some space for worker_folder"),
                ]
            if error.errno in {errno.EEXIST, errno.ENOTDIR}:
                above = (self._folder, *self._folder.parents)
                file = next((one for one in above if one.exists() and not one.is_dir()), self._folder)
                what = f"{file} is not a folder"
                return [*found, Trouble(what, "move that file away, or set worker_folder to another folder")]
            remedy = "set worker_folder to a folder on a disk of this machine that can be written and takes hard links"
            return [*found, Trouble(f"{self._folder}: {error.strerror or error}", remedy)]
        if free < LEAST_FREE:
            found.append(Trouble(f"{self._folder}: only {free >> 20} MB are free", "free some space"))
        return found

    def close(self) -> None:
        """Nothing to give back."""

    def _fill(self, aside: Path, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        work = aside / rundir.WORK
        work.mkdir(mode=0o700)
        for staged in inputs:
            stage(staged, self._cache, work)
        for name, data in controls.items():
            _write_private(aside / name, data)
        if sys.platform != "win32":
            _write_private(aside / _BOOT, (boot_id() or "").encode())
        else:
            # No name for this start of the machine tells files that a power cut has emptied: none may be.
            _flush(aside)
        self._filled(aside)

    def _is_whole(self, place: Path) -> bool:
        if controls.kind_of(place / rundir.STARTED) is not None:
            return True
        if sys.platform == "win32":
            return True
        try:
            return controls.text(place, _BOOT) == (boot_id() or "")
        except Unfit:
            return False

    def _remove_half_made(self, run: RunId) -> None:
        """What starters and removers that died have left of this run."""
        for half in self._folder.glob(f".{run}.*.new"):
            # Renamed first: whoever should still be filling it cannot put anything into what is being removed.
            self._rename_gone(half, run)
        for gone in self._folder.glob(f".{run}.*.gone"):
            _remove_tree(gone)

    def _set_aside(self, run: RunId) -> None:
        self._rename_gone(self._folder / run, run)

    def _rename_gone(self, folder: Path, run: RunId) -> None:
        with suppress(FileNotFoundError):
            gone = self._folder / f".{run}.{secrets.token_hex(4)}.gone"
            when_let_go(partial(folder.rename, gone))

    def _try_writing(self) -> None:
        # Always the same names, so that the next look removes what one that was killed has left.
        probe, link = self._folder / ".probe", self._folder / ".probe.link"
        try:
            link.unlink(missing_ok=True)
            _write_private(probe, b"x")
            # Two that look at once meet each other's files: either way links can be made here.
            with suppress(FileExistsError, FileNotFoundError):
                if sys.platform != "win32":
                    link.hardlink_to(probe)
        finally:
            link.unlink(missing_ok=True)
            probe.unlink(missing_ok=True)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What the file system says of the worker's own folder, in our words."""
        try:
            yield
        except OSError as error:
            said = f"{error.filename or self._folder}: {error.strerror or error}"
            match error.errno:
                case errno.ENOSPC | errno.EDQUOT:
                    raise Refused(f"{said}", "free some space for worker_folder") from error
                case errno.EACCES | errno.EPERM | errno.EROFS | errno.ENOTDIR:
                    raise Refused(
                        f"{said}", "set worker_folder to a folder this user may write to"
                    ) from error
                case _:
                    raise Unreachable(f"{said}", "it will be retried") from error


def _write_private(path: Path, data: bytes) -> None:
    with open_private(path) as file:
        file.write(data)


def _is_there(path: str) -> bool:
    try:
        return expanded(path).exists()
    except Refused:
        # `~` of a user without a home.
        return False


def _rename_unless_there(aside: Path, place: Path) -> None:
    try:
        when_let_go(partial(aside.rename, place))
    except OSError as error:
        # Another starter was quicker: its directory holds the same bytes.
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise


@contextmanager
def _left_by(run: RunId) -> Iterator[None]:
    """What is not a plain file is the run's doing."""
    try:
        yield
    except Unfit as error:
        raise Damaged(f"{run}: {error}") from error


def _flush(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            # What is linked from the cache was flushed there.
            if path.stat().st_nlink == 1:
                with path.open("rb+") as file:
                    os.fsync(file.fileno())


def _remove_tree(folder: Path) -> None:
    """Also where the job took rights from its own folders, or somebody else is removing the same.

    Where the job has put a link, or a file, in the place of a folder, that is removed, and what it leads to stays.
    """
    with suppress(FileNotFoundError):
        if controls.kind_of(folder) not in {None, "a directory"}:
            folder.unlink()
    try:
        shutil.rmtree(folder, onerror=_unless_gone)
    except PermissionError:
        _give_rights(folder)
        when_let_go(lambda: shutil.rmtree(folder, onerror=_unless_gone))


def _give_rights(folder: Path) -> None:
    folder.chmod(stat.S_IRWXU)
    for place, folders, files in os.walk(folder):
        # Windows removes no file that is read-only; elsewhere that is a matter of the folder.
        for name in (*folders, *(files if sys.platform == "win32" else ())):
            if not Path(place, name).is_symlink():
                Path(place, name).chmod(stat.S_IRWXU)


def _unless_gone(_: object, __: str, failure: tuple[object, BaseException, object]) -> None:
    if not isinstance(failure[1], FileNotFoundError):
        raise failure[1]
