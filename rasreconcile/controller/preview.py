"""What apply would do now, and why; nothing is started and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rasreconcile.controller.clock import Clock
from rasreconcile.controller.equipment import looked_at_here
from rasreconcile.controller.installs import platform_of
from rasreconcile.controller.looking import Looking, Memory
from rasreconcile.controller.policies import policy_of
from rasreconcile.controller.preparations import with_preparations
from rasreconcile.engines.registry import engine_for
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.adoption import Proposal, propose
from rasreconcile.reconcile.decision import Decision, decide
from rasreconcile.reconcile.durations import History
from rasreconcile.reconcile.observed import Assessed, Verification, WorkerSeen
from rasreconcile.records import Hashed, Mentions, Published, Request
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.runs import Run
from rasreconcile.spec import Spec
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store.reading import Reader


@dataclass(frozen=True, slots=True)
class Preview:
    """The plans of a spec and what would be done about them."""

    plans: tuple[Plan, ...]
    decision: Decision
    published: Mapping[Address, Published]
    proposal: Proposal
    """What to do about results that no run of ours has made."""


class NoMemory:
    """The memory of a store that does not exist yet."""

    def published(self) -> Mapping[Address, Published]:
        return {}

    def attempts_at(self, pairs: Mapping[Address, str]) -> Mapping[Address, tuple[Run, ...]]:
        return {}

    def verifications(self) -> Mapping[Address, Verification]:
        return {}

    def durations(self) -> History:
        return {}

    def live_runs(self) -> tuple[Run, ...]:
        return ()

    def open_requests(self) -> tuple[Request, ...]:
        return ()

    def hashes(self) -> Mapping[tuple[Path, str], Hashed]:
        return {}

    def mentions(self) -> Mapping[tuple[Path, str], Mentions]:
        return {}

    def assessed(self) -> Mapping[Path, Assessed]:
        return {}

    def images(self) -> Mapping[str, str]:
        return {}


def preview(loaded: LoadedSpec, clock: Clock) -> Preview:
    """Looks at everything apply looks at; of the workers only at this machine. Raises SpecError, StoreError."""
    with ExitStack() as stack:
        memory = remembered(loaded.state_path, stack)
        digests = Digests(memory.hashes(), clock.wall_ns)
        contents = Contents(memory.mentions(), clock.wall_ns, associations)
        known = memory.published()
        proven = {published.fingerprint for published in known.values()}
        found = resolve(loaded, digests, engine_for, contents=contents, proven=proven)
        plans = with_preparations(loaded, digests, found, proven=proven).plans
        looking = Looking(memory, digests)
        looking.look(plans)
        workers = looked_at_here(idle_workers(loaded.spec, memory.images()), loaded, plans)
        seen = replace(looking.seen(plans, clock.now()), workers=workers)
        decision = decide(plans, seen, policy_of(loaded.spec))
        told = {verdict.address for verdict in decision.verdicts}
        plans = tuple(plan for plan in plans if plan.address in told)
        return Preview(plans, decision, known, propose(decision.verdicts, seen.assessments))


def remembered(state: Path, stack: ExitStack) -> Memory:
    """What the store holds, for reading; nothing where there is none yet."""
    return stack.enter_context(Reader(state)) if state.exists() else NoMemory()


def idle_workers(spec: Spec, images: Mapping[str, str]) -> tuple[WorkerSeen, ...]:
    """The workers of the spec as if they were all well. `images`: as last found, by worker."""
    return tuple(
        WorkerSeen(
            name=name,
            priority=worker.queue_priority,
            slots=worker.slots,
            cores_total=worker.cores_total,
            cores_per_plan=worker.cores_per_plan,
            platform=platform_of(worker, images.get(name)),
        )
        for name, worker in spec.workers.items()
    )
