"""`python -m tests.reliability.full`: at many points the disk under the controller is full, or read-only, from then on.

The disks are real ones, small tmpfs: that of the store, that of the results, that of the worker, or all three. At the
chosen point another program takes the last byte, and whatever becomes free. The controller must come to an end by
itself, say what to do, and have lost and spoilt nothing; when there is room again a plain apply finishes the work.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import faulthandler
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.kinds import Local
from tests.reliability.points import Points
from tests.reliability.scenarios import Mixed
from tests.reliability.study import Broken, Ended, Study, warm_up
from tests.reliability.trials import Reader, by_name, check

SIZES = {"store": 8 << 20, "results": 8 << 20, "runs": 160 << 20}
"""Bytes; a worker wants a hundred megabytes free before it is given a run."""
DISKS = (*SIZES, "all")
HOW = ("stays", "freed", "read-only")
"""The disk stays full, has room again after a second, or is read-only from then on."""
SKIPPED = 77
"""Exit code where nothing can be mounted."""
LONGEST = 110
"""Seconds in which a controller must end by itself; then it tells where each thread is."""
SAYS_SO = re.compile(r"full|only 0 MB are free|No space left|read-only|Read-only")
REMEDY = re.compile(
    r"free some space|make it writable|this user may write to|make the folder writable|set `state:`|set"
    r" worker_folder"
)

# As they were before points are counted.
_open, _unlink = os.open, os.unlink
_libc = ctypes.CDLL(None, use_errno=True)
_READ_ONLY, _REMOUNT, _RECURSIVE, _PRIVATE, _NEW_MOUNTS = 1, 1 << 5, 1 << 14, 1 << 18, 1 << 17


@dataclass(frozen=True)
class Disk:
    """A small disk of its own at `place`."""

    place: Path
    size: int

    def mount(self) -> None:
        self.place.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=700", "tmpfs", str(self.place)]
        subprocess.run(command, check=True, capture_output=True)

    def unmount(self) -> None:
        while os.path.ismount(self.place):
            subprocess.run(["umount", "-l", str(self.place)], check=True)

    def fill(self) -> None:
        """To the last byte."""
        ballast = _open(self.place / "ballast", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            while free := os.statvfs(self.place).f_bavail:
                with suppress(OSError):  # somebody else took some of it meanwhile
                    os.posix_fallocate(
                        ballast, os.fstat(ballast).st_size, free * os.statvfs(self.place).f_frsize
                    )
        finally:
            os.close(ballast)

    def free(self) -> None:
        with suppress(FileNotFoundError):
            _unlink(self.place / "ballast")

    def set_read_only(self, flag: int = _READ_ONLY) -> bool:
        """False while somebody has a file of it open for writing."""
        if _libc.mount(None, os.fsencode(self.place), None, _REMOUNT | flag, None) == 0:
            return True
        if ctypes.get_errno() == errno.EBUSY:
            return False
        raise OSError(ctypes.get_errno(), "remounting", str(self.place))

    def set_writable(self) -> None:
        self.set_read_only(0)


@dataclass
class FullStudy(Study):
    """A study on three disks. `which` and `how` are those of the next trial."""

    store: str = "store/state.db"
    which: str = "all"
    how: str = "stays"
    disks: dict[str, Disk] = field(default_factory=dict)

    def begin(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, size in SIZES.items():
            self.disks[name] = Disk(self.folder / name, size)
            self.disks[name].mount()
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        self.scenario.change(self.folder)
        self.kind.begin(self.folder, self.scenario)

    def end(self) -> None:
        for disk in self.disks.values():
            disk.unmount()

    def points(self, tell: int, die_at: int | None) -> Points:
        faulthandler.dump_traceback_later(LONGEST, exit=True, file=2)
        return Points(tell, die_at, instead=self.befall)

    @property
    def chosen(self) -> list[Disk]:
        return list(self.disks.values()) if self.which == "all" else [self.disks[self.which]]

    def befall(self) -> bool:
        """What happens to the disks at the point; in the controller's process."""
        if self.how == "read-only":
            return all(disk.set_read_only() for disk in self.chosen)
        for disk in self.chosen:
            disk.fill()
        threading.Thread(target=self._keep_full, daemon=True).start()
        return True

    def _keep_full(self) -> None:
        until = time.monotonic() + (1.0 if self.how == "freed" else LONGEST)
        while time.monotonic() < until:
            for disk in self.chosen:
                disk.fill()
            time.sleep(0.005)
        self.make_room()

    def make_room(self) -> None:
        for disk in self.chosen:
            disk.set_writable()
            disk.free()


