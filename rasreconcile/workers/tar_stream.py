"""A tar_stream: small files that travel together, as a tar."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping

_HERE = "in/"
"""Where the host looks for files that go into its cache."""


def tar_stream(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Its bytes, file by file, in this order: the last is there only where all are."""
    for name, data in files.items():
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        entry.mode = 0o600
        yield entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        yield data
        yield bytes(-len(data) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def for_cache(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files by digest, under the names by which a host puts them into its cache."""
    return {f"{_HERE}{digest}": data for digest, data in files.items()}
