"""The spool: edited copies of inputs, kept by what they were made of, so that each is made once.

A local folder of its own (0700). An entry is believed only after its bytes were hashed again.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rasreconcile import held_files
from rasreconcile.edited_inputs import Edit, OfVersion, SetAttributes, WithoutResults
from rasreconcile.edits import texts
from rasreconcile.errors import InputChanged
from rasreconcile.hashed_copy import CHUNK, digest_of_file, hashed_copy
from rasreconcile.jobs import Job, Staged
from rasreconcile.plain_files import opened

_KEPT_SECONDS = 30 * 86400.0
"""An entry nobody asked for in a month is made again when somebody does."""


@dataclass(frozen=True, slots=True)
class Spool:
    """May be used by several threads and processes at once."""

    folder: Path
    clock: Callable[[], float] = time.time

    def job(self, job: Job) -> Job:
        """The job with every edit made: what a worker gets. Blocks.

        Raises InputChanged where a source is no longer what was hashed, ProjectError where it cannot be edited,
        OSError where there is no room here.
        """
        return replace(job, inputs=tuple(self.edited(s) if s.edits else s for s in job.inputs))

    def edited(self, staged: Staged) -> Staged:
        """The staged file after its edits; its source is then a file of the spool."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=_mode(self.folder.parent))
        key = hashlib.sha256(f"{staged.digest} {staged.edits!r}".encode()).hexdigest()
        place = self._kept(key) or self._made(staged, key)
        digest = place.name.partition(".")[2]
        return replace(staged, source=place, digest=digest, size=place.stat().st_size, edits=())

    def sweep(self) -> None:
        """Removes what nobody asked for in a month, and what processes that died had begun.

        For whoever holds the store: nobody else is then making an entry.
        """
        for path in self.folder.glob("*") if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):
                if path.name.startswith(".") or self.clock() - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()

    def _kept(self, key: str) -> Path | None:
        for path in self.folder.glob(f"{key}.*"):
            with suppress(FileNotFoundError):
                if re.fullmatch(rf"{key}\.[0-9a-f]{{64}}", path.name) is None:
                    continue
                if digest_of_file(path) == path.name.partition(".")[2]:
                    path.touch()
                    return path
                path.unlink()
        return None

    def _made(self, staged: Staged, key: str) -> Path:
        part = self.folder / f".{key}.{secrets.token_hex(6)}.part"
        try:
            _copy_checked(staged, part)
            for edit in staged.edits:
                _edit(part, edit, staged.source)
            place = self.folder / f"{key}.{digest_of_file(part)}"
            held_files.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
            part.with_name(f"{part.name}.without").unlink(missing_ok=True)
        return place


def _mode(folder: Path) -> int:
    """Of a folder made in this one: for a group where it is the group's own (setgid)."""
    return 0o770 if folder.is_dir() and folder.stat().st_mode & stat.S_ISGID else 0o700


def _edit(path: Path, edit: Edit, source: Path) -> None:
    if isinstance(edit, SetAttributes | WithoutResults | OfVersion):
        from rasreconcile.edits import hdf  # noqa: PLC0415  h5py is a quarter of a second of import

        hdf.edit(path, edit, source)
    else:
        path.write_bytes(texts.edited(path.read_bytes(), edit))


def _copy_checked(staged: Staged, target: Path) -> None:
    """Copies and hashes in one read, as a worker does. Raises InputChanged."""
    try:
        read = opened(staged.source)
    except OSError as error:
        text = (
            f"{staged.source}: {error.strerror}; it was readable when it was hashed; it will be checked again"
        )
        raise InputChanged(text) from error
    with read, target.open("xb") as write:
        _, digest = hashed_copy(partial(read.read, CHUNK), write)
    if digest != staged.digest:
        raise InputChanged(f"{staged.source} changed after it was hashed", "it will be hashed again")
