"""An explanation as text and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import click

from rasreconcile.plans import Component, Plan
from rasreconcile.reconcile.verdicts import Phase, Verdict
from rasreconcile.records import Event, Progress, Published, WaterChange
from rasreconcile.report import water
from rasreconcile.report.text import COLOURS, Place, event_line, many, progress_words, stamp, table
from rasreconcile.report.values import event_values, noted_values, run_values, utc, verdict_values
from rasreconcile.runs import Run


class Changed(Protocol):
    """A component, before and now."""

    @property
    def name(self) -> str: ...
    @property
    def before(self) -> Component | None: ...
    @property
    def now(self) -> Component | None: ...
    @property
    def difference(self) -> Sequence[str]: ...
    @property
    def remark(self) -> str: ...
    @property
    def same(self) -> bool: ...


class Explained(Protocol):
    """All that is known of a plan."""

    @property
    def plan(self) -> Plan: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def published(self) -> Published | None: ...
    @property
    def changes(self) -> Sequence[Changed]: ...
    @property
    def what_changed(self) -> Sequence[Changed]: ...
    @property
    def runs(self) -> Sequence[Run]: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def progress(self) -> Progress | None: ...
    @property
    def directory(self) -> str | None: ...


def values(explained: Explained) -> dict[str, Any]:
    """For programs."""
    published = explained.published
    return {
        **verdict_values(explained.verdict),
        "output": str(explained.plan.output),
        "fingerprint": explained.plan.fingerprint,
        "published": None
        if published is None
        else {
            "run": published.run,
            "at": utc(published.at),
            "provenance": published.provenance,
            "engine": published.engine,
            "worker": published.worker,
            "platform": published.platform,
            "cores": published.cores,
            "fingerprint": published.fingerprint,
            "digest": published.digest,
            "size": published.size,
            "summary": published.summary,
            "outputs": [{"file": o.name, "size": o.size, "digest": o.digest} for o in published.beside or ()],
            "remarks": list(published.remarks),
            "water": water.values(published.water),
        },
        "what_changed": [_component_values(change) for change in explained.what_changed],
        "components": [_component_values(change) for change in explained.changes],
        "progress": noted_values(explained.progress),
        "directory": explained.directory,
        "runs": [run_values(run) for run in explained.runs],
        "events": [event_values(event) for event in explained.events],
    }


def _component_values(change: Changed) -> dict[str, Any]:
    return {
        "name": change.name,
        "same": change.same,
        "before": change.before.digest if change.before else None,
        "now": change.now.digest if change.now else None,
        "difference": list(change.difference),
        "remark": change.remark,
    }


def lines(explained: Explained) -> Iterator[str]:
    """For people: the verdict, what the result was made of, what changed, and what happened lately."""
    verdict, published = explained.verdict, explained.published
    yield click.style(f"{verdict.address} is {verdict.sync}", fg=COLOURS[str(verdict.sync)], bold=True) + (
        "" if verdict.phase is Phase.IDLE else f", {verdict.phase}"
    )
    for reason in verdict.reasons:
        yield f"  {reason}"
    if verdict.outlook:
        yield f"  next: {verdict.outlook}"
    if verdict.next_at:
        yield f"  at: {stamp(verdict.next_at)}"
    yield from _progress(explained.progress)
    if explained.directory:
        where = f"files of its failed run: {explained.directory}"
        yield Place(f"{where}; `logs PLAN --fetch DIR` copies them here")
    yield Place(f"result: {explained.plan.output}")
    if published is None:
        yield "  never published"
    else:
        yield f"  {_origin(published)}, {stamp(published.at)}"
        for remark in published.remarks:
            yield f"    accepted despite: {remark}"
        yield f"  {published.size} bytes, sha256 {published.digest[:16]}" + (
            f", {published.summary}" if published.summary else ""
        )
        for output in published.beside or ():
            yield f"  with {output.name}: {output.size} bytes, sha256 {output.digest[:16]}"
        yield from _water(published, explained.what_changed)
    for warning in explained.plan.warnings:
        yield f"warning: {warning}"
    yield "fingerprint:"
    yield from (f"  {line}" for line in table([_row(change, published) for change in explained.changes]))
    for change in explained.changes:
        if change.difference or change.remark:
            yield ""
            yield from _difference(change)
    if explained.events:
        yield "lately:"
        yield from (f"  {event.at:%Y-%m-%d} {event_line(event)}" for event in explained.events)


def _water(published: Published, what_changed: Sequence[Changed]) -> Iterator[str]:
    """How it differs from the result whose place it took, and what had changed between the two."""
    if published.water is None:
        return
    yield f"water, compared with the result before it ({_of_run(published.water)}):"
    yield from (f"  {line}" for line in water.lines(published.water))
    if what_changed:
        yield "  what had changed: " + ", ".join(change.name for change in what_changed)
    for change in what_changed:
        if change.difference or change.remark:
            yield from (f"  {line}" for line in _difference(change))


def _of_run(change: WaterChange) -> str:
    return f"run {change.since}" if change.since else "its run is not known"


def _origin(published: Published) -> str:
    if published.provenance == "adopted":
        return (
            f"adopted, not computed: made by {published.engine}; it is not proven that these were its inputs"
        )
    words = f"{published.provenance} by run {published.run} on {published.worker} with {published.engine}"
    cores = f", {many(published.cores, 'core')}" if published.cores else ""
    return f"{words}{cores}" + (f", {published.platform}" if published.platform else "")


def _progress(progress: Progress | None) -> Iterator[str]:
    words = progress_words(progress.facts, progress.done) if progress else []
    if progress is None or not words:
        return
    yield f"its messages, as of {stamp(progress.at)}: {', '.join(words)}"
    if progress.facts.worst:
        yield f"  largest error: {progress.facts.worst}"


def _row(change: Changed, published: Published | None) -> tuple[str, str, str]:
    now, before = _short(change.now), _short(change.before)
    if published is None or change.same:
        return " ", change.name, now
    return "~", change.name, f"{before} -> {now}"


def _short(part: Component | None) -> str:
    if part is None:
        return "not there"
    return part.value if part.value and len(part.value) <= 60 else part.digest[:12]


def _difference(change: Changed) -> Iterator[str]:
    if change.remark:
        yield f"{change.name.removeprefix('input ')}: {change.remark}"
    for line in change.difference:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        yield click.style(line, fg=colour)
