"""This machine as a host: run directories in a folder of its own, and processes."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from rasreconcile.account import expanded
from rasreconcile.errors import Damaged, Refused, Trouble, Unreachable
from rasreconcile.hashed_copy import hashed_copy
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.cache_gc import trim
from rasreconcile.workers.ci_agents import unmarked
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.host import ASK_SECONDS, LEAST_FREE
from rasreconcile.workers.input_cache import cached, open_private, stage
from rasreconcile.workers.inspect import boot_id, look_here
from rasreconcile.workers.listing import listed_here
from rasreconcile.workers.run_files import RunFiles

NEEDED = ("sh", "setsid", "sha256sum", "nice")
"""Programs without which the runner cannot do its work."""
LAUNCH = 'umask 077; rm -rf "$1/runner.err"; set -C; sh "$1/runner.sh" "$1" </dev/null >/dev/null 2>"$1/runner.err" &'
"""Shell text that starts the runner of directory $1 and ends at once: the runner is then nobody's child.

What an earlier start has left may be a link, or a pipe: it is removed, and nothing that is there is written to.
"""
_BOOT = "boot"
"""Control file: since which start of this machine the directory is whole."""


class LocalHost:
    """This machine: files and processes without a detour. Any number of threads and processes may use one folder."""

    platform: Final = "posix"

    def __init__(self, folder: Path, filled: Callable[[Path], None] = lambda _: None) -> None:
        """`filled` is called with each run directory that is made, whole and not yet under its name."""
        self._folder = folder
        self._filled = filled
        self._cache = folder / rundir.CACHE

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
        command = ["sh", "-c", LAUNCH, "sh", str(self._folder / run)]
        with self.answering():
            # Of an earlier start; the job may have put anything in its place.
            _remove_tree(self._folder / run / rundir.UNCLAIMED)
        try:
            subprocess.run(
                command,
                check=True,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                env=unmarked(os.environ),
                timeout=60,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"the runner of {run} could not be started: {error}", "it will be retried"
            ) from error
        # After it: without the mark a run that is not claimed yet is started once more, which does no harm, and with a
        # mark and no runner it would be waited for.
        with suppress(Refused):
            self.mark(run, rundir.LAUNCHED)

    def mark(self, run: RunId, name: str) -> None:
        place = self._folder / run
        with self.answering(), suppress(FileNotFoundError):
            if controls.kind_of(place) == "a directory":
                kind = controls.kind_of(place / name)
                if kind is not None and (kind != "a file" or not os.access(place / name, os.W_OK)):
                    # The job's own: a pipe would be waited for, a link would lead into another file.
                    _remove_tree(place / name)
                flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                file = os.open(place / name, flags, 0o600)
                os.utime(file)
                os.close(file)

    def sweep(self, run: RunId) -> None:
        # Ours, and not the one that lies there: the job may have written to that.
        command = ["sh", "-c", rundir.script("runner.sh"), "sh", str(self._folder / run), "sweep"]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"what is left of {run} could not be ended: {error}", "it will be retried"
            ) from error

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
        command = ["sh", "-c", script, "sh", *words]
        try:
            done = subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unreachable(
                f"this machine could not be looked at: {error}", "it will be retried"
            ) from error
        return done.stdout.decode(errors="replace")

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
        found = [
            Trouble(f"{name} is not there", f"install the package that has `{name}`")
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
                    Trouble(f"{self._folder}: {error.strerror}", "free some space for worker_folder"),
                ]
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
        _write_private(aside / _BOOT, (boot_id() or "").encode())
        self._filled(aside)

    def _is_whole(self, place: Path) -> bool:
        if controls.kind_of(place / rundir.STARTED) is not None:
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
            folder.rename(self._folder / f".{run}.{secrets.token_hex(4)}.gone")

    def _try_writing(self) -> None:
        # Always the same names, so that the next look removes what one that was killed has left.
        probe, link = self._folder / ".probe", self._folder / ".probe.link"
        try:
            link.unlink(missing_ok=True)
            _write_private(probe, b"x")
            # Two that look at once meet each other's files: either way links can be made here.
            with suppress(FileExistsError, FileNotFoundError):
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
        aside.rename(place)
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
        folder.chmod(stat.S_IRWXU)
        for place, folders, _ in os.walk(folder):
            for name in folders:
                if not Path(place, name).is_symlink():
                    Path(place, name).chmod(stat.S_IRWXU)
        shutil.rmtree(folder, onerror=_unless_gone)


def _unless_gone(_: object, __: str, failure: tuple[object, BaseException, object]) -> None:
    if not isinstance(failure[1], FileNotFoundError):
        raise failure[1]
