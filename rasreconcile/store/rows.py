"""Rows to records; shared by the store and its reader. sqlite3 rows only, nothing heavy."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from sqlite3 import Row
from typing import Any

from rasreconcile.facts import LogFacts, Trouble
from rasreconcile.failures import Failure
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component
from rasreconcile.reconcile.observed import Assessed, HdfEvidence
from rasreconcile.records import (
    Event,
    FileStat,
    Hashed,
    LastVerdict,
    Mention,
    Mentions,
    Progress,
    Published,
    Request,
)
from rasreconcile.runs import Run, RunState


def time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def certain(value: str) -> datetime:
    return datetime.fromisoformat(value)


def run(row: Row) -> Run:
    failure = None
    if row["failure_kind"] is not None:
        failure = Failure(
            kind=row["failure_kind"], cause=row["failure_cause"], message=row["failure_message"]
        )
    return Run(
        id=RunId(row["id"]),
        address=Address(row["address"]),
        fingerprint=row["fingerprint"],
        worker=row["worker"],
        slot=row["slot"],
        cores=row["cores"],
        state=RunState(row["state"]),
        reason=row["reason"],
        created=certain(row["created"]),
        started=time(row["started"]),
        ended=time(row["ended"]),
        failure=failure,
        exit_code=row["exit_code"],
    )


def components(rows: Iterable[Row]) -> tuple[Component, ...]:
    return tuple(Component(row["name"], row["digest"], row["value"]) for row in rows)


def published(row: Row, parts: tuple[Component, ...]) -> Published:
    return Published(
        address=Address(row["address"]),
        run=RunId(row["run"]),
        path=Path(row["path"]),
        size=row["size"],
        digest=row["digest"],
        fingerprint=row["fingerprint"],
        components=parts,
        expectation_digest=row["expectation_digest"],
        provenance=row["provenance"],
        engine=row["engine"],
        worker=row["worker"],
        at=certain(row["at"]),
        platform=row["platform"],
        cores=row["cores"],
        summary=row["summary"],
        remarks=tuple(json.loads(row["remarks"])),
    )


def request(row: Row) -> Request:
    return Request(
        id=row["id"],
        kind=row["kind"],
        address=Address(row["address"]),
        at=certain(row["at"]),
        by=row["asked_by"],
    )


def last_verdict(row: Row) -> LastVerdict:
    return LastVerdict(
        address=Address(row["address"]),
        sync=row["sync"],
        phase=row["phase"],
        reasons=tuple(json.loads(row["reasons"])),
        next_at=time(row["next_at"]),
        output=Path(row["output"]),
        at=certain(row["at"]),
    )


def event(row: Row) -> Event:
    return Event(
        at=certain(row["at"]),
        kind=row["kind"],
        address=None if row["address"] is None else Address(row["address"]),
        run=None if row["run"] is None else RunId(row["run"]),
        message=row["message"],
    )


def hashed(row: Row) -> Hashed:
    return Hashed(
        path=Path(row["path"]),
        stat=FileStat(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"]),
        kind=row["kind"],
        raw=row["raw"],
        semantic=row["semantic"],
        hashed_ns=row["hashed_ns"],
    )


def mentions(row: Row) -> Mentions:
    return Mentions(
        path=Path(row["path"]),
        stat=FileStat(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"]),
        kind=row["kind"],
        found=tuple(Mention(what, value, line) for what, value, line in json.loads(row["found"])),
        read_ns=row["read_ns"],
    )


def file_columns(path: Path, kind: str, stat: FileStat) -> dict[str, str | int]:
    """What tells whether a row about a file still holds."""
    return {
        "path": str(path),
        "kind": kind,
        "size": stat.size,
        "mtime_ns": stat.mtime_ns,
        "ctime_ns": stat.ctime_ns,
        "inode": stat.inode,
    }


def log_facts(text: str) -> LogFacts:
    values = json.loads(text)
    worst = values.pop("worst")
    simulated = values.pop("simulated")
    return LogFacts(**values, worst=Trouble(**worst) if worst else None, simulated=time(simulated))


def log_facts_text(facts: LogFacts) -> str:
    return json.dumps(asdict(facts), default=datetime.isoformat)


def progress(row: Row) -> Progress:
    return Progress(
        run=RunId(row["run"]),
        at=certain(row["at"]),
        messages=row["messages"],
        facts=log_facts(row["facts"]),
        done=row["done"],
        resume=row["resume"],
    )


def assessed(row: Row) -> Assessed:
    values = json.loads(row["evidence"])
    window = values.pop("window")
    evidence = HdfEvidence(
        **{
            **values,
            "shortfalls": tuple(values["shortfalls"]),
            "geometry_written": time(values["geometry_written"]),
        },
        window=(certain(window[0]), certain(window[1])) if window else None,
    )
    stat = FileStat(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"])
    return Assessed(Path(row["path"]), stat, row["judged_as"], evidence)


def assessed_values(assessed: Assessed) -> dict[str, Any]:
    return {
        "path": str(assessed.path),
        "size": assessed.stat.size,
        "mtime_ns": assessed.stat.mtime_ns,
        "ctime_ns": assessed.stat.ctime_ns,
        "inode": assessed.stat.inode,
        "judged_as": assessed.judged_as,
        "evidence": json.dumps(asdict(assessed.evidence), default=datetime.isoformat),
    }


def packed(data: bytes) -> bytes:
    return zlib.compress(data, 6)


def unpacked(data: Any) -> bytes:
    return zlib.decompress(bytes(data))
