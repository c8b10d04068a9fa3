"""What a result was made of otherwise than the one whose place it took: from the store alone."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from rasreconcile.jobs import RunId
from rasreconcile.plans import MISSING, Component
from rasreconcile.project import decode
from rasreconcile.records import Published
from rasreconcile.report.text import many
from rasreconcile.store.reader import Reader
from rasreconcile.store.runs import RecordedInput

LONGEST_DIFFERENCE = 200
"""Lines of a text difference that are shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """A component of the fingerprint, before and now; None where it was, or is, not there."""

    name: str
    before: Component | None
    now: Component | None
    difference: tuple[str, ...] = ()
    """A unified diff, where both texts are known."""
    remark: str = ""
    """Why there is no diff of a text."""

    @property
    def same(self) -> bool:
        return self.before is not None and self.now is not None and self.before.digest == self.now.digest


def differences(old: list[str], new: list[str], old_name: str, new_name: str) -> tuple[str, ...]:
    """Lines of a unified diff; of a very long one the first."""
    lines = list(difflib.unified_diff(old, new, old_name, new_name, lineterm="", n=2))
    more = len(lines) - LONGEST_DIFFERENCE
    if more <= 0:
        return tuple(lines)
    return (*lines[:LONGEST_DIFFERENCE], f"... {many(more, 'more line')}")


def what_changed(published: Published, reader: Reader) -> tuple[Change, ...]:
    """Components that differ between the result whose place it took, and it; with a diff where both texts are known."""
    since = RunId(published.water.since) if published.water and published.water.since else None
    if since is None:
        return ()
    whole, now = _parts(since, reader), {c.name: c for c in published.components}
    # Of an adopted result only the inputs are known.
    before = whole or {f"input {one.name}": _component(one) for one in reader.runs.inputs_of(since)}
    names = list(dict.fromkeys([*now, *before])) if whole else list(before)
    changes = [Change(name, before.get(name), now.get(name)) for name in names]
    return tuple(_between(change, since, published.run, reader) for change in changes if not change.same)


def _parts(run: RunId, reader: Reader) -> dict[str, Component]:
    return {c.name: c for c in reader.runs.plan_of(run).components}


def _component(recorded: RecordedInput) -> Component:
    return Component(f"input {recorded.name}", recorded.semantic)


def _between(change: Change, since: RunId, run: RunId, reader: Reader) -> Change:
    if not change.name.startswith("input "):
        return change
    name = change.name.removeprefix("input ")
    old, new = text_of(name, since, reader), text_of(name, run, reader)
    if old is None or new is None:
        return change
    told = differences(old, new, f"{name} (run {since})", f"{name} (run {run})")
    return Change(change.name, change.before, change.now, told)


def text_of(name: str, run: RunId, reader: Reader) -> list[str] | None:
    """Lines of an input as the run was started with it; None: it was not there, or is no text that was kept."""
    recorded = next((i for i in reader.runs.inputs_of(run) if i.name == name), None)
    if recorded is None or recorded.raw == MISSING:
        return None
    text = reader.texts.find(recorded.raw)
    return None if text is None else decode(text).splitlines()
