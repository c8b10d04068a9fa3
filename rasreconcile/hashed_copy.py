"""Bytes that are hashed: the loop that copies them in the same read, and the digest of a file as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from rasreconcile.plain_files import opened

CHUNK = 1 << 20
"""Bytes that are read at once."""


def hashed_copy(read: Callable[[], bytes], write: IO[bytes]) -> tuple[int, str]:
    """Writes what `read` gives until it gives nothing; size in bytes and sha256, hex, of what was written."""
    whole, size = hashlib.sha256(), 0
    while chunk := read():
        write.write(chunk)
        whole.update(chunk)
        size += len(chunk)
    return size, whole.hexdigest()


def digest_of_file(path: Path) -> str:
    """sha256, hex. Raises OSError."""
    with opened(path) as file:
        digest = hashlib.sha256()
        while part := file.read(CHUNK):
            digest.update(part)
        return digest.hexdigest()
