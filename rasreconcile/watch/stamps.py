"""What a stat says of everything that a spec watches: a look that reads nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rasreconcile.watch.file_events import Watched

Stamps = Mapping[Path, object]
"""Equal to another where nothing has changed in between, as far as sizes, times and names tell."""


def stamps_of(seen: Watched, store: Path | None) -> Stamps:
    """Files, the names in their folders, and the store. Raises nothing: what cannot be looked at has no stamp."""
    found: dict[Path, object] = {path: _file(path) for path in seen.files | seen.outputs}
    beside = store.name if store is not None else None
    for folder in seen.folders | {folder.parent for folder in seen.folders}:
        found[folder] = _names(folder, beside)
    if store is not None:
        found[store] = _file(store)
        # Whoever reads the store makes and removes an empty one.
        found[Path(f"{store}-wal")] = _file(Path(f"{store}-wal"), empty=None)
    return found


def _file(path: Path, empty: object = ()) -> object:
    try:
        said = path.stat()
    except OSError as error:
        return error.errno if empty == () else None
    return (said.st_mtime_ns, said.st_ctime_ns, said.st_size, said.st_ino) if said.st_size else empty


def _names(folder: Path, store: str | None) -> object:
    """A number for all names but the store's own files, which come and go with each reader."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError as error:
        return error.errno
    return hash(frozenset(name for name in names if store is None or not name.startswith(store)))
