"""`logs --fetch`: the run directory of a run, brought here from whatever worker it is on.

What lies there is hostile input: only plain files are taken, under names that stay below the folder they are brought
to. Nothing that exists here is overwritten unless that is asked for, and what an earlier fetch brought is kept.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from rasreconcile import held_files
from rasreconcile.engines.inputs import is_only_read
from rasreconcile.errors import Damaged, RasReconcileError, Refused, UsageError
from rasreconcile.jobs import Absent, Ended, LeftFile, OutputRecord, RunId, Worker
from rasreconcile.store.runs import RecordedInput
from rasreconcile.workers import rundir
from rasreconcile.workers.controls import LARGEST
from rasreconcile.workers.listing import MOST_FILES

Existing = Literal["keep", "replace"]
"""What becomes of another file that has the name of one that is brought."""

_PART = 8 << 20
"""Bytes that are asked for at once."""
_RESERVE = 64 << 20
"""Bytes that stay free on the disk here."""
_SECRET = frozenset({rundir.STEPS, rundir.WINDOWS_STEPS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(slots=True)
class FetchedRun:
    """What came of it, by name in the run directory."""

    folder: Path
    brought: dict[str, int] = field(default_factory=dict)
    """Size in bytes."""
    here: list[str] = field(default_factory=list)
    """Brought by an earlier fetch."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Never brought, and why."""
    lacking: dict[str, str] = field(default_factory=dict)
    """Could not be brought now, and why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a listing is brought, the smallest first, and what is not, with the reason."""

    wanted: tuple[LeftFile, ...]
    left_out: Mapping[str, str]


def fetch_run(
    worker: Worker, run: RunId, into: Path, *, inputs: Collection[RecordedInput] = (), existing: Existing
) -> FetchedRun | None:
    """Brings the run directory to `into/<run>`; None where there is none any more. May be repeated: it continues.

    Shared data among the `inputs` of the run stay where they are. Raises WorkerError, and where nothing can be written
    here UsageError or RasReconcileError; what was brought before stays.
    """
    folder = into / run
    status = worker.poll([run])[run]
    if isinstance(status, Absent):
        return None
    recorded = status.outputs if isinstance(status, Ended) else {}
    choice = choose(worker.files(run), _shared(worker, run, inputs))
    _make(folder)
    fetched = FetchedRun(folder, left_out=dict(choice.left_out))
    room = shutil.disk_usage(folder).free - _RESERVE
    for file in choice.wanted:
        if file.size > room:
            fetched.lacking[file.name] = f"{file.size:,} bytes, and {max(room, 0):,} are free here"
            continue
        record = recorded.get(file.name.removeprefix(f"{rundir.WORK}/"))
        one = _File(worker, run, file, folder, record if record and record.size == file.size else None)
        why = one.bring(existing)
        if why == "":
            fetched.brought[file.name] = file.size
            room -= file.size
        elif why == "here":
            fetched.here.append(file.name)
        else:
            fetched.lacking[file.name] = why
    return fetched


def choose(listed: Sequence[LeftFile], shared: Collection[str]) -> Choice:
    """Plain files with names that can be kept here; `shared`: names below `work/` of data that every run reads."""
    wanted: list[LeftFile] = []
    left_out: dict[str, str] = {}
    for file in listed:
        if why := _why_not(file, shared):
            left_out[file.name] = why
        else:
            wanted.append(file)
    if len(listed) >= MOST_FILES:
        left_out["and more"] = f"more than {MOST_FILES - 1:,} files are not listed"
    return Choice(tuple(sorted(wanted, key=lambda file: (file.size, file.name))), left_out)


def _why_not(file: LeftFile, shared: Collection[str]) -> str:
    if file.kind != "a file":
        return f"{file.kind}; it is not followed" if file.kind == "a link" else file.kind
    try:
        rundir.check_name(file.name)
    except Refused:
        return "not a name for a file here"
    if file.name in _SECRET:
        return "it may hold secrets of `env`"
    if file.name.removeprefix(f"{rundir.WORK}/") in shared:
        return "an input that no run changes; it is in the project"
    return ""


