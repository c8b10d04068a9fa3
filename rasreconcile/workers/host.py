"""A host: where run directories lie, and how to get at them. Private to workers."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Fetched, Problem, RunId, Staged, Trimmed
from rasreconcile.workers import rundir
from rasreconcile.workers.cache_gc import trim
from rasreconcile.workers.input_cache import cached, stage
from rasreconcile.workers.inspect import boot_id, look_here, text_of
from rasreconcile.workers.rundir import RunFiles

_CHUNK = 1 << 20
LEAST_FREE = 100 << 20
"""Bytes that must be free for a run to have a chance."""
NEEDED = ("sh", "setsid", "sha256sum", "nice")
"""Programs without which the runner cannot do its work."""
LAUNCH = 'sh "$1/runner.sh" "$1" </dev/null >/dev/null 2>"$1/runner.err" &'
"""Shell text that starts the runner of directory $1 and ends at once: the runner is then nobody's child."""
_BOOT = "boot"
"""Control file: since which start of this machine the directory is whole."""


class Host(Protocol):
    """Blocks on every call. Raises Unreachable where there is no answer, Refused where the answer is no."""

    @property
    def platform(self) -> Literal["posix", "windows"]:
        """Whose programs it runs."""

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        """What lies in each run directory, in one round trip; None: there is none."""

    def stage(self, inputs: Collection[Staged]) -> None:
        """Puts what can be shared where `prepare` finds it. Raises InputChanged. May be repeated, at once too."""

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        """Makes the run directory, which appears whole or not at all; one that is there is left as it is.

        Raises InputChanged, and leaves nothing that could run. May be repeated, by several at once.
        """

    def launch(self, run: RunId) -> None:
        """Starts the runner, detached from this process and from the connection."""

    def mark(self, run: RunId, name: str) -> None:
        """Makes an empty file in the run directory, where there is one."""

    def sweep(self, run: RunId) -> None:
        """Ends processes that a runner which was killed has left behind."""

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        """Copies a file of `work/` here. Raises FileNotFoundError."""

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        """Part of a file of the run directory; empty where there is none."""

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those of `paths` that are there, in the order asked, in one round trip. `~/` is the user's home there."""

    def remove(self, run: RunId) -> None:
        """Removes the run directory, which disappears in one step, and what a death in prepare or here left of it."""

    def runs(self) -> Mapping[RunId, datetime]:
        """Every run with a run directory, or with what a death in prepare or remove left, and when it last changed."""

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        """As `jobs.Worker` says."""

    def problems(self) -> list[Problem]:
        """What would stop a run here."""

    def close(self) -> None:
        """Gives back connections."""


