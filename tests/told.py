"""What is told, in the words that people read: for tests that look at messages."""

from __future__ import annotations

from collections.abc import Iterable

from rasreconcile.errors import Trouble
from rasreconcile.facts import HdfFacts, Identity
from rasreconcile.results import expectations
from rasreconcile.spec import Expectations


def told(troubles: Iterable[Trouble]) -> tuple[str, ...]:
    """Each in one line, with its remedy."""
    return tuple(map(str, troubles))


def judge(expect: Expectations, facts: HdfFacts, identity: Identity | None = None) -> tuple[str, ...]:
    """What a result falls short of."""
    return told(expectations.judge(expect, facts, identity))
