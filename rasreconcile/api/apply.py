"""An apply from a notebook or a script: in a thread of its own, told and interrupted in the caller's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from rasreconcile.api.records import PlanState, RunRecord, run_record, state_of
from rasreconcile.api.tables import Shown, Table
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.operations.requester import asking, commit_of
from rasreconcile.plans import is_preparation
from rasreconcile.records import Event

if TYPE_CHECKING:
    from rasreconcile.controller.apply import Outcome, Stay
    from rasreconcile.specfile import LoadedSpec

OnEvent = Callable[[Event], None]
_LOOK = 0.2
"""Seconds: Windows does not interrupt a thread that waits, so it never waits longer."""


@dataclass(frozen=True, repr=False)
class Applied(Shown):
    """How an apply ended."""

    plans: Table[PlanState]
    """Every plan as it is now."""
    counts: Mapping[str, int]
    """Events by kind: started, succeeded, failed, lost, cancelled, copied, verified, collected."""
    running: Table[RunRecord]
    """Runs that are still running; the next apply collects them."""
    exit_code: int
    """As the command line would end: 0 converged, 2 runs are running or waiting, 3 plans failed, 4 blocked."""
    caption: str = ""

    @property
    def converged(self) -> bool:
        """Whether every plan has a current result."""
        return self.exit_code == 0

    @property
    def columns(self) -> Mapping[str, list[object]]:
        return {name: list(column) for name, column in self.plans.columns.items()}


@dataclass(slots=True)
class _Ended:
    """What the thread leaves behind."""

    outcome: Outcome | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class Applying:
    """One apply of one spec. Everything that touches the store is done in its thread."""

    loaded: LoadedSpec
    stay: Stay = "converge"
    on_event: OnEvent | None = None
    named: NamedPlans = EVERY_PLAN
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: as an interrupt, but nothing is raised."""
    _told: SimpleQueue[Event | None] = field(default_factory=SimpleQueue)
    _ended: _Ended = field(default_factory=_Ended)

    def run(self) -> Applied:
        """As `outcome`, told in records."""
        return applied(self.loaded.name, self.outcome())

    def outcome(self) -> Outcome:
        """Until it has converged, or nothing is left that it could do.

        KeyboardInterrupt, or whatever `on_event` raises, stops dispatching as the first Ctrl-C on the command line
        does: running runs are left alone, and the next apply finds them. It is raised again once that is done; a second
        KeyboardInterrupt is raised at once, and the thread ends behind it.
        """
        from rasreconcile.clock import Clock  # noqa: PLC0415  so that `import rasreconcile` is quick
        from rasreconcile.controller.apply import Apply, Requester  # noqa: PLC0415
        from rasreconcile.reconcile.selection import select_named  # noqa: PLC0415
        from rasreconcile.workers.secret import hidden  # noqa: PLC0415

        with hidden(self.loaded.spec.workers.values()):
            asked = Requester(by=asking(), commit=commit_of(self.loaded.folder))
            apply = Apply(
                self.loaded,
                asked,
                self._told.put,
                lambda _: None,
                Clock(),
                self.stay,
                select_named(self.named),
            )
            thread = threading.Thread(target=self._serve, args=(apply.run,), name="rasreconcile")
            try:
                thread.start()
                self._tell(apply.leave)
                _wait_for(thread)
            except BaseException:
                apply.leave()
                _wait_for(thread)
                raise
        if self._ended.error is not None:
            raise self._ended.error
        assert self._ended.outcome is not None
        return self._ended.outcome

    def _serve(self, run: Callable[[], Outcome]) -> None:
        try:
            self._ended.outcome = run()
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            self._ended.error = error
        finally:
            self._told.put(None)

    def _tell(self, leave: Callable[[], object]) -> None:
        """Hands over the events, in the caller's thread, until there are no more."""
        left = False
        while True:
            if not left and self.stop.is_set():
                leave()
                left = True
            try:
                event = self._told.get(timeout=_LOOK)
            except Empty:
                continue
            if event is None:
                return
            if self.on_event is not None:
                self.on_event(event)


def _wait_for(thread: threading.Thread) -> None:
    while thread.is_alive():
        thread.join(_LOOK)


def applied(name: str, outcome: Outcome) -> Applied:
    """The record of an outcome."""
    from rasreconcile.report import summary  # noqa: PLC0415  pydantic only where needed

    verdicts = [v for v in outcome.decision.verdicts if not is_preparation(v.address)]
    going = [run for run in outcome.live if run.id not in outcome.kept]
    return Applied(
        Table(PlanState, tuple(map(state_of, verdicts))),
        dict(outcome.counts),
        Table(RunRecord, tuple(map(run_record, going))),
        int(outcome.exit),
        "\n".join(summary.lines(name, outcome)),
    )
