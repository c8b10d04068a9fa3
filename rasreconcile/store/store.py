"""The store: what was intended, what was proven, and everything that happened in between."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from sqlite_utils import Database

from rasreconcile.errors import StoreError
from rasreconcile.failures import Failure
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, InputFile, Plan
from rasreconcile.records import Hashed, LastVerdict, Mentions, Published
from rasreconcile.runs import Run, RunState, check_move
from rasreconcile.store import lock, rows
from rasreconcile.store.backup import copy_whole
from rasreconcile.store.database import open_database, refuse_bad_place
from rasreconcile.store.holding import take_lock
from rasreconcile.store.notes import Notes
from rasreconcile.store.retention import Forgotten, forget
from rasreconcile.store.sqlite_errors import explained


class Store(Notes):
    """Held by one controller at a time. Every method that writes is one transaction, and on disk when it returns."""

    def __init__(self, path: Path, database: Database, held: lock.Lock) -> None:
        self._path = path
        self._database = database
        self._connection = database.conn
        self._lock = held

    @classmethod
    def open(cls, path: Path, *, now: datetime) -> Store:
        """Takes the lock and migrates. Raises StoreBusy where a controller is at work, StoreError otherwise."""
        refuse_bad_place(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: {error.strerror}; set `state:` to another place") from error
        held = take_lock(path)
        try:
            database = open_database(path)
            with database.atomic():
                values = {
                    "only": 1,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "since": now.isoformat(),
                }
                database.table("controller").insert(values, replace=True)
        except BaseException:
            held.release()
            raise
        return cls(path, database, held)

    def close(self) -> None:
        """Frees the lock."""
        self._connection.close()
        self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and (told := explained(self._path, error)):
            raise told from error

    # ---- applies and specs

    def begin_apply(
        self, *, spec_path: Path, spec_digest: str, by: str, commit: str | None, now: datetime
    ) -> int:
        values = {
            "began": now.isoformat(),
            "spec_path": str(spec_path),
            "spec_digest": spec_digest,
            "asked_by": by,
            "git_commit": commit,
        }
        with self._database.atomic():
            number = self._insert("apply", values)
            self._event(now, "apply", f"asked by {by}" + (f" at commit {commit[:12]}" if commit else ""))
        return number

    def end_apply(self, apply: int, *, outcome: str, exit_code: int, now: datetime) -> None:
        with self._database.atomic():
            self._database.table("apply").update(
                apply, {"ended": now.isoformat(), "outcome": outcome, "exit_code": int(exit_code)}
            )
            self._event(now, "end", f"{outcome}, exit {int(exit_code)}")

    def remember_spec(self, digest: str, text: str) -> None:
        with self._database.atomic():
            self._keep_texts({digest: text.encode()})

    # ---- runs

    def start_run(self, run: Run, plan: Plan, texts: Mapping[str, bytes], *, apply: int) -> None:
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
            "reason": run.reason,
            "created": run.created.isoformat(),
        }
        with self._database.atomic():
            self._insert("run", values)
            self._keep_texts(texts)
            self._database.table("run_input").insert_all(
                {"run": run.id, **_input_values(file)} for file in plan.inputs
            )
            self._database.table("run_component").insert_all(
                {"run": run.id, "name": c.name, "digest": c.digest, "value": c.value} for c in plan.components
            )
            self._event(run.created, "started", f"on {run.worker}: {run.reason}", run.address, run.id)

    def move_run(  # noqa: PLR0913  a move and what is known about it
        self,
        run: RunId,
        to: RunState,
        *,
        now: datetime,
        started: datetime | None = None,
        ended: datetime | None = None,
        failure: Failure | None = None,
        exit_code: int | None = None,
    ) -> Run:
        """Raises IllegalMove where a run in its state cannot go there."""
        with self._database.atomic():
            self._move(run, to, _known(started=started, ended=ended, exit_code=exit_code, failure=failure))
            found = self._run(run)
            message = failure.message if failure else f"on {found.worker}"
            self._event(now, str(to), message, found.address, run)
        return found

    def publish(self, run: RunId, published: Published, *, now: datetime) -> None:
        """The result is in its place: the output and the run's success in one transaction."""
        with self._database.atomic():
            self._move(run, RunState.SUCCEEDED, {})
            self._output(published)
            self._event(now, "succeeded", published.summary or published.path.name, published.address, run)

    def keep_log(self, run: RunId, log: bytes) -> None:
        """What the run printed, for `logs` when its run directory is gone."""
        with self._database.atomic():
            self._database.table("run_log").insert({"run": run, "content": rows.packed(log)}, replace=True)

    def mark_discarded(self, runs: Iterable[RunId]) -> None:
        """Their run directories were removed."""
        with self._database.atomic():
            self._connection.executemany(
                "UPDATE run SET discarded = 1 WHERE id = ?", [(run,) for run in runs]
            )

    def at_once(self) -> AbstractContextManager[object]:
        """What is written inside is one transaction, and flushed once."""
        return self._database.atomic()

    # ---- outputs

    def record_output(self, published: Published, *, now: datetime, why: str) -> None:
        """A result that no run of this plan put there: copied, recalled, adopted."""
        with self._database.atomic():
            self._output(published)
            self._event(now, published.provenance, why, published.address, published.run)

    def adopt(self, published: Published, plan: Plan, texts: Mapping[str, bytes], *, why: str) -> None:
        """A found result is under control from now on, with the inputs of today as what it is compared with."""
        with self._database.atomic():
            self.record_output(published, now=published.at, why=why)
            self._keep_texts(texts)
            self._database.table("adopted_input").insert_all(
                {"run": published.run, **_input_values(file)} for file in plan.inputs
            )

    def mark_verified(
        self, address: Address, output_digest: str, expectation_digest: str, *, now: datetime
    ) -> None:
        """The published result meets the expectations of today."""
        with self._database.atomic():
            self._connection.execute(
                "UPDATE output SET expectation_digest = ? WHERE address = ? AND digest = ? AND current = 1",
                [expectation_digest, address, output_digest],
            )
            self._verification(address, output_digest, expectation_digest, (), now)
            self._event(now, "verified", "its result meets the changed expectations", address)

    def record_shortfalls(
        self,
        address: Address,
        output_digest: str,
        expectation_digest: str,
        shortfalls: Sequence[str],
        *,
        now: datetime,
    ) -> None:
        """A result does not meet the expectations of today."""
        with self._database.atomic():
            self._verification(address, output_digest, expectation_digest, shortfalls, now)
            self._event(now, "fell-short", "; ".join(shortfalls), address)

    # ---- the rest of the memory

    def remember_hashes(self, hashes: Iterable[Hashed]) -> None:
        values = [
            {
                **rows.file_columns(h.path, h.kind, h.stat),
                "raw": h.raw,
                "semantic": h.semantic,
                "hashed_ns": h.hashed_ns,
            }
            for h in hashes
        ]
        if values:
            with self._database.atomic():
                self._database.table("digest").insert_all(values, replace=True)

    def remember_mentions(self, mentions: Iterable[Mentions]) -> None:
        """What files say about others, so that unchanged ones need not be opened."""
        values = [
            {
                **rows.file_columns(m.path, m.kind, m.stat),
                "found": json.dumps([(one.what, one.value, one.line) for one in m.found]),
                "read_ns": m.read_ns,
            }
            for m in mentions
        ]
        if values:
            with self._database.atomic():
                self._database.table("mention").insert_all(values, replace=True)

    def close_request(self, request: int, *, now: datetime, outcome: str) -> None:
        with self._database.atomic():
            self._database.table("request").update(request, {"closed": now.isoformat(), "outcome": outcome})

    def record_verdicts(self, verdicts: Sequence[LastVerdict]) -> None:
        """Takes the place of the verdicts of the last look."""
        values = [
            {
                "place": place,
                "address": v.address,
                "sync": v.sync,
                "phase": v.phase,
                "reasons": json.dumps(v.reasons),
                "next_at": v.next_at.isoformat() if v.next_at else None,
                "output": str(v.output),
                "at": v.at.isoformat(),
            }
            for place, v in enumerate(verdicts)
        ]
        with self._database.atomic():
            self._connection.execute("DELETE FROM verdict")
            self._database.table("verdict").insert_all(values)

    def remember_image(self, worker: str, image: str, *, now: datetime) -> None:
        """The image that a worker's runs are computed in now."""
        values = {"worker": worker, "image": image, "at": now.isoformat()}
        self._database.table("worker_image").insert(values, replace=True)

    def backup(self, to: Path) -> None:
        """A copy as of now, whole even while runs go on."""
        copy_whole(self._connection, to)

    def forget(self, before: datetime, *, how: Literal["remove", "count"] = "remove") -> Forgotten:
        """What no current result and no run since `before` refers to; the runs themselves stay in `history`."""
        return forget(self._connection, before, how=how)

    def drop_output(self, address: Address, digest: str, *, now: datetime, why: str) -> None:
        """The result was removed, with its receipt, because its plan left the spec."""
        with self._database.atomic():
            self._connection.execute(
                "UPDATE output SET current = 0 WHERE address = ? AND digest = ? AND current = 1",
                [address, digest],
            )
            self._connection.execute("DELETE FROM verification WHERE address = ?", [address])
            self._event(now, "pruned", why, address)

    # ---- inside a transaction

    def _insert(self, table: str, values: Mapping[str, Any]) -> int:
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            list(values.values()),
        )
        return int(cursor.lastrowid or 0)

    def _event(
        self, at: datetime, kind: str, message: str, address: Address | None = None, run: RunId | None = None
    ) -> None:
        values = {"at": at.isoformat(), "kind": kind, "address": address, "run": run, "message": message}
        self._insert("event", values)

    def _run(self, run: RunId) -> Run:
        found = self.run(run)
        if found is None:
            raise StoreError(
                f"{self._path}: run {run} is not in the store; was the store put back from a backup?"
            )
        return found

    def _move(self, run: RunId, to: RunState, known: Mapping[str, Any]) -> None:
        check_move(run, self._run(run).state, to)
        self._database.table("run").update(run, {"state": str(to), **known})

    def _keep_texts(self, texts: Mapping[str, bytes]) -> None:
        for digest, data in texts.items():
            self._connection.execute(
                "INSERT OR IGNORE INTO text (digest, content) VALUES (?, ?)", [digest, rows.packed(data)]
            )

    def _output(self, published: Published) -> None:
        self._connection.execute("UPDATE output SET current = 0 WHERE address = ?", [published.address])
        self._connection.execute("DELETE FROM verification WHERE address = ?", [published.address])
        number = self._insert(
            "output",
            {
                "address": published.address,
                "current": 1,
                "run": published.run,
                "path": str(published.path),
                "size": published.size,
                "digest": published.digest,
                "fingerprint": published.fingerprint,
                "expectation_digest": published.expectation_digest,
                "provenance": published.provenance,
                "engine": published.engine,
                "worker": published.worker,
                "at": published.at.isoformat(),
                "platform": published.platform,
                "cores": published.cores,
                "summary": published.summary,
                "remarks": json.dumps(published.remarks),
            },
        )
        self._database.table("output_component").insert_all(
            {"output": number, "name": c.name, "digest": c.digest, "value": c.value}
            for c in published.components
        )

    def _verification(
        self, address: Address, output: str, expectation: str, shortfalls: Sequence[str], now: datetime
    ) -> None:
        values = {
            "address": address,
            "output_digest": output,
            "expectation_digest": expectation,
            "shortfalls": json.dumps(list(shortfalls)),
            "at": now.isoformat(),
        }
        self._database.table("verification").insert(values, replace=True)


def _input_values(file: InputFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "kind": file.kind,
        "raw": file.raw,
        "semantic": file.semantic,
        "size": file.size,
    }


def _known(**values: Any) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, value in values.items():
        match value:
            case None:
                continue
            case Failure():
                known |= {
                    "failure_kind": value.kind,
                    "failure_cause": value.cause,
                    "failure_message": value.message,
                }
            case datetime():
                known[name] = value.isoformat()
            case _:
                known[name] = value
    return known
