"""What the program itself costs for each plan, and where the time goes, beside a shell loop that does the same work.

99 plans of the `command` engine copy a ready HDF. The peer runs the same copies one after the other and keeps no
record. Times are ratios of the two, measured in one go on one machine.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scale import study

from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Apply, Requester
from rasreconcile.specfile import load


def applied(spec: Path) -> float:
    began = time.perf_counter()
    outcome = Apply(load(spec), Requester(by="benchmark"), lambda _: None, lambda _: None, Clock()).run()
    took = time.perf_counter() - began
    assert outcome.exit == 0, outcome.exit
    return took


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--plans", type=int, default=99)
    options.add_argument("--profile", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study(folder, asked.plans)
        spec = folder / "spec.yaml"
        began = time.perf_counter()
        for n in range(asked.plans):
            subprocess.run(["sh", "-c", f"cp ready.hdf peer{n}.hdf"], cwd=folder, check=True)
        peer = time.perf_counter() - began
        first, second = applied(spec), applied(spec)
    with tempfile.TemporaryDirectory() as name:
        # Profiling slows what it measures: a study of its own, for the shares only.
        study(Path(name), asked.plans)
        spec = Path(name, "spec.yaml")
        with cProfile.Profile() as profile:
            profiled = applied(spec)
    each = 1000 / asked.plans
    print(f"{asked.plans} plans, command `cp`, 4 slots, {sys.version.split()[0]}")
    print(
        f"  first apply   {first * each:7.1f} ms a plan   {first / peer:6.1f} x a shell loop ({peer * each:.1f} ms a plan)"
    )
    print(
        f"  second apply  {second * each:7.1f} ms a plan   {second / first:6.2f} x the first: nothing to do"
    )
    if asked.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(25)
    spent = {
        "store": "rasreconcile/store/",
        "decide": "rasreconcile/reconcile/",
        "look": "rasreconcile/studies/",
    }
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # pstats has no types for it
    for what, part in spent.items():
        outermost = sum(
            row[3]
            for (file, _, _), row in stats.items()
            if part in file and not any(part in c[0] for c in row[4])
        )
        print(f"  main thread in {what:<7} {outermost / profiled:6.1%} of the first apply")


if __name__ == "__main__":
    main()
