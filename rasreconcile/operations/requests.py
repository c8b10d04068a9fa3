"""Requests of people: written into the store by any process, carried out by the controller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rasreconcile.plans import Address
from rasreconcile.records import RequestKind
from rasreconcile.store import Store, file_request
from rasreconcile.store.reader import Reader


def file_requests(
    state: Path, kind: RequestKind, addresses: Sequence[Address], *, by: str, now: datetime
) -> bool:
    """Writes them down; whether a controller is at work that takes them up."""
    if not state.exists():
        Store.open(state, now=now).close()
    for address in addresses:
        file_request(state, kind, address, by=by, now=now)
    with Reader(state) as reader:
        return reader.controller() is not None
