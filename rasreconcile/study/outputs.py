"""One look at the world: the outputs on disk, what the store remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rasreconcile.errors import ResultError
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.durations import Expectancy, expectancy
from rasreconcile.reconcile.observed import (
    Assessed,
    Assessment,
    LiveRun,
    NoOutput,
    Output,
    OutputSeen,
    OutputUnreadable,
    Seen,
)
from rasreconcile.records import Published
from rasreconcile.resolve import Digests
from rasreconcile.results import publish, reader_pool
from rasreconcile.results.reader_pool import ReaderKilled
from rasreconcile.study.assessments import Assessments
from rasreconcile.study.store_view import StoreView


@dataclass(slots=True)
class Outputs:
    """Looks at outputs through the stat cache; keeps what it saw until told to look again."""

    view: StoreView
    digests: Digests
    outputs: dict[Address, Output] = field(default_factory=dict)
    receipts: dict[Address, Published] = field(default_factory=dict)
    assessments: dict[Address, Assessment] = field(default_factory=dict)
    published: Mapping[Address, Published] = field(default_factory=dict)
    expectancy: Expectancy = field(default_factory=Expectancy)
    _damage: dict[str, str | None] = field(default_factory=dict)
    _assessing: Assessments | None = None

    def look(self, plans: Sequence[Plan]) -> None:
        """At every plan's output and at all that is remembered."""
        self.published = self.view.published()
        self.expectancy = expectancy(self.view.durations())
        self.outputs.clear()
        self.receipts.clear()
        self.assessments.clear()
        for plan in plans:
            self._look_at(plan)

    def look_at(self, plan: Plan) -> None:
        """At one plan again, after something was done to it."""
        self.published = self.view.published()
        self._look_at(plan)

    def _look_at(self, plan: Plan) -> None:
        self.receipts.pop(plan.address, None)
        published = self.published.get(plan.address)
        self.outputs[plan.address] = self._output(plan, published)
        if published is None and not isinstance(self.outputs[plan.address], NoOutput):
            self._look_at_receipt(plan)
        self._assess(plan)

    def seen(self, plans: Sequence[Plan], now: datetime) -> Seen:
        """All that can be known without asking a worker; live runs are as the store has them."""
        requests = self.view.open_requests()
        return Seen(
            now=now,
            outputs=self.outputs,
            published=self.published,
            receipts=self.receipts,
            assessments=self.assessments,
            intact=self._intact(plans),
            live={run.address: LiveRun(run=run, status=None) for run in self.view.live_runs()},
            attempts=self.view.attempts_at({plan.address: plan.fingerprint for plan in plans}),
            verifications=self.view.verifications(),
            retried=frozenset(r.address for r in requests if r.kind == "retry"),
            cancelled=frozenset(r.address for r in requests if r.kind == "cancel"),
            expected=self.expectancy.lengths,
        )

    def _output(self, plan: Plan, published: Published | None) -> Output:
        try:
            if published is None:
                # Without a record there is nothing to compare a digest with: gigabytes are not read for it.
                return OutputSeen(size=plan.output.stat().st_size, digest="")
            found = self.digests.of(plan.output, "output")
            for path in plan.side_paths:
                if not path.is_file():
                    return NoOutput(path.name)
        except (FileNotFoundError, NotADirectoryError):
            return NoOutput()
        except OSError as error:
            return OutputUnreadable(f"{plan.output} cannot be read: {error.strerror or error}")
        damage = self._damage_of(plan.output, found.raw) if found.raw != published.digest else None
        return OutputSeen(size=found.stat.size, digest=found.raw, damage=damage)

    def _look_at_receipt(self, plan: Plan) -> None:
        try:
            receipt = publish.read_receipt(plan.output)
            if receipt is None or receipt.address != plan.address:
                return
            found = self.digests.of(plan.output, "output")
        except (ResultError, OSError):
            # A receipt that cannot be read is as good as none: the file is then of unknown origin, and held.
            return
        self.receipts[plan.address] = receipt
        self.outputs[plan.address] = OutputSeen(size=found.stat.size, digest=found.raw)

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
        if receipt is not None and receipt.digest == output.digest:
            return
        if self._assessing is None:
            self._assessing = Assessments(dict(self.view.assessed()))
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
