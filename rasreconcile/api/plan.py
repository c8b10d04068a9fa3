"""One plan of a study, as a notebook or a script holds it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.api.machine import ours
from rasreconcile.api.records import RunRecord, run_record
from rasreconcile.api.tables import Table
from rasreconcile.errors import ResultError
from rasreconcile.named_plans import NamedPlans
from rasreconcile.plans import Address
from rasreconcile.records import Event

if TYPE_CHECKING:
    from rasreconcile.operations.explain import Explanation
    from rasreconcile.operations.fetch import FetchedRun
    from rasreconcile.runs import Run
    from rasreconcile.specfile import LoadedSpec


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


@dataclass(slots=True)
class _Text:
    """A log that is read whole."""

    data: bytearray = field(default_factory=bytearray)

    def begins(self, run: Run) -> None:
        """Its run is not shown."""

    def add(self, data: bytes) -> None:
        self.data += data

    def begins_again(self) -> None:
        self.data.clear()

    def remark(self, line: str) -> None:
        """Only where a log is followed."""


@dataclass(frozen=True, slots=True)
class PlanHandle:
    """One plan of a study."""

    loaded: LoadedSpec
    address: Address

    @ours
    def explain(self) -> Explained:
        """Every component of its fingerprint, before and now; of texts the difference itself."""
        import click  # noqa: PLC0415

        from rasreconcile.operations.explain import explain  # noqa: PLC0415
        from rasreconcile.report import explanation  # noqa: PLC0415

        found = explain(self.loaded, self._named)
        return Explained(self.address, tuple(map(click.unstyle, explanation.lines(found))), found)

    @ours
    def history(self, *, limit: int = 50) -> Table[RunRecord]:
        """Its runs, newest first."""
        from rasreconcile.operations.history import past_runs  # noqa: PLC0415

        runs = past_runs(self.loaded.state_path, limit=_ALL, missing="empty")
        return Table(RunRecord, tuple(run_record(run) for run in runs if run.address == self.address)[:limit])

    @ours
    def events(self, *, limit: int = 50) -> Table[Event]:
        """What was told of it, oldest first."""
        from rasreconcile.operations.history import past_events  # noqa: PLC0415

        events = past_events(self.loaded.state_path, limit=_ALL, missing="empty")
        return Table(Event, tuple(event for event in events if event.address == self.address)[-limit:])

    @ours
    def log(self, *, run: str | None = None) -> str:
        """What its latest run printed, or the run with this id: from its worker, else from the store.

        Raises UsageError where it has not run yet, StoreError, WorkerError.
        """
        from rasreconcile.operations.logs import logs  # noqa: PLC0415

        text = _Text()
        logs(self.loaded.state_path, lambda: self.loaded, self._named, text, run_id=run, follow=False)
        return text.data.decode("utf-8", "replace")

    @ours
    def fetch(self, into: str | os.PathLike[str], *, run: str | None = None) -> FetchedRun:
        """Copies the run directory of its latest run, or of the run with this id, to `into/RUN` from any worker.

        Nothing that exists there is replaced. Raises UsageError where there is nothing to bring, StoreError,
        WorkerError.
        """
        from rasreconcile.operations.logs import fetch  # noqa: PLC0415

        place = Path(into).absolute()
        return fetch(self.loaded.state_path, lambda: self.loaded, self._named, place, run_id=run).files

    @property
    def hdf(self) -> Path:
        """The published result. Raises ResultError where there is none."""
        from rasreconcile.operations.results import published_hdf  # noqa: PLC0415

        found = published_hdf(self.loaded.state_path, self.address)
        if found is None:
            raise ResultError(f"{self.address} has no result", "apply() computes it; diff() says why")
        return found

    @property
    def _named(self) -> NamedPlans:
        return NamedPlans((self.address,))

    def __repr__(self) -> str:
        return f"<plan {self.address}>"


_ALL = 1_000_000
