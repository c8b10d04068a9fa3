"""Where a run writes its messages, and reading them on from where they were last read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rasreconcile.jobs import RunId, Worker
from rasreconcile.results.log import Reading

LONGEST_PART = 8 << 20
"""Bytes of the beginning of a log that are judged, and of its end; in between nothing of a longer one is looked at."""
_ENDLESS = 1 << 50
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


def whole(read: Callable[[int, int], bytes]) -> str:
    """All that it says; of a very long one its first part and its last. `read`: (offset, limit) to bytes.

    In some sixteen parts and a hundred single bytes at most: a host may say that there is always more.
    """
    first = _from(read, 0)
    if len(first) < LONGEST_PART:
        return first.decode("utf-8", errors="replace")
    last = max(len(first), _size(read, len(first)) - LONGEST_PART)
    return (first + _from(read, last)).decode("utf-8", errors="replace")


def _from(read: Callable[[int, int], bytes], offset: int) -> bytes:
    """What comes from there on, at most LONGEST_PART."""
    data = bytearray()
    while len(data) < LONGEST_PART and (part := read(offset + len(data), 1 << 20)):
        data += part
    return bytes(data)


def _size(read: Callable[[int, int], bytes], least: int) -> int:
    """How long it is, by asking whether there is a byte: twice as far each time, then between the last two."""
    step = LONGEST_PART
    while step < _ENDLESS and read(least + step, 1):
        step *= 2
    low, high = least, least + step
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if read(middle, 1) else (low, middle)
    return low


def source(worker: Worker, run: RunId, messages: str | None) -> Callable[[int, int], bytes]:
    """Where the messages of a run are read."""
    return partial(worker.read_log, run) if messages is None else partial(worker.read_work, run, messages)
