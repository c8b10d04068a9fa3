"""Adopted results set aside: what rasreconcile did not compute it cannot compute again, so it is kept when replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path

from rasreconcile.errors import PublishHeld, ResultError
from rasreconcile.jobs import RunId
from rasreconcile.records import Published
from rasreconcile.results import publish


def set_aside(output: Path, on: date) -> Path | None:
    """Keeps an adopted result, with its receipt, as `Muncie.p04.hdf.adopted-2026-11-27`; says where.

    None where the receipt at `output` does not say that it was adopted. The result itself stays until a better one
    takes its place. May be repeated: what is kept already is not kept twice. Raises PublishHeld where that cannot be.
    """
    receipt = _adopted(output)
    real = publish.place(output)
    if receipt is None or not real.is_file():
        return None
    for kept in _names(real, on):
        found = _adopted(kept)
        if found is not None and found.digest == receipt.digest:
            return kept
        if found is None and (not kept.exists() or kept.samefile(real)):
            keep_as(real, kept, receipt.run)
            publish.write_receipt(replace(receipt, path=kept, beside=None))
            return kept
    raise AssertionError("too many files of this name exist")


def _names(real: Path, on: date) -> Iterator[Path]:
    """Those of earlier days first: the same result may have been set aside then."""
    first = f"{real.name}.adopted-"
    there = sorted(path for path in real.parent.iterdir() if path.name.startswith(first))
    yield from (path for path in there if _adopted(path) is not None)
    yield real.with_name(f"{first}{on.isoformat()}")
    yield from (real.with_name(f"{first}{on.isoformat()}-{number}") for number in count(2))


def _adopted(output: Path) -> Published | None:
    try:
        receipt = publish.read_receipt(output)
    except ResultError:
        # What it says nobody can tell: the file is then of unknown origin, and not replaced without a word.
        return None
    return receipt if receipt is not None and receipt.provenance == "adopted" else None


def keep_as(real: Path, kept: Path, run: RunId) -> None:
    """Keeps a file under another name beside it. May be repeated. Raises PublishHeld where that cannot be."""
    if kept.exists():
        return
    try:
        os.link(real, kept)
    except FileExistsError:
        return
    except OSError:
        # Not every file system has hard links.
        temporary = publish.temporary_name(kept, run)
        try:
            publish.copy_file(real, temporary)
        except ResultError as error:
            raise PublishHeld(f"cannot be kept as {kept}: {error}") from error
        publish.replace(temporary, kept)
