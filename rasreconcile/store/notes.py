"""What the controller notes beside runs and outputs: progress, the intent to end a run early, found results."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from rasreconcile.failures import Failure
from rasreconcile.jobs import RunId
from rasreconcile.reconcile.observed import Assessed
from rasreconcile.records import Progress
from rasreconcile.store import rows
from rasreconcile.store.queries import Queries

if TYPE_CHECKING:
    from sqlite_utils import Database


class Notes(Queries):
    """A part of the store; every method that writes is one transaction."""

    _database: Database

    def note_progress(self, progress: Iterable[Progress]) -> None:
        """Takes the place of what was noted of these runs before."""
        values = [
            {
                "run": one.run,
                "at": one.at.isoformat(),
                "messages": one.messages,
                "facts": rows.log_facts_text(one.facts),
                "done": one.done,
                "resume": one.resume,
            }
            for one in progress
        ]
        if values:
            with self._database.atomic():
                self._database.table("run_progress").insert_all(values, replace=True)

    def intend_stop(self, run: RunId, failure: Failure, *, now: datetime) -> None:
        """Written down before the worker is asked to end the run: the first reason stands."""
        values = [run, now.isoformat(), failure.cause, failure.message]
        with self._database.atomic():
            self._database.conn.execute(
                "INSERT OR IGNORE INTO run_stop (run, at, cause, message) VALUES (?, ?, ?, ?)", values
            )

    def remember_assessed(self, found: Iterable[Assessed]) -> None:
        """So that the next look need not read them again."""
        values = [rows.assessed_values(one) for one in found]
        if values:
            with self._database.atomic():
                self._database.table("assessment").insert_all(values, replace=True)
