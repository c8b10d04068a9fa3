"""A run's small files in one archive, and which of its inputs lie in the cache."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rasreconcile.jobs import Staged
from rasreconcile.workers import rundir
from rasreconcile.workers.input_cache import changed, reading

LARGEST = 1 << 20
"""Bytes of an input that travels with its run. In a container each file is a copy of the run's own: a larger one is
kept where the next run finds it, whatever this one may do to it."""
_UNTOUCHED = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is put there for one run."""

    archive: bytes
    job: bytes
    """job.json, with `staging` added: what the container is to fetch, by digest."""


def shared(inputs: Collection[Staged]) -> list[Staged]:
    """Those that lie in the cache, each once."""
    found = {staged.digest: staged for staged in inputs if _is_shared(staged)}
    return list(found.values())


def bundle(inputs: Collection[Staged], controls: Mapping[str, bytes]) -> Bundle:
    """Raises InputChanged where an input no longer has its digest."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for name, text in controls.items():
            if name != rundir.JOB:
                _add(tar, name, text)
        for staged in inputs:
            if not _is_shared(staged):
                _add(tar, f"{rundir.WORK}/{staged.name}", _bytes_of(staged))
    archive = data.getvalue()
    # An argument may hold bytes that are no UTF-8.
    asked = json.loads(controls[rundir.JOB].decode("utf-8", "surrogateescape"))
    asked["staging"] = {
        "bundle": {"digest": hashlib.sha256(archive).hexdigest(), "size": len(archive)},
        "cached": [
            {"name": staged.name, "digest": staged.digest, "size": staged.size}
            for staged in inputs
            if _is_shared(staged)
        ],
    }
    document = json.dumps(asked, indent=1, ensure_ascii=False) + "\n"
    return Bundle(archive, document.encode("utf-8", "surrogateescape"))


def cached_in(job: bytes) -> frozenset[str]:
    """The digests that a run with this job.json will ask the cache for."""
    try:
        return frozenset(
            str(one["digest"]) for one in json.loads(job.decode(errors="replace"))["staging"]["cached"]
        )
    except (ValueError, KeyError, TypeError):
        return frozenset()


def _is_shared(staged: Staged) -> bool:
    return staged.writable == "read only" or staged.size > LARGEST


def _bytes_of(staged: Staged) -> bytes:
    with reading(staged) as read:
        data = b"".join(iter(read, b""))
    if hashlib.sha256(data).hexdigest() != staged.digest:
        raise changed(staged)
    return data


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(data), 0o600, _UNTOUCHED
    tar.addfile(entry, io.BytesIO(data))
