"""How good the placement is: makespan over the lower bound, by policy, beside simpler ones.

The pure core is driven with plans whose run times are lognormal, on workers of different size and speed; what is expected of a plan
is off by up to `--error` of its true time. The lower bound is the larger of all work over all slots at their speeds, and the
longest plan on the fastest slot. Beside it: the next plan to the next slot in turn, as ras-commander's parallel calls deal them, and
the next plan to the slot that is free first, as `xargs -P` does.

    python benchmarks/schedule.py --plans 60 400 2000 --error 0 0.3
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.durations import SAME_PLAN, Expectancy, estimated
from rasreconcile.reconcile.forecast import Question, makespan
from rasreconcile.reconcile.observed import WorkerSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.spec import Expectations, SteadyEngine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEEDS = (1.0, 1.6, 0.7)
SLOTS = {60: 12, 400: 24, 2000: 100}


def a_plan(number: int) -> Plan:
    return Plan(
        address=Address(f"Model{number // 99}/p{number % 99 + 1:02d}"),
        project=Path("Model.prj"),
        number=f"{number % 99 + 1:02d}",
        engine=SteadyEngine(type="steady"),
        inputs=(),
        components=(),
        fingerprint=f"{number:064d}",
        output=Path(f"{number}.hdf"),
        expect=Expectations(),
        expectation_digest="",
    )


def pool(slots: int) -> list[WorkerSeen]:
    """As many slots in all, on a worker of each speed."""
    sizes = [slots // 2, slots // 4, slots - slots // 2 - slots // 4]
    return [
        WorkerSeen(name=f"w{n}", priority=n, slots=size, cores_total=size, cores_per_plan=1)
        for n, size in enumerate(sizes)
    ]


def bound(lengths: Sequence[timedelta], slots: Sequence[float]) -> timedelta:
    """No schedule is shorter. `slots`: the speed of each."""
    return max(sum(lengths, timedelta()) / sum(slots), max(lengths) / max(slots))


def in_turn(lengths: Sequence[timedelta], slots: Sequence[float]) -> timedelta:
    busy = [timedelta()] * len(slots)
    for n, length in enumerate(lengths):
        busy[n % len(slots)] += length / slots[n % len(slots)]
    return max(busy)


def first_free(lengths: Sequence[timedelta], slots: Sequence[float]) -> timedelta:
    free = [(timedelta(), n) for n in range(len(slots))]
    heapq.heapify(free)
    ends = []
    for length in lengths:
        at, n = heapq.heappop(free)
        ends.append(at + length / slots[n])
        heapq.heappush(free, (ends[-1], n))
    return max(ends)


def ours(
    plans: Sequence[Plan], lengths: Mapping[Address, timedelta], asked: Question, mode: str
) -> timedelta:
    policy = Policy(placement="prefer" if mode == "prefer" else "strict")
    return makespan(
        Question(due=plans, live=(), workers=asked.workers, policy=policy, known=asked.known, now=asked.now),
        lengths,
    )


def ratios(count: int, error: float, seed: int) -> dict[str, float]:
    """Of one workload, by policy."""
    dice = random.Random(seed)
    plans = [a_plan(n) for n in range(count)]
    lengths = {p.address: timedelta(hours=dice.lognormvariate(0, 0.8)) for p in plans}
    expected = {a: length * dice.uniform(1 - error, 1 + error) for a, length in lengths.items()}
    workers = pool(SLOTS.get(count, max(count // 20, 4)))
    speeds = {worker.name: speed for worker, speed in zip(workers, SPEEDS, strict=True)}
    known = Expectancy(
        expected, speeds, own={a: estimated([length], SAME_PLAN) for a, length in expected.items()}
    )
    asked = Question(due=plans, live=(), workers=workers, policy=Policy(), known=known, now=NOW)
    slots = [speeds[worker.name] for worker in workers for _ in range(worker.slots)]
    times = list(lengths.values())
    least = bound(times, slots)
    return {
        "prefer": ours(plans, lengths, asked, "prefer") / least,
        "strict": ours(plans, lengths, asked, "strict") / least,
        "first free": first_free(times, slots) / least,
        "in turn": in_turn(times, slots) / least,
    }


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--plans", type=int, nargs="+", default=[60, 400])
    options.add_argument("--error", type=float, nargs="+", default=[0.0, 0.3])
    options.add_argument("--seeds", type=int, default=5)
    asked = options.parse_args()
    print(
        f"makespan over the lower bound, the median of {asked.seeds} workloads, Python {sys.version.split()[0]}"
    )
    for count in asked.plans:
        for error in asked.error:
            began = time.process_time()
            found = [ratios(count, error, seed) for seed in range(asked.seeds)]
            took = (time.process_time() - began) / asked.seeds
            told = ", ".join(f"{name} {median(one[name] for one in found):.3f}" for name in found[0])
            print(f"  {count:5} plans, off by {error:3.0%}: {told}  ({took:.1f} s of CPU each)")


if __name__ == "__main__":
    main()
