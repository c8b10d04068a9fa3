"""The names in a folder, found as Windows would find them."""

from __future__ import annotations

import os
from pathlib import Path

from rasreconcile.errors import ProjectError
from rasreconcile.resolve.shown import shown
from rasreconcile.spelling import guessed, is_foreign, legible, name_key


class Folder:
    """One listing of a folder; names are found exactly first, then whatever their case and however their accents are
    stored. A name that is not UTF-8 is found by what it most probably means."""

    def __init__(self, path: Path, seen_from: Path | None = None) -> None:
        """`seen_from`: the spec's folder, for messages."""
        self.path = path
        self._seen_from = seen_from
        self._names: dict[str, list[str]] = {}
        self._paths: dict[str, Path] = {}
        try:
            with os.scandir(path) as listing:
                for entry in listing:
                    self._names.setdefault(_key(entry.name), []).append(entry.name)
        except OSError as error:
            where = shown(path, seen_from)
            raise ProjectError(f"{where}: {error.strerror}", "name a folder that can be read") from error

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(name for names in self._names.values() for name in names)

    def alike(self, key: str) -> tuple[str, ...]:
        """The names that are this one to Windows, sorted; `key`: as `name_key` makes it."""
        return tuple(sorted(self._names.get(key, ())))

    def find(self, name: str) -> Path | None:
        """The file of this name. Raises ProjectError where two names differ in case only."""
        found = self._names.get(name_key(name), [])
        if name in found:
            return self._path(name)
        if len(found) > 1:
            both = legible(" and ".join(sorted(found)))
            where = shown(self.path, self._seen_from)
            raise ProjectError(
                f"{where}: {both} differ in case only", f"keep the one that is meant by {name}"
            )
        return self._path(found[0]) if found else None

    def _path(self, name: str) -> Path:
        """Made once: a path that is asked for again knows its text and its hash."""
        if name not in self._paths:
            self._paths[name] = self.path / name
        return self._paths[name]


def _key(name: str) -> str:
    return name_key(guessed(name) if is_foreign(name) else name)
