"""The receipt beside an output: where it came from, in JSON that a person can read and the store be rebuilt from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from rasreconcile.errors import ResultError
from rasreconcile.jobs import RunId
from rasreconcile.plain_files import head
from rasreconcile.plans import Address, Component
from rasreconcile.records import FurtherOutput, Provenance, Published, ResultSummary, WaterChange

RECEIPT_VERSION = 1
SUFFIX = ".receipt.json"
_LARGEST = 16 << 20
_LARGEST_OUTPUT = 1 << 63
_MOST_CORES = 1 << 31

_NOTES: Mapping[Provenance, str] = {
    "computed": "computed by this run",
    "copied": "copied from the result of another plan with the same fingerprint; the run is that plan's",
    "recalled": "known again from the receipt beside it, which matched the file",
    "adopted": "an existing file, verified and taken under control; rasreconcile did not compute it, and nobody proved"
    " that these inputs made it",
}


def receipt_path(output: Path) -> Path:
    """`Muncie.p04.hdf.receipt.json`."""
    return output.with_name(f"{output.name}{SUFFIX}")


def text(published: Published) -> str:
    """The receipt; the path is left out, since it is that of the file it stands beside.

    The spec is named from there, so that a study may be moved, or checked out elsewhere, with its results.
    """
    document = {
        "receipt": RECEIPT_VERSION,
        "plan": published.address,
        "file": published.path.name,
        "spec": _from(published.path, published.spec) if published.spec else "",
        "size": published.size,
        "sha256": published.digest,
        "provenance": published.provenance,
        "note": _NOTES[published.provenance],
        "run": published.run,
        "worker": published.worker,
        "engine": published.engine,
        "platform": published.platform,
        "cores": published.cores,
        "published": published.at.isoformat(),
        "summary": published.summary,
        "shown": asdict(published.shown) if published.shown else None,
        "water": asdict(published.water) if published.water else None,
        "fingerprint": published.fingerprint,
        "expectations": published.expectation_digest,
        "remarks": list(published.remarks),
        **_beside_values(published),
        "components": [{"name": c.name, "digest": c.digest, "value": c.value} for c in published.components],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def read_receipt(output: Path) -> Published | None:
    """What the receipt beside `output` says; None where there is none. Raises ResultError where it is damaged."""
    path = receipt_path(output)
    try:
        data = head(path, _LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror or error}", "make it readable") from error
    try:
        if len(data) > _LARGEST:
            raise ValueError(f"larger than {_LARGEST >> 20} MiB")
        return _published(json.loads(data), output)
    except KeyError as error:
        raise ResultError(
            f"{path}: no receipt: lacks {error}", "adopt the file or compute the plan again"
        ) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        why = " ".join(str(error).split())[:120]
        raise ResultError(f"{path}: no receipt: {why}", "adopt the file or compute the plan again") from error


def _published(document: Any, output: Path) -> Published:
    if not isinstance(document, dict) or document.get("receipt") != RECEIPT_VERSION:
        raise ValueError(f"not a receipt of version {RECEIPT_VERSION}")
    said = _text(document, "provenance")
    provenance = next((known for known in _NOTES if known == said), None)
    if provenance is None:
        raise ValueError(f"provenance is not one of {', '.join(get_args(Provenance))}")
    return Published(
        address=Address(_text(document, "plan", r"\S.*")),
        run=RunId(_text(document, "run", r"[a-z0-9-]+")),
        path=output,
        size=_size(document["size"]),
        digest=_text(document, "sha256", r"[0-9a-f]{64}"),
        fingerprint=_text(document, "fingerprint", r"[0-9a-f]{64}"),
        components=tuple(_component(c) for c in _list(document, "components")),
        expectation_digest=_text(document, "expectations"),
        provenance=provenance,
        engine=_text(document, "engine"),
        worker=_text(document, "worker"),
        at=_time(_text(document, "published")),
        platform=_text({"platform": "", **document}, "platform"),
        cores=_cores(document.get("cores")),
        summary=_text(document, "summary"),
        shown=ResultSummary.of(document["shown"]) if document.get("shown") else None,
        water=WaterChange.of(document["water"]) if document.get("water") else None,
        spec=_spec(_text({"spec": "", **document}, "spec"), output),
        beside=_beside(document),
        remarks=tuple(_remark(r) for r in _list({"remarks": [], **document}, "remarks")),
    )


def _from(output: Path, spec: Path) -> str:
    """The spec as it is reached from the real folder of the output, forward slashes."""
    try:
        return Path(os.path.relpath(spec, os.path.realpath(output.parent))).as_posix()
    except ValueError:
        # Two drives of Windows have no way from one to the other.
        return spec.as_posix()


def _spec(named: str, output: Path) -> Path | None:
    return Path(os.path.normpath(Path(os.path.realpath(output.parent), named))) if named else None


def _beside_values(published: Published) -> dict[str, Any]:
    if published.beside is None:
        return {}
    return {"outputs": [{"file": o.name, "size": o.size, "sha256": o.digest} for o in published.beside]}


def _beside(document: Mapping[str, Any]) -> tuple[FurtherOutput, ...] | None:
    if "outputs" not in document:
        return None
    return tuple(_further(value) for value in _list(document, "outputs"))


def _further(value: Any) -> FurtherOutput:
    if not isinstance(value, dict):
        raise TypeError("an output is not an object")
    name = _text(value, "file", r"[^\\\x00-\x1f]+")
    parts = PurePosixPath(name).parts
    # It is read, and may be removed, by this name: a receipt must lead nowhere else.
    if name.startswith("/") or {"..", "."} & set(parts) or PurePosixPath(name).as_posix() != name:
        raise ValueError("an output is not a file below the result's folder")
    return FurtherOutput(name, _size(value.get("size")), _text(value, "sha256", r"[0-9a-f]{64}"))


def _component(value: Any) -> Component:
    if not isinstance(value, dict):
        raise TypeError("a component is not an object")
    return Component(_text(value, "name", r"\S.*"), _text(value, "digest"), _text(value, "value"))


def _remark(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a remark is not text")
    value.encode()
    return value


def _text(document: Mapping[str, Any], key: str, pattern: str = r"[\s\S]*") -> str:
    value = document[key]
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(f"{key} has an invalid value")
    value.encode()  # JSON can spell halves of characters that no file and no store can hold
    return value


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document[key]
    if not isinstance(value, list):
        raise TypeError(f"{key} is not a list")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST_OUTPUT:
        raise ValueError("size is not a number of bytes")
    return value


def _cores(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value < _MOST_CORES):
        raise ValueError("cores is not a number of cores")
    return value


def _time(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("published has no time zone")
    return at.astimezone(UTC)
