"""What the program itself costs for each plan, and where the time goes, beside a shell loop that does the same work.

99 plans of the `command` engine copy a ready HDF. The peer runs the same copies one after the other and keeps no
record. Times are ratios of the two, measured in one go on one machine.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

from rasreconcile.clock import Clock
from rasreconcile.controller.apply import Apply, Requester
from rasreconcile.specfile import load

DEMO = Path(__file__).parents[1] / "specs" / "demo"


def study(folder: Path, plans: int) -> Path:
    for name in ("g01", "f01"):
        shutil.copy(DEMO / f"Willow.{name}", folder)
    listed = "".join(f"Plan File=p{n:02d}\n" for n in range(1, plans + 1))
    (folder / "Willow.prj").write_text("Proj Title=Willow\nEnglish Units\n" + listed)
    for n in range(1, plans + 1):
        text = (DEMO / "Willow.p01").read_text().replace("Plan Title=", f"Plan Title={n} ")
        (folder / f"Willow.p{n:02d}").write_text(text)
    with h5py.File(folder / "ready.hdf", "w") as file:
        file["x"] = [1.0]
    spec = folder / "spec.yaml"
    spec.write_text(
        "version: 1\nstate: state.db\nresults: results\n"
        f"engine: {{type: command, command: [cp, {folder / 'ready.hdf'}, '{{output}}']}}\n"
        "workers: {desk: {type: local, worker_folder: runs, cores_total: 4, cores_per_plan: 1}}\n"
        "plans: [{project: Willow.prj, expect: {completed: false}}]\n"
    )
    return spec


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
        spec = study(folder, asked.plans)
        began = time.perf_counter()
        for n in range(asked.plans):
            subprocess.run(["sh", "-c", f"cp ready.hdf peer{n}.hdf"], cwd=folder, check=True)
        peer = time.perf_counter() - began
        first, second = applied(spec), applied(spec)
    with tempfile.TemporaryDirectory() as name:
        # Profiling slows what it measures: a study of its own, for the shares only.
        spec = study(Path(name), asked.plans)
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
