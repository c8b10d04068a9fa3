"""Verdicts: what the last look said of each plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.store import rows
from rasreconcile.store.tables import Tables, WritableTables, question


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A part of a store."""

    tables: Tables

    @question
    def latest(self) -> tuple[LastVerdict, ...]:
        """As the last apply saw them, in the order of the spec."""
        return tuple(
            rows.last_verdict(row) for row in self.tables.all("SELECT * FROM verdict ORDER BY place")
        )


@dataclass(frozen=True, slots=True)
class WritableVerdicts(Verdicts):
    """The same for the controller."""

    tables: WritableTables

    def record(self, verdicts: Sequence[LastVerdict]) -> None:
        """Takes the place of the verdicts of the last look."""
        values = [rows.last_verdict_values(place, verdict) for place, verdict in enumerate(verdicts)]
        with self.tables.atomic():
            self.tables.execute("DELETE FROM verdict")
            self.tables.insert_all("verdict", values)
