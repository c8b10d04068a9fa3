"""One look at the world: the outputs on disk, what the store remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rasreconcile.errors import ResultError, Trouble
from rasreconcile.output_names import matches
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.durations import Expectancy, expectancy
from rasreconcile.reconcile.observed import (
    Assessed,
    Assessment,
    FurtherChanged,
    LiveRun,
    NoOutput,
    OtherOwner,
    Output,
    OutputSeen,
    OutputUnreadable,
    Seen,
    WorkerSeen,
)
from rasreconcile.reconcile.selection import Selection
from rasreconcile.records import FurtherOutput, Published
from rasreconcile.resolve import Digests
from rasreconcile.results import publish, reader_pool
from rasreconcile.results.reader_pool import ReaderKilled
from rasreconcile.results.writable import unwritable
from rasreconcile.studies.assessments import Assessments
from rasreconcile.studies.owners import Owners
from rasreconcile.studies.store_view import StoreView


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What moves while the files are looked at: live runs and workers, and what a controller knows of its own work."""

    live: Mapping[Address, LiveRun]
    workers: tuple[WorkerSeen, ...]
    selection: Selection | None = None
    """The plans that the user named; None: all of them."""
    uncopied: frozenset[Address] = frozenset()
    stuck: Mapping[Address, Trouble] = field(default_factory=dict)
    cancelled: frozenset[Address] = frozenset()
    """Plans that the user stops with the program; `cancel` requests are in the store."""


