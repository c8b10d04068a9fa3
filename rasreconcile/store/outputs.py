"""Outputs: published results, one a plan is current, and what they were last found to show."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rasreconcile.errors import Trouble, in_one_line
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import Verification
from rasreconcile.records import Published
from rasreconcile.runs import RunState
from rasreconcile.store import output_rows, rows
from rasreconcile.store.by_plan import among
from rasreconcile.store.events import WritableEvents
from rasreconcile.store.runs import WritableRuns
from rasreconcile.store.tables import Tables, WritableTables, question
from rasreconcile.store.texts import WritableTexts


@dataclass(frozen=True, slots=True)
class Outputs:
    """A part of a store."""

    tables: Tables

    @question
    def published(self) -> Mapping[Address, Published]:
        """The result of each plan as the store knows it."""
        return self.tables.by_plan(self._published)

    @question
    def fingerprints(self) -> frozenset[str]:
        """Those that the results of today were computed at."""
        return frozenset(
            row[0] for row in self.tables.all("SELECT fingerprint FROM output WHERE current = 1")
        )

    @question
    def verifications(self) -> Mapping[Address, Verification]:
        return self.tables.by_plan(self._verifications)

    def _published(self, plans: Collection[Address] | None) -> Mapping[Address, Published]:
        parts: dict[int, list[sqlite3.Row]] = {}
        current = f"o.current = 1 AND {among('o.address', plans)}"
        query = f"SELECT c.* FROM output_component c JOIN output o ON o.id = c.output WHERE {current}"
        for row in self.tables.all(query, *(plans or ())):
            parts.setdefault(row["output"], []).append(row)
        return {
            Address(row["address"]): output_rows.published(row, rows.components(parts.get(row["id"], ())))
            for row in self.tables.all(f"SELECT o.* FROM output o WHERE {current}", *(plans or ()))
        }

    def _verifications(self, plans: Collection[Address] | None) -> Mapping[Address, Verification]:
        query = f"SELECT * FROM verification WHERE {among('address', plans)}"
        return {
            Address(row["address"]): Verification(
                row["expectation_digest"], row["output_digest"], rows.troubles(row["shortfalls"])
            )
            for row in self.tables.all(query, *(plans or ()))
        }


@dataclass(frozen=True, slots=True)
class WritableOutputs(Outputs):
    """The same for the controller."""

    tables: WritableTables
    events: WritableEvents
    texts: WritableTexts
    runs: WritableRuns

    def publish(self, run: RunId, published: Published, *, now: datetime, message: str) -> None:
        """The result is in its place: the output and the run's success in one transaction. `message`: what is told."""
        with self.tables.atomic():
            self.runs.move(run, RunState.SUCCEEDED, now=now, message=message)
            self._put(published)

    def record(
        self, published: Published, how: Literal["copied", "recalled", "adopted"], *, now: datetime, why: str
    ) -> None:
        """A result that no run of this plan put there now; what is recalled keeps the provenance of its receipt."""
        with self.tables.atomic():
            self._put(published)
            self.events.add(now, how, why, published.address, published.run)

    def adopt(self, published: Published, plan: Plan, texts: Mapping[str, bytes], *, why: str) -> None:
        """A found result is under control from now on, with the inputs of today as what it is compared with."""
        with self.tables.atomic():
            self.record(published, "adopted", now=published.at, why=why)
            self.texts.keep(texts)
            self.tables.insert_all(
                "adopted_input", ({"run": published.run, **rows.input_values(file)} for file in plan.inputs)
            )

    def mark_verified(
        self, address: Address, output_digest: str, expectation_digest: str, *, now: datetime
    ) -> None:
        """The published result meets the expectations of today."""
        with self.tables.atomic():
            self.tables.execute(
                "UPDATE output SET expectation_digest = ? WHERE address = ? AND digest = ? AND current = 1",
                expectation_digest,
                address,
                output_digest,
            )
            self._verification(address, output_digest, expectation_digest, (), now)
            self.events.add(now, "verified", "its result meets the changed expectations", address)

    def record_shortfalls(
        self,
        address: Address,
        output_digest: str,
        expectation_digest: str,
        shortfalls: Sequence[Trouble],
        *,
        now: datetime,
    ) -> None:
        """A result does not meet the expectations of today."""
        with self.tables.atomic():
            self._verification(address, output_digest, expectation_digest, shortfalls, now)
            self.events.add(now, "fell-short", in_one_line(shortfalls), address)

    def drop(self, address: Address, digest: str, *, now: datetime, why: str) -> None:
        """The result was removed, with its receipt, because its plan left the spec."""
        with self.tables.atomic():
            self.tables.execute(
                "UPDATE output SET current = 0 WHERE address = ? AND digest = ? AND current = 1",
                address,
                digest,
            )
            self.tables.execute("DELETE FROM verification WHERE address = ?", address)
            self.tables.written(address)
            self.events.add(now, "pruned", why, address)

    def _put(self, published: Published) -> None:
        self.tables.execute("UPDATE output SET current = 0 WHERE address = ?", published.address)
        self.tables.execute("DELETE FROM verification WHERE address = ?", published.address)
        self.tables.written(published.address)
        number = self.tables.insert("output", output_rows.published_values(published))
        self.tables.insert_all(
            "output_component", ({"output": number, **rows.component_values(c)} for c in published.components)
        )

    def _verification(
        self, address: Address, output: str, expectation: str, shortfalls: Sequence[Trouble], now: datetime
    ) -> None:
        values = {
            "address": address,
            "output_digest": output,
            "expectation_digest": expectation,
            "shortfalls": rows.troubles_text(shortfalls),
            "at": now.isoformat(),
        }
        self.tables.replace_all("verification", [values])
        self.tables.written(address)
