"""Everything that is known about why a plan is, or is not, current."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rasreconcile.clock import Clock
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.diff import Diff, diff
from rasreconcile.operations.what_changed import Change, differences, text_of, what_changed
from rasreconcile.plain_files import whole
from rasreconcile.plans import PREPARED, Address, InputFile, Plan
from rasreconcile.project import decode
from rasreconcile.reconcile.verdicts import Verdict
from rasreconcile.records import Event, Progress, Published
from rasreconcile.runs import Run
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Explanation:
    """One plan, its verdict, its published result and what has changed since."""

    plan: Plan
    verdict: Verdict
    published: Published | None
    changes: tuple[Change, ...]
    """Every component, unchanged ones too."""
    what_changed: tuple[Change, ...]
    """What the published result was made of otherwise than the one whose place it took."""
    runs: tuple[Run, ...]
    """The latest runs, newest first."""
    events: tuple[Event, ...]
    progress: Progress | None = None
    """Of its live run, as it was last noted."""
    directory: str | None = None
    """Where the files of its latest run are, where that failed and they are kept."""


def explain(loaded: LoadedSpec, named: NamedPlans) -> Explanation:
    """Compares the one plan that is named with what its published result was computed from.

    Raises SpecError, StoreError, and UsageError where it is not one.
    """
    seen = diff(loaded, Clock())
    return _explanation(loaded, seen, named.one(plan.address for plan in seen.plans))


def _explanation(loaded: LoadedSpec, seen: Diff, address: Address) -> Explanation:
    plan = next(plan for plan in seen.plans if plan.address == address)
    verdict = next(v for v in seen.decision.verdicts if v.address == address)
    published = seen.published.get(address)
    if not loaded.state_path.exists():
        return Explanation(plan, verdict, None, _changes(plan, None, None), (), (), ())
    with Reader(loaded.state_path) as reader:
        changes = _changes(plan, published, reader)
        otherwise = what_changed(published, reader) if published else ()
        runs = reader.runs.latest(address=address, limit=5)
        events = reader.events.latest(limit=10, address=address)
        progress = reader.progress.latest()
        kept = {run.id for run in reader.runs.discardable() if run.failure}
    going = next((progress[run.id] for run in runs if run.id in progress), None)
    directory = loaded.directory_of(runs[0].worker, runs[0].id) if runs and runs[0].id in kept else None
    return Explanation(plan, verdict, published, changes, otherwise, runs, events, going, directory)


def _changes(plan: Plan, published: Published | None, reader: Reader | None) -> tuple[Change, ...]:
    before = {c.name: c for c in published.components} if published else {}
    now = {c.name: c for c in plan.components}
    changes = []
    for name in dict.fromkeys([*now, *before]):
        if published and name not in before and now[name].sort == PREPARED:
            # Its result was not made from it.
            continue
        change = Change(name, before.get(name), now.get(name))
        if published and reader and not change.same and name.startswith("input "):
            change = _with_difference(change, plan, published, reader)
        changes.append(change)
    return tuple(changes)


def _with_difference(change: Change, plan: Plan, published: Published, reader: Reader) -> Change:
    name = change.name.removeprefix("input ")
    old = text_of(name, published.run, reader)
    new = _new_text(next((i for i in plan.inputs if i.name == name), None))
    if old is None or new is None:
        remark = "its earlier text was not kept" if old is None else "it is not text, or does not exist"
        return Change(change.name, change.before, change.now, remark=remark)
    told = differences(old, new, f"{name} (as of {published.at:%Y-%m-%d %H:%M})", f"{name} (now)")
    return Change(change.name, change.before, change.now, told)


def _new_text(file: InputFile | None) -> list[str] | None:
    if file is None or not file.is_text:
        return None
    return _lines(file.source)


def _lines(path: Path) -> list[str] | None:
    try:
        return decode(whole(path)).splitlines()
    except OSError:
        return None
