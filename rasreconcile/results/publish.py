"""Publication: a proven file takes the place of the last one in one step, with its receipt beside it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from rasreconcile.errors import PublishHeld, ResultError
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component
from rasreconcile.records import Provenance, Published

Thoroughness = Literal["summary", "every dataset"]

RECEIPT_VERSION = 1
_LARGEST_RECEIPT = 16 << 20
_CHUNK = 1 << 20
_HELD_SECONDS = 30.0
_HELD_WINDOWS = {5, 32, 33}
"""Access denied, sharing violation, lock violation: a viewer has the file open."""


def temporary_name(output: Path, run: RunId) -> Path:
    """Beside the output, so that replacing is one step of one file system."""
    return output.with_name(f".{output.name}.{run}.part")


def receipt_path(output: Path) -> Path:
    return output.with_name(f"{output.name}.receipt.json")


def make_folder(output: Path) -> None:
    """Raises PublishHeld where the folder cannot be made."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishHeld(
            f"cannot be put into {output.parent}: {error.strerror}; make the folder writable"
        ) from error


def digest_file(path: Path) -> tuple[int, str]:
    """Size in bytes and sha256. Raises OSError."""
    whole, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            whole.update(chunk)
            size += len(chunk)
    return size, whole.hexdigest()


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copies, flushes to disk, and returns size and sha256 of what was written. Raises OSError."""
    whole, size = hashlib.sha256(), 0
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(_CHUNK):
            write.write(chunk)
            whole.update(chunk)
            size += len(chunk)
        write.flush()
        os.fsync(write.fileno())
    return size, whole.hexdigest()


def replace(
    temporary: Path,
    output: Path,
    *,
    patience: float = _HELD_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """The proven file takes the output's name. Raises PublishHeld where that is not possible now; nothing is lost."""
    waited, pause = 0.0, 0.1
    while True:
        try:
            temporary.replace(output)
            break
        except OSError as error:
            if getattr(error, "winerror", None) in _HELD_WINDOWS and waited < patience:
                sleep(pause)
                waited, pause = waited + pause, min(pause * 2, 2.0)
                continue
            raise _held(output, error) from error
    _flush_folder(output.parent)


def write_receipt(published: Published) -> None:
    """Raises PublishHeld where it cannot be written."""
    path = receipt_path(published.path)
    text = json.dumps(_to_json(published), indent=1, ensure_ascii=False) + "\n"
    aside = path.with_name(f".{path.name}.{published.run}.part")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise _held(path, error) from error
    _flush_folder(path.parent)


def read_receipt(output: Path) -> Published | None:
    """What the receipt beside `output` says; None where there is none. Raises ResultError where it is damaged."""
    path = receipt_path(output)
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_RECEIPT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}; make it readable") from error
    try:
        if len(data) > _LARGEST_RECEIPT:
            raise ValueError("too large")
        return _from_json(json.loads(data), output)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ResultError(f"{path}: no receipt that can be read ({error}); compute the plan again") from error


def sweep(folder: Path, outputs: Iterable[str], live: Collection[RunId]) -> tuple[Path, ...]:
    """Removes the temporary files of runs that are over; returns them. Only names of our own making are touched."""
    names = "|".join(re.escape(name) for name in sorted(set(outputs)))
    if not names or not folder.is_dir():
        return ()
    pattern = re.compile(rf"\.(?:{names})(?:\.receipt\.json)?\.([a-z0-9-]+)\.part")
    removed = []
    for path in sorted(folder.iterdir()):
        found = pattern.fullmatch(path.name)
        if found and found[1] not in live:
            with suppress(FileNotFoundError):
                path.unlink()
                removed.append(path)
    return tuple(removed)


def _held(path: Path, error: OSError) -> PublishHeld:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return PublishHeld(f"cannot be written to {path.parent}: the disk is full; free some room")
    if getattr(error, "winerror", None) in _HELD_WINDOWS:
        return PublishHeld(f"cannot replace {path}: another program holds it open; close it there")
    return PublishHeld(f"cannot replace {path}: {error.strerror or error}; make the folder writable")


def _flush_folder(folder: Path) -> None:
    """Makes a rename survive a power cut, where the system lets folders be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_json(published: Published) -> dict[str, Any]:
    return {
        "receipt": RECEIPT_VERSION,
        "plan": published.address,
        "file": published.path.name,
        "size": published.size,
        "sha256": published.digest,
        "provenance": published.provenance,
        "run": published.run,
        "worker": published.worker,
        "engine": published.engine,
        "published": published.at.isoformat(),
        "summary": published.summary,
        "fingerprint": published.fingerprint,
        "expectations": published.expectation_digest,
        "components": [{"name": c.name, "digest": c.digest, "value": c.value} for c in published.components],
    }


def _from_json(document: Any, output: Path) -> Published:
    if not isinstance(document, dict) or document.get("receipt") != RECEIPT_VERSION:
        raise ValueError("not a receipt of this version")
    provenance: Provenance = document["provenance"]
    at = datetime.fromisoformat(_text(document["published"]))
    if provenance not in get_args(Provenance) or at.tzinfo is None or not isinstance(document["size"], int):
        raise ValueError("a field holds what it cannot hold")
    return Published(
        address=Address(_text(document["plan"])),
        run=RunId(_text(document["run"])),
        path=output,
        size=document["size"],
        digest=_digest(document["sha256"]),
        fingerprint=_digest(document["fingerprint"]),
        components=tuple(
            Component(_text(c["name"]), _text(c["digest"]), _text(c["value"])) for c in document["components"]
        ),
        expectation_digest=_text(document["expectations"]),
        provenance=provenance,
        engine=_text(document["engine"]),
        worker=_text(document["worker"]),
        at=at,
        summary=_text(document["summary"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _digest(value: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", _text(value)):
        raise ValueError("no sha256")
    return str(value)
