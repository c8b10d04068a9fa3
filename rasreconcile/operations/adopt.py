"""Adopting found results: read whole, verified, and taken under control. Only a receipt is written."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

from rasreconcile.clock import Clock
from rasreconcile.errors import PublishHeld, Trouble, in_one_line, trouble_of
from rasreconcile.jobs import RunId
from rasreconcile.named_plans import NamedPlans, plans_matching
from rasreconcile.operations.diff import activity_here
from rasreconcile.plans import Address, Plan, without_prepared
from rasreconcile.reconcile.decision import decide
from rasreconcile.reconcile.observed import Assessment, Fitness, NoOutput
from rasreconcile.reconcile.verdicts import last_verdicts
from rasreconcile.records import FurtherOutput, Published
from rasreconcile.resolve.digests import stat_of
from rasreconcile.results import publish
from rasreconcile.runs import new_run_id
from rasreconcile.specfile import LoadedSpec
from rasreconcile.studies.assessments import evidence, found_beside
from rasreconcile.studies.outputs import Outputs
from rasreconcile.studies.owners import taking
from rasreconcile.studies.policies import policy_of
from rasreconcile.studies.store_view import StoreView, remembered
from rasreconcile.studies.study import Study
from rasreconcile.studies.texts import texts_of

if TYPE_CHECKING:
    from rasreconcile.store import Store

What = Literal["adopted", "would adopt", "under control", "left", "refused"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which found results a person wants under control."""

    named: frozenset[Address] = frozenset()
    """By name: suspicious ones too."""
    matched: frozenset[Address] = frozenset()
    """By pattern, or all there are."""
    suspicious: bool = False
    """Of those too what is suspicious."""

    def covers(self, address: Address, fitness: Fitness) -> bool:
        """Whether a result that may be adopted is."""
        doubtful = fitness is Fitness.SUSPICIOUS
        return address in self.named or (address in self.matched and (self.suspicious or not doubtful))


Choose = Callable[[tuple[Address, ...]], Choice]
"""Picks from the addresses of the spec; may raise UsageError."""


def choosing(named: NamedPlans, *, everything: bool = False, suspicious: bool = False) -> Choose:
    """By the words of a user: a word that means one plan and is no pattern names it. Without words all are meant."""

    def choose(known: tuple[Address, ...]) -> Choice:
        one_by_one: set[Address] = set()
        matched = set(known) if everything or not named.words else set[Address]()
        for word in named.words:
            found = plans_matching(word, known)
            is_name = word in known or not glob.has_magic(word)
            (one_by_one if len(found) == 1 and is_name else matched).update(found)
        kept = set(known) - named.unwanted(known)
        return Choice(frozenset(one_by_one & kept), frozenset(matched & kept), suspicious)

    return choose


