"""Texts by their digest: specs, and what runs were started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rasreconcile.store import rows
from rasreconcile.store.tables import Tables, WritableTables, question


@dataclass(frozen=True, slots=True)
class Texts:
    """A part of a store."""

    tables: Tables

    @question
    def find(self, digest: str) -> bytes | None:
        """By its raw digest."""
        row = self.tables.one("SELECT content FROM text WHERE digest = ?", digest)
        return None if row is None else rows.unpacked(row["content"])


@dataclass(frozen=True, slots=True)
class WritableTexts(Texts):
    """The same for the controller."""

    tables: WritableTables

    def keep(self, texts: Mapping[str, bytes]) -> None:
        """By their raw digest; each once."""
        with self.tables.atomic():
            for digest, data in texts.items():
                self.tables.execute(
                    "INSERT OR IGNORE INTO text (digest, content) VALUES (?, ?)", digest, rows.packed(data)
                )
