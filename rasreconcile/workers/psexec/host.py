"""A Windows host behind a share: run directories made, started and watched by the agent that lives there."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeVar

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import rundir
from rasreconcile.workers.cache_gc import batched, held, needless, trimmed
from rasreconcile.workers.inspect import parse_looks
from rasreconcile.workers.listing import parse_listing
from rasreconcile.workers.psexec.agent import DESK, Agent, Told, awaited
from rasreconcile.workers.psexec.desk import furnish
from rasreconcile.workers.psexec.doctor import PROBE, Wanted, problems_of
from rasreconcile.workers.psexec.download import fetch, plain_file
from rasreconcile.workers.psexec.launch import Launcher, port_problem
from rasreconcile.workers.psexec.share import Share
from rasreconcile.workers.psexec.upload import ShareConduit
from rasreconcile.workers.retry import patiently
from rasreconcile.workers.run_files import RunFiles
from rasreconcile.workers.upload import Upload

T = TypeVar("T")

_CLEANING_SECONDS = 600.0
_WAKE_SECONDS = 60.0
"""For compiling the agent, and for starting it on a busy machine."""
_BETWEEN_WAKES = 120.0
_CLAIM_SECONDS = 20.0
_LOST = re.compile("unmade gone ([0-9a-f]{64})", re.ASCII)
_CLAIMED = re.compile(r"\.([a-z0-9-]{1,128})\.[0-9a-f]+\.claimed", re.ASCII)
_INBOX = f"{DESK}/inbox"


class ShareHost:
    """Implements `Host`. Any number of threads, controllers and stores may use one folder."""

    platform: Final = "windows"

    def __init__(self, name: str, share: Share, launcher: Launcher, wanted: Wanted) -> None:
        """`wanted`: what the host is to be like."""
        self._name = name
        self._share = share
        self._launcher = launcher
        self._wanted = wanted
        self._agent = Agent(name, share, launcher.remedy)
        self._arrivals = Upload(ShareConduit(share, self._agent))
        self._woken = -_BETWEEN_WAKES
        self._furnished = False
        self._said = ""
        self._alive: frozenset[RunId] = frozenset()
        """Runs that went on at the last look: what they have not written yet they may still write."""
        self._lock = threading.Lock()

    # ---- runs

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        return patiently(lambda: self._look(runs)) if runs else {}

    def stage(self, inputs: Collection[Staged]) -> None:
        patiently(lambda: self._present(lambda: self._arrivals.bring(inputs)))

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        patiently(lambda: self._present(lambda: self._arrivals.deliver(run, inputs, controls)))

    def launch(self, run: RunId) -> None:
        """What lies in the inbox begins when the agent comes to it.

        Where its status still tells of an earlier start, that would be taken for the end of this one: it is waited for.
        """
        told = patiently(self._agent.status)
        if told is not None and run in told.mentioned:
            awaited(lambda: run not in patiently(self._waiting), _CLAIM_SECONDS)

    def mark(self, run: RunId, name: str) -> None:
        if name != rundir.CANCEL:
            raise Refused(f"{self._name}: {name} is not a mark of this host", "update rasreconcile")
        patiently(lambda: self._share.write(f"{DESK}/cancel/{run}", [b""]))

    def sweep(self, run: RunId) -> None:
        self._ask("sweep", run)

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        try:
            return patiently(lambda: fetch(self._share, run, name, into))
        except FileNotFoundError:
            self._see_no_link(run, f"{rundir.WORK}/{name}")
            raise

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        def once() -> bytes:
            if plain_file(self._share, run, name) is None:
                return b""
            return self._share.read(f"{run}/{name}", offset, limit) or b""

        found = patiently(once)
        if not found and name.startswith(f"{rundir.WORK}/") and run not in self._alive:
            self._see_no_link(run, name)
        return found

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        return parse_listing(self._ask("files", run, patience=_CLEANING_SECONDS))

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        if not paths:
            return ()
        there = set(self._ask("found", *paths).decode(errors="replace").splitlines())
        return tuple(path for path in paths if path in there)

    def ask(self, script: str, words: Sequence[str]) -> str:
        raise Refused(f"{self._name} has no POSIX shell", "ask it by `find`")

    def remove(self, run: RunId) -> None:
        waiting = patiently(lambda: self._share.names(_INBOX))
        # What a controller that was killed had half sent.
        halves = [
            f"{_INBOX}/{name}" for name in waiting if name.startswith(f".{run}.") and name.endswith(".part")
        ]
        for name in (*halves, f"{_INBOX}/{run}", f"{DESK}/cancel/{run}", f"{DESK}/failed/{run}"):
            patiently(lambda name=name: self._share.remove(name))  # type: ignore[misc]  # bound at once
        self._ask("remove", run, secrets.token_hex(4), patience=_CLEANING_SECONDS)

    def runs(self) -> Mapping[RunId, datetime]:
        listed = held(self._listed())
        now = datetime.fromtimestamp(listed.now, UTC) if listed.now else datetime.now(UTC)
        return {**dict.fromkeys(patiently(self._waiting), now), **listed.runs}

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        found = held(self._listed())
        gone = needless(found.cached, now=found.now, unused_for=unused_for, at_most=at_most)
        if how == "remove":
            for names in batched([one.name for one in gone]):
                self._ask("drop", *names, patience=_CLEANING_SECONDS)
            self._arrivals.forget(one.name.rpartition("/")[2] for one in gone)
        return trimmed(gone)

    def problems(self) -> list[Trouble]:
        try:
            self._furnish()
            if not self._is_there():
                said = f": {self._said}" if self._said else ""
                return [Trouble(f"no agent serves its share{said}", self._launcher.remedy)]
            return self._told_by_the_agent()
        except Unreachable as error:
            return [*port_problem(self._wanted.server, self._wanted.port), error.trouble]

    def _told_by_the_agent(self) -> list[Trouble]:
        before = time.time()
        told = self._ask("problems", secrets.token_hex(4), PROBE).decode(errors="replace").splitlines()
        facts = self._ask("facts").decode(errors="replace").splitlines()
        status = self._agent.status()
        return problems_of(
            [*told, *facts],
            now=(before + time.time()) / 2,
            status=status,
            wanted=self._wanted,
        )

    def close(self) -> None:
        self._share.close()

    # ---- the agent

    def _look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        told = self._heard()
        waiting: frozenset[RunId] = frozenset()
        if told is None or not told.mentioned.issuperset(runs):
            # Between the two reads the agent may have begun one: what left the inbox is in the status by then.
            waiting = self._waiting()
            told = self._heard()
        said = told.runs if told is not None else ""
        self._arrivals.forget(lost[1] for line in said.splitlines() if (lost := _LOST.fullmatch(line)))
        known = [run for run in runs if told is not None and run in told.mentioned]
        found = parse_looks(said, known)
        with self._lock:
            self._alive = frozenset(run for run, files in found.items() if files and files.alive)
        return {run: found[run] if run in known else _unseen(run, waiting) for run in runs}

    def _see_no_link(self, run: RunId, name: str) -> None:
        """Raises Damaged where it is one that the server of the share hides, which the host itself sees."""
        self._ask("part_of", run, name, "0", "0")

    def _heard(self) -> Told | None:
        """The status, of an agent that is there. None: there never was one."""
        told = self._agent.status()
        if told is None or self._agent.is_beating():
            return told
        if not self._is_there():
            raise self._agent.silence()
        return self._agent.status()

    def _is_there(self) -> bool:
        """Whether an agent serves the folder; one that does not is started where it can be."""
        told = self._agent.status()
        if self._agent.is_beating():
            return True
        if told is not None and awaited(self._has_beaten, 5.0):
            return True
        with self._lock:
            if self._agent.is_beating():
                return True
            if time.monotonic() - self._woken < _BETWEEN_WAKES or not self._launcher.starts:
                return False
            self._woken = time.monotonic()
            self._furnish()
            self._said = self._launcher.start()
            return awaited(self._has_beaten, _WAKE_SECONDS)

    def _has_beaten(self) -> bool:
        return self._agent.status() is not None and self._agent.is_beating()

    def _waiting(self) -> frozenset[RunId]:
        """Runs that lie in the inbox, or are being taken out of it."""
        names = [_claimed(name) for name in self._share.names(_INBOX)]
        return frozenset(run for name in names if (run := rundir.run_named(name)) is not None)

    def _present(self, call: Callable[[], T]) -> T:
        self._furnish()
        return call()

    def _furnish(self) -> None:
        if not self._furnished:
            furnish(self._share)
            self._furnished = True

    def _listed(self) -> str:
        return self._ask("list", patience=_CLEANING_SECONDS).decode(errors="replace")

    def _ask(self, verb: str, *words: str, patience: float = 60.0) -> bytes:
        return patiently(lambda: self._agent.ask(verb, *words, patience=patience))


def _claimed(name: str) -> str:
    found = _CLAIMED.fullmatch(name)
    return found[1] if found else name


def _unseen(run: RunId, waiting: Collection[RunId]) -> RunFiles | None:
    return RunFiles(queued=True) if run in waiting else None