class LocalHost:
    """This machine: files and processes without a detour. Any number of threads and processes may use one folder."""

    platform: Final = "posix"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache = folder / rundir.CACHE

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        with self._answering():
            return look_here(self._folder, runs)

    def stage(self, inputs: Collection[Staged]) -> None:
        with self._answering():
            for staged in inputs:
                if staged.writable == "read only":
                    cached(staged, self._cache)

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        place = self._folder / run
        with self._answering():
            if place.is_dir():
                if self._is_whole(place):
                    self._remove_half_made(run)
                    return
                # Made before the machine lost its power: files that were not flushed may hold zeros.
                self._set_aside(run)
            aside = self._folder / f".{run}.{secrets.token_hex(4)}.new"
            aside.mkdir(parents=True, mode=0o700)
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
        command = ["sh", "-c", LAUNCH, "sh", str(self._folder / run)]
        try:
            subprocess.run(command, check=True, start_new_session=True, stdin=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"the runner of {run} could not be started: {error}; it is tried again"
            ) from error

    def mark(self, run: RunId, name: str) -> None:
        with self._answering(), suppress(FileNotFoundError):
            (self._folder / run / name).touch()

    def sweep(self, run: RunId) -> None:
        place = self._folder / run
        if not (place / rundir.RUNNER).exists():
            return
        command = ["sh", str(place / rundir.RUNNER), str(place), "sweep"]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"what is left of {run} could not be ended: {error}; it is tried again"
            ) from error

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        whole, size = hashlib.sha256(), 0
        source = self._folder / run / rundir.WORK / name
        if not source.is_file():
            raise FileNotFoundError(errno.ENOENT, f"{run} has no output of this name", name)
        with source.open("rb") as read, into.open("wb") as write:
            while chunk := read.read(_CHUNK):
                write.write(chunk)
                whole.update(chunk)
                size += len(chunk)
            write.flush()
            os.fsync(write.fileno())
        return Fetched(size, whole.hexdigest())

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        with self._answering():
            try:
                with (self._folder / run / name).open("rb") as file:
                    file.seek(offset)
                    return file.read(limit)
            except FileNotFoundError:
                return b""

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        return tuple(path for path in paths if Path(path).expanduser().exists())

    def remove(self, run: RunId) -> None:
        with self._answering():
            self._set_aside(run)
            self._remove_half_made(run)

    def runs(self) -> Mapping[RunId, datetime]:
        found: dict[RunId, datetime] = {}
        with self._answering(), suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                run = rundir.run_named(entry.name)
                if run is not None and entry.is_dir(follow_symlinks=False):
                    changed = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
                    found[run] = max(changed, found.get(run, changed))
        return found

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        with self._answering():
            return trim(self._cache, unused_for=unused_for, at_most=at_most, how=how)

    def problems(self) -> list[Problem]:
        found = [
            Problem(f"{name} is not there", f"install the package that has `{name}`")
            for name in NEEDED
            if shutil.which(name) is None
        ]
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._try_writing()
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                return [
                    *found,
                    Problem(f"{self._folder}: {error.strerror}", "free some room for worker_folder"),
                ]
            remedy = "set worker_folder to a folder on a disk of this machine that can be written and takes hard links"
            return [*found, Problem(f"{self._folder}: {error.strerror or error}", remedy)]
        if free < LEAST_FREE:
            found.append(Problem(f"{self._folder}: only {free >> 20} MB are free", "free some room"))
        return found

    def close(self) -> None:
        """Nothing to give back."""

    def _fill(self, aside: Path, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        work = aside / rundir.WORK
        work.mkdir(mode=0o700)
        for staged in inputs:
            stage(staged, self._cache, work / staged.name)
        for name, data in controls.items():
            (aside / name).write_bytes(data)
        (aside / _BOOT).write_text(boot_id() or "", encoding="utf-8")

    def _is_whole(self, place: Path) -> bool:
        return text_of(place / _BOOT) == (boot_id() or "") or (place / rundir.STARTED).exists()

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
            folder.rename(self._folder / f".{run}.{secrets.token_hex(4)}.gone")

    def _try_writing(self) -> None:
        # Always the same names, so that the next look removes what one that was killed has left.
        probe, link = self._folder / ".probe", self._folder / ".probe.link"
        try:
            link.unlink(missing_ok=True)
            probe.write_bytes(b"x")
            # Two that look at once meet each other's files: either way links can be made here.
            with suppress(FileExistsError, FileNotFoundError):
                link.hardlink_to(probe)
        finally:
            link.unlink(missing_ok=True)
            probe.unlink(missing_ok=True)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """What the file system says of the worker's own folder, in our words."""
        try:
            yield
        except OSError as error:
            said = f"{error.filename or self._folder}: {error.strerror or error}"
            match error.errno:
                case errno.ENOSPC | errno.EDQUOT:
                    raise Refused(f"{said}; free some room for worker_folder") from error
                case errno.EACCES | errno.EPERM | errno.EROFS | errno.ENOTDIR:
                    raise Refused(f"{said}; set worker_folder to a folder this user may write to") from error
                case _:
                    raise Unreachable(f"{said}; it is tried again") from error


def _rename_unless_there(aside: Path, place: Path) -> None:
    try:
        aside.rename(place)
    except OSError as error:
        # Another starter was quicker: its directory holds the same bytes.
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise


def _remove_tree(folder: Path) -> None:
    """Also where the job took rights from its own folders, or somebody else is removing the same."""
    try:
        shutil.rmtree(folder, onerror=_unless_gone)
    except PermissionError:
        folder.chmod(stat.S_IRWXU)
        for place, folders, _ in os.walk(folder):
            for name in folders:
                Path(place, name).chmod(stat.S_IRWXU)
        shutil.rmtree(folder, onerror=_unless_gone)


def _unless_gone(_: object, __: str, failure: tuple[object, BaseException, object]) -> None:
    if not isinstance(failure[1], FileNotFoundError):
        raise failure[1]
