"""Rows to records; shared by the store and its reader. sqlite3 rows only, nothing heavy."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Row
from typing import Any

from rasreconcile.errors import Trouble
from rasreconcile.facts import LargestError, LogFacts
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component, InputFile
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.observed import Assessed, HdfEvidence
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import (
    Event,
    FileStat,
    Hashed,
    Mention,
    Mentions,
    Progress,
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
            kind=row["failure_kind"],
            cause=FailureCause.read(row["failure_cause"]),
            trouble=Trouble(row["failure_message"], row["failure_remedy"]),
        )
    return Run(
        id=RunId(row["id"]),
        address=Address(row["address"]),
        fingerprint=row["fingerprint"],
        worker=row["worker"],
        slot=row["slot"],
        cores=row["cores"],
        state=RunState(row["state"]),
        reasons=reasons(row["reason"]),
        created=certain(row["created"]),
        started=time(row["started"]),
        ended=time(row["ended"]),
        failure=failure,
        exit_code=row["exit_code"],
        predicted=None if row["predicted"] is None else timedelta(seconds=row["predicted"]),
    )


def components(rows: Iterable[Row]) -> tuple[Component, ...]:
    return tuple(Component(row["name"], row["digest"], row["value"]) for row in rows)


def component_values(component: Component) -> dict[str, Any]:
    return {"name": component.name, "digest": component.digest, "value": component.value}


def input_values(file: InputFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "kind": file.kind,
        "raw": file.raw,
        "semantic": file.semantic,
        "size": file.size,
    }


def request(row: Row) -> Request:
    return Request(
        id=row["id"],
        kind=row["kind"],
        address=Address(row["address"]),
        at=certain(row["at"]),
        by=row["asked_by"],
    )


def troubles_text(troubles: Iterable[Trouble]) -> str:
    return json.dumps([[trouble.what, trouble.remedy] for trouble in troubles])


def troubles(text: str) -> tuple[Trouble, ...]:
    return tuple(Trouble(what, remedy) for what, remedy in json.loads(text))


def reasons_text(reasons: Iterable[Reason]) -> str:
    return json.dumps([asdict(reason) for reason in reasons])


def reasons(text: str) -> tuple[Reason, ...]:
    """What `reasons_text` wrote. Runs in stores of version 6 and older have a sentence, which begins with its cause."""
    if text.startswith("["):
        return tuple(
            Reason(Cause(one["cause"]), one["subject"], one["evidence"], one.get("remedy", ""))
            for one in json.loads(text)
            if not isinstance(one, str)
        )
    cause, _, evidence = text.partition(" ")
    return (Reason(Cause(cause.strip(":;")), "", evidence),)


def last_verdict(row: Row) -> LastVerdict:
    # Stores of version 5 and older hold sentences, the note among them.
    sentences = [one for one in json.loads(row["reasons"]) if isinstance(one, str)]
    return LastVerdict(
        address=Address(row["address"]),
        sync=row["sync"],
        phase=row["phase"],
        reasons=reasons(row["reasons"]),
        note=row["note"] or "; ".join(sentences),
        remedy=row["remedy"],
        obstacle=row["obstacle"],
        blocked_by=troubles(row["blocked_by"]),
        next_at=time(row["next_at"]),
        output=Path(row["output"]),
        at=certain(row["at"]),
    )


def last_verdict_values(place: int, verdict: LastVerdict) -> dict[str, Any]:
    return {
        "place": place,
        "address": verdict.address,
        "sync": verdict.sync,
        "phase": verdict.phase,
        "reasons": reasons_text(verdict.reasons),
        "note": verdict.note,
        "remedy": verdict.remedy,
        "obstacle": verdict.obstacle,
        "blocked_by": troubles_text(verdict.blocked_by),
        "next_at": verdict.next_at.isoformat() if verdict.next_at else None,
        "output": str(verdict.output),
        "at": verdict.at.isoformat(),
    }


def event(row: Row) -> Event:
    return Event(
        at=certain(row["at"]),
        kind=row["kind"],
        address=None if row["address"] is None else Address(row["address"]),
        run=None if row["run"] is None else RunId(row["run"]),
        message=row["message"],
    )


def event_values(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "kind": event.kind,
        "address": event.address,
        "run": event.run,
        "message": event.message,
    }


def hashed(row: Row) -> Hashed:
    return Hashed(
        path=Path(row["path"]),
        stat=FileStat(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"]),
        kind=row["kind"],
        raw=row["raw"],
        semantic=row["semantic"],
        hashed_ns=row["hashed_ns"],
    )


def hashed_values(hashed: Hashed) -> dict[str, Any]:
    return {
        **file_columns(hashed.path, hashed.kind, hashed.stat),
        "raw": hashed.raw,
        "semantic": hashed.semantic,
        "hashed_ns": hashed.hashed_ns,
    }


def mentions(row: Row) -> Mentions:
    return Mentions(
        path=Path(row["path"]),
        stat=FileStat(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"]),
        kind=row["kind"],
        found=tuple(Mention(*one) for one in json.loads(row["found"])),
        read_ns=row["read_ns"],
    )


def mentions_values(mentions: Mentions) -> dict[str, Any]:
    return {
        **file_columns(mentions.path, mentions.kind, mentions.stat),
        "found": json.dumps([(one.what, one.value, one.line, one.remedy) for one in mentions.found]),
        "read_ns": mentions.read_ns,
    }


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
    return LogFacts(**values, worst=LargestError(**worst) if worst else None, simulated=time(simulated))


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


def progress_values(progress: Progress) -> dict[str, Any]:
    return {
        "run": progress.run,
        "at": progress.at.isoformat(),
        "messages": progress.messages,
        "facts": log_facts_text(progress.facts),
        "done": progress.done,
        "resume": progress.resume,
    }


def assessed(row: Row) -> Assessed:
    values = json.loads(row["evidence"])
    window = values.pop("window")
    evidence = HdfEvidence(
        **{
            **values,
            "shortfalls": tuple(Trouble(**one) for one in values["shortfalls"]),
            "geometry_written": time(values["geometry_written"]),
        },
        window=(certain(window[0]), certain(window[1])) if window else None,
    )
    stat = FileStat(row["size"], row["mtime_ns"], row["ctime_ns"], row["inode"])
    return Assessed(Path(row["path"]), stat, row["judged_as"], evidence)


def assessed_values(assessed: Assessed) -> dict[str, Any]:
    evidence = asdict(assessed.evidence)
    # Noted with the result, should it be adopted.
    del evidence["shown"]
    return {
        "path": str(assessed.path),
        "size": assessed.stat.size,
        "mtime_ns": assessed.stat.mtime_ns,
        "ctime_ns": assessed.stat.ctime_ns,
        "inode": assessed.stat.inode,
        "judged_as": assessed.judged_as,
        "evidence": json.dumps(evidence, default=datetime.isoformat),
    }


def packed(data: bytes) -> bytes:
    return zlib.compress(data, 6)


def unpacked(data: Any) -> bytes:
    return zlib.decompress(bytes(data))
