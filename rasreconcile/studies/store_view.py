"""What a look needs of the store, whether a controller holds it, a reader looks into it, or it does not exist yet."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from rasreconcile.store.applies import Applies
from rasreconcile.store.caches import Caches
from rasreconcile.store.outputs import Outputs
from rasreconcile.store.reader import Reader, empty_store
from rasreconcile.store.requests import Requests
from rasreconcile.store.runs import Runs


class StoreView(Protocol):
    """What is remembered, by the store or by a reader of it."""

    @property
    def applies(self) -> Applies: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def outputs(self) -> Outputs: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def caches(self) -> Caches: ...


def remembered(state: Path, stack: ExitStack) -> StoreView:
    """What the store holds, for reading; nothing where there is none yet."""
    return stack.enter_context(Reader(state) if state.exists() else empty_store(state))
