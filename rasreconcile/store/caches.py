"""Caches: what files and workers were last found to say, so that they need not be asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rasreconcile.reconcile.observed import Assessed
from rasreconcile.records import Hashed, Mentions
from rasreconcile.store import rows
from rasreconcile.store.tables import Tables, Values, WritableTables, question


@dataclass(frozen=True, slots=True)
class Caches:
    """A part of a store."""

    tables: Tables

    @question
    def hashes(self) -> Mapping[tuple[Path, str], Hashed]:
        """The stat cache."""
        found = (rows.hashed(row) for row in self.tables.all("SELECT * FROM digest"))
        return {(hashed.path, hashed.kind): hashed for hashed in found}

    @question
    def hashed_outputs(self) -> Mapping[Path, Hashed]:
        """The results in the stat cache, by path."""
        found = (rows.hashed(row) for row in self.tables.all("SELECT * FROM digest WHERE kind = 'output'"))
        return {hashed.path: hashed for hashed in found}

    @question
    def mentions(self) -> Mapping[tuple[Path, str], Mentions]:
        """What files say about others; nothing in a store that is older than this question."""
        if self.tables.one("SELECT 1 FROM sqlite_schema WHERE name = 'mention'") is None:
            return {}
        found = (rows.mentions(row) for row in self.tables.all("SELECT * FROM mention"))
        return {(mentions.path, mentions.kind): mentions for mentions in found}

    @question
    def assessed(self) -> Mapping[Path, Assessed]:
        """What found results said of themselves when they were last read."""
        found = (rows.assessed(row) for row in self.tables.all("SELECT * FROM assessment"))
        return {assessed.path: assessed for assessed in found}

    @question
    def images(self) -> Mapping[str, str]:
        """The image that each worker with containers was last found to have, by worker."""
        return {row["worker"]: row["image"] for row in self.tables.all("SELECT * FROM worker_image")}


@dataclass(frozen=True, slots=True)
class WritableCaches(Caches):
    """The same for the controller."""

    tables: WritableTables

    def remember_hashes(self, hashes: Iterable[Hashed]) -> None:
        self._remember("digest", map(rows.hashed_values, hashes))

    def remember_mentions(self, mentions: Iterable[Mentions]) -> None:
        """What files say about others, so that unchanged ones need not be opened."""
        self._remember("mention", map(rows.mentions_values, mentions))

    def remember_assessed(self, found: Iterable[Assessed]) -> None:
        """So that the next look need not read them again."""
        self._remember("assessment", map(rows.assessed_values, found))

    def remember_image(self, worker: str, image: str, *, now: datetime) -> None:
        """The image that a worker's runs are computed in now."""
        self._remember("worker_image", [{"worker": worker, "image": image, "at": now.isoformat()}])

    def _remember(self, table: str, found: Iterable[Values]) -> None:
        values = list(found)
        if values:
            with self.tables.atomic():
                self.tables.replace_all(table, values)
