"""Runs: each attempt of a plan, what it was started with, and how it ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rasreconcile.errors import StoreError, Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component, Plan
from rasreconcile.reasons import in_words
from rasreconcile.runs import Run, RunState, check_move
from rasreconcile.store import rows
from rasreconcile.store.by_plan import among
from rasreconcile.store.events import WritableEvents
from rasreconcile.store.lost_runs import LOST_SINCE_GOOD, faults_by_worker
from rasreconcile.store.tables import LIVE, Tables, WritableTables, question
from rasreconcile.store.texts import WritableTexts

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
Failures = Mapping[str, tuple[Run, ...]]
"""Of a plan, by fingerprint: the runs that ended without a result since its last success, oldest first."""


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


@dataclass(frozen=True, slots=True)
class Runs:
    """A part of a store."""

    tables: Tables

    @question
    def started_by(self) -> Mapping[RunId, str]:
        """Who asked for the applies that started the live runs: `user@host`, by run."""
        asked = f"SELECT run.id, apply.asked_by FROM run JOIN apply ON apply.id = run.apply WHERE {LIVE}"
        return {RunId(row["id"]): row["asked_by"] for row in self.tables.all(asked)}

    @question
    def live(self) -> tuple[Run, ...]:
        """Oldest first."""
        return _by_age(self.tables.by_plan(self._live))

    @question
    def latest(self, *, address: Address | None = None, limit: int = 50) -> tuple[Run, ...]:
        """Newest first."""
        where, values = ("WHERE address = ?", [address]) if address is not None else ("", [])
        return self._runs(f"SELECT * FROM run {where} ORDER BY rowid DESC LIMIT ?", *values, limit)

    @question
    def ended_since(self, moment: datetime) -> tuple[Run, ...]:
        """Those whose end was recorded since then, however they ended."""
        ends = "SELECT run FROM event WHERE at >= ? AND kind IN ('succeeded', 'failed', 'lost', 'cancelled')"
        return self._runs(f"SELECT * FROM run WHERE id IN ({ends}) ORDER BY rowid", moment.isoformat())

    @question
    def find(self, run: str) -> Run | None:
        return next(iter(self._runs("SELECT * FROM run WHERE id = ?", run)), None)

    @question
    def attempts_at(self, pairs: Mapping[Address, str]) -> Mapping[Address, tuple[Run, ...]]:
        """Ended runs of each plan at this fingerprint since its last `retry` and its last success, oldest first."""
        return _at(pairs, self.tables.by_plan(self._failures))

    @question
    def last_ends(self) -> Mapping[Address, str]:
        """How the last ended run of each plan ended: the run's state."""
        return self.tables.by_plan(self._last_ends)

    @question
    def durations(self) -> Mapping[Address, Sequence[tuple[str, timedelta]]]:
        """Worker and run time of the last runs that succeeded, by plan."""
        found: dict[Address, list[tuple[str, timedelta]]] = {}
        query = (
            "SELECT address, worker, started, ended FROM run"
            " WHERE state = 'succeeded' AND started IS NOT NULL AND ended IS NOT NULL ORDER BY created"
        )
        for row in self.tables.all(query):
            took = rows.certain(row["ended"]) - rows.certain(row["started"])
            found.setdefault(Address(row["address"]), []).append((row["worker"], max(took, timedelta())))
        return {address: lengths[-_DURATIONS_KEPT:] for address, lengths in found.items()}

    @question
    def worker_faults(self, since: datetime) -> Mapping[str, tuple[tuple[datetime, str], ...]]:
        """Faults of each worker since its last good run, and since then; when and what, oldest first.

        What it lost of what it had at one time is one fault: when a machine dies, all its runs do. A run that was
        begun before `since` tells nothing of the worker as it is now, and the restart of its machine is no fault.
        """
        return faults_by_worker(self._runs(LOST_SINCE_GOOD, since.isoformat()), since)

    @question
    def plan_of(self, run: RunId) -> RecordedPlan:
        """What the run was started with."""
        parts = rows.components(
            self.tables.all("SELECT * FROM run_component WHERE run = ? ORDER BY name", run)
        )
        return RecordedPlan(parts, self.inputs_of(run))

    @question
    def inputs_of(self, run: RunId) -> tuple[RecordedInput, ...]:
        return tuple(
            RecordedInput(row["name"], row["kind"], row["raw"], row["semantic"], row["size"])
            for row in self.tables.all(_INPUTS, run, run)
        )

    @question
    def stops(self) -> Mapping[RunId, Failure]:
        """Live runs that were to be ended early, and why."""
        query = f"SELECT s.* FROM run_stop s JOIN run r ON r.id = s.run WHERE {LIVE}"
        return {
            RunId(row["run"]): Failure(
                kind="permanent",
                cause=FailureCause.read(row["cause"]),
                trouble=Trouble(row["message"], row["remedy"]),
            )
            for row in self.tables.all(query)
        }

    @question
    def log(self, run: RunId) -> bytes | None:
        """What the run printed, as it was kept when it was collected."""
        row = self.tables.one("SELECT content FROM run_log WHERE run = ?", run)
        return None if row is None else rows.unpacked(row["content"])

    @question
    def specs(self) -> Mapping[RunId, Path]:
        """For which spec each run was started."""
        query = "SELECT run.id, apply.spec_path FROM run JOIN apply ON apply.id = run.apply"
        return {RunId(row["id"]): Path(row["spec_path"]) for row in self.tables.all(query)}

    @question
    def discardable(self) -> tuple[Run, ...]:
        """Ended runs whose run directory was not removed yet, newest first."""
        return self._runs(f"SELECT * FROM run WHERE NOT {LIVE} AND discarded = 0 ORDER BY rowid DESC")

    def _live(self, plans: Collection[Address] | None) -> Mapping[Address, Run]:
        query = f"SELECT * FROM run WHERE {LIVE} AND {among('address', plans)}"
        return {run.address: run for run in self._runs(query, *(plans or ()))}

    def _failures(self, plans: Collection[Address] | None) -> Mapping[Address, Failures]:
        found: dict[Address, dict[str, list[Run]]] = {}
        query = (
            f"SELECT run.* FROM run LEFT JOIN ({_RETRIED}) AS retried ON retried.address = run.address"
            f" WHERE NOT {LIVE} AND run.rowid > coalesce(retried.after, 0) AND {among('run.address', plans)}"
            " ORDER BY run.rowid"
        )
        for run in self._runs(query, *(plans or ())):
            attempts = found.setdefault(run.address, {}).setdefault(run.fingerprint, [])
            if run.state == "succeeded":
                attempts.clear()
            else:
                attempts.append(run)
        return {
            address: kept
            for address, ended in found.items()
            if (kept := {fingerprint: tuple(runs) for fingerprint, runs in ended.items() if runs})
        }

    def _last_ends(self, plans: Collection[Address] | None) -> Mapping[Address, str]:
        where = f"NOT {LIVE} AND {among('address', plans)}"
        query = f"SELECT address, state, max(rowid) FROM run WHERE {where} GROUP BY address"
        return {Address(row["address"]): row["state"] for row in self.tables.all(query, *(plans or ()))}

    def _runs(self, query: str, *values: object) -> tuple[Run, ...]:
        return tuple(rows.run(row) for row in self.tables.all(query, *values))