def trial(study: FullStudy, at: int) -> Ended:
    """The disk is full from point `at` on. Raises Broken where something that must be so is not."""
    study.begin()
    reader = Reader(study)
    try:
        hurt = study.controller(at)
        _check_end(study, hurt)
        study.make_room()
        mended = study.controller()
        again = study.controller()
    finally:
        wrong, seen = reader.stop()
        study.kind.end()
    if mended.code != 0:
        raise Broken(f"with room again it ended with {mended.code}: {mended.said}\nbefore: {hurt.said}")
    if "nothing to do" not in again.said:
        raise Broken(f"a third apply had work to do: {again.said}")
    if wrong:
        raise Broken("the reader saw: " + "; ".join(wrong[:5]))
    check(study, seen, 0, losing=study.which in {"runs", "all"})
    return hurt


def _check_end(study: FullStudy, hurt: Ended) -> None:
    """It came to its end by itself, said what is the matter, and claims nothing that is not so."""
    told = f"{study.which} {study.how}: exit {hurt.code}: {hurt.said}"
    if "Traceback" in hurt.said or "Exception" in hurt.said or "Thread 0x" in hurt.said:
        raise Broken(f"a traceback: {told}")
    if hurt.code not in _codes(study.which):
        raise Broken(f"not an exit code for that: {told}")
    if hurt.code != 0 and not (SAYS_SO.search(hurt.said) and REMEDY.search(hurt.said)):
        raise Broken(f"what is the matter, and what to do, was not told: {told}")
    _check_claims(study)


def _codes(which: str) -> set[int]:
    """0: what was left to do needed no room there."""
    return {"store": {0, 1}, "results": {0, 4}, "runs": {0, 4}}.get(which, {0, 1, 4})


def _check_claims(study: FullStudy) -> None:
    """What the store takes for published is there; nothing is current that is not."""
    copy = study.folder / "copy"
    copy.mkdir()
    for path in (study.folder / "store").glob("state.db*"):
        shutil.copy(path, copy)
    with closing(sqlite3.connect(copy / "state.db")) as store, store:
        rows = store.execute("SELECT path, digest FROM output WHERE current = 1").fetchall()
    store.close()
    shutil.rmtree(copy)
    if not rows:
        raise Broken("the store has forgotten its results")
    from rasreconcile.results.publish import digest_file

    for path, digest in rows:
        if digest == study.scenario.good(study.folder, "Willow/p01") and digest_file(Path(path))[1] != digest:
            raise Broken(f"{path} is told to be published and is not there")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.full", description=__doc__)
    parser.add_argument("--disk", choices=DISKS, action="append", help="which is full; default: each in turn")
    parser.add_argument("--how", choices=HOW, action="append", help="default: each in turn")
    parser.add_argument("--trials", type=int, default=100, help="0: every point once with each disk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first that breaks")
    asked = parser.parse_args()
    variants = [
        (disk, how)
        for how in asked.how or HOW
        for disk in asked.disk or DISKS
        if how != "read-only" or disk in {"results", "runs"}
    ]
    if not _have_own_mounts():
        print("this machine lets nobody mount a small disk")
        return SKIPPED
    warm_up()
    with tempfile.TemporaryDirectory(prefix="rasreconcile-") as scratch:
        study = FullStudy(Path(scratch) / "study", Local(), Mixed())
        study.prepare()
        try:
            return _trials(asked, study, variants)
        finally:
            study.kind.end()
            study.end()


def _have_own_mounts() -> bool:
    """From now on what is mounted is seen by this process and its children only, and ends with them."""
    if sys.platform != "linux" or _libc.unshare(_NEW_MOUNTS) != 0:
        return False
    return _libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None) == 0


def _trials(asked: argparse.Namespace, study: FullStudy, variants: Sequence[tuple[str, str]]) -> int:
    study.begin()
    points = Study.controller(study).points
    study.kind.end()
    named = by_name(points)
    moments = random.Random(asked.seed)
    names = sorted(named)
    chosen = [
        (moments.randint(1, len(points)) if n % 2 else moments.choice(named[moments.choice(names)]), variant)
        for n, variant in ((n, variants[n % len(variants)]) for n in range(asked.trials))
    ] or [(at, variant) for variant in variants for at in range(1, len(points) + 1)]
    began, ends, broken, number = time.monotonic(), Counter[str](), 0, 0
    for number, (at, (study.which, study.how)) in enumerate(chosen, start=1):
        try:
            ended = trial(study, at)
            ends[f"{study.which:8} {study.how:10} exit {ended.code}"] += 1
        except Broken as error:
            broken += 1
            print(
                f"BROKEN: {study.which} {study.how} at point {at} of {len(points)}, trial {number}: {error}",
                flush=True,
            )
            if not asked.keep_going:
                break
    took = time.monotonic() - began
    print(f"full: {number} trials at {len(points)} points, {broken} broken, {took:.0f} s")
    for name, count in sorted(ends.items()):
        print(f"  {count:6} {name}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