_RUNNING = Trouble("a run of it is still running", "let `apply` collect it")
_NOTHING = Trouble("there is no result to adopt")
_UNREADABLE = Trouble("its result cannot be read", "make it readable")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one plan."""

    address: Address
    what: What
    assessment: Assessment | None = None
    why: Trouble | None = None
    """None where there is nothing to say of it."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """One adoption of one spec."""

    loaded: LoadedSpec
    choose: Choose
    clock: Clock
    asked_by: str

    def run(self) -> Iterator[Answer]:
        """One answer for each plan chosen, as it comes. Raises SpecError, StoreError, StoreBusy before the first.

        Holds the store while it goes on. What was adopted before an interrupt stays adopted.
        """
        from rasreconcile.store import Store  # noqa: PLC0415  --dry-run only reads

        with Store.open(self.loaded.state_path, now=self.clock.now()) as store:
            yield from self._answers(store, store)

    def look(self) -> Iterator[Answer]:
        """The same without adopting anything; nothing is written, and nobody's lock is taken."""
        with ExitStack() as stack:
            yield from self._answers(remembered(self.loaded.state_path, stack), None)

    def _answers(self, view: StoreView, store: Store | None) -> Iterator[Answer]:
        study = Study.open(self.loaded, view, self.clock)
        plans = study.listed()
        choice = self.choose(tuple(plan.address for plan in plans))
        outputs = study.outputs
        outputs.look(plans)
        live = {run.address for run in view.runs.live()}
        try:
            for plan in plans:
                if plan.address in live and plan.address in choice.named | choice.matched:
                    yield Answer(plan.address, "refused", None, _RUNNING)
                elif plan.address in choice.named | choice.matched:
                    yield self._one(store, outputs, plan, choice)
            if store is not None:
                self._tell(store, study)
        finally:
            if store is not None:
                study.remember(store.caches)

    def _tell(self, store: Store, study: Study) -> None:
        """`status` and `results` know at once what became of the plans."""
        plans = study.look()
        study.outputs.look(plans)
        now = self.clock.now()
        seen = study.outputs.seen(plans, activity_here(self.loaded, store, plans), now)
        verdicts = decide(plans, seen, policy_of(self.loaded.spec)).verdicts
        store.verdicts.record(last_verdicts(verdicts, {plan.address: plan.output for plan in plans}, now))

    def _one(self, store: Store | None, outputs: Outputs, plan: Plan, choice: Choice) -> Answer:
        address = plan.address
        not_so: What = "refused" if address in choice.named else "left"
        if address in outputs.published:
            return Answer(
                address, "under control", None, Trouble(f"{outputs.published[address].provenance} already")
            )
        other = outputs.owned.get(address)
        if other is not None and not other.adoptable:
            return Answer(address, not_so, None, other.trouble)
        assessment = outputs.assessments.get(address)
        if assessment is None and address in outputs.receipts:
            return Answer(
                address, "under control", None, Trouble("its receipt matches it", "`apply` recalls it")
            )
        if assessment is None:
            gone = isinstance(outputs.outputs[address], NoOutput)
            return Answer(address, not_so, None, _NOTHING if gone else _UNREADABLE)
        if assessment.fitness is Fitness.UNFIT:
            return Answer(
                address, not_so, assessment, Trouble("unfit", "`retry` computes it and replaces the file")
            )
        if not choice.covers(address, assessment.fitness):
            return Answer(address, "left", assessment, Trouble("suspicious", "name it, or say --suspicious"))
        if store is None:
            return Answer(address, "would adopt", assessment)
        try:
            lacking = self._adopt(store, outputs, plan, assessment)
        except (PublishHeld, OSError) as error:
            return Answer(address, "refused", assessment, trouble_of(error))
        return Answer(address, "refused" if lacking else "adopted", assessment, lacking)

    def _adopt(self, store: Store, outputs: Outputs, plan: Plan, assessment: Assessment) -> Trouble | None:
        """None, or why it was not. The receipt is written first: a crash after it is mended by recalling it."""
        hashed = outputs.digests.of(plan.output, "output")
        found = evidence(plan, "every dataset")
        texts = texts_of(plan)
        if stat_of(plan.output.stat()) != hashed.stat or texts is None:
            return Trouble("it or one of its inputs changed while it was read", "try again")
        if found.shortfalls:
            return found.shortfalls[0].led_by("on a full read it is unfit: ")
        now = self.clock.now()
        published = Published(
            address=plan.address,
            run=RunId(f"adopted-{new_run_id(plan.address, now, token_hex(4))}"),
            path=plan.output,
            size=hashed.stat.size,
            digest=hashed.raw,
            fingerprint=plan.fingerprint,
            components=without_prepared(plan.components),
            expectation_digest=plan.expectation_digest,
            provenance="adopted",
            engine=found.file_version or "a program it does not name",
            worker="",
            at=now,
            summary=found.summary,
            shown=found.shown,
            spec=plan.spec,
            beside=tuple(_further(plan, outputs)),
            remarks=tuple(map(str, assessment.reasons)),
        )
        with taking(published, what="another has taken it meanwhile", renamed=True):
            if publish.receipt_path(publish.place(plan.output)).exists():
                publish.write_receipts(published)
            else:
                # Where its link leads may be an archive that is read-only.
                publish.write_receipt(published)
        store.outputs.adopt(published, plan, texts, why=self._why(assessment))
        return None

    def _why(self, assessment: Assessment) -> str:
        doubts = f"; accepted despite: {in_one_line(assessment.reasons)}" if assessment.reasons else ""
        return f"by {self.asked_by}, not computed: it is not proven that today's inputs produced it{doubts}"


def _further(plan: Plan, outputs: Outputs) -> Iterator[FurtherOutput]:
    """What belongs to the result of the plan, as it is there. Raises OSError."""
    names = dict.fromkeys(name for one in plan.brought_back for name in found_beside(plan, one))
    for name in names:
        hashed = outputs.digests.of(plan.output.parent / name, "output")
        yield FurtherOutput(name, hashed.stat.size, hashed.raw)
