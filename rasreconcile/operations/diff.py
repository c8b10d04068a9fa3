"""What apply would do now, and why; nothing is started and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from rasreconcile.clock import Clock
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.actions import Recall
from rasreconcile.reconcile.adoption import Proposal, propose
from rasreconcile.reconcile.decision import Decision, decide
from rasreconcile.reconcile.durations import Expectancy
from rasreconcile.reconcile.forecast import Forecast, Question, forecast
from rasreconcile.reconcile.observed import LiveRun, Seen, WorkerSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.selection import select_named
from rasreconcile.reconcile.verdicts import Phase
from rasreconcile.records import Published
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store.reader import empty_store
from rasreconcile.studies.equipment import looked_at_here
from rasreconcile.studies.installed_engines import platform_of
from rasreconcile.studies.outputs import Activity
from rasreconcile.studies.policies import policy_of
from rasreconcile.studies.store_view import StoreView, remembered
from rasreconcile.studies.study import Study

_MANY = 1000


@dataclass(frozen=True, slots=True)
class Diff:
    """The plans of a spec and what would be done about them."""

    plans: tuple[Plan, ...]
    decision: Decision
    published: Mapping[Address, Published]
    proposal: Proposal
    """What to do about results that rasreconcile did not produce."""
    recalled: tuple[Recall, ...] = ()
    """Results that the store learns of again from their receipts, before the decision."""
    question: Question | None = None
    """What a forecast of it is made from."""

    def forecast(self, *, of_many: bool = True) -> Forecast | None:
        """What applying would take; None: nothing to run, or nothing tells.

        Of ten thousand plans that is seconds of work; without `of_many`, of more than a thousand nothing is said.
        """
        if self.question is None or (not of_many and len(self.question.due) > _MANY):
            return None
        return forecast(self.question)


def diff(loaded: LoadedSpec, clock: Clock, named: NamedPlans = EVERY_PLAN) -> Diff:
    """Looks at everything apply looks at; of the workers only at this machine.

    Raises SpecError, StoreError, UsageError.
    """
    loaded.require_built()
    with ExitStack() as stack:
        view = remembered(loaded.state_path, stack)
        study = Study.open(loaded, view, clock)
        plans = study.look()
        study.outputs.look(plans)
        published = study.outputs.published
        activity = activity_here(loaded, view, plans, named)
        seen = study.outputs.seen(plans, activity, clock.now())
        decision = decide(plans, seen, policy_of(loaded.spec))
        recalled = tuple(action for action in decision.actions if isinstance(action, Recall))
        if recalled:
            # What follows once the store knows of them again: the receipts themselves change no result.
            study.outputs.published = {
                **study.outputs.published,
                **{r.plan.address: r.published for r in recalled},
            }
            seen = study.outputs.seen(plans, activity, clock.now())
            decision = decide(plans, seen, policy_of(loaded.spec))
        told = {verdict.address for verdict in decision.verdicts}
        plans = tuple(plan for plan in plans if plan.address in told)
        proposal = propose(decision.verdicts, seen.assessments, decision.copied)
        question = _question(plans, seen, decision, study.outputs.expectancy, policy_of(loaded.spec))
        return Diff(plans, decision, published, proposal, recalled, question)


def _question(
    plans: Sequence[Plan], seen: Seen, decision: Decision, known: Expectancy, policy: Policy
) -> Question:
    waits = {v.address for v in decision.verdicts if v.phase in {Phase.QUEUED, Phase.BACKOFF}}
    return Question(
        due=[plan for plan in plans if plan.address in waits - decision.copied],
        live=seen.live.values(),
        workers=seen.workers,
        policy=policy,
        known=known,
        now=seen.now,
    )


def plans_of(loaded: LoadedSpec) -> tuple[Plan, ...]:
    """The plans that the spec lists, without a word of the store: every input is read. Raises SpecError."""
    loaded.require_built()
    with ExitStack() as stack:
        nothing = stack.enter_context(empty_store(loaded.state_path))
        return Study.open(loaded, nothing, Clock()).listed()


def activity_here(
    loaded: LoadedSpec, view: StoreView, plans: Sequence[Plan], named: NamedPlans = EVERY_PLAN
) -> Activity:
    """What moves, as far as the store and this machine tell."""
    return Activity(
        live={run.address: LiveRun(run=run, status=None) for run in view.runs.live()},
        selection=select_named(named)([plan.address for plan in plans]),
        workers=looked_at_here(idle_workers(loaded, view.caches.images()), loaded, plans),
    )


def idle_workers(loaded: LoadedSpec, images: Mapping[str, str]) -> tuple[WorkerSeen, ...]:
    """The workers of the spec as if they were all well. `images`: as last found, by worker."""
    return tuple(
        WorkerSeen(
            name=name,
            priority=worker.queue_priority,
            slots=worker.slots,
            cores_total=worker.cores_total,
            cores_per_plan=worker.cores_per_plan,
            platform=platform_of(loaded.kind_of(name), worker, images.get(name)),
        )
        for name, worker in loaded.spec.workers.items()
    )
