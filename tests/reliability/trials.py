"""Trials: a controller that is killed at a chosen point, started again until it ends, and what must then be so."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rasreconcile.results.receipts import read_receipt
from rasreconcile.runs import LIVE
from rasreconcile.store import lock
from tests.reliability.scenarios import APPLY, CURRENT
from tests.reliability.study import Broken, Study

KILLED = -signal.SIGKILL


class Reader:
    """A process that reads every result as fast as it can, and tells of each that was gone, and of all it read."""

    def __init__(self, study: Study) -> None:
        told, tell = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(told)
            _read_on([study.folder / "results" / name for name in study.scenario.outputs()], tell)
        os.close(tell)
        self._told = os.fdopen(told, "rb")

    def stop(self) -> tuple[list[str], Mapping[str, list[str]]]:
        """What was wrong, and the digests each path had."""
        os.kill(self._pid, signal.SIGTERM)
        wrong: list[str] = []
        seen: dict[str, list[str]] = {}
        for line in self._told.read().decode().splitlines():
            word, _, rest = line.partition(" ")
            if word == "wrong":
                wrong.append(rest)
            else:
                seen.setdefault(rest, []).append(word)
        os.waitpid(self._pid, 0)
        self._told.close()
        return wrong, seen


def _read_on(paths: Sequence[Path], tell: int) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    last: dict[Path, bytes] = {}
    while True:
        ending = bool(stopped)
        for path in paths:
            try:
                data = path.read_bytes()
            except OSError as error:
                # What was never there may come later.
                if path in last or not isinstance(error, FileNotFoundError):
                    os.write(tell, f"wrong {path}: {error}\n".encode())
                continue
            if data != last.get(path):
                last[path] = data
                os.write(tell, f"{hashlib.sha256(data).hexdigest()} {path}\n".encode())
        if ending:
            os._exit(0)
        time.sleep(0.004)


def trial(study: Study, moments: random.Random, die_at: int) -> tuple[str, ...]:
    """Killed at `die_at`, perhaps once or twice again, then left alone until it ends. The points where it died.

    Raises Broken where something that must be so is not.
    """
    scenario = study.scenario
    died: list[str] = []
    try:
        study.begin()
        reader = Reader(study)
        try:
            study.set_going()
            at: int | None = die_at
            while True:
                ended = study.controller(at, scenario.argv)
                if ended.code != KILLED:
                    break
                died += ended.points
                at = moments.randrange(1, 250) if moments.random() < 0.4 and len(died) < 4 else None
            if scenario.then is not None:
                study.controller(None, scenario.then)
            again = study.controller(None, APPLY)
        finally:
            wrong, seen = reader.stop()
        if ended.code != scenario.ends:
            raise Broken(f"it ended with {ended.code}: {ended.said}")
        code, words = scenario.again
        if again.code != code or words not in again.said:
            raise Broken(f"a second apply ended with {again.code}: {again.said}")
        if wrong:
            raise Broken("the reader saw: " + "; ".join(wrong[:5]))
        check(study, seen, len(died))
    finally:
        study.kind.end()
    return tuple(died)


def check(study: Study, seen: Mapping[str, list[str]], kills: int, *, losing: bool = False) -> None:
    """What must be published is, everything was computed as often as it had to be, and nothing is left.

    `losing`: runs may have been lost by their worker, or failed for what they could not write there although there was
    room again at their end, and those computed once more.
    """
    scenario = study.scenario
    for plan in scenario.plans:
        path = study.folder / "results" / scenario.output(plan)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if scenario.good(study.folder, plan) not in {digest, None}:
            raise Broken(f"{path} is not the result that must be there")
        receipt = read_receipt(path)
        if receipt is None or receipt.digest != digest:
            raise Broken(f"{path}: its receipt is of another file")
    for name in scenario.outputs():
        last, first = study.folder / "results" / name, study.template / "results" / name
        # What version 1 did not have is there once.
        good = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (first, last) if p.exists()]
        if seen[str(last)] not in (good, good[:1], good[1:]) or seen[str(last)][-1] != good[-1]:
            raise Broken(f"the reader saw {last} as {seen[str(last)]}, good were {good}")
    kept, lost = _check_store(study, losing=losing)
    _check_counts(study.kind.computations(), scenario.computed, lost)
    _check_files(study)
    _soon(lambda: study.kind.left_over(kept, kills), "left on the worker")


def _check_counts(counts: Mapping[str, int], needed: Mapping[str, int], lost: Mapping[str, int]) -> None:
    for plan in {*counts, *needed}:
        count, least = counts.get(plan, 0), needed.get(plan, 0)
        if not least <= count <= (least + lost.get(plan, 0) if least else 0):
            again = f", and once more at most for each of {dict(lost)}" if lost else ""
            raise Broken(f"computed {dict(counts)}, expected {dict(needed)}{again}")


def _check_store(study: Study, *, losing: bool) -> tuple[list[str], Mapping[str, int]]:
    """The runs whose run directories may be kept, and how many runs of each plan were lost."""
    scenario = study.scenario
    store = sqlite3.connect(f"{study.state.as_uri()}?mode=ro", uri=True)
    try:
        live = ", ".join(f"'{state}'" for state in LIVE)
        for what, query in {
            "live runs": f"SELECT id, state FROM run WHERE state IN ({live})",
            "two results for one fingerprint": "SELECT address, fingerprint FROM run WHERE state = 'succeeded'"
            " GROUP BY 1, 2 HAVING count(*) > 1",
            "two outputs of one run": "SELECT address, run FROM output GROUP BY 1, 2 HAVING count(*) > 1",
            "open requests": "SELECT * FROM request WHERE closed IS NULL",
            "broken references": "PRAGMA foreign_key_check",
        }.items():
            if found := store.execute(query).fetchall():
                raise Broken(f"{what}: {found}")
        if store.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise Broken("the store is damaged")
        gone = "SELECT id, address, state FROM run WHERE state IN ('lost', 'cancelled')"
        lost = [
            row
            for row in store.execute(gone)
            if row[1:] not in {(p, "cancelled") for p in scenario.cancelled}
        ]
        if lost and not losing:
            raise Broken(f"runs that came to no end of their own: {lost}")
        cancelled = store.execute(
            "SELECT count(DISTINCT address) FROM run WHERE state = 'cancelled'"
        ).fetchone()[0]
        if cancelled < len(scenario.cancelled):
            raise Broken(f"cancelled are runs of {cancelled} plans, not of {scenario.cancelled}")
        verdicts = {
            a: (sync, phase) for a, sync, phase in store.execute("SELECT address, sync, phase FROM verdict")
        }
        odd = {
            plan: found for plan, found in verdicts.items() if found != scenario.verdicts.get(plan, CURRENT)
        }
        if odd or verdicts.keys() < set(scenario.plans):
            raise Broken(f"plans that did not end as they must: {odd or verdicts}")
        if why := scenario.check(store):
            raise Broken(why)
        failed = store.execute("SELECT id, address FROM run WHERE state = 'failed'").fetchall()
        again = Counter(f"Willow.{row[1][-3:]}" for row in lost)
        if losing:
            again += Counter(f"Willow.{row[1][-3:]}" for row in failed) - Counter(
                {plan: count - 1 for plan, count in scenario.computed.items()}
            )
        return [row[0] for row in failed + lost], again
    finally:
        store.close()


def _check_files(study: Study) -> None:
    outputs = {Path(name).name for name in study.scenario.outputs()}
    expected = outputs | {f"{name}.receipt.json" for name in outputs if name.endswith(".hdf")}
    for path in (study.folder / "results").rglob("*"):
        if path.is_file() and path.name not in expected:
            raise Broken(f"left: {path}")
    if halves := [
        str(path) for path in study.folder.rglob("*") if path.name.endswith((".part", ".gone", ".new"))
    ]:
        raise Broken(f"left: {halves}")
    known = {path.name for path in study.template.iterdir()}
    more = {f"{study.store}{end}" for end in ("", "-journal", "-wal", "-shm", ".lock")}
    if (
        left := {path.name for path in study.folder.iterdir()}
        - known
        - more
        - {"said", "ran", "runs", "world"}
    ):
        raise Broken(f"left: {left}")
    held = lock.take(study.state)
    if held is None:
        raise Broken("the lock is held by nobody")
    held.release()


def _soon(left: Callable[[], list[str]], what: str) -> None:
    """What ends by itself gets a moment."""
    until = time.monotonic() + 60
    while found := left():
        if time.monotonic() > until:
            raise Broken(f"{what}: {found}")
        time.sleep(0.02)


def by_name(points: Sequence[str]) -> Mapping[str, list[int]]:
    """The points (from 1) of each name."""
    found: dict[str, list[int]] = {}
    for number, name in enumerate(points, start=1):
        found.setdefault(name, []).append(number)
    return found
