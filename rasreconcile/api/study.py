"""A study as a notebook or a script holds it: look, apply, and read what came out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from rasreconcile.api.apply import Applied, Applying, OnEvent
from rasreconcile.api.choice import chosen, chosen_one
from rasreconcile.api.composed import Numbers, composed
from rasreconcile.api.records import (
    Action,
    PlanState,
    Result,
    RunRecord,
    last_state_of,
    result_of,
    run_record,
    state_of,
)
from rasreconcile.api.tables import Table, Values
from rasreconcile.api.workers import Worker
from rasreconcile.errors import RasReconcileError, ResultError
from rasreconcile.plans import Address, is_preparation
from rasreconcile.records import Event

if TYPE_CHECKING:
    from rasreconcile.controller.apply import Stay
    from rasreconcile.operations.diff import Diff
    from rasreconcile.operations.explain import Explanation
    from rasreconcile.specfile import LoadedSpec
    from rasreconcile.store.reader import Reader

P = ParamSpec("P")
R = TypeVar("R")


def _ours(call: Callable[P, R]) -> Callable[P, R]:
    """What fails on this machine (a disk, a share) is raised as an error of ours."""

    @wraps(call)
    def called(*words: P.args, **named: P.kwargs) -> R:
        try:
            return call(*words, **named)
        except OSError as error:
            raise RasReconcileError(str(error), "fix this and run it again") from error

    return called


@_ours
def open(spec: str | os.PathLike[str]) -> Study:  # noqa: A001  `rasreconcile.open`
    """The study of a spec file. Raises SpecError with every fault of the spec."""
    from rasreconcile.specfile import load  # noqa: PLC0415  pydantic and yaml only where needed

    return Study(load(Path(spec)))


@_ours
def study(
    project: str | os.PathLike[str],
    numbers: Numbers = (),
    *,
    workers: Sequence[Worker] = (),
    engine: str | Mapping[str, Any] | None = None,
    expect: Mapping[str, Any] | None = None,
    **more: Any,
) -> Study:
    """The study of one project, without a spec file.

    `numbers`: `"04"`, `["04", "06-12"]`; left out: every plan that the .prj lists. `workers`: left out, this machine.
    `engine`: `"6.6"` (HEC-RAS), `"steady"`, or a mapping as in a spec; left out: HEC-RAS in the version that last saved
    the plans. `more`: further keys of a spec, as in docs/spec.md. Paths are relative to the project's folder.

    The store is `.rasreconcile/<project>.rasreconcile.db` beside the project, whatever numbers and workers are given:
    to call it again with others is to edit the same study. Raises SpecError, ProjectError, UsageError.
    """
    return Study(composed(project, numbers, workers, engine, expect=expect, more=more))


@dataclass(frozen=True, repr=False, eq=False)
class Changes(Table[PlanState]):
    """What apply would do: every plan as it is now, and the actions."""

    actions: Table[Action] = field(default_factory=lambda: Table(Action, ()))
    work: bool = False
    """Whether apply would do anything."""
    health: str = ""
    """`healthy`, `progressing` or `stalled`."""


@dataclass(frozen=True, repr=False, eq=False)
class Status(Table[PlanState]):
    """What the last apply found, and what runs now."""

    running: Table[RunRecord] = field(default_factory=lambda: Table(RunRecord, ()))
    controller: int | None = None
    """The process that works on the study now."""


@dataclass(frozen=True, repr=False)
class Study:
    """A spec without faults. Nothing is kept between two calls: each looks at the files and the store again."""

    loaded: LoadedSpec

    @property
    def path(self) -> Path:
        """The spec file; of a study that was made without one, where `save` would write it."""
        return self.loaded.path

    @property
    def text(self) -> str:
        """The spec."""
        return self.loaded.text

    @_ours
    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Writes the spec for the command line; left out: to `path` of the study. Never over another file."""
        place = self.path if path is None else Path(path).absolute()
        if place.parent != self.path.parent:
            raise RasReconcileError(
                f"{place}: paths in the spec are relative to {self.path.parent}", "save it there"
            )
        with place.open("x", encoding="utf-8", newline="\n") as file:
            file.write(self.text)
        return place

    @_ours
    def diff(self) -> Changes:
        """What apply would do now, and why. Nothing is started, nothing is written. Raises SpecError, StoreError."""
        from rasreconcile.report import changeset  # noqa: PLC0415
        from rasreconcile.report.text import counted, how_many  # noqa: PLC0415

        seen = self._seen()
        verdicts = [v for v in seen.decision.verdicts if not is_preparation(v.address)]
        actions = tuple(
            Action(action=one["action"], plan=one["plan"], note=one["note"])
            for one in changeset.actions_of(seen.decision, seen.recalled)
        )
        plans = how_many(v.address for v in seen.decision.verdicts)
        return Changes(
            PlanState,
            tuple(map(state_of, verdicts)),
            f"{self.loaded.name}: {plans}: {counted((str(v.sync) for v in verdicts), changeset.SYNCS)}",
            Table(Action, actions),
            changeset.has_work(seen.decision),
            str(seen.decision.health),
        )

    @_ours
    def status(self) -> Status:
        """What the last apply found and what runs now, from the store only; also while an apply is running."""
        from rasreconcile.report.text import counted, how_many, many  # noqa: PLC0415

        with ExitStack() as stack:
            store = self._store(stack)
            verdicts = [v for v in store.verdicts.latest() if not is_preparation(v.address)]
            live, controller = store.runs.live(), store.controller()
        if not verdicts:
            caption = "no plan has been checked yet; run apply()"
        else:
            words = list(dict.fromkeys(v.sync for v in verdicts))
            caption = f"{how_many(v.address for v in verdicts)}: {counted((v.sync for v in verdicts), words)}"
        caption += f"; {many(len(live), 'run')} running" if live else ""
        return Status(
            PlanState,
            tuple(map(last_state_of, verdicts)),
            caption,
            Table(RunRecord, tuple(map(run_record, live))),
            controller.pid if controller else None,
        )

    @_ours
    def apply(self, *, on_event: OnEvent | None = None, stay: Stay = "converge") -> Applied:
        """Computes what is missing or stale, proves it and publishes it, until everything has converged.

        `on_event` is called in this thread with every event, in order, once the store has written it; `print` shows
        them as the command line does. `stay="detach"`: publish what has ended, start what fits now, and return.
        KeyboardInterrupt is as safe as one Ctrl-C on the command line: no run is started any more, running runs are
        left alone, and the next apply finds them. Plans that fail raise nothing: see `Applied`. Raises SpecError,
        StoreError, and StoreBusy where another controller works on the study.
        """
        return Applying(self.loaded, stay, on_event).run()

    @overload
    def results(self, *plans: str, dataset: None = None) -> Table[Result]: ...
    @overload
    def results(self, *plans: str, dataset: str) -> Values: ...
    @_ours
    def results(self, *plans: str, dataset: str | None = None) -> Table[Result] | Values:
        """One row a plan; with `dataset`, its values over these plans in long form.

        `plans`: addresses, patterns (`Muncie/*`), or endings (`p04`); left out: all. A plan without a result says why
        in `note`; with `dataset` it is left out, and so is one whose result lacks the dataset. Raises ResultError where
        all are.
        """
        from rasreconcile.api import results  # noqa: PLC0415  a reader process only where needed
        from rasreconcile.operations.results import result_rows  # noqa: PLC0415

        with ExitStack() as stack:
            rows = result_rows(
                self._store(stack),
                lambda known: tuple(map(Address, chosen(plans, known))),
                "state" if dataset else "noted",
            )
        if dataset is not None:
            return results.values_of(rows, dataset.strip("/"))
        return Table(Result, tuple(map(result_of, rows)))

    @_ours
    def events(self, *plans: str, limit: int = 50) -> Table[Event]:
        """What `apply` told, oldest first: the latest `limit`."""
        with ExitStack() as stack:
            events = self._store(stack).events.latest(limit=1_000_000 if plans else limit)
        if plans:
            wanted = chosen(plans, dict.fromkeys(e.address for e in events if e.address))
            events = tuple(e for e in events if e.address in wanted)[-limit:]
        return Table(Event, events)

    @_ours
    def history(self, *plans: str, limit: int = 50) -> Table[RunRecord]:
        """The runs there were, newest first: the latest `limit`."""
        with ExitStack() as stack:
            runs = self._store(stack).runs.latest(limit=1_000_000 if plans else limit)
        if plans:
            wanted = chosen(plans, dict.fromkeys(run.address for run in runs))
            runs = tuple(run for run in runs if run.address in wanted)[:limit]
        return Table(RunRecord, tuple(map(run_record, runs)))

    @_ours
    def __getitem__(self, plan: str) -> PlanHandle:
        """One plan, by its address or an ending that only one has: `study["Muncie/p04"]`. Raises UsageError."""
        with ExitStack() as stack:
            seen = {v.address for v in self._store(stack).verdicts.latest()}
        # What the last apply knew is known without reading the project.
        return PlanHandle(self, Address(plan if plan in seen else chosen_one(plan, self)))

    @_ours
    def __iter__(self) -> Iterator[str]:
        """The addresses of the plans, as the spec has them now."""
        return iter([plan.address for plan in self._seen().plans if not plan.prepares])

    def __repr__(self) -> str:
        return f"<study {self.loaded.name}>"

    def _seen(self) -> Diff:
        from rasreconcile.clock import Clock  # noqa: PLC0415  so that `import rasreconcile` is quick
        from rasreconcile.operations.diff import diff  # noqa: PLC0415

        return diff(self.loaded, Clock())

    def _store(self, stack: ExitStack) -> Reader:
        from rasreconcile.store.reader import Reader, empty_store  # noqa: PLC0415

        state = self.loaded.state_path
        return stack.enter_context(Reader(state) if state.exists() else empty_store(state))


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a plan is, or is not, current, in the words of `rasreconcile explain`."""

    plan: str
    lines: tuple[str, ...]
    explanation: Explanation

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415

        return f"<pre>{escape(repr(self))}</pre>"


@dataclass(frozen=True, slots=True)
class PlanHandle:
    """One plan of a study."""

    study: Study
    address: Address

    @_ours
    def explain(self) -> Explained:
        """Every component of its fingerprint, before and now; of texts the difference itself."""
        import click  # noqa: PLC0415

        from rasreconcile.operations.explain import explain  # noqa: PLC0415
        from rasreconcile.report import explanation  # noqa: PLC0415

        found = explain(self.study.loaded, self.study._seen(), self.address)
        return Explained(self.address, tuple(map(click.unstyle, explanation.lines(found))), found)

    def history(self, *, limit: int = 50) -> Table[RunRecord]:
        """Its runs, newest first."""
        runs = self.study.history(limit=1_000_000)
        return Table(RunRecord, tuple(run for run in runs if run.plan == self.address)[:limit])

    def events(self, *, limit: int = 50) -> Table[Event]:
        """What was told of it, oldest first."""
        events = self.study.events(limit=1_000_000)
        return Table(Event, tuple(event for event in events if event.address == self.address)[-limit:])

    @property
    def hdf(self) -> Path:
        """The published result. Raises ResultError where there is none."""
        with ExitStack() as stack:
            published = self.study._store(stack).outputs.published().get(self.address)
        if published is None or not published.path.exists():
            raise ResultError(f"{self.address} has no result", "apply() computes it; diff() says why")
        return published.path

    def __repr__(self) -> str:
        return f"<plan {self.address}>"
