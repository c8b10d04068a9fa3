"""`python -m tests.reliability.enemy`: a worker that is an enemy, for each kind of thing it leaves or says."""

from __future__ import annotations

import argparse
import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.reliability.enemy.kinds import KINDS, refused
from tests.reliability.enemy.trial import SILENCE, Tried, tried


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.enemy", description=__doc__)
    parser.add_argument("--kind", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="KIND")
    parser.add_argument("--answers", type=int, default=10_000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this answer alone, as it was found")
    parser.add_argument("--patience", type=float, default=SILENCE, help="seconds for an answer that waits")
    parser.add_argument("--minutes", type=float, default=math.inf, help="for each kind at most")
    parser.add_argument("--jobs", type=int, default=1, help="kinds that are tried at once")
    parser.add_argument("--kinds", action="store_true", help="only list them")
    asked = parser.parse_args()
    if asked.kinds:
        print("\n".join(f"{name:24} {kind.what}" for name, kind in KINDS.items()))
        return 0
    if (why := next(filter(None, map(refused, asked.kind)), None)) is not None:
        parser.error(f"{why}; name other kinds with --kind")
    numbers = range(asked.answers) if asked.only is None else range(asked.only, asked.only + 1)

    def share(name: str) -> int:
        began = time.monotonic()
        found = tried(name, asked.seed, numbers, patience=asked.patience, seconds=asked.minutes * 60)
        print(told(name, asked.seed, found, time.monotonic() - began), flush=True)
        return len(found.findings)

    with ThreadPoolExecutor(asked.jobs) as pool:
        return 1 if sum(pool.map(share, asked.kind)) else 0


def told(name: str, seed: int, found: Tried, took: float) -> str:
    """The line of a kind, and what was found."""
    became = ", ".join(f"{count} {what}" for what, count in sorted(found.outcomes.items()))
    lines = [
        f"{name}: {found.answers} answers of seed {seed}, {len(found.findings)} broken; slowest {found.slowest:.1f} s, "
        f"{found.peak >> 20} MB at most, {took:.0f} s in all; {became}"
    ]
    lines += [f"BROKEN: {name} --seed {seed} --only {at}: {why}" for at, why in found.findings.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
