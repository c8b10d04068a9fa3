"""Looking at run directories: on this machine directly, elsewhere by one shell script that tells of many."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import RunId
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.run_files import Claim, RunFiles

if sys.platform == "win32":
    from rasreconcile.workers.windows_kernel import began_before_boot, start_of

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
_LONGEST_WORD = 200


def look_here(
    folder: Path, runs: Iterable[RunId], goes_on: Callable[[RunId, Claim], bool] | None = None
) -> Mapping[RunId, RunFiles | None]:
    """What lies in each run directory below `folder`; None: there is none.

    `goes_on` knows who is alive where the processes are not of this machine, as those of containers.
    """
    alive = goes_on or is_alive
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
        raise Unreachable(f"the answer does not mention {missing[0]}: it was cut short", "it is asked again")
    return {run: _told(told[run]) for run in runs}


if sys.platform == "win32":

    def is_alive(run: RunId, claim: Claim) -> bool:
        """Whether the process that made the claim is still there, on this machine."""
        return str(start_of(claim.pid)) == claim.start

    def _was_restarted(started: str | None) -> bool:
        claim = run_files.claim_of(started or "")
        return (
            claim is not None and claim.start.isdecimal() and began_before_boot(int(claim.start), time.time())
        )

else:

    def is_alive(run: RunId, claim: Claim) -> bool:
        """Whether the process that made the claim is still there, on this machine, and is the runner of this run.

        A job can write down any process: one that is not its runner would be waited for until it ends.
        """
        if boot_id() is None:
            return _start_by_ps(claim.pid) == claim.start
        if boot_id() != claim.boot:
            return False
        said = text_of(Path(f"/proc/{claim.pid}/stat"))
        fields = said.rpartition(") ")[2].split(" ") if said else []
        is_there = len(fields) > 19 and fields[0] not in {"Z", "X"} and fields[19] == claim.start
        return is_there and f"/{run}/{rundir.RUNNER}" in (text_of(Path(f"/proc/{claim.pid}/cmdline")) or "")

    def _was_restarted(started: str | None) -> bool:
        """Whether this machine was, since the claim was made."""
        claim = run_files.claim_of(started or "")
        return claim is not None and boot_id() is not None and claim.boot != boot_id()


@cache
def boot_id() -> str | None:
    """Names the time since this machine was started; None where the system has no such name."""
    # Wine shows Linux's.
    text = None if sys.platform == "win32" else text_of(Path("/proc/sys/kernel/random/boot_id"))
    return text.strip() if text else None


def text_of(path: Path) -> str | None:
    """A file of the system's own; None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None


def _found(place: Path, goes_on: Callable[[Claim], bool]) -> RunFiles | None:
    match controls.kind_of(place):
        case None:
            return None
        case "a directory":
            pass
        case kind:
            return RunFiles(damage=f"run directory is {kind}")
    started, no_claim = _read(place, rundir.STARTED)
    done, no_end = _read(place, rundir.DONE)
    if done is None or run_files.ended_of(done) is None:
        claim = run_files.claim_of(started or "")
        if claim is not None and goes_on(claim):
            return RunFiles(
                started=started,
                alive=True,
                heartbeat=_mtime(place / rundir.HEARTBEAT),
                log_size=_size(place / rundir.LOG),
                growth=_mtime(place / rundir.GROWTH),
            )
        # It may have ended between the two looks: its end is written before it goes.
        done, no_end = _read(place, rundir.DONE)
    damage = no_end or ("" if done is not None else no_claim)
    queued, lost_start = _launched(place) if started is None else (False, "")
    return RunFiles(
        started=started,
        queued=queued,
        lost_start=lost_start,
        done=done,
        unwritten=_stat(place / rundir.UNWRITTEN) is not None,
        restarted=_was_restarted(started),
        damage=damage,
    )


def _launched(place: Path) -> tuple[bool, str]:
    """Whether the runner of an unclaimed run is about to begin here, and why it will not any more."""
    launched, failed = _mtime(place / rundir.LAUNCHED), _stat(place / rundir.UNCLAIMED) is not None
    if not failed and launched is not None and 0 <= time.time() - launched < run_files.CLAIM_SECONDS:
        return True, ""
    if not failed and launched is None:
        return False, ""
    complaints, _ = _read(place, rundir.COMPLAINTS)
    last = (complaints or "").strip().rpartition("\n")[2][-_LONGEST_WORD:]
    return False, run_files.lost_start("failed" if failed else "late", last)


def _read(place: Path, name: str) -> tuple[str | None, str]:
    """A control file, and why what stands for it is none."""
    try:
        return controls.text(place, name), ""
    except Unfit as error:
        return None, str(error)


def _told(lines: Iterable[str]) -> RunFiles | None:
    words: dict[str, list[str]] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        words.setdefault(word, []).append(rest)
    if "directory" not in words and "damage" not in words:
        return None
    return RunFiles(
        started=_joined(words.get("started")),
        queued="queued" in words,
        lost_start=_lost_start(words),
        done=_joined(words.get("done")),
        alive="alive" in words,
        unwritten="unwritten" in words,
        restarted="restarted" in words,
        heartbeat=number_of("heartbeat", words),
        log_size=int(number_of("log", words) or 0),
        growth=number_of("growth", words),
        damage=words.get("damage", [""])[0][:_LONGEST_WORD],
    )


def _lost_start(words: Mapping[str, Sequence[str]]) -> str:
    for how in run_files.LOST_STARTS:
        if how in words:
            return run_files.lost_start(how, words[how][0][:_LONGEST_WORD])
    return ""


def number_of(name: str, words: Mapping[str, Sequence[str]]) -> float | None:
    """What a host said in a line `NAME NUMBER`; None: it said none. Raises Unreachable where it is not a number."""
    if name not in words:
        return None
    said = words[name][0]
    if not _NUMBER.fullmatch(said):
        what = f"it answers `{name} {said[:_LONGEST_WORD]}`, which is not a number"
        raise Unreachable(f"{what}", "see what its shell and its programs print")
    return float(said)


def _joined(lines: list[str] | None) -> str | None:
    return None if lines is None else "".join(f"{line}\n" for line in lines)


def _start_by_ps(pid: int) -> str:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    # As the runner writes it.
    return re.sub(" +", "_", found.stdout.rstrip("\n"))


def _mtime(path: Path) -> float | None:
    found = _stat(path)
    return found.st_mtime if found else None


def _size(path: Path) -> int:
    found = _stat(path)
    return found.st_size if found and stat.S_ISREG(found.st_mode) else 0


def _stat(path: Path) -> os.stat_result | None:
    """None where there is nothing, or the job has taken the right to look."""
    try:
        return path.lstat()
    except (FileNotFoundError, PermissionError):
        return None
