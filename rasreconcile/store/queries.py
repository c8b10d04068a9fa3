"""What can be asked of a store; the same for the controller that holds it and for a reader beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rasreconcile.failures import Failure
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component
from rasreconcile.reconcile.observed import Assessed, Verification
from rasreconcile.records import Event, Hashed, LastVerdict, Mentions, Progress, Published, Request
from rasreconcile.runs import Run
from rasreconcile.store import rows

_LIVE = "state IN ('starting', 'running', 'publishing')"
_DURATIONS_KEPT = 10
_INPUTS = (
    "SELECT name, kind, raw, semantic, size FROM run_input WHERE run = ?"
    " UNION ALL SELECT name, kind, raw, semantic, size FROM adopted_input WHERE run = ? ORDER BY name"
)
_RETRIED = (
    "SELECT request.address, max(coalesce(newest.rowid, 0)) AS after FROM request"
    " LEFT JOIN run AS newest ON newest.id = request.after_run WHERE request.kind = 'retry' GROUP BY request.address"
)
"""By plan: the row of the newest run there was when it was last asked for again."""


@dataclass(frozen=True, slots=True)
class RecordedInput:
    """An input as it was when a run was started."""

    name: str
    kind: str
    raw: str
    semantic: str
    size: int


@dataclass(frozen=True, slots=True)
class RecordedPlan:
    """What a run was started with."""

    components: tuple[Component, ...]
    inputs: tuple[RecordedInput, ...]


class Queries:
    """Read-only questions over one connection."""

    _connection: sqlite3.Connection

    def live_runs(self) -> tuple[Run, ...]:
        return self._runs(f"SELECT * FROM run WHERE {_LIVE} ORDER BY created, id")

    def runs(self, *, address: Address | None = None, limit: int = 50) -> tuple[Run, ...]:
        """Newest first."""
        where, values = ("WHERE address = ?", [address]) if address is not None else ("", [])
        return self._runs(f"SELECT * FROM run {where} ORDER BY rowid DESC LIMIT ?", *values, limit)

    def run(self, run: str) -> Run | None:
        return next(iter(self._runs("SELECT * FROM run WHERE id = ?", run)), None)

    def attempts_at(self, pairs: Mapping[Address, str]) -> Mapping[Address, tuple[Run, ...]]:
        """Ended runs of each plan at this fingerprint, oldest first, since the last `retry` of it."""
        found: dict[Address, list[Run]] = {}
        query = (
            f"SELECT run.* FROM run LEFT JOIN ({_RETRIED}) AS retried ON retried.address = run.address"
            f" WHERE NOT {_LIVE} AND run.rowid > coalesce(retried.after, 0) ORDER BY run.rowid"
        )
        for run in self._runs(query):
            if pairs.get(run.address) == run.fingerprint:
                found.setdefault(run.address, []).append(run)
        return {address: tuple(_since_success(runs)) for address, runs in found.items()}

    def published(self) -> Mapping[Address, Published]:
        """The result of each plan as the store knows it."""
        parts: dict[int, list[sqlite3.Row]] = {}
        query = "SELECT c.* FROM output_component c JOIN output o ON o.id = c.output WHERE o.current = 1"
        for row in self._all(query):
            parts.setdefault(row["output"], []).append(row)
        return {
            Address(row["address"]): rows.published(row, rows.components(parts.get(row["id"], ())))
            for row in self._all("SELECT * FROM output WHERE current = 1")
        }

    def verifications(self) -> Mapping[Address, Verification]:
        return {
            Address(row["address"]): Verification(
                row["expectation_digest"], row["output_digest"], tuple(json.loads(row["shortfalls"]))
            )
            for row in self._all("SELECT * FROM verification")
        }

    def durations(self) -> Mapping[Address, Sequence[tuple[str, timedelta]]]:
        """Worker and run time of the last runs that succeeded, by plan."""
        found: dict[Address, list[tuple[str, timedelta]]] = {}
        query = (
            "SELECT address, worker, started, ended FROM run"
            " WHERE state = 'succeeded' AND started IS NOT NULL AND ended IS NOT NULL ORDER BY created"
        )
        for row in self._all(query):
            took = rows.certain(row["ended"]) - rows.certain(row["started"])
            found.setdefault(Address(row["address"]), []).append((row["worker"], max(took, timedelta())))
        return {address: lengths[-_DURATIONS_KEPT:] for address, lengths in found.items()}

    def images(self) -> Mapping[str, str]:
        """The image that each worker with containers was last found to have, by worker."""
        return {row["worker"]: row["image"] for row in self._all("SELECT * FROM worker_image")}

    def worker_faults(self, since: datetime) -> Mapping[str, tuple[tuple[datetime, str], ...]]:
        """Runs that a worker lost since its last good one, and since then; when and why, oldest first."""
        found: dict[str, list[tuple[datetime, str]]] = {}
        query = "SELECT * FROM run WHERE ended >= ? AND state IN ('succeeded', 'failed', 'lost') ORDER BY ended, rowid"
        for run in self._runs(query, since.isoformat()):
            if run.state == "lost" and run.failure and run.ended:
                found.setdefault(run.worker, []).append((run.ended, run.failure.message))
            else:
                found.pop(run.worker, None)
        return {worker: tuple(faults) for worker, faults in found.items()}

    def plan_of(self, run: RunId) -> RecordedPlan:
        """What the run was started with."""
        parts = rows.components(self._all("SELECT * FROM run_component WHERE run = ? ORDER BY name", run))
        return RecordedPlan(parts, self.inputs_of(run))

    def inputs_of(self, run: RunId) -> tuple[RecordedInput, ...]:
        return tuple(
            RecordedInput(row["name"], row["kind"], row["raw"], row["semantic"], row["size"])
            for row in self._all(_INPUTS, run, run)
        )

    def progress(self) -> Mapping[RunId, Progress]:
        """How far each live run had come when its messages were last read."""
        query = f"SELECT p.* FROM run_progress p JOIN run r ON r.id = p.run WHERE {_LIVE}"
        return {RunId(row["run"]): rows.progress(row) for row in self._all(query)}

    def stops(self) -> Mapping[RunId, Failure]:
        """Live runs that were to be ended early, and why."""
        query = f"SELECT s.* FROM run_stop s JOIN run r ON r.id = s.run WHERE {_LIVE}"
        return {
            RunId(row["run"]): Failure(kind="permanent", cause=row["cause"], message=row["message"])
            for row in self._all(query)
        }

    def assessed(self) -> Mapping[Path, Assessed]:
        """What found results said of themselves when they were last read."""
        found = (rows.assessed(row) for row in self._all("SELECT * FROM assessment"))
        return {assessed.path: assessed for assessed in found}

    def text(self, digest: str) -> bytes | None:
        """A text input by its raw digest."""
        row = self._one("SELECT content FROM text WHERE digest = ?", digest)
        return None if row is None else rows.unpacked(row["content"])

    def log(self, run: RunId) -> bytes | None:
        """What the run printed, as it was kept when it was collected."""
        row = self._one("SELECT content FROM run_log WHERE run = ?", run)
        return None if row is None else rows.unpacked(row["content"])

    def hashes(self) -> Mapping[tuple[Path, str], Hashed]:
        found = (rows.hashed(row) for row in self._all("SELECT * FROM digest"))
        return {(hashed.path, hashed.kind): hashed for hashed in found}

    def mentions(self) -> Mapping[tuple[Path, str], Mentions]:
        """What files say about others; nothing in a store that is older than this question."""
        if self._one("SELECT 1 FROM sqlite_schema WHERE name = 'mention'") is None:
            return {}
        found = (rows.mentions(row) for row in self._all("SELECT * FROM mention"))
        return {(mentions.path, mentions.kind): mentions for mentions in found}

    def open_requests(self) -> tuple[Request, ...]:
        return tuple(
            rows.request(row) for row in self._all("SELECT * FROM request WHERE closed IS NULL ORDER BY id")
        )

    def is_after(self, run: RunId, request: int) -> bool:
        """Whether the run was started after the request was filed."""
        query = (
            "SELECT coalesce((SELECT rowid FROM run WHERE id = ?) > newest.rowid, 1)"
            " FROM request LEFT JOIN run AS newest ON newest.id = request.after_run WHERE request.id = ?"
        )
        row = self._one(query, run, request)
        return row is not None and bool(row[0])

    def verdicts(self) -> tuple[LastVerdict, ...]:
        """As the last apply saw them, in the order of the spec."""
        return tuple(rows.last_verdict(row) for row in self._all("SELECT * FROM verdict ORDER BY place"))

    def events(self, *, limit: int = 50, address: Address | None = None) -> tuple[Event, ...]:
        """The latest, oldest first."""
        where, values = ("WHERE address = ?", [address]) if address is not None else ("", [])
        found = self._all(f"SELECT * FROM event {where} ORDER BY id DESC LIMIT ?", *values, limit)
        return tuple(rows.event(row) for row in reversed(found))

    def specs_of_runs(self) -> Mapping[RunId, Path]:
        """For which spec each run was started."""
        query = "SELECT run.id, apply.spec_path FROM run JOIN apply ON apply.id = run.apply"
        return {RunId(row["id"]): Path(row["spec_path"]) for row in self._all(query)}

    def specs(self) -> tuple[Path, ...]:
        """Every spec that was ever applied with this store."""
        return tuple(Path(row["spec_path"]) for row in self._all("SELECT DISTINCT spec_path FROM apply"))

    def discardable(self) -> tuple[Run, ...]:
        """Ended runs whose run directory was not removed yet, newest first."""
        return self._runs(f"SELECT * FROM run WHERE NOT {_LIVE} AND discarded = 0 ORDER BY rowid DESC")

    def _runs(self, query: str, *values: object) -> tuple[Run, ...]:
        return tuple(rows.run(row) for row in self._all(query, *values))

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row


def _since_success(runs: list[Run]) -> list[Run]:
    """A run that succeeded wipes out the failures before it."""
    last = max((n for n, run in enumerate(runs) if run.state == "succeeded"), default=-1)
    return runs[last + 1 :]
