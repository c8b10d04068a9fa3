"""A download: one file of a run out of a share, that goes on where the connection was lost."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from rasreconcile.errors import Damaged, Unreachable
from rasreconcile.jobs import Fetched, RunId
from rasreconcile.workers import run_files, rundir
from rasreconcile.workers.controls import LARGEST
from rasreconcile.workers.psexec.share import Entry, Share

_CHUNK = 1 << 20


def plain_file(share: Share, run: RunId, name: str) -> Entry | None:
    """A file of a run directory, where no part of its name is a link; None: there is none. Raises Damaged."""
    parts = name.split("/")
    found: Entry | None = None
    for count in range(len(parts) + 1):
        found = share.entry("/".join([run, *parts[:count]]))
        if found is None:
            return None
        if found.kind == "link":
            below = "/".join(parts[:count]) or run
            raise Damaged(f"{run}: {below} is a link; it is not followed")
    if found is not None and found.kind == "folder":
        raise Damaged(f"{run}: {name} is a directory")
    return found


def fetch(share: Share, run: RunId, name: str, into: Path) -> Fetched:
    """Raises FileNotFoundError where the run has no such file, OSError where it cannot be kept here."""
    work = f"{rundir.WORK}/{name}"
    found = plain_file(share, run, work)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, f"{run} has no output of this name", name)
    end = run_files.ended_of((share.read(f"{run}/{rundir.DONE}", 0, LARGEST) or b"").decode(errors="replace"))
    record = end.outputs.get(name) if end else None
    if record is not None and record.size != found.size:
        # Before it fills a disk here.
        raise Damaged(f"{run}: {name} has {found.size} bytes now, the run recorded {record.size}", "rejected")
    here = into.stat().st_size if into.exists() else 0
    fetched = _written(share, f"{run}/{work}", into, min(here, found.size), found.size)
    if here and (record is None or fetched.digest != record.digest):
        # What was here was part of something else.
        fetched = _written(share, f"{run}/{work}", into, 0, found.size)
    return fetched


def _written(share: Share, name: str, into: Path, offset: int, size: int) -> Fetched:
    whole = hashlib.sha256()
    with into.open("r+b" if into.exists() else "w+b") as file:
        while file.tell() < offset:
            known = file.read(min(_CHUNK, offset - file.tell()))
            if not known:
                raise Unreachable(f"{into} became shorter while it was fetched", "it will be retried")
            whole.update(known)
        file.truncate(offset)
        for part in share.parts(name, offset):
            file.write(part)
            whole.update(part)
            if file.tell() > size:
                raise Unreachable(f"{name} grows while it is fetched", "it will be retried")
        if file.tell() != size:
            raise Unreachable(f"{name} was cut short", "the download continues from there")
        file.flush()
        os.fsync(file.fileno())
    return Fetched(size, whole.hexdigest())
