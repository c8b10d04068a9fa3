"""What a look needs of the store, whether a controller holds it, a reader looks into it, or it does not exist yet."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from rasreconcile.plans import Address
from rasreconcile.reconcile.durations import History
from rasreconcile.reconcile.observed import Assessed, Verification
from rasreconcile.records import Hashed, Mentions, Published, Request
from rasreconcile.runs import Run
from rasreconcile.store.reader import Reader


class StoreView(Protocol):
    """What is remembered, by the store or by a reader of it."""

    def published(self) -> Mapping[Address, Published]: ...
    def attempts_at(self, pairs: Mapping[Address, str]) -> Mapping[Address, tuple[Run, ...]]: ...
    def verifications(self) -> Mapping[Address, Verification]: ...
    def durations(self) -> History: ...
    def live_runs(self) -> tuple[Run, ...]: ...
    def open_requests(self) -> tuple[Request, ...]: ...
    def hashes(self) -> Mapping[tuple[Path, str], Hashed]: ...
    def mentions(self) -> Mapping[tuple[Path, str], Mentions]: ...
    def assessed(self) -> Mapping[Path, Assessed]: ...
    def images(self) -> Mapping[str, str]: ...


class EmptyStore:
    """The view of a store that does not exist yet."""

    def published(self) -> Mapping[Address, Published]:
        return {}

    def attempts_at(self, pairs: Mapping[Address, str]) -> Mapping[Address, tuple[Run, ...]]:
        return {}

    def verifications(self) -> Mapping[Address, Verification]:
        return {}

    def durations(self) -> History:
        return {}

    def live_runs(self) -> tuple[Run, ...]:
        return ()

    def open_requests(self) -> tuple[Request, ...]:
        return ()

    def hashes(self) -> Mapping[tuple[Path, str], Hashed]:
        return {}

    def mentions(self) -> Mapping[tuple[Path, str], Mentions]:
        return {}

    def assessed(self) -> Mapping[Path, Assessed]:
        return {}

    def images(self) -> Mapping[str, str]:
        return {}


def remembered(state: Path, stack: ExitStack) -> StoreView:
    """What the store holds, for reading; nothing where there is none yet."""
    return stack.enter_context(Reader(state)) if state.exists() else EmptyStore()
