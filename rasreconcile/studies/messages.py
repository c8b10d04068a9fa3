"""Where a run writes its messages, and reading them on from where they were last read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rasreconcile.jobs import RunId, Worker
from rasreconcile.results.log import Reading

READ_AT_ONCE = 256 << 10
"""Bytes."""


def read_on(read: Callable[[int, int], bytes], reading: Reading) -> tuple[Reading, bool]:
    """The reading with what has come since, at most READ_AT_ONCE; and whether there may be more.

    `read`: (offset, limit) to bytes. A log that was begun anew is read from its beginning; one that is not there
    (yet, or any more) leaves the reading as it is.
    """
    tail = reading.tail
    data = read(reading.offset - len(tail), len(tail) + READ_AT_ONCE)
    if data.startswith(tail):
        return reading.fed(data[len(tail) :]), len(data) == len(tail) + READ_AT_ONCE
    data = read(0, READ_AT_ONCE)
    return (Reading().fed(data), len(data) == READ_AT_ONCE) if data else (reading, False)


def source(worker: Worker, run: RunId, messages: str | None) -> Callable[[int, int], bytes]:
    """Where the messages of a run are read."""
    return partial(worker.read_log, run) if messages is None else partial(worker.read_work, run, messages)
