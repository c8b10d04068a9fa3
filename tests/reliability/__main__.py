"""`python -m tests.reliability`: kill the controller at many points, and see that nothing is lost, repeated or left."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.reliability.kinds import KINDS
from tests.reliability.trials import Broken, Study, by_name, trial, warm_up

DEMO = Path(__file__).parents[2] / "specs" / "demo"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--kind", choices=sorted(KINDS), default="local", help="of worker")
    parser.add_argument("--trials", type=int, default=500, help="0: every point once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes; each takes its share of the trials")
    parser.add_argument(
        "--keep-going", action="store_true", help="do not stop at the first trial that breaks"
    )
    asked = parser.parse_args()
    warm_up()
    children = []
    for share in range(1, asked.jobs):
        pid = os.fork()
        if pid == 0:
            sys.exit(_share(asked, share))
        children.append(pid)
    code = _share(asked, 0)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    return max([code, *codes])


def _share(asked: argparse.Namespace, share: int) -> int:
    moments = random.Random(f"{asked.seed} {share}")
    with tempfile.TemporaryDirectory(prefix="rasreconcile-") as scratch:
        study = Study(Path(scratch) / "study", KINDS[asked.kind](), DEMO)
        study.prepare()
        study.begin()
        undisturbed = study.controller()
        study.kind.end()
        if undisturbed.code != 0:
            print(f"it does not even work undisturbed: {undisturbed}")
            return 1
        points = undisturbed.points
        named = by_name(points)
        if asked.trials:
            # Half of them anywhere, half evenly over the kinds of points: some come a hundred times, some once.
            names = sorted(named)
            count = len(range(share, asked.trials, asked.jobs))
            chosen = [
                moments.randint(1, len(points))
                if n % 2
                else moments.choice(named[names[n // 2 % len(names)]])
                for n in range(count)
            ]
        else:
            chosen = list(range(1 + share, len(points) + 1, asked.jobs))
        return _run(asked, study, moments, chosen, len(points))


def _run(
    asked: argparse.Namespace, study: Study, moments: random.Random, chosen: list[int], points: int
) -> int:
    began, deaths, broken, number = time.monotonic(), Counter[str](), 0, 0
    for number, die_at in enumerate(chosen, start=1):
        if number % 100 == 0:
            print(
                f"{asked.kind}: {number} of {len(chosen)} trials, {broken} broken",
                file=sys.stderr,
                flush=True,
            )
        try:
            deaths.update(trial(study, moments, die_at))
        except Broken as error:
            broken += 1
            print(
                f"BROKEN: {asked.kind}, killed at point {die_at} of {points}, trial {number}: {error}",
                flush=True,
            )
            kept = Path(tempfile.mkdtemp(prefix="rasreconcile-broken-"))
            shutil.copytree(
                study.folder, kept / "study", symlinks=True, ignore=shutil.ignore_patterns("world")
            )
            print(f"its folder is kept at {kept}", flush=True)
            if not asked.keep_going:
                break
    took = time.monotonic() - began
    print(
        f"{asked.kind}: {number} trials, {sum(deaths.values())} kills at {len(deaths)} kinds of {points} points,"
        f" {broken} broken, {took:.0f} s"
    )
    for name, count in sorted(deaths.items()):
        print(f"  {count:6} {name}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
