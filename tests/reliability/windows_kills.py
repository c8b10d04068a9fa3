"""`python -m tests.reliability.windows_kills --trials 20`: kill the controller on Windows at many points.

Without forks: each controller is the real command line in a process of its own that ends itself (TerminateProcess) before or
after one of its effects. `python -m tests.reliability` does more of it, on POSIX.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rasreconcile.results.receipts import read_receipt
from rasreconcile.runs import LIVE
from rasreconcile.store import lock
from tests.reliability.points import KILLED_WITH, MARK, Points

REPOSITORY = Path(__file__).parents[2]
PLANS = ("01", "02")
LONGEST = 600.0
COMPUTE = """\
import os, shutil, sys
open(os.path.join({folder!r}, "ran", sys.argv[1] + "." + str(os.getpid())), "x").close()
shutil.copy({ready!r}, sys.argv[2])
"""


class Broken(AssertionError):
    """Something that must be so is not."""


@dataclass
class Study:
    """Two plans whose results are published, and whose geometry has changed since."""

    folder: Path

    def lay_out(self) -> None:
        """Version 1, published by an undisturbed controller."""
        self.folder.mkdir()
        for path in (REPOSITORY / "specs" / "demo").iterdir():
            shutil.copy(path, self.folder)
        script = self.folder / "compute.py"
        ready = str(self.folder / "ready.hdf")
        script.write_text(COMPUTE.format(folder=str(self.folder), ready=ready), "utf-8")
        command = [sys.executable, "-I", "-S", str(script), "{plan}", "{output}"]
        spec = {
            "version": 1,
            "state": "state.db",
            "results": "results",
            "engine": {"type": "command", "command": command},
            "workers": {"desk": {"type": "local", "worker_folder": "runs", "cores_total": 2}},
            "plans": [{"project": "Willow.prj", "numbers": list(PLANS), "expect": {"completed": False}}],
        }
        # YAML has all of JSON.
        (self.folder / "spec.yaml").write_text(json.dumps(spec), "utf-8")
        self.want(1)
        code, _ = self.controller(None)
        if code != 0:
            raise Broken(f"version 1 was not applied: {self.said()}")
        shutil.copytree(self.folder, self.template)

    @property
    def template(self) -> Path:
        return self.folder.with_name("template")

    def begin(self) -> None:
        """Version 1 is published, version 2 is wanted."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.template, self.folder)
        self.want(2)
        geometry = self.folder / "Willow.g01"
        geometry.write_bytes(geometry.read_bytes().replace(b"Geom Title=", b"Geom Title=New "))

    def want(self, version: int) -> None:
        import h5py

        shutil.rmtree(self.folder / "ran", ignore_errors=True)
        (self.folder / "ran").mkdir()
        with h5py.File(self.folder / "ready.hdf", "w") as file:
            file["x"] = [float(version)] * 1000

    def controller(self, die_at: int | None) -> tuple[int, list[str]]:
        """Its exit code, and the points it reached; where it dies the last one is where."""
        told = self.folder.with_name("told")
        words = [sys.executable, "-m", __spec__.name, "controller", str(told), str(die_at or 0)]
        with (self.folder / "said").open("wb") as said, told.open("wb"):
            environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            done = subprocess.run(
                words,
                env=environment,
                cwd=self.folder,
                stdout=said,
                stderr=said,
                timeout=LONGEST,
                check=False,
            )
        return done.returncode, [name.decode() for name in told.read_bytes().split(MARK)[:-1]]

    def said(self) -> str:
        return (self.folder / "said").read_text("utf-8", errors="replace")

    def digests(self) -> list[str]:
        """Of the results, as anybody finds them. Raises Broken: one is gone."""
        try:
            return [_digest(self.result(number)) for number in PLANS]
        except FileNotFoundError as error:
            raise Broken(f"a result is gone: {error}") from error

    def result(self, number: str) -> Path:
        results = self.folder / "results"
        return next(results.rglob(f"Willow.p{number}.hdf"), results / f"Willow.p{number}.hdf")

    def trial(self, moments: random.Random, most: int) -> list[str]:
        """The points at which its controllers died. Raises Broken."""
        self.begin()
        old, new = set(self.digests()), _digest(self.folder / "ready.hdf")
        died: list[str] = []
        at: int | None = moments.randrange(1, most + 1)
        while True:
            code, points = self.controller(at)
            if wrong := set(self.digests()) - old - {new}:
                raise Broken(f"after {points[-1:]} a result is neither the old one nor the new one: {wrong}")
            if code != KILLED_WITH:
                break
            died += points[-1:]
            at = moments.randrange(1, most + 1) if moments.random() < 0.4 and len(died) < 3 else None
        if code != 0:
            raise Broken(f"it ended with {code}: {self.said()}")
        self.check(new)
        return died

    def check(self, new: str) -> None:
        """All is published, was computed once, and nothing is left."""
        for number in PLANS:
            receipt = read_receipt(self.result(number))
            if _digest(self.result(number)) != new or receipt is None or receipt.digest != new:
                raise Broken(f"p{number}: the result or its receipt is not the new one")
        counts = sorted(path.name.rpartition(".")[0] for path in (self.folder / "ran").iterdir())
        if counts != [f"Willow.p{number}" for number in PLANS]:
            raise Broken(f"computed {counts}")
        with closing(sqlite3.connect(self.folder / "state.db")) as store:
            live = ", ".join(f"'{state}'" for state in LIVE)
            if found := store.execute(f"SELECT id FROM run WHERE state IN ({live})").fetchall():
                raise Broken(f"live runs: {found}")
            if store.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise Broken("the store is damaged")
        until = time.monotonic() + LONGEST
        while left := self.left_over():
            if time.monotonic() > until:
                raise Broken(f"left: {left}")
            time.sleep(0.05)
        held = lock.take(self.folder / "state.db")
        if held is None:
            raise Broken("the lock is held by nobody")
        held.release()

    def left_over(self) -> list[str]:
        halves = [p for p in self.folder.rglob("*") if p.name.endswith((".part", ".gone", ".new"))]
        return [
            str(p) for p in (*halves, *(p for p in (self.folder / "runs").iterdir() if p.name != "cache"))
        ]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _controller(told: str, die_at: int) -> int:
    from rasreconcile.cli.verbs import run

    Points(os.open(told, os.O_WRONLY | os.O_APPEND), die_at or None).install()
    return run(["apply", "spec.yaml", "--quiet"])


def main() -> int:
    if sys.argv[1:2] == ["controller"]:
        return _controller(sys.argv[2], int(sys.argv[3]))
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.windows_kills", description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="rasreconcile-kills-"))
    study, broken, names = Study(place / "study"), 0, list[str]()
    study.lay_out()
    # How many points there are: counted by a controller that nobody kills.
    study.begin()
    most = len(study.controller(None)[1])
    print(f"{most} points", flush=True)
    for number in range(asked.trials):
        try:
            died = study.trial(random.Random(asked.seed * 100_000 + number), most)
        except Broken as error:
            broken += 1
            print(f"seed {asked.seed}, trial {number} broke: {error}", flush=True)
        else:
            names += died
            print(f"trial {number}: {', '.join(died) or 'ended before its point'}", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    print(f"{asked.trials} trials, {len(names)} kills at {len(set(names))} kinds of points, {broken} broken")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
