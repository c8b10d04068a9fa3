"""`python -m tests.reliability.failing`: at many points a call to the system fails, as on a disk that is dying.

As SQLite's own tests inject: every effect of a controller, and every read, has a number; at the chosen one it fails with EIO,
once or from then on, or does half of what it should. The controller must end without a traceback and claim nothing that is
not so; the next one finishes the work.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.reliability.kinds import Local, Memory
from tests.reliability.points import Points
from tests.reliability.scenarios import Mixed
from tests.reliability.study import Broken, Ended, Study, warm_up
from tests.reliability.trials import Reader, by_name, check

HOW = ("once", "from then on", "short")
CODES = {0, 1, 3, 4}
_SQL = (
    "INSERT",
    "UPDATE",
    "DELETE",
    "BEGIN",
    "COMMIT",
    "REPLACE",
    "SAVEPOINT",
    "RELEASE",
    "commit",
    "__exit__",
)


class FailingPoints(Points):
    """Calls that fail at `at`. `how`: see HOW."""

    def __init__(self, tell: int, at: int | None, how: str) -> None:
        super().__init__(tell)
        self._at, self._how, self._passed, self._tell_to = at, how, 0, tell

    def reach(self, name: str, last_act: Any = None) -> None:
        if not name.startswith(("before", "within")):
            return
        with self._lock:
            self._passed += 1
            now, at = self._passed, self._at
        if at is None:
            super().reach(name)
        elif now == at or (self._how == "from then on" and now > at):
            if self._how == "short" and last_act is not None:
                last_act()
            if now == at:
                _write(self._tell_to, name.encode() + b"\n")
            raise _error(name)

    def install(self) -> None:
        super().install()
        fdopen, points = os.fdopen, self

        def reading_fdopen(file: int, mode: str = "r", *args: Any, **named: Any) -> Any:
            found = fdopen(file, mode, *args, **named)
            return _Reading(found, points) if mode == "rb" else found

        vars(os)["fdopen"] = reading_fdopen


class _Reading:
    """A file being read, whose reads may fail or give less than is there."""

    def __init__(self, file: Any, points: FailingPoints) -> None:
        self._file, self._points = file, points

    def read(self, size: int = -1) -> bytes:
        self._points.reach("before read")
        data: bytes = self._file.read(size)
        return data

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_write = os.write


def _error(name: str) -> Exception:
    if name.rsplit(maxsplit=1)[-1] in _SQL:
        failed = sqlite3.OperationalError("disk I/O error")
        failed.sqlite_errorcode, failed.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
        return failed
    return OSError(errno.EIO, os.strerror(errno.EIO), f"injected at {name}")


@dataclass
class FailingStudy(Study):
    """A study whose next controller meets failing calls. `how`: see HOW."""

    how: str = "once"

    def points(self, tell: int, die_at: int | None) -> Points:
        return FailingPoints(tell, die_at, self.how)


def trial(study: FailingStudy, at: int) -> Ended:
    """Call `at` fails. Raises Broken where something that must be so is not."""
    study.begin()
    try:
        reader = Reader(study)
        try:
            hurt = study.controller(at)
            if "Traceback" in hurt.said or hurt.code not in CODES:
                raise Broken(f"{study.how}: exit {hurt.code} at {hurt.points}: {hurt.said}")
            mended = Study.controller(study)
            again = Study.controller(study)
        finally:
            wrong, seen = reader.stop()
        if mended.code != 0:
            raise Broken(f"afterwards it ended with {mended.code}: {mended.said}\nbefore: {hurt.said}")
        if "nothing to do" not in again.said:
            raise Broken(f"a third apply had work to do: {again.said}")
        if wrong:
            raise Broken("the reader saw: " + "; ".join(wrong[:5]))
        check(study, seen, 0, losing=True)
    finally:
        study.kind.end()
    return hurt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.failing", description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--how", choices=HOW, action="append", help="default: each in turn")
    parser.add_argument("--kind", choices=("local", "memory"), default="memory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first that breaks")
    asked = parser.parse_args()
    warm_up()
    with tempfile.TemporaryDirectory(prefix="rasreconcile-") as scratch:
        kind = Memory() if asked.kind == "memory" else Local()
        study = FailingStudy(Path(scratch) / "study", kind, Mixed())
        study.prepare()
        return _trials(asked, study)


def _trials(asked: argparse.Namespace, study: FailingStudy) -> int:
    study.begin()
    try:
        points = study.controller().points
    finally:
        study.kind.end()
    named, moments = by_name(points), random.Random(asked.seed)
    names, hows = sorted(named), asked.how or HOW
    began, ends, broken = time.monotonic(), Counter[str](), 0
    for number in range(asked.trials):
        study.how = hows[number % len(hows)]
        # Half of them anywhere, half evenly over the kinds of calls.
        at = moments.randint(1, len(points)) if number % 2 else moments.choice(named[moments.choice(names)])
        try:
            ended = trial(study, at)
            ends[f"{study.how:14} exit {ended.code}"] += 1
        except Broken as error:
            broken += 1
            print(f"BROKEN: {study.how} at {at} of {len(points)}, trial {number + 1}: {error}", flush=True)
            if not asked.keep_going:
                break
    took = time.monotonic() - began
    print(
        f"failing: {asked.trials} trials at {len(points)} points of {len(names)} kinds, {broken} broken, {took:.0f} s"
    )
    for name, count in sorted(ends.items()):
        print(f"  {count:6} {name}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
