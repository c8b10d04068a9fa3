"""Progress: how far each live run had come when its messages were last read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rasreconcile.jobs import RunId
from rasreconcile.records import Progress
from rasreconcile.store import rows
from rasreconcile.store.tables import LIVE, Tables, WritableTables, question


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A part of a store."""

    tables: Tables

    @question
    def latest(self) -> Mapping[RunId, Progress]:
        """Of each live run whose messages were read."""
        query = f"SELECT p.* FROM run_progress p JOIN run r ON r.id = p.run WHERE {LIVE}"
        return {RunId(row["run"]): rows.progress(row) for row in self.tables.all(query)}


@dataclass(frozen=True, slots=True)
class WritableRunProgress(RunProgress):
    """The same for the controller."""

    tables: WritableTables

    def note(self, progress: Iterable[Progress]) -> None:
        """Takes the place of what was noted of these runs before."""
        values = [rows.progress_values(one) for one in progress]
        if values:
            with self.tables.atomic():
                self.tables.replace_all("run_progress", values)
