"""The store: SQLite as the memory of the reconciler. Importing this package is cheap; `Store` is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasreconcile.store.memory import Store, file_request

__all__ = ["Store", "file_request"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from rasreconcile.store import memory  # noqa: PLC0415  sqlite-utils is a third of a second of import

        return getattr(memory, name)
    raise AttributeError(name)
