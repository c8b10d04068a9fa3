"""The queue: what squeue, sacct and the log of a job say, and what that means for a run. PURE."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import RunId
from rasreconcile.workers.run_files import claim_of

ARRAY = "rasreconcile-"
"""How the name of an array of jobs begins; a token follows. One job alone has the name of its run."""
COLUMNS = "%A|%F|%K|%T|%r|%M|%N|%j"
"""Job, array, index, state, reason, time used, nodes, name: none with a width, which would cut it short."""
_ROW = re.compile(
    r"([0-9]{1,12})\|([0-9]{1,12})\|([^|]*)\|([A-Z_]+)\|([^|]*)\|([^|]*)\|([^|]*)\|(.+)", re.ASCII
)
_ACCOUNTED = re.compile(r"([0-9]{1,12})\|([A-Z_]+)(?: by [0-9]+|\+)?\|([^|]*)\|(.*)", re.ASCII)
_ELAPSED = re.compile(r"(?:([0-9]{1,4})-)?(?:([0-9]{1,2}):)?([0-9]{1,2}):([0-9]{2})(?:\.[0-9]+)?", re.ASCII)
_JOB = re.compile(r"^job ([0-9]{1,12})$", re.MULTILINE | re.ASCII)

WAITING = frozenset(
    {
        "PENDING",
        "REQUEUED",
        "REQUEUE_FED",
        "REQUEUE_HOLD",
        "RESV_DEL_HOLD",
        "SPECIAL_EXIT",
    }
)
"""It is in the queue and runs nowhere, however long. What is held waits for a person."""
OVER = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "LAUNCH_FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "RECONFIG_FAIL",
        "REVOKED",
        "TIMEOUT",
    }
)
"""It will not run any more. Any other word, also one that a later Slurm may invent, means that it goes on."""

EndKind = Literal["time limit", "out of memory", "killed"]


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """One row of the queue. An element of an array is a job of its own."""

    id: int
    """As the job itself is told, in SLURM_JOB_ID; of an element that waits, that of the array."""
    name: str
    state: str
    index: int | None = None
    """In its array."""
    array: int = 0
    reason: str = ""
    used: timedelta | None = None
    """How long it has run."""
    nodes: str = ""

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def goes_on(self) -> bool:
        return not self.waits and not self.is_over

    @property
    def called(self) -> str:
        """As scancel and people call it."""
        return str(self.id) if self.index is None else f"{self.array}_{self.index}"


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended that left no done.json."""

    kind: EndKind
    words: str


def parse_queue(printed: str) -> Mapping[RunId, tuple[QueuedJob, ...]]:
    """The jobs of each run, from lines `job ROW`, `member TOKEN RUN` and a last `queue whole`.

    Raises Unreachable where the queue did not answer, or the answer was cut short: a job that is not mentioned is gone.
    """
    rows: list[QueuedJob] = []
    members: dict[str, list[str]] = {}
    is_whole = False
    for line in printed.splitlines():
        word, _, rest = line.partition(" ")
        if word == "job" and (row := _row(rest)) is not None:
            rows.append(row)
        elif word == "member":
            token, _, member = rest.partition(" ")
            members.setdefault(token, []).append(member)
        elif word == "silent":
            raise Unreachable(f"squeue does not answer: {rest or 'it printed nothing'}", "it is asked again")
        is_whole = is_whole or line == "queue whole"
    if not is_whole:
        raise Unreachable("the answer of squeue was cut short", "it is asked again")
    found: dict[RunId, list[QueuedJob]] = {}
    for row in rows:
        if (run := _run_of(row, members)) is not None:
            found.setdefault(run, []).append(row)
    return {run: tuple(jobs) for run, jobs in found.items()}


def _row(text: str) -> QueuedJob | None:
    # What a wrapper around squeue adds is no row.
    found = _ROW.fullmatch(text)
    if found is None:
        return None
    job, array, index, state, reason, used, nodes, name = found.groups()
    number = int(index) if index.isdecimal() else None
    return QueuedJob(int(job), name, state, number, int(array), reason, elapsed(used), nodes)


def _run_of(row: QueuedJob, members: Mapping[str, Sequence[str]]) -> RunId | None:
    if not row.name.startswith(ARRAY):
        return RunId(row.name)
    runs = members.get(row.name.removeprefix(ARRAY), ())
    return RunId(runs[row.index]) if row.index is not None and row.index < len(runs) else None


