"""Archives for Docker's API: made while they are sent, and read without believing a word of them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rasreconcile.errors import Damaged, InputChanged, Unreachable
from rasreconcile.jobs import Fetched, Staged
from rasreconcile.plain_files import opened
from rasreconcile.workers import controls
from rasreconcile.workers.printed import quoted

_CHUNK = 1 << 20
_BLOCK = 512
_SLACK = 1 << 18
"""Bytes an archive of one file may have beside the file: headers, padding, the end."""
UNTOUCHED = 1
"""Seconds since the epoch: the time every cached file is given, so that a later write shows."""


@dataclass(frozen=True, slots=True)
class Text:
    """A small file."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """An input, under the name it gets there."""

    name: str
    staged: Staged


def pack(parts: Iterable[Text | Sent], *, owner: int) -> Iterator[bytes]:
    """An archive in pieces; files are hashed while they are read. Raises InputChanged."""
    made: set[str] = set()
    for part in parts:
        for folder in _parents(part.name):
            if folder not in made:
                made.add(folder)
                yield _header(folder, owner, tarfile.DIRTYPE, 0, 0o700)
        match part:
            case Text(name, data):
                yield _header(name, owner, tarfile.REGTYPE, len(data), 0o600) + _padded(data)
            case Sent(name, staged):
                mode = 0o600 if staged.writable == "own copy" else 0o400
                yield _header(name, owner, tarfile.REGTYPE, staged.size, mode)
                yield from _bytes_of(staged)
                yield b"\0" * (-staged.size % _BLOCK)
    yield b"\0" * (2 * _BLOCK)


def folder_entry(name: str, *, owner: int) -> bytes:
    """An archive of one empty folder."""
    return _header(name, owner, tarfile.DIRTYPE, 0, 0o700) + b"\0" * (2 * _BLOCK)


def unpack_one(chunks: Iterable[bytes], name: str, size: int, into: Path) -> Fetched:
    """Writes the one file that was asked for to `into`, flushed. Nothing in the archive names a path here.

    Raises Damaged for anything else than one plain file of this name and size.
    """
    # Its header may not be larger than a header is; then the file may come.
    source = _Source(chunks, _SLACK, name)
    whole = hashlib.sha256()
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            member = archive.next()
            if (
                member is None
                or not member.isreg()
                or member.issparse()
                or member.name != PurePosixPath(name).name
            ):
                raise Damaged(f"{name}: unexpected archive contents (not the requested plain file)")
            if member.size != size:
                raise Damaged(f"{name}: {member.size} bytes arrived, the run recorded {size}")
            controls.require_room(into, size)
            source.allow(size)
            content = archive.extractfile(member)
            assert content is not None
            with into.open("wb") as write:
                while chunk := content.read(_CHUNK):
                    write.write(chunk)
                    whole.update(chunk)
                write.flush()
                os.fsync(write.fileno())
    except (tarfile.TarError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        said = quoted(str(error).encode("utf-8", "replace"))
        raise Unreachable(f"{name}: the archive was cut short ({said})", "it is fetched again") from error
    if into.stat().st_size != size:
        raise Unreachable(f"{name}: the archive was cut short", "it is fetched again")
    return Fetched(size, whole.hexdigest())


class _Source(io.RawIOBase):
    """The pieces as a file that tells when more comes than there should be."""

    def __init__(self, chunks: Iterable[bytes], limit: int, name: str) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._left = limit
        self._name = name
        self._rest = b""

    def allow(self, more: int) -> None:
        """So many bytes more may come."""
        self._left += more

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        while size < 0 or size > 0:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                self._left -= len(self._rest)
                if self._left < 0:
                    raise Damaged(f"{self._name}: more arrived than the run recorded")
                if not self._rest:
                    break
            part = self._rest if size < 0 else self._rest[:size]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _bytes_of(staged: Staged) -> Iterator[bytes]:
    whole, left = hashlib.sha256(), staged.size
    try:
        with opened(staged.source) as read:
            while left and (chunk := read.read(min(_CHUNK, left))):
                whole.update(chunk)
                left -= len(chunk)
                yield chunk
            more = read.read(1)
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
            # That says something of this process, nothing of the file.
            raise
        said = (
            f"{staged.source}: {error.strerror}; it was readable when it was hashed; it will be checked again"
        )
        raise InputChanged(said) from error
    if left or more or whole.hexdigest() != staged.digest:
        raise InputChanged(f"{staged.source} changed after it was hashed", "it will be hashed again")


def _header(name: str, owner: int, kind: bytes, size: int, mode: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.mode = kind, size, mode
    entry.uid = entry.gid = owner
    entry.mtime = UNTOUCHED
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _BLOCK)


def _parents(name: str) -> list[str]:
    return [str(parent) for parent in reversed(PurePosixPath(name).parents) if str(parent) != "."]
