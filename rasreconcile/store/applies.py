"""Applies: who asked, for which spec, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rasreconcile.store.events import WritableEvents
from rasreconcile.store.tables import Tables, WritableTables, question


@dataclass(frozen=True, slots=True)
class Applies:
    """A part of a store."""

    tables: Tables

    @question
    def specs(self) -> tuple[Path, ...]:
        """Every spec that was ever applied with this store."""
        return tuple(
            Path(row["spec_path"]) for row in self.tables.all("SELECT DISTINCT spec_path FROM apply")
        )

    @question
    def last_converged(self, spec: Path) -> tuple[str, datetime] | None:
        """The commit of the last apply of this spec that ended with every plan current, and when it did."""
        row = self.tables.one(
            "SELECT git_commit, ended FROM apply WHERE spec_path = ? AND exit_code = 0 AND git_commit IS NOT NULL"
            " AND ended IS NOT NULL ORDER BY id DESC LIMIT 1",
            str(spec),
        )
        return None if row is None else (row["git_commit"], datetime.fromisoformat(row["ended"]))


@dataclass(frozen=True, slots=True)
class WritableApplies(Applies):
    """The same for the controller."""

    tables: WritableTables
    events: WritableEvents

    def begin(self, *, spec_path: Path, spec_digest: str, by: str, commit: str | None, now: datetime) -> int:
        """The number of the apply."""
        values = {
            "began": now.isoformat(),
            "spec_path": str(spec_path),
            "spec_digest": spec_digest,
            "asked_by": by,
            "git_commit": commit,
        }
        with self.tables.atomic():
            number = self.tables.insert("apply", values)
            self.events.add(now, "apply", f"asked by {by}" + (f" at commit {commit[:12]}" if commit else ""))
        return number

    def end(self, apply: int, *, outcome: str, exit_code: int, now: datetime) -> None:
        values = {"ended": now.isoformat(), "outcome": outcome, "exit_code": int(exit_code)}
        with self.tables.atomic():
            self.tables.update("apply", apply, values)
            self.events.add(now, "end", f"{outcome}, exit {int(exit_code)}")