@dataclass(frozen=True, slots=True)
class WritableRuns(Runs):
    """The same for the controller."""

    tables: WritableTables
    events: WritableEvents
    texts: WritableTexts

    def start(self, run: Run, plan: Plan, texts: Mapping[str, bytes], *, apply: int) -> None:
        """Writes down that the run is about to be started, and everything it will be started with."""
        values = {
            "id": run.id,
            "apply": apply,
            "address": run.address,
            "fingerprint": run.fingerprint,
            "worker": run.worker,
            "slot": run.slot,
            "cores": run.cores,
            "state": str(run.state),
            "reason": rows.reasons_text(run.reasons),
            "created": run.created.isoformat(),
            "predicted": None if run.predicted is None else run.predicted.total_seconds(),
        }
        with self.tables.atomic():
            self.tables.insert("run", values)
            self.tables.written(run.address)
            self.texts.keep(texts)
            self.tables.insert_all(
                "run_input", ({"run": run.id, **rows.input_values(file)} for file in plan.inputs)
            )
            self.tables.insert_all(
                "run_component", ({"run": run.id, **rows.component_values(c)} for c in plan.components)
            )
            self.events.add(
                run.created, "started", f"on {run.worker}: {in_words(run.reasons)}", run.address, run.id
            )

    def move(  # noqa: PLR0913  a move and what is known about it
        self,
        run: RunId,
        to: RunState,
        *,
        now: datetime,
        started: datetime | None = None,
        ended: datetime | None = None,
        failure: Failure | None = None,
        exit_code: int | None = None,
        message: str | None = None,
    ) -> Run:
        """Raises IllegalMove where a run in its state cannot go there. `message`: what is told of it."""
        with self.tables.atomic():
            self._move(run, to, _known(started=started, ended=ended, exit_code=exit_code, failure=failure))
            found = self._run(run)
            self.tables.written(found.address)
            told = str(failure.trouble) if failure else f"on {found.worker}"
            self.events.add(now, str(to), message or told, found.address, run)
        return found

    def keep_log(self, run: RunId, log: bytes) -> None:
        """What the run printed, for `logs` when its run directory is gone."""
        with self.tables.atomic():
            self.tables.replace_all("run_log", [{"run": run, "content": rows.packed(log)}])

    def mark_discarded(self, runs: Iterable[RunId]) -> None:
        """Their run directories were removed."""
        with self.tables.atomic():
            for run in runs:
                self.tables.update("run", run, {"discarded": 1})

    def intend_stop(self, run: RunId, failure: Failure, *, now: datetime) -> None:
        """Written down before the worker is asked to end the run: the first reason stands."""
        trouble = failure.trouble
        values = (run, now.isoformat(), str(failure.cause), trouble.what, trouble.remedy)
        with self.tables.atomic():
            self.tables.execute(
                "INSERT OR IGNORE INTO run_stop (run, at, cause, message, remedy) VALUES (?, ?, ?, ?, ?)",
                *values,
            )

    def _run(self, run: RunId) -> Run:
        found = self.find(run)
        if found is None:
            raise StoreError(
                f"{self.tables.path}: run {run} is not in the store", "was the store restored from a backup?"
            )
        return found

    def _move(self, run: RunId, to: RunState, known: Mapping[str, Any]) -> None:
        check_move(run, self._run(run).state, to)
        self.tables.update("run", run, {"state": str(to), **known})


def _by_age(live: Mapping[Address, Run]) -> tuple[Run, ...]:
    return tuple(sorted(live.values(), key=lambda run: (run.created, run.id)))


def _at(
    pairs: Mapping[Address, str], failed: Mapping[Address, Failures]
) -> Mapping[Address, tuple[Run, ...]]:
    """Of each plan at its fingerprint; what other inputs led to is left out."""
    found = {address: runs.get(pairs.get(address, "")) for address, runs in failed.items()}
    return {address: runs for address, runs in found.items() if runs is not None}


def _known(**values: Any) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in values.items():
        match value:
            case None:
                continue
            case Failure():
                known |= {
                    "failure_kind": value.kind,
                    "failure_cause": str(value.cause),
                    "failure_message": value.trouble.what,
                    "failure_remedy": value.trouble.remedy,
                }
            case datetime():
                known[name] = value.isoformat()
            case _:
                known[name] = value
    return known
