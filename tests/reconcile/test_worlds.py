"""Generated worlds: whatever happens, `decide` converges, repeats nothing that is finished, and never promises a slot twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.errors import Trouble
from rasreconcile.facts import LogFacts
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, Ended, RunId, Running, Status, Vanished
from rasreconcile.plans import Address, Plan, component, fingerprint
from rasreconcile.reasons import Reason
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import Decision, Health, decide
from rasreconcile.reconcile.judgement import Judgements
from rasreconcile.reconcile.observed import LiveRun, NoOutput, Output, OutputSeen, Seen, WorkerSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Phase, Sync
from rasreconcile.records import Published
from rasreconcile.runs import LIVE, Run, RunState
from rasreconcile.spec import Expectations, SteadyEngine, StopWhen

START = datetime(2026, 1, 2, tzinfo=UTC)
POLICY = Policy(attempts=2, wait=timedelta(seconds=1), at_most=timedelta(seconds=4))
FATES = ["good", "good", "good", "crash", "wrong", "vanish", "stall", "never launched", "refused", "unstable"]


def make_plan(n: int, version: int, needs: tuple[int, ...]) -> Plan:
    parts = (component(f"input m{n}.g01", str(version)),)
    return Plan(
        address=Address(f"M/p{n:02d}"),
        project=Path("M.prj"),
        number=f"{n:02d}",
        engine=SteadyEngine(type="steady"),
        inputs=(),
        components=parts,
        fingerprint=fingerprint(parts),
        output=Path(f"M.p{n:02d}.hdf"),
        expect=Expectations(),
        expectation_digest="e",
        stop_when=StopWhen(),
        needs=tuple(Address(f"M/p{need:02d}") for need in needs),
    )


@dataclass
class World:
    """Plans, workers, runs and files; fates are drawn as runs start."""

    plans: list[Plan]
    slots: list[int]
    fates: list[str]
    now: datetime = START
    runs: dict[RunId, Run] = field(default_factory=dict)
    lies: dict[RunId, str] = field(default_factory=dict)
    statuses: dict[RunId, Status] = field(default_factory=dict)
    outputs: dict[Address, Output] = field(default_factory=dict)
    published: dict[Address, Published] = field(default_factory=dict)
    computed: list[tuple[Address, str]] = field(default_factory=list)
    stops: dict[RunId, Failure] = field(default_factory=dict)

    def seen(self) -> Seen:
        live = {r.address: self.live(r) for r in self.runs.values() if r.live}
        attempts: dict[Address, tuple[Run, ...]] = {}
        for plan in self.plans:
            ended = [
                r
                for r in self.runs.values()
                if r.address == plan.address and not r.live and r.fingerprint == plan.fingerprint
            ]
            last = max((n for n, r in enumerate(ended) if r.state is RunState.SUCCEEDED), default=-1)
            attempts[plan.address] = tuple(ended[last + 1 :])
        workers = tuple(
            WorkerSeen(
                name=f"w{n}",
                priority=n,
                slots=slots,
                cores_total=slots,
                cores_per_plan=1,
                faults=self.faults(f"w{n}"),
            )
            for n, slots in enumerate(self.slots)
        )
        return Seen(
            now=self.now,
            outputs=self.outputs,
            published=self.published,
            live=live,
            attempts=attempts,
            workers=workers,
        )

    def live(self, run: Run) -> LiveRun:
        said = LogFacts(unstable="went unstable") if self.lies[run.id] == "unstable" else LogFacts()
        return LiveRun(run=run, status=self.statuses.get(run.id), said=said, stopping=self.stops.get(run.id))

    def faults(self, worker: str) -> tuple[datetime, ...]:
        found: list[datetime] = []
        for run in self.runs.values():
            if run.worker == worker and run.ended:
                found = [*found, run.ended] if run.state is RunState.LOST else []
        return tuple(found)

    def carry_out(self, decision: Decision) -> None:
        for action in decision.actions:
            match action:
                case act.Start(plan, worker, slot, cores, reasons):
                    self.start(plan, worker, slot, cores, reasons)
                case act.Restart(run):
                    self.launch(run)
                case act.Note(run, status):
                    self.runs[run.id] = replace(
                        self.runs[run.id], state=RunState.RUNNING, started=status.started
                    )
                case act.Collect(run, plan, _) | act.Finish(run, Plan() as plan, _):
                    self.collect(run, plan)
                case act.Lose(run, failure):
                    self.end(run, RunState.LOST, failure)
                case act.Stop(run, failure):
                    self.stops[run.id] = failure
                    self.statuses[run.id] = Ended(
                        exit_code=143, started=self.now, ended=self.now, outputs={}, cause="cancelled"
                    )
                case act.Fail(run, failure, _):
                    self.end(run, RunState.FAILED, failure)
                case act.Abandon(run, cause):
                    self.end(
                        run, RunState.CANCELLED, Failure(kind="worker", cause=cause, trouble=Trouble(cause))
                    )
                case _:
                    raise AssertionError(action)

    def start(self, plan: Plan, worker: str, slot: int, cores: int, reasons: tuple[Reason, ...]) -> None:
        live = [r for r in self.runs.values() if r.live]
        assert plan.address not in {r.address for r in live}, "two live runs of a plan"
        assert (worker, slot) not in {(r.worker, r.slot) for r in live}, "two live runs on a slot"
        done = self.published.get(plan.address)
        intact = self.outputs.get(plan.address) == OutputSeen(1, done.digest) if done else False
        assert not (done and intact and done.fingerprint == plan.fingerprint), "finished work is repeated"
        assert all(self.is_current(need) for need in plan.needs), "it runs before what it needs"
        run = Run(
            id=RunId(f"r{len(self.runs)}"),
            address=plan.address,
            fingerprint=plan.fingerprint,
            worker=worker,
            slot=slot,
            cores=cores,
            state=RunState.STARTING,
            reasons=reasons,
            created=self.now,
        )
        self.runs[run.id] = run
        self.lies[run.id] = self.fates.pop() if self.fates else "good"
        self.launch(run)

    def is_current(self, address: Address) -> bool:
        plan = next(p for p in self.plans if p.address == address)
        done = self.published.get(address)
        return done is not None and done.fingerprint == plan.fingerprint

    def launch(self, run: Run) -> None:
        match self.lies[run.id]:
            case "never launched":
                self.statuses[run.id] = Absent()
                self.lies[run.id] = "good"
            case "refused":
                self.end(
                    run,
                    RunState.LOST,
                    Failure(kind="worker", cause=FailureCause.LAUNCH_REFUSED, trouble=Trouble("no")),
                )
            case _:
                self.statuses[run.id] = Running(started=self.now)

    def collect(self, run: Run, plan: Plan) -> None:
        match self.lies[run.id]:
            case "stall":
                self.end(
                    run,
                    RunState.FAILED,
                    Failure(kind="retryable", cause=FailureCause.STALLED, trouble=Trouble("silent")),
                )
            case "crash":
                self.end(
                    run,
                    RunState.FAILED,
                    Failure(kind="retryable", cause=FailureCause.OTHER, trouble=Trouble("crash")),
                )
            case "wrong":
                self.end(
                    run,
                    RunState.FAILED,
                    Failure(kind="permanent", cause=FailureCause.OTHER, trouble=Trouble("wrong")),
                )
            case _:
                digest = f"{run.id} {run.fingerprint}"
                self.computed.append((run.address, run.fingerprint))
                parts = plan.components if plan.fingerprint == run.fingerprint else ()
                self.published[run.address] = Published(
                    address=run.address, run=run.id, path=plan.output, size=1, digest=digest, fingerprint=run.fingerprint,
                    components=parts, expectation_digest="e", provenance="computed", engine="e", worker=run.worker, at=self.now,
                )  # fmt: skip
                self.outputs[run.address] = OutputSeen(1, digest)
                self.runs[run.id] = replace(run, state=RunState.SUCCEEDED, ended=self.now)

    def end(self, run: Run, state: RunState, failure: Failure) -> None:
        self.runs[run.id] = replace(self.runs[run.id], state=state, failure=failure, ended=self.now)

    def advance(self, decision: Decision) -> None:
        """Time passes: running runs end, or vanish."""
        self.now = max(self.now + timedelta(seconds=1), decision.next_at or self.now)
        for run in [r for r in self.runs.values() if r.live]:
            if isinstance(self.statuses.get(run.id), Running):
                gone = self.lies[run.id] == "vanish"
                done = Ended(exit_code=0, started=self.now, ended=self.now, outputs={})
                self.statuses[run.id] = Vanished("gone") if gone else done


@settings(deadline=None, max_examples=400)
@given(
    versions=st.lists(st.integers(0, 1), min_size=1, max_size=6),
    chain=st.booleans(),
    slots=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    fates=st.lists(st.sampled_from(FATES), max_size=40),
    edits=st.lists(
        st.tuples(st.integers(0, 25), st.integers(0, 5), st.sampled_from(["edit", "delete", "flip"])),
        max_size=5,
    ),
)
def test_every_world_converges_to_current_or_blocked(versions, chain, slots, fates, edits) -> None:
    plans = [make_plan(n, v, ((n - 1,) if chain and n else ())) for n, v in enumerate(versions)]
    world, remembered = World(plans, slots, list(fates)), Judgements()
    for step in range(400):
        for when, which, what in edits:
            if when == step and which < len(world.plans):
                plan = world.plans[which]
                if what == "edit":
                    world.plans[which] = make_plan(which, 10 + step, tuple(int(n[-2:]) for n in plan.needs))
                elif plan.address in world.outputs:
                    world.outputs[plan.address] = NoOutput() if what == "delete" else OutputSeen(1, "flipped")
        decision = decide(world.plans, world.seen(), POLICY)
        assert decide(world.plans, world.seen(), POLICY, remembered) == decision
        if decision.health is not Health.PROGRESSING and step > 25:
            break
        world.carry_out(decision)
        world.advance(decision)
    assert decision.health is not Health.PROGRESSING, "it never ends"
    for verdict in decision.verdicts:
        assert verdict.sync is Sync.CURRENT or verdict.phase in {Phase.HELD, Phase.QUARANTINED}, verdict
        assert verdict.sync is Sync.CURRENT or verdict.outlook, "blocked without a word"
    assert not [r for r in world.runs.values() if r.state in LIVE]


@settings(deadline=None, max_examples=200)
@given(versions=st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), slots=st.integers(1, 3))
def test_where_nothing_fails_every_plan_is_computed_once(versions, slots) -> None:
    world = World([make_plan(n, v, ()) for n, v in enumerate(versions)], [slots], [])
    for _ in range(60):
        decision = decide(world.plans, world.seen(), POLICY)
        world.carry_out(decision)
        world.advance(decision)
    assert decision.health is Health.HEALTHY
    assert len(world.computed) == len(set(world.computed)) == len(versions)
