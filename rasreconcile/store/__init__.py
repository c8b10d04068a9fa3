"""The store: SQLite as the memory of the reconciler. Importing this package is cheap; `Store` is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasreconcile.store.requests import file_request
    from rasreconcile.store.store import Store

__all__ = ["Store", "file_request"]


def __getattr__(name: str) -> object:
    # sqlite-utils is a third of a second of import.
    if name == "Store":
        from rasreconcile.store.store import Store  # noqa: PLC0415

        return Store
    if name == "file_request":
        from rasreconcile.store.requests import file_request  # noqa: PLC0415

        return file_request
    raise AttributeError(name)
