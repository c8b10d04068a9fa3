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
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.reliability.kinds import Kind
from tests.reliability.prepared import HecRas
from tests.reliability.scenarios import Adopt, ByHand, Chain, Mixed, Scenario, Series, Stopped
from tests.reliability.study import Broken, Ended, Study, warm_up
from tests.reliability.trials import by_name, trial
from tests.reliability.wires import KINDS

SCENARIOS: dict[str, type[Scenario]] = {
    "mixed": Mixed,
    "chain": Chain,
    "series": Series,
    "hec-ras": HecRas,
    "adopt": Adopt,
    "stopped": Stopped,
    "cancel": ByHand,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--kind", choices=list(KINDS), default="local", help="of worker")
    parser.add_argument(
        "--scenario", nargs="+", choices=list(SCENARIOS), default=["mixed"], help="what there is to do"
    )
    parser.add_argument(
        "--trials", type=int, default=500, help="spread over the scenarios; 0: every point once"
    )
    parser.add_argument("--minutes", type=float, default=1e6, help="for each scenario at most")
    parser.add_argument("--at", default="", help="only at points whose name has this in it: `before rename`")
    parser.add_argument("--points", action="store_true", help="only tell the kinds of points there are")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes; each takes its share of the trials")
    parser.add_argument(
        "--keep-going", action="store_true", help="do not stop at the first trial that breaks"
    )
    asked = parser.parse_args()
    for name in asked.scenario:
        suited = SCENARIOS[name].kinds
        if suited is not None and asked.kind not in suited:
            parser.error(f"the scenario {name} is made for {', '.join(sorted(suited))}")
    if (missing := KINDS[asked.kind].missing()) is not None:
        parser.error(missing)
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
    kind = KINDS[asked.kind]()
    kind.set_up()
    try:
        codes = [_try(asked, kind, name, share) for name in asked.scenario]
    finally:
        kind.tear_down()
    return max(codes)


def _try(asked: argparse.Namespace, kind: Kind, name: str, share: int) -> int:
    moments = random.Random(f"{asked.seed} {share} {name}")
    with tempfile.TemporaryDirectory(prefix="rasreconcile-") as scratch:
        study = Study(Path(scratch) / "study", kind, SCENARIOS[name]())
        try:
            undisturbed = _undisturbed(study)
        except Broken as error:
            print(f"BROKEN: {asked.kind} {name}, undisturbed: {error}", flush=True)
            _keep(study)
            return 1
        points = undisturbed.points
        named = {word: at for word, at in by_name(points).items() if asked.at in word}
        if asked.points:
            print("\n".join(f"{asked.kind} {name}: {word}" for word in sorted(named)))
            return 0
        chosen = _chosen(asked, name, share, named, moments)
        return _run(asked, study, moments, chosen, len(points))


def _undisturbed(study: Study) -> Ended:
    """What a controller comes to that nobody kills."""
    study.prepare()
    try:
        study.begin()
        study.set_going()
        ended = study.controller(None, study.scenario.argv)
    finally:
        study.kind.end()
    if ended.code != study.scenario.ends:
        raise Broken(str(ended))
    return ended


def _keep(study: Study) -> None:
    kept = Path(tempfile.mkdtemp(prefix="rasreconcile-broken-"))
    shutil.copytree(study.folder, kept / "study", symlinks=True, ignore=shutil.ignore_patterns("world"))
    print(f"its folder is kept at {kept}", flush=True)


def _chosen(
    asked: argparse.Namespace,
    scenario: str,
    share: int,
    named: Mapping[str, Sequence[int]],
    moments: random.Random,
) -> Sequence[int]:
    """The points at which this share's controllers of this scenario die."""
    every = sorted(at for found in named.values() for at in found)
    if not asked.trials:
        return every[share :: asked.jobs]
    parts = len(asked.scenario)
    count = len(range(asked.scenario.index(scenario), len(range(share, asked.trials, asked.jobs)), parts))
    # Half of them anywhere, half evenly over the kinds of points: some come a hundred times, some once.
    names = sorted(named)
    return [
        moments.choice(every) if n % 2 else moments.choice(named[names[n // 2 % len(names)]])
        for n in range(count)
    ]


def _run(
    asked: argparse.Namespace, study: Study, moments: random.Random, chosen: Sequence[int], points: int
) -> int:
    what = f"{asked.kind} {next(name for name, one in SCENARIOS.items() if type(study.scenario) is one)}"
    began, deaths, broken, number = time.monotonic(), Counter[str](), 0, 0
    for number, die_at in enumerate(chosen, start=1):
        if number % 100 == 0:
            print(
                f"{what}: {number} of {len(chosen)} trials, {broken} broken",
                file=sys.stderr,
                flush=True,
            )
        try:
            deaths.update(trial(study, moments, die_at))
        except Broken as error:
            broken += 1
            print(
                f"BROKEN: {what}, killed at point {die_at} of {points}, trial {number}: {error}",
                flush=True,
            )
            _keep(study)
            if not asked.keep_going:
                break
        if time.monotonic() - began > asked.minutes * 60:
            break
    took = time.monotonic() - began
    print(
        f"{what}: {number} trials, {sum(deaths.values())} kills at {len(deaths)} kinds of {points} points,"
        f" {broken} broken, {took:.0f} s"
    )
    for name, count in sorted(deaths.items()):
        print(f"  {count:6} {name}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
