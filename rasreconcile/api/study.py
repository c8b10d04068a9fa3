"""A study as a notebook or a script holds it: look, apply, and read what came out."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from rasreconcile.api.apply import Applied, Applying, OnEvent
from rasreconcile.api.machine import ours
from rasreconcile.api.plan import PlanHandle
from rasreconcile.api.records import AdoptedPlan, PrunedResult, Result, RunRecord, result_of, run_record
from rasreconcile.api.tables import Table, Values
from rasreconcile.errors import RasReconcileError, UsageError
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.requester import asking
from rasreconcile.plans import Address
from rasreconcile.records import Event

if TYPE_CHECKING:
    from rasreconcile.api.answers import Changes, Readinesses, Status
    from rasreconcile.api.upkeep import CleanedUp
    from rasreconcile.controller.apply import Stay
    from rasreconcile.operations.prune import Adopted
    from rasreconcile.operations.retry import Requested
    from rasreconcile.operations.state import Even, Rebuilt, Survey
    from rasreconcile.specfile import LoadedSpec

Words = str | Iterable[str]


def named(plans: Iterable[str], exclude: Words) -> NamedPlans:
    """Plans as the calls below name them: the words of the command line."""
    return NamedPlans(tuple(plans), (exclude,) if isinstance(exclude, str) else tuple(exclude))


@dataclass(frozen=True, repr=False)
class Study:
    """A spec without faults. Nothing is kept between two calls: each looks at the files and the store again.

    `plans` and `exclude` are words as on the command line: an address, a pattern (`Muncie/p0*`), a project, a number or
    a range of them (`04`, `04-12`), a plan file. Left out: all. Raises UsageError for a word that means no plan.
    """

    loaded: LoadedSpec

    @property
    def path(self) -> Path:
        """The spec file; of a study that was made without one, where `save` would write it."""
        return self.loaded.path

    @property
    def text(self) -> str:
        """The spec."""
        return self.loaded.text

    @ours
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

    @ours
    def check(self, *plans: str, exclude: Words = ()) -> Readinesses:
        """What each plan reads, and what would stop a run: asks every worker. Raises SpecError."""
        from rasreconcile.api.answers import readiness_of  # noqa: PLC0415
        from rasreconcile.clock import Clock  # noqa: PLC0415  so that `import rasreconcile` is quick
        from rasreconcile.operations.check import check  # noqa: PLC0415

        return readiness_of(check(self.loaded, Clock(), named(plans, exclude)))

    @ours
    def diff(
        self, *plans: str, exclude: Words = (), what_if: Mapping[str, Any] = MappingProxyType({})
    ) -> Changes:
        """What apply would do now, and why. Nothing is started, nothing is written. Raises SpecError, StoreError.

        `what_if`: as if the spec had these values, `{"workers.cloud.cores_total": 64}`; None takes a key out.
        """
        from rasreconcile.api.answers import changes_of  # noqa: PLC0415
        from rasreconcile.clock import Clock  # noqa: PLC0415
        from rasreconcile.operations.diff import diff  # noqa: PLC0415

        loaded = self.loaded
        if what_if:
            from rasreconcile.specfile import what_if as changed  # noqa: PLC0415  pydantic and yaml only where needed

            loaded = changed(loaded, [f"{key}={json.dumps(value)}" for key, value in what_if.items()])
        return changes_of(loaded.name, diff(loaded, Clock(), named(plans, exclude)), of_many=bool(what_if))

    @ours
    def status(self, *plans: str, exclude: Words = ()) -> Status:
        """What the last apply found and what runs now, from the store only; also while an apply is running."""
        from rasreconcile.api.answers import status_of  # noqa: PLC0415
        from rasreconcile.operations.status import status  # noqa: PLC0415

        meant = named(plans, exclude)
        return status_of(status(self.loaded.state_path, lambda: self.loaded, meant, missing="empty"))

    @ours
    def apply(
        self, *plans: str, exclude: Words = (), on_event: OnEvent | None = None, stay: Stay = "converge"
    ) -> Applied:
        """Computes what is missing or stale, proves it and publishes it, until everything has converged.

        `on_event` is called in this thread with every event, in order, once the store has written it; `print` shows
        them as the command line does. `stay="detach"`: publish what has ended, start what fits now, and return.
        KeyboardInterrupt is as safe as one Ctrl-C on the command line: no run is started any more, running runs are
        left alone, and the next apply finds them. Plans that fail raise nothing: see `Applied`. Raises SpecError,
        StoreError, and StoreBusy where another controller works on the study.
        """
        return Applying(self.loaded, stay, on_event, named(plans, exclude)).run()

    @overload
    def results(self, *plans: str, exclude: Words = (), dataset: None = None) -> Table[Result]: ...
    @overload
    def results(self, *plans: str, exclude: Words = (), dataset: str) -> Values: ...
    @ours
    def results(self, *plans: str, exclude: Words = (), dataset: str | None = None) -> Table[Result] | Values:
        """One row a plan; with `dataset`, its values over these plans in long form.

        A plan without a result says why in `note`; with `dataset` it is left out, and so is one whose result lacks the
        dataset. Raises ResultError where all are.
        """
        from rasreconcile.api import results  # noqa: PLC0415  a reader process only where needed
        from rasreconcile.operations.results import result_rows  # noqa: PLC0415

        meant = named(plans, exclude)
        depth: Literal["state", "noted"] = "state" if dataset else "noted"
        rows = result_rows(self.loaded.state_path, meant, depth, missing="empty")
        if dataset is not None:
            return results.values_of(rows, dataset.strip("/"))
        return Table(Result, tuple(map(result_of, rows)))

    @ours
    def events(self, *plans: str, exclude: Words = (), limit: int = 50) -> Table[Event]:
        """What `apply` told, oldest first: the latest `limit`."""
        from rasreconcile.operations.history import past_events  # noqa: PLC0415

        meant = named(plans, exclude)
        return Table(Event, past_events(self.loaded.state_path, meant, limit, missing="empty"))

    @ours
    def history(self, *plans: str, exclude: Words = (), limit: int = 50) -> Table[RunRecord]:
        """The runs there were, newest first: the latest `limit`."""
        from rasreconcile.operations.history import past_runs  # noqa: PLC0415

        meant = named(plans, exclude)
        runs = past_runs(self.loaded.state_path, meant, limit, missing="empty")
        return Table(RunRecord, tuple(map(run_record, runs)))

    @ours
    def retry(
        self, *plans: str, exclude: Words = (), failed: bool = False, like: str | None = None
    ) -> Requested:
        """Asks for plans to be computed again; a running controller takes it up, else the next `apply` does.

        `failed`: of these plans, or of all where none is named, those that are held or quarantined. `like`: one plan,
        and every plan that is blocked for the same reason. An adopted result is set aside first. Raises UsageError
        where nothing is named.
        """
        from rasreconcile.operations.retry import retry  # noqa: PLC0415

        if not plans and not failed and like is None:
            raise UsageError("retry() names no plan", "name plans, or say failed=True")
        return retry(self.loaded, named(plans, exclude), by=asking(), failed=failed, like=like)

    @ours
    def cancel(self, *plans: str, exclude: Words = ()) -> Mapping[Address, str]:
        """Ends the running runs of these plans, without any of all; what became of each plan that had one.

        They stay held until `retry`, or until an input changes.
        """
        from rasreconcile.operations.cancel import cancel  # noqa: PLC0415

        if not self.loaded.state_path.exists():
            return {}
        return cancel(self.loaded, named(plans, exclude), by=asking())

    @ours
    def adopt(
        self, *plans: str, exclude: Words = (), suspicious: bool = False, dry_run: bool = False
    ) -> Table[AdoptedPlan]:
        """Adopts existing results without running them again; without plans every one that is above suspicion.

        `suspicious`: also what is, without its being named. `dry_run`: only looks. Raises StoreBusy.
        """
        from rasreconcile.api.answers import adopted_of  # noqa: PLC0415
        from rasreconcile.clock import Clock  # noqa: PLC0415
        from rasreconcile.operations.adopt import Adoption, choosing  # noqa: PLC0415

        adoption = Adoption(
            self.loaded, choosing(named(plans, exclude), suspicious=suspicious), Clock(), asking()
        )
        return adopted_of(adoption.look() if dry_run else adoption.run())

    @ours
    def prune(
        self, *plans: str, exclude: Words = (), yes: bool = False, adopted: bool = False, force: bool = False
    ) -> Table[PrunedResult]:
        """Results of plans that are no longer in the spec; `yes`: removes them, with their receipts.

        `adopted`: also adopted ones, which cannot be computed again. `force`: also more than half of all results, which
        else raises UsageError. Raises StoreError, StoreBusy.
        """
        from rasreconcile.api.answers import pruned_of  # noqa: PLC0415
        from rasreconcile.operations.prune import prunable, prune  # noqa: PLC0415

        meant = named(plans, exclude)
        also: Adopted = "remove adopted" if adopted else "keep adopted"
        if not yes:
            return pruned_of(prunable(self.loaded, meant, also))
        return pruned_of(prune(self.loaded, meant, also, at_most="all" if force else "half"))

    @ours
    def gc(
        self,
        *,
        older_than: str | timedelta = "30d",
        cache_size: str | int = "20g",
        others: bool = False,
        dry_run: bool = False,
    ) -> CleanedUp:
        """Removes unneeded run directories, cached inputs and old records on every worker that answers.

        `older_than`: what counts as old. `cache_size`: what stays in each worker's cache. `others`: also old runs of
        other stores. `dry_run`: only tells. Results and the list of runs are kept. Raises StoreError, StoreBusy.
        """
        from rasreconcile.api.upkeep import cleaned_up, limits_of  # noqa: PLC0415
        from rasreconcile.operations.gc import gc  # noqa: PLC0415

        limits = limits_of(older_than, cache_size, others=others)
        return cleaned_up(gc(self.loaded, limits, "count" if dry_run else "remove"))

    @ours
    def watch(
        self,
        *plans: str,
        exclude: Words = (),
        on_event: OnEvent | None = None,
        on_applied: Callable[[Applied], None] | None = None,
        read: bool = False,
        stop: threading.Event | None = None,
    ) -> None:
        """Applies now, and again whenever a file that matters changes, until KeyboardInterrupt, or until `stop` is set.

        `on_event`: as of `apply`; what keeps it from applying is an event of the kind `watch`. `on_applied`: told how
        each apply ended. `read`: while idle, published results are read again, one a minute. Runs go on when it ends.
        Raises StoreBusy.
        """
        from rasreconcile.api.watch import watching  # noqa: PLC0415

        meant = named(plans, exclude)
        watching(self.loaded, meant, on_event, on_applied, stop or threading.Event(), reads=read).run()

    @ours
    def report(
        self,
        path: str | os.PathLike[str] = "report.html",
        *plans: str,
        exclude: Words = (),
        details: Literal["none", "some"] = "some",
    ) -> Path:
        """Writes one HTML page about the study, which needs no network. `details`: sections for plans that were named,
        failed, or whose water changed. Raises StoreError, UsageError.
        """
        from rasreconcile.operations.write_report import write_report  # noqa: PLC0415

        spec = self.loaded
        written = write_report(
            spec.path,
            spec.state_path,
            named(plans, exclude),
            Path(path),
            details=details,
            prices=spec.spec.prices,
            missing="empty",
        )
        return written.path

    @ours
    def state(self) -> Survey:
        """What the store holds, and whether it is sound; also while an apply is running. Raises StoreError."""
        from rasreconcile.operations.state import show  # noqa: PLC0415

        return show(self.loaded.state_path)

    @ours
    def backup(self, to: str | os.PathLike[str]) -> int:
        """Copies the store to a file, consistent as of now, and checks the copy: its size in bytes.

        Raises StoreError, UsageError.
        """
        from rasreconcile.operations.state import backup  # noqa: PLC0415

        return backup(self.loaded.state_path, Path(to))

    @ours
    def rebuild(self, *, even: Even = "lost or damaged") -> Rebuilt:
        """Makes the store again from the receipts that match the results beside them; the old one is kept.

        `even`: `"sound"`: also a sound one; `"with live runs"`: also one that has live runs, which are given up.
        Raises StoreError, StoreBusy, UsageError.
        """
        from rasreconcile.operations.state import rebuild  # noqa: PLC0415

        return rebuild(self.loaded, even)

    @ours
    def __getitem__(self, plan: str) -> PlanHandle:
        """One plan, by its address or by what only one is meant by: `study["Muncie/p04"]`. Raises UsageError."""
        from rasreconcile.operations.status import status  # noqa: PLC0415

        seen = status(self.loaded.state_path, lambda: self.loaded, missing="empty").verdicts
        # What the last apply knew is known without reading the project.
        known = plan in {verdict.address for verdict in seen}
        address = Address(plan) if known else named([plan], ()).one(map(Address, self))
        return PlanHandle(self.loaded, address)

    @ours
    def __iter__(self) -> Iterator[str]:
        """The addresses of the plans, as the spec has them now."""
        from rasreconcile.clock import Clock  # noqa: PLC0415
        from rasreconcile.operations.diff import diff  # noqa: PLC0415

        return iter([plan.address for plan in diff(self.loaded, Clock()).plans if not plan.prepares])

    def __repr__(self) -> str:
        return f"<study {self.loaded.name}>"
