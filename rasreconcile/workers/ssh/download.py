"""A download: one file of a run, straight into a file here, that goes on where the connection was lost."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from rasreconcile.errors import Damaged, Unreachable
from rasreconcile.jobs import Fetched, RunId
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.openssh.connection import RemoteCommand

Dialogue = Callable[..., AbstractContextManager[RemoteCommand]]
_CHUNK = 1 << 18
_GZIP = 31
_HEAD = re.compile("file [0-9]{1,18} [0-9]{1,18} (plain|gzip) [0-9]{1,18}", re.ASCII)


class Download:
    """What is in `into` already is believed only as long as the digest of the whole bears it out."""

    def __init__(self, run: RunId, name: str, into: Path) -> None:
        self._run = run
        self._name = name
        self._into = into

    def go_on(self, dialogue: Dialogue) -> Fetched:
        """Raises FileNotFoundError where the run has no such file, OSError where it cannot be kept here."""
        here = self._into.stat().st_size if self._into.exists() else 0
        fetched, promised = self._fetch(dialogue, here)
        if here and fetched.digest != promised:
            # What was here was part of something else.
            fetched, _ = self._fetch(dialogue, 0)
        return fetched

    def _fetch(self, dialogue: Dialogue, here: int) -> tuple[Fetched, str]:
        with dialogue("send", self._run, self._name, str(here)) as talk:
            head = (talk.line() or "").split(" ")
            if head[0] == "absent":
                raise FileNotFoundError(errno.ENOENT, f"{self._run} has no output of this name", self._name)
            if not _HEAD.fullmatch(" ".join(head)):
                raise Unreachable("the answer was cut short", "it is asked again")
            size, offset, done = int(head[1]), int(head[2]), int(head[4])
            if done > controls.LARGEST:
                raise Damaged(f"{self._run}: {rundir.DONE} has more than {controls.LARGEST >> 20} MB")
            ended = run_files.ended_of(talk.receive_exactly(done).decode(errors="replace"))
            record = ended.outputs.get(self._name) if ended else None
            if record is None:
                raise FileNotFoundError(
                    errno.ENOENT, f"{self._run} recorded no output of this name", self._name
                )
            if record.size != size:
                # Before it fills a disk here.
                raise Damaged(
                    f"{self._run}: {self._name} has {size} bytes now, the run recorded {record.size}"
                )
            controls.require_room(self._into, size)
            digest = self._write(_plain(talk, head[3]), offset, size)
        return Fetched(size, digest), record.digest

    def _write(self, parts: Iterator[bytes], offset: int, size: int) -> str:
        """The digest of the whole file as it is here now."""
        whole = hashlib.sha256()
        with self._into.open("r+b" if self._into.exists() else "w+b") as file:
            while file.tell() < offset:
                known = file.read(min(_CHUNK, offset - file.tell()))
                if not known:
                    raise Unreachable(
                        f"{self._into} became shorter while it was fetched", "it will be retried"
                    )
                whole.update(known)
            file.truncate(offset)
            for part in parts:
                if file.tell() + len(part) > size:
                    raise _too_much(self._name, size)
                file.write(part)
                whole.update(part)
            if file.tell() != size:
                raise Unreachable(f"{self._name} was cut short", "the download continues from there")
            file.flush()
            os.fsync(file.fileno())
        return whole.hexdigest()


def _too_much(name: str, size: int) -> Unreachable:
    return Unreachable(f"more came of {name} than the {size} bytes that were promised", "it is fetched again")


def _plain(talk: RemoteCommand, how: str) -> Iterator[bytes]:
    if how != "gzip":
        yield from iter(lambda: talk.receive(_CHUNK), b"")
        return
    unpack = zlib.decompressobj(_GZIP)
    try:
        while packed := talk.receive(_CHUNK):
            if unpack.eof:
                raise Unreachable("more came behind the end of what was packed", "it is fetched again")
            # In parts: a little of what is packed can be much.
            while packed:
                yield unpack.decompress(packed, _CHUNK)
                packed = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error as error:
        raise Unreachable(f"what arrived cannot be unpacked: {error}", "it is fetched again") from error
