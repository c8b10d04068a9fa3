"""A share: the files of a worker's folder, whichever way they are reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies under a name."""

    size: int
    kind: Literal["file", "folder", "link"]


class Share(Protocol):
    """Names are relative to the worker's folder, with forward slashes. Any number of threads may use it.

    Every call blocks and may be repeated. Raises Unreachable where there is no answer, Refused where the answer is no,
    NoSuchShare where there is a host and no such share on it.
    """

    def entry(self, name: str) -> Entry | None:
        """What lies there, a link not followed; None: nothing."""

    def read(self, name: str, offset: int = 0, limit: int = 1 << 26) -> bytes | None:
        """Part of a file; None: there is none."""

    def parts(self, name: str, offset: int) -> Iterator[bytes]:
        """A file from `offset` to its end. Raises FileNotFoundError."""

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """A file that appears whole under its name, in the place of one that is there; its folder is made."""

    def append(self, name: str, offset: int, parts: Iterable[bytes]) -> None:
        """Writes from `offset` on, and makes file and folder where they are not there."""

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder; nothing where there is none."""

    def rename(self, name: str, new: str) -> None:
        """In one step. Raises FileExistsError where `new` is there."""

    def remove(self, name: str) -> None:
        """A file; one that is not there is gone already."""

    def close(self) -> None:
        """Gives back connections."""
