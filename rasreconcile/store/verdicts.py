"""Verdicts: what the last look said of each plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rasreconcile.plans import Address
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


@dataclass(slots=True)
class _Stands:
    """What the table holds, and as of when that is known."""

    verdicts: Sequence[LastVerdict] = ()
    as_of: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class WritableVerdicts(Verdicts):
    """The same for the controller."""

    tables: WritableTables
    _stands: _Stands = field(default_factory=_Stands)

    def record(self, verdicts: Sequence[LastVerdict]) -> None:
        """Takes the place of the verdicts of the last look. Rows that say the same are left."""
        stands = self._stands
        known = stands.as_of == self.tables.as_of() and _addresses(stands.verdicts) == _addresses(verdicts)
        with self.tables.atomic():
            if not known:
                self.tables.execute("DELETE FROM verdict")
                changed = list(enumerate(verdicts))
            else:
                pairs = enumerate(zip(stands.verdicts, verdicts, strict=True))
                changed = [(place, new) for place, (old, new) in pairs if not old.says_the_same(new)]
                if verdicts:
                    self.tables.execute("UPDATE verdict SET at = ?", verdicts[0].at.isoformat())
            values = (rows.last_verdict_values(place, verdict) for place, verdict in changed)
            self.tables.replace_all("verdict", values)
        stands.verdicts, stands.as_of = tuple(verdicts), self.tables.as_of()


def _addresses(verdicts: Sequence[LastVerdict]) -> list[Address]:
    return [verdict.address for verdict in verdicts]
