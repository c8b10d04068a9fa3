"""`state show|backup|rebuild`: looking at a store, copying it, making it again from the receipts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.clock import Clock
from rasreconcile.store.survey import Survey, survey
from rasreconcile.store.survey import backup as copy

if TYPE_CHECKING:
    from rasreconcile.operations.rebuild import Proofs
    from rasreconcile.specfile import LoadedSpec
    from rasreconcile.store.rebuild import Even

__all__ = ["Even", "Rebuilt", "Survey", "backup", "rebuild", "show"]


def show(state: Path) -> Survey:
    """What the store holds and whether it is sound; also while a controller works. Raises StoreError."""
    return survey(state)


def backup(state: Path, to: Path) -> int:
    """A copy as of now, checked: its size in bytes. Raises StoreError, UsageError."""
    copy(state, to)
    return to.stat().st_size


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a store was made again from."""

    proofs: Proofs
    kept: Path | None
    """Where the old store is."""


def rebuild(loaded: LoadedSpec, even: Even) -> Rebuilt:
    """From the receipts that match the results beside them. Raises SpecError, StoreError, StoreBusy, UsageError."""
    from rasreconcile.operations.rebuild import proofs  # noqa: PLC0415  `show` and `backup` read no spec
    from rasreconcile.store.rebuild import rebuild as rebuild_store  # noqa: PLC0415

    clock = Clock()
    found = proofs(loaded, clock)
    return Rebuilt(found, rebuild_store(loaded.state_path, found.proven, now=clock.now(), even=even))
