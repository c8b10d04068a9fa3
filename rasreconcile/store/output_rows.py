"""Published results to rows and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from sqlite3 import Row
from typing import Any

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component
from rasreconcile.records import FurtherOutput, Published, ResultSummary, WaterChange
from rasreconcile.store.rows import certain


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
        beside=_beside(row["beside"]),
        shown=ResultSummary.of(json.loads(row["shown"])) if row["shown"] else None,
        water=WaterChange.of(json.loads(row["water"])) if row["water"] else None,
        remarks=tuple(json.loads(row["remarks"])),
    )


def published_values(published: Published) -> dict[str, Any]:
    return {
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
        "beside": _beside_text(published.beside),
        "shown": json.dumps(asdict(published.shown)) if published.shown else None,
        "water": json.dumps(asdict(published.water)) if published.water else None,
        "remarks": json.dumps(published.remarks),
    }


def _beside(text: str | None) -> tuple[FurtherOutput, ...] | None:
    return None if text is None else tuple(FurtherOutput(*one) for one in json.loads(text))


def _beside_text(beside: Iterable[FurtherOutput] | None) -> str | None:
    return None if beside is None else json.dumps([[o.name, o.size, o.digest] for o in beside])
