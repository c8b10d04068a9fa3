"""Looking at run directories: on this machine directly, elsewhere by one shell script that tells of many."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache, partial
from pathlib import Path

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import RunId
from rasreconcile.workers import rundir
from rasreconcile.workers.rundir import Claim, RunFiles


def look_here(
    folder: Path, runs: Iterable[RunId], goes_on: Callable[[RunId, Claim], bool] | None = None
) -> Mapping[RunId, RunFiles | None]:
    """What lies in each run directory below `folder`; None: there is none.

    `goes_on` knows who is alive where the processes are not of this machine, as those of containers.
    """
    alive = goes_on or (lambda _, claim: is_alive(claim))
    return {run: _found(folder / run, partial(alive, run)) for run in runs}


def parse_looks(printed: str, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
    """The same, from what look.sh printed. Raises Unreachable where it does not speak of every run."""
    told: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in printed.split("\n"):
        word, _, rest = line.partition(" ")
        if word == "run":
            lines = told.setdefault(rest, [])
        elif line:
            lines.append(line)
    if missing := [run for run in runs if run not in told]:
        raise Unreachable(f"the answer does not speak of {missing[0]}: it was cut short; it is asked again")
    return {run: _told(told[run]) for run in runs}


def is_alive(claim: Claim) -> bool:
    """Whether the process that made the claim is still there, on this machine."""
    if boot_id() is None:
        return _start_by_ps(claim.pid) == claim.start
    if boot_id() != claim.boot:
        return False
    stat = text_of(Path(f"/proc/{claim.pid}/stat"))
    fields = stat.rpartition(") ")[2].split(" ") if stat else []
    return len(fields) > 19 and fields[0] not in {"Z", "X"} and fields[19] == claim.start


@cache
def boot_id() -> str | None:
    """Names the time since this machine was started; None where the system has no such name."""
    text = text_of(Path("/proc/sys/kernel/random/boot_id"))
    return text.strip() if text else None


def text_of(path: Path) -> str | None:
    """None where there is no such file."""
    try:
        # Half a character at the end of a damaged file is no reason to fail: the parser will say no.
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None


def _found(place: Path, goes_on: Callable[[Claim], bool]) -> RunFiles | None:
    started = text_of(place / rundir.STARTED)
    done = text_of(place / rundir.DONE)
    if done is None:
        if started is None:
            return RunFiles() if place.is_dir() else None
        claim = rundir.claim_of(started)
        if claim is not None and goes_on(claim):
            log_size = _size(place / rundir.LOG)
            return RunFiles(
                started=started,
                alive=True,
                heartbeat=_mtime(place / rundir.HEARTBEAT),
                log_size=log_size,
                growth=_mtime(place / rundir.GROWTH),
            )
        # It may have ended between the two looks: its end is written before it goes.
        done = text_of(place / rundir.DONE)
    return RunFiles(started=started, done=done, unwritten=(place / rundir.UNWRITTEN).exists())


def _told(lines: Iterable[str]) -> RunFiles | None:
    words: dict[str, list[str]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        words.setdefault(word, []).append(rest)
    if "directory" not in words:
        return None
    return RunFiles(
        started=_joined(words.get("started")),
        done=_joined(words.get("done")),
        alive="alive" in words,
        unwritten="unwritten" in words,
        heartbeat=float(words["heartbeat"][0]) if "heartbeat" in words else None,
        log_size=int(words["log"][0]) if "log" in words else 0,
        growth=float(words["growth"][0]) if "growth" in words else None,
    )


def _joined(lines: list[str] | None) -> str | None:
    return None if lines is None else "".join(f"{line}\n" for line in lines)


def _start_by_ps(pid: int) -> str:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    # As the runner writes it.
    return re.sub(" +", "_", found.stdout.rstrip("\n"))


def _mtime(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