@dataclass(slots=True)
class Outputs:
    """Looks at outputs through the stat cache; keeps what it saw until told to look again."""

    view: StoreView
    digests: Digests
    outputs: dict[Address, Output] = field(default_factory=dict)
    receipts: dict[Address, Published] = field(default_factory=dict)
    owned: dict[Address, OtherOwner] = field(default_factory=dict)
    unwritable: dict[Address, Trouble] = field(default_factory=dict)
    unreceipted: set[Address] = field(default_factory=set)
    assessments: dict[Address, Assessment] = field(default_factory=dict)
    published: Mapping[Address, Published] = field(default_factory=dict)
    expectancy: Expectancy = field(default_factory=Expectancy)
    refuted: dict[Address, str] = field(default_factory=dict)
    """Digests of files that are no results, whatever the receipts beside them say."""
    _owners: Owners = field(default_factory=Owners)
    _damage: dict[str, str | None] = field(default_factory=dict)
    _assessing: Assessments | None = None

    def look(self, plans: Sequence[Plan]) -> None:
        """At every plan's output and at all that is remembered."""
        self.published = self.view.outputs.published()
        self.expectancy = expectancy(self.view.runs.durations())
        self._owners = Owners()
        self.outputs.clear()
        self.receipts.clear()
        self.owned.clear()
        self.unwritable.clear()
        self.unreceipted.clear()
        self.assessments.clear()
        for plan in plans:
            self._look_at(plan)

    def look_at(self, plan: Plan) -> None:
        """At one plan again, after something was done to it."""
        self.published = self.view.outputs.published()
        self._look_at(plan)

    def _look_at(self, plan: Plan) -> None:
        self.receipts.pop(plan.address, None)
        self.unreceipted.discard(plan.address)
        published = self.published.get(plan.address)
        self.outputs[plan.address] = output = self._output(plan, published)
        intact = (
            published is not None and isinstance(output, OutputSeen) and output.digest == published.digest
        )
        if intact and _has_no_receipt(plan):
            self.unreceipted.add(plan.address)
        if not intact or published is None or published.fingerprint != plan.fingerprint:
            self._look_at_place(plan)
        else:
            # It is not written: of 10,000 current results not one receipt is opened.
            self.owned.pop(plan.address, None)
            self.unwritable.pop(plan.address, None)
        if published is None and not isinstance(output, NoOutput) and plan.address not in self.owned:
            self._look_at_receipt(plan)
        self._assess(plan)

    def _look_at_place(self, plan: Plan) -> None:
        """Whose it is, and whether it can be written."""
        self._look_at_owner(plan)
        trouble = unwritable(plan.output)
        if trouble is None:
            self.unwritable.pop(plan.address, None)
        else:
            self.unwritable[plan.address] = trouble

    def _look_at_owner(self, plan: Plan) -> None:
        other = self._owners.other(plan.address, plan.output, plan.spec)
        if other is None:
            self.owned.pop(plan.address, None)
        else:
            self.owned[plan.address] = other

    def seen(self, plans: Sequence[Plan], activity: Activity, now: datetime) -> Seen:
        """All that a decision is made from."""
        requests = self.view.requests.open()
        retried = frozenset(r.address for r in requests if r.kind == "retry")
        for plan in (plan for plan in plans if plan.address in retried):
            self._look_at_place(plan)
        return Seen(
            now=now,
            outputs=self.outputs,
            published=self.published,
            receipts=self.receipts,
            owned=self.owned,
            unwritable=self.unwritable,
            unreceipted=frozenset(self.unreceipted),
            assessments=self.assessments,
            intact=self._intact(plans),
            live=activity.live,
            attempts=self.view.runs.attempts_at({plan.address: plan.fingerprint for plan in plans}),
            past=self.view.runs.last_ends(),
            verifications=self.view.outputs.verifications(),
            retried=retried,
            cancelled=activity.cancelled | {r.address for r in requests if r.kind == "cancel"},
            uncopied=activity.uncopied,
            stuck=activity.stuck,
            selection=activity.selection,
            workers=activity.workers,
            expected=self.expectancy.lengths,
        )

    def _output(self, plan: Plan, published: Published | None) -> Output:
        try:
            if published is None:
                # Without a record there is nothing to compare a digest with: gigabytes are not read for it.
                return OutputSeen(size=plan.output.stat().st_size, digest="")
            found = self.digests.of(plan.output, "output")
            if found.raw == published.digest and (further := self._further(plan, published)) is not None:
                return further
        except (FileNotFoundError, NotADirectoryError):
            return NoOutput()
        except OSError as error:
            return OutputUnreadable(Trouble(f"{plan.output} cannot be read: {error.strerror or error}"))
        damage = self._damage_of(plan.output, found.raw) if found.raw != published.digest else None
        return OutputSeen(size=found.stat.size, digest=found.raw, damage=damage)

    def _further(self, plan: Plan, published: Published) -> Output | None:
        """What is wrong with the files that belong to an intact result; None: nothing. Raises OSError.

        What the plan does not want any more does not count.
        """
        known = {output.name: output for output in published.beside or ()}
        for one in plan.brought_back:
            if one.is_pattern:
                wanted = [o for o in known.values() if matches(o.name.casefold(), one.name.casefold())]
            elif published.beside is None and (plan.prepares or one.name.endswith(".rst")):
                # An older version published nothing else beside results, and wrote down no digest.
                if (plan.output.parent / one.published_as).is_file():
                    continue
                return NoOutput(one.published_as)
            else:
                wanted = [known[one.published_as]] if one.published_as in known else []
            if not wanted:
                return NoOutput(one.published_as)
            for output in wanted:
                if (changed := self._changed(plan.output.parent / output.name, output)) is not None:
                    return changed
        return None

    def _changed(self, path: Path, output: FurtherOutput) -> Output | None:
        try:
            found = self.digests.of(path, "output")
        except (FileNotFoundError, NotADirectoryError):
            return NoOutput(output.name)
        if found.raw == output.digest:
            return None
        return FurtherChanged(output.name, f"published as {output.digest[:12]}, now {found.raw[:12]}")

    def _look_at_receipt(self, plan: Plan) -> None:
        try:
            receipt = publish.read_receipt(plan.output)
            if receipt is None or receipt.address != plan.address:
                return
            if self.refuted.get(plan.address) == receipt.digest:
                return
            found = self.digests.of(plan.output, "output")
            further = self._further(plan, receipt) if found.raw == receipt.digest else None
        except (ResultError, OSError):
            # A receipt that cannot be read is as good as none: the file is then of unknown origin, and held.
            return
        self.receipts[plan.address] = receipt
        self.outputs[plan.address] = further or OutputSeen(size=found.stat.size, digest=found.raw)

    def take_assessed(self) -> tuple[Assessed, ...]:
        """Found results that were read since the last call, for the store to remember."""
        return self._assessing.take_fresh() if self._assessing else ()

    def _assess(self, plan: Plan) -> None:
        """Of a result without a record: may it be adopted."""
        address, output = plan.address, self.outputs[plan.address]
        self.assessments.pop(address, None)
        receipt = self.receipts.get(address)
        if address in self.published or not isinstance(output, OutputSeen):
            return
        if address in self.owned and not self.owned[address].adoptable:
            return
        if receipt is not None and receipt.digest == output.digest:
            return
        if self._assessing is None:
            self._assessing = Assessments(dict(self.view.caches.assessed()))
        try:
            self.assessments[address] = self._assessing.assess(plan)
        except OSError:
            # Gone since it was looked at: the next look finds nothing there.
            return

    def _damage_of(self, path: Path, digest: str) -> str | None:
        if digest not in self._damage:
            try:
                reader_pool.read(path)
                self._damage[digest] = None
            except ReaderKilled:
                # It is drifted all the same; whether it is damaged too the next look may tell.
                return None
            except ResultError as error:
                self._damage[digest] = str(error)
        return self._damage[digest]

    def _intact(self, plans: Sequence[Plan]) -> Mapping[str, Published]:
        intact: dict[str, Published] = {}
        for plan in plans:
            published, output = self.published.get(plan.address), self.outputs.get(plan.address)
            if published is None or published.provenance == "adopted":
                # Nobody proved that its inputs made it: good enough where it stands, not for another plan.
                continue
            if isinstance(output, OutputSeen) and output.digest == published.digest:
                intact.setdefault(published.fingerprint, published)
        return intact


def _has_no_receipt(plan: Plan) -> bool:
    try:
        return publish.receipt_path(plan.output).stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError:
        # Whatever is there cannot be looked at, nor written.
        return False