def _shared(worker: Worker, run: RunId, inputs: Collection[RecordedInput]) -> frozenset[str]:
    """Names below `work/` of the inputs that are linked from a cache, as the run directory itself calls them."""
    data = {one.raw for one in inputs if is_only_read(one.kind, one.name)}
    if not data:
        return frozenset()
    try:
        said: Any = json.loads(worker.read_file(run, rundir.JOB, 0, LARGEST))
        return frozenset(str(one["name"]) for one in said["inputs"] if one["sha256"] in data)
    except (ValueError, TypeError, KeyError, RecursionError, Damaged):
        # The job has spoilt it: then all is brought.
        return frozenset()


@dataclass(frozen=True, slots=True)
class _File:
    """A file on its way."""

    worker: Worker
    run: RunId
    file: LeftFile
    folder: Path
    record: OutputRecord | None
    """What the runner said of it when the run ended; None: nothing, or it was changed since."""

    def bring(self, existing: Existing) -> str:
        """Empty where it was brought; `here` where it was before; else why it was not."""
        target = self.folder / self.file.name
        try:
            if link := next((p for p in self._folders() if p.is_symlink()), None):
                return f"{link} is a link here; remove it"
            if os.path.lexists(target):
                if self._is_here(target):
                    return "here"
                if existing == "keep":
                    return "another file of this name exists here; --force replaces it"
            target.parent.mkdir(parents=True, exist_ok=True)
            part = self._part()
            if why := self._copied(part):
                return why
            os.utime(part, (self.file.changed, self.file.changed))
            held_files.replace(part, target)
        except Damaged as error:
            return error.trouble.what
        except OSError as error:
            if error.errno in _FULL:
                raise RasReconcileError(
                    f"{error.filename or target}: {error.strerror}",
                    "free some space or name another folder, and run the command again: it continues",
                ) from error
            return error.strerror or str(error)
        return ""

    def _folders(self) -> Iterator[Path]:
        for parent in reversed(PurePosixPath(self.file.name).parents):
            yield self.folder / parent

    def _is_here(self, target: Path) -> bool:
        found = target.lstat()
        same = (found.st_size, int(found.st_mtime)) == (self.file.size, self.file.changed)
        return stat.S_ISREG(found.st_mode) and same

    def _part(self) -> Path:
        """Named for what it is a part of: half of an older file of the same name is not gone on with."""
        whole = f"{self.file.name}\0{self.file.size}\0{self.file.changed}".encode("utf-8", "surrogateescape")
        part = self.folder / f".{hashlib.sha256(whole).hexdigest()[:24]}.part"
        if part.is_symlink():
            part.unlink()
        return part

    def _copied(self, part: Path) -> str:
        """Why it could not be; empty: it is whole, and flushed."""
        if self.record is None:
            return self._read_in_parts(part)
        try:
            fetched = self.worker.fetch(self.run, self.file.name.removeprefix(f"{rundir.WORK}/"), part)
        except FileNotFoundError:
            return "it is gone since it was listed"
        if fetched.digest == self.record.digest:
            return ""
        part.unlink()
        return "it is not what the run recorded, or arrived damaged; run the command again"

    def _read_in_parts(self, part: Path) -> str:
        size, offset = self.file.size, part.stat().st_size if part.exists() else 0
        with part.open("r+b" if part.exists() else "xb") as write:
            # What a power failure left at the end of it may not be what was written.
            offset = max(0, min(offset, size) - _PART)
            write.truncate(offset)
            write.seek(offset)
            while offset < size:
                data = self.worker.read_file(self.run, self.file.name, offset, min(_PART, size - offset))
                if not data:
                    return "it became shorter while it was read, or is gone"
                write.write(data[: size - offset])
                offset += len(data)
            write.flush()
            os.fsync(write.fileno())
        return ""


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}", "name a folder that can be written") from error
