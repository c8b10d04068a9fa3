"""Logs longer than anybody reads: their beginning and their end are looked at, also where a host says there is always more."""

from __future__ import annotations

import pytest

from rasreconcile.studies.messages import LONGEST_PART, whole


class Log:
    """A log of `size` bytes that counts how often it is read."""

    def __init__(self, size: int) -> None:
        self.size, self.reads = size, 0

    def read(self, offset: int, limit: int) -> bytes:
        self.reads += 1
        count = max(0, min(limit, self.size - offset))
        head = b"begin" if offset == 0 else b""
        tail = b"end" if offset + count == self.size else b""
        return (head + b"." * count)[: count - len(tail)] + tail if count >= 8 else (b"." * count)


@pytest.mark.parametrize("size", [0, 100, LONGEST_PART - 1, LONGEST_PART, 2 * LONGEST_PART + 7, 1 << 40])
def test_of_a_long_log_the_beginning_and_the_end_are_read(size: int) -> None:
    log = Log(size)
    said = whole(log.read)
    assert len(said) == min(size, 2 * LONGEST_PART)
    assert size < 8 or (said.startswith("begin") and said.endswith("end"))
    assert log.reads < 200


def test_a_log_without_an_end_is_read_in_two_parts() -> None:
    log = Log(1 << 70)
    assert len(whole(log.read)) == 2 * LONGEST_PART
    assert log.reads < 200