def parse_accounts(printed: str) -> Mapping[int, QueuedJob]:
    """By number, what sacct knows of jobs that the queue has forgotten; nothing where nobody keeps accounts."""
    found = {}
    for line in printed.splitlines():
        if (row := _ACCOUNTED.fullmatch(line)) is not None:
            job, state, used, nodes = row.groups()
            found[int(job)] = QueuedJob(int(job), "", state, used=elapsed(used), nodes=nodes)
    return found


def elapsed(text: str) -> timedelta | None:
    """`1-02:03:04`, `02:03:04`, `3:04`; None for what is no time, as `INVALID` or `N/A`."""
    found = _ELAPSED.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def job_of(started: str) -> int | None:
    """The number of the job whose runner made this claim."""
    if claim_of(started) is None:
        return None
    found = _JOB.search(started)
    return int(found[1]) if found else None


_LOGGED: Sequence[tuple[str, str]] = (
    ("oom_kill", "OUT_OF_MEMORY"),
    ("oom-kill", "OUT_OF_MEMORY"),
    ("exceeded memory limit", "OUT_OF_MEMORY"),
    ("exceeded job memory limit", "OUT_OF_MEMORY"),
    ("out of memory", "OUT_OF_MEMORY"),
    ("due to time limit", "TIMEOUT"),
    ("due to node failure", "NODE_FAIL"),
    ("due to preemption", "PREEMPTED"),
    ("due to job requeue", "REQUEUED"),
    ("cancelled at", "CANCELLED"),
)
"""What slurmstepd writes into the log of a job, and the state that it means. The first that is found counts."""

_WORDS = {
    "BOOT_FAIL": "its node could not be started",
    "CANCELLED": "it was cancelled from outside (scancel)",
    "COMPLETED": "its runner was killed, or was started a second time",
    "FAILED": "its runner was killed",
    "LAUNCH_FAILED": "its node could not start it",
    "NODE_FAIL": "its node failed",
    "PENDING": "Slurm has put it back into the queue (requeue)",
    "PREEMPTED": "another job took its place (preemption)",
    "RECONFIG_FAIL": "its node could not be set up",
    "REQUEUED": "Slurm has put it back into the queue (requeue)",
    "REVOKED": "another cluster of the federation took it",
}
_GONE = "the queue has forgotten it, and no accounts are kept"


def logged_state(log: str) -> str | None:
    """The state that the log of a job speaks of."""
    said = log.casefold()
    return next((state for words, state in _LOGGED if words in said), None)


def end_of_job(number: int | None, job: QueuedJob | None, log: str) -> JobEnd:
    """How a job ended whose run left no end; `job`: what Slurm still knows of it; `log`: what it wrote for it."""
    state, logged = (job.state if job else None), logged_state(log)
    # A step that was killed for memory shows as FAILED or CANCELLED where only slurmd watches over it.
    if logged == "OUT_OF_MEMORY" or state is None or (state in {"FAILED", "CANCELLED"} and logged):
        state = logged or state
    called = f"job {number}" if number is not None else "its job"
    where = f" on {job.nodes}" if job and job.nodes else ""
    match state:
        case "TIMEOUT" | "DEADLINE":
            return JobEnd("time limit", f"{called} reached its time limit{where}")
        case "OUT_OF_MEMORY":
            return JobEnd("out of memory", f"{called} ran out of memory{where}")
        case None:
            return JobEnd("killed", f"{called} is gone without recording an exit status: {_GONE}")
        case _:
            why = _WORDS.get(state, "Slurm ended it")
            return JobEnd(
                "killed", f"{called} is gone without recording an exit status: {state}{where}, {why}"
            )


def unclaimed_end(jobs: Collection[QueuedJob]) -> str:
    """Why no run will come of these jobs, which are over and have claimed nothing; empty: there are none."""
    last = max(jobs, key=lambda job: job.id, default=None)
    if last is None:
        return ""
    why = "" if last.reason in {"", "None"} else f" ({last.reason})"
    if last.state == "CANCELLED":
        return f"its job {last.called} was cancelled in the queue{why}"
    hint = "; does every node see worker_folder?" if last.state in {"COMPLETED", "FAILED"} else ""
    return f"its job {last.called} ended as {last.state}{why} before its runner had claimed the run{hint}"


def numbers(jobs: Iterable[QueuedJob]) -> tuple[str, ...]:
    """As scancel takes them."""
    return tuple(job.called for job in jobs)
